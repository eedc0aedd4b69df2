"""Packing cuts between texts only."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.events import Event, PaneBell, Place
from tmuxpulse.hub import stream
from tmuxpulse.hub.stream import Batch, Encoded, pack
from tmuxpulse.wire import Numbered

LAW = settings(max_examples=150)


def encoded(seq: int, size: int = 10) -> Encoded:
    return Encoded(Numbered(seq, "t", Event(Place(), PaneBell())), b"x" * size)


@LAW
@given(st.lists(st.text(st.characters(exclude_characters="\n"), max_size=50)), st.integers(1, 80))
def test_packing_keeps_every_text_and_the_bound(texts: list[str], bound: int) -> None:
    before = stream.MESSAGE_CHARACTERS
    stream.MESSAGE_CHARACTERS = bound
    try:
        packed = pack(texts)
    finally:
        stream.MESSAGE_CHARACTERS = before
    assert [line for message in packed for line in message.split("\n")] == texts
    assert all(len(message) <= bound or "\n" not in message for message in packed)


def test_a_batch_is_joined_once_and_knows_its_size() -> None:
    batch = Batch((encoded(1, 3), encoded(2, 4)))
    assert batch.messages == ["xxx\nxxxx"]
    assert batch.messages is batch.messages
    assert batch.size == 7
    assert Batch(()).messages == []
