"""Who may come in: tokens of the store, one-time tickets, and the slow answers to who guesses.

It knows no connection: text in, a `Grant` out.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Protocol

from tmuxpulse.serve.grants import OWNER, Grant

TICKET_SECONDS = 60.0

logger = logging.getLogger(__name__)


class Store(Protocol):
    """The tokens that were made on the command line; see `token_store`."""

    problem: str

    def check(self, text: str, now: float) -> Grant | None:
        """What a token allows, if it is one that is live."""

    def grant(self, token_id: str, now: float) -> Grant | None:
        """What the live token with this id allows."""

    def has_live(self, now: float) -> bool:
        """Whether there is any live token."""

    def refresh(self) -> bool:
        """Look at the file again; whether it had changed."""


class Hidden(Protocol):
    """A text that no `repr` shows."""

    def reveal(self) -> str:
        """Give it, to be sent to whom it belongs."""


class Tickets(Protocol):
    """The one-time tickets of this run, and what they were exchanged for; see `tickets`."""

    def issue(self, grant: Grant, now: float, seconds: float) -> tuple[str, Hidden]:
        """Make a ticket: its id and its text."""

    def redeem(self, text: str, now: float) -> tuple[Grant, Hidden] | None:
        """Exchange a ticket for a token of this run."""

    def check(self, text: str, now: float) -> Grant | None:
        """What a token of this run allows."""

    def grant(self, ticket_id: str, now: float) -> Grant | None:
        """What the token of this run with this id allows."""


class Access:
    """Judges what is given as a token.

    Args:
        store: the tokens that were made on the command line.
        tickets: the ones of this run: for browsers.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        store: Store,
        tickets: Tickets,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._tickets = tickets
        self._clock = clock
        self._told = ""

    def check(self, text: str) -> Grant | None:
        """What a token allows; None: it is none of ours, or no more.

        One that is not known may have been made a moment ago: the store is looked at again.
        """
        now = self._clock()
        grant = self._store.check(text, now) or self._tickets.check(text, now)
        if grant is None and self.refresh():
            return self._store.check(text, now)
        return grant

    def redeem(self, text: str) -> tuple[Grant, Hidden] | None:
        """Exchange a one-time ticket for a token of this run; None: it is no ticket."""
        return self._tickets.redeem(text, self._clock())

    def issue(self, grant: Grant) -> tuple[Hidden, float]:
        """Make a one-time ticket that allows what `grant` does.

        Returns:
            The ticket, and until when it is good, in seconds since the epoch.
        """
        now = self._clock()
        _, secret = self._tickets.issue(grant, now, TICKET_SECONDS)
        return secret, now + TICKET_SECONDS

    def is_live(self, grant: Grant) -> bool:
        """Tell whether what was granted still is."""
        if grant.subject == OWNER:
            return True
        kind, _, identity = grant.subject.partition(":")
        now = self._clock()
        if kind == "ticket":
            return self._tickets.grant(identity, now) is not None
        return self._store.grant(identity, now) == grant

    def refresh(self) -> bool:
        """Look whether the store has changed; say it once when it cannot be used any more."""
        has_changed = self._store.refresh()
        if has_changed and self._store.problem != self._told:
            self._told = self._store.problem
            if self._told:
                logger.error("no token is good any more: %s", self._told)
        return has_changed

    @property
    def has_tokens(self) -> bool:
        """Whether anybody could come in with a token."""
        return self._store.has_live(self._clock())
