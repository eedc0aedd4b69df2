"""Where a command's events come from: the user's server, one at an address, or this process.

A running server is used, since it has watched for longer and a pane has one pipe only. When the
user names tmux servers that it does not watch, this process watches them itself.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec
from msgspec.structs import replace

from tmuxpulse.client.incoming import Incoming, Received
from tmuxpulse.client.token_file import read_token_file
from tmuxpulse.collect.sockets import is_alive
from tmuxpulse.config.places import default_unix_socket
from tmuxpulse.config.settings import CollectSettings
from tmuxpulse.errors import ServerUnavailable, UsageError
from tmuxpulse.filters import Filter
from tmuxpulse.wire import Gap, Position, Reset, Snapshot, SnapshotData, Tree

if TYPE_CHECKING:
    from tmuxpulse.cli.embedded import Collector
    from tmuxpulse.client.connection import Connection


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where to look for events.

    Attributes:
        url: a server's address; None: the user's own server, else none.
        unix_socket: where the user's own server listens, if it runs; empty: use none.
        collect: how to watch without one; its sockets are those the user named.
        token: what lets us in at `url`.
        ca_file: whom to trust at `url`; None: the system's authorities.
    """

    url: str | None
    unix_socket: str
    collect: CollectSettings
    token: str | None = None
    ca_file: str | None = None

    def __repr__(self) -> str:
        """Without the token."""
        return f"Source(url={self.url!r}, unix_socket={self.unix_socket!r})"

    @property
    def has_server(self) -> bool:
        """Whether a server is to be asked."""
        return self.url is not None or bool(self.unix_socket and is_alive(self.unix_socket))

    def connect(self) -> AbstractAsyncContextManager[Connection]:
        """Connect to the server; raises as `open_connection` does."""
        from tmuxpulse.client.connection import open_connection

        if self.url is None:
            return open_connection(unix_socket=self.unix_socket)
        return open_connection(url=self.url, token=self.token, ca_file=self.ca_file)


def source_of(options: argparse.Namespace, collect: CollectSettings) -> Source:
    """Whom a command asks that has `add_server_options`.

    Args:
        options: its own.
        collect: how to watch without a server.

    Raises:
        UsageError: as `token_of`.
    """
    return Source(
        url=options.url,
        unix_socket=default_unix_socket(Path(collect.runtime_dir)),
        collect=collect,
        token=token_of(options),
        ca_file=options.ca_file,
    )


def token_of(options: argparse.Namespace, environ: Mapping[str, str] | None = None) -> str | None:
    """The token for the server at ``--url``, from ``--token-file`` or ``TMUXPULSE_TOKEN_FILE``.

    Raises:
        UsageError: the file cannot be used; or there is no ``--url`` for it.
    """
    if options.url is None:
        if options.token_file is not None or options.ca_file is not None:
            raise UsageError("--token-file and --ca-file are for a server at an address: add --url")
        return None
    env = os.environ if environ is None else environ
    path = options.token_file or env.get("TMUXPULSE_TOKEN_FILE")
    return read_token_file(path) if path else None


class FeedEnded(Exception):
    """Nothing more comes: a recording is at its end."""


class Feed(Protocol):
    """Events, and the state they begin with."""

    @property
    def beginning(self) -> SnapshotData:
        """The state when the feed was opened. Events up to its `seq` may come again."""

    async def receive(self) -> list[Incoming]:
        """Give what came together; cancelling loses nothing. Some feeds raise `FeedEnded`."""


def goes_on(feed: Feed) -> bool:
    """Whether a feed's events come right after those of the feed before."""
    return isinstance(feed, ServerFeed) and feed.is_resumed and feed.reset is None


class ServerFeed:
    """Events from a server, of all its tmux servers or of some.

    Args:
        connection: has subscribed.
        beginning: the snapshot of the subscription.
        names: the tmux servers that are wanted; None: all.

    Attributes:
        connection: for requests beside the events.
        is_resumed: whether it was to go on after a position.
        reset: why it does not, if so.
        position: the last event that it gave.
    """

    def __init__(
        self,
        connection: Connection,
        beginning: SnapshotData,
        names: frozenset[str] | None,
        *,
        resume: Position | None = None,
        reset: Reset | None = None,
    ) -> None:
        self.beginning = beginning
        self.connection = connection
        self.is_resumed = resume is not None
        self.reset = reset
        here = Position(epoch=beginning.epoch, seq=beginning.seq)
        self.position = here if resume is None or reset is not None else resume
        self._names = names

    async def receive(self) -> list[Incoming]:
        """Give what came together; cancelling loses nothing."""
        while True:
            found = self._wanted(self._noted(await self.connection.receive()))
            if found:
                return found

    def receive_nowait(self) -> list[Incoming]:
        """Give all that has come already; cheaper than one message at a time."""
        return self._wanted(self._noted(self.connection.receive_nowait()))

    def _noted(self, found: list[Incoming]) -> list[Incoming]:
        for item in found:
            match item:
                case Received(numbered):
                    self.position = Position(epoch=self.position.epoch, seq=numbered.seq)
                case Gap(to_seq=seq, only=None):
                    self.position = Position(epoch=self.position.epoch, seq=seq)
                case SnapshotData(epoch=epoch, seq=seq):
                    self.position = Position(epoch=epoch, seq=seq)
        return found

    def _wanted(self, found: list[Incoming]) -> list[Incoming]:
        if self._names is None:
            return found
        return [item for item in found if self._is_wanted(item)]

    def _is_wanted(self, item: Incoming) -> bool:
        if not isinstance(item, Received) or self._names is None:
            return True
        server = item.numbered.event.place.server
        return server is None or server in self._names


@asynccontextmanager
async def open_feed(
    source: Source,
    *wanted: Filter,
    resume: Position | None = None,
    collector: Collector | None = None,
) -> AsyncIterator[Feed]:
    """Open the stream of events that fits.

    Args:
        source: whom to ask.
        wanted: any of these has to admit an event.
        resume: go on after this event of the server's, with one filter; else from now on.
        collector: how to watch without a server; by default as always.

    Raises:
        ServerUnavailable: no server answers at `source.url`, or the one there was broke.
        ServerRefused: it does not take us.
        TmuxNotFound: there is no server, and no tmux program either.
        UsageError: the server at `source.url` does not watch what the user named.
    """
    async with AsyncExitStack() as stack:
        feed: Feed | None = None
        if source.has_server:
            feed = await _from_server(stack, source, wanted, resume)
        if feed is None:
            await stack.aclose()
            from tmuxpulse.cli.embedded import open_embedded

            feed = await stack.enter_async_context(
                open_embedded(source.collect, *wanted, collector=collector)
            )
        yield feed


def names_of(tree: Tree, paths: tuple[str, ...]) -> frozenset[str] | None:
    """The names of the tmux servers on these sockets; None when some are not watched."""
    watched = {view.socket: view.name for view in tree.servers}
    if not all(path in watched for path in paths):
        return None
    return frozenset(watched[path] for path in paths)


async def _from_server(
    stack: AsyncExitStack, source: Source, wanted: Sequence[Filter], resume: Position | None
) -> Feed | None:
    """A server's events; None when it does not watch what the user named."""
    connection = await stack.enter_async_context(source.connect())
    if resume is not None and connection.greeting.epoch != resume.epoch:
        resume = None  # another run of the server, which knows nothing of it
    state = None if resume is None else await connection.request(Snapshot())
    reply = await connection.subscribe(wanted[0], snapshot=resume is None, resume=resume)
    reset: Reset | None = None
    if isinstance(state, SnapshotData) and resume is not None and reply.recovered:
        # The events that led to it come yet.
        beginning: Incoming = replace(state, seq=resume.seq)
    else:
        beginning = await anext(connection)
        if isinstance(beginning, Reset):
            reset, beginning = beginning, await anext(connection)
    for another in wanted[1:]:
        await connection.subscribe(another)
    if not isinstance(beginning, SnapshotData):
        raise ServerUnavailable("the tmuxpulse server did not give its state")
    names = names_of(beginning.data, source.collect.sockets) if source.collect.sockets else None
    if names is not None or not source.collect.sockets:
        return ServerFeed(connection, beginning, names, resume=resume, reset=reset)
    if source.url is not None:
        raise UsageError(f"the server at {source.url} does not watch what -L or -S name")
    return None
