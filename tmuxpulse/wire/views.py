"""The state as a snapshot tells it."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from tmuxpulse.events import Status
from tmuxpulse.styles import Cursor, Run


class PaneView(msgspec.Struct, frozen=True, kw_only=True):
    """A pane in a snapshot; sizes in cells.

    Attributes:
        status_since: since when, RFC 3339; empty while nothing was told of its status.
        reason: why its status is what it is.
        agent_type: the kind of agent it runs, if it is one.
        screen: the rows it shows now; only where a pane was asked for by name.
        styles: for each of them its runs of colours, in order: ``[start, length, style]``; only
            where they were asked for, as with the next.
        cursor: where it stands on the screen.
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
    status_since: str = ""
    reason: str = ""
    agent_type: str | None = None
    last_line: str = ""
    screen: list[str] | UnsetType = UNSET
    styles: list[list[Run]] | UnsetType = UNSET
    cursor: Cursor | UnsetType = UNSET


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
    """A session; `server` names the tmux server that holds it.

    Attributes:
        attached: how many clients it has.
        created: when, in seconds of the epoch, as tmux tells it; 0: it is not known.
    """

    server: str
    id: str
    name: str
    attached: int
    created: int = 0
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


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """A status that holds, but has not held for long enough to be announced.

    Attributes:
        in_s: seconds until it is.
    """

    status: Status
    rule: str
    reason: str
    in_s: float


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """What one layer of evidence says.

    Attributes:
        sure: whether it is more than an assumption.
        age_s: how old its evidence is.
        outcome: ``won``, or why it lost.
    """

    layer: str
    status: str
    reason: str
    rule: str
    evidence: str
    confidence: float
    sure: bool
    age_s: float
    outcome: str


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of evidence in words; `age_s`: for how long it is known."""

    layer: str
    text: str
    age_s: float


class PaneExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a pane's status is what it is.

    Attributes:
        status: what was announced last, with when, why and by which rule.
        pending: what will be announced; None: nothing else.
        opinions: what the layers say, the one that won first.
        matched: names of further rules that match, best first.
        known: what is known, layer by layer.
    """

    status: Status
    since: str
    reason: str
    rule: str
    evidence: str
    confidence: float
    agent_type: str | None
    pending: Pending | None
    opinions: list[Opinion]
    matched: list[str]
    known: list[Known]
