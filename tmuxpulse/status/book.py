"""All rules together, and what they see on a screen.

A `Book` is made once and shared by all panes. It keeps nothing of a pane.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec

from tmuxpulse.status.evidence import Screen
from tmuxpulse.status.matching import Bound, Hit, Sieve, found_in, last, match, order, seen_in
from tmuxpulse.status.reading import is_own, settled_by
from tmuxpulse.status.rules import Family, LineRule, Rule
from tmuxpulse.status.view import View

_MAX_HITS: Final = 20
_WORDS: Final = ("error", "fail", "fatal", "warn", "exception", "panic", "not ", "denied")


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


_Plan: TypeAlias = tuple[tuple[tuple[str, int], Sieve], ...]


class _Together:
    """Some families that count at the same time.

    Attributes:
        agent: the kind of agent that is one of them.
        prompts: the rules that know a shell's prompt.
        titles: the rules for titles.
        notifications: those for notifications.
    """

    __slots__ = ("_plans", "_rules", "agent", "notifications", "prompts", "titles")

    def __init__(self, families: Sequence[Family], rules: Sequence[Bound]) -> None:
        self.agent = next((family.agent for family in families if family.agent), None)
        self.prompts = [one.rule for one in rules if one.rule.prompt]
        self.titles = [one for one in rules if one.rule.region == "title"]
        self.notifications = [one for one in rules if one.rule.region == "notification"]
        self._rules = rules
        self._plans: dict[tuple[bool, bool], _Plan] = {}

    def plan(self, *, at_prompt: bool, alternate: bool) -> _Plan:
        """The rules that can count on a screen, by the regions they look at."""
        key = (at_prompt, alternate)
        found = self._plans.get(key)
        if found is None:
            plan: dict[tuple[str, int], list[Bound]] = {}
            for one in self._rules:
                if _applies(one.rule, at_prompt=at_prompt, alternate=alternate):
                    plan.setdefault((one.rule.region, one.rule.rows), []).append(one)
            found = self._plans[key] = tuple((key, Sieve(rules)) for key, rules in plan.items())
        return found


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
        self._rules = [Bound(rule, family) for family in families for rule in family.rules]
        self._titled = lru_cache(maxsize=512)(self._by_title)
        self._together = lru_cache(maxsize=512)(self._make_together)

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
        together = self._together(self._families_for(names or ("",), title, view))
        prompt = _prompt(together.prompts, view)
        command_line = "" if prompt is None else view.command_line(prompt)
        shows = settled_by(command_line)
        interrupted = prompt is not None and view.interrupted(prompt)
        hits: list[Hit] = []
        plan = together.plan(at_prompt=prompt is not None, alternate=view.alternate)
        for (name, rows), sieve in plan:
            region = view.region(name, rows, prompt)
            for one, some in sieve.through(region).items():
                hit = match(one, region, some)
                if hit is None:
                    continue
                if one.rule.state == "error" and (
                    interrupted or (shows and not is_own(shows, hit.evidence))
                ):
                    continue
                hits.append(hit)
        hits.sort(key=order)
        return Sight(
            tuple(hits[:_MAX_HITS]),
            seen_in(together.titles, title),
            seen_in(together.notifications, notification),
            prompt,
            view.at_start,
            command_line,
            together.agent,
        )

    def _families_for(self, names: tuple[str, ...], title: str, view: View) -> frozenset[str]:
        """The names of the families that are for what runs."""
        sure, hosted = self._named(names)
        titled = self._titled(title)
        if hosted or not titled <= sure:
            sure |= titled
            screen = view.region("screen", 0, None)
            sure |= {
                family.name
                for family in hosted
                if family.name not in sure
                and any(last(pattern, screen) is not None for pattern in family.shows)
            }
        return sure

    def _make_together(self, names: frozenset[str]) -> _Together:
        return _Together(
            [family for family in self._families if family.name in names],
            [one for one in self._rules if one.family.name in names],
        )

    def _by_title(self, title: str) -> frozenset[str]:
        return frozenset(family.name for family in self._families if found_in(family.titles, title))

    def _by_name(self, names: tuple[str, ...]) -> tuple[frozenset[str], tuple[Family, ...]]:
        """The families that are for some programs, and those that may be: their hosts run."""
        named = frozenset(
            family.name
            for family in self._families
            if family.general or any(map(self._globs[family.name].fullmatch, names))
        )
        hosted = tuple(
            family
            for family in self._families
            if family.name not in named and any(map(self._hosts[family.name].fullmatch, names))
        )
        return named, hosted


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


def _prompt(rules: Sequence[Rule], view: View) -> str | None:
    for rule in rules:
        hit = next((m for p in (*rule.any, *rule.all) if (m := p.search(view.cursor))), None)
        if hit is not None and not found_in(rule.none, view.cursor):
            return hit.groupdict().get("prompt") or hit[0]
    return None


def _applies(rule: Rule, *, at_prompt: bool, alternate: bool) -> bool:
    if rule.region in ("title", "notification"):
        return False
    if rule.when != "any" and at_prompt != (rule.when == "prompt"):
        return False
    return rule.buffer == "any" or alternate == (rule.buffer == "alternate")
