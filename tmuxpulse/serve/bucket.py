"""A token bucket: how many requests a connection may make. Pure; the time comes from outside."""

from __future__ import annotations


class Bucket:
    """Allows `per_second` in the long run and as many at once.

    Args:
        per_second: tokens that come back each second, and how many fit.
        now: seconds, by any clock that only goes forward.
    """

    def __init__(self, per_second: float, *, now: float) -> None:
        self._per_second = per_second
        self._tokens = per_second
        self._at = now

    def take(self, now: float) -> float:
        """Take a token: 0 when there was one, else the seconds until there will be."""
        self._tokens = min(self._per_second, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        if self._tokens < 1:
            return (1 - self._tokens) / self._per_second
        self._tokens -= 1
        return 0.0
