"""Brings events to the full screen: from a feed, and from the next one when that one breaks off.

Not the pane that it runs in: what is drawn would be new output, which would be drawn.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from urllib.parse import urlsplit

import msgspec
import trio

from tmuxpulse.cli.feed import Feed, FeedEnded, ServerFeed, Source
from tmuxpulse.cli.following import follow
from tmuxpulse.cli.screen.app import App
from tmuxpulse.cli.screen.eyes import look_at_chosen
from tmuxpulse.cli.screen.keys import KeyMap, KeyTwice
from tmuxpulse.cli.screen.model import Model
from tmuxpulse.cli.screen.recall import recall_turns
from tmuxpulse.cli.screen.wanted import parse_filter
from tmuxpulse.client.groups import unwrapped
from tmuxpulse.config.layers import Loaded
from tmuxpulse.config.settings import WatchColoursTable, WatchTable
from tmuxpulse.config.toml_file import TomlFile
from tmuxpulse.errors import UsageError
from tmuxpulse.filters import EVERYTHING, Filter
from tmuxpulse.wire import Reset

BATCH_SECONDS = 0.03
# The screen has no use for `system.stats`: that is a look at every process while somebody listens.
ALL_BUT_STATS = Filter(
    types=("server.*", "session.*", "window.*", "pane.*", "command.*", "agent.*", "custom.*")
)
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How the full screen is, by the settings.

    Attributes:
        keys: what each key does.
        table: columns, mouse, depth of colours.
        colours: of each style.
        wanted: what is shown at first.
        colour: whether to use any.
    """

    keys: KeyMap
    table: WatchTable = WatchTable()
    colours: WatchColoursTable = WatchColoursTable()
    wanted: Filter = EVERYTHING
    colour: bool = True


def look_of(loaded: Loaded, wanted: Filter, *, colour: bool) -> Look:
    """How the settings want it.

    Args:
        loaded: the settings.
        wanted: the filter of the command line; when it says anything, that of the settings is not
            used.
        colour: whether to use colours.

    Raises:
        UsageError: a key is given twice, or the filter is none; it names the line.
    """
    settings = loaded.settings
    try:
        keys = KeyMap(settings.watch_keys)
    except KeyTwice as error:
        raise UsageError(f"{_where(loaded, 'watch_keys', error.action)}: {error}") from None
    if wanted == EVERYTHING:
        try:
            wanted = parse_filter(settings.watch.filter)
        except UsageError as error:
            where = _where(loaded, "watch", "filter")
            raise UsageError(f"{where}: watch.filter: {error}") from None
    return Look(
        keys=keys,
        table=settings.watch,
        colours=settings.watch_colours,
        wanted=wanted,
        colour=colour,
    )


def _where(loaded: Loaded, table: str, key: str) -> str:
    origin = loaded.origins[f"{table}.{key}"]
    if loaded.file is not None and origin == str(loaded.file):
        return TomlFile(loaded.file).where(table, key)
    return origin


def own_pane(environ: Mapping[str, str], url: str | None = None) -> Collection[tuple[str, str]]:
    """The socket and pane that this process runs in; nothing when it is in none.

    Args:
        environ: the environment.
        url: the server that is asked; panes of another machine are not ours.
    """
    if url is not None and urlsplit(url).hostname not in _HERE:
        return ()
    socket, pane = environ.get("TMUX", "").partition(",")[0], environ.get("TMUX_PANE", "")
    if not socket or not pane:
        return ()
    return {(socket, pane), (os.path.realpath(socket), pane)}


async def show_source(source: Source, look: Look, *, seconds: float | None = None) -> int:
    """Show what a source tells until the user quits.

    A feed that breaks off is opened again; meanwhile the screen says so.

    Raises:
        ServerUnavailable: the server did not answer at first.
        ServerRefused: it does not take us.
        TmuxNotFound: there is neither a server nor a tmux program.
    """
    model = Model(look.keys, wanted=look.wanted, without=own_pane(os.environ, source.url))
    app = App(model, look=look.table, colours=look.colours, colour=look.colour)
    with unwrapped():
        async with trio.open_nursery() as nursery:
            if seconds is not None:
                nursery.cancel_scope.deadline = trio.current_time() + seconds
            await nursery.start(_bring, source, model)
            await app.run()
            nursery.cancel_scope.cancel()
    return 0


async def _bring(
    source: Source, model: Model, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Feed the model for ever; started with the first state."""
    is_first = True

    async def read(feed: Feed, reset: Reset | None) -> None:
        nonlocal is_first
        if is_first or reset is not None:
            model.begin(feed.beginning, time.time())
        if is_first:
            is_first = False
            task_status.started()
        await bring_feed(feed, model)

    await follow(source, ALL_BUT_STATS, read, _OnScreen(model))


class _OnScreen:
    """Says at the top of the screen what becomes of the feed."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def lost(self, error: Exception) -> None:
        """It broke off."""
        self._model.problem = f"{error}; trying again"
        self._model.changed = True

    def back(self, _feed: Feed) -> None:
        """It goes on."""
        self._model.problem = ""
        self._model.changed = True


async def bring_feed(feed: Feed, model: Model) -> None:
    """Give the model what a feed brings, until it ends.

    Raises:
        ServerError: it broke off.
    """
    since = feed.beginning.seq
    if isinstance(feed, ServerFeed):
        feed.connection.read_with_pauses(BATCH_SECONDS)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(look_at_chosen, model, feed)
        if isinstance(feed, ServerFeed):
            nursery.start_soon(recall_turns, model, feed)
        with suppress(FeedEnded):
            while True:
                model.take(await feed.receive(), time.time(), since=since)
                # A flood comes in a thousand messages a second: to wake for each costs more than
                # what is in them.
                await trio.sleep(BATCH_SECONDS)
                if isinstance(feed, ServerFeed):
                    model.take(feed.receive_nowait(), time.time(), since=since)
        nursery.cancel_scope.cancel()
