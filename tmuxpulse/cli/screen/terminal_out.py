"""The way to the terminal, without ever waiting for it.

A terminal that was stopped with Ctrl-S makes a write wait, and the same process may be reading
tmux's pipes. So writes happen in a worker thread, one at a time, and while one waits no further
picture is made: what is held is one picture.
"""

from __future__ import annotations

import os
import threading

import trio

END_SECONDS = 1.0


class TerminalOut:
    """Takes text for the terminal; what the drawing library knows as its output file.

    Args:
        fd: the terminal; it is not closed.
    """

    def __init__(self, fd: int = 1) -> None:
        self._fd = fd
        self._held: list[str] = []
        self._lock = threading.Lock()
        self._came = trio.Event()
        self._writing = False

    def fileno(self) -> int:
        """The terminal's."""
        return self._fd

    def write(self, data: str, /) -> None:
        """Hold a text until the writer takes it."""
        self._held.append(data)

    def flush(self) -> None:
        """Let the writer take what is held."""
        self._came.set()

    @property
    def is_busy(self) -> bool:
        """Whether something is not written yet."""
        return self._writing or bool(self._held)

    async def run(self) -> None:
        """Write, until cancelled or until the terminal is gone.

        Raises:
            OSError: the terminal is gone.
        """
        while True:
            await self._came.wait()
            self._came = trio.Event()
            await self._write()

    async def finish(self) -> None:
        """Write what is left, unless the terminal does not take it in time."""
        with trio.move_on_after(END_SECONDS, shield=True):
            await self._write()

    async def _write(self) -> None:
        data, self._held = "".join(self._held).encode("utf-8", "replace"), []
        self._writing = True
        try:
            if data:
                await trio.to_thread.run_sync(self._write_all, data, abandon_on_cancel=True)
        finally:
            self._writing = False

    def _write_all(self, data: bytes) -> None:
        # A write that was abandoned may still wait: what comes after it stays after it.
        with self._lock:
            view = memoryview(data)
            while view:
                view = view[os.write(self._fd, view) :]
