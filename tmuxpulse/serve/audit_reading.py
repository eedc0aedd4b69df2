"""Reading the audit log as it is at one moment, while others go on writing."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from tmuxpulse.errors import TmuxpulseError, UsageError
from tmuxpulse.serve.audit_chain import CURRENT, Head, Piece
from tmuxpulse.serve.audit_files import (
    LOCK,
    SAFELY,
    HeadUnreadable,
    full_files,
    pieces_of,
    read_head,
    wait_for,
)


class Snapshot:
    """The log as it was at one moment; what is written later does not show.

    Attributes:
        head: the head of then; None when there was none, or it was unreadable.
        head_problem: why it was unreadable; empty when it was not.
        exists: whether there is any file.
    """

    def __init__(
        self, files: list[tuple[str, BinaryIO, int]], head: Head | None, head_problem: str
    ) -> None:
        self._files = files
        self.head = head
        self.head_problem = head_problem
        self.exists = bool(files)

    def pieces(self) -> Iterator[Piece]:
        """Every line, oldest first; once.

        Raises:
            TmuxpulseError: the disk gives an error.
        """
        name = ""
        try:
            for name, file, size in self._files:
                yield from pieces_of(file, name, size)
        except OSError as error:
            raise TmuxpulseError(f"cannot read {name}: {error.strerror}") from None


@contextmanager
def open_snapshot(directory: Path, head: Path) -> Iterator[Snapshot]:
    """Open all files of the log at one moment between two writes.

    Raises:
        UsageError: one of them is a link or no file.
        TmuxpulseError: they cannot be read.
    """
    with ExitStack() as stack:
        try:
            snapshot = _snapshot(stack, directory, head)
        except OSError as error:
            raise TmuxpulseError(
                f"cannot read the audit log in {directory}: {error.strerror}"
            ) from None
        yield snapshot


def _snapshot(stack: ExitStack, directory: Path, head: Path) -> Snapshot:
    files: list[tuple[str, BinaryIO, int]] = []
    try:
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        fd = -1
    if fd >= 0:
        stack.callback(os.close, fd)
    with ExitStack() as meanwhile:
        if fd >= 0:
            _hold_still(meanwhile, fd)
            for name in [*full_files(fd), CURRENT]:
                with suppress(FileNotFoundError):
                    file = stack.enter_context(_open_to_read(fd, name, directory))
                    files.append((name, file, os.fstat(file.fileno()).st_size))
        problem = ""
        found: Head | None = None
        try:
            found = read_head(head)
        except HeadUnreadable as error:
            problem = str(error)
    return Snapshot(files, found, problem)


def _hold_still(stack: ExitStack, directory_fd: int) -> None:
    """Keep writers out; a copy of a log has no lock, and needs none."""
    try:
        lock = os.open(LOCK, os.O_RDONLY | SAFELY, dir_fd=directory_fd)
    except FileNotFoundError:
        return
    stack.callback(os.close, lock)
    wait_for(lock, fcntl.LOCK_SH)


def _open_to_read(directory_fd: int, name: str, directory: Path) -> BinaryIO:
    try:
        fd = os.open(name, os.O_RDONLY | SAFELY, dir_fd=directory_fd)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UsageError(f"{directory / name} is a link; audit logs are files") from None
        raise
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise UsageError(f"{directory / name} is no file; move it away")
    return os.fdopen(fd, "rb")
