"""Writes a recording: a private file, never over another one, bounded, whole up to the last line.

A disk that is full, or a bound that is reached, ends the recording with what is there. Blocks.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, cast

from tmuxpulse.errors import UsageError
from tmuxpulse.recording.records import Head, Record, encode_head, encode_record

FLUSH_RECORDS = 200  # of a compressed file: what a kill can lose


class Full(Exception):
    """Nothing more can be written; its text says why."""


class Writer:
    """Writes records; `open_recording` makes it.

    Args:
        file: where to.
        max_bytes: of what is written, before it is compressed.
        flush_records: flush after so many.

    Attributes:
        size: how many bytes that were so far.
        count: how many records.
    """

    def __init__(self, file: IO[bytes], *, max_bytes: int, flush_records: int = 1) -> None:
        self.size = 0
        self.count = 0
        self._file = file
        self._max_bytes = max_bytes
        self._flush_records = flush_records
        self._unflushed = 0

    def head(self, head: Head) -> None:
        """Write the first line.

        Raises:
            Full: it cannot be written.
        """
        self._write([encode_head(head)])

    def add(self, records: Sequence[Record]) -> None:
        """Write records.

        Raises:
            Full: the bound is reached or the disk is full; those that fitted are there.
        """
        lines = [encode_record(record) for record in records]
        for at, line in enumerate(lines):
            if self.size + sum(map(len, lines[:at])) + len(line) > self._max_bytes:
                self._write(lines[:at])
                self.count += at
                raise Full(f"it has reached {self._max_bytes} bytes (--max-bytes)")
        self._write(lines)
        self.count += len(lines)

    def _write(self, lines: list[bytes]) -> None:
        data = b"".join(lines)
        try:
            self._file.write(data)
            self._unflushed += len(lines)
            if self._unflushed >= self._flush_records:
                self._file.flush()
                self._unflushed = 0
        except OSError as error:
            raise Full(error.strerror or str(error)) from None
        self.size += len(data)


@contextmanager
def open_recording(path: Path, *, force: bool, max_bytes: int) -> Iterator[Writer]:
    """Make the file, 0600, and close it at the end.

    Args:
        path: ``.gz`` at its end compresses it.
        force: replace a file that is there.
        max_bytes: see `Writer`.

    Raises:
        UsageError: it is there already, or cannot be made.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        if force:
            with suppress(FileNotFoundError):
                if path.is_symlink() or not path.is_file():
                    raise UsageError(f"{path} is no plain file, and is not replaced")
                path.unlink()
        fd = os.open(path, flags | os.O_EXCL, 0o600)
    except FileExistsError:
        if path.is_symlink() or force:
            raise UsageError(f"{path} is in the way; name another file") from None
        raise UsageError(f"{path} is there already; name another file, or add --force") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    with os.fdopen(fd, "wb") as raw:
        file: IO[bytes] = raw
        if path.suffix == ".gz":
            packed = gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=6, filename="", mtime=0)
            file = cast("IO[bytes]", packed)
        flush_records = 1 if file is raw else FLUSH_RECORDS
        try:
            yield Writer(file, max_bytes=max_bytes, flush_records=flush_records)
        finally:
            with suppress(OSError, zlib.error):  # a full disk: what is there is there
                file.close()
