"""Answers from the database: pages, what is around an event, and what came after a position.

Blocks; runs in worker threads, with connections that cannot write. Every question has a deadline:
a page that is not full by then is given as it is, with a cursor to go on from.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from tmuxpulse.errors import RequestError
from tmuxpulse.filters import Filter
from tmuxpulse.history import schema
from tmuxpulse.history.cursor import Cursors
from tmuxpulse.history.eyes import EVERYTHING, Eyes
from tmuxpulse.history.found import Finder, Found
from tmuxpulse.history.query import Query, check_query, narrow, wants
from tmuxpulse.history.records import read_place, seq_of
from tmuxpulse.history.schema import NONSENSE, Damaged, Meaning, TooNew
from tmuxpulse.history.streams import Span, Streams

QUERY_SECONDS = 2.0
MAX_ID = (1 << 63) - 1
MAX_AROUND = 100
_POOL = 2
CHECK_ROWS = 64  # SQLite asks whether time is up only within a step
MAX_LOST = 64


class Lost(msgspec.Struct, frozen=True):
    """Events that are not here although they should be: the disk was full, or was damaged.

    Attributes:
        epoch: the run.
        first: the number of the first.
        last: the number of the last.
        count: how many of them.
    """

    epoch: str
    first: int
    last: int
    count: int


class Page(msgspec.Struct, frozen=True):
    """A part of an answer.

    Attributes:
        events: in the order that was asked for.
        cursor: to go on with; None: there is nothing more.
        is_complete: False: time was up before the page was full.
        lost: what is missing between the first and the last of them; for who sees everything.
    """

    events: list[Found]
    cursor: str | None
    is_complete: bool
    lost: list[Lost]


class Asking(NamedTuple):
    """What one question is answered with.

    Attributes:
        connection: inside a transaction.
        is_over: tells whether time is up.
    """

    connection: sqlite3.Connection
    is_over: Callable[[], bool]


class Reader:
    """Answers questions; may be used by several threads at once.

    Args:
        database: the file.
        generation: grows when the database is another one.
        on_damage: is told, in the thread that asked, that SQLite found damage.
        seconds: for one question.
    """

    def __init__(
        self,
        database: Path,
        *,
        generation: Callable[[], int] = lambda: 0,
        on_damage: Callable[[], None] = lambda: None,
        seconds: float = QUERY_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._generation = generation
        self._on_damage = on_damage
        self._seconds = seconds
        self._monotonic = monotonic
        self._cursors = Cursors()
        self._lock = threading.Lock()
        self._idle: list[tuple[int, sqlite3.Connection]] = []

    def close(self) -> None:
        """Close the connections that nobody uses now."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, connection in idle:
            schema.close_quietly(connection)

    def page(
        self,
        query: Query,
        *,
        eyes: Eyes = EVERYTHING,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> Page:
        """Answer a question.

        Args:
            query: what is wanted.
            eyes: how much is seen.
            is_cancelled: asked now and then; True ends it early.

        Raises:
            RequestError: ``INVALID_FILTER``, ``INVALID_REQUEST``, ``CURSOR_EXPIRED``; or
                ``UNAVAILABLE``: the database cannot be read now, or time was up with nothing done.
        """
        check_query(query)
        newest_first = query.newest_first
        first, last = 1, MAX_ID
        if query.cursor:
            at = self._cursors.read(query.cursor, newest_first=newest_first)
            first, last = (first, at - 1) if newest_first else (at + 1, last)
        span = Span(
            first=first,
            last=last,
            since=None if query.since is None else _ceil_ms(query.since),
            until=None if query.until is None else _ceil_ms(query.until),
            newest_first=newest_first,
        )
        with self.reading(is_cancelled) as asking:
            return self._fill(asking, query, eyes, span)

    def around(
        self,
        event_id: int,
        *,
        before: int,
        after: int,
        eyes: Eyes = EVERYTHING,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> tuple[list[Found], list[Found]]:
        """What the pane of an event printed before and after it, oldest first.

        Args:
            event_id: of the event.
            before: how many outputs, at most.
            after: the same.
            eyes: how much is seen.
            is_cancelled: as for `page`.

        Raises:
            RequestError: as `page`; ``NOT_FOUND``: there is no such event, or it has no pane.
        """
        if not (0 <= before <= MAX_AROUND and 0 <= after <= MAX_AROUND):
            raise RequestError("INVALID_REQUEST", f"context is 0 to {MAX_AROUND}")
        with self.reading(is_cancelled) as asking:
            row = asking.connection.execute(
                "SELECT e.id, p.name FROM events e JOIN places p ON p.no = e.place WHERE e.id = ?",
                (event_id,),
            ).fetchone()
            pane = None if row is None else read_place(bytes(row[1]))
            if pane is None or pane.pane_id is None:
                raise RequestError("NOT_FOUND", "no such event of a pane")
            sides = []
            for count, first, last, newest in (
                (before, 1, row[0] - 1, True),
                (after, row[0] + 1, MAX_ID, False),
            ):
                of_pane = Query(
                    filter=Filter(types=("pane.output",), panes=(pane.pane_id,)),
                    limit=max(count, 1),
                    newest_first=newest,
                )
                span = Span(first=first, last=last, newest_first=newest)
                page = self._fill(asking, of_pane, eyes, span) if count else None
                found = [] if page is None else page.events
                sides.append(
                    [one for one in found if one.numbered.event.place.server == pane.server]
                )
            return sides[0][::-1], sides[1]

    @contextmanager
    def reading(self, is_cancelled: Callable[[], bool] = lambda: False) -> Iterator[Asking]:
        """Give a connection inside a transaction, which is interrupted when time is up.

        Raises:
            RequestError: ``UNAVAILABLE``, in place of any error of SQLite's.
        """
        until = self._monotonic() + self._seconds
        try:
            generation, connection = self._take()
            try:
                asking = Asking(connection, lambda: self._monotonic() > until or is_cancelled())
                with schema.interruptible(connection, asking.is_over):
                    connection.execute("BEGIN")
                    yield asking
            except BaseException:
                schema.close_quietly(connection)
                raise
            connection.execute("ROLLBACK")
            self._give(generation, connection)
        except (sqlite3.Error, Damaged, TooNew, *NONSENSE) as error:
            raise self._unavailable(error) from None

    # --- a page --------------------------------------------------------------------------

    def _fill(self, asking: Asking, query: Query, eyes: Eyes, span: Span) -> Page:
        connection = asking.connection
        streams = Streams(connection, narrow(query, eyes))
        finder = Finder(connection, streams.kinds, wants(query, eyes), eyes)
        events: list[Found] = []
        at = 0
        is_complete = True
        try:
            for count, row in enumerate(streams.rows(span)):
                found = finder.read(row)
                at = row.id
                if found is not None:
                    events.append(found)
                    if len(events) == query.limit:
                        break
                if count % CHECK_ROWS == 0 and asking.is_over():
                    is_complete = False
                    break
        except sqlite3.OperationalError as error:
            if schema.meaning_of(error) is not Meaning.INTERRUPTED or not at:
                raise
            is_complete = False
        # A full page has a cursor even if nothing follows: whether something does would tell of
        # events that are not seen.
        has_more = len(events) == query.limit or not is_complete
        cursor = self._cursors.make(at, newest_first=span.newest_first) if has_more else None
        lost: list[Lost] = []
        if eyes.see_everything:
            covered = _covered(span, at) if has_more else span
            with schema.interruptible(connection, lambda: False):  # time may be up already
                lost = _lost(connection, finder, covered)
        return Page(events, cursor, is_complete, lost)

    def _unavailable(self, error: Exception) -> RequestError:
        if isinstance(error, sqlite3.Error):
            if schema.is_corrupt(error):
                self._on_damage()
            elif schema.meaning_of(error) is Meaning.INTERRUPTED:
                return RequestError(
                    "UNAVAILABLE", "the question takes too long; ask for less", retryable=True
                )
        if isinstance(error, (Damaged, *NONSENSE)):
            self._on_damage()
        return RequestError(
            "UNAVAILABLE", f"the history cannot be read now: {error}"[:200], retryable=True
        )

    # --- connections ---------------------------------------------------------------------

    def _take(self) -> tuple[int, sqlite3.Connection]:
        generation = self._generation()
        with self._lock:
            idle, self._idle = self._idle, []
            for one in idle:
                if one[0] == generation and len(self._idle) < _POOL:
                    self._idle.append(one)
                else:
                    schema.close_quietly(one[1])
            if self._idle:
                return self._idle.pop()
        return generation, schema.open_for_reading(self._database)

    def _give(self, generation: int, connection: sqlite3.Connection) -> None:
        with self._lock:
            if len(self._idle) < _POOL:
                self._idle.append((generation, connection))
                return
        schema.close_quietly(connection)


def _covered(span: Span, at: int) -> Span:
    if span.newest_first:
        return msgspec.structs.replace(span, first=at)
    return msgspec.structs.replace(span, last=at)


def _lost(connection: sqlite3.Connection, finder: Finder, span: Span) -> list[Lost]:
    rows = connection.execute(
        "SELECT first, last, count FROM lost WHERE last >= ? AND first <= ? ORDER BY first",
        (span.first, span.last),
    )
    return [
        Lost(finder.epoch(first), seq_of(first), seq_of(last), count)
        for first, last, count in rows.fetchmany(MAX_LOST)
    ]


def _ceil_ms(seconds: float) -> int:
    """The first whole millisecond that is not before a time."""
    whole = int(seconds * 1000)
    return whole if whole >= seconds * 1000 else whole + 1
