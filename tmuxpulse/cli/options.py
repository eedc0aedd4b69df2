"""Options that several commands share, and what they mean."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from tmuxpulse.collect.sockets import resolve_sockets
from tmuxpulse.config.places import rules_dir
from tmuxpulse.config.settings import CollectSettings, EngineChoice, Settings
from tmuxpulse.errors import RequestError, UsageError
from tmuxpulse.events import SEVERITIES, Status
from tmuxpulse.filters import Filter, check_filter

if TYPE_CHECKING:
    from tmuxpulse.config.layers import Loaded

Subparsers = argparse._SubParsersAction  # noqa: SLF001  # argparse has no public name for it

# Settings, the options that set them, and what those are called.
FLAGS = (
    ("tmux.engine", "engine", "--engine"),
    ("server.host", "host", "--host"),
    ("server.port", "port", "--port"),
    ("server.grace_seconds", "grace", "--grace"),
    ("server.tls_certificate", "tls_certificate", "--tls-certificate"),
    ("server.tls_key", "tls_key", "--tls-key"),
    ("server.write", "write", "--write"),
    ("server.log_format", "log_format", "--log-format"),
)
STATUSES: tuple[str, ...] = get_args(Status)
ENGINES: tuple[str, ...] = get_args(EngineChoice)


def add_command(
    subparsers: Subparsers[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    *,
    summary: str,
    description: str,
) -> argparse.ArgumentParser:
    """Add a command's parser, with the options that every command has.

    Args:
        subparsers: where.
        name: what the user types.
        run: what it does; gives the exit code.
        summary: its line in the list of commands.
        description: what its own help says.
    """
    parser = subparsers.add_parser(
        name,
        help=summary,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "-v",
        "--verbose",
        action="count",
        default=0,
        help="say more about what happens, on standard error; twice: everything",
    )
    return parser


def add_tmux_options(parser: argparse.ArgumentParser) -> None:
    """Which tmux servers, and how they are watched."""
    group = parser.add_argument_group("tmux")
    group.add_argument(
        "-L",
        dest="names",
        metavar="NAME",
        action="append",
        default=[],
        help="the tmux server of this socket name, as for tmux -L; may be repeated"
        " (default: all of yours)",
    )
    group.add_argument(
        "-S",
        dest="paths",
        metavar="PATH",
        action="append",
        default=[],
        help="the tmux server on this socket, as for tmux -S; may be repeated",
    )
    group.add_argument(
        "--engine",
        choices=ENGINES,
        help="how to watch when no tmuxpulse server does: pipe (what auto takes for tmux 3.2"
        " to 3.7), control (can crash the tmux server up to 3.7; auto takes it for later ones),"
        " poll (slower, touches nothing)",
    )


def add_server_options(
    parser: argparse.ArgumentParser,
    default: str = "yours on this machine if it runs, else watch from within this process",
) -> None:
    """Which tmuxpulse server; `default` says what happens without ``--url``."""
    parser.add_argument(
        "--url",
        metavar="URL",
        help="the tmuxpulse server at this address, such as wss://pulse.example:8765/, and no other"
        f" (default: {default}); ws:// to this machine only",
    )
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        help="with --url: the file with the token that it wants, readable by you alone"
        " (default: what TMUXPULSE_TOKEN_FILE names)",
    )
    parser.add_argument(
        "--ca-file",
        metavar="FILE",
        help="with --url wss://: trust the certificates in this file, and no others"
        " (default: those that this system trusts)",
    )


def add_filter_options(parser: argparse.ArgumentParser) -> None:
    """Which events; `filter_of` reads them."""
    group = parser.add_argument_group(
        "filters",
        "Each may be repeated; several of one kind widen, different kinds narrow.\n"
        "Names and types are globs: '*', '?', '[ab]'.",
    )
    for option, dest, metavar, text in (
        ("--session", "sessions", "NAME", "name or id ($3)"),
        ("--window", "windows", "WINDOW", "name, index, id (@7) or session:index"),
        ("--pane", "panes", "PANE", "index, id (%%12) or session:window.pane"),
        ("--type", "types", "TYPE", "such as pane.output or 'pane.*'"),
        ("--grep", "contains", "TEXT", "events whose text contains this; case does not matter"),
    ):
        group.add_argument(
            option, dest=dest, metavar=metavar, action="append", default=[], help=text
        )
    for option, dest, choices, text in (
        ("--status", "statuses", STATUSES, "what the pane is doing, or what a status event says"),
        ("--severity", "severity", SEVERITIES, "how much an event matters"),
    ):
        group.add_argument(
            option, dest=dest, choices=choices, action="append", default=[], help=text
        )


def add_colour_option(parser: argparse.ArgumentParser) -> None:
    """Whether to use colour."""
    parser.add_argument(
        "--no-color",
        action="store_true",
        help="no colour; the variables NO_COLOR and CLICOLOR_FORCE are honoured too",
    )


def filter_of(options: argparse.Namespace) -> Filter:
    """The filter that the options make.

    Raises:
        UsageError: a pattern is no pattern, or there are too many.
    """
    wanted = Filter(
        types=tuple(options.types),
        sessions=tuple(options.sessions),
        windows=tuple(options.windows),
        panes=tuple(options.panes),
        statuses=tuple(options.statuses),
        severity=tuple(options.severity),
        contains=tuple(options.contains),
    )
    try:
        check_filter(wanted)
    except RequestError as error:
        raise UsageError(str(error)) from None
    return wanted


def add_config_option(parser: argparse.ArgumentParser) -> None:
    """Which file of settings; `settings_of` reads it."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="the file of settings (default: see tmuxpulse config path)",
    )


def settings_of(options: argparse.Namespace) -> Loaded:
    """What is in force: what the options say over variables over the file over defaults.

    Raises:
        UsageError: something in them is wrong.
    """
    from tmuxpulse.config.layers import load_settings

    overrides: dict[str, tuple[object, str]] = {}
    for name, dest, flag in FLAGS:
        value = getattr(options, dest, None)
        if value is not None:
            overrides[name] = (value, flag)
    if getattr(options, "no_unix_socket", False):
        overrides["server.unix_socket"] = (False, "--no-unix-socket")
    names, paths = getattr(options, "names", []), getattr(options, "paths", [])
    if names or paths:
        found = [*names, *(str(Path(path).absolute()) for path in paths)]
        overrides["tmux.sockets"] = (found, "-L" if names else "-S")
    file = getattr(options, "config", None)
    return load_settings(Path(file) if file else None, overrides=overrides)


def collect_settings(settings: Settings, directory: Path) -> CollectSettings:
    """What to watch, and how.

    Args:
        settings: what is in force.
        directory: the runtime directory.
    """
    sockets = settings.tmux.sockets
    return CollectSettings(
        sockets=resolve_sockets(
            [one for one in sockets if "/" not in one], [one for one in sockets if "/" in one]
        ),
        engine=settings.tmux.engine,
        redaction=settings.redaction,
        judges=settings.features.status,
        measures=settings.features.stats,
        rules_dir=str(rules_dir()),
        runtime_dir=str(directory),
    )


def say(message: str) -> None:
    """Tell the user something beside the output."""
    try:
        print(f"tmuxpulse: {message}", file=sys.stderr, flush=True)
    except OSError:  # standard error is closed: there is nobody to tell
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  # to the end


def log_to_stderr(verbose: int) -> None:
    """Let the program's log speak, as loud as ``-v`` says."""
    import logging

    levels = (logging.WARNING, logging.INFO, logging.DEBUG)
    logging.basicConfig(
        level=levels[min(verbose, 2)], format="tmuxpulse: %(message)s", stream=sys.stderr
    )
