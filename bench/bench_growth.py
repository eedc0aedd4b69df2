"""How cost grows: CPU and memory over panes, over events a second, over clients.

Method: one private tmux server and one `tmuxpulse serve`, made larger step by step. First quiet
panes are added, with ten clients; then lines are printed, an event each, at growing rates; then
clients are added at 1,000 events a second (`sinks.py`, which take everything). Each step is given
time to settle, then `gauge.py` reads. A slope and a start are fitted to each series by least
squares, and from them comes how much of each one process could do alone with one core. The
printer and the clients have the machine's other core; the rate that really arrived is told.

    bench_growth.py [--panes 10,50,100,200] [--rates 100,1000,2000,4000] [--clients 10,100,500]
                    [--seconds 4]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final, NamedTuple

from figures import fit
from gauge import Gauge
from stage import TmuxStage, helper, reporting, say, served, stage

CLIENTS: Final = 10
CLIENTS_RATE: Final = 1000
SETTLE_SECONDS: Final = 2.0
QUIET_SECONDS: Final = 5.0  # after a change the signs of another are read more often for so long
PER_PROCESS: Final = 250


class Axis(NamedTuple):
    """What grows in a series, and the two figures that are fitted to it."""

    name: str
    series: list[dict[str, Any]]

    def model(self) -> dict[str, Any]:
        """Start and slope of CPU and memory, and where one core ends."""
        model: dict[str, Any] = {}
        for figure in ("tmuxpulse_percent", "tmux_percent", "rss_mb"):
            start, slope = fit([(one[self.name], one[figure]) for one in self.series])
            model[figure] = {"start": round(start, 3), "slope": round(slope, 6)}
        start, slope = model["tmuxpulse_percent"]["start"], model["tmuxpulse_percent"]["slope"]
        model["one core ends at"] = round((100 - start) / slope) if slope > 0 else None
        return model


def step(gauge: Gauge, seconds: float, **labels: int) -> dict[str, Any]:
    """Let it settle, and measure."""
    say(", ".join(f"{value} {name}" for name, value in labels.items()))
    time.sleep(SETTLE_SECONDS)
    return {**labels, **gauge.over(seconds)._asdict(), "rss_mb": gauge.rss_mb}


def over_panes(tmux: TmuxStage, gauge: Gauge, counts: list[int], seconds: float) -> Axis:
    found = []
    for count in counts:
        tmux.grow(count)
        time.sleep(count / 100 + QUIET_SECONDS)  # pipes open
        found.append(step(gauge, seconds, panes=count))
    return Axis("panes", found)


def over_rates(tmux: TmuxStage, gauge: Gauge, rates: list[int], seconds: float) -> Axis:
    found = []
    for rate in rates:
        with helper("printer.py", str(rate), *tmux.terminals.values()):
            found.append(step(gauge, seconds, rate=rate))
    return Axis("rate", found)


def over_clients(
    tmux: TmuxStage, gauge: Gauge, url: str, counts: list[int], seconds: float
) -> Axis:
    """Beside the clients that are there already."""
    found = []
    with ExitStack() as stack:
        stack.enter_context(helper("printer.py", str(CLIENTS_RATE), *tmux.terminals.values()))
        connected = CLIENTS
        for count in counts:
            while connected < count:
                more = min(PER_PROCESS, count - connected)
                stack.enter_context(helper("sinks.py", url, str(more), "--subscribe"))
                connected += more
            found.append(step(gauge, seconds, clients=count))
    return Axis("clients", found)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--panes", default="10,50,100,200")
    parser.add_argument("--rates", default="100,1000,2000,4000")
    parser.add_argument("--clients", default="10,100,500")
    parser.add_argument("--seconds", type=float, default=4)
    options = parser.parse_args()
    panes, rates, clients = (
        [int(one) for one in text.split(",")]
        for text in (options.panes, options.rates, options.clients)
    )
    results: dict[str, Any] = {"model": {}}
    with reporting("growth", results), ExitStack() as stack:
        tmux = stack.enter_context(stage(panes[0]))
        process, url = stack.enter_context(served(tmux))
        stack.enter_context(helper("sinks.py", url, str(CLIENTS), "--subscribe"))
        gauge = Gauge(tmux.pid, process.pid)
        axes: tuple[Callable[[], Axis], ...] = (
            lambda: over_panes(tmux, gauge, panes, options.seconds),
            lambda: over_rates(tmux, gauge, rates, options.seconds),
            lambda: over_clients(tmux, gauge, url, clients, options.seconds),
        )
        for axis in axes:
            found = axis()
            results[found.name] = found.series
            results["model"][found.name] = found.model()


if __name__ == "__main__":
    main()
