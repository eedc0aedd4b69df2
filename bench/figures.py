"""Small arithmetic on results: lookups, slopes, which way is better. Pure.

It knows neither how anything is measured nor what the budgets are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

LOWER: Final = -1
HIGHER: Final = 1

# By the end of a figure's name. The first that fits counts; what fits none is no figure of merit.
DIRECTIONS: Final = (
    ("per_cpu_second", HIGHER),
    ("per_second", HIGHER),
    ("MB/s", HIGHER),
    ("median", HIGHER),
    ("best", HIGHER),
    ("worst", HIGHER),
    ("f1", HIGHER),
    ("recall", HIGHER),
    ("_ms", LOWER),
    ("_s", LOWER),
    (", s", LOWER),
    (", ms", LOWER),
    (", us", LOWER),
    ("_kb", LOWER),
    ("_mb", LOWER),
    (", MB", LOWER),
    ("% of a core", LOWER),
    ("_percent", LOWER),
    ("lost", LOWER),
    ("crashes", LOWER),
    ("forks_each_second", LOWER),
    ("wakeups_each_second", LOWER),
)
LABELS: Final = ("name", "server", "workload", "chunk", "panes", "clients", "rate", "at_once")
NO_MERIT: Final = ("wall_s", "seconds", "baseline")


def dig(data: object, *keys: str) -> Any:  # noqa: ANN401  # JSON
    """What lies at a path of keys; None when any of it is not there."""
    for key in keys:
        if not isinstance(data, dict) or key not in data:
            return None
        data = data[key]
    return data


def find(rows: object, **labels: object) -> dict[str, Any] | None:
    """The first object of a list that has all of the labels."""
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and all(row.get(key) == one for key, one in labels.items()):
            return row
    return None


def fit(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The line through points by least squares: y at x = 0, and its rise for 1 of x.

    When x never changes, the line is level.
    """
    if not points:
        return 0.0, 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
    return mean_y - slope * mean_x, slope


def direction(name: str) -> int:
    """Which way a figure is better: `LOWER`, `HIGHER`, or 0 for one that is neither."""
    last = name.rsplit("/ ", 1)[-1]
    if last.endswith(NO_MERIT):
        return 0
    return next((way for end, way in DIRECTIONS if last.endswith(end)), 0)


def leaves(data: object, path: str = "") -> Iterator[tuple[str, float]]:
    """Every number with its path; objects in lists are named by their labels, not their place."""
    if isinstance(data, bool):
        return
    if isinstance(data, (int, float)):
        yield path, float(data)
    elif isinstance(data, dict):
        for key, one in data.items():
            if key not in LABELS:
                yield from leaves(one, f"{path} / {key}" if path else str(key))
    elif isinstance(data, list):
        for at, one in enumerate(data):
            yield from leaves(one, f"{path} / {_label(one, at)}")


def _label(one: object, at: int) -> str:
    if not isinstance(one, dict):
        return str(at)
    return ", ".join(f"{key} {one[key]}" for key in LABELS if key in one) or str(at)
