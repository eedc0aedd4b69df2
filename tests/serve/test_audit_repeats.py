"""However many strangers do however much: few entries, and the sum is right."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.serve.audit_repeats import (
    EACH,
    MAX_PEERS,
    MINUTE_SECONDS,
    PER_PEER,
    SUMMARIES,
    Repeats,
    Summary,
)


def test_the_first_ten_of_a_peer_are_written_and_then_one_that_counts() -> None:
    repeats = Repeats()
    alone = [repeats.note("a", now / 100)[0] for now in range(1000)]
    assert alone == [True] * PER_PEER + [False] * (1000 - PER_PEER)
    assert repeats.due(59.9) == []
    assert repeats.next_due() == MINUTE_SECONDS
    assert repeats.due(60.0) == [Summary("a", 1, 990)]
    assert repeats.next_due() is None
    assert repeats.due(1000.0) == []
    assert repeats.note("a", 1001.0) == (True, [])


def test_the_next_one_brings_the_summary_that_nobody_asked_for() -> None:
    repeats = Repeats()
    for _ in range(11):
        repeats.note("a", 0.0)
    assert repeats.note("b", 60.0) == (True, [Summary("a", 1, 1)])


def test_a_flood_from_everywhere_is_a_minute_of_sixty_entries() -> None:
    repeats = Repeats()
    alone = sum(repeats.note(f"p{number}", 0.0)[0] for number in range(100_000))
    assert alone == EACH
    assert len(repeats._written) <= MAX_PEERS
    assert len(repeats._held) <= MAX_PEERS
    summaries = repeats.close()
    assert len(summaries) == SUMMARIES
    assert sum(summary.times for summary in summaries) == 100_000 - EACH
    assert summaries[-1].peer == ""


@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(st.integers(0, 30).map(str), st.floats(0, 30), st.integers(1, 40)), max_size=60
    )
)
def test_nothing_is_forgotten_and_no_minute_is_long(steps):
    repeats = Repeats()
    now, begun = 0.0, None
    counted: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    summed = in_minute = 0
    of_peer: Counter[str] = Counter()
    for peer, seconds, times in steps:
        now += seconds
        for _ in range(times):
            written, over = repeats.note(peer, now)
            if begun is None or now >= begun + MINUTE_SECONDS:
                assert in_minute + len(over) <= EACH + SUMMARIES
                begun, in_minute = now, 0
                of_peer.clear()
            else:
                assert over == []
            counted[peer] += 1
            alone[peer] += written
            of_peer[peer] += written
            in_minute += written
            summed += sum(summary.times for summary in over)
            assert of_peer[peer] <= PER_PEER
    left = repeats.close()
    assert in_minute + len(left) <= EACH + SUMMARIES
    summed += sum(summary.times for summary in left)
    assert sum(counted.values()) == sum(alone.values()) + summed
