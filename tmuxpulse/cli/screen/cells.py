"""Text in terminal cells: harmless, measured, and cut to a width. Pure.

Widths are those of whole graphemes, as the library that draws counts them. What joins or colours
emoji is left out: terminals disagree about the width of the result, and a wrong one shifts a row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import TypeAlias

import wcwidth

from tmuxpulse.cli.terminal import printable
from tmuxpulse.styles import Style

# A style's name, or a style of a pane's own; and a text.
Segment: TypeAlias = "tuple[str | Style, str]"
Row = list[Segment]

_JOINERS = re.compile("[\u200b-\u200d\u2060\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]")
ELLIPSIS = "…"


def harmless(text: str) -> str:
    """Text on one line that cannot steer the terminal, and whose width all agree on."""
    if text.isascii() and text.isprintable():
        return text
    return _JOINERS.sub("", printable(text))


def width(text: str) -> int:
    """How many cells a harmless text takes."""
    return len(text) if text.isascii() else _wide_width(text)


@lru_cache(maxsize=4096)
def _wide_width(text: str) -> int:
    return wcwidth.width(text, control_codes="ignore")


def cut(text: str, cells: int) -> str:
    """As much of a harmless text as fits in so many cells; it may take one less."""
    if text.isascii():
        return text[: max(cells, 0)]
    return "".join(_fitting(text, cells, ""))


def _fitting(text: str, cells: int, end: str) -> list[str]:
    """As many graphemes of a text as fit in so many cells with an end, which is the last of them.

    What they take together is what counts: a mark without a letter before it takes up the next.
    """
    kept: list[str] = []
    left = cells - width(end)
    for grapheme in wcwidth.iter_graphemes(text):
        left -= width(grapheme)
        if left < 0:
            break
        kept.append(grapheme)
    while kept and width("".join((*kept, end))) > cells:
        kept.pop()
    return [*kept, end]


def fit(text: str, cells: int) -> str:
    """A text in exactly so many cells: padded, or cut with an ellipsis."""
    text = harmless(text)
    missing = cells - width(text)
    if missing >= 0:
        return text + " " * missing
    if cells <= 0:
        return ""
    kept = "".join(_fitting(text, cells, ELLIPSIS))
    return kept + " " * (cells - width(kept))


def fit_row(row: Sequence[Segment], cells: int, style: str = "") -> Row:
    """Segments of harmless text in exactly so many cells; what is missing is of `style`."""
    found: Row = []
    left = cells
    for name, text in row:
        if not text:
            continue
        size = width(text)
        if size > left:
            if left > 0:
                found.append((name, fit(text, left)))
            return found
        found.append((name, text))
        left -= size
    if left:
        found.append((style, " " * left))
    return found


def marked(text: str, needle: str, style: str, mark: str) -> Row:
    """A harmless text with the places where `needle` is, whatever its case, in another style."""
    if not needle:
        return [(style, text)]
    parts: Row = []
    at = 0
    for found in re.finditer(re.escape(needle), text, re.IGNORECASE):
        parts += [(style, text[at : found.start()]), (mark, found[0])]
        at = found.end()
    parts.append((style, text[at:]))
    return [part for part in parts if part[1]]


def join(*rows: Row) -> Row:
    """Rows side by side."""
    return list(chain(*rows))


def text_of(row: Sequence[Segment]) -> str:
    """A row without its styles."""
    return "".join(text for _, text in row)
