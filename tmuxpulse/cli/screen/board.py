"""All panes: their places from the structure of tmux, what they do from events. Pure.

A pane to be left out (the one this screen is in) never comes in, nor do its events.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from tmuxpulse import events as ev
from tmuxpulse.cli.screen.pane import Key, Pane, Turn
from tmuxpulse.recording.player import is_structure
from tmuxpulse.recording.scene import Scene
from tmuxpulse.tmux.state import Atlas
from tmuxpulse.wire import Numbered, PaneView, Tree


class Board:
    """The panes.

    Args:
        without: pairs of a tmux socket and a pane to leave out.
        own_times: take the time at which an event comes for the time of what it tells, since
            those in it are of a recording.

    Attributes:
        panes: by key; up to date after `settle`.
        changes: counts what may change their order.
    """

    def __init__(
        self, *, without: Collection[tuple[str, str]] = (), own_times: bool = False
    ) -> None:
        self.panes: dict[Key, Pane] = {}
        self.changes = 0
        self._scene = Scene()
        self._without = frozenset(without)
        self._own_times = own_times
        self._left_out: frozenset[Key] = frozenset()
        self._is_stale = False

    @property
    def servers(self) -> list[str]:
        """The names of the tmux servers that run."""
        return [view.name for view in self._scene.servers.values() if view.up]

    def started(self, server: str) -> float:
        """When a tmux server started, in seconds since the epoch; 0: not known."""
        view = self._scene.servers.get(server)
        return float(view.start_time or 0) if view is not None else 0.0

    def begin(self, tree: Tree) -> None:
        """Take a snapshot for the truth; what is known besides of panes that stay is kept."""
        self._scene.begin(tree)
        self._is_stale = True
        self.settle()
        for session in tree.sessions:
            for window in session.windows:
                for view in window.panes:
                    pane = self.panes.get((session.server, view.id))
                    if pane is not None:
                        self._take_view(pane, view)

    def leaves_out(self, event: ev.Event) -> bool:
        """Whether an event is of a pane that is left out."""
        return (event.place.server, event.place.pane_id) in self._left_out

    def follow(self, numbered: Numbered, now: float) -> None:
        """Take an event.

        Args:
            numbered: the event.
            now: seconds since the epoch.
        """
        event = numbered.event
        place, data = event.place, event.data
        if is_structure(event.type):
            self._scene.follow(event)
            self._is_stale = True
            if isinstance(data, ev.PaneExited | ev.PaneCreated | ev.PaneCommand | ev.ServerUp):
                self.settle()
        pane = self.panes.get((place.server or "", place.pane_id or ""))
        if pane is None:
            return
        match data:
            case ev.PaneOutput():
                pane.printed(data)
                return
            case ev.AgentStatus():
                pane.turn(data, self._time(data.since, now))
            case ev.PaneError():
                pane.errors += 1
                pane.news += 1
            case ev.PaneExited():
                pane.exit(data, self._time(numbered.timestamp, now))
            case ev.PaneCommand():
                pane.dead = False
            case ev.PaneCreated():
                pane.last_line = pane.last_line or data.last_line
            case _:
                return
        self.changes += 1

    def settle(self) -> None:
        """Bring the places up to date."""
        if not self._is_stale:
            return
        self._is_stale = False
        self.changes += 1
        self._left_out = frozenset(
            (view.name, pane_id)
            for view in self._scene.servers.values()
            for socket, pane_id in self._without
            if view.socket == socket
        )
        found: dict[Key, Pane] = {}
        for name in self._scene.servers:
            state = self._scene.state(name)
            atlas = Atlas(state, name)
            for pane_id, row in state.panes.items():
                key = (name, pane_id)
                if key in self._left_out:
                    continue
                place = atlas.pane(pane_id)
                pane = self.panes.get(key) or Pane(key, place)
                pane.place = place
                pane.command, pane.title, pane.path = row.command, row.title, row.path
                pane.size = (row.width, row.height)
                found[key] = pane
        self.panes = found

    def _take_view(self, pane: Pane, view: PaneView) -> None:
        pane.dead, pane.exit_status, pane.signal = view.dead, view.exit_status, view.signal
        pane.last_line = view.last_line or pane.last_line
        pane.agent_type = view.agent_type
        if view.status == pane.status:
            return
        pane.finished = view.status == "ready" and pane.status in ("busy", "waiting", "error")
        pane.status, pane.reason, pane.evidence = view.status, view.reason, ""
        pane.news += 1
        pane.since = None if self._own_times else seconds_of(view.status_since)
        if pane.since is not None:
            pane.turns.append(Turn(pane.since, view.status, view.reason))

    def _time(self, timestamp: str, now: float) -> float:
        found = None if self._own_times else seconds_of(timestamp)
        return now if found is None else found


def seconds_of(timestamp: str) -> float | None:
    """Seconds since the epoch of a timestamp of the protocol; None: it is none."""
    try:
        return datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
