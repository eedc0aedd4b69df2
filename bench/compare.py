"""Two result files beside each other: ratios, and what got worse by more than a tenth.

    compare.py BEFORE AFTER [--all] [--share 0.10]

Prints a Markdown table of what changed by more than the share, the worst first. The exit status is
1 when anything got worse by more than it. Two runs on different machines say nothing; that the
machines differ is said. Figures so small that a tick of the clock is a tenth are left out.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any, Final, NamedTuple

from figures import LOWER, direction, leaves

SHARE: Final = 0.10
# Below these both values are noise of the clock, by the end of the figure's name.
NEGLIGIBLE: Final = (("_ms", 0.5), ("_percent", 0.2), ("% of a core", 0.2), ("_each_second", 0.5))


class Change(NamedTuple):
    """One figure in both files.

    Attributes:
        name: its path.
        before: in the first.
        after: in the second.
        worse: how many times as bad it has become; below 1: better.
    """

    name: str
    before: float
    after: float
    worse: float


def figures_of(result: dict[str, Any]) -> dict[str, float]:
    """Every figure of merit of a result file."""
    return {
        name: value
        for benchmark, entry in result.get("benchmarks", {}).items()
        for name, value in leaves((entry.get("output") or {}).get("results"), benchmark)
        if direction(name)
    }


def ratio(name: str, before: float, after: float) -> float:
    """How many times as bad it has become."""
    old, new = (before, after) if direction(name) == LOWER else (after, before)
    if old == new:
        return 1.0
    return new / old if old > 0 else math.inf


def compare(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    """All figures that both files have, the worst first."""
    old, new = figures_of(before), figures_of(after)
    changes = [
        Change(name, old[name], new[name], ratio(name, old[name], new[name]))
        for name in old.keys() & new.keys()
        if not _is_negligible(name, old[name], new[name])
    ]
    return sorted(changes, key=lambda one: (-one.worse, one.name))


def _is_negligible(name: str, before: float, after: float) -> bool:
    return any(name.endswith(end) and max(before, after) < least for end, least in NEGLIGIBLE)


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What is not alike in the two runs beside the code."""
    found = [
        f"{key}: {before.get('machine', {}).get(key)} / {after.get('machine', {}).get(key)}"
        for key in ("cores", "processor", "system", "python", "tmux")
        if before.get("machine", {}).get(key) != after.get("machine", {}).get(key)
    ]
    if before.get("kind") != after.get("kind"):
        found.append(f"kind: {before.get('kind')} / {after.get('kind')}")
    return found


def render(changes: list[Change], *, share: float, everything: bool = False) -> str:
    """Make the table."""
    shown = [
        one for one in changes if everything or one.worse > 1 + share or one.worse < 1 / (1 + share)
    ]
    if not shown:
        return f"{len(changes)} figures, none changed by more than {share:.0%}.\n"
    lines = ["| figure | before | after | ratio | |", "|---|---|---|---|---|"]
    for one in shown:
        quotient = f"{one.after / one.before:.2f}" if one.before else "-"
        word = "worse" if one.worse > 1 + share else "better" if one.worse < 1 / (1 + share) else ""
        name = one.name.replace("|", "\\|")
        lines.append(f"| {name} | {one.before:g} | {one.after:g} | {quotient} | {word} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--all", action="store_true", help="what did not change, too")
    parser.add_argument("--share", type=float, default=SHARE, help="what counts as a change")
    options = parser.parse_args()
    before, after = (json.loads(one.read_bytes()) for one in (options.before, options.after))
    for line in differences(before, after):
        print(f"not alike: {line}", file=sys.stderr)
    changes = compare(before, after)
    sys.stdout.write(render(changes, share=options.share, everything=options.all))
    return int(any(one.worse > 1 + options.share for one in changes))


if __name__ == "__main__":
    sys.exit(main())
