"""When to look at the processes of which pane: only when something may have changed.

That is when a pane is new, when another command runs, when a shell marks a prompt, and when output
has stopped; and every few seconds while something works behind a prompt, since its use of the
processor takes two looks to see. Panes that are due at the same time are looked at together, in a
worker thread.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping

import trio

from tmuxpulse.collect.alarm import Timetable
from tmuxpulse.collect.processes import Found, look

SOON_SECONDS = 0.05  # what changes together is looked at together
LEAST_SECONDS = 0.5  # between two looks at one pane
QUIET_SECONDS = 0.4  # after its output has stopped
QUIET_LEAST_SECONDS = 2.0  # the same, when that was the only reason: people type and pause
AGAIN_SECONDS = 3.0

Looker = Callable[[Mapping[str, int]], Awaitable[Mapping[str, Found]]]


def in_thread() -> Looker:
    """Look in a worker thread, one look at a time; cancelling does not wait for it."""
    limiter = trio.CapacityLimiter(1)

    async def look_in_thread(pids: Mapping[str, int]) -> Mapping[str, Found]:
        return await trio.to_thread.run_sync(look, pids, abandon_on_cancel=True, limiter=limiter)

    return look_in_thread


class Scans:
    """The looks at the processes of a server's panes.

    Args:
        pids: gives the first process of each pane that has one.
        found: is given what was found in a pane.
        looker: looks.
    """

    def __init__(
        self,
        pids: Callable[[], Mapping[str, int]],
        found: Callable[[str, Found], None],
        looker: Looker | None = None,
    ) -> None:
        self._pids = pids
        self._found = found
        self._look = looker or in_thread()
        self._soon: dict[str, float] = {}
        self._quiet: dict[str, float] = {}
        self._looked: dict[str, float] = {}
        self._turns = Timetable()  # the earlier of the two

    def soon(self, pane_id: str) -> None:
        """Something has changed in a pane."""
        now = trio.current_time()
        due = max(now + SOON_SECONDS, self._looked.get(pane_id, -math.inf) + LEAST_SECONDS)
        self._set(self._soon, pane_id, min(due, self._soon.get(pane_id, math.inf)))

    def printed(self, pane_id: str) -> None:
        """A pane printed: it is looked at when it stops."""
        now = trio.current_time()
        looked = self._looked.get(pane_id, -math.inf)
        self._set(self._quiet, pane_id, max(now + QUIET_SECONDS, looked + QUIET_LEAST_SECONDS))

    def forget(self, pane_id: str) -> None:
        """A pane is gone."""
        for known in (self._soon, self._quiet, self._looked):
            known.pop(pane_id, None)
        self._turns.unset(pane_id)

    async def run(self) -> None:
        """Look when it is due, until cancelled."""
        while True:
            await self._turns.wait()
            now = trio.current_time()
            due = set(self._turns.due(now))
            for pane_id in due:
                self._soon.pop(pane_id, None)
                self._quiet.pop(pane_id, None)
                self._looked[pane_id] = now
            if not due:
                continue
            pids = {key: pid for key, pid in self._pids().items() if key in due}
            if pids:
                self._take(await self._look(pids))

    def _take(self, looks: Mapping[str, Found]) -> None:
        now = trio.current_time()
        for pane_id, found in looks.items():
            if pane_id not in self._looked:
                continue  # it went while it was looked at
            self._found(pane_id, found)
            if any(not child.foreground and child.state not in "TZ" for child in found.children):
                self._set(self._soon, pane_id, now + AGAIN_SECONDS)

    def _set(self, known: dict[str, float], pane_id: str, at: float) -> None:
        known[pane_id] = at
        soon, quiet = self._soon.get(pane_id, math.inf), self._quiet.get(pane_id, math.inf)
        self._turns.set(pane_id, min(soon, quiet))
