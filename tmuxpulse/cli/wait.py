"""`tmuxpulse wait`: until something holds of panes; docs/reference/wait.md says of what."""

from __future__ import annotations

import argparse
import os
from functools import partial

import msgspec
import trio

from tmuxpulse.cli.awaited import speaks_of_status, types_for
from tmuxpulse.cli.conditions import parse, parse_duration
from tmuxpulse.cli.feed import Feed, ServerFeed, Source, open_feed, source_of
from tmuxpulse.cli.options import (
    Subparsers,
    add_command,
    add_config_option,
    add_server_options,
    add_tmux_options,
    collect_settings,
    log_to_stderr,
    say,
    settings_of,
)
from tmuxpulse.cli.running import run_async
from tmuxpulse.cli.terminal import harmless_json, printable
from tmuxpulse.cli.waiting import PaneResult, Wait, Wanted, targets_of
from tmuxpulse.config.features import why_off
from tmuxpulse.config.places import runtime_dir
from tmuxpulse.errors import ServerUnavailable, UsageError
from tmuxpulse.filters import Filter
from tmuxpulse.wire import Snapshot, SnapshotData, Target

NOT_THERE, TIMED_OUT = 3, 5
MAX_TIMEOUT_SECONDS = 366 * 86400.0
DESCRIPTION = """\
Wait until something holds of a pane, or of several, and end with exit code 0: what it is doing,
what runs in it, what it printed, how a command ended, that it is quiet, there, or gone.

Conditions are about status, command, title, path, agent, reason, line, exit, output, event, idle,
exists and gone; ==, !=, in (…), ~ /pattern/; and, or, not, parentheses.
"""
EXAMPLES = """\
examples:
  tmuxpulse wait --pane build 'status in (ready, error)' --timeout 10m
  tmuxpulse wait --pane api:0.1 --pane web --all 'status == ready'
  tmuxpulse wait --pane %12 'output ~ /listening on [0-9]+/ or gone' --json

exit codes: 0 it holds, 2 the condition is wrong, 3 no such pane (any more), 5 timed out
"""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints."""

    held: bool
    panes: list[PaneResult]
    seconds: float


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command."""
    parser = add_command(subparsers, "wait", run, summary=summary, description=DESCRIPTION)
    parser.epilog = EXAMPLES
    parser.add_argument("condition", metavar="CONDITION", nargs="+", help="what to wait for")
    parser.add_argument(
        "--pane",
        dest="panes",
        metavar="PANE",
        action="append",
        default=[],
        help="id (%%12), session:window.pane, or the name of a session or window, for its active"
        " pane; may be repeated (default: the pane this runs in)",
    )
    parser.add_argument("--server", metavar="NAME", help="the tmux server, as ls shows it")
    many = parser.add_mutually_exclusive_group()
    many.add_argument("--any", action="store_true", help="until it holds for any (default)")
    many.add_argument(
        "--all", dest="every", action="store_true", help="until it holds for all at once"
    )
    parser.add_argument(
        "--timeout",
        type=_timeout,
        metavar="TIME",
        help="end with exit code 5 after so long, such as 90s, 10m or 1h30m (default: never)",
    )
    parser.add_argument(
        "--missing-ok", action="store_true", help="wait for panes that are not there (yet), too"
    )
    parser.add_argument("--json", action="store_true", help="print for which panes, and with what")
    add_server_options(parser)
    add_tmux_options(parser)
    add_config_option(parser)


def run(options: argparse.Namespace) -> int:
    """Wait."""
    log_to_stderr(options.verbose)
    wanted = Wanted(
        condition=parse(" ".join(options.condition)),
        every=options.every,
        missing_ok=options.missing_ok,
    )
    targets = targets_of(options.panes, options.server, os.environ)
    source = source_of(options, collect_settings(settings_of(options).settings, runtime_dir()))
    return run_async(
        partial(wait, source, wanted, targets, timeout=options.timeout, as_json=options.json)
    )


async def wait(
    source: Source,
    wanted: Wanted,
    targets: list[tuple[str, list[Target]]],
    *,
    timeout: float | None = None,  # noqa: ASYNC109  # what it leads to is more than a cancellation
    as_json: bool = False,
) -> int:
    """Wait, and give the exit code.

    Raises:
        ServerUnavailable: the server does not answer or went away.
        ServerRefused: it does not take us.
        TmuxNotFound: there is neither a server nor a tmux program.
        UsageError: a name fits several panes; or statuses are switched off.
    """
    async with open_feed(source, Filter(types=types_for(wanted.condition))) as feed:
        if speaks_of_status(wanted.condition) and not _is_judged(feed, source):
            raise UsageError(why_off("status"))
        began = trio.current_time()
        waiting = Wait(wanted, targets, began)
        waiting.look(feed.beginning, began)
        with trio.move_on_after(float("inf") if timeout is None else timeout):
            await waiting.run(feed, partial(_look_again, feed))
        seconds = trio.current_time() - began
    if as_json:
        _print(waiting, seconds)
    if waiting.holds:
        return 0
    if waiting.missing:
        names = ", ".join(map(printable, waiting.missing))
        say(f"no such pane: {names}; tmuxpulse ls lists them, --missing-ok waits for them")
        return NOT_THERE
    say(f"it did not hold within {seconds:.3g} s")
    return TIMED_OUT


def _is_judged(feed: Feed, source: Source) -> bool:
    """Whether whoever watches tells what panes do."""
    if isinstance(feed, ServerFeed):
        return feed.connection.greeting.features.get("status", True)
    from tmuxpulse.cli.embedded import EmbeddedFeed

    return not isinstance(feed, EmbeddedFeed) or source.collect.judges


async def _look_again(feed: Feed) -> SnapshotData:
    if not isinstance(feed, ServerFeed):
        from tmuxpulse.cli.embedded import EmbeddedFeed

        if isinstance(feed, EmbeddedFeed):
            hub = feed.hub
            return SnapshotData(epoch=hub.epoch, seq=hub.seq, data=hub.snapshot())
        return feed.beginning
    reply = await feed.connection.request(Snapshot())
    if not isinstance(reply, SnapshotData):
        raise ServerUnavailable("the tmuxpulse server did not give its state")
    return reply


def _print(waiting: Wait, seconds: float) -> None:
    panes = [one for one in waiting.panes if one.awaited.cause is not None or not waiting.holds]
    result = Result(
        held=waiting.holds, panes=[one.result() for one in panes], seconds=round(seconds, 3)
    )
    text = msgspec.json.encode(result).decode()
    print(harmless_json(text) if os.isatty(1) else text, flush=True)


def _timeout(text: str) -> float:
    seconds = parse_duration(text)
    if seconds > MAX_TIMEOUT_SECONDS:
        raise ValueError(text)
    return seconds


_timeout.__name__ = "time"  # argparse names the type by it
