"""What the full screen costs at a rate of events, and how soon it answers a key.

A server whose collector makes numbered lines at a rate (as in `tests/real/loaded.py`) feeds `watch`
on the terminal of a private tmux. The processor time of `watch` is read from the system at both
ends of the measured seconds. Meanwhile the key for help is pressed again and again, and the time
until the help is seen by ``capture-pane`` is taken: the cost of looking is in it, and what the
machine does besides. Both are in the floor too: a key that the terminal itself echoes, in turns.

    python bench/bench_full_screen.py [--rate 5000] [--seconds 60]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.real.loaded import LoadedServer, kill
from tests.real.stage import Stage


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="tp-"))
    server = LoadedServer(directory, rate=options.rate, history=False)
    child = server.start()
    stage = Stage(Path(tempfile.mkdtemp(prefix="tp-")))
    try:
        (stage.folder / "run").mkdir(mode=0o700)
        stage.env["TMUXPULSE_RUNTIME_DIR"] = str(stage.folder / "run")
        (stage.folder / "run" / "tmuxpulse.sock").symlink_to(server.socket)
        stage.start(watch="watch", size=(200, 50))
        stage.sees(r"line \d+ of some length")
        pid = int(stage.tmux("display", "-p", "-t", "t", "#{pane_pid}", at=stage.terminal))
        found = psutil.Process(pid)
        watch = next((one for one in found.children() if "tmuxpulse" in one.cmdline()), found)
        stage.tmux("new-window", "-d", "-t", "t", "-n", "floor", "exec cat", at=stage.terminal)
        delays = measure(stage, watch, options.seconds)
        print(json.dumps({"rate": options.rate, "seconds": options.seconds, **delays}, indent=2))
    finally:
        stage.close()
        kill(child)


def measure(stage: Stage, watch: psutil.Process, seconds: float) -> dict[str, float]:
    begin, used = time.monotonic(), sum(watch.cpu_times()[:2])
    memory = watch.memory_info().rss
    delays: list[float] = []
    floor: list[float] = []
    while time.monotonic() - begin < seconds:
        pressed = time.monotonic()
        stage.keys("?")
        while "move up by a page" not in stage.text():
            pass
        delays.append(time.monotonic() - pressed)
        stage.keys("?")
        floor.append(echo(stage, len(floor)))
        time.sleep(2.0)
    spent = time.monotonic() - begin
    text = stage.text()
    delays.sort()
    floor.sort()
    return {
        "core_percent": round(100 * (sum(watch.cpu_times()[:2]) - used) / spent, 1),
        "key_p50_ms": round(1000 * statistics.median(delays), 1),
        "key_max_ms": round(1000 * delays[-1], 1),
        "floor_p50_ms": round(1000 * statistics.median(floor), 1),
        "floor_max_ms": round(1000 * floor[-1], 1),
        "memory_before_mb": round(memory / 1e6, 1),
        "memory_after_mb": round(watch.memory_info().rss / 1e6, 1),
        "lost": float("were lost" in text),
    }


def echo(stage: Stage, number: int) -> float:
    """Seconds until a key is seen that the terminal echoes."""
    pressed = time.monotonic()
    stage.tmux("send-keys", "-t", "t:floor", "x", at=stage.terminal)
    while "x" * (number + 1) not in stage.tmux(
        "capture-pane", "-p", "-J", "-t", "t:floor", at=stage.terminal
    ):
        pass
    return time.monotonic() - pressed


if __name__ == "__main__":
    main()
