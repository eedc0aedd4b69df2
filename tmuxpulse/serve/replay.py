"""A stream that begins with bytes which were read before, and guards what the library does not.

Between the socket and trio-websocket it

- replays the request head, which the front door has read already;
- measures messages in bytes while they arrive, and withholds one that is too large;
- lets nothing be written after a send that was cut short, since frames would be torn;
- says since when a send has been waiting, so that somebody can end a connection whose peer
  has stopped reading (a cancel scope around each send would double its price);
- reads no faster than is allowed, whatever kind of frames a peer sends;
- writes at once what the socket takes at once: fan-out is a loop of such writes.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable

import trio

from tmuxpulse.serve.bucket import Bucket
from tmuxpulse.serve.meter import MessageMeter

MAX_DISCARDED = 16 << 20  # bytes read and dropped after a message that is too large


class ReplayStream(trio.abc.Stream):
    """Wraps the stream of an accepted connection.

    Args:
        inner: the connection.
        head: what was read from it already.
        meter: told of every byte that was not.
        on_too_large: called once, when a message is too large. From then on nothing more is
            received; what comes is dropped, so that the close frame reaches the peer.
        bucket: how many bytes may be read; more wait.

    Attributes:
        sending_since: when the send that runs now began, by trio's clock; infinity: none runs.
        received_at: when the peer last sent anything, by trio's clock.
        bytes_received: from the peer, without `head`.
        bytes_sent: to the peer.
    """

    def __init__(
        self,
        inner: trio.abc.Stream,
        head: bytes,
        *,
        meter: MessageMeter,
        on_too_large: Callable[[], None],
        bucket: Bucket | None = None,
    ) -> None:
        self.sending_since = math.inf
        self.received_at = trio.current_time()
        self.bytes_received = 0
        self.bytes_sent = 0
        self._inner = inner
        self._head = head
        self._meter = meter
        self._on_too_large = on_too_large
        self._bucket = bucket
        self._torn = False
        self._tail = b""
        self._sending = trio.StrictFIFOLock()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Give the replayed head first, then what comes.

        Raises:
            trio.BrokenResourceError: the connection broke.
            trio.ClosedResourceError: it was closed on this side.
        """
        if self._head:
            await trio.lowlevel.checkpoint()
            size = max_bytes or len(self._head)
            data, self._head = self._head[:size], self._head[size:]
            return data
        data = bytes(await self._inner.receive_some(max_bytes))
        self.received_at = trio.current_time()
        self.bytes_received += len(data)
        await self._wait_for_leave(len(data))
        if self._meter.feed(data):
            return data
        self._on_too_large()
        discarded = 0
        while data and discarded < MAX_DISCARDED:
            data = bytes(await self._inner.receive_some(max_bytes))
            discarded += len(data)
        return b""

    async def _wait_for_leave(self, size: int) -> None:
        wait_seconds = self._bucket.take(trio.current_time(), size) if self._bucket else 0.0
        if wait_seconds:
            await trio.sleep(wait_seconds)
            await self._wait_for_leave(size)

    @property
    def pending(self) -> bool:
        """Whether `flush` has something to send."""
        return bool(self._tail)

    def send_nowait(self, data: bytes) -> bool:
        """Write `data` if nothing is being sent and the socket takes at least some of it.

        What it did not take goes out before anything else: see `flush`. False: nothing was
        written, also when the connection is broken, which the next `send_all` will tell.
        """
        if self._torn or self._tail or self._sending.locked():
            return False
        if not isinstance(self._inner, trio.SocketStream):
            return False
        try:
            written = os.write(self._inner.socket.fileno(), data)
        except OSError:  # full, broken or closed
            return False
        self._tail = data[written:]
        self.bytes_sent += written
        return True

    async def flush(self) -> None:
        """Send what `send_nowait` could not; like `send_all`."""
        await self.send_all(b"")

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send; cancelled or failed, it leaves a stream that can only be closed.

        Raises:
            trio.BrokenResourceError: the connection broke, or an earlier send was cut short.
            trio.ClosedResourceError: it was closed on this side, also while this send waited.
        """
        async with self._sending:
            if self._torn:
                raise trio.BrokenResourceError("an earlier send was cut short")
            tail, self._tail = self._tail, b""
            self.sending_since = trio.current_time()
            try:
                await self._inner.send_all(tail + data if tail else data)
            except BaseException:
                self._torn = True
                raise
            finally:
                self.sending_since = math.inf
            self.bytes_sent += len(tail) + len(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait as the connection itself does."""
        await self._inner.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the connection."""
        await self._inner.aclose()
