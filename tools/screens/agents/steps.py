"""The steps of a scenario: what to type, what to wait for, when to take a case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Type:
    """Type a text, without Enter."""

    text: str


@dataclass(frozen=True)
class Press:
    """Press keys, by tmux's names."""

    keys: tuple[str, ...]

    def __init__(self, *keys: str) -> None:
        object.__setattr__(self, "keys", keys)


@dataclass(frozen=True)
class Wait:
    """Wait until the screen holds a pattern."""

    pattern: str
    seconds: float = 30.0


@dataclass(frozen=True)
class Rest:
    """Wait until nothing changes on the screen."""

    still_seconds: float = 1.5


@dataclass(frozen=True)
class Pause:
    """Let the program go on for a while."""

    seconds: float


@dataclass(frozen=True)
class Shot:
    """Take a case.

    Attributes:
        name: what is special in it.
        status: the label.
        pattern: what the screen has to hold, or the label would be wrong.
        lookalike: what it resembles and is not.
        keeps: whether what is shown changes nothing, so that the case before belongs to it.
        still: whether the screen has to be at rest.
    """

    name: str
    status: str
    pattern: str = ""
    lookalike: str = ""
    keeps: bool = False
    still: bool = True


Step: TypeAlias = Type | Press | Wait | Rest | Pause | Shot
