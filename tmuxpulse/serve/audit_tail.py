"""Where the audit log ends: its last good line, and what comes after it that is none."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, NamedTuple

from tmuxpulse.serve.audit_chain import CURRENT, Head, hash_of, link_of
from tmuxpulse.serve.audit_files import full_files, open_private, pieces_of

_WINDOW_BYTES = 1 << 16


class Tail(NamedTuple):
    """The end that was found.

    Attributes:
        end: the last good line.
        bytes: how much comes after it that is no entry.
        damage: the hash of that.
        unfinished: whether the current file does not end with a newline.
    """

    end: Head
    bytes: int
    damage: str
    unfinished: bool


def find_tail(directory_fd: int, directory: Path) -> Tail:
    """Look for the last good line, from the newest file backwards.

    Raises:
        OSError: a file cannot be read.
        UsageError: one is a link, or not private.
    """
    end = Head()
    unfinished = False
    damaged: list[tuple[BinaryIO, int]] = []
    with ExitStack() as stack:
        for name in [CURRENT, *reversed(full_files(directory_fd))]:
            try:
                fd = open_private(directory_fd, name, os.O_RDONLY, directory)
            except FileNotFoundError:
                continue
            file = stack.enter_context(os.fdopen(fd, "rb"))
            end, good_to, size = _last_entry(file, name)
            if size > good_to:
                damaged.append((file, good_to))
            if name == CURRENT and size:
                file.seek(size - 1)
                unfinished = file.read(1) != b"\n"
            if end.n:
                break
        return Tail(end, *_digest(reversed(damaged), unfinished=unfinished), unfinished)


def _digest(damaged: Iterable[tuple[BinaryIO, int]], *, unfinished: bool) -> tuple[int, str]:
    """Length and hash of damage, with the newline that will end it."""
    digest, count = hashlib.sha256(), 0
    for file, begin in damaged:
        file.seek(begin)
        while block := file.read(_WINDOW_BYTES):
            digest.update(block)
            count += len(block)
    if unfinished:
        digest.update(b"\n")
        count += 1
    return count, digest.hexdigest()


def _last_entry(file: BinaryIO, name: str) -> tuple[Head, int, int]:
    """The last good line of a file, where it ends, and the size of the file."""
    size = os.fstat(file.fileno()).st_size
    begin = max(size - _WINDOW_BYTES, 0)
    while True:
        file.seek(begin)
        if begin:
            file.readline()  # what is left of a line that began before
        found, good_to, at = Head(), 0, file.tell()
        for piece in pieces_of(file, name, size - at):
            at += len(piece.data)
            link = link_of(piece)
            if link is not None:
                found, good_to = Head(link.n, hash_of(piece.data)), at
        if found.n or not begin:
            return found, good_to, size
        begin = 0  # so much damage: look at all of it


def first_in(directory_fd: int, directory: Path) -> int:
    """The number of the first entry in the current file; 0: it has none."""
    fd = open_private(directory_fd, CURRENT, os.O_RDONLY, directory)
    with os.fdopen(fd, "rb") as file:
        for piece in pieces_of(file, CURRENT, os.fstat(fd).st_size):
            link = link_of(piece)
            if link is not None:
                return link.n
    return 0
