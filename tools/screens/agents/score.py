"""Says how the shipped rules judge the cases of agent programs.

    python -m tools.screens.agents.score [--part train|held-out|all] [--wrong]

Each case is given to the engine as the collector would give it: processes, signals, screen. The
rows of held-out cases are not printed; rules are written from the others only.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import msgspec

from tmuxpulse.status.book import Book
from tmuxpulse.status.evidence import Process, Processes, Screen, Signals
from tmuxpulse.status.pane import PaneStatus
from tmuxpulse.status.rules import load
from tmuxpulse.status.shipped import shipped
from tmuxpulse.status.verdict import Verdict
from tmuxpulse.tmux.signals import Bell, Notification, Progress, ProgressState, Signal, Title

FOLDER: Final = Path("tests/data/screens/agents")
_HOLD_SECONDS: Final = 6.0


class SignalOfCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A control sequence that came before the case was taken."""

    kind: str
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
            case _:
                return Bell()


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A case as its file has it; `cases.write` says what the fields are."""

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
    status: str
    errors: tuple[str, ...]
    lookalike: str
    after: str
    split: str
    rows: str


def read(folder: Path = FOLDER) -> dict[str, Case]:
    """Read all cases, by name."""
    return {
        path.stem: msgspec.toml.decode(path.read_text(encoding="utf-8"), type=Case)
        for path in sorted(folder.glob("*.toml"))
    }


def replay(book: Book, *frames: Case) -> Verdict:
    """Show cases to a pane, one after the other, and tell what it says of the last."""
    pane = PaneStatus(book)
    now = 0.0
    for case in frames:
        children = tuple(
            Process(pid=100 + number, name=name.lstrip("+"), foreground=name.startswith("+"))
            for number, name in enumerate(case.children)
        )
        pane.saw(Processes(at=now, command=case.foreground, children=children), now)
        signals = (Title(case.title), *(signal.told() for signal in case.signals))
        pane.saw(Signals(at=now, signals=signals), now)
        screen = Screen(
            at=now,
            rows=tuple(case.rows.split("\n")),
            cursor_row=case.cursor_row,
            cursor_column=case.cursor_column,
            alternate=case.alternate,
            width=case.width,
            height=case.height,
        )
        pane.saw(screen, now)
        until = now + _HOLD_SECONDS
        while (due := pane.due) is not None and due <= until:
            now = max(now, due)
            pane.tick(now)
        now = until
        pane.tick(now)
    return pane.announced


def main() -> int:
    """Print what is judged rightly, and with `--wrong` what is not."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--part", choices=("train", "held-out", "all"), default="train")
    parser.add_argument("--wrong", action="store_true", help="list the cases judged wrongly")
    options = parser.parse_args()
    cases = read()
    families, _ = load(shipped())
    book = Book(families)
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    confusion: Counter[tuple[str, str]] = Counter()
    for name, case in cases.items():
        if options.part not in ("all", case.split):
            continue
        verdict = replay(book, *([cases[case.after]] if case.after else []), case)
        total[case.program] += 1
        right[case.program] += verdict.status == case.status
        confusion[case.status, verdict.status] += 1
        if options.wrong and verdict.status != case.status:
            told = f"{verdict.status} by {verdict.rule}: {verdict.evidence!r}"
            print(f"{name}: {case.status}, told {told if case.split == 'train' else '-'}")
    for program in sorted(total):
        print(f"{program}: {right[program]} of {total[program]}")
    for (label, status), count in sorted(confusion.items()):
        print(f"  {label} told as {status}: {count}")
    print(f"all: {sum(right.values())} of {sum(total.values())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
