"""`tmuxpulse run -- CMD…`: a server beside a command, for as long as that runs."""

from __future__ import annotations

import argparse
import logging
import os
import signal
from collections.abc import AsyncIterable, Callable
from contextlib import suppress
from functools import partial

import trio

from tmuxpulse.cli.options import (
    Subparsers,
    add_command,
    add_config_option,
    add_tmux_options,
    log_to_stderr,
    say,
)
from tmuxpulse.cli.serve import settings_for
from tmuxpulse.client.groups import unwrapped
from tmuxpulse.collect.sockets import is_alive
from tmuxpulse.config.places import default_unix_socket, runtime_dir, state_dir
from tmuxpulse.config.settings import CollectSettings, ServeSettings
from tmuxpulse.errors import TmuxpulseError, UsageError

DESCRIPTION = """\
Run a command with a tmuxpulse server beside it: the server starts first, and ends with the command,
whose exit code is that of this one. When your server runs already, that one is used and stays.

The command finds the server as every tmuxpulse command of yours does; TMUXPULSE_URL is its address.
A server that cannot start is told, and the command runs all the same.
"""
EXAMPLES = """\
examples:
  tmuxpulse run -- ./orchestrate.sh
  tmuxpulse run --port 8765 -- npm run agents
"""
NOT_EXECUTABLE, NOT_FOUND = 126, 127
START_SECONDS = 10.0
END_SECONDS = 10.0  # for the server to leave tmux as it was
_PASSED_ON = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)

logger = logging.getLogger(__name__)


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command."""
    parser = add_command(subparsers, "run", run, summary=summary, description=DESCRIPTION)
    parser.epilog = EXAMPLES
    parser.add_argument(
        "--port", type=int, default=0, help="the server's TCP port (default: any that is free)"
    )
    add_config_option(parser)
    add_tmux_options(parser)
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- CMD …", help="what to run")


def run(options: argparse.Namespace) -> int:
    """Run it."""
    log_to_stderr(options.verbose)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise UsageError("name a command: tmuxpulse run -- CMD …")
    # A handler, unlike to ignore it, is not inherited. What Ctrl-C means, the command decides.
    signal.signal(signal.SIGINT, lambda *_: None)
    directory, state = runtime_dir(), state_dir()
    unix_socket = default_unix_socket(directory)
    if is_alive(unix_socket):
        return trio.run(_run_command, command, dict(os.environ))
    settings = settings_for(options, directory, state, unix_socket=unix_socket)
    with unwrapped():
        return trio.run(_run_beside, command, *settings)


async def _run_beside(
    command: list[str], serving: ServeSettings, collecting: CollectSettings
) -> int:
    async with trio.open_nursery() as nursery:
        server = _Server(serving, collecting)
        nursery.start_soon(server.run)
        with trio.move_on_after(START_SECONDS):
            await server.settled.wait()
        environ = dict(os.environ)
        if server.url:
            environ["TMUXPULSE_URL"] = server.url
        code = await _run_command(command, environ)
        server.stop()
        nursery.cancel_scope.deadline = trio.current_time() + END_SECONDS
    return code


class _Server:
    """A server in this process, whose end is not that of the command."""

    def __init__(self, serving: ServeSettings, collecting: CollectSettings) -> None:
        self.settled = trio.Event()  # it is ready, or never will be
        self.url = ""
        self._serving = serving
        self._collecting = collecting
        self._scope = trio.CancelScope()
        self._stop: Callable[[], None] | None = None

    async def run(self) -> None:
        from tmuxpulse.serve.app import serve

        start = partial(serve, self._serving, self._collecting, announce=logger.info, signals=False)
        try:
            with unwrapped(), self._scope:
                async with trio.open_nursery() as nursery:
                    ready = await nursery.start(start)
                    self.url = ready.line.partition("ready: ")[2].partition(" ")[0]
                    self._stop = ready.stop
                    self.settled.set()
        except TmuxpulseError as error:
            say(f"no server runs beside the command: {error}")
        finally:
            self.settled.set()

    def stop(self) -> None:
        if self._stop is None:
            self._scope.cancel()
        else:
            self._stop()


async def _run_command(command: list[str], environ: dict[str, str]) -> int:
    """Run it with our descriptors, pass signals on, and give its exit code."""
    with trio.open_signal_receiver(*_passed_on()) as signals:
        try:
            process = await trio.lowlevel.open_process(command, env=environ)
        except OSError as error:
            say(f"cannot run {command[0]}: {error.strerror}")
            return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_pass_on, signals, process)
            code = await process.wait()
            nursery.cancel_scope.cancel()
    return code if code >= 0 else 128 - code


def _passed_on() -> tuple[signal.Signals, ...]:
    """The signals that the command has to be sent: from its terminal Ctrl-C comes by itself."""
    with suppress(OSError):
        if os.tcgetpgrp(0) == os.getpgrp():
            return _PASSED_ON
    return (*_PASSED_ON, signal.SIGINT)


async def _pass_on(signals: AsyncIterable[int], process: trio.Process) -> None:
    async for number in signals:
        process.send_signal(number)
