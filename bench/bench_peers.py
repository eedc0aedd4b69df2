"""What others need for the same: print to client, and change to client.

Method: as in bench_latency.py, with the same prints and changes on a private tmux server of the
same kind, watched by a poller that runs `capture-pane` for each pane every 500 ms (the common
design), by trustmux through its WebSocket, and by muxplex asked every 2 s as its page asks. Prints
go to the pane that all of them show: the active one of a session. A peer that has no events is
given what its client can find out by comparing. Who cannot be installed or does not start is
left out, and the result says why.

    bench_peers.py [--panes 10] [--prints 100] [--changes 5] [--only poller,trustmux,muxplex]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import peers
from probe import change_often, judge_changes, notes_of, print_often, spread
from stage import TmuxStage, helper, reporting, say, stage

# What a client of each can find out; then seconds between prints and between changes, so long that
# each is seen on its own (trustmux captures at most every 150 ms), and for the last to be seen.
SESSIONS: Final = ("session.created", "session.renamed", "session.removed")
WINDOWS: Final = ("window.created", "window.renamed")
PAUSES: Final = {"poller": 0.15, "trustmux": 0.4, "muxplex": 0.3}
CHANGE_PAUSES: Final = {"poller": 0.7, "trustmux": 2.5, "muxplex": 4.3}
LAST_LOOKS: Final = {"poller": 1.5, "trustmux": 3.0, "muxplex": 5.0}


@contextmanager
def watched(name: str, tmux: TmuxStage, pane: str) -> Iterator[Any]:
    """A peer on the stage, and its client."""
    if name == "poller":
        with helper("watchers.py", "poller", tmux.socket) as reader:
            yield reader
    elif name == "trustmux":
        with (
            peers.trustmux(tmux) as (url, cookie),
            helper("watchers.py", "trustmux", url, cookie, pane) as reader,
        ):
            yield reader
    else:
        with (
            peers.muxplex(tmux) as (url, password),
            helper("watchers.py", "muxplex", url, password) as reader,
        ):
            time.sleep(5)  # its own first looks
            yield reader


def measured(name: str, panes: int, prints: int, changes: int) -> dict[str, Any]:
    with stage(panes) as tmux:
        pane, terminal = next(iter(tmux.terminals.items()))
        try:
            with watched(name, tmux, pane) as reader:
                time.sleep(1)
                print_often([terminal], prints, PAUSES[name])
                begun = change_often(tmux, changes, CHANGE_PAUSES[name])
                notes = notes_of(reader, LAST_LOOKS[name])
        except peers.Unavailable as why:
            return {"name": name, "skipped": str(why)}
        except RuntimeError as error:  # its client did not start: it was refused, or not understood
            return {"name": name, "skipped": str(error)}
    kinds = (*SESSIONS, *WINDOWS) if name == "poller" else SESSIONS
    return {
        "name": name,
        "version": peers.VERSIONS.get(name),
        "print": spread(notes["output"], prints),
        "change": judge_changes(begun, notes["events"], *kinds),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--panes", type=int, default=10)
    parser.add_argument("--prints", type=int, default=100)
    parser.add_argument("--changes", type=int, default=5)
    parser.add_argument("--only", default="poller,trustmux,muxplex")
    arguments = parser.parse_args()
    results: list[dict[str, Any]] = []
    with reporting("peers", {"peers": results}):
        for name in arguments.only.split(","):
            say(f"{name} is measured")
            found = measured(name, arguments.panes, arguments.prints, arguments.changes)
            if "skipped" in found:
                say(f"left out: {found['skipped']}")
            results.append(found)


if __name__ == "__main__":
    main()
