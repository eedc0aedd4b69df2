"""How well status is told: the rules over the corpus, on the part that no rule was written from.

Each case is given to the engine as the collector gives it: processes, signals, screen. Printed: the
confusion matrix, weighted F1, recall of `waiting`, the share of cases with a `pane.error` where no
line tells of an error, and CPU time for each evaluated screen (the median of rounds). The exit
status is 1 when one of the bounds is missed.

    python bench/bench_status.py [--part held-out|train|all] [--wrong] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from stage import machine

from tests.status.corpus import Case, frames, read, replay
from tmuxpulse.events import PaneError
from tmuxpulse.status.book import Book
from tmuxpulse.status.evidence import Screen
from tmuxpulse.status.pane import PaneStatus
from tmuxpulse.status.rules import load
from tmuxpulse.status.shipped import shipped

LEAST_F1 = 0.95
LEAST_WAITING = 0.98
MOST_FALSE_ERRORS = 0.01
MOST_MS = 0.3
STATUSES = ("busy", "ready", "waiting", "error", "unknown")
ROUNDS = 5


def judged(book: Book, cases: dict[str, Case], part: str) -> list[tuple[str, Case, str, str, bool]]:
    """Of each case: name, case, what was told, by which rule, whether an error was made up."""
    found: list[tuple[str, Case, str, str, bool]] = []
    for name, case in cases.items():
        if part not in ("all", case.split):
            continue
        pane, told = replay(book, frames(cases, name))
        lines = [one.line for one in told if isinstance(one, PaneError)]
        made_up = any(not any(error in line for error in case.errors) for line in lines)
        found.append((name, case, pane.announced.status, pane.announced.rule, made_up))
    return found


def scores(results: list[tuple[str, Case, str, str, bool]]) -> dict[str, Any]:
    confusion = Counter((str(case.status), told) for _, case, told, _, _ in results)
    labels = Counter(str(case.status) for _, case, _, _, _ in results)
    weighted = 0.0
    for status, count in labels.items():
        right = confusion[status, status]
        told = sum(number for (_, one), number in confusion.items() if one == status)
        precision = right / told if told else 0.0
        recall = right / count
        f1 = 2 * precision * recall / (precision + recall) if right else 0.0
        weighted += f1 * count / len(results)
    waiting = confusion["waiting", "waiting"] / (labels["waiting"] or 1)
    return {
        "cases": len(results),
        "weighted F1": round(weighted, 4),
        "recall of waiting": round(waiting, 4),
        "false pane.error": round(sum(one[4] for one in results) / len(results), 4),
        "confusion": {
            label: {told: confusion[label, told] for told in STATUSES if confusion[label, told]}
            for label in STATUSES
            if labels[label]
        },
    }


def cost(book: Book, cases: dict[str, Case]) -> float:
    """CPU milliseconds for a screen that is new to a pane: taken in, looked at, judged."""
    times = []
    for _ in range(ROUNDS):
        pane, now, count = PaneStatus(book), 0.0, 0
        began = time.process_time()
        for case in cases.values():
            screen = Screen(
                at=now, rows=case.screen, cursor_row=case.cursor_row,
                cursor_column=case.cursor_column, alternate=case.alternate,
                width=case.width, height=case.height,
            )  # fmt: skip
            pane.saw(screen, now)
            now += 0.2
            pane.tick(now)
            count += 1
        times.append((time.process_time() - began) / count * 1e3)
    return round(statistics.median(times), 3)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--part", choices=("held-out", "train", "all"), default="held-out")
    parser.add_argument("--wrong", action="store_true", help="name the cases judged wrongly")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    cases = read()
    families, problems = load(shipped())
    if problems:
        raise RuntimeError(problems)
    book = Book(families)
    results = judged(book, cases, options.part)
    found = scores(results) | {"ms for an evaluated screen": cost(book, cases)}
    print(json.dumps({"benchmark": "status", **machine(), "part": options.part, **found}, indent=2))
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    if options.wrong:
        for name, case, told, rule, _ in results:
            if told != case.status:
                print(f"{name}: {case.status}, told {told} by {rule or 'nothing'}")
    missed = [
        name
        for name, is_met in (
            ("weighted F1", found["weighted F1"] >= LEAST_F1),
            ("recall of waiting", found["recall of waiting"] >= LEAST_WAITING),
            ("false pane.error", found["false pane.error"] <= MOST_FALSE_ERRORS),
            ("ms for an evaluated screen", found["ms for an evaluated screen"] <= MOST_MS),
        )
        if not is_met
    ]
    for name in missed:
        print(f"missed: {name}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
