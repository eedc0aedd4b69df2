"""Sequence, fan-out and snapshots: where events become a stream.

`Hub.publish` never waits and never fails because of a reader. Each event is encoded once. Readers
with equal filters form a group and share one joined batch; each reader has one bounded memory
channel of batches. A reader whose channel is full is behind: it keeps what it has, loses what
comes, and when it has caught up gets a `Lost` with the range and a fresh state, then goes on.

The hub does not know tmux: collectors register a `Source` that gives the state on demand, and keep
the rule that they change it and publish the events for it without a checkpoint in between. So a
snapshot and the number `Hub.seq` belong together.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trio
from trio_util import AsyncBool

from tmuxpulse.events import Event
from tmuxpulse.filters import Filter, compile_filters
from tmuxpulse.hub.stream import Batch, Encoded, Lost, Ring
from tmuxpulse.wire import Numbered, ServerView, SessionView, Tree, encode_event, rfc3339

Source = Callable[[], tuple[ServerView, list[SessionView]]]

RING_EVENTS = 20_000
RING_BYTES = 8 << 20
CHANNEL_BATCHES = 256  # a reader this many batches behind is behind
CHANNEL_BYTES = 4 << 20  # or this many bytes


class Hub:
    """One stream of events.

    Args:
        clock: seconds since the epoch.
        ring_events: how many events are kept for a resume.
        ring_bytes: how many bytes they may take.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        ring_events: int = RING_EVENTS,
        ring_bytes: int = RING_BYTES,
    ) -> None:
        self.epoch = secrets.token_hex(4)
        self.seq = 0
        self.ring = Ring(max_events=ring_events, max_bytes=ring_bytes)
        self._clock = clock
        self._groups: dict[frozenset[Filter], _Group] = {}
        self._sources: dict[str, Source] = {}
        self._pending = AsyncBool(False)

    # --- in ------------------------------------------------------------------------------

    def publish(self, *events: Event) -> None:
        """Number events, keep them, and hand them to every reader that wants them."""
        if not events:
            return
        timestamp = rfc3339(self._clock())
        for event in events:
            self.seq += 1
            encoded = Encoded(
                Numbered(self.seq, timestamp, event), encode_event(self.seq, timestamp, event)
            )
            self.ring.append(encoded)
            for group in self._groups.values():
                if group.admits(event):
                    group.pending.append(encoded)
        self._pending.value = True

    @contextmanager
    def source(self, name: str, source: Source) -> Iterator[None]:
        """Let `source` tell the state of the tmux server `name` while the block runs."""
        self._sources[name] = source
        try:
            yield
        finally:
            del self._sources[name]

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Hand out batches until cancelled; what one pass of the loop published goes together."""
        task_status.started()
        while True:
            await self._pending.wait_value(True)
            self.flush()

    def flush(self) -> None:
        """Hand out what is pending now."""
        self._pending.value = False
        for group in self._groups.values():
            group.flush()

    # --- out -----------------------------------------------------------------------------

    def snapshot(self) -> Tree:
        """Give the state after the event `seq`."""
        servers: list[ServerView] = []
        sessions: list[SessionView] = []
        for source in self._sources.values():
            server, theirs = source()
            servers.append(server)
            sessions.extend(theirs)
        return Tree(servers=servers, sessions=sessions)

    @contextmanager
    def reader(
        self, *, batches: int = CHANNEL_BATCHES, max_bytes: int = CHANNEL_BYTES
    ) -> Iterator[Reader]:
        """Open a reader; it gets nothing until it has filters."""
        reader = Reader(self, batches=batches, max_bytes=max_bytes)
        try:
            yield reader
        finally:
            self.move(reader, frozenset())
            reader.close()

    def move(self, reader: Reader, filters: frozenset[Filter]) -> None:
        """Put a reader where its filters belong; what it was owed before, it gets first."""
        before = self._groups.get(reader.filters)
        if before is not None:
            before.flush()
            before.members.discard(reader)
            if not before.members:
                del self._groups[reader.filters]
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
        found = self.ring.since(seq, newest=self.seq)
        if found is None:
            return "expired"
        admits = compile_filters(filters)
        return Batch(tuple(event for event in found if admits(event.numbered.event)))

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


class Reader:
    """One subscriber's end of the stream; `Hub.reader` makes it.

    Attributes:
        filters: what it gets; change with `Hub.move`. Empty: nothing.
        sink: offered each batch when nothing is queued before it; what it takes (True) is not
            queued. Must neither wait nor raise. It saves a task switch for each delivery.
    """

    def __init__(self, hub: Hub, *, batches: int, max_bytes: int) -> None:
        self.filters: frozenset[Filter] = frozenset()
        self.sink: Callable[[Batch], bool] | None = None
        self._hub = hub
        self._send, self._channel = trio.open_memory_channel[Batch](batches)
        # Waiting is apart from taking: a channel hands a batch to who waits in it, and until that
        # task runs nobody else could see it, which would put a reply before it.
        self._waiting = trio.lowlevel.ParkingLot()
        self._max_bytes = max_bytes
        self._queued_bytes = 0
        self._lost_from = 0  # 0: nothing is lost
        self._dropped = 0
        self._closed = False

    async def receive(self) -> Batch | Lost:
        """Wait for the next batch, or for the truth about what was lost.

        Cancelling loses nothing.

        Raises:
            trio.EndOfChannel: the reader was closed.
        """
        await trio.lowlevel.checkpoint()
        while True:
            found = self.receive_nowait()
            if found is not None:
                return found
            if self._closed:
                raise trio.EndOfChannel
            await self.wait()

    def receive_nowait(self) -> Batch | Lost | None:
        """Give the next batch, or what was lost; None when there is nothing now."""
        try:
            batch = self._channel.receive_nowait()
        except (trio.WouldBlock, trio.EndOfChannel):
            return self._rejoin() if self._lost_from else None
        self._queued_bytes -= batch.size
        return batch

    async def wait(self) -> None:
        """Wait until there is something to receive, or `wake` is called, or it is closed."""
        if self._queued_bytes or self._lost_from or self._closed:
            await trio.lowlevel.checkpoint()
        else:
            await self._waiting.park()

    def wake(self) -> None:
        """End a `wait` that runs now."""
        self._waiting.unpark_all()

    def offer(self, batch: Batch) -> None:
        """Give it a batch, or note that it was too slow for it.

        An empty channel takes a batch of any size: else its reader would wait for nothing.
        """
        idle = not self._queued_bytes and not self._lost_from
        if idle and self.sink is not None and self.sink(batch):
            return
        fits = self._queued_bytes + batch.size <= self._max_bytes
        if idle or (fits and not self._lost_from):
            try:
                self._send.send_nowait(batch)
            except trio.WouldBlock:
                pass  # full: noted below, told by `receive`
            else:
                self._queued_bytes += batch.size
                self._waiting.unpark_all()
                return
        if not self._lost_from:
            self._lost_from = batch.events[0].numbered.seq
        self._dropped += len(batch.events)

    def close(self) -> None:
        """End the stream; `receive` raises once what is queued was read."""
        self._closed = True
        self._send.close()
        self._waiting.unpark_all()

    def _rejoin(self) -> Lost:
        self._hub.flush()  # what is pending now is lost too: the state below holds it
        lost = Lost(
            from_seq=self._lost_from,
            to_seq=self._hub.seq,
            dropped=self._dropped,
            tree=self._hub.snapshot(),
        )
        self._lost_from = self._dropped = 0
        return lost


class _Group:
    """Readers with equal filters."""

    def __init__(self, filters: frozenset[Filter]) -> None:
        self.admits = compile_filters(filters)
        self.members: set[Reader] = set()
        self.pending: list[Encoded] = []

    def flush(self) -> None:
        if not self.pending:
            return
        batch = Batch(tuple(self.pending))
        self.pending.clear()
        for reader in self.members:
            reader.offer(batch)
