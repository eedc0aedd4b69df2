"""Pseudo-terminals that are opened and closed, told by the kernel when it happens (inotify)."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable

import trio

DEVPTS = "/dev/pts"
_IN_CREATE, _IN_DELETE = 0x100, 0x200  # <sys/inotify.h>
_READ_BYTES = 1 << 16


async def watch_terminals(changed: Callable[[], None], *, directory: str = DEVPTS) -> None:
    """Call `changed` at once when a terminal came or went, until cancelled.

    Returns at once where the kernel does not tell: not Linux, no such directory, too many watches.
    Terminals of another mount namespace are not seen.
    """
    fd = _watch(directory)
    if fd < 0:
        return
    try:
        while True:
            await trio.lowlevel.wait_readable(fd)
            os.read(fd, _READ_BYTES)  # which one, the list says
            changed()
    finally:
        os.close(fd)


def _watch(directory: str) -> int:
    """A descriptor that is readable after a change; -1: there is none."""
    libc = ctypes.CDLL(None)
    try:
        fd: int = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if fd >= 0 and libc.inotify_add_watch(fd, directory.encode(), _IN_CREATE | _IN_DELETE) < 0:
            os.close(fd)
            return -1
    except AttributeError:
        return -1
    return fd
