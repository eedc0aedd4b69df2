"""Houses without files: tokens in a dict, records in a list."""

# ruff: noqa: ARG002  # fakes take what the real ones need

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tmuxpulse.config.settings import LimitsTable, WriteChoice
from tmuxpulse.hub.hub import Hub
from tmuxpulse.serve.access import Access
from tmuxpulse.serve.grants import Grant, Scope, owner
from tmuxpulse.serve.house import House, Visitor
from tmuxpulse.serve.past import Past
from tmuxpulse.serve.records import Value
from tmuxpulse.serve.steering import Steered

OWNER = Visitor(peer="unix", address="unix", is_local=True, grant=owner())
STRANGER = Visitor(peer="192.0.2.7:40000", address="192.0.2.7", is_local=False)
NEIGHBOUR = Visitor(peer="127.0.0.1:40000", address="127.0.0.1", is_local=True)


class Clock:
    """The time of day, as the test says."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Tokens:
    """A store in memory."""

    def __init__(self) -> None:
        self.problem = ""
        self.grants: dict[str, Grant] = {}

    def add(self, text: str, *scopes: Scope, sessions: tuple[str, ...] = ()) -> Grant:
        grant = Grant(f"token:{text}", text, frozenset(scopes), sessions)
        self.grants[text] = grant
        return grant

    def expire(self, text: str, at: float) -> None:
        self.grants[text] = msgspec.structs.replace(self.grants[text], expires_at=at)

    def check(self, text: str, now: float) -> Grant | None:
        grant = self.grants.get(text)
        if grant is not None and grant.expires_at is not None and grant.expires_at <= now:
            return None
        return grant

    def grant(self, token_id: str, now: float) -> Grant | None:
        return self.check(token_id, now)

    def has_live(self, now: float) -> bool:
        return bool(self.grants)

    def refresh(self) -> bool:
        return bool(self.problem)


class Text:
    """A secret that is none."""

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text


class OneTicket:
    """Tickets named ``ticket-1`` and so on; each becomes ``session-1`` and so on."""

    def __init__(self) -> None:
        self.issued: dict[str, Grant] = {}
        self.sessions: dict[str, Grant] = {}

    def issue(self, grant: Grant, now: float, seconds: float) -> tuple[str, Text]:
        text = f"ticket-{len(self.issued) + 1}"
        self.issued[text] = grant
        return text, Text(text)

    def redeem(self, text: str, now: float) -> tuple[Grant, Text] | None:
        grant = self.issued.pop(text, None)
        if grant is None:
            return None
        name = text.replace("ticket", "session")
        self.sessions[name] = msgspec.structs.replace(grant, subject=f"ticket:{name}")
        return self.sessions[name], Text(name)

    def check(self, text: str, now: float) -> Grant | None:
        return self.sessions.get(text)

    def grant(self, ticket_id: str, now: float) -> Grant | None:
        return self.sessions.get(ticket_id)


class Noted:
    """An audit log that is a list."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, dict[str, Value]]] = []

    def record(self, action: str, *, who: str, **fields: Value) -> None:
        self.entries.append((action, {"who": who, **fields}))

    def record_look(self, *, who: str, **fields: Value) -> None:
        self.record("command", who=who, **fields)

    def record_failure(self, peer: str, why: str) -> None:
        self.entries.append(("login.failed", {"peer": peer, "why": why}))

    @property
    def actions(self) -> list[str]:
        return [action for action, _ in self.entries]


class TestHouse(House):
    """A house, and what it was made of."""

    __test__ = False

    def __init__(
        self,
        hub: Hub | None = None,
        *,
        limits: LimitsTable = LimitsTable(),  # noqa: B008  # frozen
        write: WriteChoice = "never",
        past: Past | None = None,
        problems: Mapping[str, str] | None = None,
        player: Steered | None = None,
    ) -> None:
        self.tokens = Tokens()
        self.tickets = OneTicket()
        self.noted = Noted()
        self.time = Clock()
        super().__init__(
            Hub(clock=self.time) if hub is None else hub,
            access=Access(self.tokens, self.tickets, clock=self.time),
            audit=self.noted,
            limits=limits,
            write=write,
            page_url="http://127.0.0.1:8765/",
            past=past,
            problems=problems,
            player=player,
            clock=self.time,
        )
