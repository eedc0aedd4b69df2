"""Through 200 random cuts, beside a server under load: every face ends with the same sequence."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import trio

import tmuxpulse
from tests.real.loaded import LoadedServer, kill
from tests.real.test_cuts_real import CALM, WEATHER, network
from tmuxpulse.events import PaneError, PaneOutput

CUTS = int(os.environ.get("TMUXPULSE_CLIENT_CUTS", "200"))
RATE = 300
DEADLINE_SECONDS = 200.0

Key = tuple[str, int, str]


class Notes:
    """What one client was given, up to the last event that counts."""

    def __init__(self) -> None:
        self.events: list[Key] = []
        self.odd: list[Any] = []
        self.last = 0  # until known: for ever

    def take(self, event: tmuxpulse.Event) -> bool:
        """Note it; False: it was the last that counts."""
        match event.data:
            case PaneOutput(lines=(line,)):
                self.events.append((event.epoch, event.seq, line))
            case PaneError():
                self.events.append((event.epoch, event.seq, ""))
            case _:
                self.odd.append(event)
        return not self.last or event.seq < self.last


def blocking(url: str, notes: Notes) -> None:
    with tmuxpulse.connect(url=url) as monitor:
        for event in monitor.events(types="pane.*"):
            if not notes.take(event):
                return


def on_trio(url: str, notes: Notes) -> None:
    async def main() -> None:
        async with tmuxpulse.connect_trio(url=url) as monitor:
            async for event in monitor.events(types="pane.*"):
                if not notes.take(event):
                    return

    trio.run(main)


def on_asyncio(url: str, notes: Notes) -> None:
    async def main() -> None:
        async with tmuxpulse.connect_asyncio(url=url) as monitor:
            async for event in monitor.events(types="pane.*"):
                if not notes.take(event):
                    return

    asyncio.run(main())


def newest(place: LoadedServer) -> int:
    with tmuxpulse.connect(unix_socket=place.socket) as monitor:
        return next(monitor.events()).seq


@pytest.mark.timeout(300)
def test_every_face_ends_with_the_same_exact_sequence(tmp_path: Path) -> None:
    place = LoadedServer(tmp_path, rate=RATE, history=False)
    child = place.start()
    faces: dict[str, Callable[[str, Notes], None]] = {
        "blocking": blocking,
        "trio": on_trio,
        "asyncio": on_asyncio,
    }
    notes = {name: Notes() for name in faces}
    deadline = time.monotonic() + DEADLINE_SECONDS
    with network(place.socket, seed=21) as between:
        url = f"ws://127.0.0.1:{between.port}/monitor"
        threads = [
            Thread(target=face, args=(url, notes[name]), daemon=True)
            for name, face in faces.items()
        ]
        for thread in threads:
            thread.start()
        while not all(one.events for one in notes.values()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        turn = 0
        while between.cuts < CUTS:
            assert time.monotonic() < deadline, f"{between.cuts} cuts"
            between.order(**{**CALM, **WEATHER[turn % len(WEATHER)]})
            time.sleep(0.5)
            between.order(cut="reset" if turn % 2 else "close")
            turn += 1
            if turn % len(WEATHER) == 0:
                between.order(**CALM)  # or they fall behind by more than the server keeps
                now = newest(place)
                while any(one.events[-1][1] < now for one in notes.values()):
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
        between.order(**CALM)
        last = newest(place)
        for one in notes.values():
            one.last = last
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        assert between.cuts >= CUTS
    assert kill(child) == b""
    for name, one in notes.items():
        assert one.odd == [], name
        numbers = [seq for _, seq, _ in one.events]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), name
        assert numbers[-1] >= last
        for _, seq, line in one.events:
            assert line == ("" if seq % 5 == 1 else f"line {seq - 1} of some length")
    first = max(one.events[0][1] for one in notes.values())
    same = [[key for key in one.events if first <= key[1] <= last] for one in notes.values()]
    assert same[0] == same[1] == same[2]
    assert len(same[0]) > CUTS
