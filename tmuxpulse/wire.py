"""The vocabulary on the wire: requests, replies and events as JSON (protocol version 1).

Pure: bytes to structs and back. Who may ask what is decided in `serve`.
"""

from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache
from typing import Any, Union

import msgspec

from tmuxpulse.errors import RequestError
from tmuxpulse.events import BY_TYPE, Custom, Data, Event, Place, Status
from tmuxpulse.filters import EVERYTHING, Filter

PROTOCOL_VERSION = 1
SUBPROTOCOL = "tmuxpulse.v1.ndjson"
MAX_MESSAGE_BYTES = 65536
MAX_ID_CHARACTERS = 256
MAX_ID_INTEGER = 2**53  # beyond it JavaScript rounds, and beyond 64 bits nothing encodes it
MAX_TEXT = 200  # of a refusal that quotes what was refused

RequestId = Union[str, int, None]  # noqa: UP007  # evaluated by msgspec on Python 3.10


# --- requests ---------------------------------------------------------------------------------


class Request(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="action"
):
    """Base of what a client may send; `id` is repeated in the reply."""

    id: RequestId = None


class Position(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place in the stream: the last event that was seen."""

    epoch: str
    seq: int


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A session, window or pane: by name or id, index or id, index or id."""

    session: str | None = None
    window: str | int | None = None
    pane: str | int | None = None


class Auth(Request, frozen=True, kw_only=True, tag="auth"):
    """Give a token."""

    token: str


class Subscribe(Request, frozen=True, kw_only=True, tag="subscribe"):
    """Ask for events; with `snapshot`, for the state that they change, too."""

    filters: Filter = EVERYTHING
    resume: Position | None = None
    last: int | None = None
    snapshot: bool = False


class Unsubscribe(Request, frozen=True, kw_only=True, tag="unsubscribe"):
    """End one subscription, those with equal filters, or all."""

    subscription: str | None = None
    filters: Filter | None = None


class Snapshot(Request, frozen=True, kw_only=True, tag="snapshot"):
    """Ask for the state."""

    target: Target | None = None


class Ping(Request, frozen=True, kw_only=True, tag="ping"):
    """Ask for a sign of life."""


AnyRequest = Union[Auth, Subscribe, Unsubscribe, Snapshot, Ping]  # noqa: UP007  # as above
ACTIONS: frozenset[str] = frozenset({"auth", "subscribe", "unsubscribe", "snapshot", "ping"})


# --- replies ----------------------------------------------------------------------------------


class Reply(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of what answers a request (and of the greeting)."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the server bounds for each connection."""

    max_message_bytes: int = MAX_MESSAGE_BYTES
    messages_per_second: int = 100
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
    """The greeting: the server speaks first."""

    client_id: str
    timestamp: str
    server: ServerIdentity
    protocol: Versions = Versions()
    epoch: str
    seq: int
    auth: AuthNeed
    heartbeat_s: float = 25
    limits: Limits = Limits()


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
    """Whether a token was taken."""

    id: RequestId = None
    success: bool
    permissions: list[str]
    client_id: str
    expires_at: str | None = None


class PaneView(msgspec.Struct, frozen=True, kw_only=True):
    """A pane in a snapshot; sizes in cells."""

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
    """Events that this connection was too slow for; a snapshot follows.

    Attributes:
        from_seq: the first that is missing, ``from`` on the wire.
        to_seq: the last that is missing, ``to`` on the wire.
        dropped: how many were to be delivered.
    """

    from_seq: int = msgspec.field(name="from")
    to_seq: int = msgspec.field(name="to")
    dropped: int


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


AnyReply = Union[  # noqa: UP007  # as above
    Established,
    SubscriptionConfirmed,
    UnsubscribeConfirmed,
    AuthResponse,
    SnapshotData,
    Pong,
    Gap,
    Reset,
    Error,
]

# --- events -----------------------------------------------------------------------------------


class WireEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event with its number and time, its place laid flat."""

    type: str
    seq: int
    timestamp: str
    session: str | None = None
    window: int | None = None
    window_name: str | None = None
    pane: int | None = None
    session_id: str | None = None
    window_id: str | None = None
    pane_id: str | None = None
    server: str | None = None
    linked_sessions: tuple[str, ...] = ()
    data: Any


class Numbered(msgspec.Struct, frozen=True):
    """An event as the stream holds it: `seq` counts from 1 within an epoch."""

    seq: int
    timestamp: str
    event: Event


_encoder = msgspec.json.Encoder()
_requests: msgspec.json.Decoder[AnyRequest] = msgspec.json.Decoder(AnyRequest)
_replies: msgspec.json.Decoder[AnyReply] = msgspec.json.Decoder(AnyReply)
_reply_types: frozenset[str] = frozenset(
    {
        "connection.established",
        "subscription.confirmed",
        "unsubscribe.confirmed",
        "auth.response",
        "snapshot.data",
        "pong",
        "stream.gap",
        "stream.reset",
        "error",
    }
)


class _Head(msgspec.Struct):
    """Just enough of a server's message to know how to read the rest."""

    type: str
    seq: int = 0
    timestamp: str = ""
    session: str | None = None
    window: int | None = None
    window_name: str | None = None
    pane: int | None = None
    session_id: str | None = None
    window_id: str | None = None
    pane_id: str | None = None
    server: str | dict[str, Any] | None = None  # an object in the greeting
    linked_sessions: tuple[str, ...] = ()
    data: msgspec.Raw = msgspec.Raw(b"{}")


class _RequestHead(msgspec.Struct):
    action: Any = None
    id: Any = None


_heads = msgspec.json.Decoder(_Head)
_request_heads = msgspec.json.Decoder(_RequestHead)


def encode_event(seq: int, timestamp: str, event: Event) -> bytes:
    """Encode an event as one JSON object without a newline."""
    place = event.place
    data = event.data
    return _encoder.encode(
        WireEvent(
            type=event.type,
            seq=seq,
            timestamp=timestamp,
            session=place.session,
            window=place.window,
            window_name=place.window_name,
            pane=place.pane,
            session_id=place.session_id,
            window_id=place.window_id,
            pane_id=place.pane_id,
            server=place.server,
            linked_sessions=place.linked_sessions,
            data=data.data if isinstance(data, Custom) else data,
        )
    )


def encode(message: Reply | Request) -> bytes:
    """Encode a reply or a request as one JSON object without a newline."""
    return _encoder.encode(message)


def decode_request(message: bytes | str) -> AnyRequest:
    """Read what a client sent.

    Raises:
        RequestError: ``INVALID_JSON``, ``UNKNOWN_ACTION``, ``INVALID_FILTER`` or
            ``INVALID_REQUEST``, with the path of the offending field. Nothing else, whatever
            the message holds.
    """
    try:
        request = _requests.decode(message)
    except msgspec.ValidationError as error:
        raise _refusal(message, str(error)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError) as error:
        raise RequestError("INVALID_JSON", f"not valid JSON: {error}") from None
    if request.id is not None and not _is_id(request.id):
        raise RequestError(
            "INVALID_REQUEST",
            f"`id` is a string of at most {MAX_ID_CHARACTERS} characters, or an integer"
            " of at most 53 bits",
        )
    return request


def request_id(message: bytes | str) -> RequestId:
    """The `id` of a request that was refused, so that the error can repeat it; else None."""
    head = _request_head(message)
    return head.id if head is not None and _is_id(head.id) else None


def decode_message(message: bytes | str) -> AnyReply | Numbered | None:
    """Read one object that a server sent; None for a type that this version does not know.

    Raises:
        msgspec.DecodeError: it is not a message of this protocol.
    """
    try:
        return _decode_message(message)
    except (UnicodeError, RecursionError) as error:
        raise msgspec.DecodeError(f"not a message: {error}") from None


def _decode_message(message: bytes | str) -> AnyReply | Numbered | None:
    head = _heads.decode(message)
    if head.type in _reply_types:
        return _replies.decode(message)
    data: Data
    if head.type.startswith("custom."):
        data = Custom(name=head.type, data=msgspec.json.decode(head.data, type=dict[str, Any]))
    elif head.type in BY_TYPE:
        data = msgspec.json.decode(head.data, type=BY_TYPE[head.type])
    else:
        return None
    if isinstance(head.server, dict):
        raise msgspec.ValidationError("Expected `str | null`, got `object` - at `$.server`")
    place = Place(
        server=head.server,
        session=head.session,
        window=head.window,
        window_name=head.window_name,
        pane=head.pane,
        session_id=head.session_id,
        window_id=head.window_id,
        pane_id=head.pane_id,
        linked_sessions=head.linked_sessions,
    )
    return Numbered(head.seq, head.timestamp, Event(place, data))


def rfc3339(seconds: float) -> str:
    """A time in UTC with milliseconds, such as ``2026-11-23T09:00:01.004Z``.

    Args:
        seconds: since the epoch.
    """
    whole, milliseconds = divmod(int(seconds * 1000), 1000)
    return f"{_whole_second(whole)}.{milliseconds:03d}Z"


@lru_cache(maxsize=4)
def _whole_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")


def _refusal(message: bytes | str, text: str) -> RequestError:
    head = _request_head(message)
    if head is None or head.action is None:
        return RequestError("INVALID_REQUEST", "a request is an object with an `action`")
    action = head.action
    if not isinstance(action, str) or action not in ACTIONS:
        known = ", ".join(sorted(ACTIONS))
        return RequestError("UNKNOWN_ACTION", f"unknown action {action!r:.80}; known: {known}")
    code = "INVALID_FILTER" if "$.filters" in text else "INVALID_REQUEST"
    return RequestError(code, text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}...")


def _request_head(message: bytes | str) -> _RequestHead | None:
    """The part that tells what an invalid request was about; None when that cannot be read."""
    try:
        return _request_heads.decode(message)
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError):
        return None


def _is_id(found: object) -> bool:
    if isinstance(found, str):
        return len(found) <= MAX_ID_CHARACTERS
    return isinstance(found, int) and not isinstance(found, bool) and abs(found) < MAX_ID_INTEGER
