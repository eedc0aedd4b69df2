"""Requests that carry a key are run once, however often they come. Needs trio only to wait."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Union

import trio
from msgspec.structs import replace

from tmuxpulse.errors import RequestError
from tmuxpulse.wire import AnyCommand, Batch, BatchResult, CommandResult, encode

MAX_KEPT = 1000  # answers; beyond it the oldest are forgotten
KEPT_SECONDS = 600.0
MAX_KEY_CHARACTERS = 128

Answer = Union[CommandResult, BatchResult]  # noqa: UP007  # evaluated on Python 3.10


class Repeats:
    """Remembers what was answered to whom."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], _Kept] = {}

    async def once(
        self,
        subject: str,
        request: AnyCommand | Batch,
        run: Callable[[], Awaitable[Answer]],
        unknown: Answer,
    ) -> Answer:
        """Run it, or give the answer it had, waiting for it if need be.

        Cancelled while it runs, it is not run again: a repeat gets `unknown`. Refused, it was not
        run, and a repeat is tried again.

        Args:
            subject: whose key it is.
            request: with its key; without one it is always run.
            run: does it.
            unknown: the answer when nobody knows whether it was done.

        Raises:
            RequestError: the key was given to another request before, or `run` refused.
        """
        if request.key is None:
            return await run()
        if not 0 < len(request.key) <= MAX_KEY_CHARACTERS:
            raise RequestError("INVALID_REQUEST", f"`key` is 1 to {MAX_KEY_CHARACTERS} characters")
        name = (subject, request.key)
        kept = self._fresh(name)
        fingerprint = _fingerprint(request)
        if kept is not None:
            if kept.fingerprint != fingerprint:
                raise RequestError("INVALID_REQUEST", "`key` was used for another request")
            await kept.done.wait()
            if kept.answer is not None:
                return kept.answer
            return await self.once(subject, request, run, unknown)  # it was refused
        kept = self._kept[name] = _Kept(fingerprint, trio.current_time())
        try:
            kept.answer = await run()
        except RequestError:
            del self._kept[name]
            raise
        except BaseException:
            kept.answer = unknown
            raise
        finally:
            kept.done.set()
        return kept.answer

    def _fresh(self, name: tuple[str, str]) -> _Kept | None:
        limit = trio.current_time() - KEPT_SECONDS
        for old, kept in list(self._kept.items()):
            if kept.done.is_set() and (kept.since < limit or len(self._kept) >= MAX_KEPT):
                del self._kept[old]
            else:
                break
        return self._kept.get(name)


class _Kept:
    """A request that is running or was run."""

    def __init__(self, fingerprint: bytes, since: float) -> None:
        self.fingerprint = fingerprint
        self.since = since
        self.done = trio.Event()
        self.answer: Answer | None = None


def _fingerprint(request: AnyCommand | Batch) -> bytes:
    """What the request asks for, whatever its `id`."""
    return hashlib.sha256(encode(replace(request, id=None))).digest()
