"""Requests, replies and events to JSON and back (protocol version 1).

Pure: bytes to structs and back. Who may ask what is decided in `serve`.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any, NoReturn, Union, get_args

import msgspec

from tmuxpulse.errors import RequestError
from tmuxpulse.events import BY_TYPE, Custom, Data, Event, Place
from tmuxpulse.wire.commands import COMMANDS, AnyCommand, Command, RequestId
from tmuxpulse.wire.replies import AnyReply, Reply
from tmuxpulse.wire.requests import AnyRequest, Request

SUBPROTOCOL = "tmuxpulse.v1.ndjson"
MAX_ID_CHARACTERS = 256
MAX_ID_INTEGER = 2**53  # beyond it JavaScript rounds, and beyond 64 bits nothing encodes it
MAX_TEXT = 200  # of a refusal that quotes what was refused

Asked = Union[AnyRequest, AnyCommand]  # noqa: UP007  # as msgspec needs it on Python 3.10
ACTIONS: frozenset[str] = frozenset(
    {"command", *(str(one.__struct_config__.tag) for one in get_args(AnyRequest))}
)


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


class Numbered(msgspec.Struct, frozen=True, gc=False):
    """An event as the stream holds it: `seq` counts from 1 within an epoch."""

    seq: int
    timestamp: str
    event: Event


_encoder = msgspec.json.Encoder()
_requests: msgspec.json.Decoder[AnyRequest] = msgspec.json.Decoder(AnyRequest)
_commands: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)
_replies: msgspec.json.Decoder[AnyReply] = msgspec.json.Decoder(AnyReply)
_reply_types: frozenset[str] = frozenset(
    str(one.__struct_config__.tag) for one in get_args(AnyReply)
)


class _Head(msgspec.Struct):
    """Just enough of a server's message to know how to read the rest."""

    type: str
    seq: int = 0
    timestamp: str = ""
    session: str | None = None
    window: int | None = None
    window_name: str | None = None
    pane: int | dict[str, Any] | None = None  # an object in an explanation
    session_id: str | None = None
    window_id: str | None = None
    pane_id: str | None = None
    server: str | dict[str, Any] | None = None  # an object in the greeting
    linked_sessions: tuple[str, ...] = ()
    data: msgspec.Raw = msgspec.Raw(b"{}")


class _RequestHead(msgspec.Struct):
    action: Any = None
    command: Any = None
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


def encode(message: Reply | Request | Command) -> bytes:
    """Encode a reply or a request as one JSON object without a newline."""
    return _encoder.encode(message)


def decode_request(message: bytes | str) -> Asked:
    """Read what a client sent.

    Raises:
        RequestError: ``INVALID_JSON``, ``UNKNOWN_ACTION``, ``INVALID_FILTER`` or
            ``INVALID_REQUEST``, with the path of the offending field. Nothing else, whatever
            the message holds.
    """
    head = _request_head(message)
    request: Asked
    try:
        if head is not None and head.action == "command":
            request = _commands.decode(message)
        else:
            request = _requests.decode(message)
        _refuse_repeated_keys(message)
    except msgspec.ValidationError as error:
        raise _refusal(head, str(error)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError) as error:
        raise RequestError("INVALID_JSON", f"not valid JSON: {error}"[:MAX_TEXT]) from None
    if request.id is not None and not _is_id(request.id):
        raise RequestError(
            "INVALID_REQUEST",
            f"`id` is a string of at most {MAX_ID_CHARACTERS} characters, or an integer"
            " of at most 53 bits",
        )
    return request


def action_of(request: Asked) -> str:
    """The `action` that a request was read from."""
    return "command" if isinstance(request, Command) else str(type(request).__struct_config__.tag)


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
    if isinstance(head.pane, dict):
        raise msgspec.ValidationError("Expected `int | null`, got `object` - at `$.pane`")
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


def _refuse_repeated_keys(message: bytes | str) -> None:
    """Refuse what two readers could read differently: msgspec silently takes the last."""
    json.loads(message, object_pairs_hook=_without_repeats, parse_constant=_refuse_constant)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise RequestError("INVALID_REQUEST", f"`{twice:.80}` is there twice in one object")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _refusal(head: _RequestHead | None, text: str) -> RequestError:
    if head is None or head.action is None:
        return RequestError("INVALID_REQUEST", "a request is an object with an `action`")
    for what, found, known in (
        ("action", head.action, ACTIONS),
        ("command", head.command, COMMANDS if head.action == "command" else None),
    ):
        if known is not None and (not isinstance(found, str) or found not in known):
            names = ", ".join(sorted(known))
            return RequestError("UNKNOWN_ACTION", f"unknown {what} {found!r:.80}; known: {names}")
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
