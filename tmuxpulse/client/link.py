"""One WebSocket to a server, by Unix socket or by address: messages out and in, and honest errors.

This is the only place of the client that knows trio-websocket. Whatever it or the network raises
becomes a `ServerUnavailable` or a `ServerRefused` here. What the messages say is not known.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import cast
from urllib.parse import urlsplit

import trio
from trio_websocket import ConnectionClosed, HandshakeError, WebSocketConnection, wrap_client_stream

from tmuxpulse.client.groups import unwrapped
from tmuxpulse.errors import ServerError, ServerRefused, ServerUnavailable, UsageError
from tmuxpulse.wire import SUBPROTOCOL

OPEN_SECONDS = 5.0  # for the connection and its handshake
CLOSE_SECONDS = 0.5  # for the server to answer a close frame
SEND_SECONDS = 0.05  # for a close frame to leave
MAX_MESSAGE_BYTES = 64 << 20  # a snapshot of thousands of panes; the server is the user's own
READ_BYTES = 1 << 16
DEFAULT_PORT = 8765
ABNORMAL = 1006
NOT_AGAIN = range(4500, 4600)  # the protocol's close codes that say: do not come back


class Link:
    """An open WebSocket; `open_link` makes it.

    Attributes:
        where: what it leads to, for messages to a person.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self._socket: WebSocketConnection | None = None
        self._failure: Exception | None = None
        self._ended = trio.Event()

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

    async def open(self, nursery: trio.Nursery, stream: trio.SocketStream, host: str) -> None:
        """Shake hands; what `nursery` then runs never raises.

        Raises:
            ServerError: it did not come to that.
        """
        with trio.move_on_after(OPEN_SECONDS) as scope:
            guard = _Guard(nursery, self._reading_ended, scope)
            self._socket = await wrap_client_stream(
                cast("trio.Nursery", guard),  # of a nursery, the library uses `start_soon` alone
                stream,
                host,
                "/",
                subprotocols=[SUBPROTOCOL],
                max_message_size=MAX_MESSAGE_BYTES,
                receive_buffer_size=READ_BYTES,
            )
        if self._socket is None:
            if self._ended.is_set():
                raise self._why(None)
            raise ServerUnavailable(f"{self.where} gave no answer in {OPEN_SECONDS:g} s")

    async def close(self) -> None:
        """Say goodbye, for as long as that may take."""
        if self._socket is not None:
            # When we are cancelled, so is the task that would hear the answer.
            cancelled = trio.current_effective_deadline() == -math.inf
            with trio.move_on_after(SEND_SECONDS if cancelled else CLOSE_SECONDS, shield=True):
                await self._socket.aclose()

    def _reading_ended(self, failure: Exception | None) -> None:
        self._failure = failure
        self._ended.set()

    def _why(self, closed: ConnectionClosed | None) -> ServerError:
        """What the end of a connection means for the caller."""
        code = ABNORMAL
        reason = ""
        if closed is not None and closed.reason is not None:
            code, reason = closed.reason.code, closed.reason.reason or ""
        if code in NOT_AGAIN:
            return ServerRefused(
                f"{self.where} ended the connection: {reason or code}", code=str(code)
            )
        if isinstance(self._failure, HandshakeError):
            status = str(getattr(self._failure, "status_code", "no reason"))
            return ServerRefused(f"{self.where} refused the connection ({status})", code=status)
        if self._failure is not None:
            return ServerUnavailable(f"{self.where} broke the connection: {self._failure!r:.200}")
        if self._socket is None:
            return ServerUnavailable(f"{self.where} does not speak tmuxpulse's protocol")
        if code == ABNORMAL:
            return ServerUnavailable(f"{self.where} went away without a word")
        return ServerUnavailable(f"{self.where} went away: {reason or f'close code {code}'}")


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
    *, unix_socket: str | None = None, url: str | None = None
) -> AsyncIterator[Link]:
    """Connect. Leaving the block closes the connection, in half a second, also when cancelled.

    Args:
        unix_socket: the path of the same user's socket; or
        url: an address such as ``ws://127.0.0.1:8765/``, loopback only.

    Raises:
        UsageError: `url` is not such an address, or not one of both was given.
        ServerUnavailable: nobody answers there, or somebody who speaks another language.
        ServerRefused: the server does not take the connection.
    """
    if (unix_socket is None) == (url is None):
        raise UsageError("give a Unix socket or an address, one of them")
    link = Link(f"the tmuxpulse server at {unix_socket or url}")
    with unwrapped():
        stream, host = await _dial(unix_socket, url or "", link.where)
        async with stream, trio.open_nursery() as nursery:
            try:
                await link.open(nursery, stream, host)
                yield link
            finally:
                await link.close()
                nursery.cancel_scope.cancel()  # last: a checkpoint after it would hide the error


async def _dial(unix_socket: str | None, url: str, where: str) -> tuple[trio.SocketStream, str]:
    """Connect, and give what to say in ``Host:``."""
    if unix_socket is None:
        name, port = parse_url(url)
    try:
        with trio.fail_after(OPEN_SECONDS):
            if unix_socket is not None:
                return await trio.open_unix_socket(unix_socket), "localhost"
            host = f"[{name}]" if ":" in name else name
            return await trio.open_tcp_stream(name, port), f"{host}:{port}"
    except (OSError, trio.TooSlowError) as error:
        why = getattr(error, "strerror", None)
        raise ServerUnavailable(
            f"cannot reach {where}{f' ({why})' if why else ''}; start one with: tmuxpulse serve"
        ) from None


def parse_url(url: str) -> tuple[str, int]:
    """Read the host and port out of an address of a server on this machine.

    ``http://`` is taken too, since that is what a server prints.

    Raises:
        UsageError: it is no such address.
    """
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port or DEFAULT_PORT
    except ValueError:
        name, port, parts = "", 0, urlsplit("")
    if parts.scheme not in ("ws", "http") or not name or parts.username is not None:
        raise UsageError(f"{url!r} is not an address such as ws://127.0.0.1:{DEFAULT_PORT}/")
    if name != "localhost" and not _is_loopback(name):
        raise UsageError(
            f"{url!r} is not on this machine, and there is no protection for the way yet;"
            " forward its port instead (ssh -L)"
        )
    return name, port


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
