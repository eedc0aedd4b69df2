"""`tmuxpulse watch`: what happens, on the full screen, as lines, or as JSON for a program."""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from contextlib import suppress
from datetime import datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import msgspec
import trio

from tmuxpulse.cli.feed import Feed, FeedEnded, ServerFeed, Source, goes_on, open_feed, source_of
from tmuxpulse.cli.following import follow
from tmuxpulse.cli.lines import Lines
from tmuxpulse.cli.options import (
    Subparsers,
    add_colour_option,
    add_command,
    add_config_option,
    add_filter_options,
    add_server_options,
    add_tmux_options,
    collect_settings,
    filter_of,
    log_to_stderr,
    say,
    settings_of,
)
from tmuxpulse.cli.output import Output
from tmuxpulse.cli.running import run_async
from tmuxpulse.cli.terminal import harmless_json, printable, wants_colour
from tmuxpulse.cli.tree import counted, sockets_text
from tmuxpulse.client.incoming import Incoming, Received
from tmuxpulse.collect.sockets import all_sockets, is_alive
from tmuxpulse.config.places import runtime_dir
from tmuxpulse.errors import ServerUnavailable
from tmuxpulse.filters import Filter
from tmuxpulse.wire import Epoch, Gap, Reset, SnapshotData, Tree, encode, rfc3339

if TYPE_CHECKING:
    from tmuxpulse.cli.screen.show import Look
    from tmuxpulse.config.layers import Loaded

MOST_TERMINAL_LINES = 24  # of one burst of one pane, where a person reads along

DESCRIPTION = """\
Show live what every pane of every tmux session does, until Ctrl-C.

It asks your tmuxpulse server (`tmuxpulse serve`) when one runs, and watches tmux from within this
process when not.

A terminal gets the full screen: the panes, those that need you first, with their events and the
chosen one's screen; ? shows its keys. With --lines it gets a line for each event, and a burst is
shortened; in a pipe every line comes out.

--json prints each event as the JSON object of the protocol, one a line. What is there when this
process begins to watch comes first, as created events; from a server events come from now on.
--snapshot prints the state first, in either case.

When the server goes away, this waits for it and goes on, and says so on standard error. Your own
server that does not come back within three seconds is not needed: this process then watches tmux
itself until there is one again. In JSON a stream.reset tells where a stream does not go on after
what was printed before.
"""


class WatchOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What to print.

    Attributes:
        json: the events' own JSON.
        snapshot: with `json`, the state too: first, and after a gap.
        colour: in lines.
        reconnect: wait for a server that goes away, and go on.
        seconds: end after so long; None: never.
        look: of the full screen; None: lines or JSON.
    """

    json: bool = False
    snapshot: bool = False
    colour: bool = False
    reconnect: bool = True
    seconds: float | None = None
    look: Look | None = None


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command."""
    parser = add_command(subparsers, "watch", run, summary=summary, description=DESCRIPTION)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--lines", action="store_true", help="a line for each event, on a terminal too"
    )
    parser.add_argument(
        "--snapshot",
        action="store_true",
        help="with --json: begin with the state as one snapshot.data object; another follows"
        " wherever events were lost",
    )
    parser.add_argument(
        "--no-reconnect",
        action="store_true",
        help="as lines or JSON: end with exit code 3 when the server goes away, do not wait for it",
    )
    parser.add_argument(
        "--demo-if-none",
        action="store_true",
        help="when no tmux server runs, show the demo instead of waiting for one",
    )
    add_server_options(parser)
    add_tmux_options(parser)
    add_config_option(parser)
    add_filter_options(parser)
    add_colour_option(parser)


def run(options: argparse.Namespace) -> int:
    """Watch."""
    log_to_stderr(options.verbose)
    directory = runtime_dir()
    loaded = settings_of(options)
    source = source_of(options, collect_settings(loaded.settings, directory))
    watch_options = watch_options_of(options, loaded)
    if options.demo_if_none and not source.has_server and not _tmux_runs(source):
        from tmuxpulse.cli.demo import run_demo

        say("no tmux server is running, so this is a demo; it is gone when it ends")
        return run_async(partial(run_demo, directory, watch_options, filter_of(options)))
    return run_async(partial(watch, source, filter_of(options), watch_options))


def watch_options_of(options: argparse.Namespace, loaded: Loaded) -> WatchOptions:
    """What the command line and the settings say about showing."""
    colour = wants_colour(os.environ, is_terminal=os.isatty(1), refused=options.no_color)
    look: Look | None = None
    if wants_full_screen(options, loaded):
        from tmuxpulse.cli.screen.show import look_of

        look = look_of(loaded, filter_of(options), colour=colour)
    return WatchOptions(
        json=options.json,
        snapshot=options.snapshot,
        colour=colour,
        reconnect=not getattr(options, "no_reconnect", False),
        look=look,
    )


def wants_full_screen(options: argparse.Namespace, loaded: Loaded) -> bool:
    """Whether the full screen is wanted, and there is a terminal for it."""
    return (
        not (options.lines or options.json or getattr(options, "snapshot", False))
        and loaded.settings.watch.full_screen
        and os.isatty(0)
        and os.isatty(1)
        and os.environ.get("TERM", "dumb") != "dumb"
    )


async def watch(
    source: Source, wanted: Filter, options: WatchOptions, *, output: Output | None = None
) -> int:
    """Print events until cancelled, or until nobody reads any more.

    Raises:
        ServerUnavailable: the server does not answer; without `reconnect`: or went away.
        ServerRefused: it does not take us.
        TmuxNotFound: there is neither a server nor a tmux program.
    """
    if options.look is not None:
        from tmuxpulse.cli.screen.show import show_source

        return await show_source(source, options.look, seconds=options.seconds)
    output = Output() if output is None else output
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_end_with_reader, output, nursery.cancel_scope)
        if options.seconds is not None:
            nursery.cancel_scope.deadline = trio.current_time() + options.seconds
        with suppress(BrokenPipeError):
            await _print(source, wanted, options, output)
        nursery.cancel_scope.cancel()
    return 0


async def _print(source: Source, wanted: Filter, options: WatchOptions, output: Output) -> None:
    is_first = True

    async def read(feed: Feed, reset: Reset | None) -> None:
        nonlocal is_first
        if is_first:
            is_first = False
            _introduce(feed.beginning.data, source)
        await print_feed(feed, output, options, reset=reset)

    if options.reconnect:
        await follow(source, wanted, read, _Notices(is_own=source.url is None))
        return
    try:
        async with open_feed(source, wanted) as feed:
            await read(feed, None)
    except ServerUnavailable as error:
        if is_first:
            raise
        raise ServerUnavailable(f"{error}; watch again to go on") from None


class _Notices:
    """Says on standard error what becomes of the feed; of what fails again and again, once."""

    def __init__(self, *, is_own: bool) -> None:
        self._is_lost = False
        self._until = "it is back, or this process watches by itself" if is_own else "it is back"

    def lost(self, error: Exception) -> None:
        """It broke off."""
        if not self._is_lost:
            say(f"{printable(str(error))}; waiting until {self._until}; Ctrl-C ends it")
        self._is_lost = True

    def back(self, feed: Feed) -> None:
        """It goes on."""
        self._is_lost = False
        served = isinstance(feed, ServerFeed)
        by = "through the tmuxpulse server" if served else "from within this process"
        missing = "" if goes_on(feed) else "; what happened meanwhile is missing"
        say(f"watching goes on, {by}{missing}")


async def print_feed(
    feed: Feed, output: Output, options: WatchOptions, *, reset: Reset | None = None
) -> None:
    """Print what a feed gives, until it ends, which those of tmux never do.

    Args:
        feed: where events come from.
        output: where they go.
        options: how.
        reset: why they do not go on after what was printed before, if so.

    Raises:
        BrokenPipeError: nobody reads any more.
        ServerError: the feed ended.
    """
    if options.json:
        with suppress(FeedEnded):
            await _print_json(feed, output, options, reset)
    else:
        await _print_lines(feed, output, options)


async def _print_json(
    feed: Feed, output: Output, options: WatchOptions, reset: Reset | None
) -> None:
    head: list[Reset | SnapshotData] = [] if reset is None else [reset]
    if options.snapshot and not goes_on(feed):
        head.append(feed.beginning)
    await output.write(b"".join(encode(one) + b"\n" for one in head))
    since = feed.beginning.seq if options.snapshot else 0
    while True:
        found: list[bytes] = []
        for item in await feed.receive():
            match item:
                case Received():
                    if item.numbered.seq > since:
                        found.append(item.line)
                case Gap() | Reset() | Epoch():
                    found.append(encode(item))
                case SnapshotData():
                    if options.snapshot:
                        found.append(encode(item))
        if output.is_terminal:
            found = [harmless_json(line.decode()).encode() for line in found]
        await output.write(b"".join(line + b"\n" for line in found))


async def _print_lines(feed: Feed, output: Output, options: WatchOptions) -> None:
    lines = Lines(
        local_time=_local_time,
        colour=options.colour,
        most_lines=MOST_TERMINAL_LINES if output.is_terminal else None,
    )
    for server in feed.beginning.data.servers:
        if server.up:
            lines.know_server(server.name)
    while True:
        items: list[Incoming] = []
        ended = False
        with trio.move_on_at(lines.next_due):
            try:
                items = await feed.receive()
            except FeedEnded:
                ended = True
        now = trio.current_time()
        texts = lines.due(math.inf if ended else now)
        for item in items:
            texts += _lines_of(item, lines, now, feed.beginning.seq)
        data = "".join(f"{text}\n" for text in texts)
        await output.write(data.encode(sys.stdout.encoding or "utf-8", "replace"))
        if ended:
            return


def _lines_of(item: Incoming, lines: Lines, now: float, since: int) -> list[str]:
    match item:
        case Received(numbered):
            return [] if _is_beginning(item, since) else lines.feed(numbered, now)
        case Gap(dropped=dropped):
            note = f"{dropped} events were lost: this reader was too slow"
            return [lines.note(rfc3339(time.time()), note)]
        case _:
            return []


def _is_beginning(item: Received, seq: int) -> bool:
    """Whether an event tells of what was there before; the introduction has told that in short."""
    numbered = item.numbered
    return numbered.seq <= seq and numbered.event.type.endswith((".created", ".attached"))


def _introduce(tree: Tree, source: Source) -> None:
    """Say what is watched, to a person, and that there is nothing yet, to anybody."""
    up = [server for server in tree.servers if server.up]
    if not up and (source.url is not None or not _tmux_runs(source, tree)):
        say(f"no tmux server is running yet on {sockets_text(tree)}; waiting")
    elif up and sys.stderr.isatty():
        panes = {
            (session.server, pane.id)
            for session in tree.sessions
            for window in session.windows
            for pane in window.panes
        }
        names = ", ".join(f"{server.name} (tmux {server.version})" for server in up)
        by = "through your tmuxpulse server" if source.has_server else "from within this process"
        say(
            f"watching {counted(len(tree.sessions), 'session')} and {counted(len(panes), 'pane')}"
            f" of {printable(names)}, {by}; Ctrl-C ends it"
        )


def _tmux_runs(source: Source, tree: Tree | None = None) -> bool:
    """Whether there is one to watch, if it has not answered yet, too."""
    known = [server.socket for server in tree.servers] if tree else []
    return any(is_alive(path) for path in known or source.collect.sockets or all_sockets())


async def _end_with_reader(output: Output, scope: trio.CancelScope) -> None:
    await output.wait_closed()
    scope.cancel()


def _local_time(timestamp: str) -> str:
    return _local_second(timestamp[:19])


@lru_cache(maxsize=64)
def _local_second(utc: str) -> str:
    """The user's wall clock for a second in UTC."""
    try:
        return datetime.fromisoformat(f"{utc}+00:00").astimezone().strftime("%H:%M:%S")
    except ValueError:  # not a timestamp: shown as it came
        return printable(utc)
