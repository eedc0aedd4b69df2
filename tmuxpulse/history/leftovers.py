"""Journals, read: piece by piece into records, and what runs that are over have left behind.

Whatever a file holds (zeros after a loss of power, half a line, something else altogether), reading
it gives records, and None where there is none. Writing is `journal`.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from tmuxpulse.history.files import SAFELY, is_private
from tmuxpulse.history.records import Record, read_record

MAX_LINE_BYTES = 4 << 20
_READ_BYTES = 256 << 10
_NAME = re.compile(r"^.+\.journal-(?P<epoch>[A-Za-z0-9]{1,64})-(?P<n>\d{1,9})$")
_OWNER_WRITES = 0o200


class Piece(msgspec.Struct, frozen=True):
    """A part of a journal's file.

    Attributes:
        path: the file.
        start: where to read from.
        end: up to where it is written.
        is_closed: nothing more will be written to it.
    """

    path: Path
    start: int
    end: int
    is_closed: bool


def records(piece: Piece) -> Iterator[tuple[Record | None, int]]:
    """The records of a piece, each with the offset after it; None for one that cannot be read.

    A last line without its newline was never handed out, and is not given.

    Raises:
        OSError: the file cannot be read.
    """
    fd = os.open(piece.path, os.O_RDONLY | SAFELY)
    try:
        offset, rest = piece.start, b""
        position = piece.start
        while position < piece.end:
            data = os.pread(fd, min(_READ_BYTES, piece.end - position), position)
            if not data:
                return
            position += len(data)
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                offset += len(line) + 1
                yield read_record(line), offset
            if len(rest) > MAX_LINE_BYTES:  # no line of ours: zeros after a loss of power
                offset += len(rest)
                rest = b""
                yield None, offset
    finally:
        os.close(fd)


class Leftover(msgspec.Struct):
    """The journal of a run that is over.

    Attributes:
        head: its first line.
        pieces: its files, in order.
        is_torn: events after its last one may be missing.
        fds: hold its locks; to be closed.
    """

    head: Record
    pieces: list[Piece]
    is_torn: bool
    fds: list[int]

    def close(self) -> None:
        """Give the locks back."""
        while self.fds:
            os.close(self.fds.pop())


def leftovers(directory: Path, stem: str, *, boot: str, own: str) -> list[Leftover]:
    """The journals of runs that are over, oldest first; those of living runs are left alone.

    Args:
        directory: where to look.
        stem: what their names begin with.
        boot: this start of the machine.
        own: the epoch of this run.

    Raises:
        OSError: the directory cannot be read.
    """
    by_epoch: dict[str, list[tuple[int, Path]]] = {}
    for path in directory.glob(f"{stem}.journal-*"):
        match = _NAME.match(path.name)
        if match is not None and match["epoch"] != own:
            by_epoch.setdefault(match["epoch"], []).append((int(match["n"]), path))
    found = [_leftover([path for _, path in sorted(paths)], boot) for paths in by_epoch.values()]
    return sorted((one for one in found if one is not None), key=lambda one: one.head.started)


def _leftover(paths: list[Path], boot: str) -> Leftover | None:
    head: Record | None = None
    pieces: list[Piece] = []
    fds: list[int] = []
    is_torn = False
    for path in paths:
        try:
            fd = os.open(path, os.O_RDONLY | SAFELY)
        except OSError:  # a link, or removed by its own run just now
            continue
        fds.append(fd)
        status = os.fstat(fd)
        if not is_private(status) or not _lock(fd):
            break
        piece = Piece(path, 0, status.st_size, is_closed=True)
        pieces.append(piece)
        first = next(records(piece), (None, 0))[0]
        head = head or first
        is_torn = not status.st_mode & _OWNER_WRITES
    else:
        if head is not None and head.epoch:
            return Leftover(head, pieces, is_torn or head.boot != boot, fds)
        for piece in pieces:  # made and never written, or nothing of ours
            if piece.end == 0:
                with suppress(OSError):
                    piece.path.unlink()
    for fd in fds:
        os.close(fd)
    return None


def _lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
