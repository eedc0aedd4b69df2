"""What a tmux server holds, as values; `changes` compares two of them, `apply` follows events.

Sessions, windows and panes are kept flat, by tmux's own ids. A `Link` is a window's place in a
session: a window that several sessions show (linked, or grouped sessions) has several links, and
its panes exist once. Events about a pane or a window are placed in the session with the lowest id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from tmuxpulse.events import Place
from tmuxpulse.tmux.formats import Listing


class Session(msgspec.Struct, frozen=True):
    """A session; `created` in seconds of the epoch."""

    id: str
    name: str
    created: int = 0


class Window(msgspec.Struct, frozen=True):
    """A window, whichever sessions show it."""

    id: str
    name: str
    layout: str
    zoomed: bool


class LinkKey(NamedTuple):
    """Where a window is: tmux's winlink. An index holds one window in a session."""

    session_id: str
    window_index: int


class Link(msgspec.Struct, frozen=True):
    """A window in a session; `active` when it is the session's current one."""

    window_id: str
    active: bool


class Pane(msgspec.Struct, frozen=True):
    """A pane; sizes in cells."""

    id: str
    window_id: str
    index: int
    active: bool
    command: str
    pid: int
    title: str
    path: str
    width: int
    height: int
    dead: bool = False
    exit_status: int | None = None
    signal: str | None = None


class Client(msgspec.Struct, frozen=True):
    """An attached client."""

    name: str
    session_id: str
    control: bool


class State(msgspec.Struct, frozen=True):
    """All that one tmux server holds. Never mutated."""

    sessions: Mapping[str, Session] = {}
    windows: Mapping[str, Window] = {}
    links: Mapping[LinkKey, Link] = {}
    panes: Mapping[str, Pane] = {}
    clients: Mapping[str, Client] = {}

    def attached(self, session_id: str) -> int:
        """How many clients a session has."""
        return sum(client.session_id == session_id for client in self.clients.values())


EMPTY = State()


def from_listing(listing: Listing) -> State:
    """Build the state that a listing tells; rows that repeat a pane agree, the last one counts."""
    sessions: dict[str, Session] = {}
    windows: dict[str, Window] = {}
    links: dict[LinkKey, Link] = {}
    panes: dict[str, Pane] = {}
    for row in listing.panes:
        sessions[row.session_id] = Session(row.session_id, row.session_name, row.session_created)
        windows[row.window_id] = Window(
            row.window_id, row.window_name, row.window_layout, row.window_zoomed_flag
        )
        links[LinkKey(row.session_id, row.window_index)] = Link(row.window_id, row.window_active)
        panes[row.pane_id] = Pane(
            id=row.pane_id,
            window_id=row.window_id,
            index=row.pane_index,
            active=row.pane_active,
            command=row.pane_current_command,
            pid=row.pane_pid,
            title=row.pane_title,
            path=row.pane_current_path,
            width=row.pane_width,
            height=row.pane_height,
            dead=row.pane_dead,
            exit_status=row.pane_dead_status,
            signal=row.pane_dead_signal,
        )
    clients = {
        row.name: Client(row.name, row.session_id, row.control)
        for row in listing.clients
        if row.session_id in sessions
    }
    return State(sessions, windows, links, panes, clients)


class Atlas:
    """Places in one state, looked up many times.

    Args:
        state: what is there.
        server: the tmux server's name.
    """

    def __init__(self, state: State, server: str) -> None:
        self._state = state
        self._server = server
        self._panes: dict[str, Place] = {}
        self._homes: dict[str, list[LinkKey]] = {}
        for key in sorted(state.links, key=_age):
            self._homes.setdefault(state.links[key].window_id, []).append(key)

    def session(self, session_id: str) -> Place:
        """Where a session's events are."""
        return Place(
            server=self._server,
            session=self._state.sessions[session_id].name,
            session_id=session_id,
        )

    def link(self, key: LinkKey) -> Place:
        """Where the events of a window in one session are."""
        window = self._state.windows[self._state.links[key].window_id]
        return Place(
            server=self._server,
            session=self._state.sessions[key.session_id].name,
            session_id=key.session_id,
            window=key.window_index,
            window_id=window.id,
            window_name=window.name,
        )

    def window(self, window_id: str) -> Place:
        """Where a window's own events are, whichever sessions show it."""
        home, *others = self._homes[window_id]
        return msgspec.structs.replace(
            self.link(home), linked_sessions=self._other_sessions(home, others)
        )

    def pane(self, pane_id: str) -> Place:
        """Where a pane's events are; one place for all of them, since a pane can have many."""
        place = self._panes.get(pane_id)
        if place is None:
            pane = self._state.panes[pane_id]
            place = self._panes[pane_id] = msgspec.structs.replace(
                self.window(pane.window_id), pane=pane.index, pane_id=pane.id
            )
        return place

    def _other_sessions(self, home: LinkKey, others: list[LinkKey]) -> tuple[str, ...]:
        ids = dict.fromkeys(key.session_id for key in others)
        ids.pop(home.session_id, None)
        return tuple(self._state.sessions[session_id].name for session_id in ids)


def _age(key: LinkKey) -> tuple[int, int]:
    """Oldest session first: tmux counts ids up and never gives one twice."""
    return int(key.session_id[1:]), key.window_index
