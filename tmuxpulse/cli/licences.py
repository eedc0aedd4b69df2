"""`tmuxpulse licences`: the licence of this program, and of everything that it carries or uses.

The one file carries them as one text, ``LICENCES``, which its build makes. An installation has
them beside each package.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pkgutil import get_data

from tmuxpulse.cli.options import Subparsers, add_command

DESCRIPTION = """\
Print the licence of tmuxpulse and of everything that it carries or uses, each with its text.
"""
IS_LICENCE = re.compile(r"(?i)(licen[cs]e|copying|notice|authors)")
RULE = "=" * 78
NAME = re.compile(r"[A-Za-z0-9._-]+")


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command."""
    add_command(subparsers, "licences", run, summary=summary, description=DESCRIPTION)


def run(_options: argparse.Namespace) -> int:
    """Print them."""
    sys.stdout.write(licences())
    return 0


def licences() -> str:
    """All of them as one text."""
    try:
        carried = get_data("tmuxpulse", "LICENCES")
    except OSError:  # an installation, or a work tree
        carried = None
    if carried is not None:
        return carried.decode()
    return f"\n{RULE}\n".join(_of(one) for one in _used("tmuxpulse", {}))


def _used(name: str, seen: dict[str, None]) -> Iterator[metadata.Distribution]:
    """An installed package, and those that it needs, each once."""
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in seen:
        return
    seen[key] = None
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:  # for another Python or system, or for an extra
        return
    yield found
    for line in found.requires or ():
        needed = NAME.match(line)
        if needed is not None and "extra ==" not in line:
            yield from _used(needed[0], seen)


def _of(package: metadata.Distribution) -> str:
    texts = [
        str(file.locate().read_text(encoding="utf-8", errors="replace")).strip()  # type: ignore[attr-defined]  # a Path
        for file in package.files or ()
        if ".dist-info" in file.parts[0] and any(IS_LICENCE.match(part) for part in file.parts[1:])
    ]
    about = package.metadata
    said = next((about[key] for key in ("License-Expression", "License") if key in about), "")
    head = f"{about['Name']} {package.version}: {said.strip().partition(chr(10))[0]}"
    return "\n\n".join([head, *texts]) + "\n"
