"""Deaths of panes whose exit status tmux does not tell yet.

``pane_dead`` can be set before the status is known (6 times of 20 on 3.3a). When several programs
end at once tmux now and then misses one of them until the next of its children ends (seen 4 times
of 25 on 3.3a: the program stays a zombie). The kernel knows how a zombie ended; where it does not
tell, the death is held back for a moment.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import trio
from trio_util import AsyncBool

from tmuxpulse.tmux.formats import EMPTY, Listing, PaneRow

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
        held_back = is_changed = False
        for row in listing.panes:
            shown = told(row) if _is_untold(row) else row
            if _is_untold(shown):
                since = dying[row.pane_id] = self._dying.get(row.pane_id, now)
                if now < since + STATUS_SECONDS:
                    shown = msgspec.structs.replace(row, pane_dead=False)
                    held_back = True
            is_changed = is_changed or shown is not row
            rows.append(shown)
        self._dying = dying
        self._held_back.value = held_back
        return msgspec.structs.replace(listing, panes=tuple(rows)) if is_changed else listing

    async def run(self, take: Callable[[Listing], None]) -> None:
        """Have the last list taken again when a death was held back: there may be no other."""
        while True:
            await self._held_back.wait_value(True)
            await trio.sleep(STATUS_SECONDS)
            self._held_back.value = False
            take(self._listing)


def told(row: PaneRow, proc: Path = Path("/proc")) -> PaneRow:
    """Give a dead pane's row with how its program ended, where the kernel tells.

    Args:
        row: whose program has ended.
        proc: where the kernel tells of processes; without it nothing is known.
    """
    try:
        stat = (proc / str(row.pane_pid) / "stat").read_bytes()
    except OSError:  # it is gone, or nobody tells
        return row
    status = zombie_status(stat)
    if status is None:
        return row
    if os.WIFSIGNALED(status):
        return msgspec.structs.replace(row, pane_dead_signal=str(os.WTERMSIG(status)))
    return msgspec.structs.replace(row, pane_dead_status=os.WEXITSTATUS(status))


def zombie_status(stat: bytes) -> int | None:
    """Give the wait status of a zombie, from its ``/proc/PID/stat`` (proc(5), field 52).

    None: it is no zombie, or this is not its line. The kernel shows a 0 to whom it does not trust,
    which the owner of the process is not.
    """
    fields = stat.rpartition(b")")[2].split()  # its name may hold anything; fields from the third
    if len(fields) < 50 or fields[0] != b"Z" or not fields[49].isdigit():  # noqa: PLR2004  # 52 - 2
        return None
    return int(fields[49])


def _is_untold(row: PaneRow) -> bool:
    return row.pane_dead and row.pane_dead_status is None and row.pane_dead_signal is None
