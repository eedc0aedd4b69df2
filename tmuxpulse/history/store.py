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
from tmuxpulse.history.leftovers import Piece, leftovers, records
from tmuxpulse.history.records import MAX_SEQ, Record
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
        size_bytes: of the database with what belongs to it, afterwards.
    """

    drained: dict[Path, int] = {}
    trouble: str = ""
    damage: str = ""
    has_more: bool = False
    size_bytes: int = 0


class _Taken(msgspec.Struct):
    """What one attempt has put into the database: it counts once that is known to be whole.

    Attributes:
        drained: files of the journal, and up to where they are in it.
        files: of the journal, that are in it to their end and get nothing more.
        seq: the last event of this run.
        events: how many, without those that were counted before.
    """

    drained: dict[Path, int] = {}
    files: list[Path] = []
    seq: int = 0
    events: int = 0


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
        written: events that were put into the database, each once.
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
        self.written = 0
        self._database, self._journal_dir, self._run = database, journal_dir, run
        self._boot, self._keep, self._part_events = boot, keep, part_events
        self._clock, self._monotonic = clock, monotonic
        self._lock: int | None = None
        self._writer: Writer | None = None
        self._seq = 0  # events of this run up to here are in the database, or were
        self._taken = _Taken()
        self._trim_at = 0.0
        self._trimming = False

    def work(self, pieces: Sequence[Piece], *, is_suspect: bool = False) -> Progress:
        """Take pieces of the journal into the database, and remove what is too much.

        Damage that is found on the way, even at the very end, costs nothing of what is in the
        journal now: the journal is told, and loses its files, only when all is done.

        Args:
            pieces: of this run's journal, in order.
            is_suspect: a reader found the database damaged.
        """
        progress = Progress()
        self._taken = _Taken()
        try:
            if is_suspect:
                self._set_aside("a question found it damaged", progress)
            try:
                self._work(pieces, progress)
            except (sqlite3.Error, Damaged, *NONSENSE) as error:
                if not _is_damage(error):
                    raise
                self._set_aside(words(error), progress)
                self._work(pieces, progress)
        except (OSError, sqlite3.Error, Damaged, TooNew) as error:
            if _is_damage(error):  # of the new one, too: the next call sets it aside
                self._taken = _Taken()
            progress.trouble = _trouble(error)
            self._let_go()
        self._settle(progress)
        progress.size_bytes = size_of(self._database)
        return progress

    def close(self) -> None:
        """Give everything back; the database stays as it is."""
        self._let_go()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # --- open ----------------------------------------------------------------------------

    def _work(self, pieces: Sequence[Piece], progress: Progress) -> None:
        writer = self._writer or self._open(pieces)
        if self._run is not None:
            for piece in pieces:
                self._take(writer, self._run, piece)
        progress.has_more = self._trim(writer)

    def _settle(self, progress: Progress) -> None:
        """Make what was taken count, and remove the files that nobody needs any more."""
        taken = self._taken
        progress.drained = taken.drained
        self._seq = max(self._seq, taken.seq)
        self.written += taken.events
        for path in taken.files:
            with suppress(OSError):
                path.unlink()

    def _open(self, pieces: Sequence[Piece]) -> Writer:
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
        self._take_leftovers(writer)
        if self._run is not None and self._seq:
            # The database that had the first ones was set aside. Some may be here once more: those
            # of a call whose end nobody waited for.
            (known,) = connection.execute(
                "SELECT count(*) FROM epochs WHERE epoch = ?", (self._run.epoch,)
            ).fetchone()
            lost = self._seq if known else min(self._seq, _first_of(pieces) - 1)
            if not known and lost:
                writer.lose(self._run, 1, lost, lost, at=int(self._clock() * 1000))
        return writer

    def _take_leftovers(self, writer: Writer) -> None:
        own = self._run.epoch if self._run is not None else ""
        stem = self._database.stem
        found = leftovers(self._journal_dir, stem, boot=self._boot, own=own)
        try:
            for one in found:
                head = one.head
                run = Run(epoch=head.epoch, started=head.started, output=head.output)
                writer.batch(run, ())
                for piece in one.pieces:
                    self._take(writer, run, piece)
            writer.end_others(
                own,
                torn=[one.head.epoch for one in found if one.is_torn],
                intact=[one.head.epoch for one in found if not one.is_torn],
            )
            self._taken.files += [piece.path for one in found for piece in one.pieces]
        finally:
            for one in found:
                one.close()

    # --- write ---------------------------------------------------------------------------

    def _take(self, writer: Writer, run: Run, piece: Piece) -> None:
        """Take in one piece, batch by batch."""
        taken = self._taken
        is_own = run == self._run
        source = _Followed(piece)
        try:
            while not source.is_over:
                counted = self._seq if is_own else 0
                taken.events += writer.batch(run, source.some(BATCH_EVENTS), counted=counted)
                taken.drained[piece.path] = source.offset
                if is_own:
                    taken.seq = max(taken.seq, source.seq)
        except FileNotFoundError:  # taken in by another process, which had the lock
            taken.drained[piece.path] = piece.end
        if is_own and piece.is_closed and taken.drained.get(piece.path, piece.start) >= piece.end:
            taken.files.append(piece.path)

    def _trim(self, writer: Writer) -> bool:
        """Remove a little of what is too much, when it is time; whether there is more."""
        now = self._monotonic()
        if now < self._trim_at:
            return False
        for _ in range(RETENTION_STEPS):
            self._trimming = retention.step(
                writer.connection, self._keep, now=self._clock(), trimming=self._trimming
            )
            if not self._trimming:
                self._trim_at = now + RETENTION_SECONDS
                return False
        return True

    # --- trouble -------------------------------------------------------------------------

    def _let_go(self) -> None:
        if self._writer is not None:
            schema.close_quietly(self._writer.connection)
            self._writer = None

    def _set_aside(self, why: str, progress: Progress) -> None:
        self._taken = _Taken()
        self._let_go()
        aside = set_aside(self._database, now=self._clock())
        progress.damage = f"the history was damaged ({why}); it is now {aside}"


class _Followed:
    """The records of a piece, some at a time, and how far that went."""

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


def size_of(database: Path) -> int:
    """Bytes of a database and its log, as far as they are there."""
    found = 0
    for path in (database, database.with_name(f"{database.name}-wal")):
        with suppress(OSError):
            found += path.stat().st_size
    return found


def _first_of(pieces: Iterable[Piece]) -> int:
    """The number of the first event that pieces tell of; beyond all numbers: there is none."""
    for piece in pieces:
        with suppress(FileNotFoundError):
            for record, _ in records(piece):
                if record is not None and record.lost is not None:
                    return record.lost[0]
                if record is not None and record.type:
                    return record.seq
    return MAX_SEQ + 1


def _is_damage(error: Exception) -> bool:
    if isinstance(error, sqlite3.Error):
        return schema.meaning_of(error) is Meaning.DAMAGED
    return isinstance(error, (Damaged, *NONSENSE))


def _trouble(error: Exception) -> str:
    if isinstance(error, sqlite3.Error) and schema.meaning_of(error) is Meaning.FULL:
        return "the disk is full"
    return words(error)
