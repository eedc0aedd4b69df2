"""The answers to one connection's requests. No socket is known.

What can be answered from the stream and its state is answered at once, in the moment in which the
request was read, so that position, replay and snapshot belong together. What needs tmux or the disk
is run later, one after the other.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from tmuxpulse.config.features import EVENTS_OF
from tmuxpulse.errors import RequestError
from tmuxpulse.filters import Filter
from tmuxpulse.history.replay import Segment
from tmuxpulse.hub.hub import Hub
from tmuxpulse.hub.reader import Reader
from tmuxpulse.serve.commander import Caller
from tmuxpulse.serve.grants import OWNER, Grant, Scope
from tmuxpulse.serve.house import House
from tmuxpulse.serve.records import Value
from tmuxpulse.serve.sights import EVERYTHING, sight_of
from tmuxpulse.serve.steering import is_order, state_of, steer
from tmuxpulse.serve.subscriptions import Item, Subscriptions
from tmuxpulse.serve.target import find_pane, narrow
from tmuxpulse.styles import Screen
from tmuxpulse.wire import (
    Asked,
    Auth,
    AuthResponse,
    Batch,
    Capture,
    Command,
    CommandResult,
    Emit,
    EmitAccepted,
    Explain,
    ExplainData,
    Health,
    History,
    PaneExplanation,
    PaneView,
    Ping,
    Pong,
    Replay,
    ReplayState,
    Reply,
    SessionView,
    Snapshot,
    SnapshotData,
    Subscribe,
    Target,
    Ticket,
    TicketIssued,
    Tree,
    Unsubscribe,
    UnsubscribeConfirmed,
    WindowView,
    rfc3339,
)

NEEDS: dict[type, Scope] = {
    Subscribe: "read",
    Snapshot: "read",
    History: "read",
    Explain: "read",
    Replay: "read",
    Emit: "emit",
    Ticket: "admin",
    Health: "admin",
}
# What a request is of no use without.
USES: dict[type, str] = {Emit: "emit", Explain: "status", Ticket: "page", Batch: "commands"}


class Desk:
    """Answers requests.

    Args:
        house: what all connections share.
        hub: what this one sees.
        reader: the connection's.
        grant: what was granted.
        scopes: what of it holds on this connection.
        client_id: what the connection is called.
    """

    def __init__(
        self,
        house: House,
        hub: Hub,
        reader: Reader,
        *,
        grant: Grant,
        scopes: frozenset[Scope],
        client_id: str,
    ) -> None:
        self.subscriptions = Subscriptions(
            hub,
            reader,
            most=house.limits.subscriptions,
            reset_reason=lambda epoch: "scope" if house.sights.is_elsewhere(epoch) else "epoch",
        )
        self._house = house
        self._hub = hub
        self._grant = grant
        self._sight = sight_of(grant)
        self._scopes = scopes
        self._client_id = client_id

    def welcome(self, reply_id: str | int | None = None, token: str | None = None) -> AuthResponse:
        """Say what holds on this connection."""
        grant = self._grant
        return AuthResponse(
            id=reply_id,
            success=True,
            permissions=sorted(self._scopes),
            sessions=list(grant.sessions),
            client_id=self._client_id,
            expires_at=None if grant.expires_at is None else rfc3339(grant.expires_at),
            epoch=self._hub.epoch,
            seq=self._hub.seq,
            token=token,
            features=self._house.features,
        )

    def takes_time(self, request: Asked) -> bool:
        """Tell whether a request is for `later`."""
        if isinstance(request, Subscribe):
            return (
                self._house.past.is_kept
                and self._sight == EVERYTHING
                and self.subscriptions.needs_past(request)
            )
        return isinstance(request, Command | Batch | History) or (
            isinstance(request, Snapshot)
            and request.target is not None
            and request.target.pane is not None
            and "output" in self._scopes
            and self._house.is_on("commands")
        )

    def answer(self, request: Asked) -> list[Item]:
        """Answer what does not take time.

        Raises:
            RequestError: it is refused; nothing changed.
        """
        self._allow(request)
        if isinstance(request, Subscribe):
            return self._subscribe(request)
        return [self._answer(request)]

    async def later(self, request: Asked) -> list[Item]:
        """Answer what takes time; what is returned is to be queued at once.

        Raises:
            RequestError: it is refused.
        """
        self._allow(request)
        caller = Caller(
            subject=self._grant.subject,
            client_id=self._client_id,
            scopes=self._scopes,
            why_not=self._house.why_no_write(self._grant),
        )
        match request:
            case Snapshot():
                return [await self._screens(request, caller)]
            case Command() | Batch():
                return [await self._house.commander.run(request, caller, self._hub)]
            case History():
                page = await self._house.past.page(request, self._sight)
                self._record("history", types=list(request.filters.types))
                return [page]
            case Subscribe(resume=position) if position is not None:
                self.subscriptions.check(request)
                past = await self._house.past.replay(position, request.filters)
                self._hub.flush()  # from here on there is no checkpoint
                return self._subscribe(request, past)
        raise AssertionError(request)

    # --- each of them ----------------------------------------------------------------------

    def _answer(self, request: Asked) -> Reply:
        reply: Reply
        match request:
            case Unsubscribe():
                self.subscriptions.remove(request)
                reply = UnsubscribeConfirmed(id=request.id, subscriptions=self.subscriptions.names)
            case Snapshot():
                reply = self._snapshot(request)
            case Ping():
                reply = Pong(id=request.id, timestamp=rfc3339(self._house.clock()))
            case Auth():
                reply = self._again(request)
            case Ticket():
                reply = self._ticket(request)
            case Emit():
                reply = self._emit(request)
            case Explain():
                reply = self._explain(request)
            case Health():
                reply = self._house.health(request.id)
            case Replay():
                reply = self._replay(request)
            case _:
                raise AssertionError(request)
        return reply

    def _allow(self, request: Asked) -> None:
        scope = NEEDS.get(type(request))
        if scope is not None and scope not in self._scopes:
            raise RequestError("FORBIDDEN", f"this needs `{scope}`, which the token does not grant")
        feature = "commands" if isinstance(request, Command) else USES.get(type(request))
        if feature is not None:
            self._house.need(feature)
        if isinstance(request, Subscribe):
            self._allow_types(request.filters)

    def _allow_types(self, wanted: Filter) -> None:
        """Refuse to wait for what never comes: nothing is wanted but what is switched off."""
        named = [EVENTS_OF.get(event_type) for event_type in wanted.types]
        if named and all(named) and not any(self._house.is_on(one) for one in named if one):
            self._house.need(named[0] or "")
        if wanted.statuses:
            self._house.need("status")

    def _subscribe(self, request: Subscribe, past: list[Segment] | str | None = None) -> list[Item]:
        items = self.subscriptions.add(request, past)
        self._record("subscribed", types=list(request.filters.types))
        return items

    def _emit(self, request: Emit) -> EmitAccepted:
        if request.event.type in EVENTS_OF:
            self._house.need(EVENTS_OF[request.event.type])
        sees_all = not self._sight.sessions
        self._house.emitter.emit(request.event, self._hub.snapshot(), sees_all=sees_all)
        self._record("emit", type=request.event.type)
        return EmitAccepted(id=request.id, seq=self._hub.seq)

    def _explain(self, request: Explain) -> ExplainData:
        spot = find_pane(self._hub.snapshot(), request.target)
        source = self._house.hub.sources.get(spot.session.server)
        found = None if source is None else source.explain(spot.pane.id)
        if found is None:
            raise RequestError("NOT_FOUND", "no such session, window or pane")
        return ExplainData(
            id=request.id,
            epoch=self._hub.epoch,
            seq=self._hub.seq,
            server=spot.session.server,
            pane=spot.pane,
            explanation=found if "output" in self._scopes else _without_texts(found),
        )

    def _snapshot(self, request: Snapshot) -> SnapshotData:
        tree = self._hub.snapshot()
        if request.target is not None:
            tree = narrow(tree, request.target)
        return SnapshotData(id=request.id, epoch=self._hub.epoch, seq=self._hub.seq, data=tree)

    async def _screens(self, request: Snapshot, caller: Caller) -> SnapshotData:
        """A snapshot of panes that were named, with what they show now."""
        named = self._snapshot(request)
        screens: dict[tuple[str, str], Screen | str] = {}
        for session in named.data.sessions:
            panes = [pane for window in session.windows for pane in window.panes]
            for pane in panes[:MAX_SCREENS]:
                target = Target(server=session.server, session=session.id, pane=pane.id)
                look = Capture(target=target, styled=request.styled)
                shown = await self._house.commander.run(look, caller, self._hub)
                if isinstance(shown, CommandResult) and shown.ok:
                    screens[session.server, pane.id] = shown.output
        fresh = self._snapshot(request)
        return msgspec.structs.replace(fresh, data=_with_screens(fresh.data, screens))

    def _again(self, request: Auth) -> AuthResponse:
        """A token, though somebody has come in already: it changes nothing."""
        if self._grant.subject != OWNER:
            grant = self._house.access.check(request.token)
            if grant is None or grant.subject != self._grant.subject:
                raise RequestError(
                    "AUTH_FAILED", "this connection has its token; open another for another"
                )
        return self.welcome(request.id)

    def _ticket(self, request: Ticket) -> TicketIssued:
        """A ticket for everything but further tickets: a page needs none."""
        grant = msgspec.structs.replace(self._grant, scopes=self._grant.scopes - {"admin"})
        secret, expires_at = self._house.access.issue(grant)
        self._record("ticket.issued")
        return TicketIssued(
            id=request.id,
            token=secret.reveal(),
            url=self._house.page_url,
            expires_at=rfc3339(expires_at),
        )

    def _replay(self, request: Replay) -> ReplayState:
        player = self._house.player
        if player is None:
            raise RequestError(
                "UNAVAILABLE", "this server watches tmux: there is nothing to replay"
            )
        may_steer = "write" in self._grant.scopes
        if is_order(request):
            if not may_steer:
                raise RequestError(
                    "FORBIDDEN", "this needs `write`, which the token does not grant"
                )
            steer(player, request)
            self._record("replay")
        return state_of(player, request, may_steer=may_steer)

    def _record(self, action: str, **fields: Value) -> None:
        self._house.audit.record(action, who=self._grant.subject, client=self._client_id, **fields)


MAX_SCREENS = 4


def _without_texts(found: PaneExplanation) -> PaneExplanation:
    """An explanation without what the pane printed."""
    opinions = [msgspec.structs.replace(one, evidence="") for one in found.opinions]
    return msgspec.structs.replace(found, evidence="", opinions=opinions, known=[])


def _with_screens(tree: Tree, screens: dict[tuple[str, str], Screen | str]) -> Tree:
    def pane_with(session: SessionView, pane: PaneView) -> PaneView:
        match screens.get((session.server, pane.id)):
            case str(text):
                return msgspec.structs.replace(pane, screen=text.split("\n"))
            case Screen(rows=rows, styles=styles, cursor=cursor):
                at = UNSET if cursor is None else cursor
                return msgspec.structs.replace(pane, screen=rows, styles=styles, cursor=at)
        return pane

    def window_with(session: SessionView, window: WindowView) -> WindowView:
        panes = [pane_with(session, pane) for pane in window.panes]
        return msgspec.structs.replace(window, panes=panes)

    sessions = [
        msgspec.structs.replace(
            session, windows=[window_with(session, window) for window in session.windows]
        )
        for session in tree.sessions
    ]
    return Tree(servers=tree.servers, sessions=sessions)
