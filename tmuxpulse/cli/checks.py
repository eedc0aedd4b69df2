"""What `doctor` looks at: each check finds one thing out, and knows what to do about it.

Checks report; they change nothing, but that a missing runtime directory is made. How a report looks
is `doctor`'s part.
"""

from __future__ import annotations

import locale
import os
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from tmuxpulse.collect import sockets
from tmuxpulse.collect.command import Identity
from tmuxpulse.config.places import default_unix_socket, runtime_dir
from tmuxpulse.config.settings import DEFAULT_HOST
from tmuxpulse.errors import TmuxNotFound, UsageError

Level = Literal["ok", "warn", "fail"]

OLDEST_PYTHON = (3, 10)
OLDEST_PIPE = (3, 2)
PROGRAM_SECONDS = 5.0
SOCKET_PATH_BYTES = 103  # the smaller one of Linux (107) and macOS (103)
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./+@-]+")


class Check(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one check found.

    Attributes:
        name: what was looked at.
        level: ``ok``, ``warn`` (works, but) or ``fail``.
        text: what was found.
        remedy: what to do about it; empty when there is nothing to do.
    """

    name: str
    level: Level
    text: str
    remedy: str = ""


def check_python(version: tuple[int, int] = sys.version_info[:2]) -> Check:
    """The interpreter."""
    text = f"{sys.version.split()[0]} at {sys.executable}"
    if version < OLDEST_PYTHON:
        return Check(name="python", level="fail", text=text, remedy="use Python 3.10 or later")
    return Check(name="python", level="ok", text=text)


def check_native() -> Check:
    """The parts that are not Python."""
    try:
        from msgspec import _core
    except ImportError as error:
        return Check(
            name="native parts",
            level="fail",
            text=f"msgspec cannot be loaded: {error}",
            remedy="install tmuxpulse again for this Python",
        )
    return Check(name="native parts", level="ok", text=f"msgspec, {_core.__file__}")


def check_locale(encoding: str | None = None) -> Check:
    """Whether what panes print can be shown."""
    found = locale.getpreferredencoding(False) if encoding is None else encoding
    if found.lower().replace("-", "") == "utf8":
        return Check(name="locale", level="ok", text=found)
    return Check(
        name="locale",
        level="warn",
        text=f"{found}: other characters print as '?'",
        remedy="set LANG=C.UTF-8, or another locale with UTF-8",
    )


def check_tmux(environ: Mapping[str, str] = os.environ) -> Check:
    """The tmux program and its release."""
    remedy = "install tmux 3.2 or later, or set TMUXPULSE_TMUX to its path"
    try:
        program = sockets.find_program(environ)
        done = subprocess.run(
            [program, "-V"], capture_output=True, timeout=PROGRAM_SECONDS, check=True
        )
    except TmuxNotFound as error:
        return Check(name="tmux", level="fail", text=str(error), remedy=remedy)
    except (OSError, subprocess.SubprocessError) as error:
        return Check(name="tmux", level="fail", text=f"it does not run: {error}", remedy=remedy)
    version = done.stdout.decode("utf-8", "replace").strip().removeprefix("tmux ")
    text = f"{version} at {program}"
    if Identity(0, 0, version).release < OLDEST_PIPE:
        return Check(
            name="tmux",
            level="warn",
            text=f"{text}: watched by asking again and again, which is slower",
            remedy="install tmux 3.2 or later",
        )
    return Check(name="tmux", level="ok", text=text)


def check_runtime_dir(environ: Mapping[str, str] = os.environ) -> Check:
    """The directory for sockets and FIFOs."""
    name = "runtime directory"
    remedy = "set TMUXPULSE_RUNTIME_DIR to another directory of yours"
    try:
        directory = runtime_dir(environ)
    except UsageError as error:
        return Check(name=name, level="fail", text=str(error), remedy=remedy)
    text = str(directory)
    if not _PLAIN_PATH.fullmatch(text):
        text += " has characters besides letters, digits and _ . / + @ -"
        return Check(name=name, level="fail", text=text, remedy=remedy)
    if len(default_unix_socket(directory).encode()) > SOCKET_PATH_BYTES:
        text += " is too long a path for a socket"
        return Check(name=name, level="fail", text=text, remedy=remedy)
    fifo = directory / f"doctor-{os.getpid()}"
    try:
        os.mkfifo(fifo, 0o600)
        fifo.unlink()
    except OSError as error:
        text += f": a FIFO cannot be made there ({error.strerror})"
        return Check(name=name, level="fail", text=text, remedy=remedy)
    return Check(name=name, level="ok", text=text)


def check_leftovers(directory: Path) -> Check:
    """What killed runs left behind."""
    from tmuxpulse.cli.demo import leftovers

    found = [*_unlocked(directory / "pipes"), *leftovers(directory)]
    if not found:
        return Check(name="leftovers", level="ok", text="none")
    return Check(
        name="leftovers",
        level="warn",
        text=f"{len(found)} of runs that were killed, such as {found[0]}",
        remedy="nothing to do: the next watch, serve or demo removes them",
    )


def check_cache_dir(environ: Mapping[str, str] = os.environ) -> Check:
    """The directory that the one-file program unpacks to."""
    path = _cache_dir(environ)
    name = "cache directory"
    remedy = f"remove it, or chmod 700 {path}, or set TMUXPULSE_CACHE_DIR to another"
    try:
        found = path.lstat()
    except OSError:
        return Check(name=name, level="ok", text=f"{path} (not there: made when it is needed)")
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        text = f"{path} is not a directory of yours, and is not used"
        return Check(name=name, level="warn", text=text, remedy=remedy)
    if found.st_mode & 0o022:
        text = f"{path} can be written to by others, and is not used"
        return Check(name=name, level="warn", text=text, remedy=remedy)
    return Check(name=name, level="ok", text=str(path))


def sort_sockets() -> tuple[list[str], list[str]]:
    """Paths of this user's tmux sockets: those with a server, and those that one left behind."""
    alive: list[str] = []
    stale: list[str] = []
    for path in sockets.all_sockets():
        if sockets.is_alive(path):
            alive.append(path)
        elif os.path.lexists(path):
            stale.append(path)
    return alive, stale


def check_port(port: int, *, server_runs: bool) -> Check:
    """Whether a server could listen, or does."""
    name = f"port {port}"
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((DEFAULT_HOST, port))
        except OSError as error:
            if server_runs:
                return Check(name=name, level="ok", text="in use, and a tmuxpulse server runs")
            return Check(
                name=name,
                level="warn",
                text=f"cannot be listened on: {error.strerror}",
                remedy="use tmuxpulse serve --port 0, or another number",
            )
    return Check(name=name, level="ok", text="free")


def _unlocked(pipes: Path) -> Iterator[Path]:
    from tmuxpulse.cli.demo import is_free

    if pipes.is_dir():
        for directory in sorted(pipes.iterdir()):
            if is_free(directory / "lock"):
                yield directory


def _cache_dir(environ: Mapping[str, str]) -> Path:
    chosen = environ.get("TMUXPULSE_CACHE_DIR")
    if chosen:
        return Path(chosen).absolute()
    base = environ.get("XDG_CACHE_HOME", "")
    if Path(base).is_absolute():
        return Path(base) / "tmuxpulse"
    parts = ("Library", "Caches") if sys.platform == "darwin" else (".cache",)
    return Path.home().joinpath(*parts, "tmuxpulse")
