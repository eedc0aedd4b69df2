"""`tmuxpulse demo`: a private tmux server with some panes at work, watched, then gone.

Its socket is in a directory of its own below the runtime directory. When we end, the server is
killed and the directory removed. When we are killed, the panes notice and end the server, and the
next demo removes the directory.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.resources import files
from pathlib import Path

import msgspec
import trio

from tmuxpulse.cli.feed import Source
from tmuxpulse.cli.options import (
    Subparsers,
    add_colour_option,
    add_command,
    add_config_option,
    add_filter_options,
    filter_of,
    log_to_stderr,
    settings_of,
)
from tmuxpulse.cli.running import run_async
from tmuxpulse.cli.watch import WatchOptions, watch, watch_options_of
from tmuxpulse.collect.sockets import find_program, is_alive
from tmuxpulse.config.places import runtime_dir
from tmuxpulse.config.settings import CollectSettings
from tmuxpulse.errors import TmuxCommandFailed, TmuxNotFound
from tmuxpulse.filters import Filter

START_SECONDS = 10.0
END_SECONDS = 3.0
LOOK_SECONDS = 0.02
PREFIX = "demo-"

DESCRIPTION = """\
Start a private tmux server with a handful of panes at work (a build, a failing test, a prompt that
waits, a log, a flood now and then) and watch it, as `tmuxpulse watch` does. Your own tmux is not
touched. When it ends, by Ctrl-C or otherwise, nothing of it is left.
"""


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command."""
    parser = add_command(subparsers, "demo", run, summary=summary, description=DESCRIPTION)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--lines", action="store_true", help="a line for each event, on a terminal too"
    )
    parser.add_argument("--seconds", type=float, metavar="N", help="end by itself after so long")
    parser.set_defaults(snapshot=False)
    add_config_option(parser)
    add_filter_options(parser)
    add_colour_option(parser)


def run(options: argparse.Namespace) -> int:
    """Show the demo."""
    log_to_stderr(options.verbose)
    watch_options = msgspec.structs.replace(
        watch_options_of(options, settings_of(options)), seconds=options.seconds
    )
    return run_async(partial(run_demo, runtime_dir(), watch_options, filter_of(options)))


async def run_demo(directory: Path, options: WatchOptions, wanted: Filter) -> int:
    """Start the private server, watch it until the end, and leave nothing of it.

    Args:
        directory: the runtime directory.
        options: what to print.
        wanted: which events.

    Raises:
        TmuxNotFound: there is no tmux program.
        TmuxCommandFailed: it does not start.
    """
    async with open_demo(directory) as socket:
        collect = CollectSettings(sockets=(socket,), runtime_dir=str(directory))
        return await watch(Source(url=None, unix_socket="", collect=collect), wanted, options)


@asynccontextmanager
async def open_demo(directory: Path) -> AsyncIterator[str]:
    """Run a tmux server with the panes of the demo, and give the path of its socket.

    Leaving the block ends the server and removes its directory, also when cancelled.

    Raises:
        TmuxNotFound: there is no tmux program.
        TmuxCommandFailed: it does not start.
    """
    program = find_program()
    await _sweep(directory, program)
    home = directory / f"{PREFIX}{os.getpid()}-{secrets.token_hex(2)}"
    home.mkdir(mode=0o700)
    lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    socket = home / "tmux"
    try:
        script = home / "panes.sh"
        script.write_bytes((files("tmuxpulse.cli") / "demo.sh").read_bytes())
        await _start(program, str(socket), str(script))
        yield str(socket)
    finally:
        with trio.CancelScope(shield=True):
            await _end(program, home)
        os.close(lock)


async def _start(program: str, socket: str, script: str) -> None:
    def pane(name: str) -> list[str]:
        return ["sh", script, name]

    size = ["-x", "160", "-y", "48"]
    commands = [
        ["new-session", "-d", *size, "-s", "shop", "-n", "work", *pane("build")],
        ["split-window", "-d", "-h", "-t", "shop:work", *pane("tests")],
        ["new-window", "-d", "-t", "shop:", "-n", "deploy", *pane("deploy")],
        ["new-session", "-d", *size, "-s", "api", "-n", "log", *pane("log")],
        ["new-window", "-d", "-t", "api:", "-n", "jobs", *pane("flood")],
    ]
    arguments = [part for command in commands for part in (*command, ";")][:-1]
    environment = {
        name: value for name, value in os.environ.items() if name not in ("TMUX", "TMUX_PANE")
    }
    environment |= {"DEMO_PID": str(os.getpid()), "DEMO_TMUX": program}
    try:
        with trio.fail_after(START_SECONDS):
            done = await trio.run_process(
                [program, "-u", "-f", "/dev/null", "-S", socket, *arguments],
                stdin=b"",
                capture_stdout=True,
                capture_stderr=True,
                check=False,
                env=environment,
            )
    except OSError as error:
        raise TmuxNotFound(f"cannot run {program}: {error.strerror}") from None
    except trio.TooSlowError:
        raise TmuxCommandFailed(
            f"{program} did not start in {START_SECONDS:g} s", stderr="", returncode=-1
        ) from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise TmuxCommandFailed(
            f"cannot start the demo's tmux server: {said}", stderr=said, returncode=done.returncode
        )


async def _end(program: str, home: Path) -> None:
    """Kill a demo's server, wait until it is gone, and remove its directory."""
    socket = str(home / "tmux")
    with trio.move_on_after(END_SECONDS):
        while is_alive(socket):
            await trio.run_process(
                [program, "-N", "-S", socket, "kill-server"],
                stdin=b"",
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
            await trio.sleep(LOOK_SECONDS)
    shutil.rmtree(home, ignore_errors=True)


async def _sweep(directory: Path, program: str) -> None:
    """End and remove demos whose process was killed."""
    for home in leftovers(directory):
        await _end(program, home)


def leftovers(directory: Path) -> list[Path]:
    """The directories of demos whose process was killed: their locks are free."""
    return [home for home in sorted(directory.glob(f"{PREFIX}*")) if is_free(home / "lock")]


def is_free(path: Path) -> bool:
    """Tell whether nobody holds a lock; one that is not there is about to be held."""
    try:
        lock = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True
