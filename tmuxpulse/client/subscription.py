"""One subscription: what came for one reader, in order and within bounds.

How it is told apart from the others on a connection is not known here. Pure.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

from tmuxpulse.client.view import Event, Gap, note
from tmuxpulse.errors import TmuxpulseError
from tmuxpulse.filters import Filter, compile_filters
from tmuxpulse.wire import Tree

MAX_QUEUED_EVENTS = 20_000  # of one subscription; further ones are counted, and told as a gap
FULL_EVENTS = 1_000  # with so many no more is read, unless somebody waits for something

At = tuple[int, int]  # a position: the rank of an epoch, and a number in it


class Mode(Enum):
    """Where a subscription stands on this connection."""

    NEW = "not confirmed"
    HELD = "waits for its own replay to be complete"
    LIVE = "gets what comes"


class Subscription:
    """What one reader wants, and what came for it.

    Args:
        wanted: which events.
        with_state: whether the state before the first event is wanted.

    Attributes:
        state: that state, once it came.
        error: why nothing more comes; what came before is still there.
        is_confirmed: whether the server has agreed to it, ever.
        is_waiting: whether somebody waits for an event now.
        is_abandoned: nobody will read it any more; may be set from anywhere.
        name: what the server calls it on this connection.
    """

    def __init__(self, wanted: Filter, *, with_state: bool = False) -> None:
        self.wanted = wanted
        self.with_state = with_state
        self.state: Tree | None = None
        self.error: TmuxpulseError | None = None
        self.is_confirmed = False
        self.is_waiting = False
        self.is_abandoned = False
        self.name = ""
        self.mode = Mode.NEW
        self.at: At | None = None  # where to resume from; kept up to date while not LIVE
        self.admits = compile_filters([wanted])
        self._items: deque[Event] = deque()
        self._held: dict[tuple[int, int, int], Event] = {}
        self._dropped: tuple[Event, Event, int] | None = None

    def __len__(self) -> int:
        return len(self._items) + (self._dropped is not None)

    @property
    def has_news(self) -> bool:
        """Whether there is something to take, or never will be."""
        return bool(self._items) or self._dropped is not None or self.error is not None

    def put(self, event: Event) -> None:
        """Queue an event; with too many before it, count it."""
        if self._dropped is not None:
            first, _, count = self._dropped
            self._dropped = (first, event, count + 1)
        elif len(self._items) >= MAX_QUEUED_EVENTS:
            self._dropped = (event, event, 1)
        else:
            self._items.append(event)

    def take(self) -> Event | None:
        """Give the next event, or the gap where some were not queued; None: there is none."""
        if self._items:
            return self._items.popleft()
        if self._dropped is None:
            return None
        (first, last, count), self._dropped = self._dropped, None
        lost = Gap(
            reason="slow",
            first=first.seq,
            last=last.seq if first.epoch == last.epoch else None,
            dropped=count,
        )
        return note(lost, epoch=last.epoch, seq=last.seq)

    def hold(self, key: tuple[int, int, int], event: Event) -> None:
        """Keep an event, or a note, until all before it have come.

        Args:
            key: its position, and 0; a note comes after the event at its position: 1 or more.
            event: either.
        """
        if self.at is None or key > (*self.at, 0):
            self._held.setdefault(key, event)

    def release(self) -> None:
        """Queue what was kept, in order."""
        for key in sorted(self._held):
            self.put(self._held[key])
        self.go()

    def go(self) -> None:
        """Get what comes from now on; what was kept is too old."""
        self._held.clear()
        self.mode = Mode.LIVE

    def cut(self, at: At) -> None:
        """The connection is gone, with everything up to `at` on this side if it was live."""
        if self.mode is Mode.LIVE:
            self.at = at
        if self.with_state and self.state is None:  # it comes first: nothing else has come
            self.at = None
        self._held.clear()
        self.name = ""
        self.mode = Mode.NEW
