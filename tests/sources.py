"""A source of state for a hub, where no tmux is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from tmuxpulse.collect.views import PaneNow
from tmuxpulse.events import AgentStatus
from tmuxpulse.tmux.orders import Order
from tmuxpulse.tmux.outcomes import Outcome
from tmuxpulse.tmux.reports import Report
from tmuxpulse.wire import PaneExplanation, ServerView, SessionView

UNKNOWN = AgentStatus(status="unknown", previous="unknown")


def now(last_line: str = "") -> Callable[[str], PaneNow]:
    """What a list does not tell of a pane: for each the same last line, and no status."""
    return lambda _pane: PaneNow(last_line, UNKNOWN)


View = tuple[ServerView, list[SessionView]]


Behaviour = Callable[[Sequence[Order], float], Awaitable[list[Outcome]]]


class Told:
    """Tells what a function says, and remembers what it was ordered to do.

    Attributes:
        performed: the orders of each run.
        outcome: how every order ends.
        behave: what happens instead, if it is set.
        reports: what was reported, by pane.
        explanation: of every pane.
    """

    def __init__(self, view: Callable[[], View]) -> None:
        self.view = view
        self.performed: list[list[Order]] = []
        self.outcome = Outcome(ok=True)
        self.behave: Behaviour | None = None
        self.reports: list[tuple[str, Report]] = []
        self.explanation: PaneExplanation | None = None

    async def perform(self, orders: Sequence[Order], *, seconds: float) -> list[Outcome]:
        if self.behave is not None:
            return await self.behave(orders, seconds)
        assert seconds > 0
        self.performed.append(list(orders))
        return [self.outcome] * len(orders)

    def report(self, pane_id: str, report: Report) -> bool:
        self.reports.append((pane_id, report))
        return True

    def explain(self, pane_id: str) -> PaneExplanation | None:
        return self.explanation if pane_id else None
