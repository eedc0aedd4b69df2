"""A server's state as it stands in a snapshot."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tmuxpulse.collect.command import Identity
from tmuxpulse.events import AgentStatus
from tmuxpulse.tmux.state import Pane, State
from tmuxpulse.wire import PaneView, ServerView, SessionView, WindowView


def server_view(name: str, socket: str, identity: Identity | None, engine: str) -> ServerView:
    """A tmux server; without an identity it is not running."""
    if identity is None:
        return ServerView(name=name, socket=socket, up=False)
    return ServerView(
        name=name,
        socket=socket,
        up=True,
        pid=identity.pid,
        version=identity.version,
        start_time=identity.start_time,
        engine=engine,
    )


class PaneNow(msgspec.Struct, frozen=True):
    """What a list does not tell of a pane.

    Attributes:
        last_line: the last one that it showed.
        status: what was told last of what it is doing.
    """

    last_line: str
    status: AgentStatus


def session_views(server: str, state: State, now: Callable[[str], PaneNow]) -> list[SessionView]:
    """Its sessions by age, their windows and panes by index.

    Args:
        server: its name.
        state: what it holds.
        now: gives what a list does not tell, by pane id.
    """
    panes: dict[str, list[PaneView]] = {}
    for pane in sorted(state.panes.values(), key=lambda pane: pane.index):
        panes.setdefault(pane.window_id, []).append(_pane_view(pane, now(pane.id)))
    windows: dict[str, list[WindowView]] = {}
    for key, link in sorted(state.links.items()):
        window = state.windows[link.window_id]
        windows.setdefault(key.session_id, []).append(
            WindowView(
                id=window.id,
                index=key.window_index,
                name=window.name,
                active=link.active,
                layout=window.layout,
                zoomed=window.zoomed,
                panes=panes.get(window.id, []),
            )
        )
    return [
        SessionView(
            server=server,
            id=session.id,
            name=session.name,
            attached=state.attached(session.id),
            created=session.created,
            windows=windows.get(session.id, []),
        )
        for session in sorted(state.sessions.values(), key=lambda session: int(session.id[1:]))
    ]


def _pane_view(pane: Pane, now: PaneNow) -> PaneView:
    return PaneView(
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
        status=now.status.status,
        status_since=now.status.since,
        reason=now.status.reason,
        agent_type=now.status.agent_type,
        last_line=now.last_line,
    )
