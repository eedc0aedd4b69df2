"""The database over its life: opened when it can be, written, trimmed, set aside when damaged.

Runs in a worker thread, one call at a time. No error of the disk or of SQLite leaves it: a call
gives a `Progress` that says what was done and what is in the way.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from tmuxpulse.history import retention, schema
from tmuxpulse.history.files import create, lock_of, set_aside, take_lock, words
from tmuxpulse.history.leftovers import Leftover, Piece, leftovers, records
from tmuxpulse.history.records import Record
from tmuxpulse.history.retention import Retention
from tmuxpulse.history.schema import NONSENSE, Damaged, Meaning, TooNew
from tmuxpulse.history.writer import PART_EVENTS, Run, Writer

BATCH_EVENTS = 1000
RETENTION_SECONDS = 60.0
RETENTION_STEPS = 8  # in one call
PARTS_OF_SIZE = 48  # a part's text is at most this part of the allowed size


class Progress(msgspec.Struct):
    """What a call did.

    Attributes:
        drained: files of the journal, and up to where they are in the database.
        trouble: why it went no further; empty: it did.
        damage: what was found damaged and set aside, in words.
        has_more: whether there is more to remove or to write.
    """

    drained: dict[Path, int] = {}
    trouble: str = ""
    damage: str = ""
    has_more: bool = False


class Store:
    """The database of one run.

    Args:
        database: its file, in a directory that is this user's alone.
        journal_dir: where journals are.
        run: this run; None: only what was left over is taken in.
        boot: this start of the machine.
        keep: how much is kept.
        clock: seconds since the epoch.
        monotonic: seconds.
        part_events: events in a part.

    Attributes:
        generation: grows when the database is another one.
    """

    def __init__(
        self,
        database: Path,
        journal_dir: Path,
        run: Run | None,
        *,
        boot: str,
        keep: Retention,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        part_events: int = PART_EVENTS,
    ) -> None:
        self.generation = 0
        self._database, self._journal_dir, self._run = database, journal_dir, run
        self._boot, self._keep, self._part_events = boot, keep, part_events
        self._clock, self._monotonic = clock, monotonic
        self._lock: int | None = None
        self._writer: Writer | None = None
        self._taken = 0  # events of this run up to here are in the database, or were
        self._trim_at = 0.0
        self._trimming = False

    def work(self, pieces: Sequence[Piece], *, is_suspect: bool = False) -> Progress:
        """Take pieces of the journal into the database, and remove what is too much.

        Args:
            pieces: of this run's journal, in order.
            is_suspect: a reader found the database damaged.
        """
        progress = Progress()
        try:
            if is_suspect:
                self._set_aside("a question found it damaged", progress)
            try:
                self._work(pieces, progress)
            except (sqlite3.Error, Damaged, *NONSENSE) as error:
                if isinstance(error, sqlite3.Error):
                    found = schema.meaning_of(error)
                    if found is not Meaning.DAMAGED:
                        raise
                self._set_aside(words(error), progress)
                self._work(pieces, progress)
        except (OSError, sqlite3.Error, Damaged, TooNew) as error:
            progress.trouble = _trouble(error)
            self._let_go()
        return progress

    def close(self) -> None:
        """Give everything back; the database stays as it is."""
        self._let_go()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # --- open ----------------------------------------------------------------------------

    def _work(self, pieces: Sequence[Piece], progress: Progress) -> None:
        writer = self._writer or self._open(progress)
        if self._run is not None:
            for piece in pieces:
                self._take(writer, self._run, piece, progress)
        self._trim(writer, progress)

    def _open(self, progress: Progress) -> Writer:
        if self._lock is None:
            self._lock = take_lock(lock_of(self._database))
            if self._lock is None:
                raise BlockingIOError(0, "another server writes it")
        create(self._database)
        connection = schema.open_database(self._database)
        writer = Writer(
            connection,
            part_text_bytes=self._keep.max_bytes // PARTS_OF_SIZE,
            part_events=self._part_events,
        )
        self._writer = writer
        self.generation += 1
        self._take_leftovers(writer, progress)
        if self._run is not None and self._taken:
            # The database that had the first ones was set aside.
            (known,) = connection.execute(
                "SELECT count(*) FROM epochs WHERE epoch = ?", (self._run.epoch,)
            ).fetchone()
            if not known:
                now = int(self._clock() * 1000)
                writer.lose(self._run, 1, self._taken, self._taken, at=now)
        return writer

    def _take_leftovers(self, writer: Writer, progress: Progress) -> None:
        own = self._run.epoch if self._run is not None else ""
        stem = self._database.stem
        found = leftovers(self._journal_dir, stem, boot=self._boot, own=own)
        try:
            for one in found:
                head = one.head
                run = Run(epoch=head.epoch, started=head.started, output=head.output)
                writer.batch(run, ())
                for piece in one.pieces:
                    self._take(writer, run, piece, progress)
            writer.end_others(
                own,
                torn=[one.head.epoch for one in found if one.is_torn],
                intact=[one.head.epoch for one in found if not one.is_torn],
            )
            _unlink(found)
        finally:
            for one in found:
                one.close()

    # --- write ---------------------------------------------------------------------------

    def _take(self, writer: Writer, run: Run, piece: Piece, progress: Progress) -> None:
        """Take in one piece, batch by batch."""
        done = piece.start
        source = _Counted(piece)
        try:
            while not source.is_over:
                writer.batch(run, source.some(BATCH_EVENTS))
                done = progress.drained[piece.path] = source.offset
                if run == self._run:
                    self._taken = max(self._taken, source.seq)
        except FileNotFoundError:  # taken in by another process, which had the lock
            done = progress.drained[piece.path] = piece.end
        if piece.is_closed and done >= piece.end and run == self._run:
            with suppress(OSError):
                piece.path.unlink()

    def _trim(self, writer: Writer, progress: Progress) -> None:
        now = self._monotonic()
        if now < self._trim_at:
            return
        for _ in range(RETENTION_STEPS):
            self._trimming = retention.step(
                writer.connection, self._keep, now=self._clock(), trimming=self._trimming
            )
            if not self._trimming:
                self._trim_at = now + RETENTION_SECONDS
                return
        progress.has_more = True

    # --- trouble -------------------------------------------------------------------------

    def _let_go(self) -> None:
        if self._writer is not None:
            schema.close_quietly(self._writer.connection)
            self._writer = None

    def _set_aside(self, why: str, progress: Progress) -> None:
        self._let_go()
        aside = set_aside(self._database, now=self._clock())
        progress.damage = f"the history was damaged ({why}); it is now {aside}"


class _Counted:
    """The records of a piece, some at a time."""

    def __init__(self, piece: Piece) -> None:
        self.offset = piece.start
        self.seq = 0
        self.is_over = piece.start >= piece.end
        self._records = records(piece)

    def some(self, count: int) -> Iterator[Record | None]:
        """The next records, at most `count`."""
        for _ in range(count):
            try:
                record, self.offset = next(self._records)
            except StopIteration:
                self.is_over = True
                return
            if record is not None and record.type:
                self.seq = record.seq
            if record is None or record.type or record.lost or record.ended:
                yield record


def _unlink(found: Iterable[Leftover]) -> None:
    for one in found:
        for piece in one.pieces:
            with suppress(OSError):
                piece.path.unlink()


def _trouble(error: Exception) -> str:
    if isinstance(error, sqlite3.Error) and schema.meaning_of(error) is Meaning.FULL:
        return "the disk is full"
    return words(error)
