"""The hub: every reader holds an exact run of events, or was told exactly what it lost."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import trio
import trio.testing
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from trio.testing import MockClock

from tests.sources import Told
from tmuxpulse.events import Event, PaneBell, PaneOutput, PaneTitle, Place
from tmuxpulse.filters import EVERYTHING, Filter, compile_filters
from tmuxpulse.hub.hub import MOST_REST_SECONDS, REST_FROM_SECONDS, Hub
from tmuxpulse.hub.reader import Reader, Received
from tmuxpulse.hub.stream import Batch, Lag, Lost, Thinned
from tmuxpulse.hub.tally import Tally
from tmuxpulse.wire import Numbered, ServerView, decode_message

BELLS = Filter(types=("pane.bell",))
IN_A = Filter(sessions=("a",))
CHOICES = [
    frozenset[Filter](),
    frozenset({EVERYTHING}),
    frozenset({BELLS}),
    frozenset({IN_A}),
    frozenset({BELLS, IN_A}),
]


def bell(session: str = "a") -> Event:
    return Event(Place(session=session), PaneBell())


def title(session: str = "a", text: str = "t") -> Event:
    return Event(Place(session=session), PaneTitle(title=text, previous=""))


def output(session: str = "a") -> Event:
    return Event(Place(session=session), PaneOutput(mode="append", lines=("x" * 50,)))


def seqs(batch: Received | str | None) -> list[int]:
    assert isinstance(batch, Batch)
    return [event.numbered.seq for event in batch.events]


def drain(reader: Reader) -> list[Received]:
    return list(iter(reader.receive_nowait, None))


class ReadersLaw(RuleBasedStateMachine):
    """Readers of every kind and speed, over one stream, against a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.hub = Hub(clock=lambda: 0.0)
        self.published: list[Event] = []
        self.readers: list[Reader] = []
        self.expected: list[list[int]] = []  # what each reader is owed, by number
        self.got: list[list[int]] = []

    @rule(
        session=st.sampled_from("ab"),
        make=st.sampled_from([bell, title, output]),
        n=st.integers(1, 4),
    )
    def publish(self, session: str, make: type, n: int) -> None:
        events = [make(session) for _ in range(n)]
        self.hub.publish(*events)
        for event in events:
            self.published.append(event)
            for owed, reader in zip(self.expected, self.readers, strict=True):
                if reader.filters and compile_filters(reader.filters)(event):
                    owed.append(len(self.published))

    @rule(batches=st.integers(1, 3), max_bytes=st.sampled_from([1, 300, 1500, 10_000]))
    def open_reader(self, batches: int, max_bytes: int) -> None:
        if len(self.readers) < 4:
            reader = Reader(
                self.hub._state_now, batches=batches, max_bytes=max_bytes, tally=Tally()
            )
            self.readers.append(reader)
            self.expected.append([])
            self.got.append([])

    @rule(which=st.integers(0, 3), filters=st.sampled_from(CHOICES))
    def move(self, which: int, filters: frozenset[Filter]) -> None:
        if which < len(self.readers):
            self.hub.move(self.readers[which], filters)

    @rule()
    def flush(self) -> None:
        self.hub.flush()

    @rule(which=st.integers(0, 3), everything=st.booleans())
    def read(self, which: int, everything: bool) -> None:
        if which >= len(self.readers):
            return
        while (found := self.readers[which].receive_nowait()) is not None:
            owed = self.expected[which]
            if isinstance(found, Lag):
                assert found.queued > 0
            elif isinstance(found, Thinned):
                gone = [
                    seq
                    for seq in owed
                    if found.from_seq <= seq <= found.to_seq
                    and isinstance(self.published[seq - 1].data, PaneOutput)
                ]
                assert (gone[0], gone[-1], len(gone)) == (
                    found.from_seq,
                    found.to_seq,
                    found.dropped,
                )
                owed[:] = [seq for seq in owed if seq not in gone]
            elif isinstance(found, Lost):
                assert found.to_seq == len(self.published)
                assert owed[0] == found.from_seq
                assert found.dropped == len(owed)
                owed.clear()
            else:
                numbers = seqs(found)
                assert numbers == owed[: len(numbers)]
                assert numbers
                del owed[: len(numbers)]
                self.got[which] += numbers
            if not everything:
                return

    @invariant()
    def nothing_comes_twice_or_out_of_order(self) -> None:
        for numbers in self.got:
            assert numbers == sorted(set(numbers))

    @invariant()
    def queues_are_bounded(self) -> None:
        for reader in self.readers:
            channel = reader._channel.statistics()
            assert channel.current_buffer_used <= channel.max_buffer_size
            assert (reader._queued_bytes == 0) == (channel.current_buffer_used == 0)
            assert channel.current_buffer_used <= 1 or reader._queued_bytes <= reader._max_bytes

    def teardown(self) -> None:
        self.hub.flush()
        for which in range(len(self.readers)):
            self.read(which, everything=True)
            assert self.expected[which] == []


TestReadersLaw = ReadersLaw.TestCase
TestReadersLaw.settings = settings(max_examples=80, stateful_step_count=30)


def test_events_are_numbered_encoded_once_and_shared() -> None:
    hub = Hub(clock=lambda: 1.5)
    with hub.reader() as one, hub.reader() as other:
        hub.move(one, frozenset({EVERYTHING}))
        hub.move(other, frozenset({EVERYTHING}))
        hub.publish(bell(), title())
        hub.publish()
        hub.flush()
        mine, theirs = one.receive_nowait(), other.receive_nowait()
    assert mine is theirs
    assert seqs(mine) == [1, 2]
    assert isinstance(mine, Batch)
    assert decode_message(mine.events[0].line) == Numbered(1, "1970-01-01T00:00:01.500Z", bell())
    assert hub._groups == {}


def test_a_reader_gets_what_it_was_owed_before_a_move_and_nothing_older_after() -> None:
    hub = Hub()
    with hub.reader() as reader:
        hub.publish(bell())
        hub.move(reader, frozenset({BELLS}))
        hub.publish(bell(), title())
        hub.move(reader, frozenset({EVERYTHING}))
        hub.publish(title())
        hub.flush()
        assert [seqs(batch) for batch in drain(reader)] == [[2], [4]]


def size_of(*events: Event) -> int:
    """Bytes of these events, each published alone in a new hub."""
    hub = Hub()
    hub.publish(*events)
    return hub.ring.bytes


def test_who_falls_behind_is_told_the_range_and_gets_the_state_then_goes_on() -> None:
    hub = Hub()
    servers = ServerView(name="default", socket="/s", up=True)
    room = size_of(bell()) * 2 + 10
    with hub.source("default", Told(lambda: (servers, []))), hub.reader(max_bytes=room) as slow:
        hub.move(slow, frozenset({BELLS}))
        for _ in range(5):
            hub.publish(bell(), title())
            hub.flush()
        lag, first, lost = drain(slow)
        assert lag == Lag(seq=3, queued=2)
        assert seqs(first) == [1, 3]
        assert isinstance(lost, Lost)
        assert (lost.from_seq, lost.to_seq, lost.dropped) == (5, 10, 3)
        assert lost.tree.servers == [servers]
        hub.publish(bell())
        hub.flush()
        assert [seqs(batch) for batch in drain(slow)] == [[11]]
    assert hub.snapshot().servers == []


def test_what_panes_print_goes_first_and_everything_else_still_comes() -> None:
    hub = Hub()
    with hub.reader(max_bytes=size_of(output()) * 10) as slow:
        hub.move(slow, frozenset({EVERYTHING}))
        for _ in range(9):
            hub.publish(output())
            hub.flush()
            hub.publish(bell())
            hub.flush()
        lag, thinned, batch, *more = drain(slow)
        assert isinstance(lag, Lag)
        assert isinstance(thinned, Thinned)
        kept = [*seqs(batch), *(seq for one in more for seq in seqs(one))]
        assert [seq for seq in kept if seq % 2 == 0] == [2, 4, 6, 8, 10, 12, 14, 16, 18]
        missing = [seq for seq in range(1, 19) if seq not in kept]
        assert (thinned.from_seq, thinned.to_seq) == (missing[0], missing[-1])
        assert thinned.dropped == len(missing)


def test_many_small_batches_are_joined_and_none_is_lost() -> None:
    hub = Hub()
    with hub.reader(batches=2) as slow:
        hub.move(slow, frozenset({EVERYTHING}))
        for _ in range(50):
            hub.publish(bell(), output())
            hub.flush()
        found = [one for one in drain(slow) if not isinstance(one, Lag)]
        assert [seq for one in found for seq in seqs(one)] == list(range(1, 101))


def test_it_is_told_once_that_it_is_slow_and_again_after_it_caught_up() -> None:
    hub = Hub()
    with hub.reader(max_bytes=size_of(bell()) * 10) as slow:
        hub.move(slow, frozenset({EVERYTHING}))
        told = 0
        for _ in range(2):
            for _ in range(8):
                hub.publish(bell())
                hub.flush()
            told += sum(isinstance(one, Lag) for one in drain(slow))
        assert told == 2


def test_what_waits_to_be_handed_out_when_a_gap_is_told_is_part_of_it() -> None:
    hub = Hub()
    with hub.reader(batches=1, max_bytes=size_of(bell())) as slow:
        hub.move(slow, frozenset({EVERYTHING}))
        for _ in range(2):
            hub.publish(bell())
            hub.flush()
        assert seqs(slow.receive_nowait()) == [1]
        hub.publish(bell())  # the state of the gap holds it already
        lost = slow.receive_nowait()
        assert isinstance(lost, Lost)
        assert (lost.from_seq, lost.to_seq, lost.dropped) == (2, 3, 2)
        hub.flush()
        assert drain(slow) == []


def test_a_slow_reader_costs_the_others_nothing() -> None:
    hub = Hub()
    with hub.reader(batches=1) as slow, hub.reader() as quick:
        hub.move(slow, frozenset({EVERYTHING}))
        hub.move(quick, frozenset({EVERYTHING}))
        got: list[int] = []
        for _ in range(600):
            hub.publish(bell())
            hub.flush()
            got += [seq for batch in drain(quick) for seq in seqs(batch)]
        assert got == list(range(1, 601))


async def test_a_batch_over_the_bound_still_reaches_a_reader_that_waits() -> None:
    hub = Hub()
    with hub.reader(max_bytes=10) as reader:
        hub.move(reader, frozenset({EVERYTHING}))
        got: list[Received] = []

        async def read() -> None:
            got.append(await reader.receive())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await trio.testing.wait_all_tasks_blocked()
            hub.publish(bell(), bell())
            hub.flush()
        assert seqs(got[0]) == [1, 2]


async def test_what_one_pass_publishes_goes_out_together() -> None:
    hub = Hub()
    async with trio.open_nursery() as nursery:
        await nursery.start(hub.run)
        with hub.reader() as reader:
            hub.move(reader, frozenset({EVERYTHING}))
            hub.publish(bell())
            hub.publish(bell())
            assert seqs(await reader.receive()) == [1, 2]
            hub.publish(bell())
            assert seqs(await reader.receive()) == [3]
        nursery.cancel_scope.cancel()


async def test_a_cancelled_receive_loses_nothing(autojump_clock: MockClock) -> None:
    hub = Hub()
    with hub.reader() as reader:
        hub.move(reader, frozenset({EVERYTHING}))
        with trio.move_on_after(1):
            await reader.receive()
        hub.publish(bell())
        hub.flush()
        assert seqs(await reader.receive()) == [1]


async def test_a_closed_reader_ends_after_what_is_queued() -> None:
    hub = Hub()
    with hub.reader() as reader:
        hub.move(reader, frozenset({EVERYTHING}))
        hub.publish(bell())
    assert seqs(await reader.receive()) == [1]
    with pytest.raises(trio.EndOfChannel):
        await reader.receive()
    await reader.wait()


async def test_wait_ends_by_an_event_or_by_wake() -> None:
    hub = Hub()
    with hub.reader() as reader:
        hub.move(reader, frozenset({EVERYTHING}))
        for events in ([], [bell()], []):  # the third finds what the second left
            async with trio.open_nursery() as nursery:
                nursery.start_soon(reader.wait)
                await trio.testing.wait_all_tasks_blocked()
                hub.publish(*events)
                hub.flush()
                reader.wake()


def test_a_sink_takes_batches_only_when_nothing_is_before_them() -> None:
    hub = Hub()
    taken: list[int] = []
    willing = True

    def sink(batch: Batch) -> bool:
        if willing:
            taken.extend(seqs(batch))
        return willing

    def publish() -> None:
        hub.publish(bell())
        hub.flush()

    with hub.reader() as reader:
        reader.sink = sink
        hub.move(reader, frozenset({EVERYTHING}))
        publish()
        willing = False
        publish()
        willing = True
        publish()  # behind the one that was refused
        assert taken == [1]
        assert [seqs(batch) for batch in drain(reader)] == [[2], [3]]
        publish()
        assert taken == [1, 4]


def numbers(events: Iterable[Event], wanted: frozenset[Filter], after: int) -> list[int]:
    admits = compile_filters(wanted)
    return [seq for seq, event in enumerate(events, 1) if seq > after and admits(event)]


@pytest.mark.parametrize("wanted", CHOICES[1:])
def test_a_replay_is_whole_or_refused(wanted: frozenset[Filter]) -> None:
    hub = Hub(ring_events=10)
    events = [bell("a"), title("a"), bell("b"), title("b")] * 5
    hub.publish(*events)
    for seq in range(10, 21):
        found = hub.replay(wanted, epoch=hub.epoch, seq=seq)
        assert seqs(found) == numbers(events, wanted, seq)
    assert hub.replay(wanted, epoch=hub.epoch, seq=9) == "expired"
    assert hub.replay(wanted, epoch=hub.epoch, seq=21) == "expired"
    assert hub.replay(wanted, epoch="other", seq=20) == "epoch"
    assert seqs(hub.last(wanted, 3)) == numbers(events, wanted, 10)[-3:]
    assert seqs(hub.last(wanted, 0)) == []


@pytest.mark.parametrize(("took", "batches"), [(0.0, [[1], [2], [3]]), (0.01, [[1], [2, 3]])])
async def test_after_a_long_handing_out_more_comes_together(
    autojump_clock, monkeypatch, took, batches
):
    monkeypatch.setattr("tmuxpulse.hub.hub.REST_FROM_SECONDS", REST_FROM_SECONDS)
    hub = Hub(clock=lambda: 0.0)
    got: list[list[int]] = []

    def sink(batch: Batch) -> bool:
        got.append(seqs(batch))
        autojump_clock.jump(took)
        return True

    async with trio.open_nursery() as nursery:
        await nursery.start(hub.run)
        with hub.reader() as reader:
            reader.sink = sink
            hub.move(reader, frozenset({EVERYTHING}))
            for _ in range(3):
                hub.publish(bell())
                await trio.testing.wait_all_tasks_blocked()
            await trio.sleep(MOST_REST_SECONDS)
            assert got == batches
        nursery.cancel_scope.cancel()
