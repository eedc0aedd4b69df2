"""One tmux server, from its coming up to its going down: facts in, events out.

This is the `Sink` of the engines. It keeps the server's state and the rule that the hub asks for:
the state changes and its events are published without a checkpoint in between. What its
panes print and do is for `panes`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import trio
from trio_util import AsyncBool

from tmuxpulse import events as ev
from tmuxpulse.collect.command import Identity, Tmux
from tmuxpulse.collect.deaths import Deaths
from tmuxpulse.collect.engine import Engine
from tmuxpulse.collect.groups import one_tmux_error
from tmuxpulse.collect.listed import drawn_anew
from tmuxpulse.collect.panes import Panes
from tmuxpulse.collect.perform import perform
from tmuxpulse.collect.scans import Looker
from tmuxpulse.collect.secrets import screen_without_secrets, without_secrets
from tmuxpulse.collect.stats import run_stats
from tmuxpulse.collect.views import PaneNow, server_view, session_views
from tmuxpulse.errors import TmuxError, TmuxUnavailable
from tmuxpulse.hub.hub import Hub
from tmuxpulse.redaction.redactor import Redactor
from tmuxpulse.status.book import Book
from tmuxpulse.tmux import reports
from tmuxpulse.tmux.diff import diff
from tmuxpulse.tmux.formats import EMPTY as NOTHING
from tmuxpulse.tmux.formats import Listing
from tmuxpulse.tmux.orders import Capture, Order
from tmuxpulse.tmux.outcomes import Outcome
from tmuxpulse.tmux.state import EMPTY, Atlas, State, from_listing
from tmuxpulse.wire import PaneExplanation, ServerView, SessionView


class ServerWatch:
    """What is known of one tmux server. Registered with the hub as the source of its state.

    Args:
        hub: where events go.
        name: what the server is called in events.
        socket: the path of its socket.
        redactor: masks secrets in all that is published.
        book: the rules that statuses are told by; by default none.
        looker: looks at processes; by default in a worker thread.
        judges: whether it is told what panes do.
        measures: whether it is told what panes use, to who asks for it.

    Attributes:
        name: as given; so is `socket`.
        is_listed: whether its first list has come in.
    """

    def __init__(
        self,
        hub: Hub,
        name: str,
        socket: str,
        redactor: Redactor | None = None,
        *,
        book: Book | None = None,
        looker: Looker | None = None,
        judges: bool = True,
        measures: bool = True,
    ) -> None:
        self._hub = hub
        self._measures = measures
        self._redactor = redactor or Redactor(())
        self.name = name
        self.socket = socket
        self.is_listed = AsyncBool(False)
        self._identity: Identity | None = None
        self._engine = ""
        self._tmux: Tmux | None = None
        self._state: State = EMPTY
        self._atlas = Atlas(EMPTY, name)
        self._listing = NOTHING
        self._deaths = Deaths()
        self._panes = Panes(
            self._publish_pane,
            hub.wants,
            self._redactor,
            book or Book(()),
            looker,
            judges=judges,
        )

    def view(self) -> tuple[ServerView, list[SessionView]]:
        """The state, as in a snapshot."""
        return (
            server_view(self.name, self.socket, self._identity, self._engine),
            session_views(self.name, self._state, self._now),
        )

    async def perform(self, orders: Sequence[Order], *, seconds: float) -> list[Outcome]:
        """Run commands in order, up to the first that fails; what they show is redacted.

        Raises:
            TmuxError: as `collect.perform.perform`.
        """
        if self._tmux is None:
            raise TmuxUnavailable(f"no tmux server on {self.socket}", socket=self.socket)
        outcomes = await perform(self._tmux, orders, seconds=seconds)
        return [
            self._captured(outcome) if isinstance(order, Capture) else outcome
            for order, outcome in zip(orders, outcomes)  # noqa: B905  # one for each
        ]

    def report(self, pane_id: str, report: reports.Report) -> bool:
        """Take what the program in a pane says it is doing; False: there is no such pane."""
        return self._panes.report(pane_id, report)

    def explain(self, pane_id: str) -> PaneExplanation | None:
        """Say why a pane's status is what it is; None: there is no such pane."""
        return self._panes.explain(pane_id)

    async def watch(self, engine: Engine, identity: Identity, tmux: Tmux) -> None:
        """Follow one run of the server with an engine until the server is gone.

        Args:
            engine: how.
            identity: which run.
            tmux: how to reach it, for commands.

        Raises:
            TmuxError: the engine cannot go on. The state is empty by then, as told by events.
        """
        self._identity, self._engine, self._tmux = identity, engine.name, tmux
        up = ev.ServerUp(
            pid=identity.pid,
            version=identity.version,
            start_time=identity.start_time,
            socket=self.socket,
            engine=engine.name,
        )
        self._publish_here(up)
        reason = "watching it was stopped"
        try:
            with one_tmux_error():
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._panes.run, engine)
                    nursery.start_soon(self._deaths.run, self.listing)
                    nursery.start_soon(
                        run_stats, self._wants_stats, self._panes.pids, self._publish_here
                    )
                    await engine.run(self)
                    nursery.cancel_scope.cancel()
            reason = "the tmux server ended"
        except TmuxUnavailable:
            reason = "the tmux server ended"
            raise
        except TmuxError as error:
            reason = str(error)
            raise
        finally:
            self._down(reason)

    def trouble(self, message: str, retry_seconds: float | None) -> None:
        """Say that watching failed."""
        self._publish_here(ev.CollectorTrouble(message=message, retry_s=retry_seconds))

    # --- what engines report ---------------------------------------------------------------

    def listing(self, listing: Listing) -> None:
        """Take everything that the server holds now."""
        listing = self._deaths.hold(without_secrets(listing, self._redactor))
        rows = {row.pane_id: row for row in listing.panes}
        self._panes.let_go(self._state.panes.keys() - rows.keys())  # last words before the end
        before, self._listing = self._listing, listing
        self._become(from_listing(listing))
        self._panes.listed(rows, drawn_anew(before, listing))
        self.is_listed.value = True

    def asked(self, seconds: float) -> None:
        """Take that the server answered a list after so long."""
        self._hub.tally.listed(seconds)

    def output(self, pane_id: str, data: bytes) -> None:
        """Take bytes that a pane's program printed."""
        self._panes.output(pane_id, data)

    def streams(self, pane_id: str, *, on: bool) -> None:
        """Learn whether all output of a pane comes to `output` from now on."""
        self._panes.streams(pane_id, on=on)

    # --- publishing ------------------------------------------------------------------------

    def _become(self, state: State) -> None:
        changes = diff(self._state, state, self.name)
        self._state = state
        if changes:
            self._atlas = Atlas(state, self.name)
            self._hub.publish(*changes)

    def _down(self, reason: str) -> None:
        self._panes.let_go(self._state.panes)
        self._become(EMPTY)
        self._panes.listed({}, set())
        self._deaths.clear()
        self._listing = NOTHING
        self._identity = self._tmux = None
        self.is_listed.value = False
        self._publish_here(ev.ServerDown(reason=reason))

    def _publish_here(self, data: ev.Data) -> None:
        self._hub.publish(ev.Event(ev.Place(server=self.name), data))

    def _publish_pane(self, pane_id: str, found: Sequence[ev.Data]) -> None:
        if found and pane_id in self._state.panes:
            place = self._atlas.pane(pane_id)
            self._hub.publish(*[ev.Event(place, data) for data in found])

    def _wants_stats(self) -> bool:
        return self._measures and self._hub.wants(ev.SystemStats.type)

    # --- what is shown ---------------------------------------------------------------------

    def _now(self, pane_id: str) -> PaneNow:
        return PaneNow(self._panes.last_line(pane_id), self._panes.status(pane_id))

    def _captured(self, outcome: Outcome) -> Outcome:
        if outcome.screen is not None:
            screen = screen_without_secrets(outcome.screen, self._redactor)
            return msgspec.structs.replace(outcome, screen=screen)
        text = self._redactor.redact_text(outcome.output).text
        return msgspec.structs.replace(outcome, output=text)
