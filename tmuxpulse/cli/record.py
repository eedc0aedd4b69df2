"""`tmuxpulse record`: what happens, into a file, until Ctrl-C."""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from pathlib import Path

import msgspec
import trio

from tmuxpulse import __version__
from tmuxpulse.cli.feed import Feed, Source, open_feed, source_of
from tmuxpulse.cli.options import (
    Subparsers,
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
from tmuxpulse.cli.running import run_async
from tmuxpulse.cli.tree import select
from tmuxpulse.client.incoming import Incoming, Received
from tmuxpulse.config.features import why_off
from tmuxpulse.config.places import runtime_dir
from tmuxpulse.errors import ServerUnavailable, UsageError
from tmuxpulse.filters import Filter
from tmuxpulse.recording.recorder import (
    filters_for,
    record_of_event,
    record_of_loss,
    record_of_state,
)
from tmuxpulse.recording.records import MAGIC, VERSION, Head, Record
from tmuxpulse.recording.writer import Full, Writer, open_recording
from tmuxpulse.wire import Gap, Reset, SnapshotData, rfc3339

MAX_BYTES = 1 << 30
PROGRESS_SECONDS = 1.0

DESCRIPTION = """\
Record what happens into a file, until Ctrl-C: the state, and every event that the filters admit.
`tmuxpulse replay FILE` plays it, `tmuxpulse export FILE` makes other formats of it.

It asks your tmuxpulse server when one runs, and watches tmux from within this process when not.
With --output the bytes that panes write to their terminals are recorded too, with their timing;
secrets in them are masked, as everywhere. The file is yours alone (0600).
"""
EXAMPLES = """\
examples:
  tmuxpulse record work.rec
  tmuxpulse record demo.rec.gz --session demo --output --duration 90
  tmuxpulse replay work.rec --speed 10
"""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to record.

    Attributes:
        path: where to; ``.gz`` compresses it.
        filter: of events.
        output: terminal bytes too.
        force: replace a file that is there.
        max_bytes: of what is written, before it is compressed.
        seconds: how long; None: until it is ended.
    """

    path: Path
    filter: Filter
    output: bool = False
    force: bool = False
    max_bytes: int = MAX_BYTES
    seconds: float | None = None


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command."""
    parser = add_command(subparsers, "record", run, summary=summary, description=DESCRIPTION)
    parser.epilog = EXAMPLES
    parser.add_argument("file", metavar="FILE", type=Path, help="where to; .gz compresses it")
    parser.add_argument("--output", action="store_true", help="terminal bytes too")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    parser.add_argument(
        "--duration", type=_seconds, metavar="SECONDS", help="end after so long (default: never)"
    )
    parser.add_argument(
        "--max-bytes",
        type=_bytes,
        default=MAX_BYTES,
        metavar="N",
        help=f"end when so much was written (default: {MAX_BYTES})",
    )
    add_server_options(parser)
    add_tmux_options(parser)
    add_config_option(parser)
    add_filter_options(parser)


def run(options: argparse.Namespace) -> int:
    """Record."""
    log_to_stderr(options.verbose)
    settings = settings_of(options).settings
    if not settings.features.recording:
        raise UsageError(why_off("recording"))
    source = source_of(options, collect_settings(settings, runtime_dir()))
    wanted = Wanted(
        path=options.file,
        filter=filter_of(options),
        output=options.output,
        force=options.force,
        max_bytes=options.max_bytes,
        seconds=options.duration,
    )
    return run_async(partial(record, source, wanted))


async def record(source: Source, wanted: Wanted) -> int:
    """Record until cancelled, or until a bound is reached; what was written is whole in any case.

    Raises:
        UsageError: the file cannot be made.
        ServerUnavailable: the server does not answer, or went away.
        ServerRefused: it does not take us.
        TmuxNotFound: there is neither a server nor a tmux program.
    """
    with open_recording(wanted.path, force=wanted.force, max_bytes=wanted.max_bytes) as writer:
        taker = _Taker(writer, wanted)
        try:
            async with open_feed(source, *filters_for(wanted.filter, output=wanted.output)) as feed:
                taker.begin(feed)
                with trio.move_on_after(float("inf") if wanted.seconds is None else wanted.seconds):
                    await _take(feed, taker)
        except Full as full:
            say(f"the recording ends here: {full}")
        except ServerUnavailable as error:
            raise ServerUnavailable(f"{error}; {wanted.path} has what came until then") from None
        finally:
            taker.end()
            say(f"{wanted.path}: {writer.count} records, {writer.size / 1e6:.1f} MB")
    return 0


async def _take(feed: Feed, taker: _Taker) -> None:
    shows_progress = sys.stderr.isatty()
    told_at = trio.current_time()
    while True:
        items: list[Incoming] = []
        with trio.move_on_after(PROGRESS_SECONDS):
            items = await feed.receive()
        taker.take(items)
        if shows_progress and trio.current_time() >= told_at + PROGRESS_SECONDS:
            told_at = trio.current_time()
            print(f"\r{taker.progress()} ", end="", file=sys.stderr, flush=True)


class _Taker:
    """Writes down what comes."""

    def __init__(self, writer: Writer, wanted: Wanted) -> None:
        self._writer = writer
        self._wanted = wanted
        self._start = time.monotonic()
        self._since = 0
        self._is_full = False

    def begin(self, feed: Feed) -> None:
        """Write the beginning."""
        head = Head(
            recording=MAGIC,
            version=VERSION,
            program=__version__,
            began=rfc3339(time.time()),
            filters=self._wanted.filter,
            output=self._wanted.output,
        )
        self._writer.head(head)
        self._since = feed.beginning.seq
        self._add([record_of_state(0, select(feed.beginning.data, self._wanted.filter))])

    def take(self, items: list[Incoming]) -> None:
        """Write what came."""
        at = self._now()
        records: list[Record] = []
        for item in items:
            match item:
                case Received(numbered, line):
                    record = record_of_event(at, numbered, line)
                    if record is not None and numbered.seq > self._since:
                        records.append(record)
                case Gap() | Reset():
                    records.append(record_of_loss(at, item))
                case SnapshotData(data=tree):
                    records.append(record_of_state(at, select(tree, self._wanted.filter)))
                case _:
                    continue
        self._add(records)

    def end(self) -> None:
        """Write that it ended in order, if there is room."""
        if not self._is_full and self._writer.count:
            try:
                self._writer.add([Record(at=self._now(), ended=True)])
            except Full as full:
                say(f"the last line could not be written: {full}")

    def progress(self) -> str:
        """How far it is."""
        seconds = int(self._now() / 1000)
        return (
            f"{seconds // 60:02d}:{seconds % 60:02d}  {self._writer.count} records,"
            f" {self._writer.size / 1e6:.1f} MB; Ctrl-C ends it"
        )

    def _add(self, records: list[Record]) -> None:
        try:
            self._writer.add(records)
        except Full:
            self._is_full = True
            raise

    def _now(self) -> int:
        return int((time.monotonic() - self._start) * 1000)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise ValueError(text)
    return seconds


def _bytes(text: str) -> int:
    count = int(text)
    if count < 1024:  # noqa: PLR2004  # less than a head and a state
        raise ValueError(text)
    return count


_seconds.__name__ = "number of seconds"
_bytes.__name__ = "number of bytes (at least 1024)"
