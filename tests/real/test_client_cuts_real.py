"""Through random cuts, beside a server under load: every client ends with the same sequence.

`TMUXPULSE_CLIENT_CUTS` says how many connections are cut, of all clients together.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import trio

import tmuxpulse
from tests.conformance.programs import PROGRAMS, Program, Running, running
from tests.real.loaded import LoadedServer, kill
from tests.real.test_cuts_real import CALM, WEATHER, Network, network
from tmuxpulse.client import core
from tmuxpulse.client.core import Core, State
from tmuxpulse.events import Custom, PaneError, PaneOutput

CUTS = int(os.environ.get("TMUXPULSE_CLIENT_CUTS", "25"))
RATE = 300
DEADLINE_SECONDS = 120.0 + CUTS
END = "custom.end"
WANTED = ["pane.*", END]

Key = tuple[str, int, str]


class Notes:
    """What a face was given."""

    def __init__(self) -> None:
        self.events: list[Key] = []
        self.odd: list[Any] = []
        self.states: list[str] = []

    @property
    def newest(self) -> int:
        return self.events[-1][1] if self.events else 0

    @property
    def opened(self) -> int:
        return self.states.count("open")

    @property
    def seqs(self) -> list[int]:
        return [seq for _, seq, _ in self.events]

    def on_state(self, state: State) -> None:
        self.states.append(state.name)

    def take(self, event: tmuxpulse.Event) -> bool:
        """Note it; False: it was the last."""
        match event.data:
            case PaneOutput(lines=(line,)):
                self.events.append((event.epoch, event.seq, line))
            case PaneError():
                self.events.append((event.epoch, event.seq, ""))
            case Custom():
                return False
            case _:
                self.odd.append(event)
        return True

    def check(self) -> None:
        """What came is what the server said, each once, in order."""
        assert self.odd == []
        for _, seq, line in self.events:
            assert line == ("" if seq % 5 == 1 else f"line {seq - 1} of some length")


class Drive:
    """What another client has reported, in the same words."""

    def __init__(self, program: Running) -> None:
        self._program = program

    @property
    def newest(self) -> int:
        return self._program.newest

    @property
    def opened(self) -> int:
        return sum(one == {"state": "open"} for one in self._program.reports)

    @property
    def seqs(self) -> list[int]:
        return [one["event"] for one in self._program.reports if "event" in one]

    def check(self) -> None:
        for one in self._program.reports:
            assert "state" in one or one.get("type") in ("pane.output", "pane.error"), one


def blocking(url: str, notes: Notes) -> None:
    with tmuxpulse.connect(url=url, on_state=notes.on_state) as monitor:
        for event in monitor.events(types=WANTED):
            if not notes.take(event):
                return


def on_trio(url: str, notes: Notes) -> None:
    async def main() -> None:
        async with tmuxpulse.connect_trio(url=url, on_state=notes.on_state) as monitor:
            async for event in monitor.events(types=WANTED):
                if not notes.take(event):
                    return

    trio.run(main)


def on_asyncio(url: str, notes: Notes) -> None:
    async def main() -> None:
        async with tmuxpulse.connect_asyncio(url=url, on_state=notes.on_state) as monitor:
            async for event in monitor.events(types=WANTED):
                if not notes.take(event):
                    return

    asyncio.run(main())


FACES: dict[str, Callable[[str, Notes], None]] = {
    "blocking": blocking,
    "trio": on_trio,
    "asyncio": on_asyncio,
}


class Stage:
    """A server under load, a network before it, and clients behind that."""

    def __init__(self, place: LoadedServer, between: Network) -> None:
        self.clients: dict[str, Notes | Drive] = {}
        self.between = between
        self.url = f"ws://127.0.0.1:{between.port}/monitor"
        self._place = place
        self._deadline = time.monotonic() + DEADLINE_SECONDS
        self._threads: list[Thread] = []
        self._programs: list[Running] = []

    def start(self, stack: ExitStack, programs: Mapping[str, Program]) -> None:
        """Start every client, and wait until each has an event: the first try is the only one."""
        for name, face in FACES.items():
            notes = self.clients[name] = Notes()
            thread = Thread(target=face, args=(self.url, notes), daemon=True)
            thread.start()
            self._threads.append(thread)
        client = {"url": self.url, "filters": {"types": WANTED}, "snapshot": False}
        for name, how in programs.items():
            program = stack.enter_context(running(how, client))
            self.clients[name] = Drive(program)
            self._programs.append(program)
        self.until(lambda: all(one.newest for one in self.clients.values()))

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait for something."""
        while not holds():
            seen = {name: one.newest for name, one in self.clients.items()}
            assert time.monotonic() < self._deadline, seen
            time.sleep(0.02)

    def catch_up(self) -> None:
        """Wait until everybody has what there is now: who falls far behind is told so."""
        with tmuxpulse.connect(unix_socket=self._place.socket) as monitor:
            now = next(monitor.events()).seq
        self.until(lambda: all(one.newest >= now for one in self.clients.values()))

    def finish(self) -> int:
        """Say the last, wait until everybody has heard it, and give its number."""
        with tmuxpulse.connect(unix_socket=self._place.socket) as monitor:
            found = monitor.events(types=END)
            monitor.emit(END)
            last = next(found).seq
        for thread in self._threads:
            thread.join(max(0.0, self._deadline - time.monotonic()))
            assert not thread.is_alive()
        for program in self._programs:
            code = program.wait(self._deadline - time.monotonic())
            assert code == 0, (program.complaints, program.reports[-3:])
        return last

    def check(self, last: int) -> None:
        """Everybody has the same."""
        for name, one in self.clients.items():
            one.check()
            assert one.seqs == list(range(one.seqs[0], last)), name
        starts = [notes.events[0] for notes in self.clients.values() if isinstance(notes, Notes)]
        assert len({epoch for epoch, _, _ in starts}) == 1


@contextmanager
def stage(directory: Path, programs: Mapping[str, Program]) -> Iterator[Stage]:
    """Everything, for the time of the block."""
    place = LoadedServer(directory, rate=RATE, history=False)
    child = place.start()
    try:
        with network(place.socket, seed=21) as between, ExitStack() as stack:
            found = Stage(place, between)
            found.start(stack, programs)
            yield found
    finally:
        complaint = kill(child)
    assert complaint == b""


@pytest.mark.timeout(600 + DEADLINE_SECONDS)
def test_every_client_ends_with_the_same_exact_sequence(tmp_path: Path) -> None:
    others = {name: how for name, how in PROGRAMS.items() if not how.only}
    with stage(tmp_path, others) as scene:
        between = scene.between
        began, turn = time.monotonic(), 0
        while between.cuts < CUTS:
            before = {name: one.opened for name, one in scene.clients.items()}
            between.order(**{**CALM, **WEATHER[turn % len(WEATHER)]})
            time.sleep(0.5)
            between.order(cut="reset" if turn % 2 else "close")
            turn += 1
            if turn % len(WEATHER) == 0:
                between.order(**CALM)
                scene.catch_up()
        seconds = time.monotonic() - began
        between.order(**CALM)
        last = scene.finish()
        assert between.cuts >= CUTS
        opened = {name: one.opened for name, one in scene.clients.items()}
        assert all(opened[name] > before[name] for name in opened)
        print(f"{between.cuts} cuts in {seconds:.1f} s; connections: {opened}")
        scene.check(last)


def test_a_network_that_swallows_everything_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Core, "_heartbeat_seconds", 1.0)
    with stage(tmp_path, {}) as scene:  # programs would take their 35 seconds
        notes = [one for one in scene.clients.values() if isinstance(one, Notes)]
        for _ in range(2):
            for one in notes:
                one.states.clear()
            scene.between.order(silent=True)
            with monkeypatch.context() as hurried:  # not while they come in: that has one try
                hurried.setattr(core, "PATIENCE_SECONDS", 1.0)
                scene.until(lambda: all("waiting" in one.states for one in notes))
            scene.between.order(silent=False)
            scene.catch_up()
        scene.check(scene.finish())
