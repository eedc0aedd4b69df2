"""Settings and places: frozen structs with defaults, and the directories they live in.

The core receives values from here, never the structs themselves.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
from platformdirs import user_runtime_path

from tmuxpulse.errors import UsageError

EngineChoice = Literal["auto", "pipe", "control", "poll"]

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8765


class CollectSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is watched, and how.

    Attributes:
        sockets: paths of tmux sockets; empty: all of this user's.
        engine: ``auto`` takes ``pipe`` where tmux is 3.2 or later, else ``poll``.
        runtime_dir: where FIFOs live while we run; private to the user.
    """

    sockets: tuple[str, ...] = ()
    engine: EngineChoice = "auto"
    runtime_dir: str


class ServeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a server listens.

    Attributes:
        host: a loopback address or name; port 0 takes any free one.
        unix_socket: the path of the same user's socket; empty: none.
        grace_seconds: how long a shutdown may take.
    """

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    unix_socket: str
    grace_seconds: float = 3.0


def runtime_dir(environ: Mapping[str, str] | None = None) -> Path:
    """Make and check the directory for sockets and FIFOs: ours alone, mode 0700.

    Taken from ``TMUXPULSE_RUNTIME_DIR``, else the platform's own (``$XDG_RUNTIME_DIR``), else a
    directory of this user's in the temporary directory.

    Raises:
        UsageError: it belongs to somebody else, others can enter it, or it cannot be made.
    """
    env = os.environ if environ is None else environ
    chosen = env.get("TMUXPULSE_RUNTIME_DIR")
    path = Path(chosen) if chosen else _platform_runtime_dir(env)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise UsageError(
            f"cannot make the runtime directory {path}: {error.strerror};"
            " set TMUXPULSE_RUNTIME_DIR to a directory of yours"
        ) from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise UsageError(
            f"{path} must be a directory of yours that nobody else can enter (chmod 700);"
            " or set TMUXPULSE_RUNTIME_DIR to another"
        )
    return path


def default_unix_socket(directory: Path) -> str:
    """Where `serve` listens for the same user's programs, and they look for it."""
    return str(directory / "tmuxpulse.sock")


def _platform_runtime_dir(env: Mapping[str, str]) -> Path:
    if env.get("XDG_RUNTIME_DIR") or sys.platform == "darwin":
        return user_runtime_path("tmuxpulse", appauthor=False)
    # Without a session manager: directly in the sticky temporary directory, where nobody else can
    # replace a directory of ours.
    return Path(tempfile.gettempdir()) / f"tmuxpulse-{os.getuid()}"
