"""The state of a tmux server after some events: the other half of `diff`.

A snapshot's state and `apply` are all that a client needs to know what is there.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tmuxpulse import events as ev
from tmuxpulse.tmux.state import Client, Link, LinkKey, Pane, Session, State, Window


def apply(state: State, events: Iterable[ev.Event]) -> State:
    """Give the state after `events`; events about other things than structure change nothing.

    Raises:
        KeyError: an event speaks of something that the state does not hold.
    """
    draft = Draft(state)
    for event in events:
        draft.follow(event)
    return draft.finish()


class Draft:
    """A state that is being changed, event by event.

    Args:
        state: what it begins with; it stays as it is.
    """

    def __init__(self, state: State) -> None:
        self.sessions = dict(state.sessions)
        self.windows = dict(state.windows)
        # Windows trade places one event at a time, so two can be at one index for a moment.
        self.links = {(key, link.window_id): link.active for key, link in state.links.items()}
        self.panes = dict(state.panes)
        self.clients = dict(state.clients)

    def finish(self) -> State:
        """The state now, which may be between two that there were; see `diff`."""
        linked = {window_id for _, window_id in self.links}
        return State(
            dict(self.sessions),
            {key: window for key, window in self.windows.items() if key in linked},
            {key: Link(window_id, active) for (key, window_id), active in self.links.items()},
            dict(self.panes),
            dict(self.clients),
        )

    def follow(self, event: ev.Event) -> None:
        """Take an event.

        Raises:
            KeyError: it speaks of something that is not there.
        """
        family = event.type.partition(".")[0]
        if family == "session":
            self._session(event.place, event.data)
        elif family == "window":
            self._window(event.place, event.data)
        elif family == "pane":
            self._pane(event.place, event.data)

    def _session(self, place: ev.Place, data: ev.Data) -> None:
        session_id = str(place.session_id)
        match data:
            case ev.SessionCreated(name=name, created=created):
                self.sessions[session_id] = Session(session_id, name, created)
            case ev.SessionRenamed(name=name):
                self.sessions[session_id] = msgspec.structs.replace(
                    self.sessions[session_id], name=name
                )
            case ev.SessionRemoved():
                del self.sessions[session_id]
            case ev.SessionAttached(client=client, control=control):
                self.clients[client] = Client(client, session_id, control)
            case ev.SessionDetached(client=client):
                del self.clients[client]

    def _window(self, place: ev.Place, data: ev.Data) -> None:
        window_id = str(place.window_id)
        key = LinkKey(str(place.session_id), place.window if place.window is not None else -1)
        match data:
            case ev.WindowCreated(name=name, layout=layout, zoomed=zoomed, active=active):
                self.windows[window_id] = Window(window_id, name, layout, zoomed)
                self.links[key, window_id] = active
            case ev.WindowRemoved():
                del self.links[key, window_id]
            case ev.WindowMoved(previous=previous):
                self.links[key, window_id] = self.links.pop(
                    (LinkKey(key.session_id, previous), window_id)
                )
            case ev.WindowActivated():
                for other in self.links:
                    if other[0].session_id == key.session_id:
                        self.links[other] = other == (key, window_id)
            case ev.WindowRenamed(name=name):
                self._replace_window(window_id, name=name)
            case ev.WindowLayout(layout=layout, zoomed=zoomed):
                self._replace_window(window_id, layout=layout, zoomed=zoomed)

    def _pane(self, place: ev.Place, data: ev.Data) -> None:
        pane_id = str(place.pane_id)
        match data:
            case ev.PaneCreated():
                fields = {
                    field: getattr(data, field)
                    for field in Pane.__struct_fields__
                    if field != "window_id"
                }
                self.panes[pane_id] = Pane(window_id=str(place.window_id), **fields)
            case ev.PaneRemoved():
                del self.panes[pane_id]
            case ev.PaneActivated():
                window_id = self.panes[pane_id].window_id
                for pane in list(self.panes.values()):
                    if pane.window_id == window_id:
                        self._replace_pane(pane.id, active=pane.id == pane_id)
            case _:
                self._replace_pane(pane_id, **_pane_fields(self.panes[pane_id], data))

    def _replace_window(self, window_id: str, **fields: object) -> None:
        self.windows[window_id] = msgspec.structs.replace(self.windows[window_id], **fields)

    def _replace_pane(self, pane_id: str, **fields: object) -> None:
        self.panes[pane_id] = msgspec.structs.replace(self.panes[pane_id], **fields)


def _pane_fields(pane: Pane, data: ev.Data) -> dict[str, object]:
    """The fields of a pane that an event about it changes."""
    fields: dict[str, object] = {}
    match data:
        case ev.PaneMoved(index=index, window_id=window_id, active=active):
            fields = {"index": index, "window_id": window_id, "active": active}
        case ev.PaneResized(width=width, height=height):
            fields = {"width": width, "height": height}
        case ev.PaneCommand(command=command, pid=pid):
            ending = {"dead": False, "exit_status": None, "signal": None} if pane.dead else {}
            fields = {"command": command, "pid": pid, **ending}
        case ev.PaneExited(exit_status=status, signal=signal):
            fields = {"dead": True, "exit_status": status, "signal": signal}
        case ev.PaneTitle(title=title):
            fields = {"title": title}
        case ev.PanePath(path=path):
            fields = {"path": path}
    return fields
