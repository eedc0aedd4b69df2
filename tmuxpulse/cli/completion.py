"""`tmuxpulse completion`: what makes a shell complete commands, options and their values.

The script is made from the parsers themselves by shtab, so it knows what this version knows, and
nothing has to run while you type. Files are completed where an option takes one.
"""

from __future__ import annotations

import argparse
import sys

from tmuxpulse.cli.options import Subparsers, add_command

SHELLS = ("bash", "zsh", "fish")
DESCRIPTION = """\
Print a script that makes a shell complete commands, options and their values. It is made for this
version: print it again after an upgrade, or let the shell do so when it starts, as below.
"""
EXAMPLES = """\
put one of these at the end of the file:
  ~/.bashrc                    eval "$(tmuxpulse completion bash)"
  ~/.zshrc, after compinit     eval "$(tmuxpulse completion zsh)"
  ~/.config/fish/config.fish   tmuxpulse completion fish | source

or once, into where the shell looks by itself:
  tmuxpulse completion bash > ~/.local/share/bash-completion/completions/tmuxpulse
  tmuxpulse completion zsh > DIRECTORY/_tmuxpulse    (a DIRECTORY of your $fpath)
  tmuxpulse completion fish > ~/.config/fish/completions/tmuxpulse.fish
"""
FILES = ("FILE", "DIRECTORY", "PATH", "RECORDING")  # metavars of what is in the file system


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command."""
    parser = add_command(subparsers, "completion", run, summary=summary, description=DESCRIPTION)
    parser.epilog = EXAMPLES
    parser.add_argument("shell", choices=SHELLS, help="which shell")


def run(options: argparse.Namespace) -> int:
    """Print it."""
    sys.stdout.write(script(options.shell))
    return 0


def script(shell: str) -> str:
    """Give what a shell is to evaluate.

    Args:
        shell: one of `SHELLS`.
    """
    import shtab

    from tmuxpulse.cli.main import COMMANDS, parser_for

    parser = parser_for(COMMANDS)
    _prepare(parser, shtab.FILE)
    return str(shtab.complete(parser, shell))


def _prepare(parser: argparse.ArgumentParser, mark: object) -> None:
    """Say of each option that takes a file that it does, here and in the commands below.

    A command is explained by its line in the list of commands, and not by its whole description.
    """
    for action in parser._actions:  # noqa: SLF001  # argparse has no other way to ask
        if isinstance(action, Subparsers):
            lines = {one.dest: one.help for one in action._choices_actions}  # noqa: SLF001  # as above
            for name, below in action.choices.items():
                below.description = lines.get(name)
                _prepare(below, mark)
        elif action.metavar in FILES:
            action.complete = mark  # type: ignore[attr-defined]  # what shtab looks for
