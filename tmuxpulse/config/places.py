"""The directories and files of this user's tmuxpulse.

Directories that hold secrets are made here, private, and refused when they are not.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from platformdirs import user_config_path, user_runtime_path, user_state_path

from tmuxpulse.errors import UsageError


def config_file(environ: Mapping[str, str] | None = None) -> Path:
    """Where the settings are: ``TMUXPULSE_CONFIG``, else in the platform's own place."""
    env = os.environ if environ is None else environ
    chosen = env.get("TMUXPULSE_CONFIG")
    return Path(chosen) if chosen else _config_dir() / "config.toml"


def rules_dir(environ: Mapping[str, str] | None = None) -> Path:
    """Where the user's rules of statuses are: ``rules`` beside the file of settings."""
    return config_file(environ).parent / "rules"


def state_dir(environ: Mapping[str, str] | None = None) -> Path:
    """Make and check the directory for tokens and the audit log: ours alone, mode 0700.

    Taken from ``TMUXPULSE_STATE_DIR``, else the platform's own (``$XDG_STATE_HOME``).

    Raises:
        UsageError: it belongs to somebody else, others can enter it, or it cannot be made.
    """
    env = os.environ if environ is None else environ
    chosen = env.get("TMUXPULSE_STATE_DIR")
    path = Path(chosen) if chosen else user_state_path("tmuxpulse", appauthor=False)
    return _private(path, "state directory", "TMUXPULSE_STATE_DIR")


def runtime_dir(environ: Mapping[str, str] | None = None) -> Path:
    """Make and check the directory for sockets and FIFOs: ours alone, mode 0700.

    Taken from ``TMUXPULSE_RUNTIME_DIR``, else the platform's own (``$XDG_RUNTIME_DIR``), else a
    directory of this user's in the temporary directory.

    Raises:
        UsageError: it belongs to somebody else, others can enter it, or it cannot be made.
    """
    env = os.environ if environ is None else environ
    return _private(_runtime_path(env), "runtime directory", "TMUXPULSE_RUNTIME_DIR")


def find_unix_socket(environ: Mapping[str, str] | None = None) -> str:
    """Where the user's own server would listen; nothing is made, and nothing need be there.

    A directory that is not the user's alone has none: somebody else could listen there.
    """
    path = _runtime_path(os.environ if environ is None else environ)
    return default_unix_socket(path) if _is_private(path) else ""


def default_unix_socket(directory: Path) -> str:
    """Where `serve` listens for the same user's programs, and they look for it."""
    return str(directory / "tmuxpulse.sock")


def replay_socket(directory: Path, pid: int) -> str:
    """Where `replay --serve` listens: `watch` is not to take it for a server of live panes."""
    return str(directory / f"replay-{pid}.sock")


def replay_sockets(directory: Path) -> list[str]:
    """Those there are, the newest first; one that was killed leaves its socket behind."""
    found = {}
    for path in directory.glob("replay-*.sock"):
        with suppress(OSError):  # it ended meanwhile
            found[str(path)] = path.lstat().st_mtime
    return sorted(found, key=lambda path: found[path], reverse=True)


def _runtime_path(env: Mapping[str, str]) -> Path:
    chosen = env.get("TMUXPULSE_RUNTIME_DIR")
    return Path(chosen) if chosen else _platform_runtime_dir(env)


def _platform_runtime_dir(env: Mapping[str, str]) -> Path:
    if env.get("XDG_RUNTIME_DIR") or sys.platform == "darwin":
        return user_runtime_path("tmuxpulse", appauthor=False)
    # Without a session manager: directly in the sticky temporary directory, where nobody else can
    # replace a directory of ours.
    return Path(tempfile.gettempdir()) / f"tmuxpulse-{os.getuid()}"


def _config_dir() -> Path:
    return user_config_path("tmuxpulse", appauthor=False)


def _private(path: Path, what: str, variable: str) -> Path:
    """Make a directory that only this user can enter, or refuse the one that is there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot make the {what} {path}: {error.strerror};"
            f" set {variable} to a directory of yours"
        ) from None
    if not _is_private(path):
        raise UsageError(
            f"{path} must be a directory of yours that nobody else can enter (chmod 700);"
            f" or set {variable} to another"
        )
    return path


def _is_private(path: Path) -> bool:
    """Tell whether it is a directory of ours that nobody else can enter."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
