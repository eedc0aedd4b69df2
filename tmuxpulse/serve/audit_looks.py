"""Who watches a pane looks at it several times a second, and that is one doing. Pure.

The first look is written by itself. Those that follow are counted, and told by one entry when
nobody has looked for `QUIET_SECONDS`, and every `LONGEST_SECONDS` while it goes on.
"""

from __future__ import annotations

from typing import NamedTuple

from tmuxpulse.serve.records import Value

QUIET_SECONDS = 60.0
LONGEST_SECONDS = 600.0
MAX_WATCHED = 1000  # told apart; the one that was looked at longest ago is summed up for a new one

Looker = tuple[str, tuple[tuple[str, Value], ...]]  # who, and what else is written of it


class Looked(NamedTuple):
    """Looks that were not written one by one.

    Attributes:
        looker: who looked at what.
        times: how often, besides what was written of it.
    """

    looker: Looker
    times: int


class _Watching:
    """One who looks at one pane."""

    def __init__(self, now: float) -> None:
        self.last = self.summed_at = now
        self.times = 0

    def due(self) -> float:
        """When it is to be told, or forgotten."""
        return min(self.last + QUIET_SECONDS, self.summed_at + LONGEST_SECONDS)


class LookCounts:
    """Counts looks, by who looks at what."""

    def __init__(self) -> None:
        self._watching: dict[Looker, _Watching] = {}  # in the order of their last looks

    def note(self, looker: Looker, now: float) -> tuple[bool, list[Looked]]:
        """Note one more.

        Args:
            looker: who looks at what.
            now: seconds, by any clock that only goes forward.

        Returns:
            Whether it is written by itself, and what is to be written before it.
        """
        over = self.due(now)
        known = self._watching.pop(looker, None)
        if known is not None:
            known.times, known.last = known.times + 1, now
            self._watching[looker] = known
            return False, over
        if len(self._watching) >= MAX_WATCHED:
            over += self._end(next(iter(self._watching)))
        self._watching[looker] = _Watching(now)
        return True, over

    def due(self, now: float) -> list[Looked]:
        """What is to be written by now."""
        found: list[Looked] = []
        for looker, one in list(self._watching.items()):
            if one.last + QUIET_SECONDS <= now:
                found += self._end(looker)
            elif one.due() <= now:
                if one.times:
                    found.append(Looked(looker, one.times))
                one.times, one.summed_at = 0, now
        return found

    def next_due(self) -> float | None:
        """When `due` will have something to say; None: nothing is held back."""
        return min((one.due() for one in self._watching.values() if one.times), default=None)

    def close(self) -> list[Looked]:
        """End all of it now."""
        return [looked for looker in list(self._watching) for looked in self._end(looker)]

    def _end(self, looker: Looker) -> list[Looked]:
        times = self._watching.pop(looker).times
        return [Looked(looker, times)] if times else []
