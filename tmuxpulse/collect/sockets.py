"""Where tmux servers are found, and which program speaks to them.

Blocking, but each call is a handful of system calls.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from tmuxpulse.errors import TmuxNotFound


def socket_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Tmux's own directory of sockets: ``$TMUX_TMPDIR/tmux-UID``, by default in ``/tmp``."""
    return Path(environ.get("TMUX_TMPDIR") or "/tmp") / f"tmux-{os.getuid()}"  # noqa: S108  # tmux's choice, not ours


def resolve_sockets(
    names: Sequence[str], paths: Sequence[str], environ: Mapping[str, str] = os.environ
) -> tuple[str, ...]:
    """Turn ``-L`` names and ``-S`` paths into paths, each once, in order; none given: none."""
    directory = socket_dir(environ)
    found = [str(directory / name) for name in names] + [
        str(Path(path).absolute()) for path in paths
    ]
    return tuple(dict.fromkeys(found))


def all_sockets(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Every socket of this user's that is there now, alive or not; always the default one.

    A socket that the environment names (``$TMUX``, set inside tmux) counts too.
    """
    directory = socket_dir(environ)
    found = [str(directory / "default")]
    inside = environ.get("TMUX", "").split(",")[0]
    if inside:
        found.append(inside)
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except OSError:  # no tmux server was ever started
        entries = []
    found += [entry.path for entry in entries if _is_socket(entry)]
    return tuple(dict.fromkeys(found))


def _is_socket(entry: os.DirEntry[str]) -> bool:
    try:
        return stat.S_ISSOCK(entry.stat(follow_symlinks=False).st_mode)
    except OSError:  # gone since it was listed
        return False


def usual_socket(environ: Mapping[str, str] = os.environ) -> str:
    """The socket that a plain ``tmux`` command would use: the one it runs in, else the default."""
    inside = environ.get("TMUX", "").split(",", maxsplit=1)[0]
    return inside or str(socket_dir(environ) / "default")


def socket_name(path: str, environ: Mapping[str, str] = os.environ) -> str:
    """What a person calls it: the ``-L`` name where it has one, else the path."""
    directory, name = os.path.split(path)
    return name if directory == str(socket_dir(environ)) else path


def own_pane(environ: Mapping[str, str]) -> tuple[str, str] | None:
    """The tmux socket and the id of the pane that this runs in; None outside tmux."""
    socket = environ.get("TMUX", "").split(",", maxsplit=1)[0]
    pane = environ.get("TMUX_PANE", "")
    return (socket, pane) if socket and re.fullmatch(r"%\d+", pane) else None


def is_alive(path: str) -> bool:
    """Tell whether a server listens there; the file alone says nothing, it outlives its server."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except BlockingIOError:  # its backlog is full: somebody is there
            return True
        except OSError:
            return False
    return True


def peer_pid(path: str) -> int | None:
    """The process id of the server behind a socket, from the kernel; None where it can't tell."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
            pid = int.from_bytes(
                probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4], "little"
            )
        except OSError:
            return None
    return pid or None


def find_program(environ: Mapping[str, str] = os.environ) -> str:
    """The ``tmux`` on the path, or the one ``TMUXPULSE_TMUX`` names.

    Raises:
        TmuxNotFound: there is none.
    """
    program = environ.get("TMUXPULSE_TMUX") or shutil.which("tmux", path=environ.get("PATH"))
    if program is None:
        raise TmuxNotFound(
            "no tmux program found; install tmux 3.2 or later, or set TMUXPULSE_TMUX"
        )
    return program


def program_of(pid: int | None, default: str) -> str:
    """The program a running server was started from, since clients of another release can hang.

    Where the file is gone (an upgrade replaced it) or the system does not tell, `default`.
    """
    if pid is None:
        return default
    link = f"/proc/{pid}/exe"
    try:
        target = str(Path(link).readlink())
    except OSError:
        return default
    if os.access(target, os.X_OK):
        return target
    return link if os.access(link, os.X_OK) else default
