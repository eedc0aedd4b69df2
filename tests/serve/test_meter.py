"""The meter sees what the frames say, in any chunking."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.serve.meter import MessageMeter

TEXT, CONTINUATION, PING = 1, 0, 9


def frame(opcode: int, size: int, *, fin: bool = True, payload: bool = True) -> bytes:
    """A masked frame, as a client sends it."""
    first = opcode | (0x80 if fin else 0)
    if size < 126:
        head = bytes([first, 0x80 | size])
    elif size < 65536:
        head = bytes([first, 0x80 | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([first, 0x80 | 127]) + size.to_bytes(8, "big")
    return head + b"mask" + (b"p" * size if payload else b"")


def message(*sizes: int) -> bytes:
    """One message in fragments, a ping between any two."""
    last = len(sizes) - 1
    frames = [
        frame(CONTINUATION if position else TEXT, size, fin=position == last)
        for position, size in enumerate(sizes)
    ]
    return frame(PING, 5).join(frames)


@settings(max_examples=200)
@given(
    st.lists(st.lists(st.sampled_from([0, 1, 60, 125, 126, 200, 300]), min_size=1, max_size=6)),
    st.integers(1, 64),
)
def test_the_first_message_over_a_bound_is_seen_in_any_chunking(
    messages: list[list[int]], chunk: int
) -> None:
    stream = b"".join(message(*sizes) for sizes in messages)
    meter = MessageMeter(400, max_fragments=4)
    fits = all(meter.feed(stream[at : at + chunk]) for at in range(0, len(stream), chunk))
    assert fits == all(sum(sizes) <= 400 and len(sizes) <= 4 for sizes in messages)


def test_the_bound_itself_fits_and_one_more_does_not() -> None:
    assert MessageMeter(65536).feed(message(65536))
    assert not MessageMeter(65536).feed(message(65537))
    assert not MessageMeter(65536).feed(message(65536, 1))


def test_a_size_is_refused_when_it_is_announced() -> None:
    assert not MessageMeter(65536).feed(frame(TEXT, 2**40, payload=False))


def test_empty_fragments_are_counted() -> None:
    meter = MessageMeter(65536)
    assert meter.feed(frame(TEXT, 0, fin=False) + frame(CONTINUATION, 0, fin=False) * 1023)
    assert not meter.feed(frame(CONTINUATION, 0, fin=False))


@pytest.mark.parametrize("opcode", [8, 9, 10])
def test_control_frames_never_count(opcode: int) -> None:
    meter = MessageMeter(10)
    assert meter.feed(frame(opcode, 125) * 10_000)
    assert meter.feed(message(10))
