"""How long from a print in a pane, or a change of structure, to the event in a client.

Method: a private tmux server; a `tmuxpulse serve` on it; ten clients of the `websockets` library,
of which one measures. A print is a write of the monotonic clock's time to a pane's terminal, in a
random pane, at random pauses of 32 to 128 ms; the client compares with its own reading of the same
clock. A change is a tmux command; its time runs from the command's start (2-3 ms of the command's
own run are in it). The floor, a raw pipe and a raw control client on the same server with nothing
of ours running, is measured in the same run.

    bench_latency.py [--panes 1,10,100] [--prints 300] [--changes 25]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import time
from typing import Any

from stage import TmuxStage, helper, pauses, percentiles, print_to, report, served, stage

# Longer than the 25 ms in which a pane's output is gathered after some of it was told: this is the
# latency of a quiet pane's print, not of that pause.
PAUSE_SECONDS = 0.08


def floor(tmux: TmuxStage, prints: int) -> dict[str, Any]:
    pane, terminal = next(iter(tmux.terminals.items()))
    results: dict[str, Any] = {}
    fifo = f"{tmux.socket}.fifo"
    os.mkfifo(fifo)
    with helper("floor.py", "pipe", fifo) as reader:
        tmux.run("pipe-pane", "-O", "-t", pane, f"exec cat >{fifo}")
        time.sleep(0.3)
        results["raw pipe"] = percentiles(_print_and_collect(reader, [terminal], prints))
    tmux.run("pipe-pane", "-t", pane)
    os.unlink(fifo)
    with helper("floor.py", "control", tmux.socket, "s0") as reader:
        time.sleep(0.3)
        results["raw control client"] = percentiles(_print_and_collect(reader, [terminal], prints))
    return results


def _print_and_collect(
    reader: subprocess.Popen[str], terminals: list[str], prints: int
) -> list[float]:
    source = random.Random(2)
    for pause in pauses(prints, PAUSE_SECONDS):
        print_to(source.choice(terminals), f"T {time.monotonic_ns()}\n")
        time.sleep(pause)
    time.sleep(0.3)
    out, _ = reader.communicate(timeout=20)
    notes: dict[str, list[float]] | list[float] = json.loads(out)
    return notes["output"] if isinstance(notes, dict) else notes


def ours(tmux: TmuxStage, prints: int, changes: int) -> dict[str, Any]:
    results: dict[str, Any] = {}
    with served(tmux) as (_, url):
        time.sleep(1.5)
        with helper("listener.py", url, "9"), helper("listener.py", url, "1") as reader:
            latencies = _print_and_collect(reader, list(tmux.terminals.values()), prints)
        results["print"] = {**percentiles(latencies), "lost": prints - len(latencies)}
        with helper("listener.py", url, "9"), helper("listener.py", url, "1") as reader:
            results["change"] = _changes(tmux, reader, changes)
    return results


def _changes(tmux: TmuxStage, reader: subprocess.Popen[str], changes: int) -> dict[str, Any]:
    """Create, rename and close a session and a window, over and over."""
    began: list[tuple[str, str | None, int]] = []

    def do(kind: str, name: str | None, *command: str) -> None:
        began.append((kind, name, time.monotonic_ns()))
        tmux.run(*command)
        time.sleep(pause.pop())

    pause = pauses(changes * 6 + 6, 0.25)
    for at in range(changes):
        session, window = f"b{at}", f"w{at}"
        do("session.created", session, "new-session", "-d", "-s", session, "cat")
        do("window.created", window, "new-window", "-d", "-t", f"{session}:", "-n", window, "cat")
        do(
            "window.renamed",
            f"{window}x",
            "rename-window",
            "-t",
            f"{session}:{window}",
            f"{window}x",
        )
        do("session.renamed", f"{session}x", "rename-session", "-t", session, f"{session}x")
        do("window.removed", None, "kill-window", "-t", f"{session}x:{window}x")
        do("session.removed", None, "kill-session", "-t", f"{session}x")
    time.sleep(1)
    out, _ = reader.communicate(timeout=20)
    events = json.loads(out)["events"]
    by_kind: dict[str, list[float]] = {}
    for kind, name, start in began:
        seen = next(
            (at for type_, at, event_name in events
             if type_ == kind and at >= start and name in (None, event_name)),
            None,
        )  # fmt: skip
        if seen is not None:
            by_kind.setdefault(kind, []).append((seen - start) / 1e6)
    together = [value for values in by_kind.values() for value in values]
    return {
        "all": {**percentiles(together), "lost": len(began) - len(together)},
        **{kind: percentiles(values) for kind, values in by_kind.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--panes", default="1,10,100")
    parser.add_argument("--prints", type=int, default=300)
    parser.add_argument("--changes", type=int, default=25)
    arguments = parser.parse_args()
    results: dict[str, Any] = {}
    for panes in map(int, arguments.panes.split(",")):
        with stage(panes) as tmux:
            results[f"{panes} panes"] = {
                "floor": floor(tmux, arguments.prints),
                "tmuxpulse, 10 clients": ours(tmux, arguments.prints, arguments.changes),
            }
    report("latency", results)


if __name__ == "__main__":
    main()
