"""Lines of the journal, rows of the database, and events: one into the other, without a loss.

Pure. A row holds only what its line does not share with others: number, time, a kind, a place and
the data as they were encoded; put together again it is the same line, byte for byte. A record that
cannot be read (a disk lies, a line is torn) is None, never an exception.
"""

from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import msgspec

from tmuxpulse.events import BY_TYPE, Custom, Data, Event, PaneBytes, Place, SystemStats
from tmuxpulse.filters import text_of
from tmuxpulse.wire.codec import WireEvent

SEQ_BITS = 40  # of an id; above them is the number of the epoch
MAX_SEQ = (1 << SEQ_BITS) - 1
NEVER_KEPT = (PaneBytes.type, SystemStats.type)  # a recording is for the one, the other are samples
_CUSTOM = "custom."
_SECOND = 19  # characters of a timestamp up to its fraction


class Kept(Protocol):
    """A numbered event with its one encoding, as the hub has it."""

    @property
    def seq(self) -> int:
        """Its number."""

    @property
    def kind(self) -> type[Data]:
        """The type of its data."""

    @property
    def line(self) -> bytes:
        """Its encoding, without a newline."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a journal: an event, or (without `type`) something about the stream.

    Attributes:
        epoch: first line of a file: whose it is, with `boot` and `started`.
        output: first line: whether what panes print is among the events.
        lost: first and last number, and how many events between them could not be kept.
        ended: last line of all: when; `seq` is the last number there was.
    """

    type: str = ""
    seq: int = 0
    timestamp: str = ""
    session: str | None = None
    window: int | None = None
    window_name: str | None = None
    pane: int | None = None
    session_id: str | None = None
    window_id: str | None = None
    pane_id: str | None = None
    server: str | None = None
    linked_sessions: tuple[str, ...] = ()
    data: msgspec.Raw = msgspec.Raw(b"{}")
    epoch: str = ""
    boot: str = ""
    started: int = 0
    output: bool = False
    lost: tuple[int, int, int] | None = None
    ended: int = 0


class Row(NamedTuple):
    """An event as the database has it; kind and place are numbers of its dictionaries."""

    id: int
    at: int
    kind: int
    place: int
    data: bytes


_records = msgspec.json.Decoder(Record)
_encoder = msgspec.json.Encoder()
_places = msgspec.json.Decoder(Place)
_data = {name: msgspec.json.Decoder(kind) for name, kind in BY_TYPE.items()}
_any_data = msgspec.json.Decoder(dict[str, Any])


def read_record(line: bytes) -> Record | None:
    """One line of a journal; None when it is none."""
    try:
        record = _records.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return record if 0 <= record.seq <= MAX_SEQ else None


def place_of(record: Record) -> bytes:
    """A record's place, encoded: equal places give equal bytes."""
    return _encoder.encode(
        Place(
            server=record.server,
            session=record.session,
            window=record.window,
            window_name=record.window_name,
            pane=record.pane,
            session_id=record.session_id,
            window_id=record.window_id,
            pane_id=record.pane_id,
            linked_sessions=record.linked_sessions,
        )
    )


@lru_cache(maxsize=4096)
def read_place(text: bytes) -> Place:
    """A place from its encoding.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return _places.decode(text)


def read_data(kind: str, data: bytes) -> Data | None:
    """What happened; None for a type that this version does not know, and for what is no such."""
    try:
        if kind.startswith(_CUSTOM):
            return Custom(name=kind, data=_any_data.decode(data))
        decoder = _data.get(kind)
        return None if decoder is None else decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def searchable(kind: str, data: bytes) -> str | None:
    """The text of an event as the index has it: what `contains` looks at, with case folded."""
    read = read_data(kind, data)
    if read is None:
        return None
    return text_of(read).casefold().replace("\0", " ")


def line_of(seq: int, at: int, event: Event, data: bytes | None = None) -> bytes:
    """The line of an event.

    Args:
        seq: its number.
        at: its time in milliseconds since the epoch.
        event: the event.
        data: its data as they were encoded; None: they are encoded anew.
    """
    place, fresh = event.place, event.data
    if data is not None:
        body: Any = msgspec.Raw(data)
    else:
        body = fresh.data if isinstance(fresh, Custom) else fresh
    return _encoder.encode(
        WireEvent(
            type=event.type,
            seq=seq,
            timestamp=timestamp_of(at),
            session=place.session,
            window=place.window,
            window_name=place.window_name,
            pane=place.pane,
            session_id=place.session_id,
            window_id=place.window_id,
            pane_id=place.pane_id,
            server=place.server,
            linked_sessions=place.linked_sessions,
            data=body,
        )
    )


# --- numbers and times --------------------------------------------------------------------


def id_of(epoch_no: int, seq: int) -> int:
    """The id of an event: ids grow with the epochs, and with the numbers in them."""
    return (epoch_no << SEQ_BITS) + seq


def seq_of(event_id: int) -> int:
    """An event's number in its epoch."""
    return event_id & MAX_SEQ


def epoch_no_of(event_id: int) -> int:
    """The number of an event's epoch."""
    return event_id >> SEQ_BITS


def milliseconds(timestamp: str) -> int | None:
    """The time in a line, since the epoch; None when it is not as the hub writes it."""
    try:
        if len(timestamp) != _SECOND + 5 or timestamp[_SECOND] != "." or timestamp[-1] != "Z":
            return None
        fraction = timestamp[_SECOND + 1 : -1]
        if not (fraction.isascii() and fraction.isdecimal()):
            return None
        return _seconds(timestamp[:_SECOND]) * 1000 + int(fraction)
    except ValueError:
        return None


def timestamp_of(at: int) -> str:
    """The time as in a line, from milliseconds: in whole numbers, since a float would round."""
    whole, fraction = divmod(at, 1000)
    return f"{_whole(whole)}.{fraction:03d}Z"


@lru_cache(maxsize=64)
def _seconds(text: str) -> int:
    found = int(datetime.fromisoformat(f"{text}+00:00").timestamp())
    if _whole(found) != text:
        raise ValueError(text)
    return found


@lru_cache(maxsize=1024)
def _whole(seconds: int) -> str:
    found = datetime.fromtimestamp(seconds, timezone.utc)
    return found.strftime("%Y-%m-%dT%H:%M:%S")
