"""`tmuxpulse service`: the server as a service of this user, by systemd or launchd.

Files of our own names are written and removed, and the manager is told; nothing else is touched.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from tmuxpulse.cli.hooks import this_program
from tmuxpulse.cli.options import Subparsers, add_command, say
from tmuxpulse.cli.units import (
    PLIST,
    SERVICE,
    SOCKET,
    launchd_plist,
    systemd_service,
    systemd_socket,
)
from tmuxpulse.config.places import state_dir
from tmuxpulse.config.settings import DEFAULT_PORT
from tmuxpulse.errors import TmuxpulseError, UsageError

DESCRIPTION = """\
Let the server run in the background for as long as you are logged in, and come back when it fails:
a user unit of systemd, or an agent of launchd. `print` writes the unit to standard output and
changes nothing.
"""
EXAMPLES = """\
examples:
  tmuxpulse service install                     it runs now and after each login; again: anew
  tmuxpulse service install --socket            it starts when somebody asks for it (systemd)
  tmuxpulse service install --serve-args '-L work'
  tmuxpulse service print                       what would be written
  loginctl enable-linger                        (systemd) without being logged in, too
"""
MANAGER_SECONDS = 60


class Unit(NamedTuple):
    """A file for the service manager."""

    path: Path
    text: str


class State(msgspec.Struct, frozen=True):
    """What `status --json` prints.

    Attributes:
        manager: ``systemd`` or ``launchd``.
        files: each with ``installed``, ``outdated`` or ``absent``.
        active: what the manager says of the server; empty: nothing.
    """

    manager: str
    files: dict[str, str]
    active: str


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command."""
    parser = add_command(subparsers, "service", run, summary=summary, description=DESCRIPTION)
    parser.epilog = EXAMPLES
    parser.add_argument("do", choices=("install", "remove", "status", "print"), help="what to do")
    parser.add_argument(
        "--socket",
        action="store_true",
        help=f"let systemd listen, on port {DEFAULT_PORT} of this machine and on the Unix socket,"
        " and start the server for its first client",
    )
    parser.add_argument(
        "--manager", choices=("systemd", "launchd"), help="instead of this system's"
    )
    parser.add_argument("--json", action="store_true", help="status as one JSON object")
    parser.add_argument(
        "--serve-args",
        metavar="TEXT",
        type=_words,
        default=[],
        help="what `tmuxpulse serve` is given, as a shell would read it: '-L work --write local'",
    )


def run(options: argparse.Namespace) -> int:
    """Do it."""
    manager = options.manager or ("launchd" if sys.platform == "darwin" else "systemd")
    if options.socket and manager == "launchd":
        raise UsageError("--socket is for systemd; launchd starts the server at login")
    units = list(units_of(manager, options.serve_args, socket=options.socket))
    if options.do == "print":
        for unit in units:
            print(f"# {unit.path}" if manager == "systemd" else f"<!-- {unit.path} -->")
            print(unit.text)
        return 0
    if options.do == "status":
        return _status(manager, options.serve_args, as_json=options.json)
    if options.do == "install":
        return _install(manager, units)
    return _remove(manager)


def units_of(manager: str, arguments: list[str], *, socket: bool) -> Iterator[Unit]:
    """The files that make the server a service.

    Args:
        manager: ``systemd`` or ``launchd``.
        arguments: for `tmuxpulse serve`.
        socket: whether the manager listens for it.
    """
    command = [*this_program(), "serve", *arguments]
    if manager == "launchd":
        log = str(state_dir() / "serve.log")
        yield Unit(_folder(manager) / PLIST, launchd_plist(command, log))
        return
    yield Unit(_folder(manager) / SERVICE, systemd_service(command))
    if socket:
        yield Unit(_folder(manager) / SOCKET, systemd_socket(DEFAULT_PORT))


def _folder(manager: str) -> Path:
    if manager == "launchd":
        return Path.home() / "Library" / "LaunchAgents"
    config = os.environ.get("XDG_CONFIG_HOME")
    return (Path(config) if config else Path.home() / ".config") / "systemd" / "user"


def _install(manager: str, units: list[Unit]) -> int:
    for unit in units:
        try:
            unit.path.parent.mkdir(parents=True, exist_ok=True)
            unit.path.write_text(unit.text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot write {unit.path}: {error.strerror}") from None
        say(f"wrote {unit.path}")
    if manager == "launchd":
        target, path = f"gui/{os.getuid()}", str(units[0].path)
        _tell(["launchctl", "bootout", target, path], may_fail=True)  # an earlier one
        _tell(["launchctl", "bootstrap", target, path])
    else:
        _tell(["systemctl", "--user", "daemon-reload"])
        _change_over(units[-1].path)
    say("the server is a service now; see: tmuxpulse service status")
    return 0


def _change_over(wanted: Path) -> None:
    """Let systemd start one of our units anew, instead of whatever was installed before.

    A server that runs would go on as it was installed, and a socket is refused while it does.
    """
    other = wanted.with_name(SERVICE if wanted.name == SOCKET else SOCKET)
    if other.exists():
        _tell(["systemctl", "--user", "disable", "--now", other.name])
        if other.name == SOCKET:
            other.unlink()
            _tell(["systemctl", "--user", "daemon-reload"])
    _tell(["systemctl", "--user", "enable", wanted.name])
    _tell(["systemctl", "--user", "restart", wanted.name])


def _remove(manager: str) -> int:
    names = (PLIST,) if manager == "launchd" else (SOCKET, SERVICE)
    found = [path for name in names if (path := _folder(manager) / name).exists()]
    if not found:
        say(f"there is no service of tmuxpulse in {_folder(manager)}")
        return 0
    if manager == "launchd":
        _tell(["launchctl", "bootout", f"gui/{os.getuid()}", str(found[0])], may_fail=True)
    else:
        _tell(["systemctl", "--user", "disable", "--now", *(path.name for path in found)])
    for path in found:
        path.unlink()
        say(f"removed {path}")
    if manager == "systemd":
        _tell(["systemctl", "--user", "daemon-reload"])
    return 0


def _status(manager: str, arguments: list[str], *, as_json: bool) -> int:
    socket = manager == "systemd"
    files = {str(one.path): _state(one) for one in units_of(manager, arguments, socket=socket)}
    command = ["systemctl", "--user", "is-active", SERVICE]
    if manager == "launchd":
        command = ["launchctl", "print", f"gui/{os.getuid()}/{PLIST.removesuffix('.plist')}"]
    said = _ask(command)
    active = said.splitlines()[0].strip() if said.strip() else ""
    state = State(manager=manager, files=files, active=active)
    if as_json:
        print(msgspec.json.encode(state).decode())
        return 0
    for path, text in files.items():
        print(f"{text:9} {path}")
    print(f"{manager} says: {active or 'nothing of it'}")
    return 0


def _state(unit: Unit) -> str:
    try:
        found = unit.path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "absent"
    return "installed" if found == unit.text else "outdated"


def _ask(command: list[str]) -> str:
    if shutil.which(command[0]) is None:
        return ""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=MANAGER_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout


def _tell(command: list[str], *, may_fail: bool = False) -> None:
    """Tell the service manager; what it answers is the user's to see."""
    text = " ".join(command)
    if shutil.which(command[0]) is None:
        raise UsageError(f"there is no {command[0]} here; where there is one, run: {text}")
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=MANAGER_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise TmuxpulseError(f"{text} did not end in {MANAGER_SECONDS} s") from None
    if done.returncode and not may_fail:
        said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise TmuxpulseError(f"{text}: {said}")


def _words(text: str) -> list[str]:
    return shlex.split(text)


_words.__name__ = "command line"  # argparse names the type by it
