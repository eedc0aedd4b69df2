"""Whoever looks at whatever however often: few entries, and the sum is right."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.serve.audit_looks import (
    LONGEST_SECONDS,
    MAX_WATCHED,
    QUIET_SECONDS,
    LookCounts,
    Looked,
    Looker,
)

A: Looker = ("owner", (("target", "%1"),))
B: Looker = ("owner", (("target", "%2"),))


def test_the_first_is_written_and_the_rest_told_when_it_is_over() -> None:
    looks = LookCounts()
    assert [looks.note(A, now)[0] for now in (0.0, 0.25, 0.5)] == [True, False, False]
    assert looks.note(B, 1.0) == (True, [])
    assert looks.next_due() == 0.5 + QUIET_SECONDS
    assert looks.due(60.0) == []
    assert looks.due(60.5) == [Looked(A, 2)]
    assert looks.next_due() is None
    assert looks.note(A, 61.0) == (True, [])
    assert looks.close() == []


def test_one_that_goes_on_is_told_from_time_to_time() -> None:
    looks = LookCounts()
    written = [looks.note(A, float(now)) for now in range(2 * int(LONGEST_SECONDS) + 1)]
    assert [alone for alone, _ in written] == [True] + [False] * (2 * int(LONGEST_SECONDS))
    told = [looked for _, over in written for looked in over]
    assert told == [Looked(A, 599), Looked(A, 600)]
    assert looks.close() == [Looked(A, 1)]
    assert looks.close() == []


def test_what_is_told_apart_is_bounded() -> None:
    looks = LookCounts()
    for now in (0.0, 1.0):
        for number in range(MAX_WATCHED):
            looks.note(("owner", (("target", f"%{number}"),)), now)
    first: Looker = ("owner", (("target", "%0"),))
    assert looks.note(("owner", (("target", "another"),)), 2.0) == (True, [Looked(first, 1)])


@settings(max_examples=100)
@given(st.lists(st.tuples(st.sampled_from([A, B]), st.floats(0.0, 100.0)), max_size=60))
def test_no_look_is_lost_or_told_twice(steps: list[tuple[Looker, float]]) -> None:
    looks = LookCounts()
    now = 0.0
    told: Counter[Looker] = Counter()
    for looker, pause in steps:
        now += pause
        alone, over = looks.note(looker, now)
        told.update({looker: alone})
        for looked in over:
            assert looked.times > 0
            told.update({looked.looker: looked.times})
    for looked in looks.close():
        told.update({looked.looker: looked.times})
    assert told == Counter(looker for looker, _ in steps)
