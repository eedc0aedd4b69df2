"""Print to client and change to client, over panes, clients, load, a flood and a stuck client.

Method: as in bench_latency.py, in cells. Each has a private tmux server and a `tmuxpulse serve` on
it. One client of the `websockets` library measures; the other clients take everything and look at
nothing (`sinks.py`), as hundreds that parse JSON would be what is measured on one machine. Events
come from log lines that are printed round and round in all panes but ten, a line an event; the
timed prints go to the ten others. In a flood one pane runs `yes`, which keeps a core busy and tmux
another; a raw pipe beside it, with nothing of ours running, is the floor of that cell. A stuck
client subscribes to everything and never reads. `gaps` counts what the measuring client was told
that it lost.

    bench_matrix.py [--cells "quick|full|NAME; …"] [--prints 150] [--changes 5]
"""

from __future__ import annotations

import argparse
import time
from contextlib import ExitStack
from typing import Any, Final, NamedTuple

import psutil
from probe import change_often, judge_changes, notes_of, print_often, raw_pipe, spread
from stage import TmuxStage, helper, reporting, say, served, stage

TIMED_PANES: Final = 10
SETTLE_SECONDS: Final = 1.5
PER_PROCESS: Final = 250  # sinks
FLOOD: Final = ("new-session", "-d", "-s", "flood", "yes")


class Cell(NamedTuple):
    """One situation.

    Attributes:
        panes: quiet ones and those that print.
        clients: together.
        rate: lines a second that are printed beside the timed ones.
        flood: whether one more pane runs `yes`.
        stuck: how many of the clients never read.
    """

    panes: int
    clients: int
    rate: int = 0
    flood: bool = False
    stuck: int = 0

    @property
    def name(self) -> str:
        """How it is called in results."""
        words = [f"{self.panes} panes", f"{self.clients} clients"]
        words.append(f"{self.rate} events/s" if self.rate else "quiet")
        words += ["a pane in flood"] * self.flood
        words += [f"{self.stuck} stuck"] * bool(self.stuck)
        return ", ".join(words)


LOADED: Final = Cell(100, 500, rate=1000)
FLOODED: Final = Cell(100, 10, flood=True)
STUCK: Final = Cell(100, 10, rate=1000, stuck=1)
QUICK: Final = (Cell(1, 10), Cell(200, 10), Cell(100, 100), LOADED, FLOODED, STUCK)
FULL: Final = tuple(
    dict.fromkeys(
        [
            *(Cell(panes, 10, rate) for panes in (1, 10, 100, 200) for rate in (0, 1000)),
            *(Cell(100, clients, rate) for clients in (1, 10, 100, 500) for rate in (0, 1000)),
            *(FLOODED, Cell(100, 100, rate=1000, flood=True)),
            *(STUCK, Cell(100, 10, stuck=1)),
        ]
    )
)


def flooded_pipe(tmux: TmuxStage, prints: int) -> dict[str, Any]:
    """What a raw pipe has beside `yes`."""
    tmux.run(*FLOOD)
    time.sleep(SETTLE_SECONDS)
    found = raw_pipe(tmux, prints)
    tmux.run("kill-session", "-t", "flood")
    return found


def measure(cell: Cell, prints: int, changes: int) -> dict[str, Any]:
    with ExitStack() as stack:
        tmux = stack.enter_context(stage(cell.panes))
        terminals = list(tmux.terminals.values())
        floor = flooded_pipe(tmux, prints) if cell.flood else None
        process, url = stack.enter_context(served(tmux))
        time.sleep(SETTLE_SECONDS)
        quiet = cell.clients - 1 - cell.stuck
        for at in range(0, quiet, PER_PROCESS):
            count = str(min(PER_PROCESS, quiet - at))
            stack.enter_context(helper("sinks.py", url, count, "--subscribe"))
        if cell.stuck:
            stuck = (url, str(cell.stuck), "--subscribe", "--stuck")
            stack.enter_context(helper("sinks.py", *stuck))
        reader = stack.enter_context(helper("listener.py", url, "1"))
        if cell.rate:
            noisy = terminals[TIMED_PANES:] or terminals
            stack.enter_context(helper("printer.py", str(cell.rate), *noisy))
        if cell.flood:
            tmux.run(*FLOOD)
        if cell.rate or cell.flood:
            time.sleep(SETTLE_SECONDS)
        server = psutil.Process(process.pid)
        used, began, memory = sum(server.cpu_times()[:2]), time.monotonic(), server.memory_info()
        print_often(terminals[:TIMED_PANES], prints)
        begun = change_often(tmux, changes)
        lasted = time.monotonic() - began
        used, after = sum(server.cpu_times()[:2]) - used, server.memory_info()
        notes = notes_of(reader, 1.0)
        return {
            "name": cell.name,
            **{key: value for key, value in cell._asdict().items() if key != "name"},
            "print": spread(notes["output"], prints),
            "floor": floor,
            "change": judge_changes(begun, notes["events"])["all"] if changes else None,
            "gaps": sum(kind == "stream.gap" for kind, *_ in notes["events"]),
            "tmuxpulse_cpu_percent": round(used / lasted * 100, 1),
            "rss_before_mb": round(memory.rss / 1e6, 1),
            "rss_after_mb": round(after.rss / 1e6, 1),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--cells", default="quick", help="quick, full, or names, with ; between")
    parser.add_argument("--prints", type=int, default=150)
    parser.add_argument("--changes", type=int, default=5, help="rounds of six changes each")
    arguments = parser.parse_args()
    named = {cell.name: cell for cell in (*QUICK, *FULL)}
    known = {"quick": QUICK, "full": FULL}
    cells = known.get(arguments.cells)
    if cells is None:
        try:
            cells = tuple(named[name.strip()] for name in arguments.cells.split(";"))
        except KeyError as name:
            parser.error(f"no such cell: {name}; there are: {'; '.join(named)}")
    results: list[dict[str, Any]] = []
    with reporting("matrix", {"cells": results}):
        for cell in cells:
            say(cell.name)
            results.append(measure(cell, arguments.prints, arguments.changes))


if __name__ == "__main__":
    main()
