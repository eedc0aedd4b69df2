"""Which screens to capture, and when: all that are due in one run of tmux, none while it is quiet.

- A pane whose program addresses the screen is captured when it has printed.
- One that does not stream to us is sampled.
- One that appends needs no capture for its output, but its status does: at the first bytes after
  a pause, when it stops, and once in a while in between. One that stops again and again, as a log
  does after each line, is not believed for long: it is captured once in a while, until it stops in
  the middle of a line, as a question does.
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
NEWS_SECONDS = 0.03  # before one for a pane that was not captured for `STEADY_SECONDS` / 2
SETTLE_SECONDS = 0.05  # a pane that appends has stopped
STEADY_SECONDS = 1.0  # between two captures of one that goes on
STOPS = 4  # so many stops of one that appends are believed, and one more in `STEADY_SECONDS`
OFTEN_SETTLE_SECONDS = 0.1  # what settles one that stops more often, in the middle of its line


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
        self._believed: dict[str, float] = {}  # a bucket of `STOPS`: when it is empty again
        self._shown: dict[str, Shown] = {}
        self._alarm = Alarm()
        self._ran_at = -math.inf
        self._sampled_at = -math.inf

    def changed(self, pane_id: str) -> None:
        """A pane's screen may look otherwise: it is new, has another size, begins to stream."""
        self._set(pane_id, trio.current_time())

    def printed(self, pane_id: str, *, ends_line: bool = False) -> None:
        """A pane printed.

        Args:
            pane_id: which.
            ends_line: whether a line ends there.
        """
        now = trio.current_time()
        if self._feeds[pane_id].shows_screen:
            self._set(pane_id, now)
            return
        first = self._first.setdefault(pane_id, now)
        steady = max(first, self._captured.get(pane_id, -math.inf) + STEADY_SECONDS)
        settle = SETTLE_SECONDS
        if self._believed.get(pane_id, -math.inf) > now + STOPS * STEADY_SECONDS:
            settle = math.inf if ends_line else OFTEN_SETTLE_SECONDS
        self._set(pane_id, min(steady, now + settle))

    def forget(self, pane_id: str) -> None:
        """A pane is gone."""
        for known in (self._due, self._first, self._captured, self._believed):
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
            wanted = self._wanted(now, engine.sample_seconds)
            if wanted:
                self._ran_at = now
                await self._capture(engine, wanted, now)
            self._set_alarm(engine.sample_seconds)

    def _wanted(self, now: float, sample_seconds: float) -> list[str]:
        sample = now >= max(self._sampled_at + sample_seconds, self._ran_at + RUN_SECONDS)
        if sample:
            self._sampled_at = now
        sampled = {key for key, feed in self._feeds.items() if sample and not feed.streams}
        due = {key for key, at in self._due.items() if at <= now}
        if not sampled and not any(self._may_run(key) <= now for key in due):
            return []
        # Those that go on come along, so that they do not have runs of their own.
        going = {key for key in self._first if self._is_news(key, now)}
        all_wanted = sampled | due | going
        wanted = [key for key in self._feeds if key in all_wanted]
        for pane_id in wanted:  # what is printed from here on may not be on the screen
            self._due.pop(pane_id, None)
            self._first.pop(pane_id, None)
            self._captured[pane_id] = now
            believed = max(self._believed.get(pane_id, now), now)
            self._believed[pane_id] = min(believed, now + STOPS * STEADY_SECONDS) + STEADY_SECONDS
        return wanted

    def _is_news(self, pane_id: str, now: float) -> bool:
        """Whether it was not captured for a while."""
        return now >= self._captured.get(pane_id, -math.inf) + STEADY_SECONDS / 2

    def _may_run(self, pane_id: str) -> float:
        """When there may be a run for a pane's sake."""
        due = self._due[pane_id]
        gap = NEWS_SECONDS if self._is_news(pane_id, due) else RUN_SECONDS
        return max(due, self._ran_at + gap)

    async def _capture(self, engine: Engine, wanted: list[str], now: float) -> None:
        screens = await engine.capture(wanted)
        for pane_id, shown in screens.items():
            if pane_id in self._feeds:
                same = self._shown.get(pane_id) == shown
                self._shown[pane_id] = shown
                self._seen(pane_id, shown, now, changed=not same)

    def _set(self, pane_id: str, at: float) -> None:
        self._due[pane_id] = at
        self._alarm.set(self._may_run(pane_id))

    def _set_alarm(self, sample_seconds: float) -> None:
        at = min(map(self._may_run, self._due), default=math.inf)
        if any(not feed.streams for feed in self._feeds.values()):
            at = min(at, max(self._sampled_at + sample_seconds, self._ran_at + RUN_SECONDS))
        self._alarm.set(at)
