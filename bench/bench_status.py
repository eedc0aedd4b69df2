"""How well screens are judged, and for how much CPU: the labelled corpus, case by case.

Every case is shown to a pane of its own with the evidence that the collector would give: what runs,
marks and titles, finished lines, the screen, the rhythm of a program that goes on printing. What is
announced six seconds later counts. The rules were written from the part `train`; the bounds are for
the part `held-out`, of which `--wrong` shows no text.

    python bench/bench_status.py [--part train|held-out|all] [--family F] [--wrong] [--json FILE]

Printed, for all and for agents and ordinary programs apart: the confusion matrix, the F1 of each
status and their mean, weighted by how often a status is the label, the recall of `waiting`, and the
share of cases with a `pane.error` that is none. And the CPU time of a screen, from its capture to
its judgement: its secrets masked, matched with the rules, the layers weighed; the median of some
runs over all cases, each of which is told, since a machine is seldom quiet. The exit status is 1
when a bound is missed by all of them together.
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

import msgspec
from stage import machine

from tmuxpulse.redaction.redactor import Redactor
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
}
CPU_BOUND_MS: Final = 0.3
CPU_RUNS: Final = 5
JUDGED_SECONDS: Final = 0.2


class Case:
    """One case, with what was told of it."""

    def __init__(
        self, book: Book, name: str, folder: str, cases: Mapping[str, corpus.Case]
    ) -> None:
        self.name = name
        self.folder = folder
        self.case = cases[name]
        told = corpus.replay(book, corpus.frames(cases, name))
        self.verdict = told.pane.announced
        self.right = self.verdict.status == self.case.status
        self.false_errors = [line for line in told.errors if line not in self.case.errors]
        self.missed_errors = [line for line in self.case.errors if line not in told.errors]

    @property
    def origin(self) -> str:
        """Whether it is of an agent."""
        return "agents" if self.folder == "agents" else "ordinary"


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
        Case(book, name, folders[name], cases)
        for name, case in cases.items()
        if options.part in ("all", case.split) and options.family in (None, folders[name])
    ]
    if not shown:
        parser.error("there is no such case")
    origins = {"all": shown}
    for one in shown:
        origins.setdefault(one.origin, []).append(one)
    scores = {origin: score(found) for origin, found in sorted(origins.items())}
    missed = missed_bounds("all", scores["all"])
    spent = cpu(book, [one.case for one in shown])
    if spent["ms_median"] > CPU_BOUND_MS:
        missed.append(f"the CPU time is {spent['ms_median']:.3f} ms, not at most {CPU_BOUND_MS}")
    for origin, found in scores.items():
        print_results(f"{options.part}, {origin}", found)
    print_cpu(spent)
    print_families(shown)
    for text in missed:
        print(f"missed: {text}")
    if options.wrong:
        print_wrong(shown)
    if options.json:
        report = {
            "benchmark": "status",
            **machine(),
            "part": options.part,
            "results": scores,
            "cpu": spent,
            "missed": missed,
        }
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


def cpu(book: Book, cases: list[corpus.Case]) -> dict[str, Any]:
    """The CPU time in ms of masking, taking in and judging a screen.

    Each run shows each case once. The median is of all runs; so is the time of 95 in 100 screens.
    """
    redactor = Redactor()
    one_run(book, redactor, cases)  # patterns are compiled when they are first needed
    runs = [one_run(book, redactor, cases) for _ in range(CPU_RUNS)]
    medians = [statistics.median(run) for run in runs]
    everything = sorted(spent for run in runs for spent in run)
    return {
        "ms_median": statistics.median(everything),
        "ms_95": everything[int(len(everything) * 0.95)],
        "ms_median_of_runs": medians,
        "spread": max(medians) / min(medians),
    }


def one_run(book: Book, redactor: Redactor, cases: list[corpus.Case]) -> list[float]:
    times: list[float] = []
    for case in cases:
        captured = corpus.screen(case, 1.0)
        pane = PaneStatus(book)
        pane.saw(Processes(at=0.0, command=case.foreground, program=case.runs), 0.0)
        pane.tick(0.5)
        began = time.thread_time()
        rows = redactor.screen(captured.rows, captured.width).rows
        pane.saw(msgspec.structs.replace(captured, rows=tuple(rows)), 1.0)
        pane.tick(1.0 + JUDGED_SECONDS)
        times.append((time.thread_time() - began) * 1000)
    return times


def missed_bounds(origin: str, results: Mapping[str, Any]) -> list[str]:
    missed = []
    for name, (kind, bound) in BOUNDS.items():
        value = results[name]
        if (value < bound) if kind == "at least" else (value > bound):
            missed.append(f"{name} of {origin} is {value:.4f}, not {kind} {bound}")
    return missed


def print_results(part: str, results: Mapping[str, Any]) -> None:
    print(f"{part}: {results['right']} of {results['cases']} cases are judged rightly,")
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
        f" {results['labelled_error_lines']} that tell of an error are told)\n"
    )


def print_cpu(spent: Mapping[str, Any]) -> None:
    runs = " ".join(f"{median:.3f}" for median in spent["ms_median_of_runs"])
    print(
        f"CPU of a screen       {spent['ms_median']:.3f} ms, {spent['ms_95']:.3f} ms for 95 of 100"
    )
    print(f"                      medians of the runs: {runs} (x {spent['spread']:.2f})\n")


def print_families(shown: list[Case]) -> None:
    right = Counter(one.folder for one in shown if one.right)
    for folder, count in sorted(Counter(one.folder for one in shown).items()):
        print(f"  {folder:10} {right[folder]:4} of {count}")


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
