"""`tmuxpulse serve`: the server, until a signal ends it."""

from __future__ import annotations

import argparse
from functools import partial

from tmuxpulse.cli.options import (
    Subparsers,
    add_command,
    add_tmux_options,
    collect_settings,
    log_to_stderr,
)
from tmuxpulse.config.places import default_unix_socket, state_dir
from tmuxpulse.config.places import runtime_dir as make_runtime_dir
from tmuxpulse.config.settings import DEFAULT_HOST, DEFAULT_PORT, ServerTable, ServeSettings

DESCRIPTION = """\
Watch tmux and serve the events: over WebSocket and as a page on one port of this machine, and on
a Unix socket to your own programs, such as `tmuxpulse watch`.

It prints one line when it is ready. SIGINT or SIGTERM ends it in order, a second one at once.
"""


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command."""
    parser = add_command(subparsers, "serve", run, summary=summary, description=DESCRIPTION)
    parser.add_argument(
        "--host",
        default=DEFAULT_HOST,
        help="a loopback address, or localhost (default: %(default)s)",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=DEFAULT_PORT,
        help="the TCP port; 0: any that is free (default: %(default)s)",
    )
    parser.add_argument(
        "--no-unix-socket",
        action="store_true",
        help="no Unix socket; then `watch` does not find this server without --url",
    )
    parser.add_argument(
        "--grace",
        type=_seconds,
        default=3.0,
        metavar="SECONDS",
        help="how long the end may take for clients that are slow (default: %(default)s)",
    )
    add_tmux_options(parser)


def run(options: argparse.Namespace) -> int:
    """Serve."""
    import trio

    from tmuxpulse.client.groups import unwrapped
    from tmuxpulse.collect.collector import run_collector
    from tmuxpulse.serve.app import serve

    log_to_stderr(options.verbose)
    directory = make_runtime_dir()
    settings = ServeSettings(
        server=ServerTable(host=options.host, port=options.port, grace_seconds=options.grace),
        unix_socket="" if options.no_unix_socket else default_unix_socket(directory),
        state_dir=str(state_dir()),
    )
    with unwrapped():
        trio.run(
            partial(
                serve,
                settings,
                collect_settings(options, directory),
                collector=run_collector,
                announce=_announce,
            )
        )
    return 0


def _announce(line: str) -> None:
    print(line, flush=True)


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
