"""Rows of a screen as the lines they were before they wrapped, and back.

What a secret is, is not known here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final

from tmuxpulse.redaction.spans import Span, cells


class Joined:
    """The rows of a screen as one text: a row that is full goes on in the next.

    Args:
        rows: top to bottom, without trailing blanks.
        full: for each whether it goes on in the next.

    Attributes:
        text: the lines, joined by line ends.
    """

    def __init__(self, rows: Sequence[str], full: Sequence[bool]) -> None:
        self._rows = rows
        self._full = full
        self._starts: list[int] = []  # only needed where there are secrets
        if True not in full:
            self.text = "\n".join(rows)
            return
        last = len(rows) - 1
        self.text = "".join(
            row if full[number] or number == last else f"{row}\n" for number, row in enumerate(rows)
        )

    def split(self, spans: Iterable[Span]) -> Iterable[tuple[int, Span]]:
        """Give what of each span is in which row, counted from the row's start."""
        for start, end, name in spans:
            if not self._starts:
                sizes = (
                    len(row) + (not full)
                    for row, full in zip(self._rows, self._full)  # noqa: B905  # one for each
                )
                self._starts = [0, *accumulate(sizes)][: len(self._rows)]
            row = bisect_right(self._starts, start) - 1
            while row < len(self._rows) and self._starts[row] < end:
                begin = self._starts[row]
                first, last = max(0, start - begin), min(end - begin, len(self._rows[row]))
                if first < last:
                    yield row, Span(first, last, name)
                row += 1


_NARROWEST: Final = 40  # columns; what is shorter is hardly a whole row


def full_rows(rows: Sequence[str], width: int) -> list[bool]:
    """Tell which rows are as wide as the screen; a width of 0 is about that of the widest row."""
    if not rows:
        return []
    widths = [len(row) if row.isascii() else cells(row) for row in rows]
    width = width or max(*widths, _NARROWEST)
    if max(widths) < width - 1:  # as on most screens
        return [False] * len(rows)
    # A wide character that does not fit into the last column leaves it blank.
    return [
        found >= width or (found == width - 1 and not row.isascii())
        for row, found in zip(rows, widths)  # noqa: B905  # one for each
    ]
