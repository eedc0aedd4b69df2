"""The events between two states of a tmux server.

The law that holds `diff` and `apply` together: ``apply(a, diff(a, b)) == b``. So whoever has a
snapshot and follows the events knows the truth; every field of the state has an event for it.

The order is: what is gone (panes, clients, windows, sessions), then what is new or changed
(sessions, windows, panes, clients).
"""

from __future__ import annotations

from collections.abc import Iterator

from tmuxpulse import events as ev
from tmuxpulse.tmux.state import Atlas, LinkKey, Pane, State


def diff(before: State, after: State, server: str) -> list[ev.Event]:
    """Tell what happened between two states of the tmux server named `server`."""
    if before == after:
        return []
    old, new = Atlas(before, server), Atlas(after, server)
    moves = _window_moves(before, after)
    return [
        *_panes_gone(before, after, old),
        *_clients_gone(before, after, old),
        *_windows_gone(before, after, old, moves),
        *_sessions_gone(before, after, old),
        *_sessions_changed(before, after, new),
        *_windows_placed(before, after, new, moves),
        *_windows_renamed(before, after, new),
        *_windows_activated(before, after, new, moves),
        *_panes_changed(before, after, new),
        *_clients_new(before, after, new),
    ]


# --- what is gone -----------------------------------------------------------------------------


def _panes_gone(before: State, after: State, old: Atlas) -> Iterator[ev.Event]:
    for pane in before.panes.values():
        if pane.id not in after.panes:
            place = old.pane(pane.id)
            if not pane.dead:
                yield ev.Event(place, ev.PaneExited())
            yield ev.Event(place, ev.PaneRemoved())


def _clients_gone(before: State, after: State, old: Atlas) -> Iterator[ev.Event]:
    left: dict[str, int] = {}
    for client in before.clients.values():
        if after.clients.get(client.name) != client:
            left[client.session_id] = left.get(client.session_id, 0) + 1
            yield ev.Event(
                old.session(client.session_id),
                ev.SessionDetached(
                    client=client.name,
                    attached=before.attached(client.session_id) - left[client.session_id],
                ),
            )


def _windows_gone(
    before: State, after: State, old: Atlas, moves: dict[LinkKey, LinkKey]
) -> Iterator[ev.Event]:
    for key, link in before.links.items():
        there = after.links.get(key)
        stays = there is not None and there.window_id == link.window_id
        if not stays and key not in moves:
            yield ev.Event(old.link(key), ev.WindowRemoved())


def _sessions_gone(before: State, after: State, old: Atlas) -> Iterator[ev.Event]:
    for session_id in before.sessions:
        if session_id not in after.sessions:
            yield ev.Event(old.session(session_id), ev.SessionRemoved())


# --- what is new or changed -------------------------------------------------------------------


def _sessions_changed(before: State, after: State, new: Atlas) -> Iterator[ev.Event]:
    for session in after.sessions.values():
        was = before.sessions.get(session.id)
        if was is None:
            data: ev.Data = ev.SessionCreated(
                id=session.id, name=session.name, created=session.created
            )
            yield ev.Event(new.session(session.id), data)
        elif was.name != session.name:
            data = ev.SessionRenamed(name=session.name, previous=was.name)
            yield ev.Event(new.session(session.id), data)


def _windows_placed(
    before: State, after: State, new: Atlas, moves: dict[LinkKey, LinkKey]
) -> Iterator[ev.Event]:
    arrived = {there: here for here, there in moves.items()}
    for key, link in after.links.items():
        was = before.links.get(key)
        if key in arrived:
            data: ev.Data = ev.WindowMoved(
                index=key.window_index, previous=arrived[key].window_index
            )
            yield ev.Event(new.link(key), data)
        elif was is None or was.window_id != link.window_id:
            window = after.windows[link.window_id]
            data = ev.WindowCreated(
                id=window.id,
                index=key.window_index,
                name=window.name,
                active=link.active,
                layout=window.layout,
                zoomed=window.zoomed,
            )
            yield ev.Event(new.link(key), data)


def _windows_renamed(before: State, after: State, new: Atlas) -> Iterator[ev.Event]:
    for window in after.windows.values():
        was = before.windows.get(window.id)
        if was is None:
            continue
        if was.name != window.name:
            data: ev.Data = ev.WindowRenamed(name=window.name, previous=was.name)
            yield ev.Event(new.window(window.id), data)
        if (was.layout, was.zoomed) != (window.layout, window.zoomed):
            data = ev.WindowLayout(layout=window.layout, zoomed=window.zoomed)
            yield ev.Event(new.window(window.id), data)


def _windows_activated(
    before: State, after: State, new: Atlas, moves: dict[LinkKey, LinkKey]
) -> Iterator[ev.Event]:
    active_before = _active_windows(before)
    for session_id, key in _active_windows(after).items():
        if session_id not in before.sessions:
            continue  # its windows were created just now, and told which one is active
        had = active_before.get(session_id)
        if had is not None:
            there = moves.get(had, had)
            if there == key and before.links[had].window_id == after.links[key].window_id:
                continue
        data = ev.WindowActivated(previous=had.window_index if had else None)
        yield ev.Event(new.link(key), data)


def _panes_changed(before: State, after: State, new: Atlas) -> Iterator[ev.Event]:
    for pane in after.panes.values():
        was = before.panes.get(pane.id)
        if was == pane:
            continue
        place = new.pane(pane.id)
        found = _pane_created(pane) if was is None else _pane_changes(was, pane)
        for data in found:
            yield ev.Event(place, data)
    active_before = _active_panes(before)
    for window_id, pane_id in _active_panes(after).items():
        had = active_before.get(window_id)
        if window_id in before.windows and had != pane_id:
            yield ev.Event(new.pane(pane_id), ev.PaneActivated(previous=had))


def _pane_created(pane: Pane) -> Iterator[ev.Data]:
    yield ev.PaneCreated(
        id=pane.id,
        index=pane.index,
        active=pane.active,
        command=pane.command,
        pid=pane.pid,
        title=pane.title,
        path=pane.path,
        width=pane.width,
        height=pane.height,
        dead=pane.dead,
        exit_status=pane.exit_status,
        signal=pane.signal,
    )


def _pane_changes(was: Pane, pane: Pane) -> Iterator[ev.Data]:
    if (was.window_id, was.index) != (pane.window_id, pane.index):
        yield ev.PaneMoved(
            index=pane.index,
            previous=was.index,
            window_id=pane.window_id,
            previous_window_id=was.window_id,
            active=pane.active,
        )
    if (was.width, was.height) != (pane.width, pane.height):
        yield ev.PaneResized(width=pane.width, height=pane.height)
    revived = was.dead and not pane.dead
    runs = (was.command, was.pid) != (pane.command, pane.pid) or revived
    if runs:
        yield ev.PaneCommand(command=pane.command, previous=was.command, pid=pane.pid)
    ending = (pane.exit_status, pane.signal)
    if pane.dead and (runs or not was.dead or ending != (was.exit_status, was.signal)):
        yield ev.PaneExited(exit_status=pane.exit_status, signal=pane.signal)
    if was.title != pane.title:
        yield ev.PaneTitle(title=pane.title, previous=was.title)
    if was.path != pane.path:
        yield ev.PanePath(path=pane.path, previous=was.path)


def _clients_new(before: State, after: State, new: Atlas) -> Iterator[ev.Event]:
    counts: dict[str, int] = {}
    for client in after.clients.values():
        if before.clients.get(client.name) == client:
            counts[client.session_id] = counts.get(client.session_id, 0) + 1
    for client in after.clients.values():
        if before.clients.get(client.name) != client:
            counts[client.session_id] = counts.get(client.session_id, 0) + 1
            yield ev.Event(
                new.session(client.session_id),
                ev.SessionAttached(
                    client=client.name, attached=counts[client.session_id], control=client.control
                ),
            )


def _active_windows(state: State) -> dict[str, LinkKey]:
    return {key.session_id: key for key, link in state.links.items() if link.active}


def _active_panes(state: State) -> dict[str, str]:
    return {pane.window_id: pane.id for pane in state.panes.values() if pane.active}


def _window_moves(before: State, after: State) -> dict[LinkKey, LinkKey]:
    """Pair the links that a window lost with those it won in the same session."""
    won: dict[tuple[str, str], list[LinkKey]] = {}
    for key, link in sorted(after.links.items()):
        was = before.links.get(key)
        if was is None or was.window_id != link.window_id:
            won.setdefault((key.session_id, link.window_id), []).append(key)
    moves: dict[LinkKey, LinkKey] = {}
    for key, link in sorted(before.links.items()):
        there = after.links.get(key)
        if there is None or there.window_id != link.window_id:
            places = won.get((key.session_id, link.window_id))
            if places:
                moves[key] = places.pop(0)
    return moves
