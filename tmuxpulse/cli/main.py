"""The command line's front: which command, and what every end of one looks like.

Each command is a module with `add_parser(subparsers)` and `run(arguments) -> int`. Only the module
of the command that was asked for is imported: start-up is a budget, and ``--version`` needs none.

Exit codes: 0 done, 1 failed, 2 usage, 3 no tmux or no server, 4 refused, 5 timed out,
130 interrupted. A closed pipe is a quiet 0.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Container, Sequence
from importlib import import_module
from typing import NamedTuple, NoReturn

from tmuxpulse import __version__, commit
from tmuxpulse.errors import TmuxpulseError, UsageError

USAGE = 2
INTERRUPTED = 130


class Command(NamedTuple):
    """Where a command is, and its line in the help."""

    module: str
    help: str


COMMANDS: dict[str, Command] = {
    "watch": Command("tmuxpulse.cli.watch", "show live what every pane does"),
    "ls": Command("tmuxpulse.cli.ls", "list sessions, windows and panes once"),
    "explain": Command("tmuxpulse.cli.explain", "say what a pane is doing, and why"),
    "serve": Command("tmuxpulse.cli.serve", "serve the events and a page to browsers and programs"),
    "history": Command("tmuxpulse.cli.history", "print what happened, as far as it was kept"),
    "search": Command("tmuxpulse.cli.search", "find a text in what happened"),
    "record": Command("tmuxpulse.cli.record", "record what happens into a file"),
    "replay": Command("tmuxpulse.cli.replay", "play a recording as if it happened now"),
    "export": Command("tmuxpulse.cli.export", "make JSON, a table, a page or a terminal cast"),
    "token": Command("tmuxpulse.cli.token", "make, list, revoke and rotate tokens"),
    "open": Command("tmuxpulse.cli.open", "open the server's page in the browser"),
    "demo": Command("tmuxpulse.cli.demo", "watch a private tmux with some panes at work"),
    "pipe": Command(
        "tmuxpulse.cli.pipe", "talk JSON with a script: requests in, answers and events out"
    ),
    "wait": Command("tmuxpulse.cli.wait", "wait until something holds of a pane, or of several"),
    "send": Command("tmuxpulse.cli.send", "type into a pane, if the server allows it"),
    "emit": Command("tmuxpulse.cli.emit", "tell the server of an event, or what a pane is doing"),
    "hooks": Command("tmuxpulse.cli.hooks", "let agent programs report what they do"),
    "agent-guide": Command(
        "tmuxpulse.cli.agent_guide", "print how an agent uses this, for its instructions"
    ),
    "shell-init": Command("tmuxpulse.cli.shell_init", "make your shell mark its commands"),
    "audit": Command("tmuxpulse.cli.audit", "show who came and what they did; find changes to it"),
    "config": Command("tmuxpulse.cli.config", "show what is set, and check the file of settings"),
    "run": Command("tmuxpulse.cli.run", "run a command with a server beside it"),
    "service": Command("tmuxpulse.cli.service", "let the server run in the background from now on"),
    "completion": Command(
        "tmuxpulse.cli.completion", "let your shell complete commands and options"
    ),
    "licences": Command("tmuxpulse.cli.licences", "print the licences of what is carried"),
    "doctor": Command("tmuxpulse.cli.doctor", "find out what is wrong, and what to do about it"),
}

EPILOG = """\
With no command, on a terminal, it is `watch`. `tmuxpulse COMMAND --help` explains each.

exit codes: 0 done, 1 failed, 2 usage, 3 no tmux or no server, 4 refused, 5 timed out,
130 interrupted
"""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line that says what to do."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the command line."""
        self.exit(USAGE, f"tmuxpulse: {message}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: the arguments; by default those of the process.

    Returns:
        The exit code.
    """
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        code = 0
    except TmuxpulseError as error:
        _complain(str(error))
        code = error.exit_code
    except SystemExit as end:  # argparse ends so
        code = end.code if isinstance(end.code, int) else USAGE
    _let_go_of_closed_pipe()
    return code


def version() -> str:
    """The release, and the commit it was built from; in a work tree that is unknown."""
    revision, _, changes = commit().partition("+")
    return f"tmuxpulse {__version__} ({revision[:12]}{'+' if changes else ''}{changes})"


def _run(arguments: list[str]) -> int:
    name = _command_in(arguments)
    parser = parser_for((name,))
    if not arguments:
        parser.print_help(sys.stderr)
        return USAGE
    if arguments[0] == "help":
        arguments = [*arguments[1:2], "--help"]
    options = parser.parse_args(arguments)
    if options.version:
        print(version())
        return 0
    run = getattr(options, "run", None)
    if run is None:
        raise UsageError("name a command; see tmuxpulse --help")
    return int(run(options))


def _command_in(arguments: list[str]) -> str:
    """The command that is asked for; `arguments` gets it when it is left out."""
    if not arguments and sys.stdin.isatty() and sys.stdout.isatty():
        arguments.insert(0, "watch")
    elif arguments and arguments[0].startswith("-"):
        if arguments[0] not in ("-h", "--help", "--version"):
            arguments.insert(0, "watch")
    elif arguments[:1] == ["help"]:
        return arguments[1] if len(arguments) > 1 else ""
    return arguments[0] if arguments else ""


def parser_for(names: Container[str]) -> Parser:
    """A parser that knows all commands by name, and the options of some."""
    parser = Parser(
        prog="tmuxpulse",
        description="Every pane of every tmux session, live.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="print the version and end")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands", parser_class=Parser)
    for known, command in COMMANDS.items():
        if known in names:
            import_module(command.module).add_parser(commands, command.help)
        else:
            commands.add_parser(known, help=command.help, add_help=False)
    return parser


def _complain(message: str) -> None:
    print(f"tmuxpulse: {' '.join(message.split())}", file=sys.stderr)


def _let_go_of_closed_pipe() -> None:
    """Flush what `print` still holds; into a closed pipe, throw it away.

    Else the interpreter complains at its own end, when nobody can catch it.
    """
    try:
        sys.stdout.flush()
    except OSError:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123  # a descriptor is what is wanted
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
