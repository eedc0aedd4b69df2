"""Events through collector and hub: how many a second one core does, for as long as it is asked.

Method: in one process, without tmux. What its engine would give is given to the collector of a
server with many panes: bytes that each pane printed, a line or five at a time, each pane as soon as
its 25 ms have passed. Everything between the bytes and the readers is real: redaction, lines,
statuses with the shipped rules, the event's place, numbering, encoding, the ring, filters, and
readers that take their batches. The lines are made first, from a seed. The rate is given for each
second of the run, so that a slope would show.

    bench_hub.py [--panes 600] [--readers 10] [--seconds 10] [--lines 1]
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psutil
import trio
from printer import line
from stage import report, say

from tmuxpulse.collect.command import Identity, Tmux
from tmuxpulse.collect.engine import Sink
from tmuxpulse.collect.processes import Found
from tmuxpulse.collect.rulebook import load_book
from tmuxpulse.collect.screens import Shown
from tmuxpulse.collect.secrets import redactor_of
from tmuxpulse.collect.watch import ServerWatch
from tmuxpulse.config.settings import RedactionTable
from tmuxpulse.filters import Filter
from tmuxpulse.hub.hub import Hub
from tmuxpulse.hub.reader import Reader
from tmuxpulse.tmux.formats import Listing, PaneRow

CORPUS = 4096
SLICE_SECONDS = 0.005  # of CPU that the engine goes on for before it lets the others run
EVERYTHING = frozenset({Filter()})


def pane_row(at: int) -> PaneRow:
    """A pane in a window of its own, five to a session."""
    session = at // 5
    return PaneRow(
        session_id=f"${session}",
        window_id=f"@{at}",
        pane_id=f"%{at}",
        window_index=at % 5,
        pane_index=0,
        window_active=at % 5 == 0,
        pane_active=True,
        window_zoomed_flag=False,
        pane_dead=False,
        pane_pipe=True,
        alternate_on=False,
        pane_pid=1,
        pane_width=80,
        pane_height=24,
        pane_dead_status=None,
        pane_dead_signal=None,
        window_layout="b25d,80x24,0,0,0",
        session_name=f"s{session}",
        window_name="make",
        pane_title="",
        pane_current_command="make",
        pane_current_path="/src",
    )


class Printing:
    """An engine whose panes print as fast as they may be told."""

    name: ClassVar[str] = "pipe"
    sample_seconds: ClassVar[float] = 0.2

    def __init__(self, panes: int, pieces: list[bytes]) -> None:
        self._rows = tuple(pane_row(at) for at in range(panes))
        self._pieces = pieces
        self.pushed = 0

    async def run(
        self, sink: Sink, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Print until cancelled."""
        sink.listing(Listing(panes=self._rows, clients=()))
        for row in self._rows:
            sink.streams(row.pane_id, on=True)
        task_status.started()
        pieces, panes = self._pieces, [row.pane_id for row in self._rows]
        at, round_began = 0, trio.current_time()
        while True:
            slice_end = time.thread_time() + SLICE_SECONDS
            while time.thread_time() < slice_end:
                sink.output(panes[at], pieces[self.pushed % len(pieces)])
                self.pushed += 1
                at += 1
                if at == len(panes):
                    at = 0
                    break
            await trio.lowlevel.checkpoint()
            if at == 0:  # a pane tells at most once in 25 ms; on a fast machine, wait for that
                await trio.sleep_until(round_began + 0.026)
                round_began = trio.current_time()

    async def capture(self, _pane_ids: Sequence[str]) -> dict[str, Shown]:
        """Show screens that say nothing."""
        await trio.lowlevel.checkpoint()
        return {}


async def nobody(_panes: Mapping[str, int]) -> dict[str, Found]:
    """Look at no process: these panes have none."""
    await trio.lowlevel.checkpoint()
    return {}


async def take(reader: Reader, taken: list[int], at: int) -> None:
    """Take what comes, as a connection does, and count what was lost."""
    while True:
        found = await reader.receive()
        events = getattr(found, "events", None)
        if events is not None:
            taken[at] += len(events)
        else:
            taken[-1] += getattr(found, "dropped", 0)


async def run(options: argparse.Namespace) -> dict[str, Any]:
    rng = random.Random(2026)
    lines = [line(rng, at).replace(b"\n", b"\r\n") for at in range(CORPUS)]
    pieces = [b"".join(rng.choices(lines, k=options.lines)) for _ in range(CORPUS)]
    hub = Hub()
    redactor = redactor_of(RedactionTable())
    watch = ServerWatch(hub, "default", "/none", redactor, book=load_book(), looker=nobody)
    engine = Printing(options.panes, pieces)
    identity = Identity(pid=1, start_time=1, version="3.3a")
    taken = [0] * (options.readers + 1)  # the last counts what was lost
    process = psutil.Process()
    each: list[int] = []
    # The nursery ends first: its tasks still take from the readers.
    with ExitStack() as readers:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hub.run)
            for at in range(options.readers):
                reader = readers.enter_context(hub.reader())
                hub.move(reader, EVERYTHING)
                nursery.start_soon(take, reader, taken, at)
            nursery.start_soon(watch.watch, engine, identity, Tmux(program="tmux", socket="/none"))
            await trio.sleep(1)
            first, first_taken, first_pushed = hub.seq, sum(taken[:-1]), engine.pushed
            used, began, memory = time.process_time(), time.monotonic(), process.memory_info().rss
            for _ in range(options.seconds):
                before, start = hub.seq, time.monotonic()
                await trio.sleep(1)
                each.append(round((hub.seq - before) / (time.monotonic() - start)))
            wall, used = time.monotonic() - began, time.process_time() - used
            events, delivered = hub.seq - first, sum(taken[:-1]) - first_taken
            pushed = engine.pushed - first_pushed
            nursery.cancel_scope.cancel()
    return {
        "panes": options.panes,
        "readers": options.readers,
        "lines_an_event": options.lines,
        "events_per_second": round(events / wall),
        "events_per_cpu_second": round(events / used),
        "least_in_a_second": min(each),
        "each_second": each,
        "pieces_pushed": pushed,
        "events": events,
        "handed_to_readers": delivered,
        "lost": taken[-1],
        "rss_growth_mb": round((process.memory_info().rss - memory) / 1e6, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--panes", type=int, default=600)
    parser.add_argument("--readers", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--lines", type=int, default=1, help="of an event")
    options = parser.parse_args()
    say(f"{options.panes} panes print as fast as they may be told, for {options.seconds} s")
    report("hub", trio.run(run, options))


if __name__ == "__main__":
    main()
