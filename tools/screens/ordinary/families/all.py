"""All runs, by family, and how a program tells its version."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tools.screens.ordinary.families import (
    builds,
    git,
    packages,
    remote,
    repls,
    servers,
    shells,
    tools,
    viewers,
)
from tools.screens.ordinary.steps import Run

_FAMILIES: Final = {
    "shells": shells.RUNS,
    "pagers": viewers.PAGERS,
    "editors": viewers.EDITORS,
    "shown": viewers.SHOWN,
    "repls": repls.RUNS,
    "git": git.RUNS,
    "apt": packages.APT,
    "pip": packages.PIP,
    "npm": packages.NPM,
    "make": builds.MAKE,
    "checks": builds.TYPES,
    "tests": builds.TESTS,
    "cargo": builds.CARGO,
    "servers": servers.RUNS,
    "remote": remote.RUNS,
    "monitors": tools.MONITORS,
    "dialogs": tools.DIALOGS,
    "copies": tools.COPIES,
    "tmux": tools.TMUX,
}
FAMILIES: Final[dict[str, tuple[Run, ...]]] = {
    family: tuple(replace(run, family=family) for run in found)
    for family, found in _FAMILIES.items()
}
_VERSIONS: Final = {
    "bc": "dpkg-query -Wf 'bc ${Version}' bc",
    "dash": "dpkg-query -Wf 'dash ${Version}' dash",
    "dpkg": "dpkg --version",
    "nc": "dpkg-query -Wf 'netcat-openbsd ${Version}' netcat-openbsd",
    "perl": "perl -e 'print $^V'",
    "ping": "ping -V",
    "openssl": "openssl version",
    "passwd": "dpkg-query -Wf 'passwd ${Version}' passwd",
    "script": "script --version",
    "tmux": "tmux -V",
    "top": "top -v",
    "yes": "yes --version",
    **dict.fromkeys(("ssh", "scp", "sftp", "ssh-add", "ssh-keygen", "ssh-copy-id"), "ssh -V"),
    "entr": "dpkg-query -Wf 'entr ${Version}' entr",
    "ed": "ed --version",
}


def versions(program: str) -> str:
    """A command that prints a program's version in its first line."""
    return _VERSIONS.get(program, f"{program} --version")
