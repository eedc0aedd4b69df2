"""Every budget reads figures where the benchmarks write them, and says what it found."""

from __future__ import annotations

from typing import Any

import budgets
import pytest
from budgets import Beside, Check, Row, at

SPREAD = {"p50_ms": 1.0, "p99_ms": 2.0, "max_ms": 3.0, "n": 9, "lost": 0}
CHANGE = {"all": SPREAD}


def fan(server: str, at_once: int, deliveries: int) -> dict[str, Any]:
    labels = {"server": server, "at_once": at_once, "clients": 100}
    return {**labels, "deliveries_per_cpu_second": deliveries}


def cell(name: str) -> dict[str, Any]:
    figures = {"rss_before_mb": 40.0, "rss_after_mb": 41.0}
    return {"name": name, "print": SPREAD, "floor": SPREAD, **figures}


# As the scripts print them; only what budgets look at.
RESULTS: dict[str, Any] = {
    "latency": {
        "100 panes": {
            "floor": {"raw pipe": SPREAD, "raw control client": SPREAD},
            "ours": {"print": SPREAD, "change": CHANGE},
        }
    },
    "matrix": {"cells": [cell(budgets.LOADED), cell(budgets.FLOODED), cell(budgets.STUCK)]},
    "fanout": {
        "fanout": [
            *(fan("tmuxpulse", count, 500) for count in (1, 20)),
            *(fan("websockets", count, 100) for count in (1, 20)),
            *(fan("sockets", count, 200) for count in (1, 20)),
            *(fan("picows", count, 150) for count in (1, 20)),
        ]
    },
    "hub": {"events_per_cpu_second": 30_000, "events_per_second": 25_000},
    "text": [
        {"workload": kind, "chunk": 65536, "median": 50.0}
        for kind in ("plain", "colour", "compiler")
    ],
    "footprint": {
        "idle": {"together_percent": 1.0},
        "tmux alone": {"tmux_percent": 0.0},
        "forks": {"forks_each_second": 0.0},
        "memory": {"later_rss_mb": 44.0, "growth": 0.1},
    },
    "start": {
        name: {"p50_ms": 100.0}
        for name in (
            *("pyz --version, warm", "pyz watch, warm", "environment --version"),
            *("environment watch", "python alone", "pyz --version, cold"),
        )
    },
    "hostile": {"crashes": 0, "rounds": 200},
    "peers": {
        "peers": [
            {"name": name, "print": SPREAD, "change": CHANGE}
            for name in ("poller", "trustmux", "muxplex")
        ]
    },
}


def test_every_figure_is_found():
    for one in budgets.judge(RESULTS):
        assert None not in (*one.measured, *one.beside), one.row.what
        assert one.verdict == "met", one.row.what


def test_nothing_measured_is_said():
    for one in budgets.judge({}):
        assert one.verdict == "not measured"
    assert budgets.table(budgets.judge({})).count("**not measured**") == len(budgets.ROWS)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ((3.0, 5.0), "met"),
        ((3.1, 5.0), "not met"),
        ((3.0, 4.9), "not met"),
        ((None, 5.0), "not measured"),
        ((None, 4.9), "not met"),
    ],
)
def test_a_row_is_met_when_all_of_it_is(values, verdict):
    row = Row("x", (Check("low", at("low"), most=3), Check("high", at("high"), least=5)))
    assert budgets.Judged(row, values, ()).verdict == verdict


def test_the_table_tells_limits_figures_and_others():
    row = Row(
        "speed",
        (Check("p50", at("p50"), most=3), Check("rate", at("rate"), "events", least=20_000)),
        (Beside("them", at("them")),),
    )
    text = budgets.table([budgets.Judged(row, (2.5, 12_345), (None,))])
    expected = "| speed | p50 ≤ 3 ms; rate ≥ 20,000 events | p50 2.5 ms; rate 12,345 events | "
    assert f"{expected}them - | **not met** |" in text


def test_a_ratio_needs_both():
    ratio = budgets.ratio(at("a"), at("b"))
    assert ratio({"a": 3.0, "b": 2.0}) == 1.5
    assert ratio({"a": 3.0, "b": 0.0}) is None
    assert ratio({"a": 3.0}) is None
