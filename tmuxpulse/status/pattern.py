r"""Regular expressions that end in bounded time on any text.

Python's `re` has no limit on the steps of a match. A pattern is therefore read by a small parser of
our own before it is compiled, and refused if the number of ways in which it could be tried on one
row (`evidence.MAX_CELLS` characters) is above `MAX_TRIES`. That allows one repetition without bound
anywhere, or two behind a ``^``; it refuses nested repetitions and rows of them.

The reading also yields *needles*: strings of which one is in every text that matches. Looking for
them first is what makes a hundred rules cheap.

What is understood: literals, ``.``, sets, ``\d \w \s \b`` and their opposites, ``^``, ``$``, groups,
named groups, ``|``, ``* + ? {m,n}`` and their lazy forms, and looking ahead and behind at something
of one length. No back references, no flags, no conditions.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from tmuxpulse.status.evidence import MAX_CELLS

MAX_TRIES: Final = 300_000
MAX_PATTERN_CHARACTERS: Final = 1000
MAX_GROUPS_DEEP: Final = 20
_SHORT_REPEAT: Final = 4  # how often a group with choices may be repeated

_QUANTIFIER = re.compile(r"(?:([*+?])|\{(\d{1,4})\}|\{(\d{0,4}),(\d{0,4})\})\??")
_SET = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]")
_GROUP = re.compile(r"\((?:\?(?:P<[A-Za-z_]\w*>|:|(?P<look><?[=!])|(?P<other>.)))?")
_CLASSES: Final = "dDwWsS"
_ESCAPED_CONTROLS: Final = {"t": "\t", "n": "\n", "r": "\r"}


class PatternRefused(ValueError):
    """A pattern is wrong, or could take too long; the text says why."""


class Part(NamedTuple):
    """What a piece of a pattern is like.

    Attributes:
        ways: in how many ways it can match from one place, at most.
        exact: the one string it matches, if it is one.
        firsts: the characters it can begin with; None when not known.
        needles: every match contains one of these; empty when not known.
        anchored: whether it matches at the beginning only.
        lead: the string it begins with.
        empty: whether it can match nothing.
    """

    ways: int = 1
    exact: str | None = None
    firsts: frozenset[str] | None = None
    needles: frozenset[str] = frozenset()
    anchored: bool = False
    lead: str = ""
    empty: bool = False


class Pattern:
    """A compiled pattern with its needles.

    Args:
        text: the regular expression.
        ignore_case: whether capitals matter not.

    Raises:
        PatternRefused: it is wrong, or could take too long.
    """

    __slots__ = ("ignore_case", "needles", "search", "text")

    def __init__(self, text: str, *, ignore_case: bool = False) -> None:
        if len(text) > MAX_PATTERN_CHARACTERS:
            raise PatternRefused(f"it has more than {MAX_PATTERN_CHARACTERS} characters")
        try:
            compiled = re.compile(text, re.IGNORECASE if ignore_case else 0)
        except (re.error, OverflowError, RecursionError) as error:
            raise PatternRefused(f"it is no regular expression: {error}") from error
        part = read(text)
        self.text = text
        self.ignore_case = ignore_case
        self.search = compiled.search
        # Some characters have another length, or several forms, in lower case.
        plain = all(needle.isascii() for needle in part.needles)
        needles = part.needles if plain or not ignore_case else frozenset[str]()
        self.needles = tuple(sorted(n.lower() if ignore_case else n for n in needles))

    def may_match(self, text: str, lowered: str) -> bool:
        """Whether one of its needles is in a text, given as it is and in lower case."""
        if not self.needles:
            return True
        where = lowered if self.ignore_case else text
        return any(needle in where for needle in self.needles)


def read(text: str) -> Part:
    """Study a pattern that `re` has compiled.

    Raises:
        PatternRefused: it holds what is not understood, or could take too long.
    """
    reader = _Reader(text)
    part = reader.alternatives(0)
    if reader.at < len(text):
        raise PatternRefused(f"there is an unexpected {text[reader.at]!r}")
    starts = 1 if part.anchored else MAX_CELLS // max(1, len(part.lead))
    if starts * part.ways > MAX_TRIES:
        raise PatternRefused(
            "some texts could make it take very long: it repeats too much without a bound;"
            " begin it with ^ or write {0,20} for *"
        )
    return part


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def alternatives(self, depth: int) -> Part:
        if depth > MAX_GROUPS_DEEP:
            raise PatternRefused("its groups are nested too deeply")
        branches = [self._sequence(depth)]
        while self._sees("|"):
            self.at += 1
            branches.append(self._sequence(depth))
        if len(branches) == 1:
            return branches[0]
        all_firsts = [branch.firsts for branch in branches]
        known = [firsts for firsts in all_firsts if firsts is not None]
        firsts = frozenset[str]().union(*known) if len(known) == len(branches) else None
        distinct = firsts is not None and sum(map(len, known)) == len(firsts)
        ways = [branch.ways for branch in branches]
        return Part(
            # Where the first character decides, only one branch is ever tried to its end.
            ways=max(ways) if distinct else sum(ways),
            firsts=firsts,
            needles=frozenset[str]().union(*(branch.needles for branch in branches))
            if all(branch.needles for branch in branches)
            else frozenset(),
            anchored=all(branch.anchored for branch in branches),
            empty=any(branch.empty for branch in branches),
        )

    def _sequence(self, depth: int) -> Part:
        parts: list[Part] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts.append(self._times(self._one(depth)))
        return _joined(parts)

    def _sees(self, character: str) -> bool:
        return self.text.startswith(character, self.at)

    def _one(self, depth: int) -> Part:
        character = self.text[self.at]
        if character == "(":
            return self._group(depth)
        if character == "[":
            found = _SET.match(self.text, self.at)
            if found is None:
                raise PatternRefused("a set has no end")
            self.at = found.end()
            return Part()
        if character == "\\":
            return self._escape()
        self.at += 1
        if character == "^":
            return Part(anchored=True, empty=True)
        if character == "$":
            return Part(empty=True)
        return Part() if character == "." else _literal(character)

    def _escape(self) -> Part:
        letter = self.text[self.at + 1]
        self.at += 2
        if letter in _CLASSES:
            return Part()
        if letter in "bB":
            return Part(empty=True)
        if letter in _ESCAPED_CONTROLS:
            return _literal(_ESCAPED_CONTROLS[letter])
        if letter.isalnum():
            raise PatternRefused(f"\\{letter} is not supported; write the character itself")
        return _literal(letter)

    def _group(self, depth: int) -> Part:
        found = _GROUP.match(self.text, self.at)
        if found is None or found["other"]:
            raise PatternRefused("flags, conditions and references in (?…) are not supported")
        self.at = found.end()
        part = self.alternatives(depth + 1)
        self.at += 1  # the closing parenthesis; `re` has seen it
        if not found["look"]:
            return part
        if part.ways > 1:
            raise PatternRefused("what it looks ahead or behind at has to have one length")
        return Part(empty=True)

    def _times(self, part: Part) -> Part:
        found = _QUANTIFIER.match(self.text, self.at)
        if found is None:
            return part
        self.at = found.end()
        least, most = _bounds(found)
        inner = part.ways
        if most > 1 and (inner > 1 or part.empty):
            if most > _SHORT_REPEAT:
                raise PatternRefused(
                    "it repeats a group that holds a choice or another repetition,"
                    " which some texts make endless"
                )
            inner = inner**most
        ways = (most - least + 1) * inner
        if least == 0:
            return Part(ways=ways, empty=True)
        exact = part.exact if least == most == 1 else None
        return part._replace(ways=ways, exact=exact, empty=part.empty)


def _bounds(found: re.Match[str]) -> tuple[int, int]:
    sign, times, least, most = found.groups()
    if sign:
        return {"*": (0, MAX_CELLS), "+": (1, MAX_CELLS), "?": (0, 1)}[sign]
    if times:
        return int(times), int(times)
    low = int(least or 0)
    return low, max(low, min(int(most), MAX_CELLS) if most else MAX_CELLS)


def _literal(character: str) -> Part:
    one = frozenset((character,))
    return Part(exact=character, firsts=one, needles=one, lead=character)


def _joined(parts: list[Part]) -> Part:
    """Put pieces one after the other."""
    ways = 1
    anchored = any(part.anchored for part in parts[:1])
    runs = [""]
    candidates: list[frozenset[str]] = []
    for part in parts:
        ways = min(ways * part.ways, MAX_TRIES * MAX_CELLS)
        if part.exact is not None:
            runs[-1] += part.exact
            continue
        if not (part.empty and part.ways == 1):  # a ^, $ or \b does not part what is beside it
            runs.append("")
        if part.needles:
            candidates.append(part.needles)
    candidates += [frozenset((run,)) for run in runs if run]
    wide = [part for part in parts if not (part.empty and part.ways == 1)]
    lead = ""
    for part in wide:
        lead += part.lead
        if part.exact is None:
            break
    whole = all(part.exact is not None for part in parts)
    return Part(
        ways=ways,
        exact="".join(part.exact or "" for part in parts) if whole else None,
        firsts=wide[0].firsts if wide and not wide[0].empty else None,
        needles=max(candidates, key=_worth, default=frozenset()),
        anchored=anchored,
        lead=lead,
        empty=all(part.empty for part in parts),
    )


def _worth(needles: frozenset[str]) -> tuple[int, int, list[str]]:
    """Long needles are rarer, few are quicker; and the choice has to be the same every time."""
    return min(map(len, needles)), -len(needles), sorted(needles)
