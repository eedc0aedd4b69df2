"""A feed that goes on: when its server goes away it is waited for, and read on from where it was.

The user's own server is back in a moment when it is restarted. When it is not, this process watches
tmux itself, and goes back to a server as soon as there is one. One at an address is tried again
until it answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import trio

from tmuxpulse.cli.feed import Feed, ServerFeed, Source, open_feed
from tmuxpulse.client.groups import unwrapped
from tmuxpulse.errors import ServerUnavailable, TmuxNotFound
from tmuxpulse.filters import Filter
from tmuxpulse.wire import Position, Reset

if TYPE_CHECKING:
    from tmuxpulse.cli.embedded import Collector

GRACE_SECONDS = 3.0  # in which the user's own server may come back before we watch ourselves
LOOK_SECONDS = 0.1
SERVER_LOOK_SECONDS = 2.0  # for a server, while we watch ourselves in its place
FIRST_RETRY_SECONDS, MOST_RETRY_SECONDS = 0.5, 10.0

NEW_STREAM = Reset(reason="epoch")  # what was known before is void: another process tells now


class Read(Protocol):
    """Reads a feed until it ends."""

    async def __call__(self, feed: Feed, reset: Reset | None) -> None:
        """Read.

        Args:
            feed: where events come from now.
            reset: why they do not go on after those of the feed before; None: they do, or it is
                the first.
        """


class Told(Protocol):
    """Is told what becomes of the feed."""

    def lost(self, error: ServerUnavailable | TmuxNotFound) -> None:
        """It broke off, or could not be opened again."""

    def back(self, feed: Feed) -> None:
        """It goes on."""


async def follow(
    source: Source,
    wanted: Filter,
    read: Read,
    told: Told,
    *,
    collector: Collector | None = None,
) -> None:
    """Read what a source tells until a feed ends by itself, however often its server goes away.

    Args:
        source: whom to ask.
        wanted: which events.
        read: reads each feed.
        told: is told when one breaks off, and when it goes on.
        collector: how to watch without a server; by default as always.

    Raises:
        ServerUnavailable: the server did not answer at first.
        ServerRefused: it does not take us, or not any more.
        TmuxNotFound: there was neither a server nor a tmux program at first.
        UsageError: as `open_feed`.
    """
    pause, is_first, was_served = FIRST_RETRY_SECONDS, True, False
    at: Position | None = None
    while True:
        feed: Feed | None = None
        try:
            with unwrapped():
                async with open_feed(source, wanted, resume=at, collector=collector) as feed:
                    if not is_first:
                        told.back(feed)
                    reset = None if is_first else _reset_of(feed)
                    is_first, pause = False, FIRST_RETRY_SECONDS
                    was_served = was_served or isinstance(feed, ServerFeed)
                    # One that is there and is not asked watches other tmux servers than these.
                    is_in_place = was_served and not source.has_server
                    if await _read(feed, reset, read, source if is_in_place else None):
                        return
        except (ServerUnavailable, TmuxNotFound) as error:
            if is_first:
                raise
            told.lost(error)
        if feed is not None:
            at = feed.position if isinstance(feed, ServerFeed) else None
        await _wait(source, pause)
        pause = min(pause * 2, MOST_RETRY_SECONDS)


async def _read(feed: Feed, reset: Reset | None, read: Read, source: Source | None) -> bool:
    """Read a feed to its end; False: a server took its place before."""
    is_over = False
    async with trio.open_nursery() as nursery:
        if source is not None:
            nursery.start_soon(_cancel_with_server, source, nursery.cancel_scope.cancel)
        await read(feed, reset)
        is_over = True
        nursery.cancel_scope.cancel()
    return is_over


async def _cancel_with_server(source: Source, cancel: Callable[[], None]) -> None:
    while not source.has_server:  # noqa: ASYNC110  # a socket that appears tells nobody
        await trio.sleep(SERVER_LOOK_SECONDS)
    cancel()


async def _wait(source: Source, pause: float) -> None:
    """Wait before the next try: for a server that is not there, else for its sake."""
    if source.url is not None or source.has_server:
        await trio.sleep(pause)
        return
    with trio.move_on_after(GRACE_SECONDS):
        while not source.has_server:  # noqa: ASYNC110  # a socket that appears tells nobody
            await trio.sleep(LOOK_SECONDS)


def _reset_of(feed: Feed) -> Reset | None:
    return feed.reset if isinstance(feed, ServerFeed) and feed.is_resumed else NEW_STREAM
