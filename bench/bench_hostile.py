r"""Whether the user's tmux server survives being watched: rounds of what crashes it elsewhere.

Method: a private tmux server that `tmuxpulse serve` watches. Each round makes a session of four
panes and takes it apart as people do at the worst of times: `select-window \; kill-session` in one
command, all windows in one command, all of its programs at once. A server with another process id
than before has crashed. A control client (`tmux -C`) in our place crashed tmux 3.3a in 6 of 6.

    bench_hostile.py [--rounds 1000]
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import time
from typing import Any

from stage import TmuxStage, reporting, say, served, stage

ENDINGS = ("select", "windows", "programs")  # how a round ends, in turns


def hostile_round(tmux: TmuxStage, at: int) -> None:
    """Make a session of four panes, and take it apart."""
    name = f"h{at}"
    tmux.run(
        *("new-session", "-d", "-s", name, "cat", ";"),
        *("new-window", "-d", "-t", f"{name}:", "cat", ";"),
        *("new-window", "-d", "-t", f"{name}:", "cat", ";"),
        *("split-window", "-d", "-t", f"{name}:", "cat"),
    )
    match ENDINGS[at % 3]:
        case "select":
            tmux.run("select-window", "-t", f"{name}:1", ";", "kill-session", "-t", name)
        case "windows":
            words = [
                word
                for window in (2, 1, 0)
                for word in ("kill-window", "-t", f"{name}:{window}", ";")
            ]
            tmux.run(*words[:-1])
        case _:
            for pid in tmux.run("list-panes", "-s", "-t", name, "-F", "#{pane_pid}").split():
                os.kill(int(pid), signal.SIGKILL)


def pid_of(tmux: TmuxStage) -> int | None:
    try:
        return int(tmux.run("display-message", "-p", "#{pid}"))
    except subprocess.CalledProcessError:
        return None


def measure(results: dict[str, Any], rounds: int) -> None:
    crashes: list[int] = []
    with stage(1) as tmux, served(tmux) as (process, _):
        time.sleep(1)
        began = time.monotonic()
        for at in range(rounds):
            try:
                hostile_round(tmux, at)
            except subprocess.CalledProcessError:
                say(f"round {at}: tmux did not do it")
            if pid_of(tmux) != tmux.pid:
                crashes.append(at)
                say(f"round {at}: the tmux server has crashed")
                tmux.start()
            results |= {
                "rounds": at + 1,
                "crashes": len(crashes),
                "crashed in round": crashes,
                "tmuxpulse still runs": process.poll() is None,
                "seconds": round(time.monotonic() - began, 1),
            }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=1000)
    options = parser.parse_args()
    say(f"{options.rounds} hostile rounds")
    results: dict[str, Any] = {}
    with reporting("hostile", results):
        measure(results, options.rounds)


if __name__ == "__main__":
    main()
