"""The steps of a run: what to type, what to wait for, when to take a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

BUSY: Final = "busy"
READY: Final = "ready"
WAITING: Final = "waiting"
ERROR: Final = "error"

PROMPT: Final = r"[$#%>\u276fλ»] ?$|^➜"


@dataclass(frozen=True)
class T:
    """Type a text, without Enter."""

    text: str


@dataclass(frozen=True)
class K:
    """Press keys, by tmux's names."""

    keys: tuple[str, ...]

    def __init__(self, *keys: str) -> None:
        object.__setattr__(self, "keys", keys)


@dataclass(frozen=True)
class W:
    """Wait until the screen holds a pattern."""

    pattern: str
    seconds: float = 40.0


@dataclass(frozen=True)
class Prompt:
    """Wait until the cursor is behind a prompt."""

    pattern: str = PROMPT


@dataclass(frozen=True)
class Pause:
    """Let the program go on for a while."""

    seconds: float


@dataclass(frozen=True)
class Outside:
    """Do something in another shell, unseen."""

    script: str


@dataclass(frozen=True)
class Resize:
    """Give the pane another size."""

    width: int
    height: int


@dataclass(frozen=True)
class S:
    """Take a case.

    Attributes:
        name: what is special in it; empty for the only one of its run.
        status: the label.
        pattern: what the screen has to hold, or the label would be wrong.
        like: what it resembles and is not.
        errors: what the lines hold that tell of an error which happened.
        keeps: whether the case before belongs to it: what was told then still holds.
        still: whether the screen has to be at rest.
        prompt: whether the cursor has to be behind a prompt.
        program: the case's program, if not the run's.
    """

    name: str
    status: str
    pattern: str = ""
    like: str = ""
    errors: str = ""
    keeps: bool = False
    still: bool = True
    prompt: bool = False
    program: str = ""


Step: TypeAlias = str | T | K | W | Prompt | Pause | Outside | Resize | S


@dataclass(frozen=True)
class Run:
    """One run: a fresh home, a fresh pane, a shell.

    Attributes:
        name: of the run.
        program: what it is about.
        steps: from the shell's prompt; a text is a command that is typed, with Enter.
        family: the folder of its cases.
        before: a script, run unseen in the home first.
        shell: its command line.
        width: in cells.
        height: in rows.
        stays: whether the pane stays when its program ends.
        first: what the screen has to hold before the first step; empty for a prompt.
        user: whose pane it is.
        alone: whether it sees no processes of others, of the maker's above all.
    """

    name: str
    program: str
    steps: Sequence[Step]
    family: str = ""
    before: str = ""
    shell: str = "bash"
    width: int = 80
    height: int = 24
    stays: bool = False
    first: str = ""
    user: str = "dev"
    alone: bool = False


def at_prompt(
    name: str,
    program: str,
    *commands: str,
    status: str = READY,
    see: str = "",
    like: str = "",
    errors: str = "",
    before: str = "",
    shell: str = "bash",
    width: int = 80,
    height: int = 24,
    user: str = "dev",
) -> Run:
    """A run of commands that end, and the prompt behind them."""
    shot = S("", status, see, like=like, errors=errors, prompt=True)
    return Run(name, program, [*commands, shot], "", before, shell, width, height, user=user)


def runs(
    name: str,
    program: str,
    *commands: Step,
    status: str = BUSY,
    see: str = "",
    like: str = "",
    errors: str = "",
    before: str = "",
    shell: str = "bash",
    width: int = 80,
    height: int = 24,
    still: bool = True,
    user: str = "dev",
    alone: bool = False,
) -> Run:
    """A run of commands of which the last one does not end by itself."""
    shot = S("", status, see, like=like, errors=errors, still=still)
    return Run(
        name, program, [*commands, shot], "", before, shell, width, height, user=user, alone=alone
    )
