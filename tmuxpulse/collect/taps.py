"""The bytes that panes write, for those who ask for them: `pane.bytes`, secrets blotted out.

Nothing is done while nobody asks. Where asking begins within what a pane writes, so do the bytes.
"""

from __future__ import annotations

import trio
from trio_util import AsyncBool

from tmuxpulse.events import PaneBytes
from tmuxpulse.redaction.raw import RawRedactor
from tmuxpulse.redaction.redactor import Redactor

MAX_EVENT_BYTES = 16_384
HOLD_SECONDS = 0.1  # how long what may become a secret waits for more


class Taps:
    """One for each pane of a tmux server that is listened to.

    Args:
        redactor: knows what a secret is.

    Attributes:
        holding: whether anything is held back.
    """

    def __init__(self, redactor: Redactor) -> None:
        self.holding = AsyncBool(False)
        self._redactor = redactor
        self._taps: dict[str, RawRedactor] = {}

    def feed(self, pane_id: str, data: bytes, size: tuple[int, int]) -> list[PaneBytes]:
        """Take what a pane wrote, and give the events.

        Args:
            pane_id: which.
            data: the bytes.
            size: of the pane, columns and rows.
        """
        tap = self._taps.get(pane_id)
        if tap is None:
            tap = self._taps[pane_id] = RawRedactor(self._redactor)
        self.holding.value = True
        return _events(tap.feed(data), size)

    def flush(self, pane_id: str, size: tuple[int, int]) -> list[PaneBytes]:
        """Give what is held back of a pane."""
        tap = self._taps.get(pane_id)
        return [] if tap is None else _events(tap.flush(), size)

    @property
    def panes(self) -> list[str]:
        """Those that are listened to."""
        return list(self._taps)

    def forget(self, pane_id: str) -> None:
        """A pane is gone."""
        self._taps.pop(pane_id, None)

    def clear(self) -> None:
        """Nobody asks any more."""
        self._taps.clear()
        self.holding.value = False

    async def wait(self) -> None:
        """Return when something has been held back for long enough."""
        await self.holding.wait_value(True)
        await trio.sleep(HOLD_SECONDS)
        self.holding.value = False


def _events(data: bytes, size: tuple[int, int]) -> list[PaneBytes]:
    return [
        PaneBytes(data=data[at : at + MAX_EVENT_BYTES], columns=size[0], rows=size[1])
        for at in range(0, len(data), MAX_EVENT_BYTES)
    ]
