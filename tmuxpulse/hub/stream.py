"""What the hub hands out: batches of numbered events, and what is missing.

No task and no channel lives here; `hub` has those.
"""

from __future__ import annotations

from functools import cached_property

import msgspec

from tmuxpulse.events import Data, PaneOutput
from tmuxpulse.wire import Numbered, Tree, decode_message

MESSAGE_CHARACTERS = 128 << 10  # of joined events; peers commonly refuse messages above 1 MiB


class Encoded:
    """A numbered event and its one encoding, shared by everybody who gets it.

    The event itself takes several times the memory of its encoding. So it is let go once it is not
    among the newest any more (`ring`), whoever is slow and still waits for it, and read again from
    the encoding by who needs it.

    Attributes:
        seq: its number.
        kind: the type of its data.
        line: its encoding.
    """

    __slots__ = ("_numbered", "kind", "line", "seq")

    def __init__(self, numbered: Numbered, line: bytes) -> None:
        self.seq = numbered.seq
        self.kind: type[Data] = type(numbered.event.data)
        self.line = line
        self._numbered: Numbered | None = numbered

    @classmethod
    def read(cls, line: bytes) -> Encoded:
        """Have an event again from its encoding."""
        return cls(_read(line), line)

    @property
    def numbered(self) -> Numbered:
        """The event with its number and time."""
        return self._numbered or _read(self.line)

    def let_go(self) -> None:
        """Keep the encoding alone."""
        self._numbered = None


def _read(line: bytes) -> Numbered:
    numbered = decode_message(line)
    if not isinstance(numbered, Numbered):
        raise TypeError(f"no event: {line[:200]!r}")  # it was encoded here
    return numbered


def is_output(event: Encoded) -> bool:
    """Tell whether an event is what a pane printed: the first to go when a reader is slow."""
    return issubclass(event.kind, PaneOutput)


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
