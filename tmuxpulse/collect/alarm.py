"""One moment to wait for, which can be brought forward meanwhile: a timer for many things."""

from __future__ import annotations

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
