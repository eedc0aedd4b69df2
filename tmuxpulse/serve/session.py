"""One WebSocket connection: requests in, replies and events out.

Two tasks: one listens, so that pings and closes are always answered; one speaks, and alone decides
how the connection ends. A client that is slow waits for itself: its events turn into a gap, its
requests are read no further than its replies are.

What listens where, and who may come in, is not known here.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from functools import partial
from typing import Protocol

import msgspec
import trio
from trio_websocket import CloseReason, ConnectionClosed

from tmuxpulse.errors import RequestError
from tmuxpulse.events import Event, Place, ServerGoodbye
from tmuxpulse.hub.hub import Hub
from tmuxpulse.hub.reader import Reader
from tmuxpulse.hub.stream import Batch, Encoded
from tmuxpulse.serve.desk import Desk
from tmuxpulse.serve.entrance import UNSUPPORTED_DATA, Admitted, greeting, wait_for_token
from tmuxpulse.serve.grants import Grant
from tmuxpulse.serve.house import House, Visitor
from tmuxpulse.serve.jobs import Jobs
from tmuxpulse.serve.outbox import Outbox
from tmuxpulse.serve.rate import Rate
from tmuxpulse.serve.sights import TooManySights, sight_of
from tmuxpulse.serve.subscriptions import Item
from tmuxpulse.wire import (
    Asked,
    Error,
    Mark,
    Numbered,
    action_of,
    decode_request,
    encode_event,
    request_id,
    rfc3339,
)

CLOSE_SECONDS = 2.0  # for the peer to answer a close frame
GOING_AWAY = 1001
ABNORMAL = 1006  # never sent: the peer left without a close frame
TOO_LARGE = 1009
TOO_MANY_REQUESTS = 4003
NO_HEARTBEAT = 4002
REVOKED = 4503
TOO_MANY = 4504


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

    async def ping(self) -> None:
        """Ask the peer for a sign of life."""


class _Ending(msgspec.Struct, frozen=True):
    """How a connection is to end; `flush`: after what is queued."""

    code: int
    reason: str
    flush: bool


class Session:
    """One connection, from the greeting to its close code.

    Args:
        house: what all connections share.
        visitor: who is there.
        joined: whether the client takes several objects in one message.
        on_admitted: called when somebody has come in, or no more can: until then the connection
            is one of those that have given no token.

    Attributes:
        client_id: what the connection is called.
        grant: what it may do; None until somebody has come in.
    """

    def __init__(
        self,
        house: House,
        visitor: Visitor,
        *,
        joined: bool,
        on_admitted: Callable[[], None] = lambda: None,
    ) -> None:
        self.client_id = f"c-{secrets.token_hex(3)}"
        self.grant: Grant | None = visitor.grant
        self._house = house
        self._visitor = visitor
        self._joined = joined
        self._on_admitted = on_admitted
        self._limits = house.limits
        self._ending: _Ending | None = None
        self._ping_due = False
        self._wake: Callable[[], None] = _nobody_there
        self._mark: Callable[[], None] = _nobody_there

    async def run(self, websocket: Messages, shortcut: Shortcut | None = None) -> int:
        """Serve until either side ends it, and give the close code.

        The library would tell 1000 whatever was sent, so the record is kept here. Cancelling
        leaves a connection that can only be aborted.
        """
        admitted: Admitted | None = None
        try:
            if self.grant is None:
                admitted = await self._admit(websocket)
            if self.grant is None:
                ending = self._ending or _Ending(ABNORMAL, "", flush=False)
                with trio.move_on_after(CLOSE_SECONDS):
                    await websocket.aclose(ending.code, ending.reason)
                return ending.code
        finally:
            self._on_admitted()
        try:
            hub = self._house.sights.hub_of(sight_of(self.grant))
        except TooManySights:
            with trio.move_on_after(CLOSE_SECONDS):
                await websocket.aclose(TOO_MANY, "too many different grants are in use")
            return TOO_MANY
        return await self._converse(websocket, shortcut, hub, self.grant, admitted)

    def end(self, code: int, reason: str, *, flush: bool = False) -> None:
        """Make it close soon, after what is queued or at once; the first call decides."""
        if self._ending is None:
            self._ending = _Ending(code, reason, flush)
            self._wake()

    def ping(self) -> None:
        """Make it ask the peer for a sign of life."""
        self._ping_due = True
        self._wake()

    def mark(self) -> None:
        """Tell a reader whose filters let little through how far it is, so that it can resume."""
        self._mark()

    # --- in the door -----------------------------------------------------------------------

    async def _admit(self, websocket: Messages) -> Admitted | None:
        """Wait for a token; None: it ends, as `_ending` says."""
        with trio.CancelScope() as waiting:
            self._wake = waiting.cancel  # only `end` wakes: nobody is pinged before a token
            if self._ending is not None:
                return None
            try:
                found = await wait_for_token(
                    websocket, self._house, self._visitor, self.client_id, self._on_admitted
                )
            except ConnectionClosed as closed:
                self.end(_code_of(closed), "")
                return None
            if isinstance(found, Admitted):
                self.grant = found.grant
                return found
            self.end(found.code, found.reason)
        return None

    # --- inside ----------------------------------------------------------------------------

    async def _converse(
        self,
        websocket: Messages,
        shortcut: Shortcut | None,
        hub: Hub,
        grant: Grant,
        admitted: Admitted | None,
    ) -> int:
        house = self._house
        with hub.reader() as reader:
            desk = Desk(
                house,
                hub,
                reader,
                grant=grant,
                scopes=house.scopes(grant, self._visitor),
                client_id=self.client_id,
            )
            outbox = Outbox(
                reader,
                epoch=hub.epoch,
                joined=self._joined,
                on_lost=desk.subscriptions.lost,
                sink=None if shortcut is None else partial(self._send_now, shortcut),
            )
            self._wake = outbox.wake
            self._mark = partial(self._put_mark, hub, reader, outbox)
            if admitted is None:
                first = greeting(
                    house, self.client_id, epoch=hub.epoch, seq=hub.seq, required=False
                )
                outbox.put(first)
            else:
                outbox.put(desk.welcome(admitted.reply_id, admitted.token))
            house.audit.record(
                "login.accepted",
                who=grant.subject,
                peer=self._visitor.address,
                client=self.client_id,
            )
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen, websocket, hub, outbox, desk)
                ending = await self._speak(websocket, hub, outbox, reader, shortcut)
                with trio.move_on_after(CLOSE_SECONDS):
                    await websocket.aclose(ending.code, ending.reason)
                nursery.cancel_scope.cancel()
        return ending.code

    def _send_now(self, shortcut: Shortcut, batch: Batch) -> bool:
        """Take the shortcut; the rest of what it only began to send goes out without delay."""
        taken = shortcut.send(batch)
        if shortcut.pending:
            self._wake()
        return taken

    def _put_mark(self, hub: Hub, reader: Reader, outbox: Outbox) -> None:
        hub.flush()
        if reader.filters and not reader.is_behind and reader.position < hub.seq:
            reader.position = hub.seq
            outbox.put(Mark(seq=hub.seq, timestamp=rfc3339(self._house.clock())))

    # --- out -----------------------------------------------------------------------------

    async def _speak(
        self,
        websocket: Messages,
        hub: Hub,
        outbox: Outbox,
        reader: Reader,
        shortcut: Shortcut | None,
    ) -> _Ending:
        said_goodbye = False
        try:
            while True:
                if shortcut is not None:
                    await self._use(shortcut)
                ending = self._ending
                if ending is not None and not ending.flush:
                    return ending
                if ending is not None and not said_goodbye:
                    hub.flush()
                    hub.move(reader, frozenset())  # what comes from now on is not its own
                    outbox.put(self._goodbye(ending, hub))
                    said_goodbye = True
                messages = outbox.take()
                for message in messages:
                    await websocket.send_message(message)
                if not messages and ending is not None:
                    return ending
                if not messages:
                    await outbox.wait()
        except ConnectionClosed as closed:
            return self._ending or _Ending(_code_of(closed), "", flush=False)
        except (trio.BrokenResourceError, trio.ClosedResourceError):  # from the shortcut
            return self._ending or _Ending(ABNORMAL, "", flush=False)

    async def _use(self, shortcut: Shortcut) -> None:
        """Send what has to go before anything else."""
        if shortcut.pending:
            await shortcut.flush()
        if self._ping_due:
            self._ping_due = False
            await shortcut.ping()

    def _goodbye(self, ending: _Ending, hub: Hub) -> Batch:
        """An event of this connection alone; its number is the last one's, all of which came."""
        event = Event(Place(), ServerGoodbye(code=ending.code, reason=ending.reason))
        seq, timestamp = hub.seq, rfc3339(self._house.clock())
        numbered = Numbered(seq, timestamp, event)
        return Batch((Encoded(numbered, encode_event(seq, timestamp, event)),))

    # --- in ------------------------------------------------------------------------------

    async def _listen(self, websocket: Messages, hub: Hub, outbox: Outbox, desk: Desk) -> None:
        rate = Rate(self._limits)

        async def do(request: Asked) -> None:
            try:
                outbox.put(*await desk.later(request))
            except RequestError as refused:
                outbox.put(self._refusal(request.id, refused))

        async with trio.open_nursery() as nursery:
            jobs = Jobs(nursery, do)
            while True:
                await outbox.room()
                try:
                    message = await websocket.get_message()
                except ConnectionClosed as closed:
                    self.end(_code_of(closed), "")
                    break
                if isinstance(message, bytes):
                    self.end(UNSUPPORTED_DATA, "text messages only")
                    break
                if self._ending is None:
                    hub.flush()  # what was published by now comes before the answer
                    outbox.collect()
                    outbox.put(*self._handle(message, rate, desk, jobs))
            nursery.cancel_scope.cancel()

    def _handle(self, message: str, rate: Rate, desk: Desk, jobs: Jobs) -> list[Item]:
        """Answer one message, whatever it holds; empty: its answer comes later."""
        try:
            rate.charge(len(message))
            request = decode_request(message)
            self._house.counters.requests[action_of(request)] += 1
            if desk.takes_time(request):
                jobs.add(request)
                return []
            return desk.answer(request)
        except RequestError as refused:
            if rate.is_abused(refused):
                self.end(TOO_MANY_REQUESTS, "too many requests, again and again")
            return [self._refusal(request_id(message), refused)]

    def _refusal(self, reply_id: str | int | None, refused: RequestError) -> Error:
        self._house.counters.refused[refused.code] += 1
        return Error(
            id=reply_id,
            code=refused.code,
            message=str(refused),
            retryable=refused.retryable,
            retry_after=refused.retry_after,
        )


def _code_of(closed: ConnectionClosed) -> int:
    return int(closed.reason.code) if closed.reason is not None else ABNORMAL


def _nobody_there() -> None:
    """Before `run`, `end` only leaves its note, and nothing is to be marked."""
