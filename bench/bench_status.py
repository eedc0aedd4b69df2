"""How well screens are judged, and for how much CPU: the labelled corpus, case by case.

Every case is shown to a pane of its own with the evidence that the collector would give: what runs,
marks and titles, finished lines, the screen, the rhythm of a program that goes on printing. What is
announced six seconds later counts. The rules were written from the part `train`; the bounds are for
the part `held-out`, of which `--wrong` shows no text.

    python bench/bench_status.py [--part train|held-out|all] [--family F] [--wrong] [--json FILE]

Printed: the confusion matrix, the F1 of each status and their mean, weighted by how often a status
is the label, the recall of `waiting`, the share of cases with a `pane.error` that is none, and the
median CPU time of a screen, from its capture to its judgement. The exit status is 1 when a bound is
missed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from stage import machine

from tmuxpulse.status.book import Book
from tmuxpulse.status.evidence import Processes
from tmuxpulse.status.pane import PaneStatus
from tmuxpulse.status.rules import load
from tmuxpulse.status.shipped import shipped
from tools.screens import corpus

STATUSES: Final = ("busy", "ready", "waiting", "error", "unknown")
BOUNDS: Final = {
    "weighted_f1": ("at least", 0.95),
    "waiting_recall": ("at least", 0.98),
    "false_errors": ("at most", 0.01),
    "cpu_ms_median": ("at most", 0.3),
}
ROUNDS: Final = 5
JUDGED_SECONDS: Final = 0.2


class Case:
    """One case, with what was told of it."""

    def __init__(self, book: Book, name: str, cases: Mapping[str, corpus.Case]) -> None:
        self.name = name
        self.case = cases[name]
        told = corpus.replay(book, corpus.frames(cases, name))
        self.verdict = told.pane.announced
        self.right = self.verdict.status == self.case.status
        self.false_errors = [line for line in told.errors if line not in self.case.errors]
        self.missed_errors = [line for line in self.case.errors if line not in told.errors]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--part", choices=("train", "held-out", "all"), default="held-out")
    parser.add_argument("--family", help="only the cases of one folder")
    parser.add_argument("--wrong", action="store_true", help="list what is judged wrongly")
    parser.add_argument("--json", type=Path, help="where the results are written, too")
    options = parser.parse_args()
    families, complaints = load(shipped())
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    book = Book(families)
    cases = corpus.read()
    folders = {path.stem: path.parent.name for path in corpus.paths()}
    shown = [
        Case(book, name, cases)
        for name, case in cases.items()
        if options.part in ("all", case.split) and options.family in (None, folders[name])
    ]
    if not shown:
        parser.error("there is no such case")
    results = score(shown)
    results["cpu_ms_median"], results["cpu_ms_95"] = cpu(book, [one.case for one in shown])
    results["part"] = options.part
    missed = missed_bounds(results)
    print_results(results, shown, folders, missed)
    if options.wrong:
        print_wrong(shown)
    if options.json:
        report = {"benchmark": "status", **machine(), "results": results, "missed": missed}
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 1 if missed else 0


def score(shown: list[Case]) -> dict[str, Any]:
    matrix = Counter((one.case.status, one.verdict.status) for one in shown)
    labelled = Counter(one.case.status for one in shown)
    told = Counter(one.verdict.status for one in shown)
    f1 = {
        status: 2 * matrix[status, status] / (count + told[status])
        for status, count in labelled.items()
    }
    waiting = labelled["waiting"]
    return {
        "cases": len(shown),
        "right": sum(one.right for one in shown),
        "matrix": {
            label: {status: matrix[label, status] for status in STATUSES} for label in STATUSES[:4]
        },
        "f1": f1,
        "weighted_f1": sum(f1[status] * count for status, count in labelled.items()) / len(shown),
        "waiting_recall": matrix["waiting", "waiting"] / waiting if waiting else 1.0,
        "false_errors": sum(bool(one.false_errors) for one in shown) / len(shown),
        "false_error_lines": sum(len(one.false_errors) for one in shown),
        "told_of_error_lines": sum(len(one.case.errors) - len(one.missed_errors) for one in shown),
        "labelled_error_lines": sum(len(one.case.errors) for one in shown),
        "lookalikes": sum(bool(one.case.lookalike) for one in shown),
        "lookalikes_right": sum(one.right for one in shown if one.case.lookalike),
    }


def cpu(book: Book, cases: list[corpus.Case]) -> tuple[float, float]:
    """The CPU time in ms of taking in a screen and judging it: the median, and of 95 in 100."""
    times: list[float] = []
    for case in cases:
        screen = corpus.screen(case, 1.0)
        rounds: list[float] = []
        for _ in range(ROUNDS):
            pane = PaneStatus(book)
            pane.saw(Processes(at=0.0, command=case.foreground, program=case.runs), 0.0)
            pane.tick(0.5)
            began = time.thread_time()
            pane.saw(screen, 1.0)
            pane.tick(1.0 + JUDGED_SECONDS)
            rounds.append(time.thread_time() - began)
        times.append(statistics.median(rounds) * 1000)
    return statistics.median(times), sorted(times)[int(len(times) * 0.95)]


def missed_bounds(results: Mapping[str, Any]) -> list[str]:
    missed = []
    for name, (kind, bound) in BOUNDS.items():
        value = results[name]
        if (value < bound) if kind == "at least" else (value > bound):
            missed.append(f"{name} is {value:.4f}, not {kind} {bound}")
    return missed


def print_results(
    results: Mapping[str, Any],
    shown: list[Case],
    folders: Mapping[str, str],
    missed: list[str],
) -> None:
    print(f"{results['part']}: {results['right']} of {results['cases']} cases are judged rightly,")
    print(f"{results['lookalikes_right']} of the {results['lookalikes']} that resemble another\n")
    print("label \\ told " + "".join(f"{status:>9}" for status in STATUSES) + "       F1")
    for label, row in results["matrix"].items():
        f1 = results["f1"].get(label)
        counts = "".join(f"{row[status]:9}" for status in STATUSES)
        print(f"{label:12} {counts}" + ("" if f1 is None else f"{f1:9.3f}"))
    print(f"\nweighted F1           {results['weighted_f1']:.4f}")
    print(f"recall of waiting     {results['waiting_recall']:.4f}")
    print(
        f"false pane.error      {results['false_errors']:.4f} of the cases"
        f" ({results['false_error_lines']} lines; {results['told_of_error_lines']} of"
        f" {results['labelled_error_lines']} that tell of an error are told)"
    )
    print(
        f"CPU of a screen       {results['cpu_ms_median']:.3f} ms,"
        f" {results['cpu_ms_95']:.3f} ms for 95 of 100\n"
    )
    right = Counter(folders[one.name] for one in shown if one.right)
    for folder, count in sorted(Counter(folders[one.name] for one in shown).items()):
        print(f"  {folder:10} {right[folder]:4} of {count}")
    for text in missed:
        print(f"missed: {text}")


def print_wrong(shown: list[Case]) -> None:
    for one in shown:
        if not one.right:
            # Who writes rules may see why, but not what the held-out screens show.
            evidence = f": {one.verdict.evidence!r}" if one.case.split == "train" else ""
            print(
                f"{one.name}: {one.case.status}, told {one.verdict.status}"
                f" by {one.verdict.rule} ({one.verdict.reason}){evidence}"
                + (f"; resembles {one.case.lookalike}" if one.case.lookalike else "")
            )
        for line in one.false_errors:
            print(f"{one.name}: no error" + (f": {line!r}" if one.case.split == "train" else ""))


if __name__ == "__main__":
    sys.exit(main())
