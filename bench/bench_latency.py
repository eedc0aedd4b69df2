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
import time
from typing import Any

from probe import change_often, judge_changes, notes_of, print_often, raw_pipe, spread
from stage import TmuxStage, helper, reporting, say, served, stage


def floor(tmux: TmuxStage, prints: int) -> dict[str, Any]:
    results: dict[str, Any] = {"raw pipe": raw_pipe(tmux, prints)}
    with helper("floor.py", "control", tmux.socket, "s0") as reader:
        time.sleep(0.3)
        print_often([next(iter(tmux.terminals.values()))], prints)
        results["raw control client"] = spread(notes_of(reader)["output"], prints)
    return results


def ours(tmux: TmuxStage, prints: int, changes: int) -> dict[str, Any]:
    results: dict[str, Any] = {}
    with served(tmux) as (_, url):
        time.sleep(1.5)
        with helper("listener.py", url, "9"), helper("listener.py", url, "1") as reader:
            print_often(list(tmux.terminals.values()), prints)
            results["print"] = spread(notes_of(reader)["output"], prints)
        with helper("listener.py", url, "9"), helper("listener.py", url, "1") as reader:
            begun = change_often(tmux, changes)
            results["change"] = judge_changes(begun, notes_of(reader, 1.0)["events"])
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--panes", default="1,10,100")
    parser.add_argument("--prints", type=int, default=300)
    parser.add_argument("--changes", type=int, default=25)
    arguments = parser.parse_args()
    results: dict[str, Any] = {}
    with reporting("latency", results):
        for panes in map(int, arguments.panes.split(",")):
            say(f"{panes} panes: the floor, then ours")
            with stage(panes) as tmux:
                found = results[f"{panes} panes"] = {"floor": floor(tmux, arguments.prints)}
                found["ours"] = ours(tmux, arguments.prints, arguments.changes)


if __name__ == "__main__":
    main()
