"""How much one connection may ask for, and when it has asked for too much too often."""

from __future__ import annotations

import trio

from tmuxpulse.config.settings import LimitsTable
from tmuxpulse.errors import RequestError
from tmuxpulse.serve.bucket import Bucket

STRIKES_PER_SECOND = 20  # refusals for asking too much that are taken; more are abuse
STRIKES = 200  # and so many at once


class Rate:
    """How much one connection may ask for."""

    def __init__(self, limits: LimitsTable) -> None:
        now = trio.current_time()
        self._per_second = limits.messages_per_second
        self._bytes_per_second = limits.bytes_per_second
        self._messages = Bucket(self._per_second, now=now)
        self._bytes = Bucket(self._bytes_per_second, now=now)
        self._strikes = Bucket(STRIKES_PER_SECOND, burst=STRIKES, now=now)

    def charge(self, size: int) -> None:
        """Count a message of so many characters.

        Raises:
            RequestError: ``RATE_LIMIT``, with the seconds until the next one.
        """
        now = trio.current_time()
        for bucket, amount, what in (
            (self._messages, 1, f"{self._per_second} requests"),
            (self._bytes, size, f"{self._bytes_per_second} bytes"),
        ):
            wait_seconds = bucket.take(now, amount)
            if wait_seconds:
                raise RequestError(
                    "RATE_LIMIT",
                    f"at most {what} a second",
                    retryable=True,
                    retry_after=round(wait_seconds, 3),
                )

    def is_abused(self, refused: RequestError) -> bool:
        """Tell whether somebody goes on and on."""
        return refused.code == "RATE_LIMIT" and self._strikes.take(trio.current_time()) > 0
