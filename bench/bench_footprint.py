"""What watching costs, everything of it together: CPU, memory, forks, wake-ups; idle and busy.

Method: a private tmux server with 100 quiet panes. Its own CPU is measured first, then with
`tmuxpulse serve` and ten clients of the `websockets` library on it: idle, and with 1,000 lines a
second in all panes. `gauge.py` says what counts; the clients' own cost is not ours. Forks are new
children of the tmux server and of ours. Memory is measured on a server of its own with 50 panes and
ten clients (`sinks.py`, which keep up: what waits for who does not is up to 4 MiB a client, and not
what is asked here), after so many events that the ring is full (20,000, or 8 MiB of them), and
again after as many more: it must be flat.

    bench_footprint.py [--panes 100] [--clients 10] [--seconds 20] [--ring-panes 50] [--ring 12]
"""

from __future__ import annotations

import argparse
import time
from typing import Any, Final

from gauge import Gauge
from stage import helper, reporting, say, served, stage

BUSY_RATE: Final = 1000
RING_RATE: Final = 2000  # events a second
SETTLE_SECONDS: Final = 6.0  # signs are read more often for five seconds after a change


def idle_and_busy(results: dict[str, Any], panes: int, clients: int, seconds: float) -> None:
    """CPU, forks and wake-ups."""
    results |= {"panes": panes, "clients": clients}
    with stage(panes) as tmux:
        time.sleep(2)
        alone = Gauge(tmux.pid).over(max(2.0, seconds / 4))
        results["tmux alone"] = {"tmux_percent": alone.tmux_percent}
        with served(tmux) as (process, url):
            time.sleep(SETTLE_SECONDS)
            with helper("listener.py", url, str(clients)):
                time.sleep(SETTLE_SECONDS)
                gauge = Gauge(tmux.pid, process.pid)
                say("idle")
                results["idle"] = {**gauge.over(seconds)._asdict(), "rss_mb": gauge.rss_mb}
                # Apart from the measured time: looking for children costs, but not them.
                with gauge.counted_forks() as forks:
                    time.sleep(seconds / 2)
                results["forks"] = {
                    "forks_each_second": round(len(forks) / (seconds / 2), 2),
                    "over, s": seconds / 2,
                }
                say("busy")
                with helper("printer.py", str(BUSY_RATE), *tmux.terminals.values()):
                    time.sleep(2)
                    busy = gauge.over(seconds / 2)
    results[f"busy, {BUSY_RATE} events/s"] = busy._asdict()


def full_ring(panes: int, clients: int, seconds: float) -> dict[str, Any]:
    """Memory with a full ring, and how flat it is."""
    say("a full ring")
    with stage(panes) as tmux, served(tmux) as (process, url):
        time.sleep(SETTLE_SECONDS)
        with helper("sinks.py", url, str(clients), "--subscribe"):
            gauge = Gauge(tmux.pid, process.pid)
            with helper("printer.py", str(RING_RATE), *tmux.terminals.values()):
                time.sleep(seconds)
                first = gauge.rss_mb
                time.sleep(seconds)
                second = gauge.rss_mb
            time.sleep(1)
            quiet = gauge.rss_mb
    return {
        "panes": panes,
        "clients": clients,
        "events before": round(RING_RATE * seconds),
        "full_rss_mb": first,
        "later_rss_mb": second,
        "quiet_again_rss_mb": quiet,
        "growth": round(second - first, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--panes", type=int, default=100)
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--ring-panes", type=int, default=50)
    parser.add_argument("--ring", type=float, default=12, help="seconds in which it gets full")
    options = parser.parse_args()
    results: dict[str, Any] = {}
    with reporting("footprint", results):
        idle_and_busy(results, options.panes, options.clients, options.seconds)
        results["memory"] = full_ring(options.ring_panes, options.clients, options.ring)


if __name__ == "__main__":
    main()
