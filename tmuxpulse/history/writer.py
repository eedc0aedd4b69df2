"""From the journal into the database: one batch, one transaction.

Everything here blocks and is used by one thread at a time. It tells what it did and never what to
do about an error: that is `store`'s matter. A batch that was written before is known by its
numbers, so that reading a journal once more, after a crash between two steps, changes nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

import msgspec

from tmuxpulse.history import schema
from tmuxpulse.history.records import (
    MAX_SEQ,
    Record,
    Row,
    id_of,
    milliseconds,
    place_of,
    searchable,
)

PART_EVENTS = 100_000
PART_MILLISECONDS = 3 * 86_400_000
MAX_KNOWN_NAMES = 10_000  # remembered numbers of kinds and places; beyond it they are looked up


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run of the server, as the first line of its journal says it.

    Attributes:
        epoch: its name.
        started: when, in milliseconds.
        output: whether what panes print is among its events.
    """

    epoch: str
    started: int
    output: bool


class _Part(msgspec.Struct):
    no: int
    last: int
    min_at: int
    max_at: int
    events: int
    text_bytes: int
    is_indexed: int


class Writer:
    """Writes into one open database.

    Args:
        connection: from `schema.open_database`.
        part_text_bytes: a part with more text than this is closed.
        part_events: a part with more events than this is closed.

    Attributes:
        unreadable: how many records could not be read, or did not fit.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        part_text_bytes: int,
        part_events: int = PART_EVENTS,
    ) -> None:
        self.connection = connection
        self.unreadable = 0
        self._part_text_bytes = part_text_bytes
        self._part_events = part_events
        self._has_index = schema.has_text_index(connection)
        self._part: _Part | None = None
        self._known: dict[bytes | str, int] = {}

    def batch(self, run: Run, records: Iterable[Record | None], *, counted: int = 0) -> int:
        """Write records of a run in one transaction; of no effect when it raises.

        Args:
            run: whose they are.
            records: in order; those that are here already are left out.
            counted: events of the run up to this number are not counted.

        Returns:
            How many events it put in.

        Raises:
            sqlite3.Error: see `schema.meaning_of`.
            schema.Damaged: what is here cannot be true.
            OSError: the records could not be read.
        """
        connection = self.connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            written = self._write(run, records, counted)
            connection.execute("COMMIT")
        except BaseException:
            self._part = None
            self._known.clear()
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return written

    def end_others(self, own: str, torn: Iterable[str], intact: Iterable[str]) -> None:
        """Settle the runs that are over.

        Args:
            own: the epoch of this run, which is not.
            torn: epochs whose last events may be missing.
            intact: those of which everything is here. Of others that did not end in order, the
                journal is gone, and with it perhaps their last events.
        """
        connection = self.connection
        connection.executemany(
            "UPDATE epochs SET torn = ? WHERE epoch = ? AND torn IS NULL",
            [*((1, epoch) for epoch in torn), *((0, epoch) for epoch in intact)],
        )
        connection.execute("UPDATE epochs SET torn = 1 WHERE torn IS NULL AND epoch <> ?", (own,))

    def lose(self, run: Run, first: int, last: int, count: int, *, at: int) -> None:
        """Note that events of a run are not here."""
        self.connection.execute("BEGIN IMMEDIATE")
        no, seen = self._epoch(run)
        self._note_lost(no, (first, last, count), at)
        self._set_last(no, max(seen, last))
        self.connection.execute("COMMIT")

    # --- a batch -------------------------------------------------------------------------

    def _write(self, run: Run, records: Iterable[Record | None], counted: int) -> int:
        no, seen = self._epoch(run)
        part = self._current_part(run, id_of(no, seen) + 1)
        self._part = part
        texts: list[tuple[int, str]] = []
        last = [seen]
        before = part.events
        self.connection.executemany(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?)",
            self._rows(no, last, part, records, texts),
        )
        if texts:
            self.connection.executemany(
                f"INSERT INTO texts_{part.no:d} (rowid, text) VALUES (?, ?)",  # noqa: S608  # our number
                texts,
            )
        if last[0] != seen:
            self._set_last(no, last[0])
        if part.events != before:
            self.connection.execute(
                "UPDATE parts SET last = ?, min_at = ?, max_at = ?, events = ?, text_bytes = ?"
                " WHERE no = ?",
                (part.last, part.min_at, part.max_at, part.events, part.text_bytes, part.no),
            )
        if counted <= seen:
            return part.events - before
        (new,) = self.connection.execute(
            "SELECT count(*) FROM events WHERE id > ? AND id <= ?",
            (id_of(no, counted), id_of(no, MAX_SEQ)),
        ).fetchone()
        return int(new)

    def _rows(
        self,
        no: int,
        last: list[int],
        part: _Part,
        records: Iterable[Record | None],
        texts: list[tuple[int, str]],
    ) -> Iterator[Row]:
        """The rows of the records, one at a time: between two, SQLite lets other threads run."""
        for record in records:
            if record is None:
                self.unreadable += 1
            elif record.lost is not None:
                first, up_to, count = record.lost
                if last[0] < up_to <= MAX_SEQ:
                    self._note_lost(no, (first, up_to, count), part.max_at)
                    last[0] = up_to
            elif record.ended:
                self._end(no, record)
                last[0] = max(last[0], record.seq)
            elif record.type and record.seq > last[0]:
                row = self._row(no, part, record)
                if row is None:
                    self.unreadable += 1
                    continue
                last[0] = record.seq
                if part.is_indexed:
                    text = searchable(record.type, row.data)
                    if text:
                        texts.append((row.id, text))
                        part.text_bytes += len(text)
                yield row

    def _row(self, no: int, part: _Part, record: Record) -> Row | None:
        at = milliseconds(record.timestamp)
        if at is None:
            return None
        part.last = id_of(no, record.seq)
        part.min_at = min(part.min_at, at)
        part.max_at = max(part.max_at, at)
        part.events += 1
        return Row(
            part.last,
            at,
            self._number("kinds", record.type, part.no),
            self._number("places", place_of(record), part.no),
            bytes(record.data),
        )

    # --- small tables --------------------------------------------------------------------

    def _epoch(self, run: Run) -> tuple[int, int]:
        """The number of a run, and that of its last event that is here."""
        find = "SELECT no, last_seq FROM epochs WHERE epoch = ?"
        found = self.connection.execute(find, (run.epoch,)).fetchone()
        if found is None:
            self.connection.execute(
                "INSERT INTO epochs (epoch, started, output) VALUES (?, ?, ?)",
                (run.epoch, run.started, run.output),
            )
            found = self.connection.execute(find, (run.epoch,)).fetchone()
        return found[0], found[1]

    def _set_last(self, no: int, last: int) -> None:
        self.connection.execute("UPDATE epochs SET last_seq = ? WHERE no = ?", (last, no))

    def _end(self, no: int, record: Record) -> None:
        self.connection.execute(
            "UPDATE epochs SET ended = ?, torn = 0 WHERE no = ?", (record.ended, no)
        )

    def _note_lost(self, no: int, lost: tuple[int, int, int], at: int) -> None:
        first, last, count = lost
        self.connection.execute(
            "INSERT OR REPLACE INTO lost VALUES (?, ?, ?, ?)",
            (id_of(no, first), id_of(no, last), count, at),
        )

    def _current_part(self, run: Run, first: int) -> _Part:
        row = self.connection.execute(
            "SELECT no, last, min_at, max_at, events, text_bytes, indexed FROM parts"
            " ORDER BY no DESC LIMIT 1"
        ).fetchone()
        if row is not None:
            part = _Part(*row)
            is_full = (
                part.events >= self._part_events
                or part.text_bytes >= self._part_text_bytes
                or part.max_at - part.min_at >= PART_MILLISECONDS
                # A run that was folded in late has lower ids than what is here.
                or first <= part.last
            )
            if not is_full:
                if self._part is None or self._part.no != part.no:
                    self._known.clear()
                return part
        # What comes next in a run is no older than what there is; else a part would count the
        # time since the run began as its own, and be full at once.
        began = run.started if row is None or first <= row[1] else max(run.started, row[3])
        self._known.clear()
        cursor = self.connection.execute(
            "INSERT INTO parts (first, last, min_at, max_at, events, text_bytes, indexed)"
            " VALUES (?, ?, ?, ?, 0, 0, ?)",
            (first, first - 1, began, began, self._has_index),
        )
        no = cursor.lastrowid or 0
        if self._has_index:
            schema.create_texts(self.connection, no)
        return _Part(no, first - 1, began, began, 0, 0, self._has_index)

    def _number(self, table: str, name: str | bytes, part: int) -> int:
        found = self._known.get(name)
        if found is not None:
            return found
        if len(self._known) >= MAX_KNOWN_NAMES:
            self._known.clear()
        connection = self.connection
        changed = connection.execute(
            f"UPDATE {table} SET used = ? WHERE name = ?",  # noqa: S608  # one of our two
            (part, name),
        )
        if changed.rowcount:
            found = connection.execute(
                f"SELECT no FROM {table} WHERE name = ?",  # noqa: S608  # the same
                (name,),
            ).fetchone()[0]
            # That was the index' word. Readers go by the row, and nobody else compares the two.
            row = connection.execute(
                f"SELECT name FROM {table} WHERE no = ?",  # noqa: S608  # the same
                (found,),
            ).fetchone()
            if row is None or row[0] != name:
                raise schema.Damaged(f"{table} and their index differ")
        else:
            found = connection.execute(
                f"INSERT INTO {table} (name, used) VALUES (?, ?)",  # noqa: S608  # the same
                (name, part),
            ).lastrowid
        self._known[name] = int(found or 0)
        return self._known[name]
