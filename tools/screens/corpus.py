"""The labelled screens: their format, and how one is shown to the engine.

A case is a pane of a real program at one moment, with what the collector would know of it, and what
a careful person says that it is doing. `README.md` beside this file says what the fields are. How
cases are made is not known here, nor how well they are judged.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from tmuxpulse.events import Data, PaneError
from tmuxpulse.status.book import Book
from tmuxpulse.status.evidence import (
    Evidence,
    Exited,
    Output,
    Process,
    Processes,
    Screen,
    Signals,
)
from tmuxpulse.status.facts import SHELLS
from tmuxpulse.status.pane import PaneStatus
from tmuxpulse.tmux.signals import (
    Bell,
    CommandEnd,
    CommandInput,
    CommandStart,
    Notification,
    Progress,
    ProgressState,
    Prompt,
    Signal,
    Title,
)

FOLDER: Final = Path(__file__).resolve().parents[2] / "tests" / "data" / "screens"
HELD_OUT_OF_TEN: Final = 3  # that many in ten, by the hash of the name, no rule is written from
WATCHED_SECONDS: Final = 3.0  # how far back `rhythm` goes
_STARTED_SECONDS: Final = 1.0  # from the shell's mark to a program that it does not tell of
_PLAIN: Final[dict[str, Signal]] = {
    "bell": Bell(),
    "prompt": Prompt(),
    "input": CommandInput(),
}
_CHILD: Final = re.compile(r"(\+?)([^ ]*)(?: ([A-Z]))?(?: (\d+)%)?")


class SignalOfCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A control sequence that came before the case was taken."""

    kind: Literal["progress", "notification", "bell", "prompt", "input", "start", "end"]
    state: ProgressState = "none"
    percent: int | None = None
    title: str = ""
    body: str = ""
    command_line: str | None = None
    exit_status: int | None = None

    def told(self) -> Signal:
        """Give it as the engine wants it."""
        match self.kind:
            case "progress":
                return Progress(self.state, self.percent)
            case "notification":
                return Notification(self.title, self.body)
            case "start":
                return CommandStart(self.command_line)
            case "end":
                return CommandEnd(self.exit_status)
            case "bell" | "prompt" | "input":
                return _PLAIN[self.kind]


class End(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the program of a pane ended that stays."""

    exit_status: int | None = None
    signal: str | None = None


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A case as its file has it."""

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
    runs: str = ""
    children: tuple[str, ...]
    signals: tuple[SignalOfCase, ...]
    rhythm: tuple[tuple[float, int], ...] = ()
    appends: bool = False
    wraps: tuple[int, ...] = ()
    exited: End | None = None
    status: Literal["busy", "ready", "waiting", "error"]
    errors: tuple[str, ...]
    lookalike: str
    after: str
    split: Literal["train", "held-out"]
    rows: str

    @property
    def lines(self) -> tuple[str, ...]:
        """The finished lines that are shown, those that wrap joined."""
        lines: list[str] = []
        joined = ""
        for number, row in enumerate(self.rows.split("\n")[: self.cursor_row]):
            if number in self.wraps:
                joined += row.ljust(self.width)
            else:
                lines.append(joined + row)
                joined = ""
        return tuple(lines)


@dataclass(frozen=True)
class Told:
    """What the engine told of a case.

    Attributes:
        pane: the pane, to ask for its verdict.
        errors: lines that it told as errors.
    """

    pane: PaneStatus
    errors: tuple[str, ...]


def split(name: str) -> Literal["train", "held-out"]:
    """Say whether rules may be written from a case."""
    number = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
    return "held-out" if number % 10 < HELD_OUT_OF_TEN else "train"


def paths(folder: Path = FOLDER) -> list[Path]:
    """The files of all cases."""
    return sorted(folder.glob("*/*.toml"))


def read(folder: Path = FOLDER) -> dict[str, Case]:
    """Read all cases, by name."""
    return {path.stem: read_one(path) for path in paths(folder)}


def read_one(path: Path) -> Case:
    """Read a case.

    Raises:
        msgspec.ValidationError: it is none.
    """
    return msgspec.toml.decode(path.read_text(encoding="utf-8"), type=Case)


def write(path: Path, case: Case) -> None:
    """Write a case's file, its rows as they are seen."""
    values = {key: value for key, value in msgspec.to_builtins(case).items() if value is not None}
    rows = values.pop("rows").replace("\\", "\\\\").replace('"""', '\\"""')
    lines = [f"{key} = {_toml(value)}" for key, value in values.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, f'rows = """\n{rows}"""\n']), encoding="utf-8")


def with_errors(case: Case, errors: tuple[str, ...]) -> Case:
    """The case, with the lines that tell of an error which happened."""
    return msgspec.structs.replace(case, errors=errors)


def frames(cases: Mapping[str, Case], name: str) -> list[Case]:
    """A case behind those that were on the screen before it, where that matters."""
    found: list[Case] = []
    while name:
        found.insert(0, cases[name])
        name = cases[name].after
    return found


def replay(book: Book, shown: Sequence[Case], *, watched: float = WATCHED_SECONDS) -> Told:
    """Show cases to a pane, one after the other, each for twice as long as it was watched.

    Args:
        book: the rules.
        shown: the cases; what is told of the last one counts.
        watched: for how long.
    """
    pane = PaneStatus(book)
    now = 0.0
    errors: list[str] = []
    before: Case | None = None
    for case in shown:
        end = now + 2 * watched
        events: list[Data] = []
        for one in evidence(case, now, watched, before):
            events += _tick(pane, now, one.at)
            now = one.at
            events += pane.saw(one, now)
        events += _tick(pane, now, end)
        now, before = end, case
        errors = [event.line for event in events if isinstance(event, PaneError)]
    return Told(pane, tuple(errors))


def screen(case: Case, at: float) -> Screen:
    """What a case shows."""
    return Screen(
        at=at,
        rows=tuple(case.rows.split("\n")),
        cursor_row=case.cursor_row,
        cursor_column=case.cursor_column,
        alternate=case.alternate,
        width=case.width,
        height=case.height,
        told=case.appends,
    )


def evidence(
    case: Case, start: float, watched: float, before: Case | None = None
) -> list[Evidence]:
    """What the collector tells of a case, in its order.

    First what runs and what was signalled, then the lines, then the screen. A program that goes on
    printing does so all the time.

    Args:
        case: which.
        start: when.
        watched: for how many seconds it was watched before it was taken.
        before: what was on the screen until now, whose lines are known.
    """
    signals = tuple(signal.told() for signal in case.signals)
    marks = [s for s in signals if isinstance(s, CommandStart | CommandEnd | Prompt | CommandInput)]
    # A program in the foreground of which the shell's marks say nothing was started after them.
    later = bool(marks) and not isinstance(marks[-1], CommandStart)
    later = later and case.foreground.lstrip("-") not in SHELLS
    began = start + (_STARTED_SECONDS if later else 0.0)
    found: list[Evidence] = [
        Signals(at=start, signals=(Title(case.title), *signals)),
        _processes(case, began, 0.0),
    ]
    if case.appends:
        known = () if before is None else before.lines
        lines = tuple(line for line in case.lines if line not in known)
        found.append(Output(at=began, bytes=0, lines=lines, appends=False))
    elif before is None and not case.alternate:
        found.append(Screen(at=began, rows=()))  # all that is shown is new
    found.append(screen(case, began + 0.5))
    if case.exited is not None:
        end = case.exited
        found.append(
            Exited(at=began + 0.5, exit_status=end.exit_status, signal=end.signal),
        )
    for until in (start + watched, start + 2 * watched):
        found += [
            Output(at=max(began, until - age), bytes=size, appends=False)
            for age, size in case.rhythm
        ]
    found.append(_processes(case, start + watched, watched))
    return sorted(found, key=lambda one: one.at)


def _processes(case: Case, at: float, used: float) -> Processes:
    """What runs; those that work have used their share of some seconds."""
    children = []
    for number, text in enumerate(case.children):
        found = _CHILD.fullmatch(text)
        if found is None:
            raise ValueError(f"not a process: {text!r}")
        plus, name, state, share = found.groups()
        child = Process(
            pid=100 + number,
            name=name,
            cpu_seconds=used * int(share or 0) / 100,
            state=state or "S",
            foreground=bool(plus),
        )
        children.append(child)
    return Processes(at=at, command=case.foreground, program=case.runs, children=tuple(children))


def _tick(pane: PaneStatus, now: float, until: float) -> list[Data]:
    events: list[Data] = []
    while (due := pane.due) is not None and due <= until:
        now = max(now, due)
        events += pane.tick(now)
    return events + pane.tick(until)


def _toml(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case list() | tuple():
            return f"[{', '.join(_toml(item) for item in value)}]"
        case dict():
            return f"{{ {', '.join(f'{key} = {_toml(item)}' for key, item in value.items())} }}"
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
