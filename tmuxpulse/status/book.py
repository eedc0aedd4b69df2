"""All rules together, and what they see on a screen.

A `Book` is made once and shared by all panes. It keeps nothing of a pane.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec

from tmuxpulse.status.evidence import Screen
from tmuxpulse.status.pattern import Pattern
from tmuxpulse.status.reading import is_own, reader
from tmuxpulse.status.rules import Family, LineRule, Rule
from tmuxpulse.status.view import Region, View

MAX_EVIDENCE_CHARACTERS: Final = 200
_MAX_HITS: Final = 20
_WORDS: Final = ("error", "fail", "fatal", "warn", "exception", "panic", "not ", "denied")


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


class Sight(msgspec.Struct, frozen=True):
    """What the rules see on one screen.

    Attributes:
        hits: of the screen, the one that counts first.
        titles: of the pane's title.
        notifications: of the last notification.
        prompt: the shell's prompt that the cursor is behind; None if there is none.
        at_start: whether the cursor rests in the first column of an empty row.
        command_line: what was typed at that prompt before, as far as it is on the screen.
        agent: the kind of agent that runs.
    """

    hits: tuple[Hit, ...] = ()
    titles: tuple[Hit, ...] = ()
    notifications: tuple[Hit, ...] = ()
    prompt: str | None = None
    at_start: bool = False
    command_line: str = ""
    agent: str | None = None


class _Gated:
    """A rule, with what a region has to hold for it to match: most regions do not."""

    __slots__ = ("_gates", "_lowered", "family", "rule")

    def __init__(self, rule: Rule, family: Family) -> None:
        self.rule = rule
        self.family = family
        self._gates: tuple[tuple[str, ...], ...] | None = None  # patterns are read when needed
        self._lowered = any(pattern.ignore_case for pattern in (*rule.all, *rule.any))

    def may_match(self, region: Region) -> bool:
        gates = self._gates
        if gates is None:
            gates = self._gates = self._read()
        text = (region.lowered if self._lowered else region.exact).text
        for gate in gates:
            for needle in gate:
                if needle in text:
                    break
            else:
                return False
        return True

    def _read(self) -> tuple[tuple[str, ...], ...]:
        """Sets of strings, one of each of which is in whatever matches."""
        gates = [pattern.needles for pattern in self.rule.all]
        some = [pattern.needles for pattern in self.rule.any]
        if all(some):
            gates.append(tuple(dict.fromkeys(needle for needles in some for needle in needles)))
        return tuple(gate for gate in gates if gate)


_Plan: TypeAlias = tuple[tuple[tuple[str, int], list[_Gated]], ...]


class Book:
    """Every family's rules.

    Args:
        families: as `rules.load` gives them.

    Attributes:
        line_rules: those for finished lines; they are for every program.
        line_gate: what lines have to hold for any of those to match.
    """

    def __init__(self, families: Sequence[Family]) -> None:
        self._families = tuple(families)
        self.line_rules: tuple[LineRule, ...] = tuple(
            rule for family in families for rule in family.lines
        )
        self.line_gate = gate(self.line_rules)
        self._globs = {family.name: _glob(family.commands) for family in families}
        self._hosts = {family.name: _glob(family.hosts) for family in families}
        self._named = lru_cache(maxsize=512)(self._by_name)
        self._gated = {
            family.name: [_Gated(rule, family) for rule in family.rules]
            for family in self._families
        }
        self._plan = lru_cache(maxsize=512)(self._make_plan)

    def look(
        self, screen: Screen, names: tuple[str, ...], title: str = "", notification: str = ""
    ) -> Sight:
        """Match all rules that are for what runs in a pane.

        Args:
            screen: what it shows.
            names: what the foreground program is called; empty when not known.
            title: the pane's title.
            notification: what it notified of last.
        """
        view = View(screen)
        families = self._families_for(names or ("",), title, view)
        agent = next((family.agent for family in families if family.agent), None)
        prompt = _prompt(families, view)
        command_line = "" if prompt is None else view.command_line(prompt)
        shows = reader(command_line)
        hits: list[Hit] = []
        keys = tuple(family.name for family in families)
        for (name, rows), gated in self._plan(keys, prompt is not None, view.alternate):
            region = view.region(name, rows, prompt)
            for one in gated:
                if not one.may_match(region):
                    continue
                hit = _hit(one.rule, region, one.family)
                if hit is None or (
                    shows and one.rule.state == "error" and not is_own(shows, hit.evidence)
                ):
                    continue
                hits.append(hit)
        hits.sort(key=_order)
        return Sight(
            tuple(hits[:_MAX_HITS]),
            _texts(families, "title", title),
            _texts(families, "notification", notification),
            prompt,
            view.at_start,
            command_line,
            agent,
        )

    def _families_for(self, names: tuple[str, ...], title: str, view: View) -> list[Family]:
        named, hosted = self._named(names)
        found = []
        for family in self._families:
            if family.general or family.name in named or _any(family.titles, title):
                found.append(family)
            elif family.name in hosted:
                screen = view.region("screen", 0, None)
                if any(_last(pattern, screen) is not None for pattern in family.shows):
                    found.append(family)
        return found

    def _make_plan(self, families: tuple[str, ...], at_prompt: bool, alternate: bool) -> _Plan:
        """The rules of some families that can count on a screen, by the regions they look at."""
        plan: dict[tuple[str, int], list[_Gated]] = {}
        for name in families:
            for one in self._gated[name]:
                if _applies(one.rule, at_prompt=at_prompt, alternate=alternate):
                    plan.setdefault((one.rule.region, one.rule.rows), []).append(one)
        return tuple(plan.items())

    def _by_name(self, names: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str]]:
        return (
            frozenset(k for k, glob in self._globs.items() if any(map(glob.fullmatch, names))),
            frozenset(k for k, glob in self._hosts.items() if any(map(glob.fullmatch, names))),
        )


def gate(rules: Sequence[LineRule]) -> tuple[str, ...]:
    """Find few strings, in lower case, of which one is in every text that a rule matches in.

    Many needles hold the same word, and one look for the word tells of all of them.
    """
    needles = {
        needle.lower() for rule in rules for p in (rule.after or rule.any) for needle in p.needles
    }
    chosen: list[str] = [word for word in _WORDS if any(word in needle for needle in needles)]
    chosen += sorted(n for n in needles if not any(word in n for word in chosen))
    complete = all(p.needles for rule in rules for p in (rule.after or rule.any))
    return tuple(chosen) if complete else ("",)


def _glob(names: Sequence[str]) -> re.Pattern[str]:
    """One pattern for many names; they are short, and what they are matched with is, too."""
    if not names:
        return re.compile(r"(?!)")
    return re.compile("|".join(re.escape(name).replace(r"\*", ".*") for name in names))


def _any(patterns: Sequence[Pattern], text: str) -> bool:
    return any(pattern.search(text) for pattern in patterns)


def _prompt(families: Sequence[Family], view: View) -> str | None:
    for family in families:
        for rule in family.rules:
            if rule.prompt:
                hit = next(
                    (m for p in (*rule.any, *rule.all) if (m := p.search(view.cursor))), None
                )
                if hit is not None and not _any(rule.none, view.cursor):
                    return hit.groupdict().get("prompt") or hit[0]
    return None


def _applies(rule: Rule, *, at_prompt: bool, alternate: bool) -> bool:
    if rule.region in ("title", "notification"):
        return False
    if rule.when != "any" and at_prompt != (rule.when == "prompt"):
        return False
    return rule.buffer == "any" or alternate == (rule.buffer == "alternate")


def _texts(families: Sequence[Family], region: str, text: str) -> tuple[Hit, ...]:
    if not text:
        return ()
    found = [
        hit
        for family in families
        for rule in family.rules
        if rule.region == region and (hit := _hit(rule, Region([text], -1), family))
    ]
    return tuple(sorted(found, key=_order))


def _hit(rule: Rule, region: Region, family: Family) -> Hit | None:
    """Match one rule; the lowest row that matches is the one that counts."""
    best: tuple[int, str] | None = None
    for pattern in rule.all:
        found = _last(pattern, region)
        if found is None:
            return None
        best = max(best or found, found)
    if rule.any:
        hits = [found for pattern in rule.any if (found := _last(pattern, region)) is not None]
        if not hits:
            return None
        best = max(hits)
    if best is None or any(_last(pattern, region) is not None for pattern in rule.none):
        return None
    row, evidence = best
    return Hit(rule, evidence.strip()[:MAX_EVIDENCE_CHARACTERS], region.first + row, family.general)


def _last(pattern: Pattern, region: Region) -> tuple[int, str] | None:
    """The lowest row that matches, and what it shows."""
    rows = region.rows
    needles = pattern.needles
    numbers: Iterable[int] = range(len(rows) - 1, -1, -1)
    if needles:
        numbers = (region.lowered if pattern.ignore_case else region.exact).holding(needles)
    for at in numbers:
        found = pattern.search(rows[at])
        if found is not None:
            return at, found.groupdict().get("shown") or rows[at]
    return None


def _order(hit: Hit) -> tuple[int, int, bool, float, str]:
    rule = hit.rule
    return (-rule.priority, -hit.row, hit.general, -rule.confidence, rule.name)
