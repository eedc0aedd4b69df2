"""Standard input as numbered lines of bounded length: bytes in, lines out. Pure.

What a line says is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec


class Line(msgspec.Struct, frozen=True):
    """A line of the input, without its end.

    Attributes:
        number: from 1.
        text: its bytes; None: it was too long, and is gone.
    """

    number: int
    text: bytes | None


class LineSplitter:
    """Makes lines of bytes that come in any pieces; empty lines are counted, and not given.

    Args:
        max_bytes: of a line; of a longer one nothing is kept.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held = b""
        self._number = 0
        self._is_skipping = False

    def feed(self, data: bytes) -> Iterator[Line]:
        """Give the lines that end in `data`."""
        *whole, rest = data.split(b"\n")
        for part in whole:
            yield from self._end(part)
        self._keep(rest)

    def finish(self) -> Iterator[Line]:
        """Give the last line, if it has no end."""
        if self._held or self._is_skipping:
            yield from self._end(b"")

    def _keep(self, part: bytes) -> None:
        if self._is_skipping or len(self._held) + len(part) > self._max_bytes:
            self._held, self._is_skipping = b"", True
        else:
            self._held += part

    def _end(self, part: bytes) -> Iterator[Line]:
        self._keep(part)
        text, was_skipping = self._held, self._is_skipping
        self._held, self._is_skipping = b"", False
        self._number += 1
        if was_skipping:
            yield Line(self._number, None)
        elif text.strip():
            yield Line(self._number, text)
