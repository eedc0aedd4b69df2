"""A program that does not read for a while, beside a server under load: it is told what it missed.

What it was given and what it was told that it missed are, together, everything.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest
import trio

import tmuxpulse
from tests.real.loaded import LoadedServer, kill

RATE = 5_000
MISSED = 40_000  # events while nothing is read: more than the server and the client keep together
AFTER = 1_000  # events that are read again
DEADLINE_SECONDS = 500.0  # of a busy machine, where coverage is measured too
PAUSE_SECONDS = 0.02
WANTED = "pane.*"


class Reader:
    """Takes one event, then none until it may, then all up to the last that counts."""

    def __init__(self, socket: str) -> None:
        self.socket = socket
        self.may_read = Event()
        self.last = 0
        self.found: list[tmuxpulse.Event] = []

    def wait(self) -> None:
        """Wait until it may read again."""
        assert self.may_read.wait(DEADLINE_SECONDS)

    def take(self, event: tmuxpulse.Event) -> bool:
        """Note it; False: it was the last that counts."""
        self.found.append(event)
        return not self.last or event.seq < self.last


def blocking(reader: Reader) -> None:
    with tmuxpulse.connect(unix_socket=reader.socket) as monitor:
        events = monitor.events(types=WANTED)
        reader.take(next(events))
        reader.wait()
        for event in events:
            if not reader.take(event):
                return


def on_trio(reader: Reader) -> None:
    async def main() -> None:
        async with (
            tmuxpulse.connect_trio(unix_socket=reader.socket) as monitor,
            monitor.events(types=WANTED) as events,
        ):
            reader.take(await events.__anext__())
            await trio.to_thread.run_sync(reader.wait)
            async for event in events:
                if not reader.take(event):
                    return

    trio.run(main)


def on_asyncio(reader: Reader) -> None:
    async def main() -> None:
        async with (
            tmuxpulse.connect_asyncio(unix_socket=reader.socket) as monitor,
            monitor.events(types=WANTED) as events,
        ):
            reader.take(await events.__anext__())
            await asyncio.to_thread(reader.wait)
            async for event in events:
                if not reader.take(event):
                    return

    asyncio.run(main())


@pytest.mark.parametrize("face", [blocking, on_trio, on_asyncio])
def test_what_came_and_what_was_missed_are_everything(
    face: Callable[[Reader], None], tmp_path: Path
) -> None:
    place = LoadedServer(tmp_path, rate=RATE, history=False)
    child = place.start()
    reader = Reader(place.socket)
    thread = Thread(target=face, args=(reader,), daemon=True)
    thread.start()
    deadline = time.monotonic() + DEADLINE_SECONDS

    def now() -> int:
        with tmuxpulse.connect(unix_socket=place.socket) as monitor:
            return next(monitor.events()).seq

    while not reader.found or now() < reader.found[0].seq + MISSED:
        assert time.monotonic() < deadline
        time.sleep(PAUSE_SECONDS)
    reader.last = now() + AFTER
    reader.may_read.set()
    thread.join(deadline - time.monotonic())
    assert not thread.is_alive()
    assert kill(child) == b""

    check(reader)


def check(reader: Reader) -> None:
    """What came is in order, and what did not come was told of before."""
    gaps: list[tmuxpulse.Gap] = []
    at = reader.found[0].seq
    for event in reader.found[1:]:
        if isinstance(event.data, tmuxpulse.Gap):
            gaps.append(event.data)
            assert event.seq >= at
            assert (event.data.state is None) == (event.data.only is not None)
        else:
            assert event.seq > at
            assert event.type == ("pane.error" if event.seq % 5 == 1 else "pane.output")
        for seq in range(at + 1, event.seq):
            assert any(is_missing(seq, one) for one in gaps), seq
        at = event.seq
    assert gaps
    assert at >= reader.last


def is_missing(seq: int, gap: tmuxpulse.Gap) -> bool:
    """Whether a gap told of an event."""
    if gap.only == "pane.output" and seq % 5 == 1:
        return False
    return (gap.first is None or gap.first <= seq) and (gap.last is None or seq <= gap.last)
