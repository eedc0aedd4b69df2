"""The journal: every event in a file before anybody gets it, until the database has it.

`Journal.append` is one ``write`` to the page cache: what it returned from survives ``kill -9``. It
is not synced, so a loss of power can take the last of it; a reader sees that by the boot's id.

The journal of a run is a few files ``history.journal-EPOCH-N``, each of lines as they go to
clients, after a first line that says whose they are. A file is locked while its run lives. When
events cannot be written they are counted; the first line that can be written again says which
(``lost``), and meanwhile the file is read-only (a change of mode needs no space): a run that is
killed in that state has left its end unknown, and says so.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from tmuxpulse.history.files import SAFELY, words
from tmuxpulse.history.leftovers import Piece

SEGMENT_BYTES = 1 << 20
MAX_BYTES = 16 << 20  # of all files together; beyond it events are counted and lost
FIRST_PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 30.0

_encode = msgspec.json.Encoder().encode


class _Segment:
    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self.fd = fd
        self.size = 0
        self.drained = 0
        self.is_closed = False


class Journal:
    """The journal of this run. Nothing of it waits for another thread, and `append` never raises.

    Args:
        directory: where its files are.
        stem: what their names begin with.
        epoch: the run.
        boot: this start of the machine.
        output: whether what panes print is among what will be appended.
        clock: seconds since the epoch.
        monotonic: seconds.
        max_bytes: of all its files.
        segment_bytes: of one file.

    Attributes:
        trouble: why nothing can be written now; empty when it can.
        lost: how many events were not written so far.
    """

    def __init__(
        self,
        directory: Path,
        stem: str,
        epoch: str,
        *,
        boot: str,
        output: bool,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        max_bytes: int = MAX_BYTES,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self.trouble = ""
        self.lost = 0
        self._directory, self._stem, self._epoch = directory, stem, epoch
        self._boot, self._output = boot, output
        self._clock, self._monotonic = clock, monotonic
        self._max_bytes, self._segment_bytes = max_bytes, segment_bytes
        self._segments: deque[_Segment] = deque()
        self._made = 0
        self._hole: tuple[int, int, int] | None = None
        self._pause = FIRST_PAUSE_SECONDS
        self._retry_at = 0.0
        self._is_closed = False

    @property
    def size(self) -> int:
        """Bytes in its files."""
        return sum(segment.size for segment in self._segments)

    @property
    def has_pending(self) -> bool:
        """Whether something was written that `drained` was not told of."""
        return any(segment.drained < segment.size for segment in self._segments)

    def append(self, lines: Sequence[bytes], first: int, last: int) -> None:
        """Write the lines of the events `first` to `last`, or count them as lost."""
        if self.trouble and self._monotonic() < self._retry_at:
            self._lose(lines, first, last)
            return
        try:
            self._write(b"\n".join((*lines, b"")))
        except OSError as error:
            self._lose(lines, first, last)
            self._stop(words(error))

    def end(self, seq: int) -> None:
        """Say that the run is over and what its last number was; never raises."""
        ended = _encode({"ended": int(self._clock() * 1000), "seq": seq})
        try:
            self._write(ended + b"\n")
        except OSError as error:
            self._stop(words(error))

    def pending(self) -> list[Piece]:
        """What is to be taken over into the database."""
        return [Piece(one.path, one.drained, one.size, one.is_closed) for one in self._segments]

    def drained(self, path: Path, up_to: int) -> None:
        """Note that the database has a file up to an offset; a closed one may be removed then."""
        for segment in self._segments:
            if segment.path == path:
                segment.drained = max(segment.drained, up_to)
        while self._segments and _is_over(self._segments[0]):
            self._segments.popleft()

    def close(self, *, remove: bool) -> None:
        """Give the files back; with `remove` they go, since the database has all of them."""
        for segment in self._segments:
            if not segment.is_closed:
                os.close(segment.fd)
                segment.is_closed = True
            if remove:
                with suppress(OSError):
                    segment.path.unlink()
        self._segments.clear()
        self._is_closed = True

    # --- writing -------------------------------------------------------------------------

    def _write(self, data: bytes) -> None:
        if self._is_closed:
            raise OSError(0, "it is closed")
        if self._hole is not None:
            data = _encode({"lost": self._hole}) + b"\n" + data
        if self.size + len(data) > self._max_bytes:
            raise OSError(0, "the database does not take what is kept")
        segment = self._segments[-1] if self._segments else None
        if segment is None or segment.is_closed or segment.size >= self._segment_bytes:
            segment = self._begin()
        _write_all(segment, data)
        if self._hole is not None or self.trouble:
            with suppress(OSError):  # then its end counts as unknown: wrong, on the safe side
                os.fchmod(segment.fd, 0o600)
            self._hole, self.trouble = None, ""
            self._pause = FIRST_PAUSE_SECONDS

    def _begin(self) -> _Segment:
        path = self._directory / f"{self._stem}.journal-{self._epoch}-{self._made + 1}"
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | SAFELY, 0o600)
        segment = _Segment(path, fd)
        head = {
            "epoch": self._epoch,
            "boot": self._boot,
            "started": int(self._clock() * 1000),
            "output": self._output,
        }
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _write_all(segment, _encode(head) + b"\n")
        except OSError:
            os.close(fd)
            with suppress(OSError):
                path.unlink()
            raise
        if self._segments and not self._segments[-1].is_closed:
            before = self._segments[-1]
            before.is_closed = True
            os.close(before.fd)
        self._made += 1
        self._segments.append(segment)
        return segment

    def _lose(self, lines: Sequence[bytes], first: int, last: int) -> None:
        before = self._hole
        count = len(lines) + (before[2] if before else 0)
        self._hole = (before[0] if before else first, last, count)
        self.lost += len(lines)

    def _stop(self, why: str) -> None:
        if not self.trouble and self._segments and not self._segments[-1].is_closed:
            with suppress(OSError):
                os.fchmod(self._segments[-1].fd, 0o400)
        self.trouble = why
        self._retry_at = self._monotonic() + self._pause
        self._pause = min(2 * self._pause, MAX_PAUSE_SECONDS)


def _write_all(segment: _Segment, data: bytes) -> None:
    """Write everything, or leave the file as it was."""
    written = os.write(segment.fd, data)
    if written != len(data):
        with suppress(OSError):
            os.ftruncate(segment.fd, segment.size)
        raise OSError(0, "the disk is full")
    segment.size += written


def _is_over(segment: _Segment) -> bool:
    return segment.is_closed and segment.drained >= segment.size
