"""The budgets, and whether a run met them. Pure: it reads results, and measures nothing.

Each row is a promise about one thing, with figures that decide it and figures of others to stand
beside. A figure that is not there is said, never guessed: its row is "not measured".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from figures import dig, find

Results = Mapping[str, Any]  # of each section that was done, by its name
Figure = Callable[[Results], float | None]


class Check(NamedTuple):
    """A figure with its limit.

    Attributes:
        name: what is measured.
        figure: finds it.
        unit: that it is in.
        most: it may not be above; None: there is no such bound.
        least: it may not be below.
    """

    name: str
    figure: Figure
    unit: str = "ms"
    most: float | None = None
    least: float | None = None


class Beside(NamedTuple):
    """What another one has, in the same run."""

    name: str
    figure: Figure
    unit: str = "ms"


class Row(NamedTuple):
    """A budget.

    Attributes:
        what: is promised.
        checks: all have to hold.
        beside: others.
    """

    what: str
    checks: tuple[Check, ...]
    beside: tuple[Beside, ...] = ()


class Judged(NamedTuple):
    """A row with what was measured.

    Attributes:
        row: the budget.
        measured: each check's figure; None: it was not measured.
        beside: each of the others' figures; None: the same.
    """

    row: Row
    measured: tuple[float | None, ...]
    beside: tuple[float | None, ...]

    @property
    def verdict(self) -> str:
        """``met``, ``not met``, or ``not measured`` when a figure is missing and none fails."""
        found = [
            _holds(check, value)
            for check, value in zip(self.row.checks, self.measured, strict=True)
        ]
        if False in found:
            return "not met"
        return "met" if all(found) else "not measured"


def _holds(check: Check, value: float | None) -> bool | None:
    if value is None:
        return None
    above = check.most is None or value <= check.most
    return above and (check.least is None or value >= check.least)


# --- where figures are ----------------------------------------------------------------------------


def at(*keys: str) -> Figure:
    """The figure at a path."""
    return lambda results: dig(results, *keys)


def of_cell(name: str, *keys: str) -> Figure:
    """A figure of a cell of `bench_matrix.py`."""
    return lambda results: dig(find(dig(results, "matrix", "cells"), name=name), *keys)


def of_peer(name: str, *keys: str) -> Figure:
    """A figure of another program."""
    return lambda results: dig(find(dig(results, "peers", "peers"), name=name), *keys)


def of_fan(server: str, at_once: int, clients: int = 100) -> Figure:
    """Deliveries for each second of a server's CPU."""

    def figure(results: Results) -> float | None:
        rows = dig(results, "fanout", "fanout")
        row = find(rows, server=server, at_once=at_once, clients=clients)
        found: float | None = dig(row, "deliveries_per_cpu_second")
        return found

    return figure


def ratio(one: Figure, other: Figure) -> Figure:
    """How many times another figure one is."""

    def figure(results: Results) -> float | None:
        above, below = one(results), other(results)
        return round(above / below, 2) if above is not None and below else None

    return figure


def difference(one: Figure, other: Figure) -> Figure:
    """How much more one figure is than another."""

    def figure(results: Results) -> float | None:
        more, less = one(results), other(results)
        return None if more is None or less is None else round(more - less, 1)

    return figure


def of_text(*workloads: str) -> Figure:
    """The slowest of some kinds of output, in chunks as large as a pipe gives under load."""

    def figure(results: Results) -> float | None:
        rows = [find(results.get("text"), workload=one, chunk=65536) for one in workloads]
        found = [dig(row, "median") for row in rows]
        return None if None in found else min(found)

    return figure


LATENCY: Final = ("latency", "100 panes")
LOADED: Final = "100 panes, 500 clients, 1000 events/s"
FLOODED: Final = "100 panes, 10 clients, quiet, a pane in flood"
STUCK: Final = "100 panes, 10 clients, 1000 events/s, 1 stuck"

ROWS: Final = (
    Row(
        "print in a pane → event in a WebSocket client, 100 panes, 10 clients",
        (
            Check("p50", at(*LATENCY, "ours", "print", "p50_ms"), most=3),
            Check("p99", at(*LATENCY, "ours", "print", "p99_ms"), most=20),
        ),
        (
            Beside("raw pipe p50", at(*LATENCY, "floor", "raw pipe", "p50_ms")),
            Beside("raw control client p50", at(*LATENCY, "floor", "raw control client", "p50_ms")),
            Beside("poller p50", of_peer("poller", "print", "p50_ms")),
            Beside("trustmux p50", of_peer("trustmux", "print", "p50_ms")),
            Beside("muxplex p50", of_peer("muxplex", "print", "p50_ms")),
        ),
    ),
    Row(
        "session, window created, renamed, closed → event, 100 panes",
        (
            Check("p50", at(*LATENCY, "ours", "change", "all", "p50_ms"), most=30),
            Check("p99", at(*LATENCY, "ours", "change", "all", "p99_ms"), most=100),
        ),
        (
            Beside("poller p50", of_peer("poller", "change", "all", "p50_ms")),
            Beside("trustmux p50", of_peer("trustmux", "change", "all", "p50_ms")),
            Beside("muxplex p50", of_peer("muxplex", "change", "all", "p50_ms")),
        ),
    ),
    Row(
        "print → event at 1,000 events/s and 500 clients",
        (
            Check("p99", of_cell(LOADED, "print", "p99_ms"), most=100),
            Check("lost", of_cell(LOADED, "print", "lost"), "events", most=0),
        ),
    ),
    Row(
        "fan-out: deliveries for a second of CPU, beside `websockets.broadcast`, 100 clients",
        (
            Check(
                "20 events at once",
                ratio(of_fan("tmuxpulse", 20), of_fan("websockets", 20)),
                "times",
                least=5,
            ),
            Check(
                "1 event at once",
                ratio(of_fan("tmuxpulse", 1), of_fan("websockets", 1)),
                "times",
                least=5,
            ),
        ),
        (
            Beside(
                "bare `send`, 1 at once",
                ratio(of_fan("sockets", 1), of_fan("websockets", 1)),
                "times",
            ),
            Beside(
                "picows, 20 at once", ratio(of_fan("picows", 20), of_fan("websockets", 20)), "times"
            ),
        ),
    ),
    Row(
        "events through collector and hub, sustained",
        (Check("a second of CPU", at("hub", "events_per_cpu_second"), "events", least=20_000),),
        (Beside("on the wall", at("hub", "events_per_second"), "events/s"),),
    ),
    Row(
        "output bytes → lines and signals",
        (
            Check("plain", of_text("plain"), "MB/s", least=40),
            Check("escape-heavy", of_text("colour", "compiler"), "MB/s", least=15),
        ),
    ),
    Row(
        "idle CPU, 100 panes, 10 clients: tmux, helpers and ours together",
        (Check("together", at("footprint", "idle", "together_percent"), "% of a core", most=2),),
        (Beside("tmux alone", at("footprint", "tmux alone", "tmux_percent"), "% of a core"),),
    ),
    Row(
        "memory, 50 panes, 10 clients, full ring",
        (
            Check("RSS", at("footprint", "memory", "later_rss_mb"), "MB", most=45),
            Check("growth after", at("footprint", "memory", "growth"), "MB", most=2),
        ),
    ),
    Row(
        "a pane running `yes`",
        (
            Check("others' p99", of_cell(FLOODED, "print", "p99_ms"), most=50),
            Check(
                "memory",
                difference(of_cell(FLOODED, "rss_after_mb"), of_cell(FLOODED, "rss_before_mb")),
                "MB",
                most=3,
            ),
        ),
        (Beside("raw pipe beside `yes` p99", of_cell(FLOODED, "floor", "p99_ms")),),
    ),
    Row(
        "a client that never reads, at 1,000 events/s",
        (
            Check("others' p99", of_cell(STUCK, "print", "p99_ms"), most=100),
            Check("lost", of_cell(STUCK, "print", "lost"), "events", most=0),
        ),
    ),
    Row(
        "warm start of the .pyz",
        (
            Check("--version", at("start", "pyz --version, warm", "p50_ms"), most=150),
            Check("first event of watch", at("start", "pyz watch, warm", "p50_ms"), most=500),
        ),
        (
            Beside("environment --version", at("start", "environment --version", "p50_ms")),
            Beside("environment watch", at("start", "environment watch", "p50_ms")),
            Beside("python alone", at("start", "python alone", "p50_ms")),
            Beside("cold", at("start", "pyz --version, cold", "p50_ms")),
        ),
    ),
    Row(
        "forks in steady state",
        (Check("forks", at("footprint", "forks", "forks_each_second"), "/s", most=0),),
    ),
    Row(
        "crashes of the user's tmux server in hostile rounds",
        (Check("crashes", at("hostile", "crashes"), "", most=0),),
        (Beside("rounds", at("hostile", "rounds"), ""),),
    ),
)


def judge(results: Results) -> list[Judged]:
    """Look every row up."""
    return [
        Judged(
            row,
            tuple(check.figure(results) for check in row.checks),
            tuple(other.figure(results) for other in row.beside),
        )
        for row in ROWS
    ]


def table(judged: list[Judged]) -> str:
    """The Markdown table."""
    lines = ["| what | budget | measured | beside | |", "|---|---|---|---|---|"]
    for one in judged:
        budgets = "; ".join(map(_budget, one.row.checks))
        measured = "; ".join(
            f"{check.name} {_said(value, check.unit)}"
            for check, value in zip(one.row.checks, one.measured, strict=True)
        )
        beside = "; ".join(
            f"{other.name} {_said(value, other.unit)}"
            for other, value in zip(one.row.beside, one.beside, strict=True)
        )
        verdict = one.verdict if one.verdict == "met" else f"**{one.verdict}**"
        lines.append(f"| {one.row.what} | {budgets} | {measured} | {beside or '-'} | {verdict} |")
    return "\n".join(lines) + "\n"


def _budget(check: Check) -> str:
    if check.most is not None:
        return f"{check.name} ≤ {check.most:,g} {check.unit}".rstrip()
    return f"{check.name} ≥ {check.least:,g} {check.unit}".rstrip()


def _said(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:,g} {unit}".rstrip()
