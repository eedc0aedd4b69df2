"""The events that are shown: readable, bounded, filtered."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tui.made import NOW, lines, received, status
from tmuxpulse import events as ev
from tmuxpulse.cli.screen.log import MAX_EVENTS, Log, clock, matching, summary, where
from tmuxpulse.filters import Filter


def test_it_keeps_the_newest_and_counts_all() -> None:
    log = Log()
    for number in range(MAX_EVENTS + 50):
        log.add(lines(0, f"line {number}"), NOW)
    assert log.total == MAX_EVENTS + 50
    assert log.first == 50
    assert len(log.entries()) == MAX_EVENTS
    assert [summary(one) for one in log.last(log.total, 2)] == ["line 5048", "line 5049"]
    assert [summary(one) for one in log.last(52, 5)] == ["line 50", "line 51"]


@settings(max_examples=60)
@given(st.integers(0, 30), st.integers(0, 40), st.integers(0, 40))
def test_a_part_is_what_a_slice_gives(count, end, wanted) -> None:
    log = Log()
    for number in range(count):
        log.add(lines(0, f"{number}"), NOW)
    stop = min(end, count)
    assert log.last(end, wanted) == log.entries()[max(stop - wanted, 0) : stop]


def test_unfinished_lines_are_left_out_and_screens_are_one_a_second() -> None:
    log = Log()
    log.add(received(0, ev.PaneOutput(mode="append", partial="$ ")), NOW)
    log.add(lines(0, "", "  "), NOW)
    assert log.total == 0
    for tenth in range(25):
        log.add(received(0, ev.PaneOutput(mode="screen", rows={"3": "x"})), NOW + tenth / 10)
    assert log.total == 3


def test_a_burst_is_its_last_line_and_how_many_there_were() -> None:
    assert summary(lines(0, "one", "", "two", "three")) == "three  (+2 lines before)"


def test_a_filter_narrows_what_is_there_and_what_comes() -> None:
    log = Log()
    for item in (lines(0, "a"), status(0, "waiting"), lines(1, "b")):
        log.add(item, NOW)
    log.narrow(Filter(types=("agent.*",)))
    assert len(log.entries()) == 1
    log.add(lines(0, "c"), NOW)
    log.add(status(1, "busy"), NOW)
    assert len(log.entries()) == 2
    log.narrow(Filter())
    assert len(log.entries()) == 5


def test_a_note_is_shown_whatever_the_filter() -> None:
    log = Log()
    log.note("3 events were lost", NOW)
    log.narrow(Filter(types=("agent.*",)))
    (note,) = log.entries()
    assert summary(note) == "3 events were lost"
    assert where(note, 1) == ""
    assert len(clock(note)) == 8


def test_it_finds_texts_and_places() -> None:
    log = Log()
    for item in (lines(0, "Alpha"), lines(1, "beta"), lines(0, "alphabet")):
        log.add(item, NOW)
    assert matching(log.entries(), "alpha", 1) == [0, 2]
    assert matching(log.entries(), "work:0.1", 1) == [1]
