"""The client for programs on trio.

async with tmuxpulse.connect_trio() as monitor:
    async for event in monitor.events(types=["agent.status"]):
        print(event.session, event.data)

Three tasks for each connection: one reads, one sends, one looks at the time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import trio

from tmuxpulse.client import endings
from tmuxpulse.client.async_monitor import CLOSED, AsyncMonitor
from tmuxpulse.client.core import State
from tmuxpulse.client.destination import OPEN_SECONDS, Destination, destination
from tmuxpulse.client.dial import dial
from tmuxpulse.client.groups import unwrapped
from tmuxpulse.client.view import Event
from tmuxpulse.client.websocket import READ_BYTES, WebSocket
from tmuxpulse.errors import TmuxpulseError, UsageError

Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]
_GOODBYE_SECONDS = 0.05  # for a close frame to leave
_BROKEN = (trio.BrokenResourceError, trio.ClosedResourceError)


class TrioMonitor(AsyncMonitor):
    """A server, for a program on trio; `connect_trio` makes it."""

    def __init__(
        self,
        server: Destination,
        *,
        reconnect: bool = True,
        on_state: Callable[[State], None] | None = None,
    ) -> None:
        super().__init__(server, reconnect=reconnect, on_state=on_state)
        self._token = trio.lowlevel.current_trio_token()
        self._news = trio.lowlevel.ParkingLot()
        self._room = trio.lowlevel.ParkingLot()
        self._to_send = trio.lowlevel.ParkingLot()
        self._failure: TmuxpulseError | None = None
        self._is_torn = False  # a send was cut short: nothing can follow it

    async def run(self) -> None:
        """Stay connected, until cancelled or the end; `connect_trio` does this."""
        core = self._core
        while core.ended is None:
            await trio.sleep_until(core.retry_at)
            core.dialing()
            try:
                stream = await dial(
                    self._server.address or self._server.unix_socket or "",
                    self._server.context,
                    where=self._server.where,
                    seconds=OPEN_SECONDS,
                )
            except TmuxpulseError as error:
                core.lost(error, trio.current_time())
            else:
                await self._talk(stream)
            self._news.unpark_all()

    async def until(self, done: Callable[[], object]) -> None:
        """Wait until something holds; cancelling changes nothing.

        Raises:
            TmuxpulseError: that will never be.
        """
        await self.let_others_run()
        while not done():
            if self._core.ended is not None:
                raise self._core.ended
            await self._news.park()

    def go_on(self) -> None:
        """Send what is to be sent, and read on if that was paused."""
        self._to_send.unpark_all()
        if self.is_paused and not self._core.is_full:
            self._room.unpark_all()

    async def let_others_run(self) -> None:
        """Let other tasks run once."""
        self._check_here()
        await trio.lowlevel.checkpoint()

    def end(self) -> None:
        """Nothing more is wanted; `connect_trio` does this."""
        self._core.end(UsageError(CLOSED))
        self._news.unpark_all()

    async def _within(self, seconds: float, wait: Callable[[], Awaitable[Event]]) -> Event | None:
        with trio.move_on_after(seconds):
            return await wait()
        return None

    def _check_here(self) -> None:
        here = trio.lowlevel.in_trio_run()
        if not here or trio.lowlevel.current_trio_token() is not self._token:
            raise UsageError(
                "this monitor belongs to another trio.run; from a thread use"
                " trio.from_thread.run, or tmuxpulse.connect()"
            )

    # --- one connection --------------------------------------------------------------------

    async def _talk(self, stream: Stream) -> None:
        core = self._core
        websocket = self._server.websocket(core.token)
        core.opened(trio.current_time())
        self._failure = None
        self._is_torn = False
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._send, stream, websocket, nursery.cancel_scope)
                nursery.start_soon(self._watch, nursery.cancel_scope)
                await self._read(stream, websocket)
                nursery.cancel_scope.cancel()
        finally:
            with trio.move_on_after(_GOODBYE_SECONDS, shield=True):
                await self._say_goodbye(stream, websocket)
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(stream)
        core.lost(self._why(websocket), trio.current_time())

    def _why(self, websocket: WebSocket) -> TmuxpulseError:
        failure = self._core.broken or websocket.ended or self._failure
        return failure or endings.closed(self._server.where, endings.ABNORMAL, "")

    async def _read(self, stream: Stream, websocket: WebSocket) -> None:
        core = self._core
        while core.broken is None and websocket.ended is None:
            try:
                data = bytes(await stream.receive_some(READ_BYTES))
            except _BROKEN as error:
                self._failure = endings.broken(self._server.where, error.__cause__ or error)
                return
            core.receive(websocket.receive(data), trio.current_time())
            self._to_send.unpark_all()
            self._news.unpark_all()
            while core.is_full:
                self.is_paused = True
                try:
                    await self._room.park()
                finally:
                    self.is_paused = False
                core.still_there(trio.current_time())

    async def _send(self, stream: Stream, websocket: WebSocket, scope: trio.CancelScope) -> None:
        while True:
            for text in self._core.outgoing():
                websocket.send(text)
            data = websocket.outgoing()
            if not data:
                await self._to_send.park()
                continue
            self._is_torn = True
            try:
                await stream.send_all(data)
            except _BROKEN as error:
                self._failure = endings.broken(self._server.where, error.__cause__ or error)
                scope.cancel()
                return
            self._is_torn = False

    async def _watch(self, scope: trio.CancelScope) -> None:
        """Look at the time; silence while nothing is read means nothing."""
        core = self._core
        while core.broken is None:
            await trio.sleep_until(core.deadline)
            if self.is_paused:
                core.still_there(trio.current_time())
            core.tick(trio.current_time())
            self._to_send.unpark_all()
        scope.cancel()

    async def _say_goodbye(self, stream: Stream, websocket: WebSocket) -> None:
        websocket.close()
        data = websocket.outgoing()
        if data and not self._is_torn:
            try:
                await stream.send_all(data)
            except _BROKEN:
                return  # it is gone already


@asynccontextmanager
async def connect_trio(
    *,
    unix_socket: str | None = None,
    url: str | None = None,
    token: str | None = None,
    token_file: str | None = None,
    ca_file: str | None = None,
    reconnect: bool = True,
    on_state: Callable[[State], None] | None = None,
) -> AsyncIterator[TrioMonitor]:
    """Connect to a server for the time of the block; to the user's own, unless one is named.

    Args:
        unix_socket: the path of the same user's socket; or
        url: an address such as ``wss://pulse.example:8765/``; ``ws://`` to this machine only.
        token: what lets us in at `url`; or
        token_file: the file that holds it, which nobody else can read.
        ca_file: whom to trust at `url`, in PEM; None: the system's authorities.
        reconnect: whether to come back after a cut.
        on_state: told when the connection changes; it must not raise.

    Raises:
        UsageError: that makes no sense.
        ServerUnavailable: nobody answers there.
        ServerRefused: the server does not take us.
    """
    server = destination(unix_socket, url, token, token_file, ca_file)
    monitor = TrioMonitor(server, reconnect=reconnect, on_state=on_state)
    with unwrapped():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(monitor.run)
            try:
                await monitor.until(lambda: monitor.is_open)
                yield monitor
            finally:
                monitor.end()
                nursery.cancel_scope.cancel()
