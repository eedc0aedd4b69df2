"""Sessions, windows and panes in the shape that orchestrators know; from either source, the same.

Pure: a snapshot of the live state, or a list that tmux itself gave, becomes a `World`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tmuxpulse.tmux.state import Pane, State
from tmuxpulse.wire import PaneView, SessionView

_PANE_ID = re.compile(r"%\d+", re.ASCII)
_TARGET = re.compile(r"(?P<session>[^:.=%@$][^:.]*):(?P<window>\d+)(?:\.(?P<pane>\d+))?", re.ASCII)

Target = str | tuple[str, int | str] | tuple[str, int | str, int | str]


@dataclass
class SessionInfo:
    """A session.

    Attributes:
        name: its name.
        windows: how many it has.
        created: seconds of the epoch, as tmux writes them.
        attached: whether a client shows it.
    """

    name: str
    windows: int
    created: str
    attached: bool = False


@dataclass
class WindowInfo:
    """A window in a session.

    Attributes:
        session: the session's name.
        index: where it is in the session.
        name: its name.
        active: whether it is the session's current one.
        panes: how many it has.
        layout: as tmux writes it.
        current_command: the program in its active pane.
    """

    session: str
    index: int
    name: str
    active: bool
    panes: int
    layout: str
    current_command: str = ""


@dataclass
class PaneInfo:
    """A pane in a window; `index` and `id` are tmux's, sizes in cells."""

    session: str
    window: int
    index: int
    id: str
    active: bool
    current_command: str
    current_path: str
    title: str
    pid: int
    width: int
    height: int
    dead: bool = False


@dataclass
class World:
    """What a tmux server holds; sessions by name, as tmux lists them."""

    sessions: dict[str, SessionInfo] = field(default_factory=dict)
    windows: dict[str, list[WindowInfo]] = field(default_factory=dict)
    panes: list[PaneInfo] = field(default_factory=list)

    def pane_id(self, target: str) -> str | None:
        """The pane that a target means; None: only tmux can tell.

        Taken are ``%3``, ``name:index`` and ``name:index.pane``; the name has to be whole.
        """
        if _PANE_ID.fullmatch(target):
            return target if any(pane.id == target for pane in self.panes) else None
        found = _TARGET.fullmatch(target)
        if found is None:
            return None
        for pane in self.panes:
            if (pane.session, pane.window) != (found["session"], int(found["window"])):
                continue
            if pane.active if found["pane"] is None else pane.index == int(found["pane"]):
                return pane.id
        return None


def name_of(target: Target) -> str:
    """A target as tmux writes it, and as results are found by."""
    if isinstance(target, str):
        return target
    session, window, *pane = target
    return f"{session}:{window}" + "".join(f".{one}" for one in pane)


def from_views(views: Sequence[SessionView]) -> World:
    """The sessions of one server in a snapshot."""
    world = World()
    for session in sorted(views, key=lambda one: one.name.encode()):
        world.sessions[session.name] = SessionInfo(
            name=session.name,
            windows=len(session.windows),
            created=str(session.created),
            attached=session.attached > 0,
        )
        for window in session.windows:
            _add(
                world,
                session=session.name,
                index=window.index,
                name=window.name,
                layout=window.layout,
                panes=window.panes,
                active=window.active,
            )
    return world


def from_state(state: State) -> World:
    """What a list of tmux told."""
    world = World()
    homes: dict[str, list[Pane]] = {}
    for pane in sorted(state.panes.values(), key=lambda one: one.index):
        homes.setdefault(pane.window_id, []).append(pane)
    for session in sorted(state.sessions.values(), key=lambda one: one.name.encode()):
        links = sorted(key for key in state.links if key.session_id == session.id)
        world.sessions[session.name] = SessionInfo(
            name=session.name,
            windows=len(links),
            created=str(session.created),
            attached=state.attached(session.id) > 0,
        )
        for key in links:
            link = state.links[key]
            window = state.windows[link.window_id]
            _add(
                world,
                session=session.name,
                index=key.window_index,
                name=window.name,
                layout=window.layout,
                panes=homes.get(window.id, ()),
                active=link.active,
            )
    return world


def _add(
    world: World,
    *,
    session: str,
    index: int,
    name: str,
    layout: str,
    panes: Sequence[PaneView | Pane],
    active: bool,
) -> None:
    command = next((pane.command for pane in panes if pane.active), "")
    window = WindowInfo(
        session=session,
        index=index,
        name=name,
        active=active,
        panes=len(panes),
        layout=layout,
        current_command=command,
    )
    world.windows.setdefault(session, []).append(window)
    world.panes += [
        PaneInfo(
            session=session,
            window=index,
            index=pane.index,
            id=pane.id,
            active=pane.active,
            current_command=pane.command,
            current_path=pane.path,
            title=pane.title,
            pid=pane.pid,
            width=pane.width,
            height=pane.height,
            dead=pane.dead,
        )
        for pane in panes
    ]
