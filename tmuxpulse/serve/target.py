"""The part of a snapshot that a request names: what is shown of it, or what is commanded. Pure."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from tmuxpulse.errors import RequestError
from tmuxpulse.wire import PaneView, SessionView, Target, Tree, WindowView


def narrow(tree: Tree, target: Target) -> Tree:
    """Keep what `target` names, with the sessions and windows that hold it.

    Raises:
        RequestError: ``NOT_FOUND``: nothing there has that name.
    """
    sessions = [
        kept
        for session in tree.sessions
        if target.server in (None, session.server)
        if target.session is None or target.session in (session.id, session.name)
        if (kept := _narrow_session(session, target)) is not None
    ]
    if not sessions and target != Target():
        raise RequestError("NOT_FOUND", "no such session, window or pane")
    named = {session.server for session in sessions}
    servers = [server for server in tree.servers if target == Target() or server.name in named]
    return Tree(servers=servers, sessions=sessions)


class Spot(msgspec.Struct, frozen=True):
    """One pane, and where it is."""

    session: SessionView
    window: WindowView
    pane: PaneView


def find_session(tree: Tree, target: Target) -> SessionView:
    """The one session that holds what `target` names.

    Raises:
        RequestError: ``NOT_FOUND``: there is none. ``INVALID_REQUEST``: there are several.
    """
    found = _named(tree, target).sessions
    return _only({(one.server, one.id): one for one in found}, "sessions")


def find_window(tree: Tree, target: Target) -> tuple[SessionView, WindowView]:
    """The one window that `target` names; without a window, its session's current one.

    Raises:
        RequestError: as `find_session`.
    """
    spots = {
        (session.server, window.id): (session, window)
        for session in _named(tree, target).sessions
        for window in session.windows
        if target.window is not None or _is_id(target.pane) or window.active
    }
    return _only(spots, "windows")


def find_pane(tree: Tree, target: Target) -> Spot:
    """The one pane that `target` names; without a pane, its window's active one.

    Raises:
        RequestError: as `find_session`.
    """
    spots = {
        (session.server, pane.id): Spot(session, window, pane)
        for session in _named(tree, target).sessions
        for window in session.windows
        if target.window is not None or _is_id(target.pane) or window.active
        for pane in window.panes
        if target.pane is not None or pane.active
    }
    return _only(spots, "panes")


_T = TypeVar("_T")


def _only(found: dict[tuple[str, str], _T], what: str) -> _T:
    """What there is, once: a window that several sessions show is one window."""
    if not found:
        raise RequestError("NOT_FOUND", "no such session, window or pane")
    if len(found) > 1:
        names = ", ".join(f"{server} {identity}" for server, identity in list(found)[:4])
        raise RequestError(
            "INVALID_REQUEST", f"target: {len(found)} {what} have that name ({names}); say which"
        )
    return next(iter(found.values()))


def _named(tree: Tree, target: Target) -> Tree:
    if target.session is None and target.window is None and target.pane is None:
        raise RequestError("INVALID_REQUEST", "target: name a session, a window or a pane")
    return narrow(tree, target)


def _is_id(name: str | int | None) -> bool:
    return isinstance(name, str) and name.startswith("%")


def _narrow_session(session: SessionView, target: Target) -> SessionView | None:
    if target.window is None and target.pane is None:
        return session
    windows = [
        kept
        for window in session.windows
        if target.window is None
        or _names(target.window, window.id, window.index)
        or target.window == window.name
        if (kept := _narrow_window(window, target)) is not None
    ]
    return msgspec.structs.replace(session, windows=windows) if windows else None


def _narrow_window(window: WindowView, target: Target) -> WindowView | None:
    if target.pane is None:
        return window
    panes: list[PaneView] = [
        pane for pane in window.panes if _names(target.pane, pane.id, pane.index)
    ]
    return msgspec.structs.replace(window, panes=panes) if panes else None


def _names(wanted: str | int, identity: str, index: int) -> bool:
    return wanted in (identity, index, str(index))
