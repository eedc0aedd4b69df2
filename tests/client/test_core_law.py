"""The core against the server's own hub and subscriptions, through cuts and restarts.

Whatever is published, subscribed to, cut and restarted, in whatever order: every subscription ends
with exactly the events that it wants from its beginning on, each once and in order. Where the
connection is too slow, what it did not get it was told of.
"""

from __future__ import annotations

import math
import random
from contextlib import ExitStack
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tmuxpulse.client.core import Core
from tmuxpulse.client.subscription import Subscription
from tmuxpulse.client.view import Gap, Restarted
from tmuxpulse.errors import ServerUnavailable
from tmuxpulse.events import Event, PaneBell, PaneOutput, PaneTitle, Place
from tmuxpulse.filters import EVERYTHING, Filter, compile_filters
from tmuxpulse.history.found import Found
from tmuxpulse.history.replay import Segment
from tmuxpulse.hub.hub import Hub
from tmuxpulse.serve.outbox import Outbox
from tmuxpulse.serve.subscriptions import Subscriptions
from tmuxpulse.wire import (
    AuthNeed,
    Established,
    Mark,
    Numbered,
    Ping,
    Pong,
    ServerIdentity,
    Subscribe,
    Unsubscribe,
    UnsubscribeConfirmed,
    decode_request,
    encode_event,
)

FILTERS = [
    EVERYTHING,
    Filter(types=("pane.bell",)),
    Filter(types=("pane.title",), sessions=("a",)),
    Filter(sessions=("a",)),
    Filter(sessions=("b",)),
]


class Run:
    """One run of the server, and all that it published."""

    def __init__(self, *, ring_events: int) -> None:
        self.hub = Hub(clock=lambda: 0.0, ring_events=ring_events)
        self.log: list[Event] = []

    def publish(self, *events: Event) -> None:
        self.hub.publish(*events)
        self.log += events


class Connection:
    """The server's side of one connection."""

    def __init__(self, law: CoreLaw) -> None:
        self._law = law
        self._stack = ExitStack()
        self._hub = law.runs[-1].hub
        self._reader = self._stack.enter_context(self._hub.reader(max_bytes=law.reader_bytes))
        self._subscriptions = Subscriptions(self._hub, self._reader)
        self._outbox = Outbox(
            self._reader, epoch=self._hub.epoch, joined=False, on_lost=self._subscriptions.lost
        )
        self._outbox.put(
            Established(
                client_id="c",
                timestamp="",
                server=ServerIdentity(version="1"),
                epoch=self._hub.epoch,
                seq=self._hub.seq,
                auth=AuthNeed(required=False),
            )
        )
        self._wire: list[str] = []

    def hear(self, texts: list[str]) -> None:
        for text in texts:
            request = decode_request(text)
            self._hub.flush()
            self._outbox.collect()
            match request:
                case Subscribe():
                    self._subscribe(request)
                case Ping():
                    self._outbox.put(Pong(id=request.id, timestamp=""))
                case Unsubscribe():
                    self._subscriptions.remove(request)
                    self._outbox.put(
                        UnsubscribeConfirmed(id=request.id, subscriptions=self._subscriptions.names)
                    )
                case _:
                    raise AssertionError(request)

    def _subscribe(self, request: Subscribe) -> None:
        past = None
        position = request.resume
        if self._subscriptions.needs_past(request):
            assert position is not None
            past = self._law.segments(position.epoch, position.seq, request.filters)
        if position is None:
            self._law.begun(len(self._law.runs) - 1, self._hub.seq)
        self._outbox.put(*self._subscriptions.add(request, past))

    def mark(self) -> None:
        """As the server's session does it."""
        self._hub.flush()
        if self._reader.filters and not self._reader.is_behind:
            self._reader.position = self._hub.seq
            self._outbox.put(Mark(seq=self._hub.seq, timestamp=""))

    def say(self, count: int) -> list[bytes]:
        """The next messages."""
        self._hub.flush()
        while len(self._wire) < count and (more := self._outbox.take()):
            self._wire += more
        said, self._wire = self._wire[:count], self._wire[count:]
        return [text.encode() for text in said]

    def close(self) -> None:
        self._stack.close()


class CoreLaw:
    """One core, one server at a time.

    Attributes:
        reader_bytes: how much the server keeps for a connection that is slow.

    Args:
        ring_events: how many events the server keeps in memory; older ones are in its history.
        wanted: what is subscribed to from the beginning.
    """

    reader_bytes = 1 << 20

    def __init__(self, ring_events: int, wanted: list[Filter]) -> None:
        self.now = 0.0
        self.ring_events = ring_events
        self.runs = [Run(ring_events=ring_events)]
        self.connection: Connection | None = None
        self.starts: dict[int, tuple[int, int]] = {}  # by subscription: run, number
        self.got: dict[int, list[tuple[str, int]]] = {}
        self.subscriptions: list[Subscription] = []
        self.core = self.make_core()
        self.connect()
        self.deliver(1)
        for one in wanted:
            self.subscribe(one)

    def make_core(self) -> Core:
        """The core that the law is about."""
        return Core("the server", random=random.Random(1).random)

    # --- what the server side needs --------------------------------------------------------

    def segments(self, epoch: str, seq: int, wanted: Filter) -> list[Segment]:
        at = next(at for at, run in enumerate(self.runs) if run.hub.epoch == epoch)
        admits = compile_filters([wanted])
        found = []
        for run in self.runs[at:]:
            after = seq if run is self.runs[at] else 0
            events = [
                Found(run.hub.epoch, Numbered(n, "", one), encode_event(n, "", one), 0)
                for n, one in enumerate(run.log, 1)
                if n > after and admits(one)
            ]
            found.append(
                Segment(
                    epoch=run.hub.epoch, after=after, last=len(run.log), events=events, lacks=()
                )
            )
        return found

    def begun(self, run: int, seq: int) -> None:
        asked = self.core._asked_for
        assert asked is not None
        assert asked.at is None
        self.starts[id(asked)] = (run, seq)

    # --- what happens ----------------------------------------------------------------------

    def publish(self, session: str, is_bell: bool, count: int) -> None:
        data = PaneBell() if is_bell else PaneTitle(title="t", previous="")
        self.runs[-1].publish(*[Event(Place(session=session), data)] * count)

    def subscribe(self, wanted: Filter) -> None:
        if len(self.subscriptions) < 4:
            one = self.core.subscribe(wanted)
            self.subscriptions.append(one)
            self.got[id(one)] = []

    def unsubscribe(self, at: int) -> None:
        if at < len(self.subscriptions):
            self.subscriptions.pop(at).is_abandoned = True

    def deliver(self, count: int) -> None:
        if self.connection is not None:
            self.connection.hear(self.core.outgoing())
            self.now += 1.0
            self.core.receive(self.connection.say(count), self.now)
            assert self.core.broken is None

    def mark(self) -> None:
        if self.connection is not None:
            self.connection.mark()

    def cut(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None
            self.core.lost(ServerUnavailable("cut"), self.now)
            assert self.core.ended is None

    def connect(self) -> None:
        if self.connection is None:
            self.connection = Connection(self)
            self.core.opened(self.now)

    def restart(self) -> None:
        self.cut()
        self.runs.append(Run(ring_events=self.ring_events))

    def read(self, at: int) -> None:
        for one in self.subscriptions[at : at + 1]:
            while (event := one.take()) is not None:
                assert not isinstance(event.data, Gap)
                if isinstance(event.data, Restarted):
                    self.got[id(one)].append((event.data.epoch, 0))
                else:
                    self.got[id(one)].append((event.epoch, event.seq))

    # --- what is true in the end -----------------------------------------------------------

    def follow(self, steps: list[tuple[Any, ...]]) -> None:
        """Do what `STEPS` name, and check."""
        for name, *arguments in steps:
            getattr(self, name)(*arguments)
        self.check()

    def cut_while_it_resumes(self, choose: random.Random) -> None:
        """Publish, cut and connect again, by chance; and check."""
        for _ in range(choose.randint(2, 8)):
            for _ in range(choose.randint(0, 12)):
                self.publish(choose.choice("ab"), choose.random() < 0.5, 1)
                if choose.random() < 0.7:
                    self.deliver(1)
            self.cut()
            if choose.random() < 0.2:
                self.restart()
            for _ in range(choose.randint(0, 4)):
                self.publish(choose.choice("ab"), choose.random() < 0.5, 1)
            self.connect()
        self.check()

    def check(self) -> None:
        self.connect()
        for _ in range(20):  # a round for each request of each subscription
            self.deliver(10_000)
        for at, one in enumerate(self.subscriptions):
            self.read(at)
            assert one.is_confirmed
            self.compare(one)
        assert self.connection is not None
        self.connection.close()

    def compare(self, one: Subscription) -> None:
        assert self.got[id(one)] == self.owed(one), one.wanted

    def owed(self, one: Subscription) -> list[tuple[str, int]]:
        first, after = self.starts[id(one)]
        admits = compile_filters([one.wanted])
        found = []
        for at, run in enumerate(self.runs[first:], first):
            if at > first:
                found.append((run.hub.epoch, 0))
            found += [
                (run.hub.epoch, n)
                for n, event in enumerate(run.log, 1)
                if admits(event) and (at > first or n > after)
            ]
        return found


class SlowLaw(CoreLaw):
    """The same, where the server keeps little for who is slow."""

    reader_bytes = 500

    def __init__(self, ring_events: int, wanted: list[Filter]) -> None:
        self.gaps: dict[int, list[tuple[str, Gap]]] = {}
        super().__init__(ring_events, wanted)

    def publish(self, session: str, is_bell: bool, count: int) -> None:
        super().publish(session, is_bell, count)
        self.runs[-1].hub.flush()  # each is a batch of its own, and waits

    def output(self, session: str, count: int) -> None:
        data = PaneOutput(mode="append", lines=("x" * 40,))
        self.runs[-1].publish(*[Event(Place(session=session), data)] * count)
        self.runs[-1].hub.flush()

    def read(self, at: int) -> None:
        for one in self.subscriptions[at : at + 1]:
            got, gaps = self.got[id(one)], self.gaps.setdefault(id(one), [])
            while (event := one.take()) is not None:
                key = (event.epoch, event.seq)
                if isinstance(event.data, Gap):
                    gaps.append((event.epoch, event.data))
                    assert not got or got[-1] <= key or got[-1][0] != key[0]
                else:
                    got.append(key)

    def compare(self, one: Subscription) -> None:
        """In order, each once; and of the others it was told."""
        got, owed = self.got[id(one)], self.owed(one)
        ranks = {run.hub.epoch: rank for rank, run in enumerate(self.runs)}
        order = [(ranks[epoch], seq) for epoch, seq in got]
        assert order == sorted(set(order))
        assert set(got) <= set(owed)
        for epoch, seq in sorted(set(owed) - set(got)):
            kind = self.runs[ranks[epoch]].log[seq - 1].type
            assert any(
                epoch == where
                and (gap.first or 0) <= seq <= (gap.last or math.inf)
                and gap.only in (None, kind)
                for where, gap in self.gaps[id(one)]
            ), (epoch, seq)


PUBLISH = st.tuples(st.just("publish"), st.sampled_from("ab"), st.booleans(), st.integers(1, 3))
OUTPUT = st.tuples(st.just("output"), st.sampled_from("ab"), st.integers(1, 4))
# The gap of what the second one will miss comes before what the second one has missed.
GAP_BEFORE_REPLAY = [
    *[("output", "a", 1)] * 4,
    *(("deliver", 1), ("subscribe", EVERYTHING)),
    *[("output", "a", 1)] * 5,
    *(("deliver", 1), ("cut",), ("output", "a", 1), ("output", "a", 1), ("connect",)),
    *(("deliver", 1), ("deliver", 1), ("output", "b", 1), ("output", "b", 2)),
]
STEPS = st.one_of(
    PUBLISH,
    PUBLISH,
    st.tuples(st.just("deliver"), st.integers(1, 3)),
    st.tuples(st.just("deliver"), st.sampled_from([1, 2, 50])),
    st.tuples(st.sampled_from(["cut", "connect", "connect", "mark", "restart"])),
    st.tuples(st.just("subscribe"), st.sampled_from(FILTERS)),
    st.tuples(st.sampled_from(["unsubscribe", "read"]), st.integers(0, 3)),
)


@settings(max_examples=100)
@given(
    st.sampled_from([3, 1000]),
    st.lists(st.sampled_from(FILTERS), min_size=1, max_size=3),
    st.lists(STEPS, min_size=10, max_size=60),
)
def test_every_subscription_gets_exactly_what_it_wants(
    ring_events: int, wanted: list[Filter], steps: list[tuple[Any, ...]]
) -> None:
    law = CoreLaw(ring_events, wanted)
    law.follow(steps)


@settings(max_examples=100)
@given(st.randoms(use_true_random=False), st.sampled_from([3, 1000]))
def test_and_when_it_is_cut_while_it_resumes(choose: random.Random, ring_events: int) -> None:
    law = CoreLaw(ring_events, choose.sample(FILTERS, 3))
    law.cut_while_it_resumes(choose)


@example(3, [Filter(sessions=("b",))], GAP_BEFORE_REPLAY)
@settings(max_examples=100)
@given(
    st.sampled_from([3, 1000]),
    st.lists(st.sampled_from(FILTERS), min_size=1, max_size=3),
    st.lists(st.one_of(OUTPUT, OUTPUT, PUBLISH, PUBLISH, STEPS), min_size=20, max_size=80),
)
def test_who_is_too_slow_is_told_of_all_that_it_does_not_get(
    ring_events: int, wanted: list[Filter], steps: list[tuple[Any, ...]]
) -> None:
    law = SlowLaw(ring_events, wanted)
    law.follow(steps)
