"""`tmuxpulse export`: a recording, or the history, in a format that other things read."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO

from tmuxpulse.cli.feed import source_of
from tmuxpulse.cli.history import request_of
from tmuxpulse.cli.options import (
    Subparsers,
    add_command,
    add_config_option,
    add_filter_options,
    add_server_options,
    filter_of,
    log_to_stderr,
    say,
    settings_of,
)
from tmuxpulse.cli.past import events_of, open_past, pages
from tmuxpulse.cli.running import run_async
from tmuxpulse.cli.when import EXAMPLES as TIMES
from tmuxpulse.cli.when import when
from tmuxpulse.config.places import runtime_dir, state_dir
from tmuxpulse.config.settings import CollectSettings
from tmuxpulse.errors import UsageError
from tmuxpulse.events import PaneBytes
from tmuxpulse.filters import Filter, compile_filters
from tmuxpulse.recording.export import Line, as_asciicast, as_csv, as_html, as_jsonl
from tmuxpulse.recording.reader import Reader, open_recording
from tmuxpulse.wire import Numbered, decode_message

FORMATS = ("jsonl", "csv", "html", "asciicast")

DESCRIPTION = """\
Write the events of a recording (FILE), or of the history (--history), in another format:

  jsonl      the events' own JSON, one a line
  csv        a table with a head; times in UTC
  html       one page, errors highlighted, that runs nothing
  asciicast  what one pane wrote, for `asciinema play`; needs a recording made with --output

Without -o it goes to standard output.
"""
EXAMPLES = """\
examples:
  tmuxpulse export work.rec --format html -o work.html
  tmuxpulse export demo.rec --format asciicast --pane %3 -o demo.cast && asciinema play demo.cast
  tmuxpulse export --history --since 1d --severity error --format csv -o errors.csv
"""


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command."""
    parser = add_command(subparsers, "export", run, summary=summary, description=DESCRIPTION)
    parser.epilog = EXAMPLES
    parser.add_argument("file", metavar="FILE", nargs="?", type=Path, help="a recording")
    parser.add_argument("--history", action="store_true", help="the history, instead of a FILE")
    parser.add_argument("--format", choices=FORMATS, required=True, help="which one, as above")
    parser.add_argument(
        "-o",
        dest="out",
        metavar="OUT",
        type=Path,
        help="the file to write (default: standard output)",
    )
    parser.add_argument("--force", action="store_true", help="replace OUT if it is there")
    parser.add_argument("--since", type=when, metavar="WHEN", help=f"of the history: {TIMES}")
    parser.add_argument(
        "--until", type=when, metavar="WHEN", help="of the history: earlier than this"
    )
    add_server_options(
        parser, "yours on this machine if it runs, else the history that it left behind"
    )
    add_config_option(parser)
    add_filter_options(parser)


def run(options: argparse.Namespace) -> int:
    """Export."""
    log_to_stderr(options.verbose)
    if (options.file is None) == (not options.history):
        raise UsageError("name a recording, or give --history, one of both")
    if options.history and options.format == "asciicast":
        raise UsageError("the history holds no terminal bytes; record them with --output")
    wanted = filter_of(options)
    if options.history:
        return run_async(partial(_export_history, options, wanted))
    with open_recording(options.file) as reader, _out(options.out, force=options.force) as out:
        count = _write(out, _texts_of_recording(options.format, reader, wanted, options.file.name))
    if reader.problem:
        say(f"the recording ended early: {reader.problem}")
    _report(options.out, count)
    return 0


def _texts_of_recording(kind: str, reader: Reader, wanted: Filter, name: str) -> Iterator[str]:
    if kind == "asciicast":
        yield from _cast(reader, wanted, name)
        return
    admits = compile_filters([wanted])
    events = ((numbered, line) for _, numbered, line in _events(reader) if admits(numbered.event))
    yield from _texts(kind, events, name)


def _cast(reader: Reader, wanted: Filter, name: str) -> Iterator[str]:
    """The one pane that the filters leave."""
    admits = compile_filters([Filter(types=("pane.bytes",), sessions=wanted.sessions,
                                     windows=wanted.windows, panes=wanted.panes)])  # fmt: skip
    found = [
        (at, numbered)
        for at, numbered, _ in _events(reader)
        if isinstance(numbered.event.data, PaneBytes) and admits(numbered.event)
    ]
    panes = sorted({str(numbered.event.place.pane_id) for _, numbered in found})
    if len(panes) > 1:
        raise UsageError(f"an asciicast shows one pane; name it: --pane {' or '.join(panes)}")
    began = datetime.fromisoformat(reader.head.began.replace("Z", "+00:00")).timestamp()
    yield from as_asciicast(found, panes[0] if panes else "any pane", began=began, title=name)


def _events(reader: Reader) -> Iterator[tuple[float, Numbered, bytes]]:
    for record in reader.records():
        line = bytes(record.event)
        if line:
            numbered = decode_message(line)
            if isinstance(numbered, Numbered):
                yield record.at / 1000, numbered, line


def _texts(kind: str, events: Iterable[Line], title: str) -> Iterator[str]:
    if kind == "jsonl":
        return as_jsonl(events)
    return as_csv(events) if kind == "csv" else as_html(events, title)


async def _export_history(options: argparse.Namespace, wanted: Filter) -> int:
    settings = settings_of(options).settings
    directory, state = runtime_dir(), state_dir()
    source = source_of(options, CollectSettings(runtime_dir=str(directory)))
    found: list[Line] = []
    request = request_of(wanted, since=options.since, until=options.until)
    async with open_past(source, settings.history, state_dir=state, runtime_dir=directory) as past:
        async for page in pages(past, request):
            found += [(one.numbered, one.line) for one in events_of(page)]
    with _out(options.out, force=options.force) as out:
        count = _write(out, _texts(options.format, found, "tmuxpulse history"))
    _report(options.out, count)
    return 0


def _write(out: IO[str], texts: Iterable[str]) -> int:
    size = 0
    for text in texts:
        out.write(text)
        size += len(text)
    return size


def _report(out: Path | None, size: int) -> None:
    if out is not None:
        say(f"{out}: {size / 1e6:.1f} million characters")


@contextmanager
def _out(path: Path | None, *, force: bool) -> Iterator[IO[str]]:
    """Standard output, or a private file that was not there."""
    with ExitStack() as stack:
        if path is None:
            stdout = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", newline="")
            yield stack.enter_context(stdout)
            return
        try:
            if force:
                path.unlink(missing_ok=True)
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            raise UsageError(
                f"{path} is there already; name another file, or add --force"
            ) from None
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from None
        yield stack.enter_context(os.fdopen(fd, "w", encoding="utf-8", newline=""))
