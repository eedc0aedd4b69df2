"""A token bucket: how much somebody may ask for. Pure; the time comes from outside."""

from __future__ import annotations


class Bucket:
    """Allows `per_second` in the long run, and `burst` at once.

    Args:
        per_second: what comes back each second.
        now: seconds, by any clock that only goes forward.
        burst: how much fits; by default a second's worth.
    """

    def __init__(self, per_second: float, *, now: float, burst: float | None = None) -> None:
        self._per_second = per_second
        self._burst = per_second if burst is None else burst
        self._left = self._burst
        self._at = now

    def take(self, now: float, amount: float = 1) -> float:
        """Take some: 0 when there was enough, else the seconds until there will be.

        More than fits at once is given when it is full, and has to be paid off afterwards.
        """
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        needed = min(amount, self._burst)
        if self._left < needed:
            return (needed - self._left) / self._per_second
        self._left -= amount
        return 0.0
