"""The client for programs on asyncio.

async with tmuxpulse.connect_asyncio() as monitor:
    async for event in monitor.events(types=["agent.status"]):
        print(event.session, event.data)

One task for each monitor, which reads; a timer looks at the time.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tmuxpulse.client import endings
from tmuxpulse.client.address import Address, is_loopback
from tmuxpulse.client.async_monitor import CLOSED, AsyncMonitor
from tmuxpulse.client.core import State
from tmuxpulse.client.destination import OPEN_SECONDS, Destination, destination
from tmuxpulse.client.view import Event
from tmuxpulse.client.websocket import READ_BYTES, WebSocket
from tmuxpulse.errors import TmuxpulseError, UsageError

# Two names of one thing from Python 3.11 on.
_TIMED_OUT = (TimeoutError, asyncio.TimeoutError)

_GOODBYE_SECONDS = 0.5  # for a close frame to leave, and TLS to end

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class AsyncioMonitor(AsyncMonitor):
    """A server, for a program on asyncio; `connect_asyncio` makes it."""

    def __init__(
        self,
        server: Destination,
        *,
        reconnect: bool = True,
        on_state: Callable[[State], None] | None = None,
    ) -> None:
        super().__init__(server, reconnect=reconnect, on_state=on_state)
        self._loop = asyncio.get_running_loop()
        self._waiting: set[asyncio.Future[None]] = set()
        self._room = asyncio.Event()
        self._writer: asyncio.StreamWriter | None = None
        self._websocket: WebSocket | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Stay connected, until cancelled or the end; `connect_asyncio` does this."""
        core = self._core
        try:
            while core.ended is None:
                await asyncio.sleep(max(0.0, core.retry_at - self._loop.time()))
                core.dialing()
                try:
                    reader, writer = await _dial(self._server)
                except TmuxpulseError as error:
                    core.lost(error, self._loop.time())
                else:
                    await self._talk(reader, writer)
                self._tell()
        finally:
            core.end(UsageError(CLOSED))
            self._tell()

    async def until(self, done: Callable[[], object]) -> None:
        """Wait until something holds; cancelling changes nothing.

        Raises:
            TmuxpulseError: that will never be.
        """
        self._check_here()
        while not done():
            if self._core.ended is not None:
                raise self._core.ended
            news = self._loop.create_future()
            self._waiting.add(news)
            try:
                await news
            finally:
                self._waiting.discard(news)

    def go_on(self) -> None:
        """Send what is to be sent, and read on if that was paused."""
        self._flush()
        if self.is_paused and not self._core.is_full:
            self._room.set()

    async def let_others_run(self) -> None:
        """Let other tasks run once."""
        self._check_here()
        await asyncio.sleep(0)

    async def _within(self, seconds: float, wait: Callable[[], Awaitable[Event]]) -> Event | None:
        try:
            return await asyncio.wait_for(wait(), seconds)
        except _TIMED_OUT as error:
            if isinstance(error, TmuxpulseError):
                raise
            return None

    def _check_here(self) -> None:
        try:
            here = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        if here is not self._loop:
            raise UsageError(
                "this monitor belongs to another event loop; from a thread use"
                " asyncio.run_coroutine_threadsafe, or tmuxpulse.connect()"
            )

    # --- one connection --------------------------------------------------------------------

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        core = self._core
        websocket = self._server.websocket(core.token)
        self._writer, self._websocket = writer, websocket
        core.opened(self._loop.time())
        failure: TmuxpulseError | None = None
        self._look()
        try:
            self._flush()
            await self._read(reader, websocket)
        except OSError as error:
            failure = endings.broken(self._server.where, error)
        finally:
            if self._timer is not None:
                self._timer.cancel()
            websocket.close()
            self._flush()
            self._writer = self._websocket = None
            await _hang_up(writer)
        failure = core.broken or websocket.ended or failure
        silent = endings.closed(self._server.where, endings.ABNORMAL, "")
        core.lost(failure or silent, self._loop.time())

    async def _read(self, reader: asyncio.StreamReader, websocket: WebSocket) -> None:
        core = self._core
        while core.broken is None and websocket.ended is None:
            data = await reader.read(READ_BYTES)
            core.receive(websocket.receive(data), self._loop.time())
            self._flush()
            self._tell()
            while core.is_full:
                self.is_paused = True
                self._room.clear()
                try:
                    await self._room.wait()
                finally:
                    self.is_paused = False
                core.still_there(self._loop.time())

    def _tell(self) -> None:
        for news in self._waiting:
            if not news.done():
                news.set_result(None)

    def _flush(self) -> None:
        websocket, writer = self._websocket, self._writer
        if websocket is None or writer is None:
            return
        for text in self._core.outgoing():
            websocket.send(text)
        data = websocket.outgoing()
        if data and not writer.is_closing():
            writer.write(data)

    def _look(self) -> None:
        """Look at the time, and again when it matters; not being read is no silence."""
        core, now = self._core, self._loop.time()
        if self.is_paused:
            core.still_there(now)
        core.tick(now)
        if core.broken is not None and self._writer is not None:
            self._writer.transport.abort()
            return
        self._flush()
        if core.deadline < math.inf:
            self._timer = self._loop.call_at(core.deadline, self._look)


@asynccontextmanager
async def connect_asyncio(
    *,
    unix_socket: str | None = None,
    url: str | None = None,
    token: str | None = None,
    token_file: str | None = None,
    ca_file: str | None = None,
    reconnect: bool = True,
    on_state: Callable[[State], None] | None = None,
) -> AsyncIterator[AsyncioMonitor]:
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
    monitor = AsyncioMonitor(server, reconnect=reconnect, on_state=on_state)
    task = asyncio.create_task(monitor.run())
    try:
        await monitor.until(lambda: monitor.is_open)
        yield monitor
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()  # a mistake of ours, or of `on_state`, is not hidden


async def _dial(server: Destination) -> Streams:
    """Connect; cancelled or failed, it leaves nothing open.

    Raises:
        ServerError: nobody is there, or not the right one.
        UsageError: it leads beyond this machine without TLS.
    """
    try:
        if server.address is None:
            opening = asyncio.open_unix_connection(server.unix_socket)
            return await asyncio.wait_for(opening, OPEN_SECONDS)
        return await _dial_address(server, server.address)
    except _TIMED_OUT:
        raise endings.no_answer(server.where, OPEN_SECONDS) from None
    except OSError as error:
        raise _why(error, server) from None


async def _dial_address(server: Destination, address: Address) -> Streams:
    name = address.name.partition("%")[0]  # a zone is known on this machine only
    opening = asyncio.open_connection(
        address.name,
        address.port,
        ssl=server.context,
        server_hostname=name if server.context is not None else None,
    )
    reader, writer = await asyncio.wait_for(opening, OPEN_SECONDS)
    peer = writer.get_extra_info("peername")[0]
    if server.context is None and not is_loopback(peer):
        await _hang_up(writer)
        raise UsageError(f"{address.name} leads to {peer}, which is not this machine: use wss://")
    return reader, writer


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    """Close, for as long as what was written may take; then at once."""
    writer.close()
    try:
        await asyncio.wait_for(writer.wait_closed(), _GOODBYE_SECONDS)
    except (OSError, *_TIMED_OUT):
        writer.transport.abort()
        await asyncio.sleep(0)  # it closes when the loop comes round


def _why(error: OSError, server: Destination) -> TmuxpulseError:
    """What it means that a connection could not be made."""
    if server.context is not None:
        import ssl

        from tmuxpulse.client.tls import complaint

        if isinstance(error, (ssl.SSLError, ConnectionResetError)):
            return complaint(error, server.where)
    return endings.unreachable(server.where, error)
