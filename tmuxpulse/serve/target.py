"""The part of a snapshot that a request asked for. Pure."""

from __future__ import annotations

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
        if target.session is None or target.session in (session.id, session.name)
        if (kept := _narrow_session(session, target)) is not None
    ]
    if not sessions and target != Target():
        raise RequestError("NOT_FOUND", "no such session, window or pane")
    named = {session.server for session in sessions}
    servers = [server for server in tree.servers if target == Target() or server.name in named]
    return Tree(servers=servers, sessions=sessions)


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
