"""What a server answers: one struct for each type of reply, and the greeting."""

from __future__ import annotations

from typing import Any, Union

import msgspec

from tmuxpulse.filters import Filter
from tmuxpulse.wire.commands import RequestId
from tmuxpulse.wire.views import PaneExplanation, PaneView, Tree

PROTOCOL_VERSION = 1
MAX_MESSAGE_BYTES = 65536


class Reply(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of what answers a request (and of the greeting)."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the server bounds for each connection."""

    max_message_bytes: int = MAX_MESSAGE_BYTES
    messages_per_second: int = 100
    bytes_per_second: int = 1 << 20
    subscriptions: int = 64
    auth_timeout_s: float = 5


class ServerIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Which program speaks."""

    name: str = "tmuxpulse"
    version: str


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """The protocol versions a server speaks."""

    min: int = PROTOCOL_VERSION
    max: int = PROTOCOL_VERSION


class AuthNeed(msgspec.Struct, frozen=True, kw_only=True):
    """Whether this connection has to give a token."""

    required: bool


class Established(Reply, frozen=True, kw_only=True, tag="connection.established"):
    """The greeting: the server speaks first.

    Attributes:
        epoch: empty, and `seq` 0, until a token is given where one is required.
        features: what is switched on, by name; empty until then, too.
    """

    client_id: str
    timestamp: str
    server: ServerIdentity
    protocol: Versions = Versions()
    epoch: str
    seq: int
    auth: AuthNeed
    heartbeat_s: float = 25
    limits: Limits = Limits()
    features: dict[str, bool] = {}


class SubscriptionConfirmed(Reply, frozen=True, kw_only=True, tag="subscription.confirmed"):
    """A subscription holds from the event after `seq` on."""

    id: RequestId = None
    subscription: str
    subscriptions: list[str]
    filters: Filter
    epoch: str
    seq: int
    recovered: bool = False


class UnsubscribeConfirmed(Reply, frozen=True, kw_only=True, tag="unsubscribe.confirmed"):
    """What is still subscribed."""

    id: RequestId = None
    subscriptions: list[str]


class AuthResponse(Reply, frozen=True, kw_only=True, tag="auth.response"):
    """Whether a token was taken.

    Attributes:
        permissions: the scopes that hold on this connection.
        sessions: globs of the sessions that are seen; empty: all.
        epoch: where the stream stands that is seen now, with `seq`; empty after a failure.
        token: takes the place of a one-time token from now on.
        features: what is switched on, by name; empty after a failure.
    """

    id: RequestId = None
    success: bool
    permissions: list[str]
    sessions: list[str] = []
    client_id: str
    expires_at: str | None = None
    epoch: str = ""
    seq: int = 0
    token: str | None = None
    features: dict[str, bool] = {}

    def __repr__(self) -> str:
        """Without the token."""
        return f"AuthResponse(success={self.success}, permissions={self.permissions})"


class SnapshotData(Reply, frozen=True, kw_only=True, tag="snapshot.data"):
    """The state after the event `seq`."""

    id: RequestId = None
    epoch: str
    seq: int
    data: Tree


class Pong(Reply, frozen=True, kw_only=True, tag="pong"):
    """A sign of life."""

    id: RequestId = None
    timestamp: str


class Gap(Reply, frozen=True, kw_only=True, tag="stream.gap"):
    """Events that this connection was too slow for.

    Attributes:
        from_seq: the first that is missing, ``from`` on the wire.
        to_seq: the last that is missing, ``to`` on the wire.
        dropped: how many were to be delivered.
            None: that is not known.
        only: the one type of event that is missing, all others in the range follow; None: all of
            the range is missing, and a snapshot follows.
        reason: ``slow``: this connection was; ``history``: events of that type are not kept.
    """

    from_seq: int = msgspec.field(name="from")
    to_seq: int = msgspec.field(name="to")
    dropped: int | None
    only: str | None = None
    reason: str = "slow"


class Epoch(Reply, frozen=True, kw_only=True, tag="stream.epoch"):
    """What follows is of another run of the server, whose numbers begin anew.

    Its first events build up the state from nothing.

    Attributes:
        epoch: the run.
        previous: the run before it; where its end is not known, the last of it is missing.
    """

    epoch: str
    previous: str


class Lag(Reply, frozen=True, kw_only=True, tag="stream.lag"):
    """This connection is slow: events wait for it, and will be dropped when more do.

    Attributes:
        seq: the number of the newest event.
        queued: how many wait.
    """

    seq: int
    queued: int


class Mark(Reply, frozen=True, kw_only=True, tag="stream.mark"):
    """Nothing more up to `seq` is for this connection; it may resume from here."""

    seq: int
    timestamp: str


class Reset(Reply, frozen=True, kw_only=True, tag="stream.reset"):
    """A resume was refused; a snapshot follows.

    Attributes:
        reason: ``epoch`` (another run of the server), ``expired`` (older than what is kept) or
            ``scope`` (no longer allowed).
    """

    reason: str


class Error(Reply, frozen=True, kw_only=True, tag="error"):
    """A request was refused, or something else went wrong; the connection lives on."""

    id: RequestId = None
    code: str
    message: str
    retryable: bool = False
    retry_after: float | None = None


class TicketIssued(Reply, frozen=True, kw_only=True, tag="ticket.issued"):
    """A one-time token.

    Attributes:
        token: to be put behind ``#token=`` of `url`.
        url: the address of the page.
    """

    id: RequestId = None
    token: str
    url: str
    expires_at: str

    def __repr__(self) -> str:
        """Without the token."""
        return f"TicketIssued(url={self.url!r}, expires_at={self.expires_at!r})"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a command ended.

    Attributes:
        ok: whether tmux did it.
        output: what it gave: text of ``capture``, ids of what was made, the pane of ``status``.
        error: why not, in tmux's words or ours.
    """

    ok: bool
    output: Any = None
    error: str | None = None


class CommandResult(Reply, frozen=True, kw_only=True, tag="command.result"):
    """How a command ended; see `Outcome`."""

    id: RequestId = None
    ok: bool
    output: Any = None
    error: str | None = None


class BatchResult(Reply, frozen=True, kw_only=True, tag="batch.result"):
    """How each command of a batch ended; those after a failure were not run."""

    id: RequestId = None
    results: list[Outcome]


class HistoryLost(msgspec.Struct, frozen=True, kw_only=True):
    """Events that could not be kept: the disk was full, or was damaged.

    Attributes:
        epoch: the run.
        first: the number of the first; `last` is that of the last.
        count: how many of them.
    """

    epoch: str
    first: int
    last: int
    count: int


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What a pane printed before and after an event of it, oldest first."""

    before: list[msgspec.Raw]
    after: list[msgspec.Raw]


class HistoryData(Reply, frozen=True, kw_only=True, tag="history.data"):
    """A page of what was kept.

    Attributes:
        events: in the order that was asked for, as they were sent, each with its ``epoch`` too;
            to who does not see everything, with an empty one and the number 0.
        cursor: to go on with; None: there is nothing more.
        complete: False: time was up before the page was full.
        lost: what is missing between the first and the last of them; for who sees everything.
        context: for each event, if it was asked for.
    """

    id: RequestId = None
    events: list[msgspec.Raw]
    cursor: str | None
    complete: bool = True
    lost: list[HistoryLost] = []
    context: list[Around] = []


class EmitAccepted(Reply, frozen=True, kw_only=True, tag="emit.accepted"):
    """An event was published, or a report was taken; `seq` is the number of the newest event."""

    id: RequestId = None
    seq: int


class ExplainData(Reply, frozen=True, kw_only=True, tag="explain.data"):
    """Why a pane's status is what it is, after the event `seq`."""

    id: RequestId = None
    epoch: str
    seq: int
    server: str
    pane: PaneView
    explanation: PaneExplanation


class HealthData(Reply, frozen=True, kw_only=True, tag="health.data"):
    """How the server is.

    Attributes:
        pid: of its process.
        uptime_s: since it began.
        problems: what does not work now, by the part of it that does not.
        features: what is switched on.
    """

    id: RequestId = None
    pid: int
    uptime_s: float
    problems: dict[str, str]
    features: dict[str, bool]


class ReplayState(Reply, frozen=True, kw_only=True, tag="replay.state"):
    """Where the recording is that the server plays.

    Attributes:
        position_s: from the beginning.
        duration_s: of all of it; None: that is not known yet.
        speed: times as fast as it was; None: as fast as everybody follows.
        paused: whether it stands still.
        finished: whether it is at its end.
        may_steer: whether whoever asks may steer it.
    """

    id: RequestId = None
    position_s: float
    duration_s: float | None
    speed: float | None
    paused: bool
    finished: bool
    may_steer: bool


AnyReply = Union[  # noqa: UP007  # evaluated by msgspec on Python 3.10
    Established,
    SubscriptionConfirmed,
    UnsubscribeConfirmed,
    AuthResponse,
    SnapshotData,
    Pong,
    Gap,
    Lag,
    Mark,
    Reset,
    Error,
    TicketIssued,
    CommandResult,
    BatchResult,
    Epoch,
    HistoryData,
    EmitAccepted,
    ExplainData,
    HealthData,
    ReplayState,
]
