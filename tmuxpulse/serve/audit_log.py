"""Appending to the audit log: one batch at a time, whoever else does, and rotation.

Everything here blocks and raises; `audit` keeps that away from the server. A batch is written under
the log's lock. When the files are not as this process left them, because another one wrote, or
after a crash, the end is read anew and compared with the head; what is odd about it becomes an
``audit.repaired`` entry before the next (`audit_chain` says which).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tmuxpulse.errors import TmuxpulseError, UsageError
from tmuxpulse.serve.audit_chain import (
    CURRENT,
    REPAIRED,
    ROTATED,
    Head,
    full_name,
    hash_of,
    span_of,
)
from tmuxpulse.serve.audit_entry import MAX_INTEGER, body, line
from tmuxpulse.serve.audit_files import (
    HeadUnreadable,
    check_private,
    full_files,
    locked,
    open_private,
    read_head,
    write_head,
)
from tmuxpulse.serve.audit_tail import find_tail, first_in
from tmuxpulse.serve.records import Value

DIRECTORY = "audit"
HEAD = "audit.head"
ITSELF = "audit"  # who is said to have done what the log tells of itself
MAX_BYTES = 10 << 20
KEEP = 9
_LINK_BYTES = 100  # what number and hash add to an entry, at least


def places(state_dir: Path) -> tuple[Path, Path]:
    """The directory of the log and the file of its head."""
    return state_dir / DIRECTORY, state_dir / HEAD


def append_now(state_dir: Path, action: str, *, who: str, **fields: Value) -> None:
    """Write one entry, as a command does that is no server; blocks, at most seconds for the lock.

    Args:
        state_dir: where the log is.
        action: what was done.
        who: by whom.
        fields: more about it.

    Raises:
        TmuxpulseError: it could not be written (`UsageError` when its place is refused).
    """
    # Rotation is the server's, who knows the settings for it.
    log = AuditLog(*places(state_dir), max_bytes=MAX_INTEGER, keep=MAX_INTEGER)
    try:
        log.append([body(time.time(), action, who, fields)])
    except OSError as error:
        raise TmuxpulseError(f"the audit log cannot be written: {error.strerror}") from None


class AuditLog:
    """A log to append to. For one thread at a time; other processes may have theirs.

    Args:
        directory: where its files are; made when its parent is there.
        head: the file that holds the end of the chain.
        max_bytes: of a file; a single entry may be larger.
        keep: how many full files are kept.
        clock: seconds since the epoch, for entries about the log itself.

    Attributes:
        trouble: why the last batch, though written, is not all that was wanted: its head, its
            way to the disk, or the removal of old files failed.
    """

    def __init__(
        self,
        directory: Path,
        head: Path,
        *,
        max_bytes: int = MAX_BYTES,
        keep: int = KEEP,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.trouble: OSError | None = None
        self._directory, self._head = directory, head
        self._max_bytes, self._keep = max_bytes, keep
        self._clock = clock
        self._left: tuple[int, int, int] | None = None  # device, inode and size, as we left it
        self._end = Head()
        self._odd: dict[str, Value] = {}  # what `audit.repaired` is to tell
        self._unfinished = False  # whether the current file ends in the middle of a line

    def check(self) -> None:
        """Refuse places that are not private.

        Raises:
            UsageError: with what to do about it.
        """
        check_private(self._directory, self._head)

    def append(self, bodies: Sequence[bytes]) -> int:
        """Write as many entries as can be.

        Args:
            bodies: of entries, from `audit_entry.body`; with none, what the last batch left
                undone is tried again.

        Returns:
            How many were written: all, or some when something failed in between.

        Raises:
            OSError: none could be written.
            UsageError: the place is not private any more.
        """
        written = 0
        with locked(self._directory) as directory:
            self._look(directory)
            self.trouble = None
            try:
                while written < len(bodies):
                    written += self._write(directory, bodies[written:])
            except (OSError, UsageError):
                self._left = None  # whatever is there now, it is looked at again
                if not written:
                    raise
            if written or (self._end.n and not bodies and not self._odd):
                with self._troubling():
                    write_head(self._head, self._end)
        return written

    # --- one file ------------------------------------------------------------------------

    def _write(self, directory: int, bodies: Sequence[bytes]) -> int:
        """Write what fits into one file, at least one entry; all of it, or nothing."""
        name = self._rotated_name(directory, len(bodies[0]))
        if name:
            os.rename(CURRENT, name, src_dir_fd=directory, dst_dir_fd=directory)
            self._left = None
        fd = open_private(
            directory, CURRENT, os.O_WRONLY | os.O_APPEND | os.O_CREAT, self._directory
        )
        try:
            size = os.fstat(fd).st_size
            outdated: list[str] = []
            if not size:
                full = full_files(directory)
                outdated = full[: max(len(full) - self._keep, 0)]
            data, end, count = self._lines(directory, bodies, size, outdated)
            _write_all(fd, data, size)
            self._end, self._odd, self._unfinished = end, {}, False
            found = os.fstat(fd)
            self._left = (found.st_dev, found.st_ino, found.st_size)
            with self._troubling():
                os.fsync(fd)  # before the head: it must never be ahead after a power cut
        finally:
            os.close(fd)
        for old in outdated:
            with self._troubling():
                os.unlink(old, dir_fd=directory)
        return count

    def _lines(
        self, directory: int, bodies: Sequence[bytes], size: int, outdated: Sequence[str]
    ) -> tuple[bytes, Head, int]:
        """The bytes to write, the end of the chain after them, and how many of `bodies` they are.

        At least one is, however small the files may be; so a file is never all about the log.
        """
        own = self._about_itself(directory, size, outdated)
        data = bytearray(b"\n" if size and self._unfinished else b"")
        end, count = self._end, 0
        for members in [*own, *bodies]:
            made = line(end.n + 1, members, end.hash)
            if count > len(own) and size + len(data) + len(made) > self._max_bytes:
                break
            data += made
            end, count = Head(end.n + 1, hash_of(made)), count + 1
        return bytes(data), end, count - len(own)

    def _about_itself(self, directory: int, size: int, outdated: Sequence[str]) -> list[bytes]:
        own: list[bytes] = []
        if self._odd:  # directly after the damage
            own.append(body(self._clock(), REPAIRED, ITSELF, self._odd))
        full = [] if size else full_files(directory)
        if full:
            removed_to = max((span[1] for name in outdated if (span := span_of(name))), default=0)
            about = {"after": full[-1], "removed_to": removed_to}
            own.append(body(self._clock(), ROTATED, ITSELF, about))
        return own

    def _rotated_name(self, directory: int, more: int) -> str:
        """What the current file is to be called when it is full; empty when it is not."""
        if self._left is None or self._odd or self._left[2] + more + _LINK_BYTES <= self._max_bytes:
            return ""
        first = first_in(directory, self._directory)
        name = full_name(first, self._end.n)
        # A file of that name is somebody's copy: nothing is overwritten, this one grows on.
        return "" if not first or name in full_files(directory) else name

    # --- what others left ----------------------------------------------------------------

    def _look(self, directory: int) -> None:
        """Find the end of the chain, unless it is where we left it."""
        try:
            found = os.stat(CURRENT, dir_fd=directory, follow_symlinks=False)
        except FileNotFoundError:
            self._left = None
        else:
            now = (found.st_dev, found.st_ino, found.st_size)
            if now == self._left:
                return
            self._left = now if found.st_size else None
        tail = find_tail(directory, self._directory)
        self._unfinished = tail.unfinished
        self._odd = {"bytes": tail.bytes, "damage": tail.damage} if tail.bytes else {}
        self._end = tail.end
        try:
            head = read_head(self._head)
        except HeadUnreadable:
            head = None
            self._odd["head"] = "unreadable"
        else:
            if head is None and tail.end.n:
                self._odd["head"] = "missing"
        if head is not None and head != tail.end:
            self._odd.update(head_n=head.n, head_hash=head.hash)
            self._end = Head(max(head.n, tail.end.n), tail.end.hash)  # a gap, if lines are gone

    @contextmanager
    def _troubling(self) -> Iterator[None]:
        """What fails in here is told, but what was written is written."""
        try:
            yield
        except OSError as error:
            self.trouble = error


def _write_all(fd: int, data: bytes, size: int) -> None:
    """Write all of it, or leave the file as it was.

    Raises:
        OSError: it is as it was, or, when even that fails, ends in a half-written line.
    """
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(fd, view) :]
    except OSError:
        with suppress(OSError):
            os.ftruncate(fd, size)
        raise
