"""One-time tickets, and the tokens of this run that they are exchanged for. Time is an argument.

A ticket is what `tmuxpulse open` puts into an address: good once, and not for long. Who gives it
gets a token that is good until it expires or the server ends; it is kept nowhere but here.
"""

from __future__ import annotations

import msgspec

from tmuxpulse.serve.grants import Grant
from tmuxpulse.serve.tokens import Secret, hash_of, id_of, make_token, matches

SESSION_SECONDS = 12 * 3600.0
MAX_TICKETS = 100  # that wait; beyond it the oldest is no good any more
MAX_SESSIONS = 1000


class _Kept(msgspec.Struct, frozen=True):
    """What is known of a ticket or a token."""

    hash: str
    grant: Grant
    expires_at: float


class Tickets:
    """The tickets and tokens of one run of the server."""

    def __init__(self) -> None:
        self._tickets: dict[str, _Kept] = {}
        self._sessions: dict[str, _Kept] = {}

    def issue(self, grant: Grant, now: float, seconds: float = 60.0) -> tuple[str, Secret]:
        """Make a ticket that allows what `grant` does.

        Args:
            grant: what it is worth.
            now: seconds since the epoch.
            seconds: for how long it is good.

        Returns:
            Its id and its text.
        """
        ticket_id, secret = make_token()
        kept = _Kept(hash_of(secret.reveal()), grant, now + seconds)
        _keep(self._tickets, ticket_id, kept, MAX_TICKETS)
        return ticket_id, secret

    def redeem(self, text: str, now: float) -> tuple[Grant, Secret] | None:
        """Exchange a ticket for a token of this run; None: it is none, was used, or is too old."""
        ticket_id, kept = _find(self._tickets, text, now)
        if kept is None:
            return None
        del self._tickets[ticket_id]
        expires_at = now + SESSION_SECONDS
        if kept.grant.expires_at is not None:
            expires_at = min(expires_at, kept.grant.expires_at)
        token_id, secret = make_token()
        grant = msgspec.structs.replace(
            kept.grant, subject=f"ticket:{token_id}", expires_at=expires_at
        )
        session = _Kept(hash_of(secret.reveal()), grant, expires_at)
        _keep(self._sessions, token_id, session, MAX_SESSIONS)
        return grant, secret

    def check(self, text: str, now: float) -> Grant | None:
        """What a token of this run allows; None: it is none, or has expired."""
        _, kept = _find(self._sessions, text, now)
        return None if kept is None else kept.grant

    def grant(self, ticket_id: str, now: float) -> Grant | None:
        """What the token of this run with that id allows; None: it has expired."""
        kept = self._sessions.get(ticket_id)
        return kept.grant if kept is not None and now < kept.expires_at else None


def _keep(into: dict[str, _Kept], token_id: str, kept: _Kept, most: int) -> None:
    if len(into) >= most:
        del into[next(iter(into))]
    into[token_id] = kept


def _find(among: dict[str, _Kept], text: str, now: float) -> tuple[str, _Kept | None]:
    token_id = id_of(text) or ""
    kept = among.get(token_id)
    good = matches(text, None if kept is None else kept.hash)
    return token_id, kept if kept is not None and good and now < kept.expires_at else None
