"""Rows that a question can be about, in the order of their ids: from SQL, part by part.

Blocks; runs in a worker thread. It gives no row twice and leaves out only what `query.narrow` says.
"""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterable, Iterator

import msgspec

from tmuxpulse.history.query import Narrowing
from tmuxpulse.history.records import Row, read_place

MAX_STREAMS = 16  # kinds that are read from the index, each by itself, and merged
MAX_PLACES = 20_000  # beyond it, SQL is not told which are wanted
_FAMILY = "server."


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Which ids and times, and in which order.

    Attributes:
        first: the lowest id.
        last: the highest id.
        since: the earliest time in milliseconds; None: any.
        until: the time that is too late; None: any.
        newest_first: the order.
    """

    first: int
    last: int
    since: int | None = None
    until: int | None = None
    newest_first: bool = True


class Streams:
    """Reads rows with one connection, inside one transaction of the caller's.

    Args:
        connection: for reading.
        narrowing: what may be left out.
    """

    def __init__(self, connection: sqlite3.Connection, narrowing: Narrowing) -> None:
        self._connection = connection
        self._narrowing = narrowing
        self.kinds = {
            no: str(name) for no, name in connection.execute("SELECT no, name FROM kinds")
        }
        self._family = [no for no, name in self.kinds.items() if name.startswith(_FAMILY)]
        self._wanted = (
            None
            if narrowing.kind is None
            else [no for no, name in self.kinds.items() if narrowing.kind(name)]
        )
        self._places = self._wanted_places()

    def rows(self, span: Span) -> Iterator[Row]:
        """The rows, lazily.

        Raises:
            sqlite3.Error: while reading.
        """
        first, last = span.first, span.last
        parts = self._connection.execute(
            "SELECT no, first, last, indexed FROM parts WHERE last >= ? AND first <= ?"
            " AND max_at >= ? AND min_at < ? ORDER BY first",
            (
                first,
                last,
                -(1 << 62) if span.since is None else span.since,
                (1 << 62) if span.until is None else span.until,
            ),
        ).fetchall()
        for no, part_first, part_last, indexed in reversed(parts) if span.newest_first else parts:
            within = msgspec.structs.replace(
                span, first=max(first, part_first), last=min(last, part_last)
            )
            if within.first > within.last:
                continue
            yield from self._of_part(no, within, indexed=bool(indexed))
            # Parts do not overlap; should they, after some damage, nothing comes twice.
            if span.newest_first:
                last = within.first - 1
            else:
                first = within.last + 1

    def _of_part(self, no: int, span: Span, *, indexed: bool) -> Iterator[Row]:
        wanted = self._wanted
        if wanted is not None and not wanted:
            return iter(())
        if self._narrowing.match and indexed:
            family = [kind for kind in self._family if wanted is None or kind in wanted]
            return _merge(
                [self._found(no, span), *(self._of_kind(kind, span) for kind in family)],
                newest_first=span.newest_first,
            )
        if wanted is not None and len(wanted) <= MAX_STREAMS:
            return _merge(
                [self._of_kind(kind, span) for kind in wanted], newest_first=span.newest_first
            )
        return self._all(span)

    # --- SQL: every number in a text below is one of the database's own -------------------

    def _found(self, no: int, span: Span) -> Iterator[Row]:
        return self._select(
            f"texts_{no:d} t CROSS JOIN events e ON e.id = t.rowid",
            f"t.texts_{no:d} MATCH ? AND t.rowid BETWEEN ? AND ?",
            "t.rowid",
            (self._narrowing.match, span.first, span.last),
            span,
        )

    def _of_kind(self, kind: int, span: Span) -> Iterator[Row]:
        return self._select(
            "events e INDEXED BY events_kind",
            "e.kind = ? AND e.id BETWEEN ? AND ?",
            "e.id",
            (kind, span.first, span.last),
            span,
            of_kind=True,
        )

    def _all(self, span: Span) -> Iterator[Row]:
        return self._select(
            "events e NOT INDEXED", "e.id BETWEEN ? AND ?", "e.id", (span.first, span.last), span
        )

    def _select(
        self,
        source: str,
        where: str,
        order: str,
        values: tuple[str | int, ...],
        span: Span,
        *,
        of_kind: bool = False,
    ) -> Iterator[Row]:
        terms = [where]
        if span.since is not None:
            terms.append(f"e.at >= {span.since:d}")
        if span.until is not None:
            terms.append(f"e.at < {span.until:d}")
        if self._wanted is not None and not of_kind:
            terms.append(f"e.kind IN ({_numbers(self._wanted)})")
        if self._places is not None:
            terms.append(
                f"(e.place IN ({_numbers(self._places)}) OR e.kind IN ({_numbers(self._family)}))"
            )
        statement = (
            f"SELECT e.id, e.at, e.kind, e.place, e.data FROM {source}"  # noqa: S608  # see above
            f" WHERE {' AND '.join(terms)}"
            f" ORDER BY {order} {'DESC' if span.newest_first else 'ASC'}"
        )
        return map(Row._make, self._connection.execute(statement, values))

    def _wanted_places(self) -> list[int] | None:
        can_be = self._narrowing.place
        if can_be is None:
            return None
        wanted = []
        for no, name in self._connection.execute("SELECT no, name FROM places"):
            try:
                if can_be(read_place(bytes(name))):
                    wanted.append(no)
            except (msgspec.DecodeError, UnicodeError):
                continue
            if len(wanted) > MAX_PLACES:
                return None
        return wanted


def _numbers(found: Iterable[int]) -> str:
    return ",".join(f"{one:d}" for one in found)


def _merge(streams: list[Iterator[Row]], *, newest_first: bool) -> Iterator[Row]:
    if len(streams) == 1:
        return streams[0]
    return _once(heapq.merge(*streams, key=lambda row: row.id, reverse=newest_first))


def _once(rows: Iterable[Row]) -> Iterator[Row]:
    before = -1
    for row in rows:
        if row.id != before:
            before = row.id
            yield row
