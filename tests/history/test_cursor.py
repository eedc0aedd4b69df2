"""A cursor says where to go on, to its own maker only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmuxpulse.errors import RequestError
from tmuxpulse.history.cursor import Cursors

CURSORS = Cursors()
ids = st.integers(0, 2**63 - 1)


@given(ids, st.booleans())
def test_it_is_read_as_it_was_made(event_id, newest_first):
    cursor = CURSORS.make(event_id, newest_first=newest_first)
    assert CURSORS.read(cursor, newest_first=newest_first) == event_id


@given(ids, st.data())
def test_one_that_was_changed_is_refused(event_id, data):
    cursor = CURSORS.make(event_id, newest_first=True)
    at = data.draw(st.integers(0, len(cursor) - 2))
    other = data.draw(st.sampled_from("abcXYZ019-_=é"))
    changed = cursor[:at] + other + cursor[at + 1 :]
    if changed != cursor:
        with pytest.raises(RequestError):
            CURSORS.read(changed, newest_first=True)


@given(st.text(max_size=200))
def test_one_of_somebodys_making_is_refused(text):
    with pytest.raises(RequestError):
        CURSORS.read(text, newest_first=True)


def test_two_for_the_same_place_are_not_alike_and_equally_long():
    one, other = (CURSORS.make(number, newest_first=True) for number in (1, 2**62))
    assert one != CURSORS.make(1, newest_first=True)
    assert len(one) == len(other)


def test_another_spelling_of_the_same_bytes_is_refused():
    cursor = CURSORS.make(49, newest_first=True)
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = digits.index(cursor[49])  # two of its six bits count
    for other in range(last // 16 * 16, last // 16 * 16 + 16):
        changed = f"{cursor[:49]}{digits[other]}=="
        if other != last:
            with pytest.raises(RequestError):
                CURSORS.read(changed, newest_first=True)
    assert CURSORS.read(cursor, newest_first=True) == 49
