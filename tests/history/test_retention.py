"""What is too old or too much goes, the newest stays, and the file does not grow."""

from __future__ import annotations

import sqlite3

from tests.history.made import NOW, Keeping, kept, numbered, output, place
from tmuxpulse import events as ev
from tmuxpulse.filters import EVERYTHING
from tmuxpulse.history.query import Query
from tmuxpulse.history.replay import replay
from tmuxpulse.history.retention import Retention

DAY = 86_400_000


def trim(keeping: Keeping) -> None:
    while True:
        keeping.time += 1000
        progress = keeping.work()
        assert progress.trouble == ""
        if not progress.has_more:
            return


def count(keeping: Keeping, what: str) -> int:
    connection = sqlite3.connect(keeping.database)
    (found,) = connection.execute(f"SELECT count(*) FROM {what}").fetchone()
    connection.close()
    return int(found)


def test_what_is_too_old_goes_and_the_rest_stays(tmp_path):
    now = [NOW / 1000]
    keep = Retention(days=30, max_bytes=1 << 30)
    keeping = Keeping(tmp_path, keep=keep, now=lambda: now[0])
    events = [kept(day, output(f"day {day}"), NOW + day * DAY) for day in range(1, 61)]
    keeping.put(events)
    now[0] = (NOW + 60 * DAY) / 1000
    trim(keeping)
    page = keeping.reader.page(Query(newest_first=False, limit=1000))
    assert [one.numbered.seq for one in page.events] == list(range(30, 61))
    with keeping.reader.reading() as asking:
        assert replay(asking, "e1", 28, [EVERYTHING], current="e1") == "expired"
        assert isinstance(replay(asking, "e1", 29, [EVERYTHING], current="e1"), list)
    assert keeping.reader.page(Query(text="day 29")).events == []
    now[0] = (NOW + 600 * DAY) / 1000
    trim(keeping)
    assert (count(keeping, "events"), count(keeping, "parts")) == (0, 0)
    assert count(keeping, "places") == 0
    assert count(keeping, "sqlite_master WHERE name LIKE 'texts%'") == 0
    keeping.put(numbered([output("new")], start=100, at=NOW + 600 * DAY))
    assert len(keeping.reader.page(Query(text="new")).events) == 1
    keeping.close(end=100)


def test_what_is_too_much_goes_and_the_file_stays_small(tmp_path):
    limit = 3 << 20
    keeping = Keeping(tmp_path, keep=Retention(days=30, max_bytes=limit))
    seq = 1
    for _ in range(40):
        lines = [
            f"line {n} of some length, as lines in logs have it" for n in range(seq, seq + 500)
        ]
        keeping.put(numbered([output(line, pane=n % 7) for n, line in enumerate(lines)], start=seq))
        seq += 500
        trim(keeping)
    newest = keeping.reader.page(Query(limit=1)).events[0]
    assert newest.numbered.seq == seq - 1
    kept_events = count(keeping, "events")
    assert 2000 < kept_events < 19_000
    assert keeping.database.stat().st_size < limit * 1.3
    found = keeping.reader.page(Query(text=f"line {seq - 1} of")).events
    assert len(found) == 1
    keeping.close(end=seq)


def test_names_that_nothing_uses_are_forgotten(tmp_path):
    now = [NOW / 1000]
    keep = Retention(days=1, max_bytes=1 << 30)
    keeping = Keeping(tmp_path, keep=keep, now=lambda: now[0])
    for day in range(20):
        window = place(window_name=f"name {day}")
        custom = ev.Custom(name=f"custom.{day}", data={})
        keeping.put([kept(day + 1, ev.Event(window, custom), NOW + day * 2 * DAY)])
        now[0] = (NOW + day * 2 * DAY) / 1000
        trim(keeping)
    assert count(keeping, "places") < 5
    assert count(keeping, "kinds") < 5
    keeping.close(end=20)
