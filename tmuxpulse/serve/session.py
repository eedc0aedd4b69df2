"""One WebSocket connection: requests in, replies and events out.

Two tasks: one listens, so that pings and closes are always answered; one speaks, and alone decides
how the connection ends. A client that is slow waits for itself: its events turn into a gap, its
requests are read no further than its replies are.

What listens where, and who may come in, is not known here.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from typing import Protocol

import msgspec
import trio
from trio_websocket import CloseReason, ConnectionClosed

from tmuxpulse import __version__
from tmuxpulse.errors import RequestError
from tmuxpulse.events import Event, Place, ServerGoodbye
from tmuxpulse.hub.hub import Hub, Reader
from tmuxpulse.hub.stream import Batch, Encoded
from tmuxpulse.serve.bucket import Bucket
from tmuxpulse.serve.outbox import Outbox
from tmuxpulse.serve.subscriptions import Item, Subscriptions
from tmuxpulse.serve.target import narrow
from tmuxpulse.wire import (
    AnyRequest,
    Auth,
    AuthNeed,
    AuthResponse,
    Error,
    Established,
    Limits,
    Numbered,
    Ping,
    Pong,
    ServerIdentity,
    Snapshot,
    SnapshotData,
    Subscribe,
    Unsubscribe,
    UnsubscribeConfirmed,
    decode_request,
    encode_event,
    request_id,
    rfc3339,
)

CLOSE_SECONDS = 2.0  # for the peer to answer a close frame
GOING_AWAY = 1001
UNSUPPORTED_DATA = 1003
ABNORMAL = 1006  # never sent: the peer left without a close frame
TOO_LARGE = 1009

logger = logging.getLogger(__name__)


class Messages(Protocol):
    """The part of a trio-websocket connection that is used here."""

    @property
    def closed(self) -> CloseReason | None:
        """Why it is closed; None while it is open."""

    async def get_message(self) -> str | bytes:
        """Wait for a message, or raise `ConnectionClosed`."""

    async def send_message(self, message: str | bytes) -> None:
        """Send a message, or raise `ConnectionClosed`."""

    async def aclose(self, code: int = 1000, reason: str | None = None) -> None:
        """Send a close frame and wait for the peer's."""


class Shortcut(Protocol):
    """A way to the peer that does not wait: for batches, when nothing else is being sent."""

    @property
    def pending(self) -> bool:
        """Whether `flush` has something to send."""

    def send(self, batch: Batch) -> bool:
        """Send it, or begin to; False: nothing of it was sent."""

    async def flush(self) -> None:
        """Send the rest of what `send` began."""


class _Ending(msgspec.Struct, frozen=True):
    """How a connection is to end; `flush`: after what is queued."""

    code: int
    reason: str
    flush: bool


class Session:
    """One connection, from the greeting to its close code.

    Args:
        hub: the stream to serve.
        joined: whether the client takes several objects in one message.
        clock: seconds since the epoch.
        limits: what is bounded; told to the client.
    """

    def __init__(
        self,
        hub: Hub,
        *,
        joined: bool,
        clock: Callable[[], float] = time.time,
        limits: Limits = Limits(),  # noqa: B008  # frozen
    ) -> None:
        self.client_id = f"c-{secrets.token_hex(3)}"
        self._hub = hub
        self._joined = joined
        self._clock = clock
        self._limits = limits
        self._ending: _Ending | None = None
        self._wake: Callable[[], None] = _nobody_to_wake

    async def run(self, websocket: Messages, shortcut: Shortcut | None = None) -> int:
        """Serve until either side ends it, and give the close code.

        The library would tell 1000 whatever was sent, so the record is kept here. Cancelling
        leaves a connection that can only be aborted.
        """
        with self._hub.reader() as reader:
            subscriptions = Subscriptions(self._hub, reader)
            outbox = Outbox(
                reader,
                epoch=self._hub.epoch,
                joined=self._joined,
                on_lost=subscriptions.lost,
                sink=None if shortcut is None else shortcut.send,
            )
            self._wake = outbox.wake
            outbox.put(self._greeting())
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen, websocket, outbox, subscriptions)
                ending = await self._speak(websocket, outbox, reader, shortcut)
                with trio.move_on_after(CLOSE_SECONDS):
                    await websocket.aclose(ending.code, ending.reason)
                nursery.cancel_scope.cancel()
        return ending.code

    def end(self, code: int, reason: str, *, flush: bool = False) -> None:
        """Make it close soon, after what is queued or at once; the first call decides."""
        if self._ending is None:
            self._ending = _Ending(code, reason, flush)
            self._wake()

    # --- out -----------------------------------------------------------------------------

    async def _speak(
        self, websocket: Messages, outbox: Outbox, reader: Reader, shortcut: Shortcut | None
    ) -> _Ending:
        said_goodbye = False
        try:
            while True:
                if shortcut is not None and shortcut.pending:
                    await shortcut.flush()
                ending = self._ending
                if ending is not None and not ending.flush:
                    return ending
                if ending is not None and not said_goodbye:
                    self._hub.flush()
                    self._hub.move(reader, frozenset())  # what comes from now on is not its own
                    outbox.put(self._goodbye(ending))
                    said_goodbye = True
                messages = outbox.take()
                for message in messages:
                    await websocket.send_message(message)
                if not messages:
                    if ending is not None:
                        return ending
                    await outbox.wait()
        except ConnectionClosed as closed:
            code = closed.reason.code if closed.reason is not None else ABNORMAL
            return self._ending or _Ending(code, "", flush=False)
        except (trio.BrokenResourceError, trio.ClosedResourceError):  # from the shortcut
            return self._ending or _Ending(ABNORMAL, "", flush=False)

    def _greeting(self) -> Established:
        return Established(
            client_id=self.client_id,
            timestamp=rfc3339(self._clock()),
            server=ServerIdentity(version=__version__),
            epoch=self._hub.epoch,
            seq=self._hub.seq,
            auth=AuthNeed(required=False),
            limits=self._limits,
        )

    def _goodbye(self, ending: _Ending) -> Batch:
        """An event of this connection alone; its number is the last one's, all of which came."""
        event = Event(Place(), ServerGoodbye(code=ending.code, reason=ending.reason))
        seq, timestamp = self._hub.seq, rfc3339(self._clock())
        numbered = Numbered(seq, timestamp, event)
        return Batch((Encoded(numbered, encode_event(seq, timestamp, event)),))

    # --- in ------------------------------------------------------------------------------

    async def _listen(
        self, websocket: Messages, outbox: Outbox, subscriptions: Subscriptions
    ) -> None:
        bucket = Bucket(self._limits.messages_per_second, now=trio.current_time())
        while True:
            await outbox.room()
            try:
                message = await websocket.get_message()
            except ConnectionClosed as closed:
                code = closed.reason.code if closed.reason is not None else ABNORMAL
                self.end(code, "")
                return
            if isinstance(message, bytes):
                self.end(UNSUPPORTED_DATA, "text messages only")
                return
            if self._ending is None:
                outbox.put(*self._handle(message, bucket, outbox, subscriptions))

    def _handle(
        self, message: str, bucket: Bucket, outbox: Outbox, subscriptions: Subscriptions
    ) -> list[Item]:
        """Answer one message, whatever it holds."""
        try:
            self._charge(bucket)
            request = decode_request(message)
            self._hub.flush()  # what was published by now comes before the answer
            outbox.collect()
            return self._answer(request, subscriptions)
        except RequestError as refused:
            return [
                Error(
                    id=request_id(message),
                    code=refused.code,
                    message=str(refused),
                    retryable=refused.retryable,
                    retry_after=refused.retry_after,
                )
            ]

    def _charge(self, bucket: Bucket) -> None:
        wait_seconds = bucket.take(trio.current_time())
        if wait_seconds:
            raise RequestError(
                "RATE_LIMIT",
                f"at most {self._limits.messages_per_second} requests a second",
                retryable=True,
                retry_after=round(wait_seconds, 3),
            )

    def _answer(self, request: AnyRequest, subscriptions: Subscriptions) -> list[Item]:
        hub = self._hub
        match request:
            case Subscribe():
                return subscriptions.add(request)
            case Unsubscribe():
                subscriptions.remove(request)
                return [UnsubscribeConfirmed(id=request.id, subscriptions=subscriptions.names)]
            case Snapshot():
                tree = hub.snapshot()
                if request.target is not None:
                    tree = narrow(tree, request.target)
                return [SnapshotData(id=request.id, epoch=hub.epoch, seq=hub.seq, data=tree)]
            case Ping():
                return [Pong(id=request.id, timestamp=rfc3339(self._clock()))]
            case Auth():  # nothing to check: there are no tokens yet, and everybody may read
                return [
                    AuthResponse(
                        id=request.id,
                        success=True,
                        permissions=["read", "output"],
                        client_id=self.client_id,
                    )
                ]


def _nobody_to_wake() -> None:
    """Before `run`, `end` only leaves its note."""
