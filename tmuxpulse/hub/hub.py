"""Sequence, fan-out and snapshots: where events become a stream.

`Hub.publish` never waits and never fails because of a reader. Each event is encoded once. Readers
with equal filters form a group and share one joined batch; each reader has one bounded memory
channel of batches, and hurts nobody but itself when it is slow (`reader`).

The hub does not know tmux: collectors register a `Source` that gives the state on demand, and keep
the rule that they change it and publish the events for it without a checkpoint in between. So a
snapshot and the number `Hub.seq` belong together.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

import msgspec
import trio
from trio_util import AsyncBool

from tmuxpulse.events import Event
from tmuxpulse.filters import Filter, compile_filters, wants_type
from tmuxpulse.hub.reader import Reader
from tmuxpulse.hub.ring import Ring
from tmuxpulse.hub.stream import Batch, Encoded
from tmuxpulse.hub.tally import Tally
from tmuxpulse.tmux.orders import Order
from tmuxpulse.tmux.outcomes import Outcome
from tmuxpulse.tmux.reports import Report
from tmuxpulse.wire import (
    Numbered,
    PaneExplanation,
    ServerView,
    SessionView,
    Tree,
    encode_event,
    rfc3339,
)


class Source(Protocol):
    """What tells the state of one tmux server, and takes commands for it."""

    def view(self) -> tuple[ServerView, list[SessionView]]:
        """The state, as in a snapshot."""

    async def perform(self, orders: Sequence[Order], *, seconds: float) -> list[Outcome]:
        """Run commands in order, up to the first that fails; see `collect.perform`."""

    def report(self, pane_id: str, report: Report) -> bool:
        """Take what the program in a pane says it is doing; False: there is no such pane."""

    def explain(self, pane_id: str) -> PaneExplanation | None:
        """Say why a pane's status is what it is; None: there is no such pane."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """How busy a stream is now.

    Attributes:
        readers: who have filters.
        filters: how many these are all together.
        behind: readers for whom something waits.
        queued_events: how many events do.
        queued_bytes: of their encodings.
    """

    readers: int
    filters: int
    behind: int
    queued_events: int
    queued_bytes: int


class Follower(Protocol):
    """Who is told of each publication in the moment it is made. Must neither wait nor raise."""

    def follow(self, events: Sequence[Event]) -> None:
        """Take what was published together."""

    def flush(self) -> None:
        """Hand on what it holds."""

    def wants(self, event_type: str) -> bool:
        """Tell whether anybody behind it would be given events of a type."""


class Keeper(Protocol):
    """Who is given every event before any reader is. Must neither wait nor raise."""

    def keep(self, events: Sequence[Encoded]) -> None:
        """Take events, in order."""


RING_EVENTS = 20_000
RING_BYTES = 8 << 20
CHANNEL_BATCHES = 256  # a reader this many batches behind is behind
CHANNEL_BYTES = 4 << 20  # or this many bytes
# Handing out costs the same for one event as for twenty, and with hundreds of readers it takes
# milliseconds. So it rests for a multiple of what it took, in which more events come together.
REST = 2.0
REST_FROM_SECONDS = 0.001  # with few readers it takes less, and never rests
MOST_REST_SECONDS = 0.025


class Hub:
    """One stream of events.

    Args:
        clock: seconds since the epoch.
        ring_events: how many events are kept for a resume.
        ring_bytes: how many bytes they may take.
        tree: gives the state that the events change; by default, what the sources tell.
        before_handing_out: is called before readers are given anything.
        tally: where its readers are counted; by default, where its events are.

    Attributes:
        epoch: names this run; `seq` counts within it.
        followers: told of each publication.
        keeper: given every event before any reader is; to be set before the first.
        tally: what was counted.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        ring_events: int = RING_EVENTS,
        ring_bytes: int = RING_BYTES,
        tree: Callable[[], Tree] | None = None,
        before_handing_out: Callable[[], None] | None = None,
        tally: Tally | None = None,
    ) -> None:
        self.epoch = secrets.token_hex(4)
        self.seq = 0
        self.ring = Ring(max_events=ring_events, max_bytes=ring_bytes)
        self.followers: list[Follower] = []
        self.keeper: Keeper | None = None
        self.tally = Tally()
        self._readers_tally = self.tally if tally is None else tally
        self._unkept: list[Encoded] = []
        self._before_handing_out = before_handing_out or self.let_keep
        self._clock = clock
        self._tree = self._whole_tree if tree is None else tree
        self._groups: dict[frozenset[Filter], _Group] = {}
        self._sources: dict[str, Source] = {}
        self._pending = AsyncBool(False)

    # --- in ------------------------------------------------------------------------------

    def publish(self, *events: Event) -> None:
        """Number events, keep them, and hand them to every reader that wants them."""
        if not events:
            return
        timestamp = rfc3339(self._clock())
        counts = self.tally.events
        for event in events:
            self.seq += 1
            encoded = Encoded(
                Numbered(self.seq, timestamp, event), encode_event(self.seq, timestamp, event)
            )
            self.ring.append(encoded)
            kind = type(event.data)
            counts[kind] = counts.get(kind, 0) + 1
            self.tally.event_bytes += len(encoded.line)
            if self.keeper is not None:
                self._unkept.append(encoded)
            for group in self._groups.values():
                if group.admits(event):
                    group.pending.append(encoded)
        for follower in self.followers:
            follower.follow(events)
        self._pending.value = True

    @property
    def sources(self) -> Mapping[str, Source]:
        """The sources by the names of their tmux servers."""
        return self._sources

    @property
    def reader_count(self) -> int:
        """How many readers have filters."""
        return sum(len(group.members) for group in self._groups.values())

    @property
    def is_behind(self) -> bool:
        """Whether anything waits for any reader, or to be handed out."""
        return self._pending.value or any(
            reader.is_behind for group in self._groups.values() for reader in group.members
        )

    def load(self) -> Load:
        """Tell how busy it is now."""
        readers = [reader for group in self._groups.values() for reader in group.members]
        return Load(
            readers=len(readers),
            filters=sum(len(reader.filters) for reader in readers),
            behind=sum(reader.is_behind for reader in readers),
            queued_events=sum(reader.queued_events for reader in readers),
            queued_bytes=sum(reader.queued_bytes for reader in readers),
        )

    def wants(self, event_type: str) -> bool:
        """Tell whether any reader would be given events of a type: others need not be made."""
        return any(group.wants(event_type) for group in self._groups.values()) or any(
            follower.wants(event_type) for follower in self.followers
        )

    @contextmanager
    def source(self, name: str, source: Source) -> Iterator[None]:
        """Let `source` speak for the tmux server `name` while the block runs."""
        self._sources[name] = source
        try:
            yield
        finally:
            del self._sources[name]

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Hand out batches until cancelled; what one pass of the loop published goes together.

        So does what is published while it rests after a handing out that took long.
        """
        task_status.started()
        while True:
            await self._pending.wait_value(True)
            began = trio.current_time()
            self.flush()
            took = trio.current_time() - began
            if took >= REST_FROM_SECONDS:
                await trio.sleep(min(REST * took, MOST_REST_SECONDS))

    def let_keep(self) -> None:
        """Give the keeper what it has not got yet."""
        if self.keeper is not None and self._unkept:
            unkept, self._unkept = self._unkept, []
            self.keeper.keep(unkept)

    def stop_keeping(self) -> None:
        """Give the keeper what it has not got yet, and nothing more."""
        self.let_keep()
        self.keeper = None

    def flush(self) -> None:
        """Hand out what is pending now, once it is kept."""
        self._pending.value = False
        self._before_handing_out()
        for group in self._groups.values():
            group.flush()
        for follower in self.followers:
            follower.flush()

    # --- out -----------------------------------------------------------------------------

    def snapshot(self) -> Tree:
        """Give the state after the event `seq`."""
        return self._tree()

    def _whole_tree(self) -> Tree:
        servers: list[ServerView] = []
        sessions: list[SessionView] = []
        for source in self._sources.values():
            server, theirs = source.view()
            servers.append(server)
            sessions.extend(theirs)
        return Tree(servers=servers, sessions=sessions)

    @contextmanager
    def reader(
        self, *, batches: int = CHANNEL_BATCHES, max_bytes: int = CHANNEL_BYTES
    ) -> Iterator[Reader]:
        """Open a reader; it gets nothing until it has filters."""
        reader = Reader(
            self._state_now, batches=batches, max_bytes=max_bytes, tally=self._readers_tally
        )
        try:
            yield reader
        finally:
            self.move(reader, frozenset())
            reader.close()

    def _state_now(self) -> tuple[int, Tree]:
        """The newest number and the state; what is pending now is in it, and handed out."""
        self.flush()
        return self.seq, self.snapshot()

    def move(self, reader: Reader, filters: frozenset[Filter]) -> None:
        """Put a reader where its filters belong; what it was owed before, it gets first."""
        self._before_handing_out()
        before = self._groups.get(reader.filters)
        if before is not None:
            before.flush()
            before.members.discard(reader)
            if not before.members:
                del self._groups[reader.filters]
        if not reader.filters:
            reader.position = self.seq
        reader.filters = filters
        if filters:
            after = self._groups.get(filters)
            if after is None:
                after = self._groups[filters] = _Group(filters)
            after.flush()  # its members are owed what came before; this reader is not
            after.members.add(reader)

    def replay(self, filters: frozenset[Filter], *, epoch: str, seq: int) -> Batch | str:
        """Everything after `(epoch, seq)` that `filters` admit, or why that cannot be had.

        Returns:
            The whole of it, or ``"epoch"`` or ``"expired"``; never a part.
        """
        if epoch != self.epoch:
            return "epoch"
        admits = compile_filters(filters)
        found = self.ring.since(seq, newest=self.seq, admits=admits)
        return "expired" if found is None else Batch(tuple(found))

    def can_replay(self, *, epoch: str, seq: int) -> bool:
        """Tell whether `replay` would give the whole of it."""
        return epoch == self.epoch and self.ring.holds(seq, newest=self.seq)

    def last(self, filters: frozenset[Filter], count: int) -> Batch:
        """The last `count` kept events that `filters` admit."""
        admits = compile_filters(filters)
        found: list[Encoded] = []
        for event in self.ring.newest_first():
            if len(found) >= count:
                break
            if admits(event.numbered.event):
                found.append(event)
        return Batch(tuple(reversed(found)))


class _Group:
    """Readers with equal filters."""

    def __init__(self, filters: frozenset[Filter]) -> None:
        self.admits = compile_filters(filters)
        self._filters = filters
        self._wants: dict[str, bool] = {}
        self.members: set[Reader] = set()
        self.pending: list[Encoded] = []

    def wants(self, event_type: str) -> bool:
        known = self._wants.get(event_type)
        if known is None:
            known = any(wants_type(one, event_type) for one in self._filters)
            self._wants[event_type] = known
        return known

    def flush(self) -> None:
        if not self.pending:
            return
        batch = Batch(tuple(self.pending))
        self.pending.clear()
        for reader in self.members:
            reader.offer(batch)
