"""Standard output, without ever stopping the program that writes to it.

A terminal that was stopped with Ctrl-S, or a pipe whose reader is slow, makes a write wait. The
same process may be reading tmux's pipes, and tmux holds back for nobody; so writes happen in a
worker thread. Nothing is buffered: what was written is out.
"""

from __future__ import annotations

import os
import stat
import sys

import trio


class Output:
    """A descriptor to write to.

    Args:
        fd: the descriptor; it is not closed.

    Attributes:
        is_terminal: whether a person reads it.
    """

    def __init__(self, fd: int = 1) -> None:
        self._fd = fd
        self.is_terminal = os.isatty(fd)

    async def write(self, data: bytes) -> None:
        """Write all of it.

        Cancelling it lets go of a write that waits; some of it may be written later or never.

        Raises:
            BrokenPipeError: nobody reads any more.
        """
        if data:
            await trio.to_thread.run_sync(_write_all, self._fd, data, abandon_on_cancel=True)

    async def wait_closed(self) -> None:
        """Return when nobody reads any more, where the system tells before the next write does."""
        if not (sys.platform == "linux" and stat.S_ISFIFO(os.fstat(self._fd).st_mode)):
            await trio.sleep_forever()
        # The writing end of a pipe never becomes readable, but epoll tells of its error.
        await trio.lowlevel.wait_readable(self._fd)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
