"""Every setting: frozen structs that refuse unknown keys, with their defaults and bounds.

`Settings` is the file ``config.toml``, a struct for each of its tables; `config.layers` reads it.
`CollectSettings` and `ServeSettings` are what the collector and the server are given. The core
receives values from here, never the structs themselves.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

EngineChoice = Literal["auto", "pipe", "control", "poll"]
WriteChoice = Literal["never", "local", "anywhere"]
LogFormat = Literal["text", "json"]

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8765

Port = Annotated[int, Meta(ge=0, le=65535)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Seconds = Annotated[float, Meta(ge=0, le=3600)]
Bytes = Annotated[int, Meta(ge=1024, le=1 << 30)]


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of a table of the file."""


class TmuxTable(Table, frozen=True, kw_only=True):
    """``[tmux]``: what is watched, and how.

    Attributes:
        sockets: names (as for ``tmux -L``) or paths (with a ``/``); empty: all of this user's.
        engine: ``auto`` takes what does the tmux release no harm.
    """

    sockets: tuple[str, ...] = ()
    engine: EngineChoice = "auto"


class ServerTable(Table, frozen=True, kw_only=True):
    """``[server]``: where `serve` listens, and what it lets in.

    Attributes:
        host: an address or name; one beyond this machine needs TLS and a token.
        port: 0 takes any that is free.
        unix_socket: whether there is a socket for this user's own programs.
        grace_seconds: how long a shutdown may take for clients that are slow.
        tls_certificate: a PEM file with the certificate and its chain; empty: no TLS.
        tls_key: a PEM file with its key.
        allowed_hosts: further values of ``Host``, such as ``pulse.example:8765``.
        allowed_origins: further values of ``Origin``, such as ``https://pulse.example``.
        write: who may command panes, if their token grants it: nobody, those who connect from
            this machine, or everybody.
        log_format: of what it says on standard error: for people, or a JSON object a line.
    """

    host: str = DEFAULT_HOST
    port: Port = DEFAULT_PORT
    unix_socket: bool = True
    grace_seconds: Seconds = 3.0
    tls_certificate: str = ""
    tls_key: str = ""
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    write: WriteChoice = "never"
    log_format: LogFormat = "text"


class LimitsTable(Table, frozen=True, kw_only=True):
    """``[limits]``: what the server bounds.

    Attributes:
        max_message_bytes: of one message from a client.
        messages_per_second: of one connection, in the long run; a second's worth at once.
        bytes_per_second: from one connection, as above.
        subscriptions: of one connection.
        connections: WebSockets that are open.
        unauthenticated: those of them that have given no token yet.
        handshakes: sockets that have not yet come so far.
        auth_seconds: for a token to come.
        login_failures_per_minute: wrong tokens from one address before answers become slow.
        all_login_failures_per_minute: wrong tokens from everywhere before that.
    """

    max_message_bytes: Bytes = 65536
    messages_per_second: Count = 100
    bytes_per_second: Bytes = 1 << 20
    subscriptions: Annotated[int, Meta(ge=1, le=1024)] = 64
    connections: Count = 1024
    unauthenticated: Count = 128
    handshakes: Count = 512
    auth_seconds: Annotated[float, Meta(gt=0, le=60)] = 5.0
    login_failures_per_minute: Count = 30
    all_login_failures_per_minute: Count = 300


class RedactionRule(Table, frozen=True, kw_only=True):
    """``[[redaction.rules]]``: a secret of yours.

    Attributes:
        name: what the mask says.
        pattern: a regular expression for the whole secret; a group named ``secret`` narrows it.
    """

    name: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
    pattern: Annotated[str, Meta(min_length=1, max_length=1000)]


class RedactionTable(Table, frozen=True, kw_only=True):
    """``[redaction]``: secrets in what panes print.

    Attributes:
        enabled: whether they are masked.
        rules: further ones.
    """

    enabled: bool = True
    rules: tuple[RedactionRule, ...] = ()


class AuditTable(Table, frozen=True, kw_only=True):
    """``[audit]``: who came, and what they asked for.

    Attributes:
        enabled: whether it is written down.
        max_bytes: of one file; then a new one begins.
        keep: how many full files are kept.
    """

    enabled: bool = True
    max_bytes: Annotated[int, Meta(ge=4096, le=1 << 30)] = 10 << 20
    keep: Annotated[int, Meta(ge=0, le=1000)] = 9


class HistoryTable(Table, frozen=True, kw_only=True):
    """``[history]``: what is kept of what happened.

    Attributes:
        enabled: whether anything is.
        output: whether what panes print is, too: it is what stood in your terminals.
        days: how long.
        max_bytes: how large the database may become; above it the oldest events go.
    """

    enabled: bool = True
    output: bool = False
    days: Annotated[float, Meta(gt=0, le=36_500)] = 30.0
    max_bytes: Annotated[int, Meta(ge=1 << 20, le=1 << 40)] = 1 << 30


class FeaturesTable(Table, frozen=True, kw_only=True):
    """``[features]``: parts that can be switched off.

    Attributes:
        page: whether browsers get the page; programs are served without it.
        commands: whether anybody may ask for commands to panes, even for a screen; typing needs
            `write` of ``[server]`` besides.
        emit: whether programs may tell of events of their own, and report what panes do.
        status: whether it is judged what panes do: ``agent.status``, and `explain`.
        stats: whether it is measured what panes use: ``system.stats``.
        recording: whether `record` works, and the bytes of terminals are given out for it.
        hooks: whether programs tell of their calls (``tmuxpulse.hooks``).
        compat: whether ``tmuxpulse.compat`` asks the server; else it asks tmux.
    """

    page: bool = True
    commands: bool = True
    emit: bool = True
    status: bool = True
    stats: bool = True
    recording: bool = True
    hooks: bool = True
    compat: bool = True


_COLOUR_NAMES = (
    "default black red green brown yellow blue magenta cyan white light-red light-green light-blue"
    " light-magenta light-cyan light-gray dark-gray"
)
Colour = Annotated[
    str,
    Meta(
        pattern=(
            rf"^({'|'.join(_COLOUR_NAMES.split())}|#[0-9a-f]{{6}})( (bold|underline|reverse))*$"
        ),
        description=f"{', '.join(_COLOUR_NAMES.split())} or #rrggbb, then bold, underline, reverse",
    ),
]
_KEY_NAMES = (
    "space enter esc tab up down left right home end insert delete backspace f1 f2 f3 f4 f5 f6 f7"
    " f8 f9 f10 f11 f12"
)
KeyName = Annotated[
    str,
    Meta(
        pattern=(
            rf"^(\S|{'|'.join(_KEY_NAMES.split())}|page (up|down)|shift tab|(ctrl|meta) [a-z])$"
        ),
        description=(
            "a character, space, enter, esc, tab, shift tab, up, down, left, right, home, end,"
            " page up, page down, insert, delete, backspace, f1 to f12, ctrl a to z, meta a to z"
        ),
    ),
]
Keys = tuple[KeyName, ...]
Column = Literal["status", "age", "place", "program", "errors", "size", "path", "title", "text"]
ColourDepth = Literal["auto", "none", "16", "256", "true"]


class WatchTable(Table, frozen=True, kw_only=True):
    """``[watch]``: the full screen of `watch` and `replay`.

    Attributes:
        full_screen: whether a terminal gets it; else lines, as with ``--lines``.
        filter: what is shown at first, in the options of the command line, such as
            ``--session api --type 'agent.*'``.
        columns: of the list of panes, in order.
        colours: how many the terminal has; ``auto`` finds out.
        mouse: whether it chooses and scrolls.
    """

    full_screen: bool = True
    filter: Annotated[str, Meta(max_length=1000)] = ""
    columns: tuple[Column, ...] = ("status", "age", "place", "program", "text")
    colours: ColourDepth = "auto"
    mouse: bool = True


class WatchColoursTable(Table, frozen=True, kw_only=True):
    """``[watch_colours]``: its colours.

    Attributes:
        failed: panes whose program failed.
        waiting: panes that wait for somebody.
        done: panes that just finished.
        busy: panes at work.
        idle: panes where nothing happens, and what was acknowledged.
        title: headings.
        focus: the heading of the list that has the keys.
        dim: times, and what matters less.
        place: where something is.
        error: events that tell of an error.
        warning: events that tell of a warning.
        selected: the chosen row.
        match: what a search found.
        problem: what is wrong with this screen itself.
    """

    failed: Colour = "light-red bold"
    waiting: Colour = "yellow bold"
    done: Colour = "light-cyan"
    busy: Colour = "green"
    idle: Colour = "dark-gray"
    title: Colour = "default reverse"
    focus: Colour = "light-cyan bold reverse"
    dim: Colour = "dark-gray"
    place: Colour = "default bold"
    error: Colour = "light-red"
    warning: Colour = "yellow"
    selected: Colour = "default reverse"
    match: Colour = "yellow bold reverse"
    problem: Colour = "light-red bold reverse"


class WatchKeysTable(Table, frozen=True, kw_only=True):
    """``[watch_keys]``: its keys.

    Attributes:
        up: move up.
        down: move down.
        page_up: move up by a page.
        page_down: move down by a page.
        first: move to the beginning.
        last: move to the end; of the events, follow the newest.
        focus: move between the panes and the events.
        open: show the chosen pane alone; again: leave.
        timeline: show the history of the chosen pane's status; again: leave.
        acknowledge: let the chosen pane sink until something new happens in it; again: not so.
        search: search in what has the focus.
        search_next: to the next place that was found.
        search_previous: to the one before.
        filter: show some panes and events only, by the options of the command line.
        pause: stop the picture, and count what waits; again: go on; in a replay, stop that.
        export: write what is shown into a file: JSON lines, or text when it is called ``.txt``.
        help: show the keys; again: leave.
        back: leave a view, or forget a search.
        quit: leave a view, or end.
        seek_back: in a replay, go back by 10 seconds.
        seek_on: in a replay, go on by 10 seconds.
        slower: in a replay, half the speed.
        faster: in a replay, double the speed.
    """

    up: Keys = ("up", "k")
    down: Keys = ("down", "j")
    page_up: Keys = ("page up", "b", "ctrl b")
    page_down: Keys = ("page down", "ctrl f")
    first: Keys = ("g", "home")
    last: Keys = ("G", "end")
    focus: Keys = ("tab", "shift tab")
    open: Keys = ("enter",)
    timeline: Keys = ("t",)
    acknowledge: Keys = ("a",)
    search: Keys = ("/",)
    search_next: Keys = ("n",)
    search_previous: Keys = ("N",)
    filter: Keys = ("f",)
    pause: Keys = ("space",)
    export: Keys = ("e",)
    help: Keys = ("?", "f1")
    back: Keys = ("esc",)
    quit: Keys = ("q",)
    seek_back: Keys = ("left",)
    seek_on: Keys = ("right",)
    slower: Keys = ("<",)
    faster: Keys = (">",)


class Settings(Table, frozen=True, kw_only=True):
    """The whole file."""

    tmux: TmuxTable = TmuxTable()
    server: ServerTable = ServerTable()
    limits: LimitsTable = LimitsTable()
    redaction: RedactionTable = RedactionTable()
    audit: AuditTable = AuditTable()
    history: HistoryTable = HistoryTable()
    features: FeaturesTable = FeaturesTable()
    watch: WatchTable = WatchTable()
    watch_colours: WatchColoursTable = WatchColoursTable()
    watch_keys: WatchKeysTable = WatchKeysTable()


class CollectSettings(Table, frozen=True, kw_only=True):
    """What a collector is given.

    Attributes:
        sockets: paths of tmux sockets; empty: all of this user's.
        engine: how to watch.
        redaction: what is masked in what panes print.
        judges: whether it tells what panes do.
        measures: whether it tells what panes use, to who asks for it.
        rules_dir: where the user's rules of statuses are; empty: nowhere.
        runtime_dir: where FIFOs live while we run; private to the user.
    """

    sockets: tuple[str, ...] = ()
    engine: EngineChoice = "auto"
    redaction: RedactionTable = RedactionTable()
    judges: bool = True
    measures: bool = True
    rules_dir: str = ""
    runtime_dir: str


class ServeSettings(Table, frozen=True, kw_only=True):
    """What a server is given.

    Attributes:
        server: where it listens, and what it lets in.
        limits: what it bounds.
        audit: what it writes down.
        history: what it keeps.
        features: what is switched on.
        unix_socket: the path of the same user's socket; empty: none.
        state_dir: where tokens, the audit log and the history are; private to the user.
        runtime_dir: where the history's journal is; private to the user; empty: in `state_dir`.
    """

    server: ServerTable = ServerTable()
    limits: LimitsTable = LimitsTable()
    audit: AuditTable = AuditTable()
    history: HistoryTable = HistoryTable()
    features: FeaturesTable = FeaturesTable()
    unix_socket: str
    state_dir: str
    runtime_dir: str = ""
