"""A small world for agent programs: a home of a made-up person, loopback and nothing else.

The maker runs itself again inside fresh namespaces, so that no program reaches a network, and no
screen shows a path or a name of the machine. It needs root, for that only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

HOME: Final = Path("/home/dev")
PROJECT: Final = HOME / "shop"
_INSIDE: Final = "SCREENS_INSIDE"
_PRICES: Final = '''"""Prices of the shop."""


def total(items):
    if not items:
        raise ValueError("no items")
    return sum(items)


def discount(amount):
    return amount * 0.9 if amount >= 100 else amount
'''
_GITCONFIG: Final = (
    "[user]\n\tname = dev\n\temail = dev@example.org\n[init]\n\tdefaultBranch = main\n"
)
_RC: Final = "PS1='dev@box:\\w$ '\nunset HISTFILE\n"


def enter(arguments: Sequence[str]) -> None:
    """Go on inside; returns when this process is there already."""
    if os.environ.get(_INSIDE) != "yes":
        again = [sys.executable, "-m", "tools.screens.agents", *arguments]
        unshare = ["unshare", "--net", "--uts", "--mount", "--", *again]
        os.execvpe(unshare[0], unshare, {**os.environ, _INSIDE: "yes"})
    _run("ip", "link", "set", "lo", "up")
    _run("hostname", "box")
    _run("mount", "-t", "tmpfs", "tmpfs", "/home")


def furnish(files: Mapping[str, str]) -> None:
    """Make the home anew, with a project in it and these files of a program's."""
    shutil.rmtree(HOME, ignore_errors=True)
    (PROJECT / "build").mkdir(parents=True)
    (PROJECT / "build" / "out").touch()
    (PROJECT / "prices.py").write_text(_PRICES)
    (HOME / ".gitconfig").write_text(_GITCONFIG)
    (HOME / ".bashrc").write_text(_RC)
    for name, text in files.items():
        path = HOME / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for step in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Prices"]):
        _run("git", "-C", str(PROJECT), *step)


def environment(path: str, more: Mapping[str, str]) -> dict[str, str]:
    """Give a program's environment.

    Args:
        path: folders in which the programs are, joined by colons.
        more: what the program wants besides.
    """
    return {
        "HOME": str(HOME),
        "USER": "dev",
        "LOGNAME": "dev",
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
        "PATH": f"{path}:/usr/local/bin:/usr/bin:/bin",
        **more,
    }


def _run(*command: str) -> None:
    subprocess.run(command, check=True, env={**os.environ, "HOME": str(HOME)})
