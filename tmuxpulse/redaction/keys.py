"""Private keys over many lines: which of a pane's lines belong to one.

A block begins with a BEGIN line and ends with its END line, or with the first line that cannot
belong to a key, so that a BEGIN alone masks nothing for ever. Where lines may be missing, those
that look like the body of a key are taken for one whose BEGIN was missed.

Keys in one line are a rule like others, and not known here.
"""

from __future__ import annotations

import re
import string
from typing import Final

from tmuxpulse.redaction.spans import Span

NAME: Final = "private-key"
NEEDLE: Final = "PRIVATE KEY"
MAX_LINES: Final = 4096  # of one block; PGP keys with many signatures have hundreds
_LONG: Final = 40  # a run of as many characters is of a key, whatever stands beside it
_FIRST: Final = 16  # the first line of a body has no fewer
_MISSED: Final = 60  # lines of PEM have 64 characters or more, of OpenSSH 70
_MISSED_UNFINISHED: Final = 24
_SHORT: Final = 2  # lines of a missed key may be shorter: the rest of a cut one, and its last

_BASE64: Final = string.ascii_letters + string.digits + "+/="
_BEGIN = re.compile(r"-{4,5} ?BEGIN (?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY(?: BLOCK)? ?-{4,5}")
_END = re.compile(r"-{4,5} ?END ")
_BODY = re.compile(r"=?[A-Za-z0-9+/]+={0,2}")
_RUN = re.compile(rf"[A-Za-z0-9+/]{{{_LONG},}}={{0,2}}")
_NUMBER = re.compile(r"[ \t]{0,8}\d{1,6}[\s:.|)-]{1,3}")
_HEADER = re.compile(r"\s{0,64}(?:(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset): |\Z)")
_MIXED = re.compile(r"(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])[^0-9]*[0-9]")
_AROUND: Final = " \t\"',;>|\\"


class KeyBlocks:
    """Follows the lines of one pane.

    Attributes:
        active: whether the next line may belong to a key even if it says nothing of one.
    """

    def __init__(self) -> None:
        self._left = 0  # lines that the block can still have; 0: outside of one
        self._prefix = ""  # what stood before BEGIN: the name of a container, a mark of a diff
        self._long = False  # whether a line of the block was certainly of a key
        self._missed = _SHORT  # so many short lines, and no BEGIN was missed; 0: none was

    @property
    def active(self) -> bool:
        """Whether a line that says nothing of a key may belong to one."""
        return self._left > 0 or self._missed > 0

    def gap(self) -> None:
        """Lines are missing here."""
        self._missed = _SHORT

    def line(self, line: str) -> list[Span]:
        """Give what of the next finished line belongs to a key."""
        spans = self._inside(line) if self._left else []
        if self._missed and not self._left:
            spans = self._headless(line)
        begin = list(_BEGIN.finditer(line))[-1:] if NEEDLE in line else []
        if begin and not _END.search(line, begin[0].end()):
            self._left, self._long, self._missed = MAX_LINES, False, 0
            self._prefix = line[: begin[0].start()]
        return spans

    def unfinished(self, line: str) -> list[Span]:
        """Give what of the unfinished line belongs to a key, or may."""
        if self._left:
            spans = self._bodies(line) if not _END.search(line) else []
            start = len(line.rstrip(_BASE64))
            return spans + [Span(start, len(line), NAME)] * (start < len(line))
        if self._missed:
            return _alone(line, _MISSED_UNFINISHED)
        return []

    def _inside(self, line: str) -> list[Span]:
        self._left -= 1
        end = _END.search(line)
        if end is not None:
            self._left = 0
            return self._bodies(line[: end.start()])
        spans = self._bodies(line)
        if spans:
            self._missed = 0
            self._long = self._long or any(end - start >= _LONG for start, end, _ in spans)
        elif not _HEADER.match(line.removeprefix(self._prefix)):
            self._left = 0
        return spans

    def _bodies(self, line: str) -> list[Span]:
        """The part of a line that is the body of a key, if it holds nothing else that matters."""
        start = len(self._prefix) if line.startswith(self._prefix) else 0
        for at in {start, _number_end(line, start)}:
            span = _core(line, at)
            if span is not None and (self._long or span.end - span.start >= _FIRST):
                return [span]
        return [Span(found.start(), found.end(), NAME) for found in _RUN.finditer(line)]

    def _headless(self, line: str) -> list[Span]:
        """A line at a place where the BEGIN may have been missed."""
        spans = _alone(line, _MISSED)
        if spans:
            self._left, self._long, self._prefix, self._missed = MAX_LINES, True, "", 0
        elif _core(line, 0) is None:
            self._missed = 0
        else:
            self._missed -= 1
        return spans


def _alone(line: str, least: int) -> list[Span]:
    """A line that is nothing but so many characters of base64, and no ruler, path or digest."""
    span = _core(line, 0)
    if span is None or span.end - span.start < least:
        return []
    return [span] if _MIXED.match(line, span.start, span.end) else []


def _core(line: str, start: int) -> Span | None:
    """What a line holds besides blanks and quotes, if that is base64."""
    text = line[start:].rstrip(_AROUND)
    # Line ends as they are written in strings.
    while text.endswith(("\\n", "\\r")):
        text = text[:-2]
    end = start + len(text)
    start = end - len(text.lstrip(_AROUND + "+"))
    return Span(start, end, NAME) if _BODY.fullmatch(line, start, end) else None


def _number_end(line: str, start: int) -> int:
    number = _NUMBER.match(line, start)
    return number.end() if number else start
