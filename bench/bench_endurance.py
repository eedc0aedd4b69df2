"""Whether memory stays flat: server, page and full-screen `watch` under a steady stream.

A real tmux with panes that print lines, together at a rate; a server that watches it; the server's
page in a real Chromium; and `watch` through the server on the terminal of another private tmux.
Every few seconds the resident memory of each is read. The first third is left out (caches and rings
fill), of the rest the line through the samples is told, in MB an hour, and the highest sample.

    python bench/bench_endurance.py [--minutes 60] [--rate 200] [--panes 10]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from stage import report

from tests.real.stage import Stage
from tests.web.browsing import browser_environment

SAMPLE_SECONDS = 5.0
PAGE = Path(__file__).with_name("endurance_page.js")
PRINTS = """\
import itertools, time
for number in itertools.count():
    print("line", number, "of a log", flush=True)
    time.sleep({})
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=200.0, help="lines a second, of all panes")
    parser.add_argument("--panes", type=int, default=10)
    options = parser.parse_args()
    stage = Stage(Path(tempfile.mkdtemp(prefix="tp-")))
    try:
        print_lines(stage, options.panes, options.panes / options.rate)
        server = psutil.Process(stage.serve().pid)
        stage.start(size=(160, 45))
        stage.sees(r"line \d+ of a log")
        with page_open(stage) as page:
            samples = list(take(stage, server, page, 60 * options.minutes))
    finally:
        stage.close()
    results = {name: judged(samples, name) for name in samples[-1] if name not in ("at", "state")}
    results["settings"] = vars(options)
    results["page_state"] = samples[-1]["state"]
    report("endurance", results)


def print_lines(stage: Stage, panes: int, pause: float) -> None:
    """Let panes print a line each, and again after so many seconds."""
    script = stage.folder / "prints.py"
    script.write_text(PRINTS.format(pause))
    command = f"exec {sys.executable} {script}"
    stage.tmux("new-session", "-d", "-s", "logs", "-x", "120", "-y", "40", command)
    for _ in range(panes - 1):
        stage.tmux("new-window", "-d", "-t", "logs:", command)


@contextmanager
def page_open(stage: Stage) -> Iterator[subprocess.Popen[str]]:
    """The page in a browser, under the program that asks it."""
    command = [sys.executable, "-m", "tmuxpulse", "open", "--print"]
    address = subprocess.run(command, env=stage.env, capture_output=True, text=True, check=True)
    with subprocess.Popen(
        ["node", str(PAGE), address.stdout.strip()],
        env=browser_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as page:
        yield page
        assert page.stdin is not None
        page.stdin.close()


def take(
    stage: Stage, server: psutil.Process, page: subprocess.Popen[str], seconds: float
) -> Iterator[Mapping[str, Any]]:
    """Samples of memory, in MB, from the first answer of the page on."""
    terminal = psutil.Process(
        int(stage.tmux("display", "-p", "-t", "t", "#{pane_pid}", at=stage.terminal))
    )
    watch = next((one for one in terminal.children() if "tmuxpulse" in one.cmdline()), terminal)
    asked(page)
    begin = time.monotonic()
    while (at := time.monotonic() - begin) < seconds:
        told = asked(page)
        family = psutil.Process(page.pid).children(recursive=True)
        renderers = [one for one in family if "--type=renderer" in one.cmdline()]
        yield {
            "at": at,
            "state": told["state"],
            "server_mb": server.memory_info().rss / 1e6,
            "watch_mb": watch.memory_info().rss / 1e6,
            "page_mb": max(one.memory_info().rss for one in renderers) / 1e6,
            "page_heap_mb": told["heap"] / 1e6,
            "page_nodes": told["nodes"],
        }
        time.sleep(SAMPLE_SECONDS)


def asked(page: subprocess.Popen[str]) -> dict[str, Any]:
    """What the page says of itself."""
    assert page.stdin is not None
    assert page.stdout is not None
    page.stdin.write("\n")
    page.stdin.flush()
    told: dict[str, Any] = json.loads(page.stdout.readline())
    return told


def judged(samples: Sequence[Mapping[str, Any]], name: str) -> dict[str, float]:
    """Where a value stands after the first third, where it goes, and the most it was."""
    kept = samples[len(samples) // 3 :]
    values = [one[name] for one in kept]
    slope = 0.0
    if len(kept) > 1:
        slope = statistics.linear_regression([one["at"] for one in kept], values).slope
    return {
        "first": round(values[0], 1),
        "last": round(values[-1], 1),
        "most": round(max(one[name] for one in samples), 1),
        "per_hour": round(3600 * slope, 1),
    }


if __name__ == "__main__":
    main()
