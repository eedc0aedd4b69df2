"""From which control client each pane's output is taken.

tmux gives a pane's output to the client of every session that shows its window, so a linked window
or a grouped session is heard several times. A pane has one home: of the sessions that show it and
have a client, the oldest one; it keeps it as long as that is possible, since a change loses bytes.

A pane can speak before a listing has named it. What it says then is held, once for each client
that hears it, until a listing tells its home: so nothing of a new window's output is lost.

Values only: no process, no clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import msgspec

from tmuxpulse.tmux.formats import Listing

HELD_BYTES = 1 << 20  # of one pane; beyond it the oldest are dropped


class Change(msgspec.Struct, frozen=True):
    """A pane's output begins or ends to be complete.

    Attributes:
        held: what it has printed since it could be heard.
    """

    pane_id: str
    on: bool
    held: tuple[bytes, ...] = ()


class _Held:
    """What a pane without a home said to one client."""

    def __init__(self) -> None:
        self.chunks: deque[bytes] = deque()
        self.size = 0
        self.old = False  # it was there before the last listing was taken

    def add(self, data: bytes) -> None:
        self.chunks.append(data)
        self.size += len(data)
        while self.size > HELD_BYTES:
            self.size -= len(self.chunks.popleft())


class Routes:
    """Homes of panes, and what is held for panes without one."""

    def __init__(self) -> None:
        self._homes: dict[str, str] = {}
        self._held: dict[tuple[str, str], _Held] = {}

    def passes(self, session_id: str, pane_id: str, data: bytes) -> bool:
        """Tell whether these bytes go on; those of a pane without a home are kept for later."""
        home = self._homes.get(pane_id)
        if home is None:
            self._held.setdefault((pane_id, session_id), _Held()).add(data)
        return home == session_id

    def is_home(self, session_id: str, pane_id: str) -> bool:
        """Tell whether the pane's output is taken from this session's client."""
        return self._homes.get(pane_id) == session_id

    def lose(self, session_id: str) -> list[Change]:
        """The session's client has ended."""
        for key in [key for key in self._held if key[1] == session_id]:
            del self._held[key]
        lost = [pane_id for pane_id, home in self._homes.items() if home == session_id]
        for pane_id in lost:
            del self._homes[pane_id]
        return [Change(pane_id, on=False) for pane_id in lost]

    def settle(self, listing: Listing, heard: Iterable[str]) -> list[Change]:
        """Give every pane its home.

        Args:
            listing: taken after the last call.
            heard: the sessions that have a client.
        """
        able = set(heard)
        shown_in: dict[str, set[str]] = {}
        for row in listing.panes:
            shown_in.setdefault(row.pane_id, set()).add(row.session_id)
        changes: list[Change] = []
        for pane_id, sessions in shown_in.items():
            home = self._homes.get(pane_id)
            candidates = sessions & able
            if home in candidates:
                continue
            if home is not None:
                del self._homes[pane_id]
                changes.append(Change(pane_id, on=False))
            if candidates:
                home = min(candidates, key=_age)
                held = self._held.get((pane_id, home))
                changes.append(Change(pane_id, on=True, held=tuple(held.chunks) if held else ()))
                self._homes[pane_id] = home
        for pane_id in self._homes.keys() - shown_in.keys():
            del self._homes[pane_id]
        self._forget()
        return changes

    def _forget(self) -> None:
        """Drop what is held for panes that have a home, or were gone before they were ever listed.

        A pane may have been born after the listing was taken, so it gets a second one.
        """
        for key, held in list(self._held.items()):
            if key[0] in self._homes or held.old:
                del self._held[key]
            held.old = True


def _age(session_id: str) -> int:
    """Oldest session first: tmux counts ids up and never gives one twice."""
    return int(session_id[1:])
