"""Rules of the user's: a regular expression each, run on text that may be hostile.

A pattern is refused when its cost could not be bounded, or when nothing could be said of a secret
that is half printed. In an unfinished line all is masked that may be the beginning of a match:

- a pattern that begins with literal text: from that text on;
- one that does not: in the last word, from the first character it could begin with;
- one that can match blanks has to begin with literal text, and all behind it is masked.
"""

from __future__ import annotations

import re
import warnings
from typing import Final

from tmuxpulse.errors import UsageError
from tmuxpulse.redaction.scanner import LONG_LINE, lower, touches
from tmuxpulse.redaction.spans import Span, masks_in
from tmuxpulse.redaction.syntax import study

# A pattern sees twice as many characters at once, half of them again: a secret may be as long.
LONGEST: Final = 1024
LONGEST_ANYWHERE: Final = 256  # for a pattern that is tried at each character
_MAX_CHOICES: Final = 12
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


class PatternRule:
    """One rule.

    Args:
        name: what the mask says.
        pattern: what to mask; of a match with a group ``secret`` only that.

    Raises:
        UsageError: the name or the pattern cannot be taken.
    """

    def __init__(self, name: str, pattern: str) -> None:
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"redaction rule {name!r}: a name has 1 to 64 letters, digits and . _ -"
            )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the future meaning of a pattern
                self._pattern = re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            raise _refusal(name, f"not a regular expression: {error}") from error
        if self._pattern.search("") is not None:
            raise _refusal(name, "it matches the empty text, so it would match everywhere")
        known = study(pattern)
        if known.trouble:
            raise _refusal(name, known.trouble)
        if known.longs > (2 if known.prefix else 1) or known.choices > _MAX_CHOICES:
            raise _refusal(
                name,
                "it has too many repetitions or choices; at most two may be without a bound, one"
                " if it does not begin with literal text",
            )
        if known.blanks and not known.prefix:
            raise _refusal(
                name,
                "it can match blanks and does not begin with literal text, so no line could be"
                " shown before its end; begin with literal text or match no blanks",
            )
        self.name = name
        self._prefix = lower(known.prefix)
        self._blanks = known.blanks
        self._first = re.compile(known.first) if known.first else None
        self._group = "secret" if "secret" in self._pattern.groupindex else 0

    def spans(self, text: str, *, unfinished: bool = False) -> list[Span]:
        """As `Scanner.spans`."""
        if self._prefix and self._prefix not in lower(text):
            return []
        found: list[Span] = []
        start = 0
        for line in text.split("\n"):
            end = start + len(line)
            last = unfinished and end == len(text)
            if line and (not self._prefix or self._prefix in lower(line)):
                found += [
                    Span(start + span.start, start + span.end, self.name)
                    for span in self._line(line, unfinished=last or len(line) >= LONG_LINE)
                ]
            start = end + 1
        return found

    def _line(self, line: str, *, unfinished: bool) -> list[Span]:
        found = []
        longest = LONGEST if self._prefix else LONGEST_ANYWHERE
        for at in range(0, max(1, len(line) - longest), longest):
            for match in self._pattern.finditer(line, at, at + 2 * longest):
                start, end = match.span(self._group)
                if start < 0:  # the group took no part
                    start, end = match.span()
                found.append(Span(start, end, self.name))
        if unfinished:
            found.append(Span(self._open(line), len(line), self.name))
        masks = masks_in(line)
        return [
            span
            for span in found
            if span.end > span.start and not touches(masks, span.start, span.end)
        ]

    def _open(self, line: str) -> int:
        """Where what may be the beginning of a secret begins, at the end of a line."""
        end = len(line)
        word = 0 if self._blanks else max(line.rfind(" "), line.rfind("\t")) + 1
        if self._prefix:
            at = lower(line).find(self._prefix, word)
            return at if at >= 0 else end
        if self._first is None:
            return word
        first = self._first.search(line, word)
        return first.start() if first else end


def _refusal(name: str, why: str) -> UsageError:
    return UsageError(f"redaction rule {name!r}: {why}")
