"""What counts as wrong at the end of an endurance run."""

from __future__ import annotations

from typing import Any

import soak


def witness(**other: Any) -> dict[str, Any]:
    return {"missing": 0, "again": 0, "last": 9, "gaps": [], **other}


def samples(rss_rise: float = 0.0, **last: int) -> list[dict[str, Any]]:
    found = [
        {"at_s": at * 10.0, "rss_mb": 40 + rss_rise * at, "descriptors": 50, "children": 2,
         "threads": 3}
        for at in range(100)
    ]  # fmt: skip
    found[-1] |= last
    return found


def test_all_is_well():
    assert soak.judge(samples(), {"a": witness()}, 9) == []


def test_everything_lost_is_said():
    witnesses = {"a": witness(missing=2), "b": witness(last=8), "c": witness(gaps=["slow"])}
    wrong = soak.judge(samples(), witnesses, 9)
    assert wrong == [
        "a: 2 lines missing, 0 twice, the last was 9 of 9",
        "b: 0 lines missing, 0 twice, the last was 8 of 9",
        "c: gaps ['slow']",
    ]


def test_growth_is_said():
    assert soak.judge(samples(0.1), {}, 9) == ["memory rises by 36.0 MB an hour"]
    assert soak.judge(samples(0.01), {}, 9) == []  # 3.6 MB an hour: within noise
    assert soak.judge(samples(descriptors=60), {}, 9) == ["descriptors: 50 at first, 60 at last"]
    assert soak.judge(samples(children=6), {}, 9) == []
