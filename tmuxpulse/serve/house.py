"""What all connections share: the streams, who may come in, the limits, the log.

It knows no connection.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

import msgspec

from tmuxpulse.config.settings import LimitsTable, WriteChoice
from tmuxpulse.hub.hub import Hub
from tmuxpulse.serve.access import Access
from tmuxpulse.serve.commander import Commander
from tmuxpulse.serve.emit import Emitter
from tmuxpulse.serve.failures import Failures
from tmuxpulse.serve.grants import Grant, Scope
from tmuxpulse.serve.past import Past
from tmuxpulse.serve.records import Records
from tmuxpulse.serve.sights import Sights
from tmuxpulse.wire import HealthData, RequestId


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """Who is at the other end of a connection, before and after a token was given.

    Attributes:
        peer: address and port, or ``unix``; for the log.
        address: the address alone: what failures are counted by.
        is_local: whether it connects from this machine.
        grant: what it may do by the way it came, or by a token in its request head.
    """

    peer: str
    address: str
    is_local: bool
    grant: Grant | None = None


class House:
    """Everything behind the front door.

    Args:
        hub: the stream of everything; nothing may have been published in it.
        access: who may come in.
        audit: is told what happens.
        limits: what is bounded, for connections that come from now on.
        write: who may command panes.
        page_url: where the page is, for tickets.
        past: what was kept.
        problems: what does not work now, in words, by the part of the server; others write it.
        features: what is switched on, by its name in the settings.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        hub: Hub,
        *,
        access: Access,
        audit: Records,
        limits: LimitsTable = LimitsTable(),  # noqa: B008  # frozen
        write: WriteChoice = "never",
        page_url: str = "",
        past: Past | None = None,
        problems: Mapping[str, str] | None = None,
        features: Mapping[str, bool] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.sights = Sights(hub)
        self.access = access
        self.audit = audit
        self.limits = limits
        self.write = write
        self.page_url = page_url
        self.clock = clock
        self.failures = Failures(
            limits.login_failures_per_minute, limits.all_login_failures_per_minute
        )
        self.commander = Commander(hub.sources, audit)
        self.emitter = Emitter(hub, hub.sources)
        self.past = Past(None) if past is None else past
        self._problems = {} if problems is None else problems
        self._features = dict(features or {})
        self._began = clock()
        self._hub = hub

    @property
    def hub(self) -> Hub:
        """The stream of everything."""
        return self._hub

    def scopes(self, grant: Grant, visitor: Visitor) -> frozenset[Scope]:
        """What of a grant holds on a visitor's connection."""
        if self.write == "anywhere" or (self.write == "local" and visitor.is_local):
            return grant.scopes
        return grant.scopes - {"write"}

    def health(self, reply_id: RequestId = None) -> HealthData:
        """How the server is."""
        return HealthData(
            id=reply_id,
            pid=os.getpid(),
            uptime_s=round(max(0.0, self.clock() - self._began), 3),
            problems=dict(self._problems),
            features=self._features | {"write": self.write != "never"},
        )

    def why_no_write(self, grant: Grant) -> str:
        """What to do about a missing ``write``."""
        if "write" not in grant.scopes:
            return "this token does not grant it"
        if self.write == "never":
            return 'commands are off; [server] write = "local" in config.toml turns them on'
        return "commands come from this machine only ([server] write)"
