"""Everything after a position, also of a run that is over: the whole of it, or why not.

Blocks; runs in a worker thread, inside a transaction of the caller's. What is not kept on purpose
(samples, and what panes print unless that is asked for) is said of each segment; what is missing
for any other reason makes a refusal.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import msgspec

from tmuxpulse.events import BY_TYPE, PaneOutput
from tmuxpulse.filters import Filter, compile_filters, wants_type
from tmuxpulse.history.eyes import EVERYTHING
from tmuxpulse.history.found import Finder, Found
from tmuxpulse.history.query import Query, narrow
from tmuxpulse.history.reader import CHECK_ROWS, Asking
from tmuxpulse.history.records import MAX_SEQ, NEVER_KEPT, id_of
from tmuxpulse.history.streams import Span, Streams

MAX_EVENTS = 20_000
MAX_BYTES = 8 << 20
MAX_RUNS = 100


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """What came in one run.

    Attributes:
        epoch: the run.
        after: the number after which it begins; 0: with its first event.
        last: the number of its last event that is known here.
        events: those that were wanted, in order.
        lacks: types of events that are missing although they were wanted, since they are not kept
            on purpose; to be said, as a gap with ``only`` for each.
    """

    epoch: str
    after: int
    last: int
    events: list[Found]
    lacks: tuple[str, ...]


def replay(
    asking: Asking,
    epoch: str,
    seq: int,
    filters: Iterable[Filter],
    *,
    current: str,
    most_events: int = MAX_EVENTS,
    most_bytes: int = MAX_BYTES,
) -> list[Segment] | str:
    """Everything after a position that is in the database.

    Args:
        asking: the connection, and when time is up.
        epoch: a run.
        seq: a number in it.
        filters: what is wanted.
        current: the run that is not over.
        most_events: how many events there may be, wanted or not.
        most_bytes: how many bytes the wanted ones may have.

    Returns:
        A segment for each run, oldest first; or ``epoch``: the run is not known; or ``expired``:
        something after the position is gone, or may be, or it is too much.
    """
    connection = asking.connection
    runs = connection.execute(
        "SELECT no, epoch, last_seq, output, torn, ended FROM epochs"
        " WHERE no >= (SELECT no FROM epochs WHERE epoch = ?) ORDER BY no LIMIT ?",
        (epoch, MAX_RUNS + 1),
    ).fetchall()
    if not runs:
        return "epoch"
    if len(runs) > MAX_RUNS or seq > MAX_SEQ or _is_broken(connection, runs, seq, current):
        return "expired"
    after = id_of(runs[0][0], seq)
    (count,) = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM events WHERE id > ? LIMIT ?)",
        (after, most_events + 1),
    ).fetchone()
    if count > most_events:
        return "expired"
    filters = tuple(filters)
    admits = compile_filters(filters)
    streams = Streams(connection, narrow(Query()))
    finder = Finder(
        connection, streams.kinds, lambda event: event if admits(event) else None, EVERYTHING
    )
    segments = []
    for position, (no, name, last_seq, output, _, _) in enumerate(runs):
        begin = seq if position == 0 else 0
        span = Span(first=id_of(no, begin) + 1, last=id_of(no, MAX_SEQ), newest_first=False)
        events = []
        for number, row in enumerate(streams.rows(span)):
            found = finder.read(row)
            if found is not None:
                most_bytes -= len(found.line)
                events.append(found)
            if most_bytes < 0 or (number % CHECK_ROWS == 0 and asking.is_over()):
                return "expired"
        not_kept = NEVER_KEPT if output else (PaneOutput.type, *NEVER_KEPT)
        segments.append(
            Segment(
                epoch=name,
                after=begin,
                last=max(last_seq, begin),
                events=events,
                lacks=tuple(kind for kind in not_kept if any(_can_want(f, kind) for f in filters)),
            )
        )
    return segments


def _is_broken(
    connection: sqlite3.Connection,
    runs: list[tuple[int, str, int, int, int | None, int | None]],
    seq: int,
    current: str,
) -> bool:
    """Whether something after the position is missing that should be here."""
    no, _, last_seq, _, _, ended = runs[0]
    after = id_of(no, seq)
    # Of a run that was killed, the last numbers may be of events that are not kept.
    if ended is not None and seq > last_seq:
        return True
    if any(torn != 0 for _, name, _, _, torn, _ in runs if name != current):
        return True
    (removed_to,) = connection.execute("SELECT value FROM meta WHERE key = 'removed_to'").fetchone()
    if after < removed_to:
        return True
    return (
        connection.execute("SELECT 1 FROM lost WHERE last > ? LIMIT 1", (after,)).fetchone()
        is not None
    )


def _can_want(wanted: Filter, event_type: str) -> bool:
    """Whether a filter can admit such events, for some pane and text."""
    if wanted.statuses or not wants_type(wanted, event_type):
        return False
    return not wanted.severity or BY_TYPE[event_type].severity in wanted.severity
