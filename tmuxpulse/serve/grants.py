"""What somebody who has come in may do, and what of tmux they may see. Pure."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

Scope = Literal["read", "output", "write", "emit", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

OWNER = "owner"


class Grant(msgspec.Struct, frozen=True):
    """What a token, a ticket or the owner's own socket allows.

    Attributes:
        subject: ``token:<id>``, ``ticket:<id>`` or ``owner``; for the audit log.
        name: what a person calls it.
        scopes: ``read`` (structure, names, status), ``output`` (what is printed), ``write``
            (commands), ``emit`` (events of one's own), ``admin`` (tickets, metrics).
        sessions: globs; only sessions with such a name are seen. Empty: all.
        expires_at: seconds since the epoch; None: never.
    """

    subject: str
    name: str
    scopes: frozenset[Scope]
    sessions: tuple[str, ...] = ()
    expires_at: float | None = None


def owner() -> Grant:
    """What this user's own programs may do, over the Unix socket: everything."""
    return Grant(subject=OWNER, name=OWNER, scopes=frozenset(SCOPES))
