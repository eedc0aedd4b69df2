"""`tmuxpulse ls`: sessions, windows and panes as they are now, once."""

from __future__ import annotations

import argparse
import os
import shutil
import time
from functools import partial
from pathlib import Path

import msgspec

from tmuxpulse.cli.feed import Source, names_of, source_of
from tmuxpulse.cli.once import look_once
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
    settings_of,
)
from tmuxpulse.cli.running import run_async
from tmuxpulse.cli.terminal import harmless_json, wants_colour
from tmuxpulse.cli.tree import select, sockets_text, status_lines, tree_lines
from tmuxpulse.collect.rulebook import load_book
from tmuxpulse.collect.secrets import redactor_of
from tmuxpulse.collect.sockets import all_sockets
from tmuxpulse.config.places import runtime_dir
from tmuxpulse.errors import ServerUnavailable, TmuxUnavailable, UsageError
from tmuxpulse.filters import Filter
from tmuxpulse.wire import Snapshot, SnapshotData, Tree

DESCRIPTION = """\
List sessions, windows and panes once: command, status and for how long, size, path, title and last
line. With --status, the panes that have it, the one that has it for longest first.

Without a tmuxpulse server a status is told from one look, and since when is not known.
--json prints one object: {"servers": [...], "sessions": [...]}, as in the protocol's snapshot.
--type and --severity are about events and change nothing here.
"""
EXAMPLES = """\
examples:
  tmuxpulse ls --status waiting                 who waits, the longest first
  tmuxpulse ls --session api --json | jq -r '.sessions[].windows[].panes[].status'
"""


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command."""
    parser = add_command(subparsers, "ls", run, summary=summary, description=DESCRIPTION)
    parser.epilog = EXAMPLES
    parser.add_argument("--json", action="store_true", help="one JSON object")
    add_server_options(parser)
    add_tmux_options(parser)
    add_config_option(parser)
    add_filter_options(parser)
    add_colour_option(parser)


def run(options: argparse.Namespace) -> int:
    """List."""
    log_to_stderr(options.verbose)
    source = source_of(options, collect_settings(settings_of(options).settings, runtime_dir()))
    wanted = filter_of(options)
    return run_async(partial(_list, source, wanted, options))


async def look(source: Source) -> Tree:
    """Give the state: from the server that runs, else by looking at tmux once.

    Raises:
        ServerUnavailable: the server that was named does not answer.
        TmuxUnavailable: no tmux server runs.
    """
    tree = await _from_server(source) if source.has_server else None
    if tree is None:
        redactor = redactor_of(source.collect.redaction)
        book = load_book(source.collect.rules_dir)
        tree = await look_once(source.collect.sockets or all_sockets(), redactor, book)
    if not any(server.up for server in tree.servers):
        raise TmuxUnavailable(
            f"no tmux server is running on {sockets_text(tree)}; start one with: tmux",
            socket=tree.servers[0].socket if tree.servers else "",
        )
    return tree


async def _list(source: Source, wanted: Filter, options: argparse.Namespace) -> int:
    tree = select(await look(source), wanted)
    is_terminal = os.isatty(1)
    if options.json:
        text = msgspec.json.encode(tree).decode()
        print(harmless_json(text) if is_terminal else text)
        return 0
    colour = wants_colour(os.environ, is_terminal=is_terminal, refused=options.no_color)
    width = shutil.get_terminal_size().columns if is_terminal else None
    now = time.time()
    if wanted.statuses:
        lines = status_lines(tree, colour=colour, width=width, now=now)
    else:
        lines = tree_lines(tree, colour=colour, width=width, home=str(Path.home()), now=now)
    for line in lines:
        print(line)
    return 0


async def _from_server(source: Source) -> Tree | None:
    """The server's state; None when it does not watch what the user named."""
    async with source.connect() as connection:
        reply = await connection.request(Snapshot())
    if not isinstance(reply, SnapshotData):
        raise ServerUnavailable("the tmuxpulse server did not give its state")
    tree = reply.data
    if not source.collect.sockets:
        return tree
    names = names_of(tree, source.collect.sockets)
    if names is None:
        if source.url is not None:
            raise UsageError(f"the server at {source.url} does not watch what -L or -S name")
        return None
    return Tree(
        servers=[server for server in tree.servers if server.name in names],
        sessions=[session for session in tree.sessions if session.server in names],
    )
