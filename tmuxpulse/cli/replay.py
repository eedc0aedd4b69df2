"""`tmuxpulse replay`: a recording as if it happened now: shown, or for clients of a server."""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
import termios
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import msgspec
import trio

from tmuxpulse.cli.embedded import EmbeddedFeed, open_embedded
from tmuxpulse.cli.feed import FeedEnded
from tmuxpulse.cli.options import (
    Subparsers,
    add_colour_option,
    add_command,
    add_filter_options,
    filter_of,
    log_to_stderr,
    say,
    settings_of,
)
from tmuxpulse.cli.output import Output
from tmuxpulse.cli.running import run_async
from tmuxpulse.cli.terminal import wants_colour
from tmuxpulse.cli.watch import WatchOptions, print_feed, wants_full_screen
from tmuxpulse.client.incoming import Incoming
from tmuxpulse.config.places import replay_socket, runtime_dir, state_dir
from tmuxpulse.config.settings import (
    AuditTable,
    CollectSettings,
    HistoryTable,
    ServerTable,
    ServeSettings,
)
from tmuxpulse.errors import UsageError
from tmuxpulse.filters import Filter
from tmuxpulse.hub.hub import Hub
from tmuxpulse.recording.player import Player
from tmuxpulse.recording.reader import open_recording

MOST_SPEED = 1000.0
STEP_SECONDS = 10.0

DESCRIPTION = """\
Play a recording: show its events as `watch` does, or with --serve run a server for it, with page,
and clients that cannot tell it from life. Lines end with the recording, the full screen and a
server stay.

On a terminal: space pauses, left and right go 10 s back and forth, q ends it; on the full screen
< and > change the speed, and ? shows all keys.
"""
EXAMPLES = """\
examples:
  tmuxpulse replay work.rec --speed 10
  tmuxpulse replay work.rec --from 5m --until 7m --type 'agent.*' --json
  tmuxpulse replay work.rec --serve --port 0 --loop
"""
_PART = re.compile(r"(\d+(?:\.\d+)?)(h|m|s)", re.ASCII)
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to print of it.

    Attributes:
        filter: of events.
        json: the events' own JSON.
        colour: in lines.
    """

    filter: Filter
    json: bool = False
    colour: bool = False


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command."""
    parser = add_command(subparsers, "replay", run, summary=summary, description=DESCRIPTION)
    parser.epilog = EXAMPLES
    parser.add_argument("file", metavar="FILE", type=Path, help="what `tmuxpulse record` wrote")
    parser.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        metavar="N",
        help=f"times as fast as it was: 0.1 to {MOST_SPEED:g}, or max (default: 1)",
    )
    parser.add_argument(
        "--from",
        dest="begin",
        type=_offset,
        default=0.0,
        metavar="TIME",
        help="begin there in the recording, such as 90s or 1h5m",
    )
    parser.add_argument("--until", type=_offset, metavar="TIME", help="end there")
    parser.add_argument("--loop", action="store_true", help="begin anew at the end")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--lines", action="store_true", help="a line for each event, on a terminal too"
    )
    parser.add_argument("--serve", action="store_true", help="run a server for it")
    parser.add_argument("--port", type=int, default=0, help="of the server (default: any)")
    add_filter_options(parser)
    add_colour_option(parser)


def run(options: argparse.Namespace) -> int:
    """Play."""
    log_to_stderr(options.verbose)
    if options.until is not None and options.until <= options.begin:
        raise UsageError("--until is not after --from")
    if not 0 <= options.port <= 65535:  # noqa: PLR2004  # what TCP has
        raise UsageError("--port is 0 to 65535")
    with open_recording(options.file):
        pass  # it is one, or this has said why not
    wanted = filter_of(options)
    player = Player(
        options.file,
        speed=options.speed,
        begin=options.begin,
        until=options.until,
        types=wanted.types if options.serve else (),
        loop=options.loop,
    )
    if options.serve:
        return _serve(player, options.port)
    colour = wants_colour(os.environ, is_terminal=os.isatty(1), refused=options.no_color)
    loaded = settings_of(options)
    if wants_full_screen(options, loaded):
        from tmuxpulse.cli.screen.replayed import show_replay
        from tmuxpulse.cli.screen.show import look_of

        look = look_of(loaded, wanted, colour=colour)
        return run_async(partial(show_replay, player, options.speed, look))
    shown = Wanted(filter=wanted, json=options.json, colour=colour)
    return run_async(partial(replay, player, shown))


async def replay(player: Player, wanted: Wanted, *, output: Output | None = None) -> int:
    """Print a recording until its end."""
    output = Output() if output is None else output
    settings = CollectSettings(runtime_dir="")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_keys, player, nursery.cancel_scope)
        async with open_embedded(settings, wanted.filter, collector=player) as feed:
            with suppress(BrokenPipeError):
                shown = WatchOptions(json=wanted.json, colour=wanted.colour)
                await print_feed(_UntilTheEnd(feed, player), output, shown)
        nursery.cancel_scope.cancel()
    if player.problem:
        say(f"the recording ended early: {player.problem}")
    return 0


class _UntilTheEnd:
    """A feed that ends with the recording.

    Attributes:
        beginning: the state it begins with.
    """

    def __init__(self, feed: EmbeddedFeed, player: Player) -> None:
        self.beginning = feed.beginning
        self._feed = feed
        self._player = player

    async def receive(self) -> list[Incoming]:
        """Give what was published together; raises `FeedEnded` when all of it was given."""
        finished = self._player.finished
        while not (finished.is_set() and self._feed.is_idle()):
            found: list[Incoming] = []
            async with trio.open_nursery() as nursery:
                if not finished.is_set():
                    nursery.start_soon(_cancel_after, finished, nursery.cancel_scope)
                found = await self._feed.receive()
                nursery.cancel_scope.cancel()
            if found:
                return found
            finished = self._player.finished
        raise FeedEnded


async def _cancel_after(event: trio.Event, scope: trio.CancelScope) -> None:
    await event.wait()
    scope.cancel()


async def _keys(player: Player, scope: trio.CancelScope) -> None:
    """Obey keys, where there is a terminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    with _each_key(sys.stdin.fileno()):
        async for keys in _read(sys.stdin.fileno()):
            if keys == b" ":
                (player.resume if player.is_paused else player.pause)()
                say("paused" if player.is_paused else "goes on")
            elif keys in (b"\x1b[D", b"\x1bOD"):
                player.seek(player.position - STEP_SECONDS)
            elif keys in (b"\x1b[C", b"\x1bOC"):
                player.seek(player.position + STEP_SECONDS)
            elif keys in (b"q", b"Q"):
                scope.cancel()


async def _read(fd: int) -> AsyncIterator[bytes]:
    while True:
        await trio.lowlevel.wait_readable(fd)
        keys = os.read(fd, 64)
        if not keys:
            return
        yield keys


@contextmanager
def _each_key(fd: int) -> Iterator[None]:
    """Let the terminal give each key at once, and show none."""
    before = termios.tcgetattr(fd)
    tty.setcbreak(fd)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def _serve(player: Player, port: int) -> int:
    from tmuxpulse.client.groups import unwrapped
    from tmuxpulse.serve.app import serve

    directory = runtime_dir()
    settings = ServeSettings(
        server=ServerTable(port=port),
        audit=AuditTable(enabled=False),
        history=HistoryTable(enabled=False),
        unix_socket=replay_socket(directory, os.getpid()),
        state_dir=str(state_dir()),
        runtime_dir=str(directory),
    )
    collect = CollectSettings(runtime_dir=str(directory))

    async def play(
        hub: Hub,
        settings: CollectSettings,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(player.measure)
            await player(hub, settings, task_status=task_status)

    with unwrapped():
        trio.run(
            partial(
                serve,
                settings,
                collect,
                collector=play,
                player=player,
                announce=_announce,
            )
        )
    return 0


def _announce(line: str) -> None:
    print(line, flush=True)
    say("to see it: tmuxpulse open --replay")


def _speed(text: str) -> float:
    if text == "max":
        return math.inf
    speed = float(text)
    if not 0.1 <= speed <= MOST_SPEED:  # noqa: PLR2004  # slower is a pause
        raise ValueError(text)
    return speed


def _offset(text: str) -> float:
    if re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII):
        return float(text)
    parts = _PART.findall(text)
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != text:
        raise ValueError(text)
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


_speed.__name__ = f"speed (0.1 to {MOST_SPEED:g}, or max)"
_offset.__name__ = "time such as 90s or 1h5m"
