"""What is done to a tmux server while somebody watches it, and what that one saw of it.

A watcher is a process as `listener.py` is: it says ``ready``, and prints its notes at end of input,
``{"output": [latencies in ms], "events": [[type, when in ns, name], …]}``. So the same prints and
changes are timed for our server, for a poller and for other programs.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from typing import Any, NamedTuple

from stage import TmuxStage, helper, pauses, percentiles, print_to

# Longer than the 25 ms in which a pane's output is gathered after some of it was told: this is the
# latency of a quiet pane's print, not of that pause.
PAUSE_SECONDS = 0.08
NOTHING = {"p50_ms": None, "p99_ms": None, "max_ms": None, "n": 0}


class Begun(NamedTuple):
    """A change that was begun.

    Attributes:
        kind: the type of its event.
        name: that the event has; None: any.
        at: when, on the monotonic clock, in ns.
    """

    kind: str
    name: str | None
    at: int


def print_often(terminals: list[str], prints: int, seconds: float = PAUSE_SECONDS) -> None:
    """Print the time in random terminals, at random pauses."""
    source = random.Random(2)
    for pause in pauses(prints, seconds):
        print_to(source.choice(terminals), f"T {time.monotonic_ns()}\r\n")
        time.sleep(pause)


def raw_pipe(tmux: TmuxStage, prints: int) -> dict[str, Any]:
    """The floor: a pane's pipe with nothing at its end but a clock."""
    pane, terminal = next(iter(tmux.terminals.items()))
    fifo = f"{tmux.socket}.fifo"
    os.mkfifo(fifo)
    with helper("floor.py", "pipe", fifo) as reader:
        tmux.run("pipe-pane", "-O", "-t", pane, f"exec cat >{fifo}")
        time.sleep(0.3)
        print_often([terminal], prints)
        found = spread(notes_of(reader)["output"], prints)
    tmux.run("pipe-pane", "-t", pane)
    os.unlink(fifo)
    return found


def change_often(tmux: TmuxStage, changes: int, seconds: float = 0.25) -> list[Begun]:
    """Create, rename and close a session and a window, over and over."""
    begun: list[Begun] = []
    pause = pauses(changes * 6, seconds)

    def do(kind: str, name: str | None, *command: str) -> None:
        begun.append(Begun(kind, name, time.monotonic_ns()))
        tmux.run(*command)
        time.sleep(pause.pop())

    for at in range(changes):
        session, window, other = f"b{at}", f"w{at}", f"w{at}x"
        do("session.created", session, "new-session", "-d", "-s", session, "cat")
        do("window.created", window, "new-window", "-d", "-t", f"{session}:", "-n", window, "cat")
        do("window.renamed", other, "rename-window", "-t", f"{session}:{window}", other)
        do("session.renamed", f"{session}x", "rename-session", "-t", session, f"{session}x")
        do("window.removed", None, "kill-window", "-t", f"{session}x:{other}")
        do("session.removed", None, "kill-session", "-t", f"{session}x")
    return begun


def notes_of(watcher: subprocess.Popen[str], wait_seconds: float = 0.5) -> dict[str, Any]:
    """End a watcher, and give its notes."""
    time.sleep(wait_seconds)
    out, _ = watcher.communicate(timeout=60)
    notes: dict[str, Any] | list[float] = json.loads(out)
    return notes if isinstance(notes, dict) else {"output": notes, "events": []}


def spread(milliseconds: list[float], made: int) -> dict[str, Any]:
    """Their percentiles, and how many of those that were made did not come."""
    seen = percentiles(milliseconds) if milliseconds else NOTHING
    return {**seen, "lost": made - len(milliseconds)}


def judge_changes(begun: list[Begun], events: list[list[Any]], *kinds: str) -> dict[str, Any]:
    """Find the event of each change.

    Args:
        begun: the changes.
        events: what was noted: type, when, name.
        kinds: those that this watcher could see at all; none: all.
    """
    wanted = [one for one in begun if not kinds or one.kind in kinds]
    by_kind: dict[str, list[float]] = {}
    for one in wanted:
        seen = next(
            (at for kind, at, name in events
             if kind == one.kind and at >= one.at and one.name in (None, name)),
            None,
        )  # fmt: skip
        if seen is not None:
            by_kind.setdefault(one.kind, []).append((seen - one.at) / 1e6)
    together = [value for values in by_kind.values() for value in values]
    return {
        "all": spread(together, len(wanted)),
        **{kind: percentiles(values) for kind, values in by_kind.items()},
    }
