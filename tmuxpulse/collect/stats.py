"""What the processes of each pane use: `system.stats`, while somebody listens.

Measured in a worker thread. Processes end at any time; what cannot be seen is not counted, and
without psutil nothing is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import trio

from tmuxpulse.collect.processes import tree
from tmuxpulse.events import PaneStats, SystemStats

STATS_SECONDS = 5.0
FIRST_SECONDS = 1.0  # the first time: since the look that it takes to begin with
ASK_SECONDS = 1.0  # how often it is asked whether anybody listens


class Meter:
    """Measures; one measurement after the other.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._measured_at: float | None = None
        self._cpu: dict[tuple[int, float], float] = {}  # by process, seconds

    def measure(self, pids: Mapping[str, int]) -> tuple[PaneStats, ...]:
        """Measure, since the last time.

        Args:
            pids: the first process of each pane.

        Returns:
            What each of them uses whose process can be seen. The first time, no processor time.
        """
        now = self._clock()
        before, self._cpu = self._cpu, {}
        since = self._measured_at
        self._measured_at = now
        found = (self._pane(pane_id, pid, before, since, now) for pane_id, pid in pids.items())
        return tuple(stats for stats in found if stats is not None)

    def _pane(
        self,
        pane_id: str,
        pid: int,
        before: Mapping[tuple[int, float], float],
        since: float | None,
        now: float,
    ) -> PaneStats | None:
        try:
            import psutil
        except ImportError:
            return None
        used, memory, count = 0.0, 0, 0
        try:
            for process in tree(psutil.Process(pid)):
                try:
                    with process.oneshot():
                        times, created = process.cpu_times(), process.create_time()
                        memory += process.memory_info().rss
                except (psutil.Error, OSError):
                    continue
                count += 1
                key, seconds = (process.pid, created), times.user + times.system
                self._cpu[key] = seconds
                # One that was not there before has used all of its time since.
                used += max(0.0, seconds - before.get(key, 0.0))
        except (psutil.Error, OSError):
            return None  # the pane's own process is gone
        elapsed = 0.0 if since is None else now - since
        return PaneStats(
            pane_id=pane_id,
            cpu_percent=round(100 * used / elapsed, 1) if elapsed > 0 else 0.0,
            memory_bytes=memory,
            processes=count,
        )


async def run_stats(
    wanted: Callable[[], bool],
    pids: Callable[[], Mapping[str, int]],
    publish: Callable[[SystemStats], None],
    *,
    meter: Callable[[], Meter] = Meter,
) -> None:
    """Publish measurements while they are wanted, until cancelled.

    Args:
        wanted: tells whether anybody listens.
        pids: gives the first process of each pane that has one.
        publish: is given each measurement; not an empty one.
        meter: makes what measures.
    """
    limiter = trio.CapacityLimiter(1)

    async def measured(by: Meter) -> tuple[PaneStats, ...]:
        return await trio.to_thread.run_sync(
            by.measure, dict(pids()), abandon_on_cancel=True, limiter=limiter
        )

    while True:
        while not wanted():  # noqa: ASYNC110  # nobody tells
            await trio.sleep(ASK_SECONDS)
        by = meter()
        await measured(by)
        await trio.sleep(FIRST_SECONDS)
        while wanted():
            panes = await measured(by)
            there = pids()  # some may have gone meanwhile
            panes = tuple(one for one in panes if one.pane_id in there)
            if panes:
                publish(SystemStats(panes=panes))
            await trio.sleep(STATS_SECONDS)
