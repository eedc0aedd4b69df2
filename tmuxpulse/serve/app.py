"""The server: one nursery under one cancel scope, and its orderly end.

This is where the shells are wired together: collector, hub, listeners. None of them knows another.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol

import msgspec
import trio

from tmuxpulse import __version__
from tmuxpulse.collect.first_look import wait_for_first_look
from tmuxpulse.config.features import switched_on, why_off
from tmuxpulse.config.settings import CollectSettings, ServeSettings
from tmuxpulse.errors import TmuxpulseError, UsageError
from tmuxpulse.hub.hub import Hub
from tmuxpulse.serve.access import Access
from tmuxpulse.serve.descriptors import raise_descriptor_limit
from tmuxpulse.serve.door import EVERYWHERE, Door, hosts_of
from tmuxpulse.serve.front import TOKEN_LOOK_SECONDS, Front
from tmuxpulse.serve.grants import owner
from tmuxpulse.serve.house import House, Visitor
from tmuxpulse.serve.keeping import open_audit, open_history
from tmuxpulse.serve.listen import Tcp, open_tcp, open_unix, same_user
from tmuxpulse.serve.pages import Page, load_pages
from tmuxpulse.serve.past import Past
from tmuxpulse.serve.reload import Reload, read_again
from tmuxpulse.serve.steering import Steered
from tmuxpulse.serve.systemd import Activated, Notifier
from tmuxpulse.serve.tickets import Tickets
from tmuxpulse.serve.tls import Tls, accept_tls
from tmuxpulse.serve.token_store import TokenStore

NOTHING_GIVEN = Activated()

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
        reload: reads the settings again, as SIGHUP does.
    """

    port: int
    line: str
    stop: Callable[[], None]
    reload: Callable[[], None]


async def serve(
    settings: ServeSettings,
    collect: CollectSettings,
    *,
    announce: Callable[[str], None],
    collector: Collector | None = None,
    hub: Hub | None = None,
    player: Steered | None = None,
    pages: dict[str, Page] | None = None,
    signals: bool = True,
    reload: Reload | None = None,
    given: Activated = NOTHING_GIVEN,
    manager: Notifier | None = None,
    task_status: trio.TaskStatus[Ready] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until SIGINT or SIGTERM, then say goodbye and return.

    The end takes at most ``grace_seconds`` for the clients, and then what the collector needs to
    leave tmux as it was. A second signal ends it at once. Cancelling does so too; sockets and files
    of ours are removed in any case. SIGHUP reads settings, tokens and certificates again.

    Args:
        settings: where to listen, and whom to let in.
        collect: what the collector is given.
        announce: gets the one line that says it is ready.
        collector: what fills the hub; by default the one that watches tmux.
        hub: the stream; by default a new one.
        player: what `collector` is, when it plays a recording: clients may steer it.
        pages: the files of the page; by default those of this installation.
        signals: whether to listen for signals; needs the main thread.
        reload: gives the settings anew, or raises `UsageError`.
        given: sockets that are listened on already.
        manager: is told when the server is ready, lives, and ends.
        task_status: started when the ready line was announced.

    Raises:
        UsageError: the settings ask for what is refused.
        AddressInUse: it cannot listen there.
        TmuxpulseError: the collector cannot begin, as when there is no tmux program.
    """
    collector = collector or _watching_tmux()
    raise_descriptor_limit()
    manager = manager or Notifier({})
    hub, pages = hub or Hub(), load_pages() if pages is None else pages
    stop = trio.Event()
    refused: list[TmuxpulseError] = []
    tls = _tls(settings)
    access = Access(TokenStore(Path(settings.state_dir) / "tokens.json"), Tickets())
    problems: dict[str, str] = {}
    with ExitStack() as stack:
        audit = stack.enter_context(open_audit(settings, hub, problems))
        history = stack.enter_context(open_history(settings, hub, problems))
        tcp, unix = _listen(stack, settings, tls, has_token=access.has_tokens, given=given)
        house = House(
            hub,
            access=access,
            audit=audit,
            limits=settings.limits,
            write=settings.server.write,
            page_url=_page_url(tcp, settings),
            past=Past(history),
            problems=problems,
            features=switched_on(settings, collect),
            player=player,
        )
        fronts = _Fronts(house, settings, tcp, tls, pages)
        async with trio.open_nursery() as nursery:

            def reread() -> None:
                nonlocal settings, collect
                access.refresh()
                settings, collect = read_again(reload, (settings, collect), house, tls)
                fronts.open_doors(settings)

            if signals:
                await nursery.start(_watch_signals, stop, reread, nursery.cancel_scope)
            nursery.start_soon(manager.run)
            await nursery.start(audit.run)
            await nursery.start(house.past.run)
            fronts.watch_peers(nursery)
            nursery.start_soon(_watch_tokens, access, fronts.all)
            await nursery.start(hub.run)
            await _start_collector(nursery, partial(collector, hub, collect), refused)
            async with trio.open_nursery() as connections:
                async with trio.open_nursery() as accepting:
                    for handler, listeners in fronts.handlers(tcp, unix):
                        await accepting.start(
                            partial(
                                trio.serve_listeners,
                                handler,
                                listeners,
                                handler_nursery=connections,
                            )
                        )
                    line = ready_line(tcp, settings.unix_socket)
                    audit.record("server.started", who="server", version=__version__)
                    announce(line)
                    manager.ready(line)
                    task_status.started(Ready(tcp.port, line, stop.set, reread))
                    await stop.wait()
                    logger.info("shutting down")
                    manager.stopping()
                    accepting.cancel_scope.cancel()
                fronts.goodbye("the server is shutting down")
                connections.cancel_scope.deadline = (
                    trio.current_time() + settings.server.grace_seconds
                )
            audit.record("server.stopped", who="server")
            hub.stop_keeping()  # what taking down the collector publishes did not happen in tmux
            nursery.cancel_scope.cancel()
    if refused:
        raise refused[0]


def _watching_tmux() -> Collector:
    from tmuxpulse.collect.collector import run_collector

    return run_collector


def _listen(
    stack: ExitStack,
    settings: ServeSettings,
    tls: Tls | None,
    *,
    has_token: bool,
    given: Activated,
) -> tuple[Tcp, trio.SocketListener | None]:
    """Listen until the stack ends."""
    server = settings.server
    tcp = stack.enter_context(
        open_tcp(server.host, server.port, tls=tls, has_token=has_token, given=given.tcp)
    )
    if not settings.unix_socket:
        return tcp, None
    return tcp, stack.enter_context(open_unix(settings.unix_socket, given.unix))


def _tls(settings: ServeSettings) -> Tls | None:
    server = settings.server
    if server.tls_key and not server.tls_certificate:
        raise UsageError("[server] tls_key is of no use without tls_certificate; set both")
    return Tls(server.tls_certificate, server.tls_key) if server.tls_certificate else None


def ready_line(tcp: Tcp, unix_socket: str) -> str:
    """What is printed when everything listens, and not before."""
    unix = f" (unix: {unix_socket})" if unix_socket else ""
    return f"tmuxpulse {__version__} ready: {tcp.url}{unix}"


def _page_url(tcp: Tcp, settings: ServeSettings) -> str:
    """Where a browser finds the page: an address that means "everywhere" is no name."""
    if settings.server.host not in EVERYWHERE:
        return tcp.url
    scheme = tcp.url.partition(":")[0]
    name, *_ = (*settings.server.allowed_hosts, f"127.0.0.1:{tcp.port}")
    return f"{scheme}://{name}/"


class _Fronts:
    """The front doors: one for TCP, one for the Unix socket."""

    def __init__(
        self,
        house: House,
        settings: ServeSettings,
        tcp: Tcp,
        tls: Tls | None,
        pages: Mapping[str, Page],
    ) -> None:
        self._house = house
        self._tcp_socket = tcp
        self._pages = pages
        self._scheme = "http" if tls is None else "https"
        secure = None if tls is None else partial(accept_tls, tls)
        self.tcp = Front(house, self._tcp_door(settings), secure=secure)
        self.unix = Front(house, self._unix_door(settings))
        self.all = (self.tcp, self.unix)

    def watch_peers(self, nursery: trio.Nursery) -> None:
        """Notice connections without a sign of life."""
        for front in self.all:
            nursery.start_soon(front.watch_peers)

    def goodbye(self, reason: str) -> None:
        """Say that it ends to everybody."""
        for front in self.all:
            front.goodbye(reason)

    def open_doors(self, settings: ServeSettings) -> None:
        """Let in by the rules that the settings make, from now on."""
        self.tcp.door = self._tcp_door(settings)
        self.unix.door = self._unix_door(settings)

    def _unix_door(self, settings: ServeSettings) -> Door:
        return self._without_page(settings, Door(hosts=None, pages=self._pages))

    def _tcp_door(self, settings: ServeSettings) -> Door:
        server = settings.server
        door = Door(
            hosts=hosts_of(
                self._tcp_socket.port, server.host, *server.allowed_hosts, scheme=self._scheme
            ),
            pages=self._pages,
            scheme=self._scheme,
            origins=frozenset(server.allowed_origins),
        )
        return self._without_page(settings, door)

    def _without_page(self, settings: ServeSettings, door: Door) -> Door:
        """The same door, without what is switched off."""
        if settings.features.page:
            return door
        return msgspec.structs.replace(door, pages={}, no_page=why_off("page"))

    def handlers(
        self, tcp: Tcp, unix: trio.SocketListener | None
    ) -> Iterator[tuple[Handler, list[trio.SocketListener]]]:
        """What to do with a connection, for each kind of listener."""

        async def from_tcp(stream: trio.SocketStream) -> None:
            await self.tcp.handle(stream, _tcp_visitor(stream))

        async def from_unix(stream: trio.SocketStream) -> None:
            if same_user(stream):
                visitor = Visitor(peer="unix", address="unix", is_local=True, grant=owner())
                await self.unix.handle(stream, visitor)
            else:
                logger.warning("another user tried the Unix socket")
                self._house.audit.record_failure("unix", "another user")
                await trio.aclose_forcefully(stream)

        yield from_tcp, tcp.listeners
        if unix is not None:
            yield from_unix, [unix]


def _is_local(address: str) -> bool:
    found = ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def _tcp_visitor(stream: trio.SocketStream) -> Visitor:
    try:
        host, port, *_ = stream.socket.getpeername()
    except OSError:  # it has left already
        return Visitor(peer="somebody", address="somebody", is_local=False)
    return Visitor(peer=f"{host}:{port}", address=host, is_local=_is_local(host))


async def _watch_tokens(access: Access, fronts: tuple[Front, ...]) -> None:
    """Notice changes of the store and the end of what was granted, until cancelled."""
    while True:
        await trio.sleep(TOKEN_LOOK_SECONDS)
        access.refresh()
        for front in fronts:
            front.end_revoked()


async def _start_collector(
    nursery: trio.Nursery,
    collector: Callable[..., Awaitable[None]],
    refused: list[TmuxpulseError],
) -> None:
    """Start it, and wait for its first look, but not for ever: a tmux may hang.

    An error that says why it cannot begin goes to `refused` and ends the rest, so that it can be
    raised as itself and not in a group.
    """

    async def look() -> None:
        try:
            await nursery.start(collector)
        except TmuxpulseError as error:
            refused.append(error)
            nursery.cancel_scope.cancel()
        else:
            logger.info("the first look at tmux is done")

    if not await wait_for_first_look(nursery, look):
        logger.info("tmux has not answered yet; what is in it is known when it does")
    await trio.lowlevel.checkpoint_if_cancelled()


async def _watch_signals(
    stop: trio.Event,
    reread: Callable[[], None],
    everything: trio.CancelScope,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as received:
        task_status.started()
        async for number in received:
            if number == signal.SIGHUP:
                reread()
                continue
            if stop.is_set():
                everything.cancel()
            stop.set()
