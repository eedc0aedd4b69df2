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


class Settings(Table, frozen=True, kw_only=True):
    """The whole file."""

    tmux: TmuxTable = TmuxTable()
    server: ServerTable = ServerTable()
    limits: LimitsTable = LimitsTable()
    redaction: RedactionTable = RedactionTable()
    audit: AuditTable = AuditTable()
    history: HistoryTable = HistoryTable()


class CollectSettings(Table, frozen=True, kw_only=True):
    """What a collector is given.

    Attributes:
        sockets: paths of tmux sockets; empty: all of this user's.
        engine: how to watch.
        redaction: what is masked in what panes print.
        rules_dir: where the user's rules of statuses are; empty: nowhere.
        runtime_dir: where FIFOs live while we run; private to the user.
    """

    sockets: tuple[str, ...] = ()
    engine: EngineChoice = "auto"
    redaction: RedactionTable = RedactionTable()
    rules_dir: str = ""
    runtime_dir: str


class ServeSettings(Table, frozen=True, kw_only=True):
    """What a server is given.

    Attributes:
        server: where it listens, and what it lets in.
        limits: what it bounds.
        audit: what it writes down.
        history: what it keeps.
        unix_socket: the path of the same user's socket; empty: none.
        state_dir: where tokens, the audit log and the history are; private to the user.
        runtime_dir: where the history's journal is; private to the user; empty: in `state_dir`.
    """

    server: ServerTable = ServerTable()
    limits: LimitsTable = LimitsTable()
    audit: AuditTable = AuditTable()
    history: HistoryTable = HistoryTable()
    unix_socket: str
    state_dir: str
    runtime_dir: str = ""
