"""The records of a recording, and its bounds. Pure.

A recording is JSON, one record a line, in a file that may be compressed (``.gz``): a `Head`, then
a `Record` for whatever happened, each with its time since the beginning. Events stand in it exactly
as they were sent. Events of unknown types are passed over; a file of a later version is refused.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import msgspec

from tmuxpulse.errors import UsageError
from tmuxpulse.filters import Filter
from tmuxpulse.wire import Numbered, Tree, decode_message

VERSION = 1
MAGIC = "tmuxpulse"
MAX_LINE_BYTES = 16 << 20  # a snapshot of thousands of panes
MAX_AT = 1 << 53  # milliseconds; beyond it a float is not exact
MAX_ID = 20  # characters
MAX_ATTACHED = 10_000  # clients in one state


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The first line.

    Attributes:
        recording: always ``tmuxpulse``.
        version: of the format.
        program: the release that wrote it.
        began: when, RFC 3339 in UTC.
        filters: what was recorded; besides, everything that is needed to follow the structure.
        output: whether terminal bytes are in it.
    """

    recording: str
    version: int
    program: str
    began: str
    filters: Filter = Filter()
    output: bool = False


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One further line; besides `at` it has one of the others.

    Attributes:
        at: milliseconds since the recording began.
        event: as it was sent.
        snapshot: the state; the first record of all has one, and so has each after a gap.
        missing: how many events were lost before this; -1: nobody knows.
        why: of what is missing, in words.
        ended: the recording ended in order.
    """

    at: int
    event: msgspec.Raw = msgspec.Raw(b"")
    snapshot: Tree | None = None
    missing: int = 0
    why: str = ""
    ended: bool = False


class Damaged(Exception):
    """An event of a recording cannot be read; its text says which."""


class _Stamp(msgspec.Struct):
    timestamp: str = ""


_encode = msgspec.json.Encoder().encode
_head = msgspec.json.Decoder(Head)
_record = msgspec.json.Decoder(Record)
_stamp = msgspec.json.Decoder(_Stamp)
_any = msgspec.json.Decoder(dict[str, Any])


def encode_head(head: Head) -> bytes:
    """The first line, with its end."""
    return _encode(head) + b"\n"


def encode_record(record: Record) -> bytes:
    """A further line, with its end."""
    if bytes(record.event):
        return b'{"at":%d,"event":%s}\n' % (record.at, bytes(record.event))
    return _encode(record) + b"\n"


def decode_head(line: bytes, name: str) -> Head:
    """Read the first line.

    Args:
        line: without its end.
        name: of the file, for the error.

    Raises:
        UsageError: it is no recording, or one of a later version.
    """
    try:
        found = _any.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        found = {}
    if found.get("recording") != MAGIC or not isinstance(found.get("version"), int):
        raise UsageError(f"{name} is no recording of tmuxpulse")
    if found["version"] != VERSION:
        raise UsageError(
            f"{name} has version {found['version']} of the format, this program knows {VERSION};"
            " use the release that wrote it, or a later one"
        )
    try:
        head = _head.decode(line)
        began_of(head)
    except (msgspec.ValidationError, ValueError, OverflowError) as error:
        raise UsageError(f"{name} is damaged in its first line: {error}") from None
    return head


def began_of(head: Head) -> datetime:
    """When a recording began, in UTC."""
    return datetime.fromisoformat(head.began.replace("Z", "+00:00")).astimezone(timezone.utc)


def decode_record(line: bytes) -> Record | None:
    """Read a further line; None: it is none."""
    try:
        record = _record.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    if not 0 <= record.at <= MAX_AT:
        return None
    tree = record.snapshot
    return record if tree is None or _is_sound(tree) else None


def numbered_of(record: Record) -> Numbered | None:
    """Read the event of a record; None: it has none, or one of a type that is not known.

    Raises:
        Damaged: it is no event.
    """
    if not bytes(record.event):
        return None
    try:
        found = decode_message(bytes(record.event))
    except msgspec.DecodeError:
        seconds = record.at / 1000
        raise Damaged(
            f"an event at {seconds:.3f} s cannot be read; what is before it is whole"
        ) from None
    return found if isinstance(found, Numbered) else None


def stamp_of(record: Record) -> str:
    """When its event was published: what was published together agrees in it. Empty: no event."""
    if not bytes(record.event):
        return ""
    try:
        return _stamp.decode(record.event).timestamp
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ""


def is_id(text: str, sign: str) -> bool:
    """Whether a text is one of tmux's ids, such as ``%12``."""
    return text[:1] == sign and text[1:].isascii() and text[1:].isdecimal() and len(text) <= MAX_ID


def _is_sound(tree: Tree) -> bool:
    """Whether a state is one that tmux can be in, and no trap for who makes one of it."""
    attached = [session.attached for session in tree.sessions]
    if not all(0 <= count <= MAX_ATTACHED for count in attached) or sum(attached) > MAX_ATTACHED:
        return False
    return all(
        is_id(session.id, "$")
        and all(
            is_id(window.id, "@") and all(is_id(pane.id, "%") for pane in window.panes)
            for window in session.windows
        )
        for session in tree.sessions
    )
