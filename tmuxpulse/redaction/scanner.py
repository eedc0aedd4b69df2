"""Finds the secrets of `rules` in a text of one or more lines.

Literals are looked for first, which is quick and finds nothing in most texts; a rule is tried only
where its literal stands. What lies in a mask, or touches one, is left as it is, so that a text
which was masked once stays the same.

Keys over many lines and rules of the user's are not known here.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Final, NamedTuple

from tmuxpulse.redaction.rules import Rule
from tmuxpulse.redaction.spans import BLOCK, Span, masks_in

# Lines that are as long may have been cut, and end anywhere in a secret. They are cut at 16 KiB, or
# edited at 4096 columns, which is 2048 characters that are wide.
LONG_LINE: Final = 2000
_MAX_BEFORE: Final = 48
_MAX_EXEMPT: Final = 200  # longer bodies are secrets in any case
_MAX_UNTIL: Final = 1024
_CAPITAL = re.compile("[A-Z]")
_start_of = attrgetter("start")
_ASCII_LOWER: Final = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


class _Parts(NamedTuple):
    """A rule, compiled."""

    rule: Rule
    lead: re.Pattern[str]
    body: re.Pattern[str]
    shape: re.Pattern[str] | None
    exempt: re.Pattern[str] | None
    before: re.Pattern[str] | None


class _Kind:
    """The rules with one needle, compiled when it is found for the first time."""

    def __init__(self, needle: str) -> None:
        self.rules: list[Rule] = []
        self._needle = needle

    @cached_property
    def gate(self) -> re.Pattern[str]:
        return re.compile(self.rules[0].gate or re.escape(self._needle))

    @cached_property
    def parts(self) -> list[_Parts]:
        bodies = {rule.body: re.compile(rule.body) for rule in self.rules}
        return [
            _Parts(
                rule,
                re.compile(rule.lead),
                bodies[rule.body],
                re.compile(rule.shape) if rule.shape else None,
                re.compile(rule.exempt) if rule.exempt else None,
                re.compile(rule.before) if rule.before else None,
            )
            for rule in self.rules
        ]


class Scanner:
    """Looks for secrets.

    Args:
        rules: which ones.

    Attributes:
        steps: how much work was done where literals were found: one for each rule tried, and one
            for each character of a body read.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.steps = 0
        # By needle: those looked for in the text as it is, and in its lower case.
        self._exact: dict[str, _Kind] = {}
        self._lower: dict[str, _Kind] = {}
        for rule in rules:
            table = self._exact if _CAPITAL.search(rule.needle) else self._lower
            table.setdefault(rule.needle, _Kind(rule.needle)).rules.append(rule)

    def spans(self, text: str, *, unfinished: bool = False) -> list[Span]:
        """Give the secrets in a text, in any order; some may overlap.

        Args:
            text: lines, joined by line ends.
            unfinished: more can come at its end, so that a secret may have only begun there.
        """
        low = lower(text)
        exact = [(text, kind) for needle, kind in self._exact.items() if needle in text]
        near = [(low, kind) for needle, kind in self._lower.items() if needle in low]
        if not exact and not near:
            return []
        search = _Search(text, unfinished=unfinished)
        found = [span for hay, kind in (*exact, *near) for span in search.hits(hay, kind)]
        self.steps += search.steps
        return found


class _Search:
    """One text, and what is remembered of it while it is searched."""

    def __init__(self, text: str, *, unfinished: bool) -> None:
        self.steps = 0
        self._text = text
        self._unfinished = unfinished
        self._masks = masks_in(text)
        self._runs: dict[re.Pattern[str], tuple[int, int]] = {}  # the last run of each body

    def hits(self, hay: str, kind: _Kind) -> list[Span]:
        gate = kind.gate
        found = []
        hit = gate.search(hay)
        while hit is not None:
            at = hit.start()
            after = at + 1
            if not touches(self._masks, at, after):
                span = self._first(kind.parts, at)
                if span is not None:
                    found += [span] * (span.end > span.start)
                    after = max(after, span.end)
            hit = gate.search(hay, after)
        return found

    def _first(self, rules: Sequence[_Parts], at: int) -> Span | None:
        """The secret at a hit; an empty one where there is a mask."""
        for parts in rules:
            self.steps += 1
            span = self._try(parts, at)
            if span is not None:
                return span
        return None

    def _try(self, parts: _Parts, at: int) -> Span | None:
        text = self._text
        lead = parts.lead.match(text, at)
        if lead is None:
            return None
        before = parts.before
        if before is not None and not before.search(text[max(0, at - _MAX_BEFORE) : at]):
            return None
        start = lead.end()
        end = self._run(parts.body, start)
        if end == start:
            return None
        if text[start] == BLOCK or touches(self._masks, start, end):
            return Span(
                start, start, parts.rule.name
            )  # masked already, so no other rule may have a say
        if not self._is_open(end):
            end = self._end(parts, start, end)
        return Span(start, end, parts.rule.name) if end > start else None

    def _run(self, body: re.Pattern[str], start: int) -> int:
        begin, end = self._runs.get(body, (0, 0))
        if begin <= start < end:
            return end
        found = body.match(self._text, start)
        end = found.end() if found else start
        self.steps += end - start
        self._runs[body] = (start, end)
        return end

    def _is_open(self, end: int) -> bool:
        """Whether a secret may go on behind what can be seen."""
        text = self._text
        if end == len(text):
            if self._unfinished:
                return True
        elif text[end] != "\n":
            return False
        start = text.rfind("\n", 0, end) + 1
        if end - start < LONG_LINE:
            return False
        hidden = sum(mask.end - mask.start for mask in self._masks if start <= mask.start < end)
        return end - start - hidden >= LONG_LINE

    def _end(self, parts: _Parts, start: int, end: int) -> int:
        """Where a body that has come to its end ceases to be secret; `start` if it is none."""
        text, rule = self._text, parts.rule
        if (
            parts.exempt is not None
            and end - start <= _MAX_EXEMPT
            and parts.exempt.fullmatch(text, start, end)
        ):
            return start
        if end - start >= rule.least:
            if rule.until:
                last = text.rfind(rule.until, start, min(end, start + _MAX_UNTIL))
                if last > start:
                    return last
            elif parts.shape is None or parts.shape.fullmatch(text, start, end):
                return end
        at_end = end == len(text) or text[end] == "\n"
        return end if at_end and end - start >= rule.end_least else start


def touches(masks: Sequence[Span], start: int, end: int) -> bool:
    """Whether a part of a text overlaps a mask or stands right beside one."""
    if not masks:
        return False
    # They are in order, and a span that begins at `end` touches it, whatever its own end.
    last = bisect_right(masks, end, key=_start_of) - 1
    return last >= 0 and start <= masks[last].end


def lower(text: str) -> str:
    """Give a text in lower case, each character at the place it had."""
    low = text.lower()
    return low if len(low) == len(text) else text.translate(_ASCII_LOWER)
