"""Matches one rule with one region of a screen.

Which rules are for a program, and which of several that match counts, is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from tmuxpulse.status.pattern import Pattern
from tmuxpulse.status.rules import Family, Rule
from tmuxpulse.status.view import Region

MAX_EVIDENCE_CHARACTERS: Final = 200
_ROOT_LENGTH: Final = 4


class Hit(msgspec.Struct, frozen=True):
    """A rule that matches.

    Attributes:
        rule: which.
        evidence: the text that shows it.
        row: its row; -1 for a title or a notification.
        general: whether the rule is for every program.
    """

    rule: Rule
    evidence: str
    row: int
    general: bool


class Bound(msgspec.Struct, frozen=True, eq=False):
    """A rule of a family."""

    rule: Rule
    family: Family


class Sieve:
    """Rules for one region, and what it has to hold for each to match: most do not.

    Args:
        rules: which.
    """

    __slots__ = ("_always", "_exact", "_lowered")

    def __init__(self, rules: Sequence[Bound]) -> None:
        self._always: list[_Chance] = []
        exact: dict[str, list[_Chance]] = {}
        lowered: dict[str, list[_Chance]] = {}
        for bound in rules:
            for pattern, chance in _chances(bound):
                for needle in pattern.needles:
                    (lowered if pattern.ignore_case else exact).setdefault(needle, []).append(
                        chance
                    )
                if not pattern.needles:
                    self._always.append(chance)
        self._exact = _rooted(exact)
        self._lowered = _rooted(lowered)

    def through(self, region: Region) -> Mapping[Bound, Sequence[Pattern]]:
        """Give the rules that may match, each with those of its `any` that may."""
        found = list(self._always)
        if self._exact:
            found += _there(self._exact, region.exact.text)
        if self._lowered:
            found += _there(self._lowered, region.lowered.text)
        if not found:
            return _NONE
        chances: dict[Bound, list[Pattern]] = {}
        for bound, pattern in found:
            some = chances.setdefault(bound, [])
            if pattern is not None and pattern not in some:
                some.append(pattern)
        return chances


# A rule that may match; one of its `any` that may, or None: all of them, if there are any.
_Chance: TypeAlias = tuple[Bound, "Pattern | None"]
# Strings, and under each those that hold it, each with what may match where it is found.
_Roots: TypeAlias = tuple[tuple[str, tuple[tuple[str, list[_Chance]], ...]], ...]
_NONE: Final[Mapping[Bound, Sequence[Pattern]]] = {}


def _chances(bound: Bound) -> list[tuple[Pattern, _Chance]]:
    """The patterns of which one has to be found, with what is to be tried then."""
    rule = bound.rule
    if not rule.all:
        return [(pattern, (bound, pattern)) for pattern in rule.any]
    # All of these have to be found: the one that is rarest is looked for.
    rarest = max(rule.all, key=lambda pattern: min(map(len, pattern.needles), default=0))
    return [(rarest, (bound, pattern)) for pattern in rule.any or (None,)]


def _there(roots: _Roots, text: str) -> list[_Chance]:
    return [
        chance
        for root, needles in roots
        if root in text
        for needle, chances in needles
        if needle in text
        for chance in chances
    ]


def _rooted(table: Mapping[str, list[_Chance]]) -> _Roots:
    """Put strings together that hold the same few characters, so that few have to be looked for."""
    left = dict.fromkeys(sorted(table))
    holders: dict[str, list[str]] = {}
    for needle in left:
        for part in dict.fromkeys(
            needle[at : at + _ROOT_LENGTH] for at in range(len(needle) - _ROOT_LENGTH + 1)
        ):
            holders.setdefault(part, []).append(needle)
    roots: list[tuple[str, tuple[tuple[str, list[_Chance]], ...]]] = []
    for root, _ in sorted(holders.items(), key=lambda item: (-len(item[1]), item[0])):
        below = [needle for needle in holders[root] if needle in left]
        if len(below) > 1:
            roots.append((root, tuple((needle, table[needle]) for needle in below)))
            for needle in below:
                del left[needle]
    return (*roots, *((needle, ((needle, table[needle]),)) for needle in left))


def found_in(patterns: Sequence[Pattern], text: str) -> bool:
    """Whether one of some patterns is in a text."""
    return any(pattern.search(text) for pattern in patterns)


def seen_in(rules: Sequence[Bound], text: str) -> tuple[Hit, ...]:
    """Match rules with a title or a notification; the one that counts first is first."""
    if not text or not rules:
        return ()
    region = Region([text], -1)
    found = [hit for one in rules if (hit := match(one, region, one.rule.any))]
    return tuple(sorted(found, key=order))


def match(bound: Bound, region: Region, some: Sequence[Pattern]) -> Hit | None:
    """Match one rule; the lowest row that matches is the one that counts.

    Args:
        bound: the rule.
        region: where.
        some: those of its `any` that may match.
    """
    rule = bound.rule
    best: tuple[int, str] | None = None
    for pattern in rule.all:
        found = last(pattern, region)
        if found is None:
            return None
        best = max(best or found, found)
    if rule.any:
        hits = [found for pattern in some if (found := last(pattern, region)) is not None]
        if not hits:
            return None
        best = max(hits)
    if best is None or any(last(pattern, region) is not None for pattern in rule.none):
        return None
    row, evidence = best
    return Hit(
        rule, evidence.strip()[:MAX_EVIDENCE_CHARACTERS], region.first + row, bound.family.general
    )


def last(pattern: Pattern, region: Region) -> tuple[int, str] | None:
    """The lowest row that matches, and what it shows."""
    needles = pattern.needles
    rows = region.rows
    numbers: Iterable[int]
    if needles:
        joined = region.lowered if pattern.ignore_case else region.exact
        text = joined.text
        for needle in needles:  # a loop: this is asked some dozens of times for each screen
            if needle in text:
                numbers = joined.holding(needles)
                break
        else:
            return None
    else:
        numbers = range(len(rows) - 1, -1, -1)
    for at in numbers:
        found = pattern.search(rows[at])
        if found is not None:
            return at, found.groupdict().get("shown") or rows[at]
    return None


def order(hit: Hit) -> tuple[int, int, bool, float, str]:
    """What hits are sorted by: the one that counts first is first."""
    rule = hit.rule
    return (-rule.priority, -hit.row, hit.general, -rule.confidence, rule.name)
