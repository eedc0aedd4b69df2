"""Requests that wait for their replies, matched by number; over one connection after the other.

Pure. What is done when a reply comes is said by who asked; no time and no network is known.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from tmuxpulse.errors import RequestError, ServerRefused, ServerUnavailable, TmuxpulseError
from tmuxpulse.wire import (
    AnyReply,
    Asked,
    Error,
    Explain,
    Health,
    History,
    Ping,
    Snapshot,
    encode,
)

# They change nothing: after a cut they are asked again.
REPEATABLE = (Snapshot, History, Explain, Health, Ping)
_REFUSALS = frozenset({"AUTH_REQUIRED", "AUTH_FAILED", "FORBIDDEN"})


class Ask:
    """A request, and what became of it.

    Args:
        request: its `id` is set when it is sent.
        done: called once, when there is a reply or an error.
        once: it belongs to this connection alone, and ends with it without a word.
    """

    def __init__(
        self, request: Asked, done: Callable[[], None] | None = None, *, once: bool = False
    ) -> None:
        self.request = request
        self.reply: AnyReply | None = None
        self.error: TmuxpulseError | None = None
        self.once = once
        self._done = done

    @property
    def is_done(self) -> bool:
        """Whether there is a reply or an error."""
        return self.reply is not None or self.error is not None

    def finish(self, reply: AnyReply | None, error: TmuxpulseError | None = None) -> None:
        """Note what became of it."""
        self.reply, self.error = reply, error
        if self._done is not None:
            self._done()


class Asks:
    """What was asked.

    Args:
        where: whom, for messages.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._waiting: dict[int, Ask] = {}  # for a reply
        self._later: list[Ask] = []  # for a connection
        self._number = 0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._later)

    def later(self, ask: Ask) -> None:
        """Keep it for the next connection."""
        self._later.append(ask)

    def kept(self) -> list[Ask]:
        """Take what was kept for this connection."""
        found, self._later = self._later, []
        return found

    def send(self, ask: Ask, *, max_bytes: int) -> str | None:
        """Give what to send; None: it is too large, and done."""
        self._number += 1
        text = encode(replace(ask.request, id=self._number))
        if len(text) > max_bytes:
            ask.finish(
                None,
                RequestError("TOO_LARGE", f"a request may have {max_bytes} bytes, not {len(text)}"),
            )
            return None
        self._waiting[self._number] = ask
        return text.decode()

    def take(self, reply: AnyReply) -> bool:
        """Give a reply to who asked; False: nobody waits for it."""
        number = getattr(reply, "id", None)
        ask = self._waiting.pop(number, None) if isinstance(number, int) else None
        if ask is None:
            return False
        if isinstance(reply, Error):
            ask.finish(None, self._refusal(reply))
        else:
            ask.finish(reply)
        return True

    def cancel(self, ask: Ask) -> None:
        """Nobody waits for its reply any more; it may happen all the same."""
        self._later = [one for one in self._later if one is not ask]
        self._waiting = {number: one for number, one in self._waiting.items() if one is not ask}

    def cut(self) -> None:
        """The connection is gone: keep what may be asked again, and fail the rest."""
        waiting, self._waiting = self._waiting, {}
        for ask in waiting.values():
            if ask.once:
                continue
            if isinstance(ask.request, REPEATABLE):
                self._later.append(ask)
            else:
                ask.finish(
                    None,
                    ServerUnavailable(
                        f"{self._where} went away before it answered; whether it did what was asked"
                        " is not known"
                    ),
                )

    def fail(self, error: TmuxpulseError) -> None:
        """Nothing is answered any more."""
        asks = [*self._waiting.values(), *self._later]
        self._waiting, self._later = {}, []
        for ask in asks:
            if not ask.once:
                ask.finish(None, error)

    def _refusal(self, error: Error) -> RequestError | ServerRefused:
        if error.code in _REFUSALS:
            return ServerRefused(f"{self._where} refused: {error.message}", code=error.code)
        return RequestError(
            error.code, error.message, retryable=error.retryable, retry_after=error.retry_after
        )
