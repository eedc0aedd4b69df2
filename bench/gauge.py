"""What watching takes from the machine, read from the kernel: CPU, memory, wake-ups, forks.

Everything that is there because of us counts: the tmux server, its children (the programs of the
panes and the `cat` of each pipe), our server, its children. Clients do not. Linux only.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil

GONE = (FileNotFoundError, ProcessLookupError, psutil.NoSuchProcess)
LOOK_SECONDS = 0.02  # between two looks for new children


class Reading(NamedTuple):
    """Counters at one time, since each process began.

    Attributes:
        at: the monotonic clock.
        tmux: CPU seconds of the tmux server.
        helpers: CPU seconds of the children of both, those that ended among them.
        ours: CPU seconds of our server.
        tmux_wakeups: how often each thread of the tmux server had waited and went on.
        our_wakeups: the same of each of our threads.
    """

    at: float
    tmux: float
    helpers: float
    ours: float
    tmux_wakeups: dict[int, int]
    our_wakeups: dict[int, int]


class Usage(NamedTuple):
    """What was used between two readings: percent of one core, and times a second."""

    tmux_percent: float
    helpers_percent: float
    tmuxpulse_percent: float
    together_percent: float
    tmux_wakeups_each_second: float
    tmuxpulse_wakeups_each_second: float


class Gauge:
    """Reads the counters of a tmux server and of ours.

    Args:
        tmux: the pid of the tmux server.
        ours: the pid of our server; None: there is none yet.
    """

    def __init__(self, tmux: int, ours: int | None = None) -> None:
        self._tmux = psutil.Process(tmux)
        self._ours = None if ours is None else psutil.Process(ours)

    def read(self) -> Reading:
        """Read all counters."""
        heads = [one for one in (self._tmux, self._ours) if one is not None]
        helpers = sum(one.cpu_times().children_user for one in heads)
        helpers += sum(one.cpu_times().children_system for one in heads)
        for child in self.children():
            with suppress(*GONE):
                helpers += sum(child.cpu_times()[:4])
        return Reading(
            at=time.monotonic(),
            tmux=sum(self._tmux.cpu_times()[:2]),
            helpers=helpers,
            ours=0.0 if self._ours is None else sum(self._ours.cpu_times()[:2]),
            tmux_wakeups=_wakeups(self._tmux.pid),
            our_wakeups={} if self._ours is None else _wakeups(self._ours.pid),
        )

    def over(self, seconds: float) -> Usage:
        """Wait, and tell what was used meanwhile."""
        before = self.read()
        time.sleep(seconds)
        return usage(before, self.read())

    def children(self) -> list[psutil.Process]:
        """Everything that both have started and that runs."""
        found = self._tmux.children()
        return found if self._ours is None else [*found, *self._ours.children(recursive=True)]

    @property
    def rss_mb(self) -> float:
        """Resident memory of our server, in 10^6 bytes."""
        return 0.0 if self._ours is None else round(self._ours.memory_info().rss / 1e6, 1)

    @contextmanager
    def counted_forks(self) -> Iterator[set[int]]:
        """Collect the pids of new children while the block runs.

        One that lives for less than 20 ms can be missed; when it was waited for, its CPU time is
        in the counters of `read` all the same.
        """
        known = {one.pid for one in self.children()}
        new: set[int] = set()
        over = threading.Event()

        def look() -> None:
            while not over.wait(LOOK_SECONDS):
                with suppress(*GONE):
                    new.update({one.pid for one in self.children()} - known)

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield new
        finally:
            over.set()
            thread.join()


def usage(before: Reading, after: Reading) -> Usage:
    """Tell what was used between two readings."""
    seconds = after.at - before.at

    def percent(used: float) -> float:
        return round(used / seconds * 100, 2)

    def each_second(before: dict[int, int], after: dict[int, int]) -> float:
        """Without what a thread did that has ended: its counter went with it."""
        gained = sum(count - before.get(thread, 0) for thread, count in after.items())
        return round(gained / seconds, 1)

    tmux, helpers = after.tmux - before.tmux, after.helpers - before.helpers
    ours = after.ours - before.ours
    return Usage(
        tmux_percent=percent(tmux),
        helpers_percent=percent(helpers),
        tmuxpulse_percent=percent(ours),
        together_percent=percent(tmux + helpers + ours),
        tmux_wakeups_each_second=each_second(before.tmux_wakeups, after.tmux_wakeups),
        tmuxpulse_wakeups_each_second=each_second(before.our_wakeups, after.our_wakeups),
    )


def _wakeups(pid: int) -> dict[int, int]:
    """Voluntary context switches of each thread: each ends with a wake-up."""
    found: dict[int, int] = {}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(*GONE):
            for line in (
                (thread / "status").read_text(encoding="ascii", errors="replace").split("\n")
            ):
                if line.startswith("voluntary_ctxt_switches"):
                    found[int(thread.name)] = int(line.split()[1])
    return found
