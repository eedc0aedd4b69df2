"""The ring keeps the last events whole, or says that it cannot."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tmuxpulse.events import Custom, Data, Event, PaneBell, PaneOutput, Place
from tmuxpulse.hub import ring as module
from tmuxpulse.hub.ring import Ring
from tmuxpulse.hub.stream import Encoded
from tmuxpulse.wire import Numbered, encode_event

LAW = settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def encoded(seq: int, size: int) -> Encoded:
    event = Event(Place(server="s"), PaneOutput(mode="append", lines=("x" * size,)))
    return Encoded(Numbered(seq, "t", event), encode_event(seq, "t", event))


def text_of(event: Event) -> str:
    assert isinstance(event.data, PaneOutput)
    return "".join(event.data.lines)


def shown(events: list[Encoded]) -> list[tuple[int, Numbered, bytes]]:
    return [(one.seq, one.numbered, one.line) for one in events]


LEAST = len(encoded(1, 0).line)


@pytest.fixture(params=[(2, 100_000, 3, 100_000), (4, 900, 5, 700), (2048, 1 << 20, 256, 1 << 17)])
def bounds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How much is kept as it is, and how much is compressed together."""
    recent, recent_bytes, block, block_bytes = request.param
    monkeypatch.setattr(module, "RECENT_EVENTS", recent)
    monkeypatch.setattr(module, "RECENT_BYTES", recent_bytes)
    monkeypatch.setattr(module, "BLOCK_EVENTS", block)
    monkeypatch.setattr(module, "BLOCK_BYTES", block_bytes)


@pytest.mark.usefixtures("bounds")
@LAW
@given(
    st.lists(st.integers(0, 60), max_size=40),
    st.integers(1, 20),
    st.integers(LEAST, LEAST * 40),
    st.integers(-3, 45),
)
def test_since_is_whole_or_refused(
    sizes: list[int], max_events: int, max_bytes: int, since: int
) -> None:
    ring = Ring(max_events=max_events, max_bytes=max_bytes)
    given = [encoded(seq, size) for seq, size in enumerate(sizes, 1)]
    for one in given:
        ring.append(one)
    kept: list[Encoded] = []
    for one in reversed(given):
        if len(kept) == max_events or sum(len(k.line) for k in [*kept, one]) > max_bytes:
            break
        kept.append(one)
    assert shown(list(ring.newest_first())) == shown(kept)
    assert len(ring) == len(kept)
    assert ring.bytes == sum(len(one.line) for one in kept)
    newest = len(sizes)
    found = ring.since(since, newest=newest, admits=lambda event: len(text_of(event)) % 2 == 0)
    assert ring.holds(since, newest=newest) == (found is not None)
    if found is None:
        assert since > newest or newest - since > len(kept)
    else:
        assert shown(found) == shown(
            [one for one in given[since:] if len(text_of(one.numbered.event)) % 2 == 0]
        )


def test_every_event_comes_back_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RECENT_EVENTS", 0)
    monkeypatch.setattr(module, "BLOCK_EVENTS", 1)
    ring = Ring(max_events=10_000, max_bytes=1 << 30)
    datas: list[Data] = [
        PaneBell(),
        PaneOutput(mode="append", lines=("a\nb", "\u2028"), bytes=7),
        Custom(name="custom.x", data={"a": [1, None, "\n"]}),
    ]
    told: list[Encoded] = []
    for seq, data in enumerate(datas, 1):
        event = Event(Place(server="s", pane=0), data)
        told.append(Encoded(Numbered(seq, "t", event), encode_event(seq, "t", event)))
    for one in told:
        ring.append(one)
    found = ring.since(0, newest=len(told), admits=lambda _: True)
    assert found is not None
    assert [(one.seq, one.kind, one.numbered, one.line) for one in found] == [
        (
            number,
            type(data),
            Numbered(number, "t", Event(Place(server="s", pane=0), data)),
            one.line,
        )
        for number, (data, one) in enumerate(zip(datas, told, strict=True), 1)
    ]


def test_who_waits_for_an_event_that_is_not_among_the_newest_has_its_encoding_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "RECENT_EVENTS", 4)
    monkeypatch.setattr(module, "BLOCK_EVENTS", 2)
    ring = Ring(max_events=8, max_bytes=1 << 30)
    told = [encoded(seq, 3) for seq in range(1, 21)]
    whole = [one.numbered for one in told]
    for one in told:
        ring.append(one)
    assert [one.numbered is given for one, given in zip(told, whole, strict=True)] == [
        *[False] * 16, *[True] * 4
    ]  # fmt: skip
    assert [one.numbered for one in told] == whole
