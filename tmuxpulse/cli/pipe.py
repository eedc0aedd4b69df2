"""`tmuxpulse pipe`: the protocol on standard input and output."""

from __future__ import annotations

import argparse
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import trio

from tmuxpulse.cli.conversation import Connect, Conversation, Wire
from tmuxpulse.cli.feed import token_of
from tmuxpulse.cli.options import (
    Subparsers,
    add_command,
    add_config_option,
    add_server_options,
    add_tmux_options,
    collect_settings,
    log_to_stderr,
    settings_of,
)
from tmuxpulse.cli.output import Output
from tmuxpulse.cli.pipe_output import PipeOutput
from tmuxpulse.cli.request_lines import Line, LineSplitter
from tmuxpulse.cli.running import run_async
from tmuxpulse.client.groups import unwrapped
from tmuxpulse.client.link import open_link
from tmuxpulse.collect.sockets import is_alive
from tmuxpulse.config.places import default_unix_socket, runtime_dir, state_dir
from tmuxpulse.wire import MAX_MESSAGE_BYTES

READ_BYTES = 1 << 16
DESCRIPTION = """\
The protocol in a pipe: requests as JSON on standard input, one a line, done one after the other;
replies and events on standard output, one a line. A line that is no request gets an error with its
number, and the rest goes on.

It asks your tmuxpulse server when one runs, and watches tmux from within this process when not. At
the end of the input, and of what that asked for, it ends.
"""
EXAMPLES = """\
examples:
  echo '{"action":"snapshot"}' | tmuxpulse pipe | jq -r '.data.sessions[].name'
  echo '{"action":"subscribe"}' | tmuxpulse pipe --follow --reconnect
"""


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command."""
    parser = add_command(subparsers, "pipe", run, summary=summary, description=DESCRIPTION)
    parser.epilog = EXAMPLES
    parser.add_argument(
        "--follow", action="store_true", help="stay for the events after the end of the input"
    )
    parser.add_argument(
        "--reconnect",
        action="store_true",
        help="come back when the server went away, and go on after the last event",
    )
    add_server_options(parser)
    add_tmux_options(parser)
    add_config_option(parser)


def run(options: argparse.Namespace) -> int:
    """Talk."""
    log_to_stderr(options.verbose)
    token = token_of(options)
    connect = connect_of(options, token)
    return run_async(
        partial(
            talk,
            connect,
            read_lines(0),
            Output(),
            token=token,
            reconnect=options.reconnect,
            follow=options.follow,
        )
    )


def connect_of(options: argparse.Namespace, token: str | None) -> Connect:
    """How to reach what the options name: a server, or a session in this process.

    Raises:
        UsageError: they, or the settings, are wrong.
    """
    if options.url is not None:
        return partial(open_link, url=options.url, token=token, ca_file=options.ca_file)
    directory = runtime_dir()
    unix_socket = default_unix_socket(directory)
    if is_alive(unix_socket):
        return partial(open_link, unix_socket=unix_socket)
    settings = settings_of(options).settings
    collect = collect_settings(settings, directory)
    state: Path = state_dir()

    def here() -> AbstractAsyncContextManager[Wire]:
        from tmuxpulse.cli.in_process import open_here

        return open_here(collect, settings, state_dir=state)

    return here


async def talk(
    connect: Connect,
    lines: AsyncIterator[Line],
    output: Output,
    *,
    token: str | None = None,
    reconnect: bool = False,
    follow: bool = False,
) -> int:
    """Do what the lines ask for, and give the exit code.

    Raises:
        ServerUnavailable: no server answers, or it went away.
        ServerRefused: it does not take us.
        TmuxNotFound: there is neither a server nor a tmux program.
    """
    queue = PipeOutput(output)
    conversation = Conversation(connect, queue, token=token, reconnect=reconnect)
    try:
        with unwrapped():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(queue.run)
                nursery.start_soon(_end_with_reader, queue, nursery.cancel_scope)
                await conversation.run(lines, follow=follow)
                nursery.cancel_scope.cancel()
    except BrokenPipeError:
        return 0
    return 0


async def read_lines(fd: int) -> AsyncIterator[Line]:
    """The lines of a descriptor, in a thread: files cannot be waited for otherwise."""
    splitter = LineSplitter(MAX_MESSAGE_BYTES)
    while True:
        data = await trio.to_thread.run_sync(os.read, fd, READ_BYTES, abandon_on_cancel=True)
        for line in splitter.feed(data) if data else splitter.finish():
            yield line
        if not data:
            return


async def _end_with_reader(queue: PipeOutput, scope: trio.CancelScope) -> None:
    await queue.wait_closed()
    scope.cancel()
