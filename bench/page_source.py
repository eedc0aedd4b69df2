"""A server whose panes print without end, for `bench_page.py`: ``page_source.py PANES RATE``.

It is the whole server of tmuxpulse, with a collector that makes events up: RATE a second, in steps
of ten milliseconds, with the time in each. TMUXPULSE_STATE_DIR and TMUXPULSE_RUNTIME_DIR are its
directories.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import trio

from tmuxpulse import events as ev
from tmuxpulse.collect.views import PaneNow, session_views
from tmuxpulse.config.places import runtime_dir, state_dir
from tmuxpulse.config.settings import (
    AuditTable,
    CollectSettings,
    HistoryTable,
    ServerTable,
    ServeSettings,
)
from tmuxpulse.hub.hub import Hub
from tmuxpulse.serve.app import serve
from tmuxpulse.tmux.diff import diff
from tmuxpulse.tmux.orders import Order
from tmuxpulse.tmux.outcomes import Outcome
from tmuxpulse.tmux.reports import Report
from tmuxpulse.tmux.state import EMPTY, Atlas, Link, LinkKey, Pane, Session, State, Window
from tmuxpulse.wire import PaneExplanation, ServerView, SessionView

STEP_SECONDS = 0.01
SERVER = "default"
NOW = PaneNow("", ev.AgentStatus(status="unknown", previous="unknown"))
STATUSES: tuple[ev.Status, ...] = ("busy", "waiting", "busy", "ready")
TEXT = "INFO 200 GET /catalog/tea?page=7 in 12 ms, from the cache of the second kind"


def state_of(panes: int) -> State:
    """Ten panes a session, each in a window of its own."""
    sessions = {f"${n}": Session(f"${n}", f"session-{n}") for n in range((panes + 9) // 10)}
    numbers = range(panes)
    return State(
        sessions,
        {f"@{n}": Window(f"@{n}", "work", "b25d,80x24,0,0,0", zoomed=False) for n in numbers},
        {LinkKey(f"${n // 10}", n % 10): Link(f"@{n}", n % 10 == 0) for n in numbers},
        {
            f"%{n}": Pane(f"%{n}", f"@{n}", 0, True, "server", n + 1, "", "/", 80, 24)
            for n in numbers
        },
    )


class Source:
    """What the hub is told of the one tmux server."""

    def __init__(self, state: State) -> None:
        self._state = state

    def view(self) -> tuple[ServerView, list[SessionView]]:
        """Give the state."""
        server = ServerView(name=SERVER, socket="/none", up=True, pid=1, version="3.5")
        return server, session_views(SERVER, self._state, lambda _pane: NOW)

    async def perform(self, orders: Sequence[Order], *, seconds: float) -> list[Outcome]:
        """Do nothing: there is no tmux."""
        del seconds
        await trio.lowlevel.checkpoint()
        return [Outcome(ok=False, error="there is no tmux") for _ in orders]

    def report(self, pane_id: str, report: Report) -> bool:
        """Take no report."""
        del pane_id, report
        return False

    def explain(self, pane_id: str) -> PaneExplanation | None:
        """Explain nothing."""
        del pane_id
        return None


async def collect(
    panes: int,
    rate: int,
    hub: Hub,
    settings: CollectSettings,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Publish, without end."""
    del settings
    state = state_of(panes)
    atlas = Atlas(state, SERVER)
    places = [atlas.pane(f"%{n}") for n in range(panes)]
    up = ev.ServerUp(pid=1, version="3.5", start_time=1, socket="/none", engine="pipe")
    with hub.source(SERVER, Source(state)):
        hub.publish(ev.Event(ev.Place(server=SERVER), up), *diff(EMPTY, state, SERVER))
        task_status.started()
        begin, told = trio.current_time(), 0
        while True:
            await trio.sleep(STEP_SECONDS)
            due = int((trio.current_time() - begin) * rate)
            hub.publish(*(_event(number, places) for number in range(told, due)))
            told = due


def _event(number: int, places: list[ev.Place]) -> ev.Event:
    place = places[number % len(places)]
    data: Any
    if number % 250 == 0:
        status = STATUSES[number // 250 % len(STATUSES)]
        data = ev.AgentStatus(status=status, previous="busy", reason="made up", evidence="Go on?")
    else:
        line = f"line {number} {int(time.time() * 1000)} {TEXT}"
        data = ev.PaneOutput(mode="append", lines=(line,), bytes=len(line))
    return ev.Event(place, data)


def main() -> None:
    """Serve."""
    panes, rate = map(int, sys.argv[1:])
    settings = ServeSettings(
        server=ServerTable(port=0),
        audit=AuditTable(enabled=False),
        history=HistoryTable(enabled=False),
        unix_socket="",
        state_dir=str(state_dir()),
        runtime_dir=str(runtime_dir()),
    )
    watched = CollectSettings(runtime_dir=str(runtime_dir()))
    announce = partial(print, flush=True)
    collector = partial(collect, panes, rate)
    trio.run(partial(serve, settings, watched, collector=collector, announce=announce))


if __name__ == "__main__":
    main()
