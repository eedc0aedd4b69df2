"""Where secrets stand in a text, and what is shown in their place.

What makes something a secret is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

BLOCK: Final = "█"  # one for each character of a secret on a screen
MASK_HEAD: Final = "[redacted:"
_MASK: Final = re.compile(r"\[redacted:[A-Za-z0-9._-]{1,64}\]")


class Span(NamedTuple):
    """A secret in a text.

    Attributes:
        start: the index of its first character.
        end: the index behind its last.
        name: the rule that found it.
    """

    start: int
    end: int
    name: str


def merged(spans: Iterable[Span]) -> list[Span]:
    """Put spans in order and make one of those that overlap, with the name of the first."""
    result: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if result and span.start < result[-1].end:
            if span.end > result[-1].end:
                result[-1] = result[-1]._replace(end=span.end)
        else:
            result.append(span)
    return result


def masked(text: str, spans: list[Span]) -> str:
    """Put a mask with the rule's name in the place of each span (as from `merged`)."""
    parts = []
    at = 0
    for start, end, name in spans:
        parts += [text[at:start], MASK_HEAD, name, "]"]
        at = end
    return "".join([*parts, text[at:]])


def blotted(text: str, spans: list[Span]) -> str:
    """Put blocks in the place of each span, so that all else stays in its column."""
    for start, end, _ in spans:
        text = text[:start] + BLOCK * cells(text[start:end]) + text[end:]
    return text


def cells(text: str) -> int:
    """How many columns a text takes."""
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth  # slow to import, and most screens never need it

    width: int = wcswidth(text)
    return width if width >= 0 else len(text)


def masks_in(text: str) -> list[Span]:
    """The masks that a text holds already."""
    if MASK_HEAD not in text:
        return []
    return [Span(found.start(), found.end(), "") for found in _MASK.finditer(text)]
