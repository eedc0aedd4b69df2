"""`tmuxpulse serve`: the server, until a signal ends it."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import get_args

from tmuxpulse.cli.logs import is_json, log_as_json
from tmuxpulse.cli.options import (
    Subparsers,
    add_command,
    add_config_option,
    add_tmux_options,
    collect_settings,
    log_to_stderr,
    say,
    settings_of,
)
from tmuxpulse.config.places import default_unix_socket, state_dir
from tmuxpulse.config.places import runtime_dir as make_runtime_dir
from tmuxpulse.config.settings import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    CollectSettings,
    LogFormat,
    ServeSettings,
    WriteChoice,
)
from tmuxpulse.errors import TmuxpulseError

logger = logging.getLogger(__name__)

LOG = "serve.log"  # in the state directory: of a server in the background
DESCRIPTION = """\
Watch tmux and serve the events: over WebSocket and as a page on one port of this machine, and on
a Unix socket to your own programs, such as `tmuxpulse watch`.

Over TCP everybody needs a token (tmuxpulse token, tmuxpulse open); over the Unix socket you do not.
It prints one line when it is ready. SIGINT or SIGTERM ends it in order, a second one at once;
SIGHUP reads settings, tokens and certificates again.
"""
EXAMPLES = """\
examples:
  tmuxpulse serve --detach && tmuxpulse open    in the background, and its page
  tmuxpulse serve --write local                 your own programs may type into panes
  tmuxpulse serve --stop
  tmuxpulse run -- ./orchestrate.sh             for as long as one command runs
  tmuxpulse service install                     after each login (systemd, launchd)
"""


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command."""
    parser = add_command(subparsers, "serve", run, summary=summary, description=DESCRIPTION)
    parser.epilog = EXAMPLES
    parser.add_argument(
        "--host",
        help="an address or name; one beyond this machine needs TLS and a token"
        f" (default: {DEFAULT_HOST})",
    )
    parser.add_argument(
        "--port",
        type=_port,
        help=f"the TCP port; 0: any that is free (default: {DEFAULT_PORT})",
    )
    parser.add_argument(
        "--no-unix-socket",
        action="store_true",
        help="no Unix socket; then `watch` does not find this server without --url",
    )
    parser.add_argument("--tls-certificate", metavar="FILE", help="PEM: certificate and chain")
    parser.add_argument("--tls-key", metavar="FILE", help="PEM: its key, mode 0600")
    parser.add_argument(
        "--write",
        choices=get_args(WriteChoice),
        help="who may command panes, if their token grants it: nobody, who connects from this"
        " machine, or everybody (default: never)",
    )
    parser.add_argument(
        "--grace",
        type=_seconds,
        metavar="SECONDS",
        help="how long the end may take for clients that are slow (default: 3)",
    )
    parser.add_argument(
        "--log-format",
        choices=get_args(LogFormat),
        help="the log on standard error: text for people, or one JSON object a line"
        " (default: text)",
    )
    background = parser.add_mutually_exclusive_group()
    background.add_argument(
        "--detach",
        action="store_true",
        help="serve in the background, and return when the server is ready or has failed",
    )
    background.add_argument(
        "--stop", action="store_true", help="end the server that runs, in order, and wait for it"
    )
    add_config_option(parser)
    add_tmux_options(parser)


def run(options: argparse.Namespace) -> int:
    """Serve."""
    if options.stop:
        from tmuxpulse.cli.detached import stop

        return stop(default_unix_socket(make_runtime_dir()))
    if options.detach:
        from tmuxpulse.cli.detached import in_background

        return in_background(partial(_serve, options), state_dir() / LOG)
    return _serve(options, _announce)


def _serve(options: argparse.Namespace, announce: Callable[[str], None]) -> int:
    """Serve; an error that ends it is told in the form of the log."""
    if options.log_format == "json":
        log_as_json(options.verbose)
    try:
        return _served(options, announce)
    except TmuxpulseError as error:
        if not is_json():
            raise
        logger.error("%s", error)  # noqa: TRY400  # it is for its reader
        return error.exit_code


def _served(options: argparse.Namespace, announce: Callable[[str], None]) -> int:
    import trio

    from tmuxpulse.client.groups import unwrapped
    from tmuxpulse.collect.collector import run_collector
    from tmuxpulse.serve.app import serve
    from tmuxpulse.serve.systemd import Notifier, activated

    directory, state = make_runtime_dir(), state_dir()
    given, manager = activated(), Notifier(os.environ)
    unix_socket = str(given.unix.getsockname()) if given.unix else default_unix_socket(directory)

    read = partial(
        settings_for,
        options,
        directory,
        state,
        unix_socket=unix_socket,
        has_unix_socket=given.unix is not None,
    )
    serving, collecting = read()
    as_json = serving.server.log_format == "json"
    (log_as_json if as_json else log_to_stderr)(options.verbose)

    def tell(line: str) -> None:
        announce(line)
        if as_json:
            logger.info("%s", line)

    with unwrapped():
        trio.run(
            partial(
                serve,
                serving,
                collecting,
                collector=run_collector,
                announce=tell,
                reload=read,
                given=given,
                manager=manager,
            )
        )
    return 0


def settings_for(
    options: argparse.Namespace,
    directory: Path,
    state: Path,
    *,
    unix_socket: str,
    has_unix_socket: bool = False,
) -> tuple[ServeSettings, CollectSettings]:
    """The settings of a server, as they are now.

    Args:
        options: of the command line, which go before those of the file.
        directory: for sockets and FIFOs.
        state: for tokens, the audit log and the history.
        unix_socket: where it listens for programs of this user.
        has_unix_socket: it does so whatever the settings say.

    Raises:
        UsageError: they are wrong.
    """
    settings = settings_of(options).settings
    serving = ServeSettings(
        server=settings.server,
        limits=settings.limits,
        audit=settings.audit,
        history=settings.history,
        features=settings.features,
        unix_socket=unix_socket if settings.server.unix_socket or has_unix_socket else "",
        state_dir=str(state),
        runtime_dir=str(directory),
    )
    return serving, collect_settings(settings, directory)


def _announce(line: str) -> None:
    print(line, flush=True)
    if sys.stdout.isatty():
        say("to see the page, in another terminal: tmuxpulse open")


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:  # noqa: PLR2004  # what TCP has
        raise ValueError(text)
    return port


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= 3600:  # noqa: PLR2004  # an hour is more than anybody waits
        raise ValueError(text)
    return seconds


_port.__name__ = "port"  # argparse names the type by it
_seconds.__name__ = "number of seconds"
