r"""How long a regular expression can take at most, read from its text.

A small parser of our own counts *steps*: every place in a row where the pattern may begin, times
every way of repeating that has to be tried from there. A repetition that what follows it cannot
continue (``\d+:``) has one way; any other (``.*x``) has as many as it may have lengths. What is
above `MAX_STEPS` for a row of `MAX_CELLS` characters is refused. That keeps one repetition without
bound, and refuses nested ones and rows of them, whether exponential or only polynomial.

The reading also yields *needles*: strings of which one is in every text that matches. Looking for
them first is what makes a hundred rules cheap.

What is understood: literals, ``.``, sets, ``\d \w \s \b`` and their opposites, ``^``, ``$``,
groups, named groups, ``|``, ``* + ? {m,n}`` and their lazy forms, and looking ahead and behind at
something of one length. No back references, no flags, no conditions.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from tmuxpulse.status.evidence import MAX_CELLS

MAX_STEPS: Final = 1_000_000
_MAX_DEPTH: Final = 20
_SHORT_REPEAT: Final = 4  # how often a group with choices may be repeated
_MUCH: Final = 1 << 40

_QUANTIFIER = re.compile(r"(?:([*+?])|\{(\d{1,4})\}|\{(\d{0,4}),(\d{0,4})\})\??")
_SET = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_GROUP = re.compile(r"\((?:\?(?:P<[A-Za-z_]\w*>|:|(?P<look><?[=!])|(?P<other>.)))?", re.DOTALL)
_CLASSES: Final = "dDwWsS"
_CONTROLS: Final = {"t": "\t", "n": "\n", "r": "\r"}
_ASCII: Final = "".join(map(chr, range(128)))
_OTHER: Final = "\x80"  # stands for all that is not ASCII
_OPEN_SET: Final = re.compile(r"\[\^|\\[dDwWsS]|[^\x00-\x7f]")

Characters = frozenset[str]


class PatternRefused(ValueError):
    """A pattern is wrong, or could take too long; the text says why."""


class Part(NamedTuple):
    """What a piece of a pattern is like.

    Attributes:
        ways: in how many ways it can match from one place, at most.
        steps: how many steps it takes to try them all, at most.
        firsts: the characters it can begin with; None when not known.
        loop: what a repetition can go on with; None for anything else.
        exact: the one string it matches, if it is one.
        starts: at how many places of a row it can get beyond its head, at most.
        length: how long a match is; None when that varies.
        needles: every match contains one of these; empty when not known.
        anchored: whether it matches at the beginning only.
        empty: whether it can match nothing.
        mark: whether it matches nothing but a place.
    """

    ways: int = 1
    steps: int = 1
    firsts: Characters | None = None
    loop: Characters | None = None
    exact: str | None = None
    starts: int = MAX_CELLS
    length: int | None = 1
    needles: Characters = frozenset()
    empty: bool = False
    mark: bool = False


def study(text: str, *, ignore_case: bool = False) -> Part:
    """Study a pattern that `re` compiles.

    Raises:
        PatternRefused: it holds what is not understood.
    """
    return _Reader(text, ignore_case).alternatives(0)


def refuse_slow(part: Part) -> None:
    """Refuse a pattern that could take too long.

    Raises:
        PatternRefused: so it could.
    """
    if part.starts * part.steps > MAX_STEPS:
        raise PatternRefused(
            "some texts could make it take very long, for it repeats too much without a bound;"
            " begin it with ^, or write {0,20} for *"
        )


_SPECIAL: Final = {
    "^": Part(starts=1, length=0, empty=True, mark=True),
    "$": Part(firsts=Characters(), length=0, mark=True),  # nothing can come after it
    ".": Part(firsts=Characters((*_ASCII, _OTHER))),
}


class _Reader:
    def __init__(self, text: str, ignore_case: bool) -> None:
        self.text = text
        self.at = 0
        self.ignore_case = ignore_case

    def alternatives(self, depth: int) -> Part:
        if depth > _MAX_DEPTH:
            raise PatternRefused("its groups are nested too deeply")
        branches = [self._sequence(depth)]
        while self.text.startswith("|", self.at):
            self.at += 1
            branches.append(self._sequence(depth))
        if len(branches) == 1:
            return branches[0]
        known = [branch.firsts for branch in branches if branch.firsts is not None]
        firsts = Characters().union(*known) if len(known) == len(branches) else None
        distinct = firsts is not None and sum(map(len, known)) == len(firsts)
        needles = [branch.needles for branch in branches]
        lengths = {branch.length for branch in branches}
        return Part(
            # Where the first character decides, only one branch is ever tried to its end.
            ways=_ways(branches, distinct=distinct),
            steps=len(branches) + sum(branch.steps for branch in branches),
            firsts=firsts,
            needles=Characters().union(*needles) if all(needles) else Characters(),
            starts=min(MAX_CELLS, sum(branch.starts for branch in branches)),
            length=lengths.pop() if len(lengths) == 1 else None,
            empty=any(branch.empty for branch in branches),
            mark=all(branch.mark for branch in branches),
        )

    def _sequence(self, depth: int) -> Part:
        parts: list[Part] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts.append(self._times(self._one(depth)))
        return _joined(parts, last=depth == 0)

    def _one(self, depth: int) -> Part:
        character = self.text[self.at]
        if character == "(":
            return self._group(depth)
        if character == "[":
            found = _SET.match(self.text, self.at)
            if found is None:
                raise PatternRefused("a set has no end")
            self.at = found.end()
            return Part(firsts=_characters(found[0], self.ignore_case))
        if character == "\\":
            return self._escape()
        self.at += 1
        return _SPECIAL.get(character) or self._literal(character)

    def _escape(self) -> Part:
        letter = self.text[self.at + 1 : self.at + 2]
        self.at += 2
        if not letter:
            raise PatternRefused("it ends with a backslash")
        if letter in _CLASSES:
            return Part(firsts=_characters("\\" + letter, ignore_case=False))
        if letter in "bB":
            return Part(length=0, empty=True, mark=True)
        if letter in _CONTROLS:
            return self._literal(_CONTROLS[letter])
        if letter.isalnum():
            raise PatternRefused(f"\\{letter} is not supported; write the character itself")
        return self._literal(letter)

    def _literal(self, character: str) -> Part:
        forms = {character, character.lower(), character.upper()}
        firsts = Characters(
            form if form.isascii() else _OTHER
            for form in (forms if self.ignore_case else {character})
        )
        return Part(firsts=firsts, exact=character, needles=Characters((character,)))

    def _group(self, depth: int) -> Part:
        found = _GROUP.match(self.text, self.at)
        if found is None or found["other"]:
            raise PatternRefused("flags, conditions and references in (?…) are not supported")
        self.at = found.end()
        part = self.alternatives(depth + 1)
        self.at += 1  # the closing parenthesis
        if not found["look"]:
            return part
        if part.ways > 1:
            raise PatternRefused("what it looks ahead or behind at has to have one length")
        return Part(steps=1 + part.steps, length=0, empty=True, mark=True)

    def _times(self, part: Part) -> Part:
        found = _QUANTIFIER.match(self.text, self.at)
        if found is None:
            return part
        self.at = found.end()
        least, most = _bounds(found)
        ways, tries = part.ways, max(1, most)
        if most > 1 and (ways > 1 or part.empty):
            if most > _SHORT_REPEAT:
                raise PatternRefused(
                    "it repeats a group that holds a choice or another repetition,"
                    " which some texts make endless"
                )
            tries = sum(ways**time for time in range(most))
            ways = ways**most
        times = most - least + 1
        repeated = Part(
            ways=min(_MUCH, times * ways),
            steps=min(_MUCH, tries * part.steps),
            firsts=part.firsts,
            loop=part.firsts if part.ways == 1 and times > 1 else None,
            length=part.length * least if part.length is not None and times == 1 else None,
            empty=least == 0 or part.empty,
            mark=part.mark,
        )
        if least == 0:
            return repeated
        once = least == most == 1
        return repeated._replace(
            exact=part.exact if once else None, starts=part.starts, needles=part.needles
        )


def _ways(branches: list[Part], *, distinct: bool) -> int:
    exact = [branch.exact for branch in branches if branch.exact is not None]
    if len(exact) == len(branches):  # those that can match at one place begin with each other
        return max(sum(one.startswith(other) for other in exact) for one in exact)
    ways = [branch.ways for branch in branches]
    return max(ways) if distinct else sum(ways)


def _bounds(found: re.Match[str]) -> tuple[int, int]:
    sign, times, least, most = found.groups()
    if sign:
        return {"*": (0, MAX_CELLS), "+": (1, MAX_CELLS), "?": (0, 1)}[sign]
    if times:
        return int(times), int(times)
    low = int(least or 0)
    return low, max(low, min(int(most), MAX_CELLS) if most else MAX_CELLS)


@lru_cache(maxsize=1024)
def _characters(one: str, ignore_case: bool) -> Characters:
    """The characters that a set or a class matches."""
    flags = (re.IGNORECASE if ignore_case else 0) | re.DOTALL
    found = Characters(re.findall(one, _ASCII, flags))
    return found | {_OTHER} if one == "." or ignore_case or _OPEN_SET.search(one) else found


def _joined(parts: list[Part], *, last: bool) -> Part:
    """Put pieces one after the other; after the last one of a pattern there is nothing to fail."""
    follow: Characters | None = Characters() if last else None
    steps, ways, empty = 0, 1, True
    for part in reversed(parts):
        ahead = part.ways
        if part.loop is not None and follow is not None and not part.loop & follow:
            ahead = 1
        steps = min(_MUCH, part.steps + ahead * steps)
        ways = min(_MUCH, ahead * ways)
        empty = empty and (part.empty or part.mark)
        if part.mark and part.firsts is None:
            continue  # a place: what comes after it decides
        if part.empty:
            known = follow is not None and part.firsts is not None
            follow = follow | part.firsts if known and follow is not None else None  # type: ignore[operator]  # both are known
        else:
            follow = part.firsts
    exact = all(part.exact is not None for part in parts)
    return Part(
        ways=ways,
        steps=max(1, steps),
        firsts=None if empty else follow,
        exact="".join(part.exact or "" for part in parts) if exact else None,
        starts=_starts(parts),
        length=_length(parts),
        needles=max(_candidates(parts), key=_worth, default=Characters()),
        empty=empty,
        mark=all(part.mark for part in parts),
    )


def _starts(parts: list[Part]) -> int:
    """In how many places of a row the head of a pattern can be, as far as it has one length."""
    fewest, run = MAX_CELLS, ""
    for part in parts:
        if part.exact is not None:
            run += part.exact
            fewest = min(fewest, MAX_CELLS // _period(run) + 1)
            continue
        if not part.mark:
            run = ""
        fewest = min(fewest, part.starts)
        if part.length is None:
            break
    return fewest


def _period(text: str) -> int:
    """How far apart two places of a text are at least."""
    return next(n for n in range(1, len(text) + 1) if text.startswith(text[n:]))


def _length(parts: list[Part]) -> int | None:
    lengths = [part.length for part in parts if part.length is not None]
    return sum(lengths) if len(lengths) == len(parts) else None


def _candidates(parts: list[Part]) -> list[Characters]:
    runs = [""]
    found = []
    for part in parts:
        if part.exact is not None:
            runs[-1] += part.exact
        elif not part.mark:
            runs.append("")
            if part.needles:
                found.append(part.needles)
    return found + [Characters((run,)) for run in runs if run]


def _worth(needles: Characters) -> tuple[int, int, list[str]]:
    """Long needles are rarer, few are quicker; and the choice has to be the same every time."""
    return min(map(len, needles)), -len(needles), sorted(needles)
