"""`tmuxpulse shell-init`: the lines for a shell's start file that mark its prompts and commands.

What they do is in `shell_init.bash`, `.zsh` and `.fish`, as it is printed. Nothing is read or
written here: who wants them puts one line into a file of their own.
"""

from __future__ import annotations

import argparse
import sys
from pkgutil import get_data

from tmuxpulse.cli.options import Subparsers, add_command

SHELLS = ("bash", "zsh", "fish")
DESCRIPTION = """\
Print what makes a shell mark its prompts and commands (OSC 133), so that tmuxpulse knows exactly
which command runs, since when, and how it ended. It works in tmux only, keeps your own prompt and
hooks, and does nothing where a terminal's own integration is active.
"""
EXAMPLES = """\
put one of these at the end of the file:
  ~/.bashrc                    eval "$(tmuxpulse shell-init bash)"
  ~/.zshrc                     eval "$(tmuxpulse shell-init zsh)"
  ~/.config/fish/config.fish   tmuxpulse shell-init fish | source
"""


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command."""
    parser = add_command(subparsers, "shell-init", run, summary=summary, description=DESCRIPTION)
    parser.epilog = EXAMPLES
    parser.add_argument("shell", choices=SHELLS, help="which shell")


def run(options: argparse.Namespace) -> int:
    """Print it."""
    sys.stdout.write(snippet(options.shell))
    return 0


def snippet(shell: str) -> str:
    """Give what a shell is to evaluate.

    Args:
        shell: one of `SHELLS`.
    """
    found = get_data("tmuxpulse.cli", f"shell_init.{shell}")
    if found is None:  # only with a loader that holds no data
        raise FileNotFoundError(f"shell_init.{shell}")
    return found.decode()
