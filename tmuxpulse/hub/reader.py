"""One subscriber's end of the stream, and what happens when it is slow.

Its batches stand in one bounded memory channel. At half of the bound it is told so (`Lag`). At the
bound, what panes printed goes first: it is taken out of the queue, said (`Thinned`), and all else
still comes. When that is not enough, what comes is lost; having caught up, the reader gets the
range with a fresh state (`Lost`) and goes on. Nothing is lost in silence, and nobody waits for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Union

import trio

from tmuxpulse.filters import Filter
from tmuxpulse.hub.stream import Batch, Encoded, Lag, Lost, Thinned, is_output
from tmuxpulse.hub.tally import Tally
from tmuxpulse.wire import Tree

Received = Union[Batch, Lag, Thinned, Lost]  # noqa: UP007  # evaluated on Python 3.10


class Reader:
    """The end of one subscriber; `Hub.reader` makes it.

    Args:
        state_now: gives the newest number and the state after it, once everything is handed out.
        batches: how many may wait.
        max_bytes: how many bytes they may have together.
        tally: where it is counted what becomes of who is slow.

    Attributes:
        filters: what it gets; change with `Hub.move`. Empty: nothing.
        sink: offered each batch when nothing is queued before it; what it takes (True) is not
            queued. Must neither wait nor raise. It saves a task switch for each delivery.
        position: the number of the last event that it was offered, or told of.
    """

    def __init__(
        self,
        state_now: Callable[[], tuple[int, Tree]],
        *,
        batches: int,
        max_bytes: int,
        tally: Tally,
    ) -> None:
        self.filters: frozenset[Filter] = frozenset()
        self.sink: Callable[[Batch], bool] | None = None
        self.position = 0
        self._state_now = state_now
        self._tally = tally
        self._send, self._channel = trio.open_memory_channel[Batch](batches)
        # Waiting is apart from taking: a channel hands a batch to who waits in it, and until that
        # task runs nobody else could see it, which would put a reply before it.
        self._waiting = trio.lowlevel.ParkingLot()
        self._max_bytes = max_bytes
        self._max_batches = batches
        self._queued_bytes = 0
        self._queued_batches = 0
        self._queued_events = 0
        self._lag: Lag | None = None
        self._was_lagging = False
        self._thinned: Thinned | None = None
        self._lost_from = 0  # 0: nothing is lost
        self._dropped = 0
        self._closed = False

    @property
    def is_behind(self) -> bool:
        """Whether something waits for it."""
        return bool(self._queued_batches or self._lost_from or self._thinned)

    @property
    def queued_events(self) -> int:
        """How many events wait for it."""
        return self._queued_events

    @property
    def queued_bytes(self) -> int:
        """How many bytes these have."""
        return self._queued_bytes

    async def receive(self) -> Received:
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

    def receive_nowait(self) -> Received | None:
        """Give the next batch, or what was lost; None when there is nothing now."""
        if self._lag is not None:
            lag, self._lag = self._lag, None
            self._tally.lags += 1
            return lag
        if self._thinned is not None:
            thinned, self._thinned = self._thinned, None
            self._tally.gaps += 1
            return thinned
        batch = self._dequeue()
        if batch is None:
            return self._rejoin() if self._lost_from else None
        if self._queued_bytes * 4 <= self._max_bytes:
            self._was_lagging = False
        return batch

    async def wait(self) -> None:
        """Wait until there is something to receive, or `wake` is called, or it is closed."""
        if self.is_behind or self._closed:
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
        self.position = batch.events[-1].seq
        if not self.is_behind:
            if self.sink is None or not self.sink(batch):
                self._enqueue(batch)
        elif self._lost_from:
            self._lose(batch)
        elif self._fits(batch):
            self._enqueue(batch)
            self._note_lag()
        else:
            self._make_room(batch)

    def close(self) -> None:
        """End the stream; `receive` raises once what is queued was read."""
        self._closed = True
        self._send.close()
        self._waiting.unpark_all()

    # --- the queue -------------------------------------------------------------------------

    def _fits(self, batch: Batch) -> bool:
        return (
            self._queued_batches < self._max_batches
            and self._queued_bytes + batch.size <= self._max_bytes
        )

    def _enqueue(self, batch: Batch) -> None:
        self._send.send_nowait(batch)
        self._queued_batches += 1
        self._queued_events += len(batch.events)
        self._queued_bytes += batch.size
        self._waiting.unpark_all()

    def _dequeue(self) -> Batch | None:
        try:
            batch = self._channel.receive_nowait()
        except (trio.WouldBlock, trio.EndOfChannel):
            return None
        self._queued_batches -= 1
        self._queued_events -= len(batch.events)
        self._queued_bytes -= batch.size
        return batch

    # --- being slow ------------------------------------------------------------------------

    def _note_lag(self) -> None:
        half_full = (
            self._queued_bytes * 2 >= self._max_bytes
            or self._queued_batches * 2 >= self._max_batches
        )
        if half_full and not self._was_lagging:
            self._was_lagging = True
            self._lag = Lag(seq=self.position, queued=self._queued_events)

    def _make_room(self, batch: Batch) -> None:
        """Join what waits, without what panes printed if need be; if that is too little, lose.

        What waits becomes one batch, so only bytes are a bound in the end.
        """
        waiting = [one for queued in iter(self._dequeue, None) for one in queued.events]
        new = list(batch.events)
        if _size(waiting) + batch.size > self._max_bytes:
            self._note_thinned([one for one in (*waiting, *new) if is_output(one)])
            waiting = [one for one in waiting if not is_output(one)]
            new = [one for one in new if not is_output(one)]
        fits = _size(waiting) + _size(new) <= self._max_bytes
        joined = (*waiting, *new) if fits else tuple(waiting)
        if joined:
            self._enqueue(Batch(joined))
        if new and not fits:
            self._lose(Batch(tuple(new)))

    def _note_thinned(self, gone: list[Encoded]) -> None:
        if not gone:
            return
        self._tally.dropped_output += len(gone)
        before = self._thinned
        self._thinned = Thinned(
            from_seq=before.from_seq if before else gone[0].seq,
            to_seq=gone[-1].seq,
            dropped=len(gone) + (before.dropped if before else 0),
        )

    def _lose(self, batch: Batch) -> None:
        if not self._lost_from:
            self._lost_from = batch.events[0].seq
        self._dropped += len(batch.events)
        self._tally.dropped_events += len(batch.events)

    def _rejoin(self) -> Lost:
        self._tally.gaps += 1
        seq, tree = self._state_now()
        lost = Lost(from_seq=self._lost_from, to_seq=seq, dropped=self._dropped, tree=tree)
        self._lost_from = self._dropped = 0
        return lost


def _size(events: list[Encoded]) -> int:
    return sum(len(one.line) for one in events)
