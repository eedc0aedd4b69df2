"""What the hub hands out: batches of numbered events, gaps, and the ring that keeps the last ones.

No task and no channel lives here; `hub` has those.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import cached_property

import msgspec

from tmuxpulse.events import PaneOutput
from tmuxpulse.wire import Numbered, Tree

MESSAGE_CHARACTERS = 128 << 10  # of joined events; peers commonly refuse messages above 1 MiB


class Encoded(msgspec.Struct, frozen=True):
    """A numbered event and its one encoding, shared by everybody who gets it."""

    numbered: Numbered
    line: bytes


def is_output(event: Encoded) -> bool:
    """Tell whether an event is what a pane printed: the first to go when a reader is slow."""
    return isinstance(event.numbered.event.data, PaneOutput)


class Batch:
    """Events that go out together, in order; shared by all readers with equal filters."""

    def __init__(self, events: tuple[Encoded, ...]) -> None:
        self.events = events

    @cached_property
    def messages(self) -> list[str]:
        """The events as JSON objects with a newline between them: joined and decoded once.

        More than one text only where one would be over `MESSAGE_CHARACTERS`.
        """
        return pack([event.line.decode() for event in self.events])

    @cached_property
    def size(self) -> int:
        """Bytes of all encodings together."""
        return sum(len(event.line) for event in self.events)


def pack(texts: list[str]) -> list[str]:
    """Join texts with newlines into as few as `MESSAGE_CHARACTERS` allows; none is cut."""
    packed: list[str] = []
    begin = size = 0
    for position, text in enumerate(texts):
        if size + len(text) > MESSAGE_CHARACTERS and position > begin:
            packed.append("\n".join(texts[begin:position]))
            begin, size = position, 0
        size += len(text) + 1
    if begin < len(texts):
        packed.append("\n".join(texts[begin:]))
    return packed


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """A reader is slow: its queue is half full.

    Attributes:
        seq: the number of the newest event.
        queued: how many events wait for it.
    """

    seq: int
    queued: int


class Thinned(msgspec.Struct, frozen=True, kw_only=True):
    """A reader was too slow for what panes printed: that is missing, and everything else comes.

    Attributes:
        from_seq: the first that is missing.
        to_seq: the last.
        dropped: how many are.
    """

    from_seq: int
    to_seq: int
    dropped: int


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """A reader was too slow: events are missing, and here is the state after them.

    Attributes:
        from_seq: the first that is missing.
        to_seq: the last; the next batch begins after it.
        dropped: how many of them the reader's filters had admitted.
        tree: the state after `to_seq`.
    """

    from_seq: int
    to_seq: int
    dropped: int
    tree: Tree


class Ring:
    """The last events, bounded in number and in bytes; when full, the oldest go.

    Args:
        max_events: how many are kept at most.
        max_bytes: how many bytes their encodings take at most.
    """

    def __init__(self, *, max_events: int, max_bytes: int) -> None:
        self._events: deque[Encoded] = deque()
        self._max_events = max_events
        self._max_bytes = max_bytes
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._events)

    def append(self, event: Encoded) -> None:
        """Keep one more."""
        self._events.append(event)
        self.bytes += len(event.line)
        while len(self._events) > self._max_events or self.bytes > self._max_bytes:
            self.bytes -= len(self._events.popleft().line)

    def newest_first(self) -> Iterator[Encoded]:
        """From the last event back to the oldest that is kept."""
        return reversed(self._events)

    def holds(self, seq: int, *, newest: int) -> bool:
        """Tell whether everything after `seq` is kept, as for `since`."""
        if not self._events:
            return seq == newest
        return self._events[0].numbered.seq - 1 <= seq <= newest

    def since(self, seq: int, *, newest: int) -> list[Encoded] | None:
        """Everything after `seq`, in order; None when some of it is no longer kept.

        Args:
            seq: the last event that was seen.
            newest: the number of the newest event there is.
        """
        if seq > newest:
            return None
        found: list[Encoded] = []
        for event in self.newest_first():
            if event.numbered.seq <= seq:
                break
            found.append(event)
        if len(found) != newest - seq:
            return None
        found.reverse()
        return found
