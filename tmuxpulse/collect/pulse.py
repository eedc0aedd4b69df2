"""When to list again: cheap signs that something may have happened in a tmux server.

A list costs the server a few milliseconds at a hundred panes, so it is asked for when the server
has run since the last one (Linux counts that in ``/proc/PID/schedstat``; a server in which nothing
happens does not run at all), when a pseudo-terminal was opened or closed anywhere
(``/proc/sys/kernel/pty/nr``), when somebody says so (`Pulse.hint`), and once in a while, since a
program can change its directory or exec another program without tmux running.

Signs only make it quicker: the list alone is the truth. Without ``/proc`` the list is timed.
"""

from __future__ import annotations

import math
import os
from collections import deque
from contextlib import suppress

import trio

LOOK_SECONDS = 0.03  # how often the signs are read; structure is seen in half of it on average
REFRESH_SECONDS = 1.0  # the longest that a list is old
TIMED_SECONDS = 0.2  # between lists where there are no signs to read
DUTY = 0.03  # the part of the time that lists may take while the server is busy anyway
HINT_DUTY = 0.25  # the same for a moment, when something is known to have happened
LONGEST_GAP_SECONDS = 0.5


class Pulse:
    """Decides when the next list is due.

    Args:
        pid: the tmux server's process id.
    """

    def __init__(self, pid: int) -> None:
        self._files: tuple[int | None, int | None] = (
            _open(f"/proc/{pid}/schedstat"),
            _open("/proc/sys/kernel/pty/nr"),
        )
        # Where the kernel does not count, the file is there and holds zeros.
        self._tells = self._signs()[0] not in (b"", b"0 0 0\n")
        self._hinted = trio.Event()
        self._costs: deque[float] = deque([0.001], maxlen=8)
        self._seen = self._signs()
        self._began = self._ended = -math.inf

    def close(self) -> None:
        """Close the files it reads."""
        files, self._files = self._files, (None, None)
        for fd in files:
            if fd is not None:
                os.close(fd)

    def hint(self) -> None:
        """Something happened: list as soon as the duty allows."""
        self._hinted.set()

    def begin(self) -> None:
        """A list begins: what happened before it is in it."""
        self._hinted = trio.Event()
        self._began = trio.current_time()

    def end(self) -> None:
        """A list is done: what it woke in the server is no sign."""
        self._ended = trio.current_time()
        self._costs.append(self._ended - self._began)
        self._seen = self._signs()

    async def wait(self) -> None:
        """Return when a list is due."""
        cost = min(self._costs)  # the quickest of the last ones: the machine's noise is not ours
        quick = self._ended + cost / HINT_DUTY
        busy = self._ended + min(max(cost / DUTY, LOOK_SECONDS), LONGEST_GAP_SECONDS)
        latest = self._ended + (REFRESH_SECONDS if self._tells else TIMED_SECONDS)
        while not self._hinted.is_set() and (now := trio.current_time()) < latest:
            with trio.move_on_at(min(now + LOOK_SECONDS, latest)):
                await self._hinted.wait()
            ran, terminals = self._signs()
            if terminals != self._seen[1]:
                break
            if ran != self._seen[0] and trio.current_time() >= busy:
                return
        await trio.sleep_until(quick)

    def _signs(self) -> tuple[bytes, bytes]:
        ran, terminals = self._files
        return _content(ran), _content(terminals)


def _content(fd: int | None) -> bytes:
    if fd is not None:
        with suppress(OSError):  # the process is gone, which the next list tells
            return os.pread(fd, 64, 0)
    return b""


def _open(path: str) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
