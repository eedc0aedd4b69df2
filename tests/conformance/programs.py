"""The clients that are programs of their own, and how to start each; README.md has the contract."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from tests.conformance.scenario import Report, names

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
_END_SECONDS = 60.0


class Program(NamedTuple):
    """A driver.

    Attributes:
        command: what starts it; its folder is the root of the repository.
        cannot: scenarios that it cannot pass, each with the reason, in a sentence.
        only: the scenarios that it is given; empty: all of them.
    """

    command: tuple[str, ...]
    cannot: MappingProxyType[str, str] = MappingProxyType({})
    only: tuple[str, ...] = ()

    def scenarios(self) -> list[str]:
        """What it has to pass."""
        return [name for name in self.only or names() if name not in self.cannot]


_OF_A_PLATFORM = (  # where a WebSocket that is built in differs from a package
    "opening",
    "cut-and-resume",
    "garbage",
    "shutdown",
    "token-by-request",
    "wrong-token-by-request",
)
# The faces pass all scenarios in the test's own process; here it is seen that their driver is a
# program too.
PROGRAMS = {
    "python-program": Program(
        (sys.executable, "-m", "tests.conformance.driver", "blocking"),
        only=("cut-and-resume", "wrong-token"),
    ),
    "javascript": Program(("node", str(HERE / "driver.js"))),
    "javascript-own-websocket": Program(
        ("node", "--experimental-websocket", str(HERE / "driver.js"), "own"),
        only=_OF_A_PLATFORM,
    ),
    "pipe": Program((sys.executable, "-m", "tests.conformance.driver_pipe")),
}


class Running:
    """A driver that runs.

    Attributes:
        reports: what it has reported until now.
        complaints: what it wrote to standard error; known at its end.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.reports: list[Report] = []
        self.complaints = ""
        self._process = process
        self._readers = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._listen, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    @property
    def newest(self) -> int:
        """The number of the last event; 0: none came."""
        return next((one["event"] for one in reversed(self.reports) if "event" in one), 0)

    def wait(self, seconds: float) -> int | None:
        """Wait for its end, and give the exit code; None: it goes on."""
        try:
            code = self._process.wait(max(seconds, 0.0))
        except subprocess.TimeoutExpired:
            return None
        for reader in self._readers:
            reader.join(_END_SECONDS)
        return code

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self.reports.append(json.loads(line))

    def _listen(self) -> None:
        self.complaints = self._process.stderr.read() if self._process.stderr else ""


@contextmanager
def running(program: Program, client: dict[str, object]) -> Iterator[Running]:
    """Start a driver for the time of the block."""
    with subprocess.Popen(
        program.command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(client))
        process.stdin.close()
        found = Running(process)
        try:
            yield found
        finally:
            if found.wait(0.0) is None:
                process.kill()
                found.wait(_END_SECONDS)
