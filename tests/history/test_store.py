"""The database over its life: filled once, set aside when damaged, patient with a full disk."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.history.made import KEEP, Keeping, numbered, output
from tmuxpulse.errors import RequestError
from tmuxpulse.history import schema
from tmuxpulse.history.files import KEEP_DAMAGED, damaged
from tmuxpulse.history.query import Query
from tmuxpulse.history.schema import Meaning, meaning_of
from tmuxpulse.history.store import Store


def lines(count: int, start: int = 1):
    return numbered([output(f"line number {n}") for n in range(count)], start=start)


def stored(keeping: Keeping) -> list[tuple[str, int]]:
    page = keeping.reader.page(Query(newest_first=False, limit=1000))
    return [(one.epoch, one.numbered.seq) for one in page.events]


def test_what_a_killed_run_left_is_there_after_the_next_start(tmp_path):
    first = Keeping(tmp_path, "e1")
    first.put(lines(3))
    first.append(lines(2, start=4))  # the thread had no time for these
    first.close()
    second = Keeping(tmp_path, "e2")
    second.put(lines(1))
    assert stored(second) == [*(("e1", seq) for seq in range(1, 6)), ("e2", 1)]
    assert [path.name for path in tmp_path.glob("*.journal-*")] == ["history.journal-e2-1"]
    second.close(end=1)
    assert not list(tmp_path.glob("*.journal-*"))


def test_taking_a_journal_in_twice_changes_nothing(tmp_path):
    keeping = Keeping(tmp_path)
    keeping.append(lines(5))
    pieces = keeping.journal.pending()
    for _ in range(3):
        assert keeping.store.work(pieces).trouble == ""
    assert len(stored(keeping)) == 5
    assert len(keeping.reader.page(Query(text="line number")).events) == 5
    keeping.close()


def test_a_crash_between_two_batches_leaves_whole_batches(tmp_path, monkeypatch):
    monkeypatch.setattr("tmuxpulse.history.store.BATCH_EVENTS", 4)
    keeping = Keeping(tmp_path)
    keeping.append(lines(10))
    monkeypatch.setattr("tmuxpulse.history.writer.searchable", _fails_after(6))
    with pytest.raises(RuntimeError):
        keeping.work()
    assert len(stored(keeping)) == 3  # and the first line of the file
    monkeypatch.undo()
    keeping.work()
    assert len(stored(keeping)) == 10
    keeping.close()


def _fails_after(count: int):
    left = [count]

    def searchable(kind: str, data: bytes) -> str:
        left[0] -= 1
        if left[0] < 0:
            raise RuntimeError
        return "text of it"

    return searchable


# --- damage ----------------------------------------------------------------------------------


def garble(path: Path, how: str) -> None:
    size = path.stat().st_size
    if how == "truncated":
        os.truncate(path, size // 2)
    elif how == "garbage":
        path.write_bytes(os.urandom(5000))
    elif how == "zeros":
        path.write_bytes(bytes(size))
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "another's":
        path.unlink()
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE events (x)")
        other.close()
        path.chmod(0o600)


@pytest.mark.parametrize("how", ["truncated", "garbage", "zeros", "empty", "another's"])
def test_a_damaged_database_is_set_aside_and_nothing_new_is_lost(tmp_path, monkeypatch, how):
    monkeypatch.setattr(schema, "CHECK_SECONDS", 60.0)
    first = Keeping(tmp_path, "e1")
    first.put(lines(500))
    first.close(end=500)
    garble(first.database, how)
    second = Keeping(tmp_path, "e2")
    second.append(lines(3))
    progress = second.work()
    assert progress.trouble == ""
    assert bool(progress.damage) == bool(damaged(second.database)) == (how != "empty")
    assert stored(second)[-3:] == [("e2", 1), ("e2", 2), ("e2", 3)]
    second.close(end=3)


def test_damage_while_it_runs_costs_what_was_in_the_file_and_says_so(tmp_path):
    keeping = Keeping(tmp_path)
    keeping.put(lines(10))
    keeping.append(lines(2, start=11))
    progress = keeping.work(is_suspect=True)
    assert "set aside" in progress.damage or "damaged" in progress.damage
    assert stored(keeping) == [("e1", 11), ("e1", 12)]
    (lost,) = keeping.reader.page(Query()).lost
    assert (lost.epoch, lost.first, lost.last) == ("e1", 1, 10)
    keeping.close(end=12)


@pytest.mark.parametrize("place", [18, 19])
def test_a_header_that_would_make_it_read_only_is_damage(tmp_path, place):
    first = Keeping(tmp_path, "e1")
    first.put(lines(10))
    first.close(end=10)
    raw = bytearray(first.database.read_bytes())
    raw[place] = 3
    first.database.write_bytes(raw)
    second = Keeping(tmp_path, "e2")
    second.append(lines(5))
    progress = second.work()
    assert progress.trouble == ""
    assert "header" in progress.damage
    assert stored(second)[-5:] == [("e2", seq) for seq in range(1, 6)]
    second.close(end=5)


def flip(path: Path, flips: list[tuple[int, int]]) -> None:
    raw = bytearray(path.read_bytes())
    for place, bits in flips:
        raw[place % len(raw)] ^= bits
    path.write_bytes(raw)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, (1 << 20) - 1), st.integers(1, 255)), min_size=1, max_size=8)
)
@example(flips=[(3210, 64)])  # a column has another name: only retention asks for it
@example(flips=[(32644, 1)])  # a kind of event has another name, and its old one in the index
def test_flipped_bytes_anywhere_raise_nothing_and_lose_nothing_new(tmp_path_factory, flips):
    directory = tmp_path_factory.mktemp("flip")
    first = Keeping(directory, "e1")
    first.put(lines(60))
    first.close(end=60)
    flip(first.database, flips)
    second = Keeping(directory, "e2", segment_bytes=300)
    for one in lines(5):
        second.append([one])
    progress = second.work()
    if "later release" in progress.trouble:  # so it says, and it may be true
        second.close()
        return
    assert progress.trouble == ""
    assert second.store.written == 5
    # A question may find damage that writing did not meet; then the next work sets it aside.
    try:
        found = stored(second)
    except RequestError as error:
        assert error.code == "UNAVAILABLE"  # noqa: PT017  # two ways are right
        second.append(lines(2, start=6))
        second.work(is_suspect=True)
        (lost,) = second.reader.page(Query()).lost
        assert (lost.epoch, lost.first, lost.last) == ("e2", 1, 5)
        found = [*(("e2", seq) for seq in range(1, 6)), *stored(second)]
        assert found[5:] == [("e2", 6), ("e2", 7)]
        second.close(end=7)
    else:
        assert found[-5:] == [("e2", seq) for seq in range(1, 6)]
        second.close(end=5)


class Breaking:
    """A connection that finds damage when it has done something; `at`: how that begins."""

    def __init__(self, connection: sqlite3.Connection, at: str) -> None:
        self._connection = connection
        self._at = at

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        found = self._connection.execute(sql, *values)
        self._may_break(sql)
        return found

    def executemany(self, sql: str, rows: Any) -> sqlite3.Cursor:
        found = self._connection.executemany(sql, rows)
        self._may_break(sql)
        return found

    def _may_break(self, sql: str) -> None:
        if sql.startswith(self._at):
            raise sqlite3.DatabaseError("database disk image is malformed")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def breaks(monkeypatch: pytest.MonkeyPatch, at: str, times: int) -> None:
    """Let the database be found damaged the next `times` that it is opened and gets that far."""
    real = schema.open_database
    left = [times]

    def opened(path: Path) -> sqlite3.Connection | Breaking:
        left[0] -= 1
        return Breaking(real(path), at) if left[0] >= 0 else real(path)

    monkeypatch.setattr(schema, "open_database", opened)


@pytest.mark.parametrize(
    "at",
    [
        "INSERT INTO events",
        "INSERT INTO texts",
        "UPDATE epochs SET last_seq",
        "COMMIT",  # and with it a checkpoint
        "UPDATE epochs SET torn",
        "SELECT no, last, indexed FROM parts",  # retention: all is written by then
        "PRAGMA freelist_count",
    ],
)
@pytest.mark.parametrize("times", [1, 3], ids=["once", "the new one, too"])
def test_damage_found_at_any_step_costs_nothing_of_the_journal(tmp_path, monkeypatch, at, times):
    killed = Keeping(tmp_path, "e1")
    killed.append(lines(3))
    killed.close()
    keeping = Keeping(tmp_path, "e2", segment_bytes=300)
    for one in lines(6):
        keeping.append([one])
    breaks(monkeypatch, at, times)
    progress = keeping.work()
    assert "malformed" in progress.damage
    if times > 1:  # it is set aside, too, the next time; until then the journal has everything
        assert "malformed" in progress.trouble
        assert (progress.drained, keeping.store.written) == ({}, 0)
        assert len(list(tmp_path.glob("*.journal-*"))) > 3
        progress = keeping.work()
        assert "malformed" in progress.damage
    assert progress.trouble == ""
    assert stored(keeping) == [*(("e1", n) for n in (1, 2, 3)), *(("e2", n) for n in range(1, 7))]
    assert keeping.reader.page(Query()).lost == []
    assert keeping.store.written == 9
    assert not keeping.journal.has_pending
    assert len(list(tmp_path.glob("*.journal-*"))) == 1  # the one that is open
    keeping.close(end=6)


def test_what_a_call_did_whose_end_nobody_awaited_is_neither_lost_nor_counted_twice(tmp_path):
    keeping = Keeping(tmp_path)
    keeping.put(lines(2))
    keeping.append(lines(3, start=3))
    keeping.store.work(keeping.journal.pending())  # and the journal is not told
    assert keeping.store.written == 5
    keeping.append(lines(1, start=6))
    assert keeping.work(is_suspect=True).trouble == ""
    assert stored(keeping) == [("e1", seq) for seq in range(3, 7)]
    (lost,) = keeping.reader.page(Query()).lost
    assert (lost.first, lost.last) == (1, 2)
    assert keeping.store.written == 6
    keeping.close(end=6)


def test_a_journal_that_is_taken_in_twice_is_counted_once(tmp_path):
    keeping = Keeping(tmp_path)
    keeping.append(lines(5))
    pieces = keeping.journal.pending()
    for _ in range(3):
        keeping.store.work(pieces)
    assert keeping.store.written == 5
    keeping.close(end=5)


def test_only_so_many_damaged_ones_are_kept(tmp_path):
    time = [1e9]
    keeping = Keeping(tmp_path, now=lambda: time[0])
    keeping.put(lines(1))
    for _ in range(KEEP_DAMAGED + 2):
        time[0] += 1
        keeping.work(is_suspect=True)
    assert len(damaged(keeping.database)) == KEEP_DAMAGED
    keeping.close(end=1)


# --- in the way ------------------------------------------------------------------------------


def test_a_full_disk_is_waited_out(tmp_path, monkeypatch):
    real = schema.open_database
    pages = [60]

    def small(path: Path) -> sqlite3.Connection:
        connection = real(path)
        connection.execute(f"PRAGMA max_page_count = {pages[0]}")
        return connection

    monkeypatch.setattr(schema, "open_database", small)
    keeping = Keeping(tmp_path)
    done = 0
    for start in range(1, 5000, 500):
        keeping.append(lines(500, start=start))
        progress = keeping.work()
        done = start + 499
        if progress.trouble:
            break
    assert progress.trouble == "the disk is full"
    assert progress.damage == ""
    pages[0] = 100_000
    assert keeping.work().trouble == ""
    with closing(sqlite3.connect(keeping.database)) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (done,)
    keeping.close(end=done)


def test_one_writes_and_the_other_waits(tmp_path):
    first, second = Keeping(tmp_path, "e1"), Keeping(tmp_path, "e2")
    first.put(lines(2))
    second.append(lines(2))
    assert second.work().trouble == "another server writes it"
    first.close(end=2)
    assert second.work().trouble == ""
    assert stored(second) == [("e1", 1), ("e1", 2), ("e2", 1), ("e2", 2)]
    second.close(end=2)


def test_a_database_of_a_later_release_is_left_as_it_is(tmp_path):
    first = Keeping(tmp_path)
    first.put(lines(1))
    first.close(end=1)
    later = len(schema.STEPS) + 1
    with sqlite3.connect(first.database) as connection:
        connection.execute(f"PRAGMA user_version = {later}")
    connection.close()
    second = Keeping(tmp_path, "e2")
    second.append(lines(1))
    assert "later release" in second.work().trouble
    assert not damaged(second.database)
    second.close()


def test_a_database_of_an_earlier_release_is_brought_up_to_date(tmp_path, monkeypatch):
    first = Keeping(tmp_path)
    first.put(lines(3))
    first.close(end=3)
    monkeypatch.setattr(
        schema,
        "STEPS",
        [*schema.STEPS, "ALTER TABLE epochs ADD COLUMN host TEXT; CREATE TABLE extra (x)"],
    )
    second = Keeping(tmp_path, "e2")
    second.put(lines(1))
    assert stored(second) == [("e1", 1), ("e1", 2), ("e1", 3), ("e2", 1)]
    connection = sqlite3.connect(first.database)
    assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    assert connection.execute("SELECT count(*) FROM extra").fetchone() == (0,)
    connection.close()
    second.close(end=1)


def test_a_step_that_fails_changes_nothing(tmp_path, monkeypatch):
    first = Keeping(tmp_path)
    first.put(lines(3))
    first.close(end=3)
    monkeypatch.setattr(schema, "STEPS", [*schema.STEPS, "CREATE TABLE extra (x); SELECT nothing"])
    with pytest.raises(sqlite3.Error):
        schema.open_database(first.database)
    monkeypatch.undo()
    connection = schema.open_database(first.database)
    assert connection.execute("SELECT count(*) FROM events").fetchone() == (3,)
    assert not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'extra'").fetchone()
    connection.close()


def test_reading_and_writing_at_once(tmp_path):
    keeping = Keeping(tmp_path)
    keeping.put(lines(10))
    is_over = threading.Event()
    problems: list[Exception] = []

    def read() -> None:
        while not is_over.is_set():
            try:
                found = stored(keeping)
                if found != [("e1", seq) for seq in range(1, len(found) + 1)]:
                    problems.append(AssertionError(found))
            except Exception as error:  # noqa: BLE001  # told below
                problems.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for start in range(11, 611, 20):
        keeping.put(lines(20, start=start))
    is_over.set()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(stored(keeping)) == 610
    keeping.close(end=610)


def test_files_are_private(tmp_path):
    mask = os.umask(0)
    try:
        keeping = Keeping(tmp_path)
        keeping.put(lines(1))
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    finally:
        os.umask(mask)
    assert set(modes.values()) == {0o600}, modes
    assert len(modes) == 5
    keeping.close(end=1)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("database or disk is full", Meaning.FULL),
        ("database is locked", Meaning.TROUBLE),
        ("disk I/O error", Meaning.TROUBLE),
        ("interrupted", Meaning.INTERRUPTED),
        ("database disk image is malformed", Meaning.DAMAGED),
        ("no such table: events", Meaning.DAMAGED),
    ],
)
def test_without_a_code_the_text_tells(text, meaning):
    assert meaning_of(sqlite3.OperationalError(text)) is meaning


def test_without_a_run_it_only_takes_in_what_was_left(tmp_path):
    first = Keeping(tmp_path)
    first.append(lines(4))
    first.close()
    alone = Store(first.database, tmp_path, None, boot="boot", keep=KEEP)
    assert alone.work([]).trouble == ""
    alone.close()
    assert len(stored(first)) == 4
    first.reader.close()
