"""Everything after a position, across restarts: the whole of it, or a refusal with its reason."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.history import made
from tests.history.made import Keeping, error, numbered, output
from tmuxpulse.events import PaneOutput
from tmuxpulse.filters import EVERYTHING, Filter, compile_filters
from tmuxpulse.history.replay import replay


def ask(keeping: Keeping, epoch: str, seq: int, *filters: Filter, current: str = "now", **more):
    with keeping.reader.reading() as asking:
        return replay(asking, epoch, seq, filters or [EVERYTHING], current=current, **more)


def seqs(segments) -> list[tuple[str, int, list[int]]]:
    return [
        (one.epoch, one.after, [event.numbered.seq for event in one.events]) for one in segments
    ]


def run(directory, epoch: str, count: int, **more) -> None:
    keeping = Keeping(directory, epoch, **more)
    keeping.append(numbered([error(f"{epoch} {n}") for n in range(count)]))
    keeping.close()  # killed


def test_it_goes_from_run_to_run(tmp_path):
    run(tmp_path, "a", 3)
    run(tmp_path, "b", 2)
    keeping = Keeping(tmp_path, "now")
    keeping.put(numbered([error("now")]))
    assert seqs(ask(keeping, "a", 1)) == [("a", 1, [2, 3]), ("b", 0, [1, 2]), ("now", 0, [1])]
    assert seqs(ask(keeping, "a", 3)) == [("a", 3, []), ("b", 0, [1, 2]), ("now", 0, [1])]
    assert seqs(ask(keeping, "b", 0)) == [("b", 0, [1, 2]), ("now", 0, [1])]
    assert ask(keeping, "unknown", 0) == "epoch"
    # It was killed: samples, which are not kept, may have had the numbers after the last.
    assert seqs(ask(keeping, "a", 4))[0] == ("a", 4, [])
    assert ask(keeping, "a", 0, most_events=5) == "expired"
    assert ask(keeping, "a", 0, most_bytes=300) == "expired"
    keeping.close()


def test_a_position_after_the_end_of_a_run_is_refused(tmp_path):
    first = Keeping(tmp_path, "a")
    first.put(numbered([error("x"), error("y")]))
    first.close(end=2)
    keeping = Keeping(tmp_path, "now")
    keeping.put(numbered([error("now")]))
    assert seqs(ask(keeping, "a", 2)) == [("a", 2, []), ("now", 0, [1])]
    assert ask(keeping, "a", 3) == "expired"
    keeping.close()


def test_after_a_restart_of_the_machine_the_end_of_a_run_is_unknown(tmp_path):
    run(tmp_path, "a", 3, boot="before")
    keeping = Keeping(tmp_path, "now")
    keeping.put(numbered([error("now")]))
    assert ask(keeping, "a", 2) == "expired"
    assert isinstance(ask(keeping, "now", 0), list)
    keeping.close()


def test_a_run_that_ended_in_order_is_whole_whatever_happened_to_the_machine(tmp_path):
    first = Keeping(tmp_path, "a", boot="before")
    first.append(numbered([error("x")]))
    first.close(end=1)
    keeping = Keeping(tmp_path, "now")
    keeping.put(numbered([error("now")]))
    assert seqs(ask(keeping, "a", 0)) == [("a", 0, [1]), ("now", 0, [1])]
    keeping.close()


def test_when_a_journal_is_gone_the_end_is_unknown(tmp_path):
    first = Keeping(tmp_path, "a")
    first.put(numbered([error("x")]))
    first.close()
    for path in tmp_path.glob("*.journal-*"):
        path.unlink()
    keeping = Keeping(tmp_path, "now")
    keeping.put(numbered([error("now")]))
    assert ask(keeping, "a", 0) == "expired"
    keeping.close()


@pytest.mark.parametrize(
    ("wanted", "lacks"),
    [
        (EVERYTHING, ("pane.output", "system.stats")),
        (Filter(types=("pane.*",)), ("pane.output",)),
        (Filter(types=("pane.bytes", "custom.a")), ("pane.bytes",)),
        (Filter(severity=("info",)), ("pane.output", "system.stats")),
        (Filter(types=("pane.error", "agent.*")), ()),
        (Filter(severity=("error",)), ()),
        (Filter(statuses=("waiting",)), ()),
    ],
)
def test_what_is_not_kept_on_purpose_is_said(tmp_path, wanted, lacks):
    first = Keeping(tmp_path, "a", output=False)
    events = numbered([error("x"), output("y"), error("z"), output("end")])
    first.append([one for one in events if not isinstance(one.numbered.event.data, PaneOutput)])
    first.close()
    keeping = Keeping(tmp_path, "now", output=True)
    keeping.put(numbered([error("now")]))
    found = ask(keeping, "a", 0, wanted)
    still = tuple(kind for kind in lacks if kind != "pane.output")
    assert [one.lacks for one in found] == [lacks, still]
    assert seqs(ask(keeping, "a", 4))[0] == ("a", 4, [])  # an output was the last that was seen
    keeping.close()


def test_what_was_lost_makes_a_refusal(tmp_path):
    now = 0.0
    first = Keeping(tmp_path, "a", monotonic=lambda: now)
    events = numbered([error(str(n)) for n in range(6)])
    first.put(events[:2])
    first.journal._stop("the disk is full")
    first.append(events[2:4])
    now = 60.0
    first.put(events[4:])
    assert ask(first, "a", 1, current="a") == "expired"
    assert ask(first, "a", 3, current="a") == "expired"
    assert seqs(ask(first, "a", 4, current="a")) == [("a", 4, [5, 6])]
    first.close()


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.lists(made.events, min_size=1, max_size=8), st.booleans(), st.booleans()),
        min_size=1,
        max_size=4,
    ),
    st.lists(made.filters, min_size=1, max_size=3),
    st.data(),
)
def test_a_replay_is_the_rest_of_what_was_published(tmp_path_factory, runs, wanted, data):
    begin = data.draw(st.integers(0, len(runs) - 1))
    seq = data.draw(st.integers(0, len(runs[begin][0])))
    directory = tmp_path_factory.mktemp("replay")
    published = []
    for number, (events, is_stored, has_ended) in enumerate(runs):
        keeping = Keeping(directory, f"e{number}")
        published.append(numbered(events))
        keeping.append(published[-1])
        if is_stored:
            keeping.work()
        keeping.close(end=len(events) if has_ended else None)
    keeping = Keeping(directory, "now")
    keeping.put([])
    segments = ask(keeping, f"e{begin}", seq, *wanted)
    admits = compile_filters(wanted)
    assert [[one.line for one in segment.events] for segment in segments] == [
        [
            one.line
            for one in published[number]
            if (number > begin or one.numbered.seq > seq) and admits(one.numbered.event)
        ]
        for number in range(begin, len(runs))
    ]
    keeping.close()
