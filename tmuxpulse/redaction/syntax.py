"""Reads a regular expression as far as its cost and its beginning are concerned.

Python's `re` has no bound on the steps of a match. What is told here lets `patterns` refuse those
that hostile text can make endless, and mask a secret that is half printed.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_LONG: Final = 16  # a repetition that can vary by more is a long one
_SHORT_OUTER: Final = 4  # a group that holds a choice may be repeated as often

_TOKEN = re.compile(
    r"""
    (?P<escape>\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.))
    |(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])
    |(?P<flags>\(\?[aiLmsux]+\))
    |(?P<comment>\(\?\#[^)]*\))
    |(?P<refused>\(\?P=|\(\?\()
    |(?P<look>\(\?<?[=!])
    |(?P<open>\((?:\?(?:P<\w+>|:|>|[aiLmsux-]+:))?)
    |(?P<close>\))
    |(?P<bar>\|)
    |(?P<times>(?:[*+?]|\{\d*,\d*\}|\{\d+\})[?+]?)
    |(?P<anchor>[\^$])
    |(?P<any>\.)
    |(?P<literal>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COUNTS = re.compile(r"\{(\d*)(,?)(\d*)\}")
_ZERO_WIDTH: Final = "bBAZ"
_SPECIAL: Final = "dDsSwWnrtfva0123456789xuUN"


class Study(NamedTuple):
    """What a pattern is like.

    Attributes:
        prefix: the literal characters it begins with.
        first: the pattern of its first character, if there is no prefix; empty when not known.
        blanks: whether it can match a blank.
        longs: how many repetitions have no bound, or a high one.
        choices: how many places there are where it can go on in more than one way.
        trouble: what is wrong with it; empty if nothing is.
    """

    prefix: str
    first: str
    blanks: bool
    longs: int
    choices: int
    trouble: str


class _Group(NamedTuple):
    look: bool
    start: int  # how many choices there were when it began
    began: bool  # whether it began before anything that is matched


def study(pattern: str) -> Study:
    """Read a pattern that `re` has compiled."""
    reader = _Reader()
    for token in _TOKEN.finditer(pattern):
        kind = token.lastgroup or ""
        reader.read(kind, token[0])
    return reader.result()


class _Reader:
    def __init__(self) -> None:
        self.prefix: list[str] = []
        self.first = ""
        self.done = False  # whether the beginning is known
        self.void = False  # whether it begins in more than one way
        self.blanks = False
        self.longs = 0
        self.choices = 0
        self.trouble = ""
        self.groups: list[_Group] = []
        self.looking = 0  # how many of them look ahead or behind
        self.closed: _Group | None = None
        self.last_is_literal = False

    def read(self, kind: str, text: str) -> None:
        closed, self.closed = self.closed, None
        match kind:
            case "times":
                self._times(text, closed)
            case "open" | "look":
                look = kind == "look"
                self.done = self.done or bool(self.prefix)
                self.looking += look
                self.groups.append(_Group(look, self.choices, not self.done))
            case "close" if self.groups:
                self.closed = self.groups.pop()
                self.looking -= self.closed.look
                self.done = self.done or bool(self.prefix)
            case "bar":
                self.choices += 1
                self.void = self.void or not self.groups or self.groups[-1].began
            case "flags" if "x" in text:
                self.trouble = "it uses the flag x; write it without blanks and comments"
            case "refused":
                self._refuse_references()
            case "escape" | "set" | "any" | "literal":
                self._one(kind, text)
        if kind != "times":
            self.last_is_literal = kind in {"literal", "escape"}

    def result(self) -> Study:
        prefix = "" if self.void else "".join(self.prefix)
        first = "" if self.void or prefix else self.first
        return Study(prefix, first, self.blanks, self.longs, self.choices, self.trouble)

    def _one(self, kind: str, text: str) -> None:
        """One character, of any kind."""
        letter = text[1:2] if kind == "escape" else ""
        if letter and letter in _ZERO_WIDTH:
            return
        if letter and letter in "123456789":
            self._refuse_references()
            return
        if self.looking:
            return
        self.blanks = self.blanks or _takes_blanks(text)
        if self.done:
            return
        literal = text if kind == "literal" else letter if letter not in _SPECIAL else ""
        if literal:
            self.prefix.append(literal)
        else:
            self.done = True
            self.first = "" if self.prefix else text

    def _times(self, text: str, closed: _Group | None) -> None:
        low, high = _bounds(text)
        if closed is not None and high > 1 and self.choices > closed.start:
            if high > _SHORT_OUTER:
                self.trouble = (
                    "it repeats a group that holds another repetition or a choice, which some"
                    " texts make endless; write it without"
                )
            self.choices += (self.choices - closed.start) * (min(high, _SHORT_OUTER) - 1)
        if high != low:
            self.choices += 1
        self.longs += high - low > _LONG
        if closed is not None and closed.began and not closed.look:
            self.void = self.void or low == 0
            self.done = True
        elif not self.done and self.prefix and self.last_is_literal:
            if low == 0:
                self.prefix.pop()
                self.void = self.void or not self.prefix
            self.done = True
        elif not self.done or (self.first and not self.prefix and low == 0):
            # What may be missing at the beginning tells nothing of it.
            self.void = self.void or (low == 0 and not self.prefix)

    def _refuse_references(self) -> None:
        self.trouble = "it refers back to a group, which costs too much on some texts"


def _bounds(times: str) -> tuple[int, int]:
    counts = _COUNTS.match(times)
    if counts is None:
        return {"*": (0, 1 << 30), "+": (1, 1 << 30), "?": (0, 1)}[times[0]]
    low = int(counts[1] or "0")
    if not counts[2]:
        return low, low
    return low, int(counts[3]) if counts[3] else 1 << 30


def _takes_blanks(character: str) -> bool:
    if len(character) == 1 and character != ".":
        return character in " \t"
    return any(re.match(character, blank) for blank in " \t")
