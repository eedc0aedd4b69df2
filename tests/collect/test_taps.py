"""Terminal bytes: made for those who ask, in events of a bounded size."""

from __future__ import annotations

from trio.testing import MockClock

from tmuxpulse.collect.taps import HOLD_SECONDS, MAX_EVENT_BYTES, Taps
from tmuxpulse.redaction.redactor import Redactor

SECRET = b"ghp_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF3gH6"
SIZE = (80, 24)


def test_bytes_pass_and_large_ones_in_pieces() -> None:
    taps = Taps(Redactor(()))
    data = bytes(range(32, 127)) * 400
    found = taps.feed("%1", data, SIZE)
    assert b"".join(one.data for one in found) == data
    assert max(len(one.data) for one in found) == MAX_EVENT_BYTES
    assert {(one.columns, one.rows) for one in found} == {SIZE}
    assert taps.panes == ["%1"]


def test_what_is_held_back_comes_masked_with_a_flush() -> None:
    taps = Taps(Redactor())
    first = taps.feed("%1", b"key " + SECRET[:20], SIZE)
    second = taps.flush("%1", SIZE)
    text = b"".join(one.data for one in [*first, *second])
    assert text.startswith(b"key ")
    assert SECRET[4:14] not in text
    assert taps.flush("%2", SIZE) == []
    taps.forget("%1")
    assert taps.panes == []


async def test_it_waits_for_more_for_a_moment(autojump_clock: MockClock) -> None:
    taps = Taps(Redactor())
    taps.feed("%1", b"x", SIZE)
    await taps.wait()
    assert HOLD_SECONDS > 0
    assert not taps.holding.value
    taps.feed("%1", b"x", SIZE)
    taps.clear()
    assert (taps.panes, taps.holding.value) == ([], False)
