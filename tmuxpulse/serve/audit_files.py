"""The files of the audit log: private ones only, one writer at a time, read as they were at once.

``audit.jsonl`` is written to; ``audit-FIRST-LAST.jsonl`` are full; ``lock`` is locked by whoever
writes. The head is a file elsewhere. What stands in the lines is not known here.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from tmuxpulse.errors import TmuxpulseError, UsageError
from tmuxpulse.serve.audit_chain import CURRENT, Head, Piece, span_of
from tmuxpulse.serve.audit_entry import MAX_LINE_BYTES

LOCK = "lock"
LOCK_SECONDS = 5.0
_AGAIN_SECONDS = 0.005
_MAX_HEAD_BYTES = 1024
# Not through links; a FIFO or a device in the place of a file must not make anybody wait.
SAFELY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class HeadUnreadable(TmuxpulseError):
    """What is in the place of the head is none."""


def check_private(directory: Path, head: Path) -> None:
    """Refuse what somebody else could read or has put there, before anything is written.

    Raises:
        UsageError: with what to do about it.
    """
    try:
        fd = open_directory(directory)
    except OSError:  # no place, no right: the first write says so, and the server goes on
        return
    try:
        names = [name for name in os.listdir(fd) if span_of(name) or name in (CURRENT, LOCK)]  # noqa: PTH208  # by descriptor
        for name in names:
            _check_file(os.lstat(name, dir_fd=fd), directory / name)
    finally:
        os.close(fd)
    with suppress(FileNotFoundError):
        _check_file(head.lstat(), head)


@contextmanager
def locked(directory: Path) -> Iterator[int]:
    """Be the only writer; give a descriptor of the directory, which is made when it is missing.

    Raises:
        OSError: it cannot be used, or another process holds the lock for seconds.
        UsageError: it is not private.
    """
    with ExitStack() as stack:
        fd = open_directory(directory)
        stack.callback(os.close, fd)
        lock = open_private(fd, LOCK, os.O_RDWR | os.O_CREAT, directory)
        stack.callback(os.close, lock)
        wait_for(lock, fcntl.LOCK_EX)
        yield fd


def open_directory(directory: Path) -> int:
    """Make the directory, or check the one that is there; give a descriptor.

    Raises:
        OSError: it cannot be made or opened.
        UsageError: it is a link, or not private.
    """
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or _is_shared(found):
        raise UsageError(
            f"{directory} must be a directory of yours that nobody else can enter"
            f" (chmod 700 {directory}), not a link"
        )
    return os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def open_private(directory_fd: int, name: str, flags: int, directory: Path) -> int:
    """Open a file of the directory; one that is made is 0600.

    Raises:
        OSError: it cannot be opened.
        UsageError: it is a link, or not private.
    """
    try:
        fd = os.open(name, flags | SAFELY, 0o600, dir_fd=directory_fd)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a link; a FIFO that nobody reads
            raise _refusal(directory / name) from None
        raise
    try:
        _check_file(os.fstat(fd), directory / name)
    except UsageError:
        os.close(fd)
        raise
    return fd


def full_files(directory_fd: int) -> list[str]:
    """The names of the full files, oldest first."""
    names = os.listdir(directory_fd)
    spans = [(span, name) for name in names if (span := span_of(name))]
    return [name for _, name in sorted(spans)]


def pieces_of(file: BinaryIO, name: str, size: int) -> Iterator[Piece]:
    """The lines of a file, up to a size; a line that is too long comes in several pieces."""
    number, begins = 1, True
    while size > 0 and (data := file.readline(min(MAX_LINE_BYTES, size))):
        yield Piece(name, number, data, begins)
        size -= len(data)
        begins = data.endswith(b"\n")
        number += begins


# --- the head -----------------------------------------------------------------------------


def read_head(path: Path) -> Head | None:
    """The head; None when there is none.

    Raises:
        HeadUnreadable: there is something, but no head.
    """
    try:
        fd = os.open(path, os.O_RDONLY | SAFELY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HeadUnreadable(f"{path} cannot be read: {error.strerror}") from None
    try:
        return msgspec.json.decode(os.read(fd, _MAX_HEAD_BYTES), type=Head)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise HeadUnreadable(f"{path} is not the head of an audit log") from None
    finally:
        os.close(fd)


def write_head(path: Path, head: Head) -> None:
    """Replace the head at once; only under the log's lock.

    Raises:
        OSError: it is as it was.
    """
    new = path.with_name(f"{path.name}.new")
    with suppress(FileNotFoundError):
        new.unlink()  # of one who crashed
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | SAFELY, 0o600)
    data = msgspec.json.encode(head) + b"\n"
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        new.replace(path)
    except OSError:
        with suppress(OSError):
            new.unlink()
        raise


def wait_for(lock: int, how: int) -> None:
    """Lock it, or give up: a process that hangs on its disk must not make others hang.

    Raises:
        TimeoutError: another process holds it.
    """
    until = time.monotonic() + LOCK_SECONDS
    while not _try_lock(lock, how):
        if time.monotonic() >= until:
            raise TimeoutError(errno.ETIMEDOUT, "another process holds its lock")
        time.sleep(_AGAIN_SECONDS)


def _try_lock(lock: int, how: int) -> bool:
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _check_file(found: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(found.st_mode) or _is_shared(found):
        raise _refusal(path)


def _is_shared(found: os.stat_result) -> bool:
    return found.st_uid != os.geteuid() or bool(found.st_mode & 0o077)


def _refusal(path: Path) -> UsageError:
    return UsageError(
        f"{path} must be a file of yours that nobody else can read (chmod 600 {path}), not a link;"
        " or move it away"
    )
