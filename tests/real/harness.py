"""A private tmux server, a sink that remembers, and waits on conditions.

Waits have a generous end and no opinion on speed: a slow machine passes, a lost fact does not.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import trio

from tmuxpulse.collect.command import Identity, Tmux, identify
from tmuxpulse.collect.sockets import is_alive
from tmuxpulse.tmux.formats import EMPTY, Listing, PaneRow

WAIT_SECONDS = 60.0
LOOK_SECONDS = 0.01


class PrivateServer:
    """A tmux server that nobody else knows of, with a directory of its own.

    It starts with the first `new-session`. No file of the user's is read; windows keep the names
    they begin with, so that nothing changes by itself.
    """

    def __init__(self, directory: str, program: str) -> None:
        self.directory = Path(directory)
        self.tmux = Tmux(program, str(self.directory / "s"))
        self._pids: set[int] = set()
        self._config = self.directory / "config"
        self._config.write_text("set -g automatic-rename off\n")

    async def run(self, *arguments: str) -> str:
        """Run a tmux command, give what it printed; the first one starts the server."""
        environ = {key: value for key, value in os.environ.items() if not key.startswith("TMUX")}
        environ |= {"SHELL": "/bin/sh", "PS1": "$ ", "ENV": ""}
        tmux = [self.tmux.program, "-u", "-f", str(self._config), "-S", self.tmux.socket]
        with trio.fail_after(WAIT_SECONDS):
            done = await trio.run_process(
                [*tmux, *arguments],
                capture_stdout=True,
                capture_stderr=True,
                env=environ,
                cwd=self.directory,
            )
        return done.stdout.decode().removesuffix("\n")

    async def identity(self) -> Identity:
        """Who the server is."""
        identity = await identify(self.tmux)
        self._pids.add(identity.pid)
        return identity

    async def new_session(self, name: str, *command: str) -> str:
        """Make a session of 80 by 24, by default with a `cat` in it; give its id."""
        made = await self.run(
            *("new-session", "-d", "-P", "-F", "#{session_id}", "-s", name),
            *("-x", "80", "-y", "24", *(command or ("cat",))),
        )
        await self.identity()
        return made

    async def end(self) -> None:
        """End the server as its user does, and wait until it is gone."""
        await self.run("kill-server")

        async def gone() -> bool:
            return not is_alive(self.tmux.socket)

        await eventually(gone)

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        for pid in self._pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def remove(self) -> None:
        """End the server whatever state it is in, and remove its directory."""
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(
                [self.tmux.program, "-S", self.tmux.socket, "kill-server"],
                capture_output=True,
                check=False,
                timeout=5,
            )
        if is_alive(self.tmux.socket):
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


@contextmanager
def private_server() -> Iterator[PrivateServer]:
    """Lend a server; it is gone afterwards."""
    program = os.environ.get("TMUXPULSE_TMUX") or shutil.which("tmux")
    assert program is not None, "these tests need tmux"
    server = PrivateServer(tempfile.mkdtemp(prefix="tp-"), program)
    try:
        yield server
    finally:
        server.remove()


class RecordingSink:
    """A `Sink` that keeps everything and wakes who waits."""

    def __init__(self) -> None:
        self.last: Listing = EMPTY
        self.listings = 0
        self.outputs: defaultdict[str, bytearray] = defaultdict(bytearray)
        self.streaming: set[str] = set()
        self.said: list[tuple[str, bool]] = []
        self._changed = trio.Event()

    def listing(self, listing: Listing) -> None:
        self.last = listing
        self.listings += 1
        self._wake()

    def output(self, pane_id: str, data: bytes) -> None:
        self.outputs[pane_id] += data
        self._wake()

    def asked(self, seconds: float) -> None:
        assert seconds >= 0

    def streams(self, pane_id: str, *, on: bool) -> None:
        self.said.append((pane_id, on))
        (self.streaming.add if on else self.streaming.discard)(pane_id)
        self._wake()

    async def wait_for(self, holds: Callable[[RecordingSink], object]) -> None:
        """Return when a condition holds; fail when it does not come true for long."""
        with trio.move_on_after(WAIT_SECONDS):
            while not holds(self):
                await self._changed.wait()
            return
        raise AssertionError(f"never seen; last listing {self.last}, said {self.said}")

    def panes(self, session: str | None = None) -> set[str]:
        """The panes there are, or those that a session of this name shows."""
        return {row.pane_id for row in self._rows(session)}

    def windows(self, session: str) -> dict[int, str]:
        """The names of a session's windows, by index."""
        return {row.window_index: row.window_name for row in self._rows(session)}

    def sessions(self) -> set[str]:
        """The names of the sessions."""
        return {row.session_name for row in self.last.panes}

    def row(self, pane_id: str) -> PaneRow:
        """What the last listing says of a pane."""
        return next(row for row in self.last.panes if row.pane_id == pane_id)

    def clients(self) -> list[str]:
        """The names of attached clients; those in control mode with a `*`."""
        return [row.name + "*" * row.control for row in self.last.clients]

    def _rows(self, session: str | None) -> Sequence[PaneRow]:
        return [row for row in self.last.panes if session in (None, row.session_name)]

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


async def eventually(holds: Callable[[], Awaitable[object]]) -> None:
    """Return when a condition that has to be asked for holds."""
    with trio.move_on_after(WAIT_SECONDS):
        while not await holds():  # noqa: ASYNC110  # nobody tells, so it is asked for
            await trio.sleep(LOOK_SECONDS)
        return
    raise AssertionError("never came true")


def children() -> set[int]:
    """The processes that this one has started and that still run."""
    return {child.pid for child in psutil.Process().children(recursive=True)}
