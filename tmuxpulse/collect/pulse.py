"""When to list again: cheap signs that something may have happened in a tmux server.

A list costs the server a few milliseconds at a hundred panes, so it is asked for when the server
has run since the last one (Linux counts that in ``/proc/PID/schedstat``; a server in which nothing
happens does not run at all), when a pseudo-terminal was opened or closed anywhere
(``/proc/sys/kernel/pty/nr``), when somebody says so (`Pulse.hint`), as `collect.terminals` does
before the next look at that count, and once in a while, since a program can change its directory or
exec another program without tmux running.

Signs only make it quicker: the list alone is the truth. Without ``/proc`` the list is timed.
"""

from __future__ import annotations

import math
import os

import trio

LOOK_SECONDS = 0.08  # how often the signs are read
SOON_LOOK_SECONDS = 0.015  # the same while changes are likely: changes come in company
LIKELY_SECONDS = 5.0  # so long after one
REFRESH_SECONDS = 1.0  # the longest that a list is old when the server has run since
IDLE_SECONDS = 3.0  # and when it has not
TIMED_SECONDS = 0.2  # between lists where there are no signs to read
DUTY = 0.04  # the part of the server's time that lists may take in the long run
SAVED_SECONDS = 1.0  # of that, what may be saved up for a burst of changes
CREDIT_SECONDS = 0.3  # and what may be owed, when something is known to have happened


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
        self._seen = self._signs()
        self._at_refresh = b""  # the first sign when the last whole list was done
        self._whole = True
        self._saved = SAVED_SECONDS
        self._began = self._refreshed = trio.current_time()
        self._ran_before = 0.0
        self._likely_until = -math.inf

    def close(self) -> None:
        """Close the files it reads."""
        files, self._files = self._files, (None, None)
        for fd in files:
            if fd is not None:
                os.close(fd)

    def hint(self) -> None:
        """Something happened: list as soon as the duty allows."""
        self._hinted.set()

    def changed(self) -> None:
        """A list told something new: more is likely to come."""
        self._likely_until = trio.current_time() + LIKELY_SECONDS

    def begin(self, *, whole: bool = True) -> None:
        """A list begins: what happened before it is in it.

        Args:
            whole: False: it only tells whether something changed.
        """
        self._whole = whole
        if whole:
            self._hinted = trio.Event()
            self._refreshed = trio.current_time()
        now = trio.current_time()
        self._saved = min(SAVED_SECONDS, self._saved + DUTY * (now - self._began))
        self._began = now
        self._ran_before = self._ran_seconds()

    def end(self) -> None:
        """A list is done: what it woke in the server is no sign."""
        self._saved -= self._ran_seconds() - self._ran_before
        self._seen = self._signs()
        if self._whole:
            self._at_refresh = self._seen[0]

    async def wait(self) -> bool:
        """Wait until a list is due.

        Returns:
            Whether it is due in any case; else the server has run, and nothing more is known.
        """
        while True:
            ran, terminals = self._signs()
            latest = self._latest(ran)
            if (now := trio.current_time()) >= latest:
                return True
            saved = self._saved + DUTY * (now - self._began)
            if self._hinted.is_set() or terminals != self._seen[1]:
                if saved > -CREDIT_SECONDS:
                    return True
            elif ran != self._seen[0] and saved > 0:
                return False
            look = SOON_LOOK_SECONDS if now < self._likely_until else LOOK_SECONDS
            with trio.move_on_at(min(now + look, latest)):
                if self._hinted.is_set():
                    await trio.sleep_forever()  # it is known, but the time for lists is used up
                await self._hinted.wait()

    def _latest(self, ran: bytes) -> float:
        if not self._tells:
            return self._refreshed + TIMED_SECONDS
        return self._refreshed + (IDLE_SECONDS if ran == self._at_refresh else REFRESH_SECONDS)

    def _ran_seconds(self) -> float:
        """The processor time the server took so far; ours where it is not told."""
        ran = self._signs()[0].split()
        return int(ran[0]) / 1e9 if self._tells and ran else trio.current_time()

    def _signs(self) -> tuple[bytes, bytes]:
        ran, terminals = self._files
        return _content(ran), _content(terminals)


def _content(fd: int | None) -> bytes:
    try:
        return b"" if fd is None else os.pread(fd, 64, 0)
    except OSError:  # the process is gone, which the next list tells
        return b""


def _open(path: str) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
