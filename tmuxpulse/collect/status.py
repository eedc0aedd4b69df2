"""What each pane of one tmux server is doing: evidence to `tmuxpulse.status`, events from it.

Every pane has a `PaneStatus`, which has no clock; one alarm wakes for whichever is due first. What
is due is published; what comes of evidence is given back, so that it can be published together with
what it was seen in. Who captures screens and who looks at processes is not known here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import trio

from tmuxpulse import events as ev
from tmuxpulse.collect.alarm import Timetable
from tmuxpulse.collect.feed import Taken
from tmuxpulse.status.book import Book
from tmuxpulse.status.evidence import Evidence, Output, Signals
from tmuxpulse.status.pane import PaneStatus
from tmuxpulse.tmux.signals import (
    Bell,
    CommandEnd,
    CommandInput,
    CommandStart,
    Notification,
    Progress,
    Prompt,
    Signal,
)
from tmuxpulse.wire import Known, Opinion, PaneExplanation, Pending

LEAST_SECONDS = 0.01  # between two times that a pane is asked, whatever it says
MARKS = (CommandStart, CommandEnd, Prompt, CommandInput)


class _Watched:
    def __init__(self, status: PaneStatus) -> None:
        self.status = status
        self.told = ev.AgentStatus(status="unknown", previous="unknown")


class Statuses:
    """The statuses of a server's panes.

    Args:
        book: the rules.
        publish: publishes events of a pane.
        wall: seconds since the epoch.
        judges: whether statuses are told; commands, errors and warnings are in any case.
    """

    def __init__(
        self,
        book: Book,
        publish: Callable[[str, Sequence[ev.Data]], None],
        *,
        wall: Callable[[], float] = time.time,
        judges: bool = True,
    ) -> None:
        self._judges = judges
        self._book = book
        self._publish = publish
        self._wall = wall
        self._panes: dict[str, _Watched] = {}
        self._ticks = Timetable()

    def add(self, pane_id: str) -> None:
        """A pane is there; nothing is known of it."""
        self._panes[pane_id] = _Watched(PaneStatus(self._book))

    def forget(self, pane_id: str) -> None:
        """A pane is gone."""
        self._panes.pop(pane_id, None)
        self._ticks.unset(pane_id)

    def told(self, pane_id: str) -> ev.AgentStatus:
        """What was published last, or is about to be by whoever was given it."""
        pane = self._panes.get(pane_id)
        return ev.AgentStatus(status="unknown", previous="unknown") if pane is None else pane.told

    # --- evidence ----------------------------------------------------------------------------

    def saw(self, pane_id: str, evidence: Iterable[Evidence]) -> list[ev.Data]:
        """Take in evidence, and give what is to be published at once."""
        pane = self._panes.get(pane_id)
        if pane is None:
            return []
        now = self._set_clock(pane)
        events = self._told([event for one in evidence for event in pane.status.saw(one, now)])
        self._noted(pane_id, pane, events)
        return events

    def printed(self, pane_id: str, taken: Taken) -> list[ev.Data]:
        """Take in what a pane printed, and give all events of it, in their order.

        Args:
            pane_id: which.
            taken: what its feed gave.
        """
        now = trio.current_time()
        output, signals = taken.output, taken.signals
        # Lines and signals come apart. A command that began before anything else happened has
        # printed them: its name has to be known when they are read.
        began = next((n for n, signal in enumerate(signals) if isinstance(signal, MARKS)), None)
        first = 0 if began is None else began + isinstance(signals[began], CommandStart)
        events: list[ev.Data] = [] if output is None else [output]
        events += self._signals(pane_id, signals[:first], now)
        if taken.bytes:
            seen = Output(
                at=now,
                bytes=taken.bytes,
                lines=() if output is None else output.lines,
                appends=False,  # the screen is captured soon; it tells more than the last lines
            )
            events += self.saw(pane_id, [seen])
        return events + self._signals(pane_id, signals[first:], now)

    def _signals(self, pane_id: str, signals: tuple[Signal, ...], now: float) -> list[ev.Data]:
        if not signals:
            return []
        found = self.saw(pane_id, [Signals(at=now, signals=signals)])
        commands: list[ev.Data] = []
        others: list[ev.Data] = []  # what was due before
        for event in found:
            of_command = isinstance(event, ev.CommandStarted | ev.CommandFinished)
            (commands if of_command else others).append(event)
        return [*others, *_in_order(signals, iter(commands))]

    # --- time --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Publish what is due when it is, until cancelled."""
        while True:
            await self._ticks.wait()
            now = trio.current_time()
            for pane_id in self._ticks.due(now):
                pane = self._panes.get(pane_id)
                if pane is not None:
                    events = self._told(pane.status.tick(self._set_clock(pane)))
                    self._noted(pane_id, pane, events, not_before=now + LEAST_SECONDS)
                    self._publish(pane_id, events)

    def _told(self, events: list[ev.Data]) -> list[ev.Data]:
        """What of it is told."""
        if self._judges:
            return events
        return [event for event in events if not isinstance(event, ev.AgentStatus)]

    def _set_clock(self, pane: _Watched) -> float:
        now = trio.current_time()
        pane.status.wall_offset = self._wall() - now
        return now

    def _noted(
        self, pane_id: str, pane: _Watched, events: list[ev.Data], not_before: float = 0.0
    ) -> None:
        for event in events:
            if isinstance(event, ev.AgentStatus):
                pane.told = event
        due = pane.status.due
        if due is None:
            self._ticks.unset(pane_id)
        else:
            self._ticks.set(pane_id, max(due, not_before))

    # --- why ---------------------------------------------------------------------------------

    def explain(self, pane_id: str) -> PaneExplanation | None:
        """Say why a pane's status is what it is; None: there is no such pane."""
        pane = self._panes.get(pane_id)
        if pane is None:
            return None
        now = self._set_clock(pane)
        found = pane.status.explain(now)
        told, verdict = found.announced, found.verdict
        pending = None
        if found.dwell_left is not None:
            pending = Pending(
                status=verdict.status,
                rule=verdict.rule,
                reason=verdict.reason,
                in_s=round(found.dwell_left, 3),
            )
        return PaneExplanation(
            status=told.status,
            since=pane.told.since,
            reason=told.reason,
            rule=told.rule,
            evidence=told.evidence,
            confidence=told.confidence,
            agent_type=told.agent_type,
            pending=pending,
            opinions=[
                Opinion(
                    layer=one.claim.layer,
                    status=one.claim.status,
                    reason=one.claim.reason,
                    rule=one.claim.rule,
                    evidence=one.claim.evidence,
                    confidence=one.claim.confidence,
                    sure=one.claim.sure,
                    age_s=one.age,
                    outcome=one.outcome,
                )
                for one in found.opinions
            ],
            matched=list(found.matched),
            known=[Known(layer=one.layer, text=one.text, age_s=one.age) for one in found.evidence],
        )


def _in_order(signals: tuple[Signal, ...], commands: Iterator[ev.Data]) -> Iterator[ev.Data]:
    """The events of signals; of those that are about commands, the next one that is given."""
    for signal in signals:
        match signal:
            case Bell():
                yield ev.PaneBell()
            case Notification(title=title, body=body):
                yield ev.PaneNotification(title=title, body=body)
            case Progress(state=state, percent=percent):
                yield ev.PaneProgress(state=state, percent=percent)
            case CommandStart() | CommandEnd():
                yield next(commands)
            case _:
                pass  # a prompt says nothing by itself; the title comes with the list
