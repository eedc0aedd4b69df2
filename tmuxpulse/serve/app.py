"""The server: one nursery under one cancel scope, and its orderly end.

This is where the shells are wired together: collector, hub, listeners. None of them knows another.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Protocol

import msgspec
import trio

from tmuxpulse import __version__
from tmuxpulse.config.settings import CollectSettings, ServeSettings
from tmuxpulse.errors import TmuxpulseError
from tmuxpulse.hub.hub import Hub
from tmuxpulse.serve.door import Door, loopback_hosts
from tmuxpulse.serve.front import Front
from tmuxpulse.serve.listen import Tcp, open_tcp, open_unix, same_user
from tmuxpulse.serve.pages import Page, load_pages

FIRST_LOOK_SECONDS = 2.0  # how long the ready line waits for the collector's first look at tmux

Handler = Callable[[trio.SocketStream], Awaitable[None]]

logger = logging.getLogger(__name__)


class Collector(Protocol):
    """What fills the hub: runs until cancelled, and recovers from what tmux does by itself."""

    async def __call__(
        self, hub: Hub, settings: CollectSettings, *, task_status: trio.TaskStatus[None]
    ) -> None:
        """Collect; started when the first look at tmux was had."""


class Ready(msgspec.Struct, frozen=True):
    """A server that listens.

    Attributes:
        port: the TCP port, also when the settings left the choice to the system.
        line: what `announce` was given.
        stop: begins the orderly end, as a signal does.
    """

    port: int
    line: str
    stop: Callable[[], None]


async def serve(
    settings: ServeSettings,
    collect: CollectSettings,
    *,
    announce: Callable[[str], None],
    collector: Collector | None = None,
    hub: Hub | None = None,
    pages: dict[str, Page] | None = None,
    signals: bool = True,
    task_status: trio.TaskStatus[Ready] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until SIGINT or SIGTERM, then say goodbye and return.

    The end takes at most ``grace_seconds`` for the clients, and then what the collector needs to
    leave tmux as it was. A second signal ends it at once. Cancelling does so too; sockets
    and files of ours are removed in any case.

    Args:
        settings: where to listen.
        collect: what the collector is given.
        announce: gets the one line that says it is ready.
        collector: what fills the hub; by default the one that watches tmux.
        hub: the stream; by default a new one.
        pages: the files of the page; by default those of this installation.
        signals: whether to listen for signals; needs the main thread.
        task_status: started when the ready line was announced.

    Raises:
        UsageError: the settings ask for what is refused.
        AddressInUse: it cannot listen there.
        TmuxpulseError: the collector cannot begin, as when there is no tmux program.
    """
    if collector is None:
        from tmuxpulse.collect.collector import run_collector

        collector = run_collector
    hub = Hub() if hub is None else hub
    front = Front(hub)
    pages = load_pages() if pages is None else pages
    stop = trio.Event()
    refused: list[TmuxpulseError] = []
    with ExitStack() as stack:
        tcp = stack.enter_context(open_tcp(settings.server.host, settings.server.port))
        unix = (
            stack.enter_context(open_unix(settings.unix_socket)) if settings.unix_socket else None
        )
        async with trio.open_nursery() as nursery:
            if signals:
                await nursery.start(_watch_signals, stop, nursery.cancel_scope)
            nursery.start_soon(front.watch_writes)
            await nursery.start(hub.run)
            await _start_collector(nursery, partial(collector, hub, collect), refused)
            async with trio.open_nursery() as connections:
                async with trio.open_nursery() as accepting:
                    for handler, listeners in _handlers(front, tcp, unix, pages):
                        await accepting.start(
                            partial(
                                trio.serve_listeners,
                                handler,
                                listeners,
                                handler_nursery=connections,
                            )
                        )
                    line = ready_line(tcp, settings.unix_socket)
                    announce(line)
                    task_status.started(Ready(tcp.port, line, stop.set))
                    await stop.wait()
                    logger.info("shutting down")
                    accepting.cancel_scope.cancel()
                front.goodbye("the server is shutting down")
                connections.cancel_scope.deadline = (
                    trio.current_time() + settings.server.grace_seconds
                )
            nursery.cancel_scope.cancel()
    if refused:
        raise refused[0]


def ready_line(tcp: Tcp, unix_socket: str) -> str:
    """What is printed when everything listens, and not before."""
    unix = f" (unix: {unix_socket})" if unix_socket else ""
    return f"tmuxpulse {__version__} ready: {tcp.url}{unix}"


def _handlers(
    front: Front, tcp: Tcp, unix: trio.SocketListener | None, pages: Mapping[str, Page]
) -> Iterator[tuple[Handler, list[trio.SocketListener]]]:
    """What to do with a connection, for each kind of listener."""
    tcp_door = Door(hosts=loopback_hosts(tcp.port, tcp.host), pages=pages)
    unix_door = Door(hosts=None, pages=pages)

    async def from_tcp(stream: trio.SocketStream) -> None:
        await front.handle(stream, door=tcp_door, peer=_tcp_peer(stream))

    async def from_unix(stream: trio.SocketStream) -> None:
        if same_user(stream):
            await front.handle(stream, door=unix_door, peer="unix")
        else:
            logger.warning("another user tried the Unix socket")
            await trio.aclose_forcefully(stream)

    yield from_tcp, tcp.listeners
    if unix is not None:
        yield from_unix, [unix]


def _tcp_peer(stream: trio.SocketStream) -> str:
    try:
        host, port, *_ = stream.socket.getpeername()
    except OSError:  # it has left already
        return "somebody"
    return f"{host}:{port}"


async def _start_collector(
    nursery: trio.Nursery,
    collector: Callable[..., Awaitable[None]],
    refused: list[TmuxpulseError],
) -> None:
    """Start it, and wait for its first look, but not for ever: a tmux may hang.

    An error that says why it cannot begin goes to `refused` and ends the rest, so that it can be
    raised as itself and not in a group.
    """
    looked = trio.Event()

    async def start() -> None:
        try:
            await nursery.start(collector)
        except TmuxpulseError as error:
            refused.append(error)
            nursery.cancel_scope.cancel()
        looked.set()

    nursery.start_soon(start)
    with trio.move_on_after(FIRST_LOOK_SECONDS):
        await looked.wait()
    await trio.lowlevel.checkpoint_if_cancelled()


async def _watch_signals(
    stop: trio.Event,
    everything: trio.CancelScope,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received:
        task_status.started()
        async for _ in received:
            if stop.is_set():
                everything.cancel()
            stop.set()
