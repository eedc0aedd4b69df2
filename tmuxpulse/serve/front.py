"""The front door of one kind of listener: each accepted connection, from first byte to end.

It reads the request head, lets `door` judge it, answers plain HTTP itself, several times where the
page is loaded, and hands a WebSocket handshake to trio-websocket. One connection's failure ends
that connection: whatever it raises is logged here and goes no further.

Who has not come in yet is in a queue of bounded length. When it is full, who has waited longest
goes: a flood of idle sockets pushes itself out, while an honest client needs a few milliseconds.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from itertools import count
from typing import TypeVar

import msgspec
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream

from tmuxpulse.serve.boundary import run_bounded
from tmuxpulse.serve.bucket import Bucket
from tmuxpulse.serve.direct import Direct
from tmuxpulse.serve.door import (
    SECURITY_HEADERS,
    Answer,
    Door,
    Inquiry,
    Upgrade,
    Verdict,
    refuse,
)
from tmuxpulse.serve.entrance import BAD_TOKEN, MAX_TOKEN_CHARACTERS
from tmuxpulse.serve.exchange import Asked, read_request, send_answer
from tmuxpulse.serve.house import House, Visitor
from tmuxpulse.serve.inquiries import answer_health, answer_metrics
from tmuxpulse.serve.meter import MessageMeter
from tmuxpulse.serve.replay import ReplayStream
from tmuxpulse.serve.session import GOING_AWAY, NO_HEARTBEAT, REVOKED, TOO_LARGE, TOO_MANY, Session
from tmuxpulse.wire import SUBPROTOCOL

HEAD_SECONDS = 5.0  # from the first moment to the end of the WebSocket handshake
MOST_ANSWERS = 64  # on one connection
LOOK_SECONDS = 2.5  # how often peers are looked at
MARK_LOOKS = 4  # every so many looks a filtered reader is told how far the stream is
HEARTBEAT_SECONDS = 25.0  # a peer that was silent for so long is asked for a sign of life
PONG_SECONDS = 8.0  # and has so long for it; any byte counts
WRITE_SECONDS = 10.0  # a peer that takes nothing for so long is cut off
TOKEN_LOOK_SECONDS = 0.5  # how soon a revoked token ends its connections

# What a web page of somebody else's gets, or one that was reached by another name.
_STRANGERS = (HTTPStatus.FORBIDDEN, HTTPStatus.MISDIRECTED_REQUEST)

_SECURITY_HEADERS = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS]

Ask = TypeVar("Ask", Upgrade, Inquiry)

Secure = Callable[[trio.abc.Stream], Awaitable[trio.abc.Stream]]

logger = logging.getLogger(__name__)


class Front:
    """Serves the connections of one kind of listener.

    Args:
        house: what all connections share.
        door: the rules; may be replaced.
        secure: shakes hands with a peer, where the listener speaks TLS.
    """

    def __init__(self, house: House, door: Door, *, secure: Secure | None = None) -> None:
        self.door = door
        self._house = house
        self._secure = secure
        self._greeting: dict[trio.CancelScope, None] = {}  # oldest first, as below
        self._unknown: dict[Session, None] = {}  # WebSockets without a token yet
        self._sessions: dict[Session, ReplayStream] = {}
        self._goodbye_reason = ""

    async def handle(self, stream: trio.abc.Stream, visitor: Visitor) -> None:
        """Serve one connection until it ends, and close it; raises nothing but cancellation.

        Args:
            stream: the accepted connection; owned from here on.
            visitor: who is there.
        """
        counters = self._house.counters
        counters.connections["unix" if self.door.hosts is None else "tcp"] += 1
        try:
            await run_bounded(
                lambda: self._serve(stream, visitor), logger, visitor.peer, counters.crashed
            )
        finally:
            await trio.aclose_forcefully(stream)

    async def watch_peers(self) -> None:
        """Cut off peers that have stopped reading, or are not there any more, until cancelled.

        The writer that waits for one sees its stream closed and ends. A stream on which a send
        was cut short is never used again.
        """
        for look in count(1):
            await trio.sleep(LOOK_SECONDS)
            now = trio.current_time()
            for session, stream in list(self._sessions.items()):
                if stream.sending_since < now - WRITE_SECONDS:
                    logger.info(
                        "%s takes nothing any more: cut off",
                        session.client_id,
                        extra={"client": session.client_id},
                    )
                    await trio.aclose_forcefully(stream)
                elif session.grant is not None:
                    self._look_for_life(session, now - stream.received_at)
                    if look % MARK_LOOKS == 0:
                        session.mark()

    def _look_for_life(self, session: Session, silent_seconds: float) -> None:
        """Ask who was silent for long; let go who does not answer."""
        if silent_seconds > HEARTBEAT_SECONDS + PONG_SECONDS:
            session.end(NO_HEARTBEAT, "no sign of life")
        elif silent_seconds > HEARTBEAT_SECONDS:
            session.ping()

    def end_revoked(self) -> None:
        """End the connections whose grant is no more."""
        for session in self._sessions:
            if session.grant is not None and not self._house.access.is_live(session.grant):
                session.end(REVOKED, "the token was revoked, or has expired")

    def goodbye(self, reason: str) -> None:
        """Make every session say goodbye and close, and drop who has no session yet."""
        self._goodbye_reason = reason
        for session in self._sessions:
            session.end(GOING_AWAY, reason, flush=True)
        for scope in self._greeting:
            scope.cancel()

    # --- one connection --------------------------------------------------------------------

    async def _serve(self, stream: trio.abc.Stream, visitor: Visitor) -> None:
        asked, verdict, deadline = Asked(), None, math.inf
        with self._greets(math.inf):
            for left in reversed(range(MOST_ANSWERS)):
                is_first = left == MOST_ANSWERS - 1
                deadline = trio.current_time() + HEAD_SECONDS
                with trio.CancelScope(deadline=deadline) as timer:
                    if self._secure is not None and is_first:
                        stream = await self._secure(stream)
                    asked = await read_request(stream, self.door, asked.rest)
                if not timer.cancelled_caught:
                    visitor, verdict = await self._decide(visitor, asked.verdict)
                elif is_first:
                    verdict = refuse(HTTPStatus.REQUEST_TIMEOUT, "no request came in time")
                else:
                    return  # it wanted nothing more
                if not isinstance(verdict, Answer):
                    break
                if not left:
                    verdict = msgspec.structs.replace(verdict, stays=False)
                self._note(visitor, verdict)
                if not await send_answer(stream, verdict, head_only=asked.head_only):
                    return
        if isinstance(verdict, Upgrade):
            await self._serve_websocket(stream, asked.head, verdict, visitor, deadline)

    async def _decide(
        self, visitor: Visitor, verdict: Verdict | None
    ) -> tuple[Visitor, Answer | Upgrade | None]:
        """Go on from what the door says; a grant is found only for what ends the greeting."""
        if isinstance(verdict, Inquiry):
            return visitor, await self._inquire(visitor, verdict)
        if isinstance(verdict, Upgrade):
            if len(self._sessions) >= self._house.limits.connections:
                return visitor, _busy("too many connections")
            if verdict.token is not None:
                return await self._identify(visitor, verdict, verdict.token)
        return visitor, verdict

    def _note(self, visitor: Visitor, answer: Answer) -> None:
        """Write down what somebody is answered."""
        status = answer.status
        logger.debug(
            "%s: %d",
            visitor.peer,
            status.value,
            extra={"peer": visitor.peer, "code": status.value},
        )
        self._house.counters.answers[status.value] += 1
        if status in _STRANGERS:
            self._house.audit.record_failure(visitor.address, status.phrase)

    async def _inquire(self, visitor: Visitor, inquiry: Inquiry) -> Answer:
        """Answer a question about the server; what health tells is no secret."""
        if inquiry.about == "health":
            return answer_health(self._house, stopping=bool(self._goodbye_reason))
        if inquiry.token is not None:
            visitor, found = await self._identify(visitor, inquiry, inquiry.token)
            if isinstance(found, Answer):
                return found
        return answer_metrics(self._house, visitor)

    async def _identify(
        self, visitor: Visitor, asked: Ask, token: str
    ) -> tuple[Visitor, Answer | Ask]:
        """Judge a token that came in the head; a wrong one is answered slowly if there are many."""
        house = self._house
        if visitor.grant is not None:  # the owner's own socket: no token is asked for
            return visitor, asked
        grant = house.access.check(token) if len(token) <= MAX_TOKEN_CHARACTERS else None
        if grant is not None:
            return msgspec.structs.replace(visitor, grant=grant), asked
        house.audit.record_failure(visitor.address, "wrong token")
        await trio.sleep(house.failures.failed(visitor.address, trio.current_time()))
        return visitor, refuse(
            HTTPStatus.UNAUTHORIZED, "that token is not good", ("WWW-Authenticate", "Bearer")
        )

    async def _serve_websocket(
        self,
        stream: trio.abc.Stream,
        head: bytes,
        upgrade: Upgrade,
        visitor: Visitor,
        deadline: float,
    ) -> None:
        house = self._house
        session = Session(
            house,
            visitor,
            joined=upgrade.ndjson,
            on_admitted=lambda: self._unknown.pop(session, None),
        )
        limits = house.limits
        most = limits.max_message_bytes
        rate = 2 * limits.bytes_per_second  # of frames that are no messages, too
        guarded = ReplayStream(
            stream,
            head,
            meter=MessageMeter(most),
            on_too_large=lambda: session.end(TOO_LARGE, f"a message is at most {most} bytes"),
            bucket=Bucket(rate, now=trio.current_time()),
        )
        websocket: WebSocketConnection | None = None
        async with trio.open_nursery() as nursery:
            with self._greets(deadline):
                request = await wrap_server_stream(nursery, guarded, max_message_size=most)
                try:
                    websocket = await request.accept(
                        subprotocol=SUBPROTOCOL if upgrade.ndjson else None,
                        extra_headers=_SECURITY_HEADERS,
                    )
                except ConnectionClosed:
                    logger.debug("%s left during the handshake", visitor.peer)
            if websocket is not None:
                shortcut = Direct(websocket, guarded, joined=upgrade.ndjson)
                with self._holds(session, guarded, visitor):
                    code = await session.run(websocket, shortcut)
                    house.counters.closed[code] += 1
                    logger.info(
                        "%s closed: %d",
                        session.client_id,
                        code,
                        extra={"client": session.client_id, "peer": visitor.peer, "code": code},
                    )
                    self._record_end(session, visitor, code)
            nursery.cancel_scope.cancel()

    def _record_end(self, session: Session, visitor: Visitor, code: int) -> None:
        """Write down the end of whoever had come in, and that somebody never did."""
        if session.grant is not None:
            self._house.audit.record(
                "connection.closed",
                who=session.grant.subject,
                peer=visitor.address,
                client=session.client_id,
                code=code,
            )
        elif code != BAD_TOKEN:  # which was written down where it was heard
            self._house.audit.record_failure(visitor.address, "left without a token")

    @contextmanager
    def _holds(self, session: Session, stream: ReplayStream, visitor: Visitor) -> Iterator[None]:
        """Count a session."""
        logger.info(
            "%s connected: %s",
            session.client_id,
            visitor.peer,
            extra={"client": session.client_id, "peer": visitor.peer},
        )
        self._sessions[session] = stream
        self._house.counters.begin(stream)
        if visitor.grant is None:
            self._unknown[session] = None
            if len(self._unknown) > self._house.limits.unauthenticated:
                oldest = next(iter(self._unknown))
                oldest.end(TOO_MANY, "too many connections wait for a token")
        if self._goodbye_reason:
            session.end(GOING_AWAY, self._goodbye_reason, flush=True)
        try:
            yield
        finally:
            self._unknown.pop(session, None)
            del self._sessions[session]
            self._house.counters.end(stream)

    @contextmanager
    def _greets(self, deadline: float) -> Iterator[None]:
        """Count a socket before its handshake, and let a shutdown not wait for it."""
        with trio.CancelScope(deadline=deadline) as scope:
            self._greeting[scope] = None
            if len(self._greeting) > self._house.limits.handshakes:
                oldest = next(iter(self._greeting))
                del self._greeting[oldest]
                oldest.cancel()
            try:
                yield
            finally:
                self._greeting.pop(scope, None)


def _busy(why: str) -> Answer:
    return refuse(HTTPStatus.SERVICE_UNAVAILABLE, why, ("Retry-After", "5"))
