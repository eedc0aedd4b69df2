"""What is too old or too much goes, in steps so small that no writer waits for them.

By age: the oldest events, one by one in the order of their ids. By size: the same, until what is in
use fits. The text index of a part goes as a whole, with the last of the part's events.
"""

from __future__ import annotations

import sqlite3
from itertools import takewhile

import msgspec

STEP_EVENTS = 500
STEP_PAGES = 256  # given back to the file system in one step
_ROOM = 0.95  # of the size that is allowed: removing a little more saves doing it all the time


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How much is kept.

    Attributes:
        days: events older than this go.
        max_bytes: of the database; above it the oldest events go.
    """

    days: float
    max_bytes: int


def used_bytes(connection: sqlite3.Connection) -> int:
    """What the database's content takes; free pages in the file are not counted."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    (page_size,) = connection.execute("PRAGMA page_size").fetchone()
    return int((pages - free) * page_size)


def step(connection: sqlite3.Connection, keep: Retention, *, now: float, trimming: bool) -> bool:
    """Remove a little of what is too much.

    Args:
        connection: outside of a transaction.
        keep: how much is kept.
        now: seconds since the epoch.
        trimming: whether the step before removed something for its size.

    Returns:
        Whether there is more to do.
    """
    limit = keep.max_bytes * _ROOM if trimming else keep.max_bytes
    too_large = used_bytes(connection) > limit
    before = None if too_large else int((now - keep.days * 86_400) * 1000)
    connection.execute("BEGIN IMMEDIATE")
    try:
        removed = _remove_oldest(connection, before)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    if removed:
        return True
    return _give_back(connection)


def _remove_oldest(connection: sqlite3.Connection, before: int | None) -> bool:
    """Remove some events from the beginning; with `before`, only those from before that time."""
    part = connection.execute("SELECT no, last, indexed FROM parts ORDER BY no LIMIT 1").fetchone()
    if part is None:
        return False
    no, last, indexed = part
    rows = connection.execute(
        "SELECT id, at FROM events WHERE id <= ? ORDER BY id LIMIT ?", (last, STEP_EVENTS)
    ).fetchall()
    old = [one for one, _ in takewhile(lambda row: before is None or row[1] < before, rows)]
    if rows and not old:
        return False
    up_to = old[-1] if old else last
    connection.execute("DELETE FROM events WHERE id <= ?", (up_to,))
    if len(rows) < STEP_EVENTS and len(old) == len(rows):
        connection.execute("DELETE FROM parts WHERE no = ?", (no,))
        if indexed:
            connection.execute(f"DROP TABLE IF EXISTS texts_{no:d}")
        up_to = last
        for table in ("kinds", "places"):
            connection.execute(
                f"DELETE FROM {table}"  # noqa: S608  # one of our two
                " WHERE used < (SELECT coalesce(min(no), used + 1) FROM parts)"
            )
    connection.execute("UPDATE meta SET value = max(value, ?) WHERE key = 'removed_to'", (up_to,))
    connection.execute("DELETE FROM lost WHERE last <= ?", (up_to,))
    return True


def _give_back(connection: sqlite3.Connection) -> bool:
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    if free < STEP_PAGES or free * 10 < pages:  # some room is used again soon
        return False
    connection.execute(f"PRAGMA incremental_vacuum({STEP_PAGES})").fetchall()
    return True
