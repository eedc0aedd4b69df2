"""What a recording shows at one moment: the state that its snapshot and events add up to. Pure.

Clients are told apart by their names in events, but a snapshot only counts them: those of a
snapshot get names of their own, and the first that leave are taken for them.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tmuxpulse import events as ev
from tmuxpulse.recording.records import is_id
from tmuxpulse.tmux.apply import Draft
from tmuxpulse.tmux.diff import diff
from tmuxpulse.tmux.state import (
    EMPTY,
    Atlas,
    Client,
    Link,
    LinkKey,
    Pane,
    Session,
    State,
    Window,
)
from tmuxpulse.wire import PaneView, ServerView, SessionView, Tree, WindowView

_CLIENT = "recorded"
_UNKNOWN = ev.AgentStatus(status="unknown", previous="unknown")


class Shown(msgspec.Struct, frozen=True):
    """What a pane shows besides its structure."""

    last_line: str = ""
    status: ev.AgentStatus | None = None


class Scene:
    """The state of all tmux servers of a recording.

    Attributes:
        servers: by name.
        shown: by server and pane.
    """

    def __init__(self) -> None:
        self.servers: dict[str, ServerView] = {}
        self.shown: dict[tuple[str, str], Shown] = {}
        # Kept as drafts: what was published together may come one by one, and between two of
        # those events two windows can be in one place.
        self._drafts: dict[str, Draft] = {}

    def state(self, name: str) -> State:
        """What one tmux server holds."""
        draft = self._drafts.get(name)
        return EMPTY if draft is None else _sound(draft.finish())

    def copy(self) -> Scene:
        """One that can go its own way."""
        other = Scene()
        other.servers = dict(self.servers)
        other._drafts = {name: Draft(self.state(name)) for name in self._drafts}
        other.shown = dict(self.shown)
        return other

    def begin(self, tree: Tree) -> None:
        """Take a snapshot for the truth."""
        self.servers = {view.name: view for view in tree.servers}
        self._drafts = {name: Draft(state_of(tree, name)) for name in self.servers}
        self.shown = {
            (session.server, pane.id): Shown(pane.last_line, _status(pane))
            for session in tree.sessions
            for window in session.windows
            for pane in window.panes
        }

    def follow(self, event: ev.Event) -> None:
        """Take an event; one that does not fit changes nothing."""
        name = event.place.server
        if name is None or not _fits(event):
            return
        match event.data:
            case ev.ServerUp() as up:
                self.servers[name] = ServerView(
                    name=name, socket=up.socket, up=True, pid=up.pid, version=up.version,
                    start_time=up.start_time, engine=up.engine,
                )  # fmt: skip
            case ev.ServerDown():
                known = self.servers.get(name)
                self.servers[name] = ServerView(
                    name=name, socket=known.socket if known else "", up=False
                )
        draft = self._drafts.setdefault(name, Draft(EMPTY))
        _let_recorded_leave(draft, event)
        try:
            draft.follow(event)
        except KeyError:
            return
        self._show(name, event)

    def _show(self, name: str, event: ev.Event) -> None:
        pane_id = event.place.pane_id
        if pane_id is None:
            return
        shown = self.shown.get((name, pane_id), Shown())
        match event.data:
            case ev.PaneOutput() as output:
                texts = (output.partial, *reversed(output.lines), *reversed(output.rows.values()))
                last = next((text for text in texts if text.strip()), shown.last_line)
                shown = msgspec.structs.replace(shown, last_line=last)
            case ev.AgentStatus() as status:
                shown = msgspec.structs.replace(shown, status=status)
            case ev.PaneCreated() as created:
                shown = Shown(created.last_line)
            case ev.PaneRemoved():
                self.shown.pop((name, pane_id), None)
                return
        self.shown[name, pane_id] = shown

    def views(self, name: str) -> tuple[ServerView, list[SessionView]]:
        """One server's part of a snapshot."""
        state = self.state(name)
        sessions = []
        for session in sorted(state.sessions.values(), key=lambda one: int(one.id[1:])):
            keys = sorted(key for key in state.links if key.session_id == session.id)
            windows = [_window_view(self, name, state, key) for key in keys]
            sessions.append(
                SessionView(
                    server=name,
                    id=session.id,
                    name=session.name,
                    attached=state.attached(session.id),
                    created=session.created,
                    windows=windows,
                )
            )
        return self.servers[name], sessions


def _window_view(scene: Scene, name: str, state: State, key: LinkKey) -> WindowView:
    link = state.links[key]
    window = state.windows[link.window_id]
    panes = sorted(
        (pane for pane in state.panes.values() if pane.window_id == window.id),
        key=lambda pane: pane.index,
    )
    return WindowView(
        id=window.id,
        index=key.window_index,
        name=window.name,
        active=link.active,
        layout=window.layout,
        zoomed=window.zoomed,
        panes=[_pane_view(pane, scene.shown.get((name, pane.id), Shown())) for pane in panes],
    )


def _pane_view(pane: Pane, shown: Shown) -> PaneView:
    fields = {field: getattr(pane, field) for field in _PANE_FIELDS}
    known = shown.status or _UNKNOWN
    return PaneView(
        **fields,
        status=known.status,
        status_since=known.since,
        reason=known.reason,
        agent_type=known.agent_type,
        last_line=shown.last_line,
    )


def between(before: Scene, after: Scene) -> Iterator[ev.Event]:
    """The events that lead from one scene to another: for a jump in time.

    What a pane shows comes as the last line alone: nobody knows what was above it.
    """
    for name in [*before.servers, *(one for one in after.servers if one not in before.servers)]:
        old, new = before.servers.get(name), after.servers.get(name)
        place = ev.Place(server=name)
        if new is not None and new.up and (old is None or not old.up):
            yield ev.Event(place, _server_up(new))
        state = after.state(name)
        for event in diff(before.state(name), state, name):
            shown = after.shown.get((name, str(event.place.pane_id)), Shown())
            if isinstance(event.data, ev.PaneCreated):
                data = msgspec.structs.replace(event.data, last_line=shown.last_line)
                event = ev.Event(event.place, data)  # noqa: PLW2901  # the same one, completed
            yield event
        yield from _panes_show(name, state, before, after)
        if old is not None and old.up and (new is None or not new.up):
            yield ev.Event(place, ev.ServerDown(reason="the recording went elsewhere"))


def _panes_show(name: str, state: State, before: Scene, after: Scene) -> Iterator[ev.Event]:
    """What panes show besides their structure, where it is another thing."""
    atlas = Atlas(state, name)
    old = before.state(name).panes
    for pane_id in state.panes:
        now = after.shown.get((name, pane_id), Shown())
        was = before.shown.get((name, pane_id), Shown()) if pane_id in old else None
        if was is not None and now.last_line and now.last_line != was.last_line:
            yield ev.Event(atlas.pane(pane_id), ev.PaneOutput(mode="append", partial=now.last_line))
        status = now.status or _UNKNOWN
        known = (was.status if was else None) or _UNKNOWN
        if msgspec.structs.replace(status, previous=known.previous) != known:
            told = msgspec.structs.replace(status, previous=known.status)
            yield ev.Event(atlas.pane(pane_id), told)


def _server_up(view: ServerView) -> ev.ServerUp:
    return ev.ServerUp(
        pid=view.pid or 0,
        version=view.version or "",
        start_time=view.start_time or 0,
        socket=view.socket,
        engine=view.engine or "",
    )


def state_of(tree: Tree, server: str) -> State:
    """The state of one tmux server that a snapshot shows."""
    sessions: dict[str, Session] = {}
    windows: dict[str, Window] = {}
    links: dict[LinkKey, Link] = {}
    panes: dict[str, Pane] = {}
    clients: dict[str, Client] = {}
    for session in tree.sessions:
        if session.server != server:
            continue
        sessions[session.id] = Session(session.id, session.name, session.created)
        for number in range(session.attached):
            name = f"{_CLIENT}-{session.id}-{number}"
            clients[name] = Client(name, session.id, control=False)
        for window in session.windows:
            windows[window.id] = Window(window.id, window.name, window.layout, window.zoomed)
            links[LinkKey(session.id, window.index)] = Link(window.id, window.active)
            for pane in window.panes:
                fields = {field: getattr(pane, field) for field in _PANE_FIELDS}
                panes[pane.id] = Pane(window_id=window.id, **fields)
    return State(sessions, windows, links, panes, clients)


_PANE_FIELDS = tuple(field for field in Pane.__struct_fields__ if field != "window_id")


def _sound(state: State) -> State:
    """A state without what hangs in the air: a file may leave out what holds it."""
    links = {key: link for key, link in state.links.items() if key.session_id in state.sessions}
    linked = {link.window_id for link in links.values()}
    windows = {key: window for key, window in state.windows.items() if key in linked}
    panes = {key: pane for key, pane in state.panes.items() if pane.window_id in windows}
    clients = {
        key: client for key, client in state.clients.items() if client.session_id in state.sessions
    }
    return State(state.sessions, windows, links, panes, clients)


_NEEDED = {"session": 1, "window": 2, "pane": 3}  # so many of the ids


def _fits(event: ev.Event) -> bool:
    """Whether an event names what it is about as tmux does: a file may say anything."""
    place = event.place
    ids = [("$", place.session_id), ("@", place.window_id), ("%", place.pane_id)]
    needed = _NEEDED.get(event.type.partition(".")[0], 0)
    if isinstance(event.data, ev.PaneMoved):
        ids.append(("@", event.data.window_id))
    return all(text is not None for _, text in ids[:needed]) and all(
        text is None or is_id(text, sign) for sign, text in ids
    )


def _let_recorded_leave(draft: Draft, event: ev.Event) -> None:
    """Let a client of the snapshot's stand for one that leaves and was never seen to come."""
    data, session_id = event.data, str(event.place.session_id)
    if not isinstance(data, ev.SessionDetached) or data.client in draft.clients:
        return
    for name, client in draft.clients.items():
        if client.session_id == session_id and name.startswith(_CLIENT):
            del draft.clients[name]
            draft.clients[data.client] = Client(data.client, session_id, control=False)
            return


def _status(pane: PaneView) -> ev.AgentStatus | None:
    if pane.status == "unknown":
        return None
    return ev.AgentStatus(
        status=pane.status,
        previous="unknown",
        since=pane.status_since,
        reason=pane.reason,
        agent_type=pane.agent_type,
    )
