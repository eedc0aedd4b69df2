"""`tmuxpulse hooks`: let agent programs report what they do, by hooks in their own settings."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from tmuxpulse.agent_hooks import claude_code, codex
from tmuxpulse.agent_hooks.program import CLAUDE_CODE, CODEX
from tmuxpulse.agent_hooks.settings_file import (
    Held,
    back_up,
    backup_of,
    drop_backup,
    read,
    write,
)
from tmuxpulse.cli.options import Subparsers, add_command, say
from tmuxpulse.cli.terminal import printable
from tmuxpulse.errors import UsageError

DESCRIPTION = """\
Agent programs can run a command when they begin, ask or finish. With these hooks they tell your
tmuxpulse server what they do; without a server, or outside tmux, the hooks do nothing, and they
never hold an agent up or tell it anything.

  hooks install PROGRAM   put them into the program's settings, or bring them up to date
  hooks remove PROGRAM    take them out again; the file is as it was
  hooks show [PROGRAM]    what is there

Everything else in the settings stays as it is, byte for byte. Before the first change, a copy is
put beside the file.
"""
EXAMPLES = """\
examples:
  tmuxpulse hooks install claude-code --dry-run
  tmuxpulse hooks install codex
  tmuxpulse hooks show --json
"""


class Agent(msgspec.Struct, frozen=True):
    """How an agent program keeps its settings.

    Attributes:
        folder: where, in the home directory.
        variable: what names another folder.
        file: their file.
        new_file: what a new file begins with.
        events: what our hooks are for.
        install: gives the settings with our hooks.
        remove: gives the settings without them.
        installed: gives our commands, by event.
    """

    folder: str
    variable: str
    file: str
    new_file: str
    events: tuple[str, ...]
    install: Callable[[str, str, Sequence[str]], str]
    remove: Callable[[str, str], str]
    installed: Callable[[str, str], dict[str, str]]


AGENTS = {
    CLAUDE_CODE: Agent(
        ".claude",
        "CLAUDE_CONFIG_DIR",
        "settings.json",
        claude_code.NEW_FILE,
        claude_code.EVENTS,
        claude_code.install,
        claude_code.remove,
        claude_code.installed,
    ),
    CODEX: Agent(
        ".codex",
        "CODEX_HOME",
        "config.toml",
        codex.NEW_FILE,
        (codex.EVENT,),
        codex.install,
        codex.remove,
        codex.installed,
    ),
}


class State(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is in an agent program's settings.

    Attributes:
        program: which.
        file: its settings.
        state: ``installed``; ``outdated``: some are missing, or of another tmuxpulse; ``absent``.
        events: our commands, by event.
        backup: the copy from before the first change, if there is one.
        changed: whether they were changed now, or would be; None: nobody asked for it.
    """

    program: str
    file: str
    state: str
    events: dict[str, str]
    backup: str | None = None
    changed: bool | None = None


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command, with its own commands."""
    parser = add_command(subparsers, "hooks", run, summary=summary, description=DESCRIPTION)
    parser.epilog = EXAMPLES
    own = parser.add_subparsers(metavar="COMMAND", dest="hooks_command", required=True)
    for name, summary_of_it, description in (
        ("install", "put them in", "Put the hooks into a program's settings."),
        ("remove", "take them out", "Take the hooks out of a program's settings."),
        ("show", "what is there", "Say which hooks are in which settings."),
    ):
        one = own.add_parser(name, help=summary_of_it, description=description, allow_abbrev=False)
        one.add_argument(
            "program",
            choices=tuple(AGENTS),
            nargs="?" if name == "show" else None,
            help="which agent program",
        )
        one.add_argument("--settings", metavar="FILE", help="its settings (default: your own)")
        one.add_argument("--json", action="store_true", help="JSON, one object a line")
        if name != "show":
            one.add_argument("--dry-run", action="store_true", help="only show what would change")


def run(options: argparse.Namespace) -> int:
    """Do one of its commands."""
    if options.hooks_command == "show":
        if options.settings and not options.program:
            raise UsageError("--settings is the file of one program: name it")
        for name in [options.program] if options.program else AGENTS:
            path = settings_path(name, options.settings)
            _tell(state_of(name, path, read(path)), as_json=options.json)
        return 0
    path = settings_path(options.program, options.settings)
    change = _install if options.hooks_command == "install" else _remove
    held = read(path)
    text = change(options.program, path, held)
    changed = text != held.text
    if options.dry_run:
        if not options.json:
            sys.stdout.writelines(_difference(path, held.text or "", text or ""))
    elif changed:
        _write(held, text, installing=options.hooks_command == "install")
    after = Held(held.path, text, held.mode)
    state = msgspec.structs.replace(state_of(options.program, path, after), changed=changed)
    if options.json:
        _tell(state, as_json=True)
    elif not options.dry_run:
        say(_what_was_done(options.hooks_command, state))
    elif not changed:
        say("nothing would change")
    return 0


def settings_path(
    name: str, chosen: str | None = None, environ: Mapping[str, str] | None = None
) -> Path:
    """Where the settings of an agent program are.

    Args:
        name: of the program.
        chosen: what the user says.
        environ: the environment.
    """
    if chosen:
        return Path(chosen).expanduser().absolute()
    env = os.environ if environ is None else environ
    agent = AGENTS[name]
    folder = env.get(agent.variable)
    return (Path(folder) if folder else Path.home() / agent.folder) / agent.file


def state_of(name: str, path: Path, held: Held) -> State:
    """Tell what is in an agent program's settings.

    Raises:
        UsageError: they cannot be understood.
    """
    agent = AGENTS[name]
    events = {} if held.text is None else agent.installed(held.text, str(path))
    state = "absent"
    if events:
        now = agent.install(held.text or agent.new_file, str(path), this_program())
        state = "installed" if now == held.text else "outdated"
    backup = backup_of(held)
    return State(
        program=name,
        file=str(path),
        state=state,
        events=events,
        backup=str(backup) if backup.exists() else None,
    )


def this_program(argv0: str | None = None, executable: str | None = None) -> list[str]:
    """How this tmuxpulse is started: its own file, or the interpreter with the module.

    Args:
        argv0: the name it was started by.
        executable: the interpreter.
    """
    path = Path(sys.argv[0] if argv0 is None else argv0).absolute()
    interpreter = executable or sys.executable
    if path.name == "__main__.py" or not path.is_file():
        return [interpreter, "-m", "tmuxpulse"]
    return [str(path)] if os.access(path, os.X_OK) else [interpreter, str(path)]


def _install(name: str, path: Path, held: Held) -> str:
    agent = AGENTS[name]
    text = agent.new_file if held.text is None else held.text
    return agent.install(text, str(path), this_program())


def _remove(name: str, path: Path, held: Held) -> str | None:
    if held.text is None:
        return None
    agent = AGENTS[name]
    text = agent.remove(held.text, str(path))
    # A file that was made for the hooks alone goes with them.
    was_new = text != held.text and text == agent.new_file and not backup_of(held).exists()
    return None if was_new else text


def _write(held: Held, text: str | None, *, installing: bool) -> None:
    if installing:
        back_up(held)
    write(held, text)
    if not installing and not drop_backup(held, text):
        say(f"what the file held before the first hook is still in {backup_of(held)}")


def _tell(state: State, *, as_json: bool) -> None:
    if as_json:
        print(msgspec.json.encode(state).decode())
        return
    print(f"{state.program}: {state.state} ({printable(state.file)})")
    for event, command in state.events.items():
        print(f"  {printable(event)}: {printable(command)}")
    if state.backup:
        print(f"  before the first change: {printable(state.backup)}")


def _what_was_done(command: str, state: State) -> str:
    if not state.changed:
        return f"{state.file} is as it should be; nothing done"
    if command == "remove":
        return f"the hooks are out of {state.file}"
    copy = f"; a copy of before: {state.backup}" if state.backup else ""
    return f"the hooks are in {state.file}{copy}; agents that run now get them when started anew"


def _difference(path: Path, before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), str(path), str(path), lineterm=""
    )
    return [f"{printable(line)}\n" for line in lines]
