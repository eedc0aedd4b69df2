"""The state as a snapshot tells it."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from tmuxpulse.events import Status


class PaneView(msgspec.Struct, frozen=True, kw_only=True):
    """A pane in a snapshot; sizes in cells.

    Attributes:
        screen: the rows it shows now; only where a pane was asked for by name.
    """

    id: str
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
    status: Status = "unknown"
    last_line: str = ""
    screen: list[str] | UnsetType = UNSET


class WindowView(msgspec.Struct, frozen=True, kw_only=True):
    """A window as one session shows it."""

    id: str
    index: int
    name: str
    active: bool
    layout: str
    zoomed: bool = False
    panes: list[PaneView]


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """A session; `server` names the tmux server that holds it."""

    server: str
    id: str
    name: str
    attached: int
    windows: list[WindowView]


class ServerView(msgspec.Struct, frozen=True, kw_only=True):
    """A watched tmux server; without `pid` it is not running."""

    name: str
    socket: str
    up: bool
    pid: int | None = None
    version: str | None = None
    start_time: int | None = None
    engine: str | None = None


class Tree(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known: the `data` of a snapshot."""

    servers: list[ServerView]
    sessions: list[SessionView]
