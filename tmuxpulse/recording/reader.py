"""Reads a recording, line by line, as far as it is whole. Blocks.

A tail that was cut off (a kill, a full disk) ends it; so does anything that cannot be read, and
`Reader.problem` says where. Nothing in a file makes it take more memory than a line of it.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from tmuxpulse.errors import UsageError
from tmuxpulse.recording.records import (
    MAX_LINE_BYTES,
    Head,
    Record,
    decode_head,
    decode_record,
)

_GZIP = b"\x1f\x8b"


class Reader:
    """A recording that is open; `open_recording` makes it.

    Args:
        file: at its beginning.
        name: for errors.

    Attributes:
        head: its first line.
        problem: why it ended early, once `records` is through; empty: it ended in order.
        line: the number of the last line that was read.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        self.problem = ""
        self.line = 1
        self._file = file
        self._name = name
        try:
            first = file.readline(MAX_LINE_BYTES)
        except (OSError, EOFError, zlib.error) as error:
            raise UsageError(f"{name} cannot be read: {error}") from None
        self.head: Head = decode_head(first.rstrip(b"\n"), name)

    def records(self) -> Iterator[Record]:
        """The records in their order."""
        while True:
            try:
                line = self._file.readline(MAX_LINE_BYTES)
            except (OSError, EOFError, zlib.error) as error:
                self.problem = f"it is cut off or damaged after line {self.line} ({error})"
                return
            if not line:
                self.problem = f"it ends without its last line (after line {self.line})"
                return
            self.line += 1
            record = decode_record(line) if line.endswith(b"\n") else None
            if record is None:
                what = "is cut off" if not line.endswith(b"\n") else "cannot be read"
                self.problem = f"line {self.line} {what}; what is before it is whole"
                return
            yield record
            if record.ended:
                return


@contextmanager
def open_recording(path: Path) -> Iterator[Reader]:
    """Open a recording; what it is, its content says.

    Raises:
        UsageError: it cannot be read, or is none.
    """
    try:
        raw = path.open("rb")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    with raw:
        try:
            is_gzip = raw.read(2) == _GZIP
            raw.seek(0)
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None
        if is_gzip:
            with gzip.GzipFile(fileobj=raw) as file:
                yield Reader(cast("IO[bytes]", file), str(path))
        else:
            yield Reader(raw, str(path))
