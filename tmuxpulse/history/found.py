"""From rows to events: what is handed out of the database, whole or as far as it is seen.

Blocks, since names are looked up; runs in a worker thread, inside a transaction of the caller's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import msgspec

from tmuxpulse.events import Event
from tmuxpulse.history.eyes import Eyes
from tmuxpulse.history.records import (
    Row,
    epoch_no_of,
    line_of,
    read_data,
    read_place,
    seq_of,
    timestamp_of,
)
from tmuxpulse.wire import Numbered

_MAX_KNOWN = 4096


class Found(msgspec.Struct, frozen=True):
    """An event that was kept.

    Attributes:
        epoch: the run it is of; empty, as its number is 0, for who does not see everything.
        numbered: the event.
        line: its encoding; the very bytes that were sent, for who sees everything.
        id: its place in the database, to ask for what is around it; never shown to anybody.
    """

    epoch: str
    numbered: Numbered
    line: bytes
    id: int


class Finder:
    """Reads rows of one question.

    Args:
        connection: for reading.
        kinds: types by their numbers.
        wanted: gives what an event is shown as; None: it is not wanted.
        eyes: how much is seen.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        kinds: dict[int, str],
        wanted: Callable[[Event], Event | None],
        eyes: Eyes,
    ) -> None:
        self._connection = connection
        self._kinds, self._wanted, self._eyes = kinds, wanted, eyes
        self._places: dict[int, bytes] = {}
        self._epochs: dict[int, str] = {}

    def read(self, row: Row) -> Found | None:
        """The event of a row, if it is wanted; one that cannot be read is none."""
        data = read_data(self._kinds.get(row.kind, ""), row.data)
        if data is None:
            return None
        try:
            event = Event(read_place(self._place(row.place)), data)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None
        seen = self._wanted(event)
        if seen is None:
            return None
        timestamp = timestamp_of(row.at)
        if not self._eyes.see_everything:
            return Found("", Numbered(0, timestamp, seen), line_of(0, row.at, seen), row.id)
        seq = seq_of(row.id)
        return Found(
            self.epoch(row.id),
            Numbered(seq, timestamp, event),
            line_of(seq, row.at, event, row.data),
            row.id,
        )

    def epoch(self, event_id: int) -> str:
        """The name of the run that an event is of."""
        no = epoch_no_of(event_id)
        if no not in self._epochs:
            found = self._connection.execute("SELECT epoch FROM epochs WHERE no = ?", (no,))
            self._epochs[no] = str((found.fetchone() or ("",))[0])
        return self._epochs[no]

    def _place(self, no: int) -> bytes:
        known = self._places.get(no)
        if known is None:
            found = self._connection.execute("SELECT name FROM places WHERE no = ?", (no,))
            if len(self._places) >= _MAX_KNOWN:
                self._places.clear()
            known = self._places[no] = bytes((found.fetchone() or (b"",))[0])
        return known
