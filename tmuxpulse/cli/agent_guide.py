"""`tmuxpulse agent-guide`: the section for an agent's file of instructions (CLAUDE.md, AGENTS.md).

The text is in `agent_guide.md`. In a file it stands between two markers, so that it is found again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from pkgutil import get_data

from tmuxpulse.agent_hooks.settings_file import read, write
from tmuxpulse.cli.options import Subparsers, add_command, say
from tmuxpulse.errors import UsageError

BEGIN = "<!-- tmuxpulse agent-guide: begin -->"
END = "<!-- tmuxpulse agent-guide: end -->"
DESCRIPTION = """\
Print how an agent uses tmuxpulse, for its file of instructions: how it looks, waits, types, asks
and tells. With --append it is put into a file, or brought up to date where it stands already; the
rest of the file stays as it is.
"""
EXAMPLES = """\
examples:
  tmuxpulse agent-guide --append AGENTS.md
  tmuxpulse agent-guide --append ~/.claude/CLAUDE.md
  tmuxpulse agent-guide --remove AGENTS.md
"""


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command."""
    parser = add_command(subparsers, "agent-guide", run, summary=summary, description=DESCRIPTION)
    parser.epilog = EXAMPLES
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--append", metavar="FILE", type=Path, help="put it into this file, once; made if needed"
    )
    where.add_argument("--remove", metavar="FILE", type=Path, help="take it out of this file")


def run(options: argparse.Namespace) -> int:
    """Print it, or write it."""
    if options.append is None and options.remove is None:
        sys.stdout.write(guide())
        return 0
    path = (options.append or options.remove).expanduser()
    held = read(path)
    before = held.text or ""
    after = with_guide(before) if options.append is not None else without_guide(before)
    if after == before:
        say(f"{path}: nothing to do")
        return 0
    write(held, after)
    say(f"{path}: {'put in' if options.append is not None else 'taken out'}")
    return 0


def guide() -> str:
    """The section."""
    found = get_data("tmuxpulse.cli", "agent_guide.md")
    if found is None:  # only with a loader that holds no data
        raise FileNotFoundError("agent_guide.md")
    return found.decode()


def with_guide(text: str) -> str:
    """A file's text with the section in it: where it stood, else at the end.

    Raises:
        UsageError: one of the markers is there without the other, or twice.
    """
    section = f"{BEGIN}\n{guide()}{END}\n"
    parts = _parts(text)
    if parts is not None:
        before, after = parts
        return before + section + after
    if text and not text.endswith("\n"):
        text += "\n"
    return f"{text}\n{section}" if text else section


def without_guide(text: str) -> str:
    """A file's text without the section.

    Raises:
        UsageError: as `with_guide`.
    """
    parts = _parts(text)
    if parts is None:
        return text
    before, after = parts
    if before.endswith("\n\n") and not after:
        before = before[:-1]  # the line that was put before it
    return before + after


def _parts(text: str) -> tuple[str, str] | None:
    """What is before the section and after it; None: it is not there."""
    counts = text.count(BEGIN), text.count(END)
    if counts == (0, 0):
        return None
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    if counts != (1, 1) or END not in rest:
        raise UsageError(
            "the markers of tmuxpulse agent-guide are there without each other, or twice:"
            " take them out by hand"
        )
    return before, after.removeprefix("\n")
