"""Which screens to capture, and when: all that are due in one run of tmux, none while it is quiet.

- A pane whose program addresses the screen is captured when it has printed.
- One that does not stream to us is sampled.
- One that appends needs no capture for its output, but its status does: at the first bytes after
  a pause, when it stops, and once in a while in between.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

import trio

from tmuxpulse.collect.alarm import Alarm
from tmuxpulse.collect.engine import Engine
from tmuxpulse.collect.feed import PaneFeed
from tmuxpulse.collect.screens import Shown

RUN_SECONDS = 0.1  # between two runs
SETTLE_SECONDS = 0.05  # a pane that appends has stopped
STEADY_SECONDS = 1.0  # between two captures of one that goes on


class Seen(Protocol):
    """Is given what was captured."""

    def __call__(self, pane_id: str, shown: Shown, at: float, *, changed: bool) -> None:
        """Take a screen.

        Args:
            pane_id: whose.
            shown: what it shows.
            at: when it looked so.
            changed: whether it differs from the one before.
        """


class Looks:
    """The captures of a server's panes.

    Args:
        feeds: the panes that are there.
        seen: is given each screen.
    """

    def __init__(self, feeds: Mapping[str, PaneFeed], seen: Seen) -> None:
        self._feeds = feeds
        self._seen = seen
        self._due: dict[str, float] = {}
        self._first: dict[str, float] = {}  # when what was not captured yet began
        self._captured: dict[str, float] = {}
        self._shown: dict[str, Shown] = {}
        self._alarm = Alarm()
        self._not_before = -math.inf
        self._sampled_at = -math.inf

    def changed(self, pane_id: str) -> None:
        """A pane's screen may look otherwise: it is new, has another size, begins to stream."""
        self._set(pane_id, trio.current_time())

    def printed(self, pane_id: str) -> None:
        """A pane printed."""
        now = trio.current_time()
        if self._feeds[pane_id].shows_screen:
            self._set(pane_id, now)
            return
        first = self._first.setdefault(pane_id, now)
        steady = max(first, self._captured.get(pane_id, -math.inf) + STEADY_SECONDS)
        self._set(pane_id, min(steady, now + SETTLE_SECONDS))

    def forget(self, pane_id: str) -> None:
        """A pane is gone."""
        for known in (self._due, self._first, self._captured):
            known.pop(pane_id, None)
        self._shown.pop(pane_id, None)

    async def run(self, engine: Engine) -> None:
        """Capture what is due when it is, until cancelled.

        Raises:
            TmuxError: the engine cannot.
        """
        while True:
            await self._alarm.wait()
            now = trio.current_time()
            if now >= self._not_before:
                wanted = self._wanted(now, engine.sample_seconds)
                if wanted:
                    self._not_before = now + RUN_SECONDS
                    await self._capture(engine, wanted, now)
            self._set_alarm(engine.sample_seconds)

    def _wanted(self, now: float, sample_seconds: float) -> list[str]:
        sample = now >= self._sampled_at + sample_seconds
        wanted = [
            pane_id
            for pane_id, feed in self._feeds.items()
            if self._due.get(pane_id, math.inf) <= now or (sample and not feed.streams)
        ]
        if sample:
            self._sampled_at = now
        for pane_id in wanted:  # what is printed from here on may not be on the screen
            self._due.pop(pane_id, None)
            self._first.pop(pane_id, None)
            self._captured[pane_id] = now
        return wanted

    async def _capture(self, engine: Engine, wanted: list[str], now: float) -> None:
        screens = await engine.capture(wanted)
        for pane_id, shown in screens.items():
            if pane_id in self._feeds:
                same = self._shown.get(pane_id) == shown
                self._shown[pane_id] = shown
                self._seen(pane_id, shown, now, changed=not same)

    def _set(self, pane_id: str, at: float) -> None:
        self._due[pane_id] = at
        self._alarm.set(max(at, self._not_before))

    def _set_alarm(self, sample_seconds: float) -> None:
        at = min(self._due.values(), default=math.inf)
        if any(not feed.streams for feed in self._feeds.values()):
            at = min(at, self._sampled_at + sample_seconds)
        self._alarm.set(max(at, self._not_before))
