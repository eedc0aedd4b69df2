"""The engine for control mode: a control client for each session, structure pushed by tmux.

Not the default: on every release up to 3.7 a connected control client lets ordinary commands crash
the whole server (tmux #5243, #5244). `is_mended` says where it is safe.

A notification says that something changed, not what: it asks for a list over one of the clients,
and lists that are asked for in a burst are joined. tmux does not announce everything (a
`split-window -d` in another session, commands, paths, titles), so a list is also taken once in a
while.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import msgspec
import trio

from tmuxpulse.collect import sockets
from tmuxpulse.collect.channel import OneShot
from tmuxpulse.collect.command import Identity, Tmux, identify
from tmuxpulse.collect.connection import Connection
from tmuxpulse.collect.engine import Sink
from tmuxpulse.collect.groups import one_tmux_error
from tmuxpulse.collect.routes import Change, Routes
from tmuxpulse.collect.screens import Shown, parse_screens, screen_commands
from tmuxpulse.errors import TmuxCommandFailed, TmuxTooOld, TmuxUnavailable
from tmuxpulse.tmux import notifications as said
from tmuxpulse.tmux.formats import Listing, listing_commands, parse_listing

BURST_SECONDS = 0.02  # the least time between two lists
REFRESH_SECONDS = 1.0  # the longest that a list is old
LONELY_SECONDS = 0.2  # the same while there is no client to be told by
REFUSALS = 3  # in a row, of a session that is there
OLDEST = (3, 2)  # the first release with `attach-session -f` and `pause-after`
NO_SESSION = "no current target"  # what tmux says to a list when there is no session at all
LAST_CRASHING = (3, 7)

# They change nothing that a list tells.
_IRRELEVANT = (
    said.PaneModeChanged,
    said.SubscriptionChanged,
    said.Message,
    said.ConfigError,
    said.PasteBufferChanged,
    said.PasteBufferDeleted,
    said.Exit,
)


def is_mended(release: tuple[int, int]) -> bool:
    """Tell whether a control client is harmless to a server of this release."""
    return release > LAST_CRASHING


class ControlEngine:
    """Watches a server from tmux 3.2 on through control clients.

    Args:
        tmux: how to reach the server.
        identity: which run of tmux it is.
    """

    name: ClassVar[str] = "control"
    sample_seconds: ClassVar[float] = 0.2

    def __init__(self, tmux: Tmux, identity: Identity) -> None:
        self._tmux = tmux
        self._identity = identity
        self._nonce = secrets.token_hex(6)
        self._clients: dict[str, Connection] = {}
        self._own_names: set[str] = set()
        self._refusals: dict[str, int] = {}
        self._not_before: dict[str, float] = {}
        self._routes = Routes()
        self._woken = trio.Event()

    async def run(
        self, sink: Sink, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Watch until the server is gone; see `Engine.run`."""
        if self._identity.release < OLDEST:
            raise TmuxTooOld(
                f"control mode needs tmux 3.2, the server is {self._identity.version}",
                version=self._identity.version,
            )
        with one_tmux_error():
            async with trio.open_nursery() as nursery:
                await self._watch(sink, nursery, task_status)
                nursery.cancel_scope.cancel()

    async def capture(self, pane_ids: Sequence[str]) -> dict[str, Shown]:
        """Read the visible screens of panes; see `Engine.capture`."""
        commands = screen_commands(pane_ids, self._nonce)
        body = await self._over_a_client(commands)
        if body is None:
            body = await OneShot(self._tmux).run(commands)
        return parse_screens(body, self._nonce)

    # --- lists ---------------------------------------------------------------------------

    async def _watch(
        self, sink: Sink, nursery: trio.Nursery, task_status: trio.TaskStatus[None]
    ) -> None:
        first = True  # a server that is gone by then was never watched
        while True:
            self._woken = trio.Event()
            began = trio.current_time()
            body = await self._list()
            if body is None:
                if first:
                    raise TmuxUnavailable(
                        f"the tmux server on {self._tmux.socket} is gone", socket=self._tmux.socket
                    )
                break
            sink.asked(trio.current_time() - began)
            listing = self._without_us(parse_listing(body, self._nonce))
            sink.listing(listing)
            if first:
                first = False
                task_status.started()
            ready = [session for session, client in self._clients.items() if client.ready]
            self._tell(sink, self._routes.settle(listing, ready))
            self._reconcile({row.session_id for row in listing.panes}, sink, nursery)
            with trio.move_on_after(REFRESH_SECONDS if self._clients else LONELY_SECONDS):
                await self._woken.wait()
            await trio.sleep_until(began + BURST_SECONDS)

    async def _list(self) -> bytes | None:
        """One list, or None when the server is gone."""
        try:
            told = await self._over_a_client(listing_commands(self._nonce), check=True)
        except TmuxCommandFailed as failed:
            if failed.stderr != NO_SESSION:
                raise
            told = None  # the client's session was the last one, and the client is about to end
        if told is not None:
            return told
        try:
            return await self._list_without_client()
        except TmuxUnavailable:
            if not sockets.is_alive(self._tmux.socket):
                return None
        # Somebody is there by now: most likely the server that took its place, which says so.
        return await self._list_without_client()

    async def _list_without_client(self) -> bytes | None:
        """The same, where no connection tells that the server is still the same one."""
        who = "display-message -p '#{pid} #{start_time}'"
        script = "".join(f"{command}\n" for command in [who, *listing_commands(self._nonce)])
        try:
            answer = await self._tmux.run("source-file", "-", script=script.encode())
        except TmuxCommandFailed as failed:
            if not failed.stderr.startswith(NO_SESSION):
                raise
            return b"" if await identify(self._tmux) == self._identity else None
        them, _, body = answer.partition(b"\n")
        us = f"{self._identity.pid} {self._identity.start_time}"
        return body if them.decode() == us else None

    async def _over_a_client(self, commands: Sequence[str], *, check: bool = False) -> bytes | None:
        """What commands print that any client runs; None while there is no client."""
        client = next((client for client in self._clients.values() if client.ready), None)
        if client is None:
            return None
        try:
            return await client.run(commands, check=check)
        except TmuxUnavailable:  # its session has ended; another one may be there
            return await self._over_a_client(commands, check=check)

    def _without_us(self, listing: Listing) -> Listing:
        """The listing as it is without our clients."""
        for client in self._clients.values():
            self._own_names |= client.names
        # A client that has ended can be listed for a moment; afterwards its name is anybody's.
        listed = {row.name for row in listing.clients}
        living = {name for client in self._clients.values() for name in client.names}
        self._own_names &= listed | living
        others = tuple(row for row in listing.clients if row.name not in self._own_names)
        return msgspec.structs.replace(listing, clients=others)

    # --- clients -------------------------------------------------------------------------

    def _reconcile(self, sessions: set[str], sink: Sink, nursery: trio.Nursery) -> None:
        """A client for each session, and no other."""
        for session_id in self._clients.keys() - sessions:
            self._clients[session_id].close()
        now = trio.current_time()
        for session_id in sorted(sessions - self._clients.keys()):
            if now >= self._not_before.get(session_id, now):
                heard = partial(self._heard, session_id, sink)
                client = Connection(self._tmux, session_id, heard)
                self._clients[session_id] = client
                nursery.start_soon(self._attend, client, sink)
        for session_id in self._not_before.keys() - sessions:
            del self._not_before[session_id]
            self._refusals.pop(session_id, None)

    async def _attend(self, client: Connection, sink: Sink) -> None:
        """Keep one client as long as it lives."""
        session_id = client.session_id

        def attached() -> None:
            self._refusals.pop(session_id, None)
            self._woken.set()

        try:
            await client.listen(attached)
        except (TmuxCommandFailed, TmuxUnavailable):  # its session may have ended
            self._refusals[session_id] = self._refusals.get(session_id, 0) + 1
            if self._refusals[session_id] >= REFUSALS:
                raise
        self._own_names |= client.names
        del self._clients[session_id]
        # A client that somebody detached comes back, but not at once.
        self._not_before[session_id] = trio.current_time() + REFRESH_SECONDS
        self._tell(sink, self._routes.lose(session_id))
        self._woken.set()

    def _heard(self, session_id: str, sink: Sink, notification: said.Notification) -> None:
        """Take what tmux announces to one client: output here, anything else below."""
        match notification:
            case said.ExtendedOutput(pane, _, data) | said.Output(pane, data):
                if self._routes.passes(session_id, pane, data):
                    sink.output(pane, data)
            case said.Pause(pane):
                if self._routes.is_home(session_id, pane):
                    sink.streams(pane, on=False)
                self._clients[session_id].tell(f"refresh-client -A '{pane}:continue'")
            case said.Continue(pane):
                if self._routes.is_home(session_id, pane):
                    sink.streams(pane, on=True)
            case _:
                self._heard_of_change(session_id, notification)

    def _heard_of_change(self, session_id: str, notification: said.Notification) -> None:
        match notification:
            case said.SessionChanged(session, _):
                # With `detach-on-destroy off` it is moved to a session that has a client already.
                if session != session_id:
                    self._clients[session_id].close()
            case said.ClientSessionChanged(name) | said.ClientDetached(name):
                if not any(name in client.names for client in self._clients.values()):
                    self._woken.set()
            case _:
                if not isinstance(notification, _IRRELEVANT):
                    self._woken.set()

    def _tell(self, sink: Sink, changes: Sequence[Change]) -> None:
        for change in changes:
            sink.streams(change.pane_id, on=change.on)
            for data in change.held:
                sink.output(change.pane_id, data)
