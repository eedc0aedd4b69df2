"""How long to wait before the next try. Pure; chance is an argument."""

from __future__ import annotations

from collections.abc import Callable

FIRST_SECONDS = 0.25
LONGEST_SECONDS = 10.0
_MAX_DOUBLINGS = 10  # beyond the longest in any case; and no float overflows


def pause(failures: int, random: Callable[[], float]) -> float:
    """Give the seconds to wait, with full jitter: anything up to a bound that doubles.

    Without jitter all clients of a server that was restarted would come at once, again and again.

    Args:
        failures: how many tries failed since the last good one; 0 for the first.
        random: gives a number of [0, 1).
    """
    longest = FIRST_SECONDS * 2.0 ** min(max(failures, 0), _MAX_DOUBLINGS)
    return random() * min(LONGEST_SECONDS, longest)
