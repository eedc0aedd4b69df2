"""The front door of one kind of listener: each accepted connection, from first byte to end.

It reads the request head, lets `door` judge it, answers plain HTTP itself and hands a WebSocket
handshake to trio-websocket. One connection's failure ends that connection: whatever it raises is
logged here and goes no further.

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

import h11
import msgspec
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream

from tmuxpulse.serve.boundary import run_bounded
from tmuxpulse.serve.bucket import Bucket
from tmuxpulse.serve.direct import Direct
from tmuxpulse.serve.door import SECURITY_HEADERS, Answer, Door, Upgrade, refuse, render
from tmuxpulse.serve.entrance import BAD_TOKEN, MAX_TOKEN_CHARACTERS
from tmuxpulse.serve.house import House, Visitor
from tmuxpulse.serve.meter import MessageMeter
from tmuxpulse.serve.replay import ReplayStream
from tmuxpulse.serve.session import GOING_AWAY, NO_HEARTBEAT, REVOKED, TOO_LARGE, TOO_MANY, Session
from tmuxpulse.wire import SUBPROTOCOL

HEAD_BYTES = 16384
HEAD_SECONDS = 5.0  # from the first moment to the end of the WebSocket handshake
ANSWER_SECONDS = 5.0
LINGER_SECONDS = 1.0  # for a peer to read an answer before the socket is torn down
LINGER_BYTES = 1 << 16
LOOK_SECONDS = 2.5  # how often peers are looked at
MARK_LOOKS = 4  # every so many looks a filtered reader is told how far the stream is
HEARTBEAT_SECONDS = 25.0  # a peer that was silent for so long is asked for a sign of life
PONG_SECONDS = 8.0  # and has so long for it; any byte counts
WRITE_SECONDS = 10.0  # a peer that takes nothing for so long is cut off
TOKEN_LOOK_SECONDS = 0.5  # how soon a revoked token ends its connections

# What a web page of somebody else's gets, or one that was reached by another name.
_STRANGERS = (HTTPStatus.FORBIDDEN, HTTPStatus.MISDIRECTED_REQUEST)

_SECURITY_HEADERS = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS]

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
        try:
            await run_bounded(lambda: self._serve(stream, visitor), logger, visitor.peer)
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
                    logger.info("%s takes nothing any more: cut off", session.client_id)
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
        deadline = trio.current_time() + HEAD_SECONDS
        head, verdict, head_only = b"", None, False
        with self._greets(math.inf):
            with trio.CancelScope(deadline=deadline) as timer:
                if self._secure is not None:
                    stream = await self._secure(stream)
                head, verdict, head_only = await _read_head(stream, self.door)
            if timer.cancelled_caught:
                verdict = refuse(HTTPStatus.REQUEST_TIMEOUT, "no request came in time")
            elif isinstance(verdict, Upgrade):
                if len(self._sessions) >= self._house.limits.connections:
                    verdict = _busy("too many connections")
                elif verdict.token is not None:
                    visitor, verdict = await self._identify(visitor, verdict, verdict.token)
            if isinstance(verdict, Answer):
                logger.debug("%s: %d", visitor.peer, verdict.status.value)
                if verdict.status in _STRANGERS:
                    self._house.audit.record_failure(visitor.address, verdict.status.phrase)
                await _answer(stream, verdict, head_only=head_only)
        if isinstance(verdict, Upgrade):
            await self._serve_websocket(stream, head, verdict, visitor, deadline)

    async def _identify(
        self, visitor: Visitor, upgrade: Upgrade, token: str
    ) -> tuple[Visitor, Answer | Upgrade]:
        """Judge a token that came in the head; a wrong one is answered slowly if there are many."""
        house = self._house
        if visitor.grant is not None:  # the owner's own socket: no token is asked for
            return visitor, upgrade
        grant = house.access.check(token) if len(token) <= MAX_TOKEN_CHARACTERS else None
        if grant is not None:
            return msgspec.structs.replace(visitor, grant=grant), upgrade
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
                    logger.info("%s closed: %d", session.client_id, code)
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
        logger.info("%s connected: %s", session.client_id, visitor.peer)
        self._sessions[session] = stream
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


async def _read_head(
    stream: trio.abc.Stream, door: Door
) -> tuple[bytes, Answer | Upgrade | None, bool]:
    """Read up to the end of the request head.

    Returns:
        Its bytes, what it is answered with (None: the peer left before that), and whether the
        answer goes without its body.
    """
    http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
    head = b""
    try:
        while (event := http.next_event()) is h11.NEED_DATA:
            data = bytes(await stream.receive_some(HEAD_BYTES))
            http.receive_data(data)
            head += data
    except h11.RemoteProtocolError as error:
        return head, refuse(HTTPStatus(error.error_status_hint), "not a request we answer"), False
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        return head, None, False
    if not isinstance(event, h11.Request):
        return head, None, False
    if len(head) > HEAD_BYTES:  # h11 bounds what is incomplete only
        return head, refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "too much"), False
    verdict = door.judge(event)
    if isinstance(verdict, Upgrade):
        http.next_event()  # the end of the request: what is left then is no part of it
        if http.trailing_data[0]:
            verdict = refuse(HTTPStatus.BAD_REQUEST, "bytes after the handshake")
    return head, verdict, event.method == b"HEAD"


async def _answer(stream: trio.abc.Stream, answer: Answer, *, head_only: bool = False) -> None:
    """Send a response and wait a little for the peer to read it.

    Closing a socket with unread bytes resets it, and the response would be lost with it.
    """
    try:
        with trio.move_on_after(ANSWER_SECONDS):
            await stream.send_all(render(answer, head_only=head_only))
            if isinstance(stream, trio.abc.HalfCloseableStream):
                await stream.send_eof()  # TLS has no such thing; its peer has the length
            dropped = 0
            with trio.move_on_after(LINGER_SECONDS):
                while dropped < LINGER_BYTES and (data := await stream.receive_some(4096)):
                    dropped += len(data)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        logger.debug("a peer left before its answer")


def _busy(why: str) -> Answer:
    return refuse(HTTPStatus.SERVICE_UNAVAILABLE, why, ("Retry-After", "5"))
