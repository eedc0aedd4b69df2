"""The vocabulary: every event type as a frozen struct.

An `Event` says where something happened (`Place`) and what (`Data`). The hub numbers it; `wire`
puts it on the wire. This module knows no tmux and no socket.

They are frozen and hold plain values, so they cannot be part of a cycle, and are not tracked as if
they could (`gc=False`): a full collection with 10,000 events took 22 ms and takes 7.

To add an event type, write its `Data` class here with its ``type`` and list it in `DATA_TYPES`.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec

Severity = Literal["info", "warning", "error"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")
Status = Literal["busy", "ready", "waiting", "error", "unknown"]


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Where an event happened; what does not apply is None.

    Attributes:
        server: the watched tmux server's name: its socket's file name (``default``) or path.
        session: the session's name. A window that several sessions show is placed in the one with
            the lowest id; the others' names are in `linked_sessions`.
        window: the window's index in that session.
        window_name: the window's name.
        pane: the pane's index in its window.
        session_id: tmux's own ``$3``; it stays when the name changes.
        window_id: tmux's own ``@7``.
        pane_id: tmux's own ``%12``.
        linked_sessions: names of further sessions that show the same window.
    """

    server: str | None = None
    session: str | None = None
    window: int | None = None
    window_name: str | None = None
    pane: int | None = None
    session_id: str | None = None
    window_id: str | None = None
    pane_id: str | None = None
    linked_sessions: tuple[str, ...] = ()


class Data(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What happened; one subclass for each event type."""

    type: ClassVar[str]
    severity: ClassVar[Severity] = "info"


class Event(msgspec.Struct, frozen=True, gc=False):
    """Something happened at a place."""

    place: Place
    data: Data

    @property
    def type(self) -> str:
        """The event's type, such as ``pane.output``."""
        return self.data.type if not isinstance(self.data, Custom) else self.data.name

    @property
    def severity(self) -> Severity:
        """How much it matters: ``info``, ``warning`` or ``error``."""
        if isinstance(self.data, AgentStatus):
            return {"error": "error", "waiting": "warning"}.get(self.data.status, "info")  # type: ignore[return-value]  # a str to str table of literals
        return self.data.severity


# --- server -----------------------------------------------------------------------------------


class ServerUp(Data, frozen=True, kw_only=True):
    """A tmux server is being watched; what it holds follows as created events.

    Attributes:
        pid: the tmux server's process id.
        version: its release, such as ``3.3a``.
        start_time: when it started, seconds since the epoch.
        socket: the path of its socket.
        engine: what watches it: ``pipe``, ``control`` or ``poll``.
    """

    type: ClassVar[str] = "server.up"
    pid: int
    version: str
    start_time: int
    socket: str
    engine: str


class ServerDown(Data, frozen=True, kw_only=True):
    """A tmux server is gone; everything it held was removed before this."""

    type: ClassVar[str] = "server.down"
    severity: ClassVar[Severity] = "warning"
    reason: str


class ServerGoodbye(Data, frozen=True, kw_only=True):
    """This tmuxpulse server ends; the connection closes with `code`."""

    type: ClassVar[str] = "server.goodbye"
    code: int
    reason: str


class CollectorTrouble(Data, frozen=True, kw_only=True):
    """A collector failed and is tried again after a pause.

    Attributes:
        message: what went wrong.
        retry_s: seconds until the next try; None when it will not be tried again.
    """

    type: ClassVar[str] = "server.trouble"
    severity: ClassVar[Severity] = "warning"
    message: str
    retry_s: float | None


# --- session ----------------------------------------------------------------------------------


class SessionCreated(Data, frozen=True, kw_only=True):
    """A session as in a snapshot; its windows follow as events of their own.

    Attributes:
        created: when, in seconds of the epoch, as tmux tells it; 0: it is not known.
    """

    type: ClassVar[str] = "session.created"
    id: str
    name: str
    attached: int = 0
    created: int = 0
    windows: tuple[()] = ()


class SessionRemoved(Data, frozen=True, kw_only=True):
    """A session is gone."""

    type: ClassVar[str] = "session.removed"


class SessionRenamed(Data, frozen=True, kw_only=True):
    """A session has another name."""

    type: ClassVar[str] = "session.renamed"
    name: str
    previous: str


class SessionAttached(Data, frozen=True, kw_only=True):
    """A client attached to a session.

    Attributes:
        client: the client's name, usually its terminal.
        attached: how many clients the session has now.
        control: whether it is a control-mode client.
    """

    type: ClassVar[str] = "session.attached"
    client: str
    attached: int
    control: bool = False


class SessionDetached(Data, frozen=True, kw_only=True):
    """A client left a session."""

    type: ClassVar[str] = "session.detached"
    client: str
    attached: int


# --- window -----------------------------------------------------------------------------------


class WindowCreated(Data, frozen=True, kw_only=True):
    """A window appeared in a session (new, or linked there); its panes follow when they are new."""

    type: ClassVar[str] = "window.created"
    id: str
    index: int
    name: str
    active: bool
    layout: str
    zoomed: bool = False
    panes: tuple[()] = ()


class WindowRemoved(Data, frozen=True, kw_only=True):
    """A window left a session (closed, or unlinked from it)."""

    type: ClassVar[str] = "window.removed"


class WindowRenamed(Data, frozen=True, kw_only=True):
    """A window has another name."""

    type: ClassVar[str] = "window.renamed"
    name: str
    previous: str


class WindowActivated(Data, frozen=True, kw_only=True):
    """A window became its session's current one.

    Attributes:
        previous: the index of the window that was.
    """

    type: ClassVar[str] = "window.activated"
    previous: int | None


class WindowMoved(Data, frozen=True, kw_only=True):
    """A window has another index in its session."""

    type: ClassVar[str] = "window.moved"
    index: int
    previous: int


class WindowLayout(Data, frozen=True, kw_only=True):
    """A window's layout changed; `pane.resized` follows for panes whose size did."""

    type: ClassVar[str] = "window.layout"
    layout: str
    zoomed: bool


# --- pane -------------------------------------------------------------------------------------


class PaneCreated(Data, frozen=True, kw_only=True):
    """A pane as in a snapshot."""

    type: ClassVar[str] = "pane.created"
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


class PaneRemoved(Data, frozen=True, kw_only=True):
    """A pane is gone."""

    type: ClassVar[str] = "pane.removed"


class PaneActivated(Data, frozen=True, kw_only=True):
    """A pane became its window's active one."""

    type: ClassVar[str] = "pane.activated"
    previous: str | None


class PaneMoved(Data, frozen=True, kw_only=True):
    """A pane has another index, or is in another window.

    Attributes:
        index: its index now; `previous` is what it was.
        window_id: its window now; `previous_window_id` is what it was.
        active: whether it is the active pane there.
    """

    type: ClassVar[str] = "pane.moved"
    index: int
    previous: int
    window_id: str
    previous_window_id: str
    active: bool


class PaneResized(Data, frozen=True, kw_only=True):
    """A pane has another size, in cells."""

    type: ClassVar[str] = "pane.resized"
    width: int
    height: int


class PaneOutput(Data, frozen=True, kw_only=True):
    """A pane printed.

    Attributes:
        mode: ``append``: `lines` and `partial` hold; ``screen``: `rows` holds.
        lines: lines finished since the last event, each exactly once and in order.
        partial: the unfinished last line, such as a prompt; replaces the one before.
        rows: rows of the visible screen that changed: row number from 0, as text, to its text.
        bytes: how many bytes were seen since the last event.
        cut: how many bytes of text a bound left out.
        redacted: how many secrets were masked.
    """

    type: ClassVar[str] = "pane.output"
    mode: Literal["append", "screen"]
    lines: tuple[str, ...] = ()
    partial: str = ""
    rows: dict[str, str] = {}
    bytes: int = 0
    cut: int = 0
    redacted: int = 0


class PaneBytes(Data, frozen=True, kw_only=True):
    """What a pane's program wrote to its terminal, byte for byte but for secrets.

    Only who names this type gets it; see `ON_REQUEST`.

    Attributes:
        data: the bytes; a secret's characters are blotted out.
        columns: the pane's width in cells; `rows` is its height.
        cut: how many bytes a bound left out before these.
    """

    type: ClassVar[str] = "pane.bytes"
    data: bytes
    columns: int
    rows: int
    cut: int = 0


class PaneError(Data, frozen=True, kw_only=True):
    """A line that tells of an error, and the rule that saw it."""

    type: ClassVar[str] = "pane.error"
    severity: ClassVar[Severity] = "error"
    line: str
    rule: str


class PaneWarning(Data, frozen=True, kw_only=True):
    """A line that tells of a warning, and the rule that saw it."""

    type: ClassVar[str] = "pane.warning"
    severity: ClassVar[Severity] = "warning"
    line: str
    rule: str


class PaneCommand(Data, frozen=True, kw_only=True):
    """Another program runs in a pane's foreground (or its first program was started anew)."""

    type: ClassVar[str] = "pane.command"
    command: str
    previous: str
    pid: int


class PanePath(Data, frozen=True, kw_only=True):
    """A pane's program changed its directory."""

    type: ClassVar[str] = "pane.path"
    path: str
    previous: str


class PaneExited(Data, frozen=True, kw_only=True):
    """A pane's program ended.

    Attributes:
        exit_status: None when tmux does not tell, which is so unless ``remain-on-exit`` is set.
        signal: the number or name of the signal that ended it, as tmux gives it.
    """

    type: ClassVar[str] = "pane.exited"
    exit_status: int | None = None
    signal: str | None = None


class PaneTitle(Data, frozen=True, kw_only=True):
    """A pane's title changed."""

    type: ClassVar[str] = "pane.title"
    title: str
    previous: str


class PaneBell(Data, frozen=True, kw_only=True):
    """A pane rang the bell."""

    type: ClassVar[str] = "pane.bell"


class PaneNotification(Data, frozen=True, kw_only=True):
    """A pane's program asked for a desktop notification (OSC 9, 777, 99)."""

    type: ClassVar[str] = "pane.notification"
    title: str
    body: str


class PaneProgress(Data, frozen=True, kw_only=True):
    """A pane's program told its progress (OSC 9;4)."""

    type: ClassVar[str] = "pane.progress"
    state: Literal["none", "normal", "error", "busy", "paused"]
    percent: int | None = None


class PaneSilence(Data, frozen=True, kw_only=True):
    """A pane that printed has been quiet for a while."""

    type: ClassVar[str] = "pane.silence"
    seconds: float


# --- command, agent, system, yours -------------------------------------------------------------


class CommandStarted(Data, frozen=True, kw_only=True):
    """A shell started a command (OSC 133;C)."""

    type: ClassVar[str] = "command.started"
    command_line: str | None = None


class CommandFinished(Data, frozen=True, kw_only=True):
    """A shell's command ended (OSC 133;D)."""

    type: ClassVar[str] = "command.finished"
    exit_status: int | None = None
    duration_s: float | None = None
    command_line: str | None = None


class AgentStatus(Data, frozen=True, kw_only=True):
    """What a pane is doing changed."""

    type: ClassVar[str] = "agent.status"
    status: Status
    previous: Status
    agent_type: str | None = None
    reason: str = ""
    rule: str = ""
    evidence: str = ""
    confidence: float = 0.0
    since: str = ""


class PaneStats(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the processes of one pane use.

    Attributes:
        pane_id: tmux's own ``%12``.
        cpu_percent: of one core, since the last look; more than 100 is more than one core.
        memory_bytes: resident.
        processes: how many there are.
    """

    pane_id: str
    cpu_percent: float
    memory_bytes: int
    processes: int


class SystemStats(Data, frozen=True, kw_only=True):
    """What each pane's process tree uses; one event a tmux server, while somebody listens."""

    type: ClassVar[str] = "system.stats"
    panes: tuple[PaneStats, ...]


class Custom(Data, frozen=True, kw_only=True):
    """An event of somebody else's (``custom.*``), from `emit`."""

    type: ClassVar[str] = "custom"
    name: str
    data: dict[str, Any]


DATA_TYPES: tuple[type[Data], ...] = (
    ServerUp,
    ServerDown,
    ServerGoodbye,
    CollectorTrouble,
    SessionCreated,
    SessionRemoved,
    SessionRenamed,
    SessionAttached,
    SessionDetached,
    WindowCreated,
    WindowRemoved,
    WindowRenamed,
    WindowActivated,
    WindowMoved,
    WindowLayout,
    PaneCreated,
    PaneRemoved,
    PaneActivated,
    PaneMoved,
    PaneResized,
    PaneOutput,
    PaneBytes,
    PaneError,
    PaneWarning,
    PaneCommand,
    PanePath,
    PaneExited,
    PaneTitle,
    PaneBell,
    PaneNotification,
    PaneProgress,
    PaneSilence,
    CommandStarted,
    CommandFinished,
    AgentStatus,
    SystemStats,
)
# Types that a filter admits only when it names them in full: they are many, or large.
ON_REQUEST: frozenset[str] = frozenset({PaneBytes.type})
BY_TYPE: dict[str, type[Data]] = {data.type: data for data in DATA_TYPES}
