"""Moments to wait for, which can be moved meanwhile: one, or one for each of many names."""

from __future__ import annotations

import heapq
import math

import trio


class Alarm:
    """A moment; nobody is woken before it, and at rest there is none.

    One task waits.
    """

    def __init__(self) -> None:
        self._at = math.inf
        self._waiting: trio.CancelScope | None = None

    def set(self, at: float) -> None:
        """Ring at this time of trio's clock, unless it rings earlier anyway."""
        if at < self._at:
            self._at = at
            if self._waiting is not None:
                self._waiting.deadline = at

    async def wait(self) -> None:
        """Return when it rings; it is unset then, also for whatever else was to come."""
        with trio.CancelScope(deadline=self._at) as self._waiting:
            await trio.sleep_forever()
        self._waiting = None
        self._at = math.inf


class Timetable:
    """A moment for each of many names; waits for the first of them.

    A moment is put off far more often than it comes, as each line that a pane prints puts off what
    is to be done when it has stopped. That costs nothing here: the name stays where it is in the
    queue, and is put where it belongs when its turn comes there.

    One task waits.
    """

    def __init__(self) -> None:
        self._at: dict[str, float] = {}
        self._queue: list[tuple[float, str]] = []
        self._queued: dict[str, float] = {}  # the earliest place of each name in the queue
        self._alarm = Alarm()

    def __getitem__(self, name: str) -> float:
        """The moment of a name; infinite when it has none."""
        return self._at.get(name, math.inf)

    def set(self, name: str, at: float) -> None:
        """Put a name's moment at this time of trio's clock, whatever it was before."""
        self._at[name] = at
        self._enqueue(name, at)

    def unset(self, name: str) -> None:
        """Take a name's moment away."""
        self._at.pop(name, None)

    async def wait(self) -> None:
        """Return when `due` may give a name."""
        await self._alarm.wait()

    def due(self, now: float) -> list[str]:
        """Give the names whose moments have come, the earliest first; they have none any more."""
        found: list[str] = []
        while self._queue and self._queue[0][0] <= now:
            queued, name = heapq.heappop(self._queue)
            if self._queued.get(name) != queued:
                continue  # it has an earlier place, too, which came first
            del self._queued[name]
            if self[name] <= now:
                del self._at[name]
                found.append(name)
            elif name in self._at:
                self._enqueue(name, self._at[name])
        if self._queue:
            self._alarm.set(self._queue[0][0])
        return found

    def _enqueue(self, name: str, at: float) -> None:
        if at < self._queued.get(name, math.inf):
            self._queued[name] = at
            heapq.heappush(self._queue, (at, name))
            self._alarm.set(at)
