"""Strangers' doings by the thousand become few entries. Pure; the time is an argument.

Whoever has no token yet can fail, connect and leave as often as they like; the log must neither
fill the disk nor push out what matters. Of one kind of doing, a minute gives at most
`EACH` + `SUMMARIES` entries, whoever and however many they are.
"""

from __future__ import annotations

from typing import NamedTuple

MINUTE_SECONDS = 60.0
PER_PEER = 10  # entries of one peer in a minute
EACH = 50  # entries of all peers
SUMMARIES = 10  # entries that only count, when the minute is over
MAX_PEERS = 1000  # told apart; what more there are is counted together


class Summary(NamedTuple):
    """What was not written one by one.

    Attributes:
        peer: who; empty for several.
        peers: how many, as far as they were told apart.
        times: how often.
    """

    peer: str
    peers: int
    times: int


class Repeats:
    """Counts one kind of doing. A minute begins with the first of it after a quiet time."""

    def __init__(self) -> None:
        self._until: float | None = None
        self._written: dict[str, int] = {}  # of each peer, by itself
        self._held: dict[str, int] = {}  # of each peer, only counted
        self._others = 0  # of peers that are not told apart
        self._left = EACH

    def note(self, peer: str, now: float) -> tuple[bool, list[Summary]]:
        """Note one more.

        Args:
            peer: whose.
            now: seconds, by any clock that only goes forward.

        Returns:
            Whether it is written by itself, and what is to be written before it.
        """
        over = self.due(now)
        if self._until is None:
            self._until = now + MINUTE_SECONDS
        known = peer in self._written or len(self._written) < MAX_PEERS
        written = self._written.get(peer, 0)
        if known:
            self._written[peer] = written
        if known and written < PER_PEER and self._left:
            self._written[peer] = written + 1
            self._left -= 1
            return True, over
        if known:
            self._held[peer] = self._held.get(peer, 0) + 1
        else:
            self._others += 1
        return False, over

    def due(self, now: float) -> list[Summary]:
        """What is to be written when a minute is over; nothing before."""
        return self.close() if self._until is not None and now >= self._until else []

    def next_due(self) -> float | None:
        """When `due` will have something to say; None as long as nothing is held back."""
        return self._until if self._held or self._others else None

    def close(self) -> list[Summary]:
        """End the minute now."""
        most = sorted(self._held.items(), key=lambda held: (-held[1], held[0]))
        alone = SUMMARIES if len(most) <= SUMMARIES and not self._others else SUMMARIES - 1
        summaries = [Summary(peer, 1, times) for peer, times in most[:alone]]
        rest = self._others + sum(times for _, times in most[alone:])
        if rest:
            summaries.append(Summary("", len(most[alone:]), rest))
        self._until, self._others, self._left = None, 0, EACH
        self._written.clear()
        self._held.clear()
        return summaries
