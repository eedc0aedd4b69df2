"""`tmuxpulse doctor`: what works here, what does not, and what to do about it."""

from __future__ import annotations

import argparse
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec

from tmuxpulse.cli.checks import (
    Check,
    check_cache_dir,
    check_leftovers,
    check_locale,
    check_native,
    check_port,
    check_python,
    check_runtime_dir,
    check_tmux,
    sort_sockets,
)
from tmuxpulse.cli.options import Subparsers, add_colour_option, add_command, log_to_stderr
from tmuxpulse.cli.running import run_async
from tmuxpulse.cli.safety_checks import (
    check_audit,
    check_history,
    check_rules,
    check_settings,
    check_tokens,
)
from tmuxpulse.cli.terminal import BOLD, DIM, GREEN, RED, YELLOW, printable, styled, wants_colour
from tmuxpulse.collect import sockets
from tmuxpulse.config.places import default_unix_socket, runtime_dir
from tmuxpulse.config.settings import DEFAULT_PORT
from tmuxpulse.errors import RequestError, ServerError, TmuxError, TmuxTimeout, UsageError
from tmuxpulse.wire import AnyReply, Health, HealthData, Snapshot, SnapshotData, Tree

DESCRIPTION = """\
Look at everything tmuxpulse needs: Python, tmux and its servers, directories, port, locale,
settings, tokens, and whether a tmuxpulse server runs and what it watches. Each line is ok, warn or
fail, with its remedy.

exit code: 0 when nothing fails, else 1
"""

_CODES = {"ok": (GREEN,), "warn": (YELLOW,), "fail": (BOLD, RED)}


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command."""
    parser = add_command(subparsers, "doctor", run, summary=summary, description=DESCRIPTION)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument(
        "--port",
        type=int,
        default=DEFAULT_PORT,
        help="the port a server would listen on (default: %(default)s)",
    )
    add_colour_option(parser)


def run(options: argparse.Namespace) -> int:
    """Look, and report."""
    log_to_stderr(options.verbose)
    return run_async(partial(_run, options))


async def _run(options: argparse.Namespace) -> int:
    checks = [check async for check in examine(options.port)]
    good = all(check.level != "fail" for check in checks)
    if options.json:
        print(msgspec.json.encode({"ok": good, "checks": checks}).decode())
    else:
        colour = wants_colour(os.environ, is_terminal=os.isatty(1), refused=options.no_color)
        for line in report(checks, colour=colour):
            print(line)
    return 0 if good else 1


def report(checks: list[Check], *, colour: bool) -> list[str]:
    """A line for each check, and one below it for its remedy."""
    width = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        level = f"{check.level:4}"
        if colour:
            level = styled(level, *_CODES[check.level])
        lines.append(f"{level}  {check.name:{width}}  {printable(check.text)}")
        if check.remedy:
            remedy = f"{'':6}{'':{width}}  → {check.remedy}"
            lines.append(styled(remedy, DIM) if colour else remedy)
    return lines


async def examine(port: int) -> AsyncIterator[Check]:
    """Do all checks, the things that others need first."""
    yield check_python()
    yield check_native()
    yield check_locale()
    program = check_tmux()
    yield program
    yield check_runtime_dir()
    try:
        directory: Path | None = runtime_dir()
    except UsageError:  # the check has said so
        directory = None
    if directory is not None:
        yield check_leftovers(directory)
    yield check_cache_dir()
    if program.level != "fail":
        async for check in _tmux_servers():
            yield check
    unix_socket = default_unix_socket(directory) if directory is not None else ""
    runs = bool(unix_socket) and sockets.is_alive(unix_socket)
    if runs:
        for check in await _server(unix_socket):
            yield check
    else:
        text = "none runs; watch and ls look for themselves (tmuxpulse serve starts one)"
        yield Check(name="tmuxpulse server", level="ok", text=text)
    yield check_port(port, server_runs=runs)
    yield check_settings()
    yield check_rules()
    yield check_tokens()
    yield check_audit()
    yield check_history()


async def _tmux_servers() -> AsyncIterator[Check]:
    """Each tmux server of this user's."""
    alive, stale = sort_sockets()
    for path in alive:
        yield await _tmux_server(path)
    if stale:
        more = f" and {len(stale) - 1} others" if len(stale) > 1 else ""
        text = f"{stale[0]}{more}, left by servers that ended; a new one takes its socket over"
        yield Check(name="stale sockets", level="ok", text=text)
    if not alive:
        yield Check(
            name="tmux servers",
            level="warn",
            text="none is running, so there is nothing to watch yet",
            remedy="start one with: tmux (or try: tmuxpulse demo)",
        )


async def _tmux_server(path: str) -> Check:
    from tmuxpulse.collect.command import Tmux, identify

    name = f"tmux {sockets.socket_name(path)}"
    program = sockets.program_of(sockets.peer_pid(path), sockets.find_program())
    try:
        identity = await identify(Tmux(program, path))
    except TmuxTimeout as error:
        remedy = "the server hangs, or was started by another release; see: ps -ef | grep tmux"
        return Check(name=name, level="fail", text=str(error), remedy=remedy)
    except TmuxError as error:
        remedy = f"try: tmux -S {path} list-sessions"
        return Check(name=name, level="fail", text=str(error), remedy=remedy)
    text = f"tmux {identity.version}, pid {identity.pid}, on {path}"
    return Check(name=name, level="ok", text=text)


async def _server(unix_socket: str) -> list[Check]:
    """The tmuxpulse server that runs, what it watches, and what of it does not work."""
    from tmuxpulse.client.connection import open_connection

    name = "tmuxpulse server"
    health: AnyReply | None = None
    try:
        async with open_connection(unix_socket=unix_socket) as connection:
            version = connection.greeting.server.version
            reply = await connection.request(Snapshot())
            with suppress(RequestError):  # an older server does not know it
                health = await connection.request(Health())
    except ServerError as error:
        remedy = "end it and start it again: tmuxpulse serve"
        return [Check(name=name, level="fail", text=str(error), remedy=remedy)]
    tree = reply.data if isinstance(reply, SnapshotData) else Tree(servers=[], sessions=[])
    watched = [
        f"{server.name} ({f'tmux {server.version}, {server.engine}' if server.up else 'not up'})"
        for server in tree.servers
    ]
    text = f"{version} on {unix_socket}, watches {', '.join(watched) or 'nothing yet'}"
    found = [Check(name=name, level="ok", text=text)]
    if isinstance(health, HealthData):
        found += health_checks(health)
    return found


def health_checks(health: HealthData) -> list[Check]:
    """What a server says of itself."""
    on = ", ".join(name for name, is_on in sorted(health.features.items()) if is_on)
    off = ", ".join(name for name, is_on in sorted(health.features.items()) if not is_on)
    text = f"on: {on or 'none'}; off: {off or 'none'}"
    return [
        Check(name="its features", level="ok", text=text),
        *(
            Check(
                name=f"its {part}",
                level="fail",
                text=problem,
                remedy="make room, or mend what it names; the server tries again by itself",
            )
            for part, problem in sorted(health.problems.items())
        ),
    ]
