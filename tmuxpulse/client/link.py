"""One WebSocket to a server, by Unix socket or by address: messages out and in, and honest errors.

This is the only place of the client that knows trio-websocket. Whatever it or the network raises
becomes a `ServerUnavailable` or a `ServerRefused` here. What the messages say is not known.

A token goes into the head of the request, over TLS or to this machine, and nowhere else: it is kept
in no attribute, and no error repeats what a library says about the bytes it was given.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import cast

import trio
from trio_websocket import ConnectionClosed, HandshakeError, WebSocketConnection, wrap_client_stream

from tmuxpulse.client import endings
from tmuxpulse.client.address import parse_url
from tmuxpulse.client.dial import dial
from tmuxpulse.client.groups import unwrapped
from tmuxpulse.client.tls import trust
from tmuxpulse.client.token_file import check_token
from tmuxpulse.errors import ServerError, UsageError
from tmuxpulse.wire import SUBPROTOCOL

OPEN_SECONDS = 5.0  # for the connection and its handshake
CLOSE_SECONDS = 0.5  # for the server to answer a close frame
SEND_SECONDS = 0.05  # for a close frame to leave
MAX_MESSAGE_BYTES = 64 << 20  # a snapshot of thousands of panes; the server is the user's own
READ_BYTES = 1 << 16

Headers = list[tuple[bytes, bytes]]


class Link:
    """An open WebSocket; `open_link` makes it.

    Attributes:
        where: what it leads to, for messages to a person.
        pause_seconds: between two reads. To wake for each small message of a flood costs more than
            what is in them; a program that shows things to a person can wait for some at once.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self.pause_seconds = 0.0
        self._reading_since = math.inf
        self._socket: WebSocketConnection | None = None
        self._failure: Exception | None = None
        self._ended = trio.Event()

    @property
    def silent_seconds(self) -> float:
        """For how long nothing has come, of what was waited for; 0 while nobody waits."""
        return max(0.0, trio.current_time() - self._reading_since)

    async def send(self, message: str) -> None:
        """Send a message.

        Raises:
            ServerError: the connection has ended.
        """
        if self._socket is None:
            raise self._why(None)
        try:
            await self._socket.send_message(message)
        except ConnectionClosed as closed:
            raise self._why(closed) from None

    async def receive(self) -> bytes:
        """Wait for a message. Cancelling loses nothing.

        Raises:
            ServerUnavailable: the server went away, or the connection broke.
            ServerRefused: it ended the connection and does not want it back.
        """
        if self._socket is None:
            raise self._why(None)
        try:
            message = await self._socket.get_message()
        except ConnectionClosed as closed:
            raise self._why(closed) from None
        return message.encode() if isinstance(message, str) else message

    async def open(
        self,
        nursery: trio.Nursery,
        stream: trio.SocketStream | trio.SSLStream[trio.SocketStream],
        *,
        host: str,
        path: str = "/",
        headers: Headers | None = None,
    ) -> None:
        """Shake hands; what `nursery` then runs never raises.

        Args:
            nursery: where the connection is read.
            stream: what leads to the server.
            host: what to say in ``Host:``.
            path: what to ask for.
            headers: further ones of the request.

        Raises:
            ServerError: it did not come to that.
        """
        with trio.move_on_after(OPEN_SECONDS) as scope:
            guard = _Guard(nursery, self._reading_ended, scope)
            self._socket = await wrap_client_stream(
                cast("trio.Nursery", guard),  # of a nursery, the library uses `start_soon` alone
                cast("trio.SocketStream", _Paced(stream, self._reading, self)),
                host,
                path,
                subprotocols=[SUBPROTOCOL],
                extra_headers=headers,
                max_message_size=MAX_MESSAGE_BYTES,
                receive_buffer_size=READ_BYTES,
            )
        if self._socket is None:
            if self._ended.is_set():
                raise self._why(None)
            raise endings.no_answer(self.where, OPEN_SECONDS)

    async def close(self) -> None:
        """Say goodbye, for as long as that may take."""
        if self._socket is not None:
            # When we are cancelled, so is the task that would hear the answer.
            cancelled = trio.current_effective_deadline() == -math.inf
            with trio.move_on_after(SEND_SECONDS if cancelled else CLOSE_SECONDS, shield=True):
                await self._socket.aclose()

    def _reading(self, since: float) -> None:
        self._reading_since = since

    def _reading_ended(self, failure: Exception | None) -> None:
        self._failure = failure
        self._ended.set()

    def _why(self, closed: ConnectionClosed | None) -> ServerError:
        """What the end of a connection means for the caller."""
        code = endings.ABNORMAL
        reason = ""
        if closed is not None and closed.reason is not None:
            code, reason = closed.reason.code, closed.reason.reason or ""
        if code in endings.NOT_AGAIN:
            return endings.closed(self.where, code, reason)
        if isinstance(self._failure, HandshakeError):
            return endings.rejected(self.where, getattr(self._failure, "status_code", None))
        if self._failure is not None:
            return endings.broken(self.where, self._failure)
        if self._socket is None:
            return endings.no_protocol(self.where)
        return endings.closed(self.where, code, reason)


class _Paced(trio.abc.Stream):
    """A stream that is read with pauses, if its link says so, and says since when it waits."""

    def __init__(
        self, stream: trio.abc.Stream, reading: Callable[[float], None], link: Link
    ) -> None:
        self._stream = stream
        self._reading = reading
        self._link = link
        self._next = -math.inf

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        if self._link.pause_seconds:
            await trio.sleep_until(self._next)
        self._reading(trio.current_time())
        try:
            data = await self._stream.receive_some(max_bytes)
        finally:
            self._reading(math.inf)
        self._next = trio.current_time() + self._link.pause_seconds
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Guard:
    """Where the library starts its reading task: an error ends that task and is told, no more."""

    def __init__(
        self,
        nursery: trio.Nursery,
        ended: Callable[[Exception | None], None],
        handshake: trio.CancelScope,
    ) -> None:
        self._nursery = nursery
        self._ended = ended
        self._handshake = handshake

    def start_soon(self, run: Callable[[], Awaitable[None]]) -> None:
        """Run it, and take note of how it ends."""

        async def guarded() -> None:
            failure: Exception | None = None
            try:
                await run()
            except Exception as error:  # noqa: BLE001  # h11, wsproto and trio all raise here
                failure = error
            self._ended(failure)
            self._handshake.cancel()  # the library would wait for ever

        self._nursery.start_soon(guarded)


@asynccontextmanager
async def open_link(
    *,
    unix_socket: str | None = None,
    url: str | None = None,
    token: str | None = None,
    ca_file: str | None = None,
) -> AsyncIterator[Link]:
    """Connect. Leaving the block closes the connection, in half a second, also when cancelled.

    Args:
        unix_socket: the path of the same user's socket; or
        url: an address such as ``wss://pulse.example:8765/``; ``ws://`` to loopback only.
        token: what lets us in at `url`; the Unix socket needs none and gets none.
        ca_file: whom to trust at `url`, in PEM; None: the system's authorities.

    Raises:
        UsageError: `url` is not such an address, or not one of both was given; `token` or
            `ca_file` cannot be used.
        ServerUnavailable: nobody answers there, or somebody who speaks another language.
        ServerRefused: the server does not take the connection; or its certificate is not good.
    """
    if (unix_socket is None) == (url is None):
        raise UsageError("give a Unix socket or an address, one of them")
    address = None if url is None else parse_url(url)
    headers: Headers = []
    if address is not None and token is not None:
        headers = [(b"Authorization", b"Bearer " + check_token(token, "the token").encode())]
    context = trust(ca_file) if address is not None and address.is_secure else None
    if ca_file is not None and context is None:
        raise UsageError("a file of authorities (--ca-file) is for wss:// and https:// addresses")
    place = unix_socket if address is None else address.where
    link = Link(f"the tmuxpulse server at {place}")
    with unwrapped():
        stream = await dial(
            address or unix_socket or "", context, where=link.where, seconds=OPEN_SECONDS
        )
        async with stream, trio.open_nursery() as nursery:
            try:
                await link.open(
                    nursery,
                    stream,
                    host="localhost" if address is None else address.host_header,
                    path="/" if address is None else address.path,
                    headers=headers,
                )
                yield link
            finally:
                await link.close()
                nursery.cancel_scope.cancel()  # last: a checkpoint after it would hide the error
