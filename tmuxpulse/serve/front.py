"""The front door: each accepted connection, from its first byte to its end.

It reads the request head, lets `door` judge it, answers plain HTTP itself and hands a WebSocket
handshake to trio-websocket. One connection's failure ends that connection: whatever it raises is
logged here and goes no further.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import h11
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream

from tmuxpulse.hub.hub import Hub
from tmuxpulse.serve.boundary import run_bounded
from tmuxpulse.serve.direct import Direct
from tmuxpulse.serve.door import Answer, Door, Upgrade, refuse, render
from tmuxpulse.serve.meter import MessageMeter
from tmuxpulse.serve.replay import ReplayStream
from tmuxpulse.serve.session import GOING_AWAY, TOO_LARGE, Session
from tmuxpulse.wire import SUBPROTOCOL, Limits

HEAD_BYTES = 16384
HEAD_SECONDS = 5.0  # from the first moment to the end of the WebSocket handshake
ANSWER_SECONDS = 5.0
LINGER_SECONDS = 1.0  # for a peer to read an answer before the socket is torn down
LINGER_BYTES = 1 << 16
WRITE_SECONDS = 10.0  # a peer that takes nothing for so long is cut off
MAX_GREETING = 512  # sockets that have not yet said who they are; hundreds may come at once
MAX_SESSIONS = 1024

logger = logging.getLogger(__name__)


class Front:
    """Serves the connections of every listener.

    Args:
        hub: the stream that sessions serve.
        limits: what is bounded for each session.
        max_greeting: how many sockets may be before their handshake; more are told to come back.
        max_sessions: how many WebSockets may be open; more are told to come back.
    """

    def __init__(
        self,
        hub: Hub,
        *,
        limits: Limits = Limits(),  # noqa: B008  # frozen
        max_greeting: int = MAX_GREETING,
        max_sessions: int = MAX_SESSIONS,
    ) -> None:
        self._hub = hub
        self._limits = limits
        self._max_greeting = max_greeting
        self._max_sessions = max_sessions
        self._greeting: set[trio.CancelScope] = set()
        self._sessions: dict[Session, ReplayStream] = {}
        self._goodbye_reason = ""

    async def handle(self, stream: trio.abc.Stream, *, door: Door, peer: str) -> None:
        """Serve one connection until it ends, and close it; raises nothing but cancellation.

        Args:
            stream: the accepted connection; owned from here on.
            door: the rules of the listener it came by.
            peer: who it is, for the log.
        """
        try:
            await run_bounded(lambda: self._serve(stream, door, peer), logger, peer)
        finally:
            await trio.aclose_forcefully(stream)

    async def watch_writes(self) -> None:
        """Cut off peers that have stopped reading, until cancelled.

        The writer that waits for one sees its stream closed and ends. A stream on which a send
        was cut short is never used again.
        """
        while True:
            await trio.sleep(WRITE_SECONDS / 4)
            limit = trio.current_time() - WRITE_SECONDS
            for session, stream in list(self._sessions.items()):
                if stream.sending_since < limit:
                    logger.info("%s takes nothing any more: cut off", session.client_id)
                    await trio.aclose_forcefully(stream)

    def goodbye(self, reason: str) -> None:
        """Make every session say goodbye and close, and drop who has no session yet."""
        self._goodbye_reason = reason
        for session in self._sessions:
            session.end(GOING_AWAY, reason, flush=True)
        for scope in self._greeting:
            scope.cancel()

    # --- one connection --------------------------------------------------------------------

    async def _serve(self, stream: trio.abc.Stream, door: Door, peer: str) -> None:
        if len(self._greeting) >= self._max_greeting:
            await _answer(stream, _busy("too many connections are being opened"))
            return
        deadline = trio.current_time() + HEAD_SECONDS
        head, verdict, head_only = b"", None, False
        with self._greets(math.inf):
            with trio.CancelScope(deadline=deadline) as timer:
                head, verdict, head_only = await _read_head(stream, door)
            if timer.cancelled_caught:
                verdict = refuse(HTTPStatus.REQUEST_TIMEOUT, "no request came in time")
            elif isinstance(verdict, Upgrade) and len(self._sessions) >= self._max_sessions:
                verdict = _busy("too many connections")
            if isinstance(verdict, Answer):
                logger.debug("%s: %d", peer, verdict.status.value)
                await _answer(stream, verdict, head_only=head_only)
        if isinstance(verdict, Upgrade):
            await self._serve_websocket(stream, head, verdict, peer, deadline)

    async def _serve_websocket(
        self, stream: trio.abc.Stream, head: bytes, upgrade: Upgrade, peer: str, deadline: float
    ) -> None:
        session = Session(self._hub, joined=upgrade.ndjson, limits=self._limits)
        limit = self._limits.max_message_bytes
        guarded = ReplayStream(
            stream,
            head,
            meter=MessageMeter(limit),
            on_too_large=lambda: session.end(TOO_LARGE, f"a message is at most {limit} bytes"),
        )
        websocket: WebSocketConnection | None = None
        async with trio.open_nursery() as nursery:
            with self._greets(deadline):
                request = await wrap_server_stream(nursery, guarded, max_message_size=limit)
                try:
                    websocket = await request.accept(
                        subprotocol=SUBPROTOCOL if upgrade.ndjson else None
                    )
                except ConnectionClosed:
                    logger.debug("%s left during the handshake", peer)
            if websocket is not None:
                self._sessions[session] = guarded
                if self._goodbye_reason:
                    session.end(GOING_AWAY, self._goodbye_reason, flush=True)
                try:
                    logger.info("%s connected: %s", session.client_id, peer)
                    shortcut = Direct(websocket, guarded, joined=upgrade.ndjson)
                    code = await session.run(websocket, shortcut)
                    logger.info("%s closed: %d", session.client_id, code)
                finally:
                    del self._sessions[session]
            nursery.cancel_scope.cancel()

    @contextmanager
    def _greets(self, deadline: float) -> Iterator[None]:
        """Count a socket before its handshake, and let a shutdown not wait for it."""
        with trio.CancelScope(deadline=deadline) as scope:
            self._greeting.add(scope)
            try:
                yield
            finally:
                self._greeting.remove(scope)


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
            if not isinstance(stream, trio.abc.HalfCloseableStream):
                return
            await stream.send_eof()
            dropped = 0
            with trio.move_on_after(LINGER_SECONDS):
                while dropped < LINGER_BYTES and (data := await stream.receive_some(4096)):
                    dropped += len(data)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        logger.debug("a peer left before its answer")


def _busy(why: str) -> Answer:
    return refuse(HTTPStatus.SERVICE_UNAVAILABLE, why, ("Retry-After", "5"))
