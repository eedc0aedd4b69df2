"""The corpus: panes of real programs, each with what a careful person says it is doing.

``tests/data/screens/FAMILY/NAME.toml``; `tools/screens` makes them, its README says how.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from tmuxpulse.events import Data, Status
from tmuxpulse.status.book import Book
from tmuxpulse.status.evidence import Process, Processes, Screen, Signals
from tmuxpulse.status.pane import PaneStatus
from tmuxpulse.tmux.signals import Bell, Notification, Progress, ProgressState, Signal, Title

FOLDER = Path(__file__).parents[1] / "data" / "screens"
HOLD_SECONDS = 6.0  # how long each screen stands: longer than any dwell time


class SignalOfCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A control sequence that came before the case was taken."""

    kind: Literal["bell", "progress", "notification"]
    state: ProgressState = "none"
    percent: int | None = None
    title: str = ""
    body: str = ""

    def told(self) -> Signal:
        """Give it as the engine wants it."""
        match self.kind:
            case "progress":
                return Progress(self.state, self.percent)
            case "notification":
                return Notification(self.title, self.body)
        return Bell()


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A case as its file has it.

    Attributes:
        command: what makes it anew; `typed`: what was typed into the program.
        children: names of the pane's processes; with a ``+`` those in the foreground.
        status: what a person says.
        errors: lines of it that tell of an error.
        lookalike: what it resembles and is not.
        after: the case that was there before, where what is shown changes nothing.
        split: ``held-out``: no rule was written from it.
    """

    program: str
    version: str
    tmux: str
    command: str
    typed: str
    width: int
    height: int
    cursor_row: int
    cursor_column: int
    alternate: bool
    title: str
    foreground: str
    children: tuple[str, ...]
    signals: tuple[SignalOfCase, ...]
    status: Status
    errors: tuple[str, ...]
    lookalike: str
    after: str
    split: Literal["train", "held-out"]
    rows: str

    @property
    def screen(self) -> tuple[str, ...]:
        """Its rows, top to bottom."""
        return tuple(self.rows.split("\n"))


def read(folder: Path = FOLDER) -> dict[str, Case]:
    """All cases, by ``FAMILY/NAME``.

    Raises:
        msgspec.ValidationError: a file is not as it has to be.
    """
    return {
        f"{path.parent.name}/{path.stem}": msgspec.toml.decode(
            path.read_text(encoding="utf-8"), type=Case
        )
        for path in sorted(folder.glob("*/*.toml"))
    }


def frames(cases: dict[str, Case], name: str) -> list[Case]:
    """The case, and before it the one that was there before."""
    case = cases[name]
    if not case.after:
        return [case]
    return [cases[f"{name.partition('/')[0]}/{case.after}"], case]


def replay(book: Book, shown: list[Case]) -> tuple[PaneStatus, list[Data]]:
    """Show cases to a pane, one after the other; gives it, and what it told."""
    pane = PaneStatus(book)
    told: list[Data] = []
    now = 0.0
    for case in shown:
        children = tuple(
            Process(pid=100 + number, name=name.lstrip("+"), foreground=name.startswith("+"))
            for number, name in enumerate(case.children)
        )
        told += pane.saw(Processes(at=now, command=case.foreground, children=children), now)
        signals = (Title(case.title), *(signal.told() for signal in case.signals))
        told += pane.saw(Signals(at=now, signals=signals), now)
        screen = Screen(
            at=now,
            rows=case.screen,
            cursor_row=case.cursor_row,
            cursor_column=case.cursor_column,
            alternate=case.alternate,
            width=case.width,
            height=case.height,
        )
        told += pane.saw(screen, now)
        until = now + HOLD_SECONDS
        while (due := pane.due) is not None and due <= until:
            now = max(now, due)
            told += pane.tick(now)
        now = until
        told += pane.tick(now)
    return pane, told
