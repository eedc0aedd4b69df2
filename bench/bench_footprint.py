"""What watching costs when nothing happens: CPU and memory, everything of it together.

Method: a private tmux server with 100 quiet panes. Its CPU time alone is measured first, then with
`tmuxpulse serve` and ten clients of the `websockets` library on it: the tmux server, our server,
the `cat` of each pipe and the channel's client together, from the kernel's counters over the
window. The clients' own cost is not ours and not counted. Memory is our server's resident set.

    bench_footprint.py [--panes 100] [--clients 10] [--seconds 30]
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import psutil
from stage import helper, report, served, stage


def cpu_seconds(processes: list[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        times = process.cpu_times()
        total += times.user + times.system
    return total


def family(tmux_pid: int, ours: int) -> list[psutil.Process]:
    """The tmux server, our server with its children, and the `cat` of each pipe."""
    tmux = psutil.Process(tmux_pid)
    own = psutil.Process(ours)
    return [tmux, *tmux.children(), own, *own.children(recursive=True)]


def measure(processes: list[psutil.Process], seconds: float) -> float:
    """Percent of one core over a window."""
    before = cpu_seconds(processes)
    start = time.monotonic()
    time.sleep(seconds)
    return round((cpu_seconds(processes) - before) / (time.monotonic() - start) * 100, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--panes", type=int, default=100)
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=30)
    arguments = parser.parse_args()
    results: dict[str, Any] = {"panes": arguments.panes, "clients": arguments.clients}
    with stage(arguments.panes) as tmux:
        time.sleep(2)
        baseline = measure([psutil.Process(tmux.pid)], arguments.seconds / 3)
        results["tmux alone, % of a core"] = baseline
        with served(tmux) as (process, url):
            time.sleep(3)
            with helper("listener.py", url, str(arguments.clients)):
                time.sleep(3)
                all_of_it = family(tmux.pid, process.pid)
                ours = psutil.Process(process.pid)
                forks_before = _forks()
                own_before = cpu_seconds([ours])
                together = measure(all_of_it, arguments.seconds)
                own = (cpu_seconds([ours]) - own_before) / arguments.seconds * 100
                results["everything together, % of a core"] = together
                results["of it tmuxpulse, % of a core"] = round(own, 2)
                results["forks on the whole machine, per second"] = round(
                    (_forks() - forks_before) / arguments.seconds, 2
                )
                results["tmuxpulse RSS, MB"] = round(ours.memory_info().rss / 1e6, 1)
    report("footprint", results)


def _forks() -> int:
    with open("/proc/stat") as stat:
        return next(int(line.split()[1]) for line in stat if line.startswith("processes"))


if __name__ == "__main__":
    main()
