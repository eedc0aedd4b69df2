"""Batches straight to the socket: one framing for everybody who gets a batch, one write for each.

A task switch, three checkpoints and a frame of its own for each client cost several times what the
write itself does. The frame comes from wsproto, as trio-websocket's own do; the server's frames
carry no state from one to the next, so both may send, never at the same time.
"""

from __future__ import annotations

from functools import lru_cache

from trio_websocket import WebSocketConnection
from wsproto.connection import Connection, ConnectionType
from wsproto.events import Ping, TextMessage

from tmuxpulse.hub.stream import MESSAGE_CHARACTERS, Batch
from tmuxpulse.serve.replay import ReplayStream

_framer = Connection(ConnectionType.SERVER)
_PING = _framer.send(Ping(b""))


class Direct:
    """One connection's shortcut around its writing task.

    Args:
        websocket: asked whether it still is open.
        stream: what it writes to.
        joined: whether its client takes several objects in one message.
    """

    def __init__(
        self, websocket: WebSocketConnection, stream: ReplayStream, *, joined: bool
    ) -> None:
        self._websocket = websocket
        self._stream = stream
        self._joined = joined

    @property
    def pending(self) -> bool:
        """Whether `flush` has something to send."""
        return self._stream.pending

    def send(self, batch: Batch) -> bool:
        """Write a batch's frames now; False: it has to go the other way."""
        return (
            self._websocket.closed is None
            and batch.size <= MESSAGE_CHARACTERS
            and self._stream.send_nowait(frames_of(batch, self._joined))
        )

    async def ping(self) -> None:
        """Ask the peer for a sign of life; raises as `ReplayStream.send_all` does."""
        await self._stream.send_all(_PING)

    async def flush(self) -> None:
        """Send the rest of what `send` began; raises as `ReplayStream.send_all` does."""
        await self._stream.flush()


@lru_cache(maxsize=4)  # a batch goes to all of its readers in one go, then never again
def frames_of(batch: Batch, joined: bool) -> bytes:
    """The bytes of a batch as WebSocket messages: joined ones, or one for each event."""
    texts = batch.messages if joined else [event.line.decode() for event in batch.events]
    return b"".join([_framer.send(TextMessage(data=text)) for text in texts])
