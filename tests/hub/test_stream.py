"""The ring keeps the last events whole or says that it cannot; packing cuts between texts only."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.events import Event, PaneBell, Place
from tmuxpulse.hub import stream
from tmuxpulse.hub.stream import Batch, Encoded, Ring, pack
from tmuxpulse.wire import Numbered

LAW = settings(max_examples=150, deadline=None)


def encoded(seq: int, size: int = 10) -> Encoded:
    return Encoded(Numbered(seq, "t", Event(Place(), PaneBell())), b"x" * size)


@LAW
@given(
    st.lists(st.integers(1, 60), max_size=40),
    st.integers(1, 20),
    st.integers(1, 400),
    st.integers(-3, 45),
)
def test_since_is_whole_or_refused(
    sizes: list[int], max_events: int, max_bytes: int, since: int
) -> None:
    ring = Ring(max_events=max_events, max_bytes=max_bytes)
    for seq, size in enumerate(sizes, 1):
        ring.append(encoded(seq, size))
        assert len(ring) <= max_events
        assert ring.bytes <= max_bytes
    newest = len(sizes)
    found = ring.since(since, newest=newest)
    if found is None:
        assert since > newest or newest - since > len(ring)
    else:
        assert [one.numbered.seq for one in found] == list(range(since + 1, newest + 1))


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
