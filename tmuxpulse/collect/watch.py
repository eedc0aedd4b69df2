"""One tmux server, from its coming up to its going down: facts in, events out.

This is the `Sink` of the engines. It keeps the server's state and the rule that the hub asks for:
the state changes and its events are published without a checkpoint in between.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec
import trio
from trio_util import AsyncBool

from tmuxpulse import events as ev
from tmuxpulse.collect.command import Identity, Tmux
from tmuxpulse.collect.engine import Engine
from tmuxpulse.collect.feed import PaneFeed
from tmuxpulse.collect.groups import one_tmux_error
from tmuxpulse.collect.perform import perform
from tmuxpulse.collect.secrets import without_secrets
from tmuxpulse.collect.taps import Taps
from tmuxpulse.collect.views import server_view, session_views
from tmuxpulse.errors import TmuxError, TmuxUnavailable
from tmuxpulse.hub.hub import Hub
from tmuxpulse.redaction.redactor import Redactor
from tmuxpulse.tmux.diff import diff
from tmuxpulse.tmux.formats import EMPTY as NOTHING
from tmuxpulse.tmux.formats import Listing, PaneRow
from tmuxpulse.tmux.orders import Capture, Order
from tmuxpulse.tmux.outcomes import Outcome
from tmuxpulse.tmux.reports import Report
from tmuxpulse.tmux.state import EMPTY, Atlas, State, from_listing
from tmuxpulse.wire import PaneExplanation, ServerView, SessionView, rfc3339

SCREEN_SECONDS = 0.1  # screens that are addressed are captured at most this often
STATUS_SECONDS = 0.3  # how long after a pane's death tmux may take to tell its exit status


class ServerWatch:
    """What is known of one tmux server. Registered with the hub as the source of its state.

    Args:
        hub: where events go.
        name: what the server is called in events.
        socket: the path of its socket.
        redactor: masks secrets in all that is published.

    Attributes:
        is_listed: whether its first list has come in.
    """

    def __init__(self, hub: Hub, name: str, socket: str, redactor: Redactor | None = None) -> None:
        self._hub = hub
        self._redactor = redactor or Redactor(())
        self._taps = Taps(self._redactor)
        self._name = name
        self._socket = socket
        self.is_listed = AsyncBool(False)
        self._identity: Identity | None = None
        self._engine = ""
        self._tmux: Tmux | None = None
        self._state: State = EMPTY
        self._atlas = Atlas(EMPTY, name)
        self._rows: dict[str, PaneRow] = {}
        self._feeds: dict[str, PaneFeed] = {}
        self._reported: dict[str, ev.AgentStatus] = {}
        self._listing = NOTHING
        self._dying: dict[str, float] = {}  # dead, but tmux does not tell the exit status yet
        self._held_back = AsyncBool(False)
        self._unpublished: set[str] = set()  # panes whose feeds hold something
        self._waiting = AsyncBool(False)
        self._screens = AsyncBool(False)

    def view(self) -> tuple[ServerView, list[SessionView]]:
        """The state, as in a snapshot."""
        return (
            server_view(self._name, self._socket, self._identity, self._engine),
            session_views(self._name, self._state, self._last_line),
        )

    async def perform(self, orders: Sequence[Order], *, seconds: float) -> list[Outcome]:
        """Run commands in order, up to the first that fails; what they show is redacted.

        Raises:
            TmuxError: as `collect.perform.perform`.
        """
        if self._tmux is None:
            raise TmuxUnavailable(f"no tmux server on {self._socket}", socket=self._socket)
        outcomes = await perform(self._tmux, orders, seconds=seconds)
        return [
            self._captured(outcome) if isinstance(order, Capture) else outcome
            for order, outcome in zip(orders, outcomes)  # noqa: B905  # one for each
        ]

    def report(self, pane_id: str, report: Report) -> bool:
        """Take what the program in a pane says it is doing; False: there is no such pane."""
        if pane_id not in self._state.panes:
            return False
        known = self._reported.get(pane_id)
        status = ev.AgentStatus(
            status=report.status,
            previous="unknown" if known is None else known.status,
            agent_type=report.agent_type,
            reason=self._redactor.redact_line(report.reason).text,
            rule=f"report.{report.source}",
            confidence=1.0,
            since=rfc3339(time.time()),
        )
        self._reported[pane_id] = status
        self._publish_pane(pane_id, [status])
        return True

    def explain(self, pane_id: str) -> PaneExplanation | None:
        """Say why a pane's status is what it is; None: there is no such pane."""
        if pane_id not in self._state.panes:
            return None
        unknown = ev.AgentStatus(
            status="unknown", previous="unknown", reason="nothing was reported"
        )
        status = self._reported.get(pane_id, unknown)
        return PaneExplanation(
            status=status.status,
            since=status.since,
            reason=status.reason,
            rule=status.rule,
            evidence="",
            confidence=status.confidence,
            agent_type=status.agent_type,
            pending=None,
            opinions=[],
            matched=[],
            known=[],
        )

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
            socket=self._socket,
            engine=engine.name,
        )
        self._publish_here(up)
        reason = "watching it was stopped"
        try:
            with one_tmux_error():
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._publish_outputs)
                    nursery.start_soon(self._capture_screens, engine)
                    nursery.start_soon(self._let_them_die)
                    nursery.start_soon(self._flush_taps)
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
        listing = without_secrets(listing, self._redactor)
        rows = {row.pane_id: row for row in listing.panes}
        self._listing = listing
        listing = self._wait_for_status(listing)
        for pane_id in self._rows.keys() - rows.keys():
            self._publish_output(pane_id)  # its last words come before its end
            self._flush_tap(pane_id)
            self._taps.forget(pane_id)
        self._rows = rows
        self._become(from_listing(listing))
        for pane_id in self._feeds.keys() - rows.keys():
            del self._feeds[pane_id]
            self._reported.pop(pane_id, None)
        self._unpublished &= rows.keys()
        for pane_id in rows.keys() - self._feeds.keys():
            self._feeds[pane_id] = PaneFeed(self._redactor)
            self._screens.value = True
        self.is_listed.value = True

    def output(self, pane_id: str, data: bytes) -> None:
        """Take bytes that a pane's program printed."""
        feed = self._feeds.get(pane_id)
        if feed is None:
            return
        if self._hub.wants(ev.PaneBytes.type):
            self._publish_pane(pane_id, list(self._taps.feed(pane_id, data, self._size(pane_id))))
        feed.output(data)
        if feed.shows_screen:
            self._screens.value = True
        if trio.current_time() >= feed.due:
            self._publish_output(pane_id)
        else:
            self._unpublished.add(pane_id)
            self._waiting.value = True

    def streams(self, pane_id: str, *, on: bool) -> None:
        """Learn whether all output of a pane comes to `output` from now on."""
        feed = self._feeds.get(pane_id)
        if feed is None or feed.streams == on:
            return
        self._publish_output(pane_id)
        feed.begin(streams=on, alternate=self._rows[pane_id].alternate_on)
        self._screens.value = True

    # --- publishing ------------------------------------------------------------------------

    def _become(self, state: State) -> None:
        changes = diff(self._state, state, self._name)
        self._state = state
        if changes:
            self._atlas = Atlas(state, self._name)
            self._hub.publish(*changes)

    def _down(self, reason: str) -> None:
        for pane_id in self._feeds:
            self._publish_output(pane_id)
        self._feeds.clear()
        self._taps.clear()
        self._reported.clear()
        self._rows.clear()
        self._dying.clear()
        self._listing = NOTHING
        self._unpublished.clear()
        self._become(EMPTY)
        self._identity = self._tmux = None
        self.is_listed.value = False
        self._publish_here(ev.ServerDown(reason=reason))

    def _publish_here(self, data: ev.Data) -> None:
        self._hub.publish(ev.Event(ev.Place(server=self._name), data))

    def _publish_output(self, pane_id: str) -> None:
        feed = self._feeds.get(pane_id)
        if feed is not None and pane_id in self._state.panes:
            self._publish_pane(pane_id, feed.take(trio.current_time()))

    def _publish_pane(self, pane_id: str, found: list[ev.Data]) -> None:
        if found:
            place = self._atlas.pane(pane_id)
            self._hub.publish(*[ev.Event(place, data) for data in found])

    async def _publish_outputs(self) -> None:
        """Publish what had to wait for its pause to end."""
        while True:
            await self._waiting.wait_value(True)
            now = trio.current_time()
            due = [pane for pane in self._unpublished if self._feeds[pane].due <= now]
            for pane_id in due:
                self._unpublished.discard(pane_id)
                self._publish_output(pane_id)
            if not self._unpublished:
                self._waiting.value = False
            else:
                await trio.sleep_until(min(self._feeds[pane].due for pane in self._unpublished))

    # --- terminal bytes ----------------------------------------------------------------------

    def _size(self, pane_id: str) -> tuple[int, int]:
        row = self._rows[pane_id]
        return row.pane_width, row.pane_height

    def _flush_tap(self, pane_id: str) -> None:
        if pane_id in self._state.panes:
            self._publish_pane(pane_id, list(self._taps.flush(pane_id, self._size(pane_id))))

    async def _flush_taps(self) -> None:
        """Let go of what was held back because it might become a secret, and did not go on."""
        while True:
            await self._taps.wait()
            for pane_id in self._taps.panes:
                self._flush_tap(pane_id)
            if not self._hub.wants(ev.PaneBytes.type):
                self._taps.clear()

    # --- screens ---------------------------------------------------------------------------

    async def _capture_screens(self, engine: Engine) -> None:
        """Look at the screens that may have changed: all of them in one run."""
        sampled_at = -1.0
        while True:
            with trio.move_on_after(engine.sample_seconds):
                await self._screens.wait_value(True)
            began = trio.current_time()
            sample = began >= sampled_at + engine.sample_seconds
            if sample:
                sampled_at = began
            self._screens.value = False
            wanted = [
                pane_id
                for pane_id, feed in self._feeds.items()
                if feed.shows_screen and (feed.screen_due if feed.streams else sample)
            ]
            if wanted:
                screens = await engine.capture(wanted)
                for pane_id, rows in screens.items():
                    feed = self._feeds.get(pane_id)
                    if feed is not None and feed.shows_screen:
                        width = self._rows[pane_id].pane_width
                        self._publish_pane(pane_id, feed.screen(rows, width))
            await trio.sleep_until(began + SCREEN_SECONDS)

    def _wait_for_status(self, listing: Listing) -> Listing:
        """Hold a death back for a moment while tmux does not tell the exit status yet.

        ``pane_dead`` can be set before it (6 times of 20 on 3.3a).
        """
        now = trio.current_time()
        rows = []
        dying: dict[str, float] = {}
        held_back = False
        for row in listing.panes:
            shown = row
            untold = row.pane_dead and row.pane_dead_status is None and row.pane_dead_signal is None
            if untold:
                since = dying[row.pane_id] = self._dying.get(row.pane_id, now)
                if now < since + STATUS_SECONDS:
                    shown = msgspec.structs.replace(row, pane_dead=False)
                    held_back = True
            rows.append(shown)
        self._dying = dying
        self._held_back.value = held_back
        return msgspec.structs.replace(listing, panes=tuple(rows)) if dying else listing

    async def _let_them_die(self) -> None:
        """Look at the last list again when a death was held back: there may be no other list."""
        while True:
            await self._held_back.wait_value(True)
            await trio.sleep(STATUS_SECONDS)
            self._held_back.value = False
            self.listing(self._listing)

    def _captured(self, outcome: Outcome) -> Outcome:
        text = self._redactor.redact_text(outcome.output).text
        return msgspec.structs.replace(outcome, output=text)

    def _last_line(self, pane_id: str) -> str:
        feed = self._feeds.get(pane_id)
        return feed.last_line if feed else ""
