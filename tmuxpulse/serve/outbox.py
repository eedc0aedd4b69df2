"""What a connection still has to send, in the one order in which it is true.

Replies and events come from two sides, but a subscription's reply stands for a moment among the
events: those before it must go out before it. So a reply takes what the reader was owed along.
No socket is known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import trio

from tmuxpulse.events import PaneOutput
from tmuxpulse.hub import stream
from tmuxpulse.hub.reader import Reader, Received
from tmuxpulse.hub.stream import MESSAGE_CHARACTERS, Batch, Lost, Thinned, pack
from tmuxpulse.serve.subscriptions import Item
from tmuxpulse.wire import Gap, Lag, SnapshotData, encode

MAX_QUEUED_ITEMS = 64  # with more than these, no further request of the client is read


class Outbox:
    """One connection's queue of replies, in front of its reader.

    The reader bounds events. Replies are bounded by `room`: who does not read them is not heard.

    Args:
        reader: the connection's.
        epoch: the hub's.
        joined: whether objects go out joined with newlines, or each as a message of its own.
        sink: takes a batch at once, or says False; asked when nothing has to go out before it.
        on_lost: told the number of the last event that the reader lost, when that is known.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        epoch: str,
        joined: bool,
        on_lost: Callable[[int], None],
        sink: Callable[[Batch], bool] | None = None,
    ) -> None:
        self._reader = reader
        self._epoch = epoch
        self._joined = joined
        self._on_lost = on_lost
        self._items: deque[Item] = deque()
        self._has_room = trio.lowlevel.ParkingLot()
        self._sink = sink
        self._idle = False
        if sink is not None:
            reader.sink = self._send_now

    def collect(self) -> None:
        """Queue what the reader has got until now."""
        while (owed := self._receive()) is not None:
            self._items.append(owed)

    def put(self, *items: Item) -> None:
        """Queue what goes out after all that the reader has got until now."""
        self.collect()
        self._items.extend(items)
        self._reader.wake()

    def take(self) -> list[str]:
        """Give the messages to send next, about one full message; empty: there is nothing now.

        Joining what has queued is what makes fan-out cheap: a message costs the same with one
        event in it or with twenty.
        """
        texts: list[str] = []
        size = 0
        while size < MESSAGE_CHARACTERS:
            item = self._items.popleft() if self._items else self._receive()
            if item is None:
                break
            more = self._texts(item)
            texts += more
            size += sum(map(len, more))
        if len(self._items) < MAX_QUEUED_ITEMS and self._has_room:
            self._has_room.unpark_all()
        return pack(texts) if self._joined and len(texts) > 1 else texts

    async def wait(self) -> None:
        """Wait until there may be something to take, or `wake`.

        Meanwhile nothing is half sent, so that batches may go straight to the sink.
        """
        if self._items:
            await trio.lowlevel.checkpoint()
            return
        self._idle = True
        try:
            await self._reader.wait()
        finally:
            self._idle = False

    def wake(self) -> None:
        """End a `wait` that runs now."""
        self._reader.wake()

    async def room(self) -> None:
        """Wait until another reply may be queued."""
        if len(self._items) < MAX_QUEUED_ITEMS:
            await trio.lowlevel.checkpoint()
        else:
            await self._has_room.park()

    def _send_now(self, batch: Batch) -> bool:
        return self._idle and not self._items and self._sink is not None and self._sink(batch)

    def _receive(self) -> Received | None:
        found = self._reader.receive_nowait()
        if isinstance(found, Lost):
            self._on_lost(found.to_seq)
        return found

    def _texts(self, item: Item) -> list[str]:
        if isinstance(item, Batch):
            return item.messages if self._joined else [one.line.decode() for one in item.events]
        if isinstance(item, stream.Lag):
            return [encode(Lag(seq=item.seq, queued=item.queued)).decode()]
        if isinstance(item, Thinned):
            thinned = Gap(
                from_seq=item.from_seq,
                to_seq=item.to_seq,
                dropped=item.dropped,
                only=PaneOutput.type,
            )
            return [encode(thinned).decode()]
        if isinstance(item, Lost):
            gap = Gap(from_seq=item.from_seq, to_seq=item.to_seq, dropped=item.dropped)
            state = SnapshotData(epoch=self._epoch, seq=item.to_seq, data=item.tree)
            return [encode(gap).decode(), encode(state).decode()]
        return [encode(item).decode()]
