"""One pane's status over time: evidence in, events out.

Evidence is added up at once and judged a moment later, at most ten times a second, so that what is
seen at the same time is judged together, in whatever order it comes. A judgement is announced when
it has held for its dwell time. There is no clock here: `due` tells when to call `tick`.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timezone
from typing import Final

import msgspec

from tmuxpulse.events import AgentStatus, CommandFinished, CommandStarted, Data, PaneSilence, Status
from tmuxpulse.status.book import Book
from tmuxpulse.status.classify import (
    ACTIVE_SECONDS,
    OVERTAKEN,
    SETTLE_SECONDS,
    claims,
    prints_steadily,
)
from tmuxpulse.status.evidence import Evidence, Output, Processes, Resized, Screen, Signals
from tmuxpulse.status.explain import known_facts, opinions
from tmuxpulse.status.facts import Facts, fold
from tmuxpulse.status.lines import LineReader
from tmuxpulse.status.sighting import Sighting, sighted
from tmuxpulse.status.verdict import Claim, Explanation, Verdict
from tmuxpulse.tmux.signals import CommandEnd, CommandInput, CommandStart, Prompt

JUDGE_SECONDS: Final = 0.1
SCREEN_WAIT_SECONDS: Final = 0.05  # for the screen that shows what was printed
SILENCE_SECONDS: Final = 60.0
_RECENT_LINES: Final = 100


class PaneStatus:
    """What one pane is doing.

    Args:
        book: the rules.
        silence_seconds: how long a program that runs may be silent before that is told; None for
            ever.

    Attributes:
        announced: the verdict that was told last.
        wall_offset: what to add to the times given here to get seconds since the epoch; it may
            change, as clocks do.
    """

    def __init__(
        self,
        book: Book,
        *,
        wall_offset: float = 0.0,
        silence_seconds: float | None = SILENCE_SECONDS,
    ) -> None:
        self.announced = Verdict()
        self.wall_offset = wall_offset
        self._book = book
        self._silence_seconds = silence_seconds
        self._now = float("-inf")
        self._facts = Facts()
        self._printed_at: float | None = None  # `Facts.rhythm.last`
        self._sighting = Sighting()
        self._seen: tuple[object, ...] = ()  # what the rules have looked at
        self._lines = LineReader(book.line_rules, book.line_gate)
        self._rows: frozenset[str] | None = None
        self._told: deque[Data] = deque(maxlen=_RECENT_LINES)
        self._judged_at = float("-inf")
        self._output_is_known = False  # more of it would not change the judgement
        self._dirty_at: float | None = None
        self._pending: Verdict | None = None  # holds, but has not held for long enough
        self._dwell = 0.0
        self._silence_told_at: float | None = None
        self._started_at: float | None = None
        self._command_line: str | None = None

    @property
    def verdict(self) -> Verdict:
        """What holds now, announced or not."""
        return self._pending or self.announced

    @property
    def due(self) -> float | None:
        """When it wants `tick` to be called; None when only new evidence can change anything."""
        times = [
            time
            for time in (self._judge_due(), self._dwell_due(), self._silence_due())
            if time is not None
        ]
        return min(times, default=None)

    def saw(self, evidence: Evidence, now: float) -> list[Data]:
        """Take in a piece of evidence.

        Args:
            evidence: what was seen; a time after `now` counts as `now`.
            now: the time; one before an earlier call's counts as that.

        Returns:
            What is to be told now: what was due before this, errors in lines, commands.
        """
        now = max(self._now, now)
        events = self._tick(now, together=self._dirty_at == now)
        if not evidence.at <= now:  # so that what is no number counts as `now`, too
            evidence = msgspec.structs.replace(evidence, at=now)
        before, self._facts = self._facts, fold(self._facts, evidence)
        if not self._is_more_of_the_same(evidence, now):
            dirty_at = now
            if isinstance(evidence, Output) and not evidence.appends:
                dirty_at += SCREEN_WAIT_SECONDS
            self._dirty_at = dirty_at if self._dirty_at is None else min(self._dirty_at, dirty_at)
        match evidence:
            case Output():
                self._printed_at = self._facts.rhythm.last
                events += self._told_once(evidence.lines)
            case Screen():
                events += self._screen(evidence)
            case Signals():
                events += self._commands(evidence)
            case Resized():
                self._printed_at = self._facts.rhythm.last
            case Processes() if self._facts.command_at != before.command_at:
                self._lines.command(self._facts.program)
            case _:
                pass
        return events

    def tick(self, now: float) -> list[Data]:
        """Judge what was seen, and tell what has held for long enough."""
        return self._tick(max(self._now, now), together=False)

    def _tick(self, now: float, *, together: bool) -> list[Data]:
        """Do what is due; more evidence of this time may come when it is seen together."""
        self._now = now
        judge_due = self._judge_due()
        if judge_due is not None and judge_due <= now and not together:
            self._judge(now)
        events: list[Data] = []
        dwell_due = self._dwell_due()
        if self._pending is not None and dwell_due is not None and dwell_due <= now:
            events.append(self._announce(self._pending))
        silence_due = self._silence_due()
        if silence_due is not None and silence_due <= now:
            last = self._printed_at
            self._silence_told_at = last
            events.append(PaneSilence(seconds=round(now - (now if last is None else last), 1)))
        return events

    def explain(self, now: float) -> Explanation:
        """Say why the status is what it is."""
        now = max(self._now, now)
        hits = self._sighting.sight.hits
        due = self._dwell_due()
        return Explanation(
            announced=self.announced,
            verdict=self.verdict,
            dwell_left=None if due is None else max(0.0, due - now),
            opinions=opinions(list(claims(self._facts, self._sighting, now)), now),
            matched=tuple(hit.rule.name for hit in hits[1:]),
            evidence=known_facts(self._facts, self._sighting, now),
        )

    # --- judging ---------------------------------------------------------------------------

    def _is_more_of_the_same(self, evidence: Evidence, now: float) -> bool:
        """Whether it is output of a pane that was at work and printing, and still is.

        A judgement would say what the last one said. What the output shows comes as a screen, and
        that it stops is judged when it has.
        """
        if not isinstance(evidence, Output) or evidence.appends or not self._output_is_known:
            return False
        return prints_steadily(self._facts, now + JUDGE_SECONDS)  # when it would be judged

    def _judge_due(self) -> float | None:
        if self._dirty_at is not None:
            return max(self._dirty_at, self._judged_at + JUDGE_SECONDS)
        # What was activity is none any more; a screen that contradicts a report has settled.
        last, report = self._printed_at, self._facts.report
        times = [] if last is None else [last + ACTIVE_SECONDS]
        if report is not None and self._sighting.began > report.at:
            times += [self._sighting.began + SETTLE_SECONDS]
        return min((time for time in times if time > self._judged_at), default=None)

    def _dwell_due(self) -> float | None:
        return None if self._pending is None else self._pending.since + self._dwell

    def _judge(self, now: float) -> None:
        self._judged_at, self._dirty_at = now, None
        facts = self._facts
        shown = facts.shown
        seen = (
            shown and (shown.rows, shown.cursor_row, shown.cursor_column, shown.alternate),
            facts.names,
            facts.title,
            facts.notification,
            facts.command_at,
            facts.mark.at,
        )
        if seen != self._seen:
            self._seen = seen
            self._sighting = sighted(self._book, self._sighting, facts)
        claim = next(c for c, void in claims(facts, self._sighting, now) if not void)
        # What can be overtaken may be so at any time.
        self._output_is_known = claim.layer not in OVERTAKEN and prints_steadily(facts, now)
        self._consider(claim, now)

    def _consider(self, claim: Claim, now: float) -> None:
        if claim.status == "keep":
            self._pending = None
            return
        verdict = Verdict(
            status=claim.status,
            agent_type=claim.agent_type or self._sighting.sight.agent,
            reason=claim.reason,
            rule=claim.rule,
            evidence=claim.evidence,
            confidence=claim.confidence,
            since=now,
        )
        if _same(verdict, self.announced):
            self._pending = None
            self.announced = msgspec.structs.replace(verdict, since=self.announced.since)
            return
        if self._pending is not None and _same(verdict, self._pending):
            verdict = msgspec.structs.replace(verdict, since=self._pending.since)
        self._pending, self._dwell = verdict, claim.dwell

    def _announce(self, verdict: Verdict) -> AgentStatus:
        previous: Status = self.announced.status
        self.announced, self._pending = verdict, None
        return AgentStatus(
            status=verdict.status,
            previous=previous,
            agent_type=verdict.agent_type,
            reason=verdict.reason,
            rule=verdict.rule,
            evidence=verdict.evidence,
            confidence=verdict.confidence,
            since=_iso(verdict.since + self.wall_offset),
        )

    def _silence_due(self) -> float | None:
        last = self._printed_at
        if self.announced.status != "busy" or self._silence_seconds is None:
            return None
        if last is None or last == self._silence_told_at:
            return None
        runs = bool(self._facts.program or self._facts.mark.running)
        return last + self._silence_seconds if runs else None

    # --- lines and commands ----------------------------------------------------------------

    def _told_once(self, lines: tuple[str, ...]) -> list[Data]:
        found = self._lines.read(lines) if lines else []
        self._told.extend(found)
        return found

    def _screen(self, screen: Screen) -> list[Data]:
        """Read the rows that are new, of a program that does not append but prints."""
        if screen.told or screen.alternate or self._sighting.sight.agent:
            self._rows = None
            return []
        known, self._rows = self._rows, frozenset(screen.rows)
        if known is None or not self._rows - known:
            return []
        rows = [row for row in screen.rows if row not in known]
        told = set(self._told)
        return [event for event in self._told_once(tuple(rows)) if event not in told]

    def _commands(self, evidence: Signals) -> list[Data]:
        events: list[Data] = []
        for signal in evidence.signals:
            match signal:
                case CommandStart(command_line=command_line):
                    self._started_at, self._command_line = evidence.at, command_line
                    self._lines.command(command_line or "")
                    events.append(CommandStarted(command_line=command_line))
                case CommandEnd(exit_status=exit_status):
                    started = self._started_at
                    events.append(
                        CommandFinished(
                            exit_status=exit_status,
                            duration_s=None if started is None else evidence.at - started,
                            command_line=self._command_line,
                        )
                    )
                    self._started_at = self._command_line = None
                    self._lines.command("")
                case Prompt() | CommandInput():
                    self._lines.command("")
                case _:
                    pass
        return events


def _same(one: Verdict, other: Verdict) -> bool:
    """Whether there is nothing to announce; another question, or another error, is something."""
    if (one.status, one.agent_type) != (other.status, other.agent_type):
        return False
    return one.status not in ("waiting", "error") or one.rule == other.rule


def _iso(seconds: float) -> str:
    try:
        when = datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return ""
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
