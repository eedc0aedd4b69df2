"""Rows of a pane in its own colours, as segments for the picture. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import NamedTuple

from tmuxpulse.cli.screen.cells import Row, harmless, text_of, width
from tmuxpulse.styles import Run


class Line(NamedTuple):
    """A row of a pane.

    Attributes:
        text: as the pane shows it.
        runs: its colours, in order.
    """

    text: str
    runs: Sequence[Run] = ()

    @property
    def is_blank(self) -> bool:
        """Whether nothing can be seen in it."""
        return not self.runs and not self.text.strip()


def lines_of(rows: Iterable[str], styles: Iterable[Sequence[Run]] = ()) -> list[Line]:
    """Rows with their runs; without any where there are none for a row."""
    pairs = zip_longest(rows, styles, fillvalue=())
    return [Line(str(row or ""), runs or ()) for row, runs in pairs]


def shown_lines(lines: Sequence[Line]) -> Sequence[Line]:
    """Lines without the blank ones at the end: what a screen has below its last line."""
    stop = len(lines)
    while stop and lines[stop - 1].is_blank:
        stop -= 1
    return lines[:stop]


def row_of(line: Line) -> Row:
    """A line as segments of harmless text; what the program hides is blank."""
    text, runs = line
    if runs:  # the last of them may go on behind the end of the text
        text = text.ljust(runs[-1].start + runs[-1].length)
    row: Row = []
    at = 0
    for run in runs:
        row.append(("", harmless(text[at : run.start])))
        at = run.start + run.length
        said = harmless(text[run.start : at])
        row.append((run.style, " " * width(said) if run.style.hidden else said))
    row.append(("", harmless(text[at:])))
    return [segment for segment in row if segment[1]]


def mark_row(row: Row, needle: str, mark: str) -> Row:
    """A row with the places where `needle` is, whatever its case, in another style."""
    if not needle:
        return row
    found = re.finditer(re.escape(needle), text_of(row), re.IGNORECASE)
    spans = [match.span() for match in found]
    if not spans:
        return row
    marked: Row = []
    begin = 0
    for style, text in row:
        at = 0
        for first, last in spans:
            start, stop = max(first - begin, at), min(last - begin, len(text))
            if start < stop:
                marked += [(style, text[at:start]), (mark, text[start:stop])]
                at = stop
        marked.append((style, text[at:]))
        begin += len(text)
    return [segment for segment in marked if segment[1]]
