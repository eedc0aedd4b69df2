"""The last events, for who resumes: bounded in number and in bytes.

The newest are kept as they are, since most who resume were away for seconds. Those before them are
kept as their encodings, compressed, at about a twelfth of the memory, and are read when somebody
asks for them; who still waits for one of them has it as its encoding, too.
"""

from __future__ import annotations

import zlib
from array import array
from collections import deque
from collections.abc import Callable, Iterator

import msgspec

from tmuxpulse.events import Event
from tmuxpulse.hub.stream import Encoded

RECENT_EVENTS = 512  # are kept as they are, a few KiB each
RECENT_BYTES = 256 << 10
BLOCK_EVENTS = 256  # are compressed together: half a millisecond
BLOCK_BYTES = 128 << 10
LEVEL = 1


class _Block(msgspec.Struct, frozen=True):
    """Consecutive events: their encodings, a line each, compressed; and the size of each."""

    data: bytes
    sizes: array[int]

    def events(self) -> list[Encoded]:
        return [Encoded.read(line) for line in zlib.decompress(self.data).split(b"\n")]


class Ring:
    """The last events; when full, the oldest go.

    Args:
        max_events: how many are kept at most.
        max_bytes: how many bytes their encodings have at most, before compression.

    Attributes:
        bytes: how many they have now.
    """

    def __init__(self, *, max_events: int, max_bytes: int) -> None:
        self.bytes = 0
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._count = 0
        self._newest = 0
        self._recent: deque[Encoded] = deque()
        self._recent_bytes = 0
        self._blocks: deque[_Block] = deque()
        self._gone = 0  # so many of the first block's are not kept any more

    def __len__(self) -> int:
        return self._count

    def append(self, event: Encoded) -> None:
        """Keep one more: the one after the last."""
        self._newest = event.seq
        self._recent.append(event)
        self._recent_bytes += len(event.line)
        self.bytes += len(event.line)
        self._count += 1
        while self._count > self._max_events or self.bytes > self._max_bytes:
            self._drop()
        if (
            len(self._recent) >= RECENT_EVENTS + BLOCK_EVENTS
            or self._recent_bytes >= RECENT_BYTES + BLOCK_BYTES
        ):
            self._compress()

    def newest_first(self) -> Iterator[Encoded]:
        """From the last event back to the oldest that is kept.

        Who keeps one of the older ones keeps its encoding only.
        """
        yield from reversed(self._recent)
        blocks = list(self._blocks)
        for at in range(len(blocks) - 1, -1, -1):
            events = blocks[at].events()
            for event in reversed(events if at else events[self._gone :]):
                yield event
                event.let_go()

    def holds(self, seq: int, *, newest: int) -> bool:
        """Tell whether everything after `seq` is kept, as for `since`."""
        if not self._count:
            return seq == newest
        return self._newest - self._count <= seq <= newest

    def since(
        self, seq: int, *, newest: int, admits: Callable[[Event], bool]
    ) -> list[Encoded] | None:
        """What `admits` of all after `seq`, in order; None when some of that is no longer kept.

        Args:
            seq: the last event that was seen.
            newest: the number of the newest event there is.
            admits: tells whether an event is wanted.
        """
        if seq > newest or not self.holds(seq, newest=newest):
            return None
        found: list[Encoded] = []
        for event in self.newest_first():
            if event.seq <= seq:
                break
            if admits(event.numbered.event):
                found.append(event)
        found.reverse()
        return found

    def _drop(self) -> None:
        self._count -= 1
        if not self._blocks:
            event = self._recent.popleft()
            event.let_go()
            self._recent_bytes -= len(event.line)
            self.bytes -= len(event.line)
            return
        sizes = self._blocks[0].sizes
        self.bytes -= sizes[self._gone]
        self._gone += 1
        if self._gone == len(sizes):
            self._blocks.popleft()
            self._gone = 0

    def _compress(self) -> None:
        """Make the oldest of what is kept as it is a block."""
        lines: list[bytes] = []
        size = 0
        while self._recent and len(lines) < BLOCK_EVENTS and size < BLOCK_BYTES:
            event = self._recent.popleft()
            event.let_go()
            lines.append(event.line)
            size += len(event.line)
        self._recent_bytes -= size
        sizes = array("L", map(len, lines))
        self._blocks.append(_Block(zlib.compress(b"\n".join(lines), LEVEL), sizes))
