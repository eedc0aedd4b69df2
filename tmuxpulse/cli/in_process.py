"""A server's answers without a server: one session of it in this process, over channels of memory.

What answers is what answers in a server, so that nobody can tell the difference. It writes no audit
log and no history; what a server kept before can be asked for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import NoReturn

import msgspec
import trio
from trio_websocket import CloseReason, ConnectionClosed

from tmuxpulse.cli.embedded import Collector
from tmuxpulse.cli.past import local_past
from tmuxpulse.client.groups import unwrapped
from tmuxpulse.collect.first_look import wait_for_first_look
from tmuxpulse.config.features import parts
from tmuxpulse.config.settings import CollectSettings, Settings
from tmuxpulse.errors import RequestError, ServerUnavailable, UsageError
from tmuxpulse.hub.hub import Hub
from tmuxpulse.serve.access import Access, Hidden
from tmuxpulse.serve.grants import Grant, owner
from tmuxpulse.serve.house import House, Visitor
from tmuxpulse.serve.past import Past
from tmuxpulse.serve.records import Value
from tmuxpulse.serve.session import Session
from tmuxpulse.serve.sights import Sight
from tmuxpulse.serve.tickets import Tickets
from tmuxpulse.wire import History, HistoryData

WHERE = "tmuxpulse in this process"


class Here:
    """Both ends of a connection to a session in this process.

    A message waits until the other side takes it: who does not read is slow, as over a socket.

    Attributes:
        where: what it leads to, for messages to a person.
        closed: why the session ended it; for the session.
    """

    def __init__(self) -> None:
        self.where = WHERE
        self.closed: CloseReason | None = None
        self._asking, self._asked = trio.open_memory_channel[str](0)
        self._saying, self._said = trio.open_memory_channel[bytes](0)

    # --- for who asks ----------------------------------------------------------------------

    async def send(self, message: str) -> None:
        """Ask."""
        try:
            await self._asking.send(message)
        except trio.BrokenResourceError:
            self._fail()

    async def receive(self) -> bytes:
        """Wait for what is said."""
        try:
            return await self._said.receive()
        except trio.EndOfChannel:
            self._fail()

    def _fail(self) -> NoReturn:
        reason = "" if self.closed is None else self.closed.reason
        raise ServerUnavailable(f"{WHERE} ended: {reason or 'without a word'}") from None

    # --- for the session -------------------------------------------------------------------

    async def get_message(self) -> str:
        """Wait for a request."""
        try:
            return await self._asked.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError):
            raise ConnectionClosed(self.closed) from None

    async def send_message(self, message: str | bytes) -> None:
        """Say something."""
        try:
            await self._saying.send(message.encode() if isinstance(message, str) else message)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise ConnectionClosed(self.closed) from None

    async def aclose(self, code: int = 1000, reason: str | None = None) -> None:
        """End it."""
        self.closed = self.closed or CloseReason(code, reason)
        self._asked.close()
        self._saying.close()
        await trio.lowlevel.checkpoint()


@asynccontextmanager
async def open_here(
    collect: CollectSettings,
    settings: Settings,
    *,
    state_dir: Path,
    collector: Collector | None = None,
) -> AsyncIterator[Here]:
    """Watch tmux from within this process; leaving the block leaves tmux as it was.

    Args:
        collect: what is watched, and how.
        settings: what is allowed.
        state_dir: where a history may be.
        collector: what fills the hub; by default the real one.

    Raises:
        TmuxNotFound: there is no tmux program.
    """
    if collector is None:
        from tmuxpulse.collect.collector import run_collector

        collector = run_collector
    hub = Hub()
    past = _KeptBefore(settings, state_dir, Path(collect.runtime_dir))
    house = House(  # before the first event
        hub,
        access=_NoPage(_NoTokens(), Tickets()),
        audit=_NoRecords(),
        limits=settings.limits,
        write=settings.server.write,
        past=past,
        features={
            **parts(settings.features),
            "audit": False,
            "history": False,
            "redaction": collect.redaction.enabled,
        },
    )
    visitor = Visitor(peer="here", address="here", is_local=True, grant=owner())
    with unwrapped():
        async with trio.open_nursery() as nursery:
            await nursery.start(hub.run)
            await wait_for_first_look(nursery, partial(nursery.start, collector, hub, collect))
            here = Here()
            nursery.start_soon(Session(house, visitor, joined=True).run, here)
            try:
                yield here
            finally:
                nursery.cancel_scope.cancel()


class _KeptBefore(Past):
    """The history that a server wrote, while none runs."""

    def __init__(self, settings: Settings, state_dir: Path, runtime_dir: Path) -> None:
        super().__init__(None)
        self._open = partial(local_past, settings.history, state_dir, runtime_dir)

    async def page(self, request: History, sight: Sight) -> HistoryData:
        """Read the database."""
        del sight  # the user's own
        try:
            with self._open() as past:
                page = await past.page(request)
        except UsageError as error:
            raise RequestError("UNAVAILABLE", str(error)) from None
        return msgspec.structs.replace(page, id=request.id)


class _NoPage(Access):
    """There is no page to show a ticket at."""

    def issue(self, grant: Grant) -> tuple[Hidden, float]:
        """Make none."""
        del grant
        raise RequestError("UNAVAILABLE", "no server runs; start one with: tmuxpulse serve")


class _NoTokens:
    """Nobody comes in from elsewhere."""

    problem = ""

    def check(self, text: str, now: float) -> Grant | None:
        """No token is good here."""
        del text, now
        return None

    def grant(self, token_id: str, now: float) -> Grant | None:
        """No token is good here."""
        del token_id, now
        return None

    def has_live(self, now: float) -> bool:
        """There are none."""
        del now
        return False

    def refresh(self) -> bool:
        """There are none."""
        return False


class _NoRecords:
    """Who commands their own panes from their own process is in no log, as with tmux itself."""

    def record(self, action: str, *, who: str, **fields: Value) -> None:
        """Let it be."""

    def record_look(self, *, who: str, **fields: Value) -> None:
        """Forget it."""

    def record_failure(self, peer: str, why: str) -> None:
        """Let it be."""
