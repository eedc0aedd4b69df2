"""Lines on their way to standard output: joined while one write waits, and never too many."""

from __future__ import annotations

from collections.abc import Sequence

import trio

from tmuxpulse.cli.output import Output
from tmuxpulse.cli.terminal import harmless_json

MAX_WAITING_BYTES = 1 << 20  # with more, who puts has to wait


class PipeOutput:
    """Takes lines; `run` writes them.

    Args:
        output: where.

    Attributes:
        is_stuck: whether somebody waits until more can be put.
    """

    def __init__(self, output: Output) -> None:
        self.is_stuck = False
        self._output = output
        self._waiting: list[bytes] = []
        self._size = 0
        self._is_writing = False
        self._change = trio.lowlevel.ParkingLot()

    async def put(self, lines: Sequence[bytes]) -> None:
        """Queue lines without their ends, in order; wait while too many are queued.

        Cancelling it leaves all of them queued, or none.
        """
        while self._size >= MAX_WAITING_BYTES:
            self.is_stuck = True
            try:
                await self._change.park()
            finally:
                self.is_stuck = False
        for line in lines:
            text = harmless_json(line.decode()).encode() if self._output.is_terminal else line
            self._waiting.append(text)
            self._size += len(text) + 1
        self._change.unpark_all()

    async def flush(self) -> None:
        """Wait until all is written."""
        while self._waiting or self._is_writing:
            await self._change.park()

    async def run(self) -> None:
        """Write until cancelled.

        Raises:
            BrokenPipeError: nobody reads any more.
        """
        while True:
            while not self._waiting:
                await self._change.park()
            found, self._waiting, self._size = self._waiting, [], 0
            self._is_writing = True
            self._change.unpark_all()
            await self._output.write(b"\n".join(found) + b"\n")
            self._is_writing = False
            self._change.unpark_all()

    async def wait_closed(self) -> None:
        """Return when nobody reads any more, where the system tells."""
        await self._output.wait_closed()
