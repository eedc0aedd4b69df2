"""The records of a recording, and its bounds. Pure.

A recording is JSON, one record a line, in a file that may be compressed (``.gz``): a `Head`, then
a `Record` for whatever happened, each with its time since the beginning. Events stand in it exactly
as they were sent. Events of unknown types are passed over; a file of a later version is refused.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tmuxpulse.errors import UsageError
from tmuxpulse.filters import Filter
from tmuxpulse.wire import Tree

VERSION = 1
MAGIC = "tmuxpulse"
MAX_LINE_BYTES = 16 << 20  # a snapshot of thousands of panes


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


_encode = msgspec.json.Encoder().encode
_head = msgspec.json.Decoder(Head)
_record = msgspec.json.Decoder(Record)
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
        return _head.decode(line)
    except msgspec.ValidationError as error:
        raise UsageError(f"{name} is damaged in its first line: {error}") from None


def decode_record(line: bytes) -> Record | None:
    """Read a further line; None: it is none."""
    try:
        record = _record.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return record if record.at >= 0 else None
