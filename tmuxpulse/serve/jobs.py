"""A connection's requests that take time: done one after the other, in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

import trio

from tmuxpulse.errors import RequestError
from tmuxpulse.wire import Asked

MAX_JOBS = 16  # that wait; more are refused


class Jobs:
    """A queue, and a task that is there while it holds something.

    Args:
        nursery: where the task runs; cancelling it ends the job that runs.
        do: does one; must not raise.
    """

    def __init__(self, nursery: trio.Nursery, do: Callable[[Asked], Awaitable[None]]) -> None:
        self._nursery = nursery
        self._do = do
        self._waiting: deque[Asked] = deque()
        self._busy = False

    def add(self, request: Asked) -> None:
        """Do it when its turn comes.

        Raises:
            RequestError: ``RATE_LIMIT``: too many wait already.
        """
        if len(self._waiting) >= MAX_JOBS:
            raise RequestError(
                "RATE_LIMIT", f"{MAX_JOBS} requests wait already", retryable=True, retry_after=0.5
            )
        self._waiting.append(request)
        if not self._busy:
            self._busy = True
            self._nursery.start_soon(self._work)

    async def _work(self) -> None:
        while self._waiting:
            await self._do(self._waiting.popleft())
        self._busy = False
