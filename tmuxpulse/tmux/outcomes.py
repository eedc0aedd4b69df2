"""Reads what a script of `scripts` printed: which orders were done, which failed, which never ran.

An order is done when its marker was printed: tmux drops the rest of a line when a command fails.
Neither the exit status nor the errors decide, since a hook of the user's can fail, too.

It takes bytes in any chunking and keeps a bounded part of them. It does not know what the orders
were.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from tmuxpulse.styles import Screen
from tmuxpulse.tmux.formats import MAX_TEXT, clean
from tmuxpulse.tmux.scripts import INPUT_OFF, PANE_DEAD
from tmuxpulse.tmux.styled import parse_screen

MAX_OUTPUT_BYTES: Final = 262_144  # of one order
MAX_ERROR: Final = 300  # characters
NOT_RUN: Final = "not run: an order before it failed"
NO_ANSWER: Final = "tmux gave no answer to it"

_REASONS = {
    PANE_DEAD: "the program in the pane has ended",
    INPUT_OFF: "input to the pane is switched off",
}


class Outcome(msgspec.Struct, frozen=True):
    """What became of one order.

    Attributes:
        ok: it was done.
        output: what was asked for: a screen, the ids of what was made. Cut at its beginning to
            `MAX_OUTPUT_BYTES`, with a first line that says so.
        error: why it was not done: tmux's own text, or `NOT_RUN`.
        screen: what a styled capture asked for, in place of an output.
    """

    ok: bool
    output: str = ""
    error: str = ""
    screen: Screen | None = None


class OutcomeReader:
    """Reads the output of one run.

    Args:
        nonce: the one of the script.
        count: how many orders the script had.
    """

    def __init__(self, nonce: str, count: int) -> None:
        self._marker = re.compile(rb"%b (\d+) ([-+*])\n" % nonce.encode())
        self._nonce = nonce.encode()
        self._count = count
        self._pending = bytearray()
        self._cut = 0
        self._done: list[Outcome] = []

    @property
    def done(self) -> int:
        """How many orders are known to have been done."""
        return len(self._done)

    def feed(self, data: bytes | bytearray) -> None:
        """Take the next bytes."""
        self._pending += data
        while marker := self._marker.search(self._pending):
            kind = bytes(marker[2])
            taken = b"" if kind == b"-" else bytes(self._pending[: marker.start()])
            del self._pending[: marker.end()]
            text, cut = _bounded(taken, self._cut)
            if kind == b"*":
                self._done.append(Outcome(ok=True, screen=parse_screen(text, cut=cut > 0)))
            else:
                self._done.append(Outcome(ok=True, output=_output(text, cut)))
            self._cut = 0
        # A marker that is only partly here is at the end, which stays.
        excess = len(self._pending) - 2 * MAX_OUTPUT_BYTES
        if excess > 0:
            del self._pending[:excess]
            self._cut += excess

    def finish(self, stderr: bytes) -> list[Outcome]:
        """Give the outcomes, one for each order, when there is no more to come.

        Args:
            stderr: the errors that tmux printed; the last is of the order that failed.
        """
        outcomes = self._done[: self._count]
        if len(outcomes) < self._count:
            outcomes.append(Outcome(ok=False, error=_reason(stderr)))
        missing = self._count - len(outcomes)
        return [*outcomes, *[Outcome(ok=False, error=NOT_RUN)] * missing]


def parse(body: bytes, stderr: bytes, nonce: str, count: int) -> list[Outcome]:
    """Read a whole run at once; as `OutcomeReader`."""
    reader = OutcomeReader(nonce, count)
    reader.feed(body)
    return reader.finish(stderr)


def output_text(data: bytes, cut: int = 0) -> str:
    """What tmux printed, without anything that could steer a terminal; bounded.

    Args:
        data: as it came.
        cut: how many bytes before it were left out already.
    """
    return _output(*_bounded(data, cut))


def _bounded(data: bytes, cut: int) -> tuple[str, int]:
    """The end of what was printed, and how many bytes before it are left out."""
    if len(data) > MAX_OUTPUT_BYTES:
        # The newest lines are at the end; what remains begins with a whole one, if it can.
        least = len(data) - MAX_OUTPUT_BYTES
        start = data.find(b"\n", least - 1, len(data) - 1) + 1 or least
        cut += start
        data = data[start:]
    return data.decode("utf-8", "replace").removesuffix("\n"), cut


def _output(text: str, cut: int) -> str:
    # `clean` is for one name and cuts it; a screen is as long as it is.
    parts = (clean(text[at : at + MAX_TEXT]) for at in range(0, len(text), MAX_TEXT))
    note = f"[{cut} bytes left out]\n" if cut else ""
    return note + "".join(parts)


def _reason(stderr: bytes) -> str:
    lines = stderr.decode("utf-8", "replace").split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "")
    for option, reason in _REASONS.items():
        if option in last:
            return reason
    return " ".join(clean(last).split())[:MAX_ERROR] or NO_ANSWER
