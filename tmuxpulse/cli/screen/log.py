"""The events that the full screen shows: the newest ones that a filter admits, bounded. Pure.

What cannot be read as it passes is left out: unfinished lines, and of a screen that is drawn over
and over all but one a second. Texts are made when a row is drawn, not for each event.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from itertools import islice

import msgspec

from tmuxpulse.cli.describe import describe
from tmuxpulse.cli.lines import place_text
from tmuxpulse.client.incoming import Received
from tmuxpulse.events import Event, PaneOutput
from tmuxpulse.filters import EVERYTHING, Filter, compile_filters

MAX_EVENTS = 5000
SCREEN_SECONDS = 1.0
MAX_TEXT = 1000


class Note(msgspec.Struct, frozen=True):
    """A line of ours between the events.

    Attributes:
        at: seconds since the epoch.
        text: what it says.
    """

    at: float
    text: str


Entry = Received | Note


class Log:
    """The newest events.

    Attributes:
        total: how many entries were admitted in all; the last is number ``total - 1``.
    """

    def __init__(self) -> None:
        self.total = 0
        self._kept: deque[Entry] = deque(maxlen=MAX_EVENTS)
        self._shown: deque[Entry] = deque(maxlen=MAX_EVENTS)
        self._admits = compile_filters([EVERYTHING])
        self._wanted = EVERYTHING
        self._screens: dict[tuple[str | None, str | None], float] = {}

    @property
    def first(self) -> int:
        """The number of the oldest entry that is still there."""
        return self.total - len(self._shown)

    def add(self, item: Received, now: float) -> None:
        """Take an event."""
        event = item.numbered.event
        if isinstance(event.data, PaneOutput) and not self._is_readable(event, event.data, now):
            return
        self._kept.append(item)
        if self._wanted is EVERYTHING or self._admits(event):
            self._shown.append(item)
            self.total += 1

    def note(self, text: str, now: float) -> None:
        """Put a line of ours between the events."""
        for entries in (self._kept, self._shown):
            entries.append(Note(now, text))
        self.total += 1

    def narrow(self, wanted: Filter) -> None:
        """Show what another filter admits, of what is still there."""
        self._wanted = EVERYTHING if wanted == EVERYTHING else wanted
        self._admits = compile_filters([wanted])
        self._shown = deque(
            (
                entry
                for entry in self._kept
                if isinstance(entry, Note) or self._admits(entry.numbered.event)
            ),
            maxlen=MAX_EVENTS,
        )
        self.total = max(self.total, len(self._shown))

    def entries(self) -> list[Entry]:
        """All that is shown, the oldest first."""
        return list(self._shown)

    def last(self, end: int, count: int) -> list[Entry]:
        """Up to `count` entries before number `end`, the oldest first."""
        held = len(self._shown)
        stop = min(max(end - self.first, 0), held)
        start = max(stop - count, 0)
        # From the end: that is what is nearly always asked for.
        return list(islice(reversed(self._shown), held - stop, held - start))[::-1]

    def _is_readable(self, event: Event, data: PaneOutput, now: float) -> bool:
        if data.mode == "append":
            return any(line.strip() for line in data.lines)
        pane = (event.place.server, event.place.pane_id)
        if now - self._screens.get(pane, 0.0) < SCREEN_SECONDS:
            return False
        if len(self._screens) >= MAX_EVENTS:
            self._screens.clear()
        self._screens[pane] = now
        return True


def clock(entry: Entry) -> str:
    """The user's wall clock at an entry."""
    if isinstance(entry, Note):
        return datetime.fromtimestamp(entry.at).astimezone().strftime("%H:%M:%S")
    return _local_second(entry.numbered.timestamp[:19])


def where(entry: Entry, servers: int) -> str:
    """Where it happened."""
    return (
        "" if isinstance(entry, Note) else place_text(entry.numbered.event.place, servers=servers)
    )


def summary(entry: Entry) -> str:
    """What happened, in one line."""
    if isinstance(entry, Note):
        return entry.text
    data = entry.numbered.event.data
    if isinstance(data, PaneOutput) and data.mode == "append":
        lines = [line for line in data.lines if line.strip()]
        more = f"  (+{len(lines) - 1} lines before)" if len(lines) > 1 else ""
        return (lines[-1] if lines else data.partial)[:MAX_TEXT] + more
    return describe(data)[:MAX_TEXT]


def matching(entries: Sequence[Entry], needle: str, servers: int) -> list[int]:
    """The positions of the entries in whose text a casefolded text is."""
    return [
        at
        for at, entry in enumerate(entries)
        if needle in summary(entry).casefold() or needle in where(entry, servers).casefold()
    ]


@lru_cache(maxsize=64)
def _local_second(utc: str) -> str:
    try:
        return datetime.fromisoformat(f"{utc}+00:00").astimezone().strftime("%H:%M:%S")
    except ValueError:  # not a timestamp
        return "--:--:--"
