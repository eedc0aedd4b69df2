"""Deaths of panes whose exit status tmux does not tell yet: held back for a moment.

``pane_dead`` can be set before the status is known (6 times of 20 on 3.3a).
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import trio
from trio_util import AsyncBool

from tmuxpulse.tmux.formats import EMPTY, Listing

STATUS_SECONDS = 0.3  # how long tmux may take to tell


class Deaths:
    """What is held back of a server's lists."""

    def __init__(self) -> None:
        self._dying: dict[str, float] = {}
        self._listing: Listing = EMPTY
        self._held_back = AsyncBool(False)

    def clear(self) -> None:
        """All panes are gone."""
        self._dying.clear()
        self._listing = EMPTY

    def hold(self, listing: Listing) -> Listing:
        """Give a list without the deaths that are held back."""
        self._listing = listing
        now = trio.current_time()
        rows = []
        dying: dict[str, float] = {}
        held_back = False
        for row in listing.panes:
            shown = row
            untold = row.pane_dead and row.pane_dead_status is None and row.pane_dead_signal is None
            if untold:
                since = dying[row.pane_id] = self._dying.get(row.pane_id, now)
                if now < since + STATUS_SECONDS:
                    shown = msgspec.structs.replace(row, pane_dead=False)
                    held_back = True
            rows.append(shown)
        self._dying = dying
        self._held_back.value = held_back
        return msgspec.structs.replace(listing, panes=tuple(rows)) if dying else listing

    async def run(self, take: Callable[[Listing], None]) -> None:
        """Have the last list taken again when a death was held back: there may be no other."""
        while True:
            await self._held_back.wait_value(True)
            await trio.sleep(STATUS_SECONDS)
            self._held_back.value = False
            take(self._listing)
