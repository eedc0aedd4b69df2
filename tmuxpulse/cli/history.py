"""`tmuxpulse history` and `tmuxpulse search`: what happened, as far as it was kept."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from datetime import datetime
from functools import partial

import msgspec
import trio

from tmuxpulse.cli.feed import source_of
from tmuxpulse.cli.lines import Lines, texts_of
from tmuxpulse.cli.options import (
    Subparsers,
    add_colour_option,
    add_command,
    add_config_option,
    add_filter_options,
    add_server_options,
    filter_of,
    log_to_stderr,
    say,
    settings_of,
)
from tmuxpulse.cli.output import Output
from tmuxpulse.cli.past import Kept, Past, events_of, open_past
from tmuxpulse.cli.running import run_async
from tmuxpulse.cli.terminal import BOLD, DIM, RED, harmless_json, printable, styled, wants_colour
from tmuxpulse.cli.when import EXAMPLES as TIMES
from tmuxpulse.cli.when import when
from tmuxpulse.config.places import runtime_dir, state_dir
from tmuxpulse.config.settings import CollectSettings
from tmuxpulse.errors import UsageError
from tmuxpulse.filters import Filter
from tmuxpulse.history.query import MAX_TEXT
from tmuxpulse.serve.past import MAX_CONTEXT, MAX_EVENTS_WITH_CONTEXT
from tmuxpulse.wire import History, HistoryLost, decode_message

PAGE = 500
MOST = 100_000
DEFAULT_LAST = 100
_ESCAPES = re.compile(r"(\x1b\[[0-9;]*m)")

HISTORY = """\
Print what happened, oldest first: sessions, windows and panes that came and went, commands,
statuses, errors. What panes printed is there only if [history] output is on.

It asks your tmuxpulse server when one runs, and reads what it has left behind when not.
"""
SEARCH = """\
Print the events of the past whose text contains a text; case does not matter. What panes printed
is searched too, if [history] output is on.
"""
EXAMPLES = """\
examples:
  tmuxpulse history --since 2h --type 'agent.*' --status waiting
  tmuxpulse history --session api --severity error --json
  tmuxpulse search 'connection refused' --since 7d --context 3
"""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to print.

    Attributes:
        request: the question; its order, page and cursor are set while it is asked.
        last: the newest so many; None: all, as they come.
        json: the events' own JSON.
        colour: in lines.
    """

    request: History
    last: int | None = DEFAULT_LAST
    json: bool = False
    colour: bool = False


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add `history`."""
    _add(add_command(subparsers, "history", run, summary=summary, description=HISTORY))


def add_search_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add `search`."""
    parser = add_command(subparsers, "search", run, summary=summary, description=SEARCH)
    parser.add_argument("text", metavar="TEXT", help="what to look for")
    _add(parser)


def _add(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES
    parser.add_argument("--since", type=when, metavar="WHEN", help=f"no earlier: {TIMES}")
    parser.add_argument("--until", type=when, metavar="WHEN", help="earlier than this")
    parser.add_argument(
        "-n",
        dest="last",
        type=_count,
        metavar="N",
        help=f"the newest N of them (default: {DEFAULT_LAST})",
    )
    parser.add_argument("--all", action="store_true", help="all of them")
    parser.add_argument(
        "--context",
        type=_context,
        default=0,
        metavar="N",
        help="with each, what its pane printed around it: N outputs before and after"
        f" (0 to {MAX_CONTEXT})",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    add_server_options(
        parser, "yours on this machine if it runs, else the history that it left behind"
    )
    add_config_option(parser)
    add_filter_options(parser)
    add_colour_option(parser)


def run(options: argparse.Namespace) -> int:
    """Print."""
    log_to_stderr(options.verbose)
    if options.all and options.last is not None:
        raise UsageError("give -n or --all, not both")
    text = getattr(options, "text", "")
    if len(text) > MAX_TEXT:
        raise UsageError(f"a text to look for has at most {MAX_TEXT} characters")
    wanted = Wanted(
        request=request_of(filter_of(options), text, options.since, options.until, options.context),
        last=None if options.all else (options.last or DEFAULT_LAST),
        json=options.json,
        colour=wants_colour(os.environ, is_terminal=os.isatty(1), refused=options.no_color),
    )
    settings = settings_of(options).settings
    directory, state = runtime_dir(), state_dir()
    source = source_of(options, CollectSettings(runtime_dir=str(directory)))

    async def ask() -> int:
        async with open_past(
            source, settings.history, state_dir=state, runtime_dir=directory
        ) as past:
            count = await print_past(past, wanted, Output())
        if not count and not wanted.json:
            say("nothing of that kind was kept")
        return 0

    return run_async(partial(ask))


def request_of(
    wanted: Filter,
    text: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    context: int = 0,
) -> History:
    """The question that the options ask."""
    return History(
        filters=wanted,
        contains=text,
        since=since,
        until=until,
        context=context,
        limit=MAX_EVENTS_WITH_CONTEXT if context else PAGE,
    )


async def print_past(past: Past, wanted: Wanted, output: Output) -> int:
    """Print what was kept, oldest first, and give how many events that were.

    Raises:
        RequestError: the question is refused, or cannot be answered now.
        ServerError: the server went away.
    """
    printer = _Printer(wanted, output)
    lost: dict[tuple[str, int], HistoryLost] = {}
    newest: list[Kept] = []
    request = msgspec.structs.replace(wanted.request, newest_first=wanted.last is not None)
    count = 0
    while True:
        if wanted.last is not None:
            limit = min(request.limit, wanted.last - len(newest))
            request = msgspec.structs.replace(request, limit=limit)
        page = await past.page(request)
        found = events_of(page)
        lost.update({(one.epoch, one.first): one for one in page.lost})
        if wanted.last is None:
            await printer.write(found)
            count += len(found)
        else:
            newest += found
        done = wanted.last is not None and len(newest) >= wanted.last
        if page.cursor is None or done:
            break
        request = msgspec.structs.replace(request, cursor=page.cursor)
    if wanted.last is not None:
        await printer.write(newest[::-1])
        count = len(newest)
    missing = sum(one.count for one in lost.values())
    if missing:
        say(f"{missing} events in this time could not be kept (the disk was full or damaged)")
    return count


class _Printer:
    def __init__(self, wanted: Wanted, output: Output) -> None:
        self._wanted = wanted
        self._output = output
        self._needle = wanted.request.contains.casefold()
        self._lines = Lines(local_time=local_moment, colour=wanted.colour)

    async def write(self, found: Sequence[Kept]) -> None:
        """Print events."""
        await trio.lowlevel.checkpoint()
        if self._wanted.json:
            texts = [self._json(one) for one in found]
        else:
            texts = [line for one in found for line in self._text(one)]
        data = "".join(f"{text}\n" for text in texts)
        await self._output.write(data.encode(sys.stdout.encoding or "utf-8", "replace"))

    def _json(self, one: Kept) -> str:
        text = one.line.decode()
        if self._wanted.request.context:
            around = msgspec.json.encode(one.around).decode()
            text = f'{{"event":{text},{around[1:]}'
        return harmless_json(text) if self._output.is_terminal else text

    def _text(self, one: Kept) -> list[str]:
        texts = None
        if self._needle:
            texts = [line for line in texts_of(one.numbered.event.data) if self._has(line)] or None
        lines = self._lines.told(one.numbered, texts)
        if self._wanted.colour and self._needle:
            lines = [marked(line, self._needle) for line in lines]
        if not self._wanted.request.context:
            return lines
        before, after = self._around(one.around.before), self._around(one.around.after)
        return [*before, *lines, *after, "--"]

    def _has(self, line: str) -> bool:
        return self._needle in line.casefold()

    def _around(self, raws: Sequence[msgspec.Raw]) -> list[str]:
        texts: list[str] = []
        for raw in raws:
            found = decode_message(bytes(raw))
            event = getattr(found, "event", None)
            if event is not None:
                texts += [line for line in texts_of(event.data) if line.strip()]
        shown = [f"    | {printable(text)}" for text in texts]
        return [styled(line, DIM) for line in shown] if self._wanted.colour else shown


def marked(line: str, needle: str) -> str:
    """The line with each place where the text stands made visible.

    Args:
        line: may hold escape sequences of ours.
        needle: with case folded.
    """
    parts = _ESCAPES.split(line)
    return "".join(part if at % 2 else _marked(part, needle) for at, part in enumerate(parts))


def _marked(text: str, needle: str) -> str:
    folded = text.casefold()
    if len(folded) != len(text):  # places would not fit
        return text
    parts: list[str] = []
    at = 0
    while (found := folded.find(needle, at)) >= 0:
        end = found + len(needle)
        parts += [text[at:found], styled(text[found:end], BOLD, RED)]
        at = end
    return "".join([*parts, text[at:]])


def local_moment(timestamp: str) -> str:
    """Date and time on the user's clock."""
    try:
        found = datetime.fromisoformat(f"{timestamp[:19]}+00:00").astimezone()
    except (ValueError, OverflowError, OSError):  # shown as it came
        return printable(timestamp)
    return found.strftime("%Y-%m-%d %H:%M:%S")


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= MOST:
        raise ValueError(text)
    return count


def _context(text: str) -> int:
    count = int(text)
    if not 0 <= count <= MAX_CONTEXT:
        raise ValueError(text)
    return count


_count.__name__ = f"number from 1 to {MOST}"
_context.__name__ = f"number from 0 to {MAX_CONTEXT}"
