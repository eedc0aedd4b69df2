"""Masks secrets: in single texts, in the stream of a pane's lines, on its screen.

What a pane is, where the texts come from and where they go is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import takewhile
from typing import Final, TypeAlias

import msgspec

from tmuxpulse.redaction.keys import NAME as KEY
from tmuxpulse.redaction.keys import NEEDLE, KeyBlocks
from tmuxpulse.redaction.patterns import PatternRule
from tmuxpulse.redaction.rules import BUILT_IN
from tmuxpulse.redaction.rules import Rule as LeadRule
from tmuxpulse.redaction.scanner import Scanner
from tmuxpulse.redaction.screens import Joined, full_rows
from tmuxpulse.redaction.spans import Span, blotted, cells, masked, merged

Rule: TypeAlias = LeadRule | PatternRule

_REMEMBERED: Final = 1024  # titles and command lines come again and again


class Redacted(msgspec.Struct, frozen=True):
    """A text without its secrets.

    Attributes:
        text: what is left.
        count: how many masks were put in.
    """

    text: str
    count: int


class RedactedLines(msgspec.Struct, frozen=True):
    """What a pane printed, without its secrets.

    Attributes:
        lines: the finished lines.
        partial: the unfinished one.
        count: how many masks were put into them.
    """

    lines: tuple[str, ...]
    partial: str
    count: int


class RedactedScreen(msgspec.Struct, frozen=True):
    """A screen without its secrets.

    Attributes:
        rows: as many as there were, everything in its column.
        counts: for each row how many runs were masked in it.
        masks: for each row that was masked what was: from, to, and how many blocks are there now.
    """

    rows: list[str]
    counts: list[int]
    masks: dict[int, list[tuple[int, int, int]]]


class Redactor:
    """Knows the rules.

    Args:
        rules: what is a secret. Without any nothing is masked.

    Attributes:
        scanner: runs the rules that have a lead.
        knows_keys: whether private keys over many lines are masked: with the rule for those in one.
    """

    def __init__(self, rules: Sequence[Rule] = BUILT_IN) -> None:
        self.knows_keys = any(rule.name == KEY for rule in rules)
        self.scanner = Scanner(rule for rule in rules if isinstance(rule, LeadRule))
        self._patterns = [rule for rule in rules if isinstance(rule, PatternRule)]
        self._remembered = lru_cache(_REMEMBERED)(self._redact)

    def redact_line(self, text: str) -> Redacted:
        """Mask a text that is finished: a title, a command line, a notification."""
        return self._remembered(text)

    def spans(self, text: str, *, unfinished: bool = False) -> list[Span]:
        """Where secrets are in a text of one or more lines; see `Scanner.spans`."""
        found = self.scanner.spans(text, unfinished=unfinished)
        for rule in self._patterns:
            found += rule.spans(text, unfinished=unfinished)
        return found

    def screen(self, rows: Sequence[str], width: int = 0) -> RedactedScreen:
        """Mask the rows of a screen with blocks.

        Args:
            rows: all of them, top to bottom, without trailing blanks.
            width: the pane's; 0 when it is not known, which takes the widest row for full, if it
                has 40 columns.
        """
        full = full_rows(rows, width)
        joined = Joined(rows, full)
        found: dict[int, list[Span]] = {}
        texts = [joined]
        if True in full:
            # Each row by itself, too: a row that is full need not go on in the next.
            texts.append(Joined(rows, [False] * len(rows)))
        for rows_as in texts:
            for row, span in rows_as.split(self.spans(rows_as.text)):
                found.setdefault(row, []).append(span)
        if self.knows_keys:
            for row, span in joined.split(_key_spans(joined.text)):
                found.setdefault(row, []).append(span)
        result = list(rows)
        counts = [0] * len(rows)
        masks: dict[int, list[tuple[int, int, int]]] = {}
        for row, spans in found.items():
            put = merged(spans)
            result[row], counts[row] = blotted(rows[row], put[::-1]), len(put)
            masks[row] = [(start, end, cells(rows[row][start:end])) for start, end, _ in put]
        return RedactedScreen(result, counts, masks)

    def redact_text(self, text: str, width: int = 0) -> Redacted:
        """Mask what was captured of a screen and its history: as `screen`, joined by line ends."""
        screen = self.screen(text.split("\n"), width)
        return Redacted("\n".join(screen.rows), sum(screen.counts))

    def _redact(self, text: str) -> Redacted:
        spans = merged(self.spans(text))
        return Redacted(masked(text, spans), len(spans)) if spans else Redacted(text, 0)


class PaneRedactor:
    """Masks what one pane prints, line after line.

    Args:
        redactor: knows the rules.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._keys = KeyBlocks()

    def redact(self, lines: tuple[str, ...], partial: str, *, cut: int = 0) -> RedactedLines:
        """Mask what came since the last time.

        Args:
            lines: finished since then.
            partial: the unfinished line.
            cut: how much was left out before these lines; a key may have begun in it.
        """
        if cut:
            self._keys.gap()
        lines, count = self._lines(lines)
        spans: list[Span] = []
        if partial:
            spans = self._redactor.spans(partial, unfinished=True)
            if self._redactor.knows_keys:
                spans += self._keys.unfinished(partial)
        if spans:
            spans = merged(spans)
            partial = masked(partial, spans)
        return RedactedLines(lines, partial, count + len(spans))

    def _lines(self, lines: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
        if not lines:
            return lines, 0
        text = "\n".join(lines)
        found = self._redactor.spans(text)
        if self._redactor.knows_keys:
            found += _in_keys(text, lines, self._keys)
        if not found:
            return lines, 0
        spans = merged(found)
        return tuple(masked(text, spans).split("\n")), len(spans)


def make_redactor(extra: Iterable[tuple[str, str]]) -> Redactor:
    """Make a redactor with the built-in rules and further ones.

    Args:
        extra: of each its name and its pattern.

    Raises:
        UsageError: one of them cannot be taken; its text names it and says why.
    """
    return Redactor((*BUILT_IN, *(PatternRule(name, pattern) for name, pattern in extra)))


def _key_spans(text: str) -> list[Span]:
    """The keys on a screen, whose first line may have left it."""
    return _in_keys(text, text.split("\n"), KeyBlocks())


def _in_keys(text: str, lines: Iterable[str], keys: KeyBlocks) -> list[Span]:
    """Follow the lines of a text; where none says anything of a key, to the end of one."""
    found = []
    start = 0
    for line in lines if NEEDLE in text else takewhile(lambda _: keys.active, lines):
        found += [Span(start + at, start + end, name) for at, end, name in keys.line(line)]
        start += len(line) + 1
    return found
