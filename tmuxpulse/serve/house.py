"""What all connections share: the streams, who may come in, the limits, the log.

It knows no connection.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

import msgspec

from tmuxpulse.config.features import AT_ONCE, why_off
from tmuxpulse.config.settings import LimitsTable, WriteChoice
from tmuxpulse.errors import RequestError
from tmuxpulse.hub.hub import Hub
from tmuxpulse.serve.access import Access
from tmuxpulse.serve.commander import Commander
from tmuxpulse.serve.counters import CountedRecords, Counters
from tmuxpulse.serve.emit import Emitter
from tmuxpulse.serve.failures import Failures
from tmuxpulse.serve.grants import Grant, Scope
from tmuxpulse.serve.past import Past
from tmuxpulse.serve.records import Records
from tmuxpulse.serve.sights import Sights
from tmuxpulse.serve.steering import Steered
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
        features: what is switched on, by its name; what is not named is on.
        player: of the recording that is served; None: tmux is watched.
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
        player: Steered | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.sights = Sights(hub)
        self.access = access
        self.counters = Counters()
        self.audit = CountedRecords(audit, self.counters)
        self.limits = limits
        self.write = write
        self.page_url = page_url
        self.player = player
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
    def features(self) -> dict[str, bool]:
        """What is switched on, by name."""
        write = self.write != "never" and self.is_on("commands")
        return self._features | {"write": write}

    def switch(self, features: Mapping[str, bool]) -> None:
        """Switch on and off what can be while the server runs; the rest stays as it is."""
        self._features |= {name: on for name, on in features.items() if name in AT_ONCE}

    def is_on(self, feature: str) -> bool:
        """Whether a part is switched on."""
        return self._features.get(feature, True)

    def need(self, feature: str) -> None:
        """Refuse what is switched off.

        Raises:
            RequestError: ``UNAVAILABLE``, with what to do.
        """
        if not self.is_on(feature):
            raise RequestError("UNAVAILABLE", why_off(feature))

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
            features=self.features,
        )

    def why_no_write(self, grant: Grant) -> str:
        """What to do about a missing ``write``."""
        if "write" not in grant.scopes:
            return "this token does not grant it"
        if self.write == "never":
            return 'commands are off; [server] write = "local" in config.toml turns them on'
        return "commands come from this machine only ([server] write)"
