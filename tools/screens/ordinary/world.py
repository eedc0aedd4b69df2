"""A small world for ordinary programs: a machine called box, a person called dev, no network.

The maker runs itself again inside fresh namespaces. What it changes there in /etc, /usr and /var
(a person with a password, packages that are installed) is in memory only, and gone with it; so are
all processes. It needs root, for that only.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypedDict

import psutil

HOME: Final = Path("/home/dev")
PASSWORD: Final = "correct horse"
TOOLS: Final = Path("/opt/screens")
ARCHIVES: Final = Path(__file__).parent / "home"
_INSIDE: Final = "SCREENS_INSIDE"
_LAYERED: Final = ("/etc", "/usr", "/var")
_FRESH: Final = ("/home", "/tmp", "/run")
_NAMESPACES: Final = ("--net", "--uts", "--ipc", "--mount", "--pid", "--fork", "--mount-proc")
_MEMBER: Final = re.compile(r"^-- (\S+) --\n", re.MULTILINE)
_HOSTS: Final = "127.0.0.1 localhost box\n127.0.0.1 build.example.org git.example.org\n"


_FIRST: Final[set[int]] = set()  # the maker, and the services


class Identity(TypedDict):
    """Who a process is to be, as `subprocess` wants it."""

    user: str
    group: str
    extra_groups: list[str]


def enter(arguments: Sequence[str], rust: str) -> None:
    """Go on inside; returns when this process is there already.

    Args:
        arguments: of the command line.
        rust: a folder with a toolchain of Rust; empty for none.
    """
    if os.environ.get(_INSIDE) != "yes":
        again = [sys.executable, "-m", "tools.screens.ordinary", *arguments]
        unshare = ["unshare", *_NAMESPACES, "--", *again]
        os.execvpe(unshare[0], unshare, {**os.environ, _INSIDE: "yes"})
    _run("mount", "--make-rprivate", "/")
    _run("ip", "link", "set", "lo", "up")
    _run("hostname", "box")
    layers = Path("/mnt")
    _run("mount", "-t", "tmpfs", "tmpfs", str(layers))
    for folder in _LAYERED:
        upper, work = layers / f"upper{folder}", layers / f"work{folder}"
        upper.mkdir(parents=True)
        work.mkdir(parents=True)
        options = f"lowerdir={folder},upperdir={upper},workdir={work}"
        _run("mount", "-t", "overlay", "overlay", "-o", options, folder)
    for folder in _FRESH:
        _run("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", folder)
    if rust:
        (TOOLS / "rust").mkdir(exist_ok=True)
        _run("mount", "--bind", rust, str(TOOLS / "rust"))
    docker = Path("/usr/local/bin/docker")
    if docker.exists():  # where Docker's own installer puts it; the rest there is the machine's
        Path("/usr/bin/docker").symlink_to(docker)
    _people()
    _services()
    _FIRST.update(psutil.pids())


def furnish(script: str, user: str, *, alone: bool) -> None:
    """Make the home anew, and run a script in it that nobody sees.

    Args:
        script: for bash.
        user: who runs it.
        alone: whether processes of others are to be hidden. tmux cannot name what sudo runs then.
    """
    _run("mount", "-o", f"remount,hidepid={2 if alone else 0}", "/proc")
    for process in left_over():
        with suppress(psutil.NoSuchProcess):
            process.kill()
    shutil.rmtree(HOME, ignore_errors=True)
    for archive in sorted(ARCHIVES.glob("*.txt")):
        for name, text in unpacked(archive.read_text(encoding="utf-8")):
            path = HOME / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            if text.startswith("#!"):
                path.chmod(0o755)
    _run("chown", "-R", "dev:dev", str(HOME))
    if script:
        done = subprocess.run(
            ["bash", "-ec", script],
            cwd=HOME,
            env=environment(),
            **identity(user),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{script}\n{done.stdout}{done.stderr}")


def unpacked(archive: str) -> Iterator[tuple[str, str]]:
    """Give the files of an archive, each behind a line ``-- name --``."""
    _, *parts = _MEMBER.split(archive)
    yield from zip(parts[::2], parts[1::2], strict=True)


def left_over() -> Iterator[psutil.Process]:
    """The processes of earlier runs: in this world there are no others but the first ones."""
    return (process for process in psutil.process_iter() if process.pid not in _FIRST)


def identity(user: str) -> Identity:
    """Who a process is to be."""
    return Identity(user=user, group=user, extra_groups=["sudo"] if user == "dev" else [])


def environment() -> dict[str, str]:
    """The environment of dev."""
    postgres = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]
    folders = [
        TOOLS / "node_modules/.bin",
        TOOLS / "py/bin",
        TOOLS / "rust/bin",
        *postgres,
        *map(Path, ("/usr/local/games", "/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/games")),
    ]
    return {
        "HOME": str(HOME),
        "USER": "dev",
        "LOGNAME": "dev",
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
        "PATH": ":".join(map(str, folders)),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "NO_UPDATE_NOTIFIER": "1",
        "npm_config_update_notifier": "false",
    }


def _people() -> None:
    _run("useradd", "--no-create-home", "--home-dir", str(HOME), "--shell", "/bin/bash", "dev")
    _run("usermod", "-aG", "sudo", "dev")
    _run("chpasswd", text=f"dev:{PASSWORD}\nroot:{PASSWORD}\n")
    Path("/etc/hosts").write_text(_HOSTS)
    Path("/etc/hostname").write_text("box\n")
    Path("/etc/motd").write_text("")
    Path("/etc/sudoers.d/lecture").write_text("Defaults lecture=never, passwd_tries=2\n")


def _services() -> None:
    """A host that can be logged in to, and packages that can be installed."""
    Path("/run/sshd").mkdir(mode=0o755)
    _run("ssh-keygen", "-A")
    Path("/etc/ssh/sshd_config.d").mkdir(exist_ok=True)
    Path("/etc/ssh/sshd_config.d/here.conf").write_text("PrintLastLog no\nUseDNS no\n")
    _run("/usr/sbin/sshd")
    for path in Path("/etc/apt").glob("sources.list*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shelf = Path("/srv/shelf") if Path("/srv").is_mount() else Path("/mnt/shelf")
    shelf.mkdir(parents=True)
    for archive in sorted((ARCHIVES.parent / "packages").glob("*.txt")):
        folder = Path("/mnt/packages") / archive.stem
        for name, text in unpacked(archive.read_text(encoding="utf-8")):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o755 if text.startswith("#!") else 0o644)
        _run("dpkg-deb", "--root-owner-group", "--build", str(folder), str(shelf))
    index = subprocess.run(
        ["dpkg-scanpackages", "-m", "."], cwd=shelf, check=True, capture_output=True
    )
    (shelf / "Packages").write_bytes(index.stdout)
    shutil.rmtree("/var/lib/apt/lists")
    Path("/var/lib/apt/lists/partial").mkdir(parents=True)
    Path("/etc/apt/sources.list").write_text(f"deb [trusted=yes] file:{shelf} ./\n")
    _run("apt-get", "-qq", "update")


def _run(*command: str, text: str = "") -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, input=text)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stdout}{done.stderr}")
