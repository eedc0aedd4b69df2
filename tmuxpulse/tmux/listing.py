"""The state stream: bytes of a long-lived tmux client, in any chunking, to ticks.

Each tick is the output of one script, between a begin and an end line that carry a nonce and the
tick's number. A tick without its end, or whose number is not its begin's, is dropped whole and
counted: half a list would look like panes that closed.
"""

from __future__ import annotations

import msgspec

from tmuxpulse.errors import ListingBroken

MAX_TICK_BYTES = 16 << 20


class Tick(msgspec.Struct, frozen=True):
    """The output of one script."""

    number: int
    body: bytes


def begin_command(nonce: str, number: int) -> str:
    """The command that opens a tick in a script."""
    return f"display-message -p '{nonce}B {number}'"


def end_command(nonce: str, number: int) -> str:
    """The command that closes a tick in a script."""
    return f"display-message -p '{nonce}E {number}'"


class TickParser:
    """Gathers ticks.

    Args:
        nonce: what begin and end lines start with; unknown to programs in panes.
        max_tick_bytes: a longer tick is an error: something else is writing.

    Attributes:
        dropped: how many ticks were torn.
    """

    def __init__(self, nonce: str, *, max_tick_bytes: int = MAX_TICK_BYTES) -> None:
        self._begin = f"{nonce}B ".encode()
        self._end = f"\n{nonce}E ".encode()
        self._max = max_tick_bytes
        self._buffer = bytearray(b"\n")  # so that the first line is after a newline, too
        self._searched = 0
        self.dropped = 0

    def feed(self, data: bytes) -> list[Tick]:
        """Take in more bytes; give the ticks that they finish.

        Raises:
            ListingBroken: a tick is longer than the bound.
        """
        self._buffer += data
        ticks: list[Tick] = []
        while True:
            at = self._buffer.find(self._end, self._searched)
            line_end = self._buffer.find(b"\n", at + len(self._end)) if at >= 0 else -1
            if line_end < 0:
                break
            number = bytes(self._buffer[at + len(self._end) : line_end])
            tick = self._tick(bytes(self._buffer[: at + 1]), number)
            if tick is None:
                self.dropped += 1
            else:
                ticks.append(tick)
            del self._buffer[:line_end]  # the newline stays: it begins the next tick
            self._searched = 0
        # An end mark that is still incomplete is found again; nothing else is scanned twice.
        self._searched = max(0, (at if at >= 0 else len(self._buffer) - len(self._end)))
        if len(self._buffer) > self._max:
            raise ListingBroken(f"a listing of more than {self._max} bytes")
        return ticks

    def _tick(self, text: bytes, number: bytes) -> Tick | None:
        """The tick that ends here: from its last begin line on; None when it is torn."""
        begin = text.rfind(b"\n" + self._begin)
        if begin < 0:
            return None
        head_end = text.find(b"\n", begin + 1)
        head = text[begin + 1 + len(self._begin) : head_end]
        if head != number or not number.isdigit():
            return None
        return Tick(int(number), text[head_end + 1 :])
