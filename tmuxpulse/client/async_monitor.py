"""The client for programs with an event loop; what is the same on trio and on asyncio.

How to wait, and who moves the bytes, is said by the two faces. Timeouts are the callers'.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from random import random
from typing import TYPE_CHECKING, Any, TypeVar

from tmuxpulse.client import questions
from tmuxpulse.client.core import Core, State
from tmuxpulse.client.destination import Destination
from tmuxpulse.client.subscription import Subscription
from tmuxpulse.client.view import Event
from tmuxpulse.errors import ServerUnavailable, UsageError
from tmuxpulse.filters import Filter
from tmuxpulse.wire import (
    AnyReply,
    Asked,
    Command,
    Established,
    ExplainData,
    History,
    Outcome,
    Tree,
)

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

MAX_AT_ONCE = 64  # events without letting others run
CLOSED = "this monitor is closed"

Result = TypeVar("Result")


class AsyncEvents(AsyncIterator[Event]):
    """Events as they come; ends when it is closed. For one task."""

    def __init__(self, monitor: AsyncMonitor, subscription: Subscription) -> None:
        self._monitor = monitor
        self._subscription = subscription
        self._at_once = 0

    @property
    def state(self) -> Tree | None:
        """The state before the first event, where it was asked for; known in ``async with``."""
        return self._subscription.state

    def __aiter__(self) -> AsyncEvents:
        return self

    async def __anext__(self) -> Event:
        one, monitor = self._subscription, self._monitor
        if one.is_abandoned:
            raise StopAsyncIteration
        self._at_once += 1
        if self._at_once >= MAX_AT_ONCE:
            self._at_once = 0
            await monitor.let_others_run()
        if not one.has_news:
            self._at_once = 0
            await self._more()
        event = one.take()
        if monitor.is_paused:
            monitor.go_on()
        if event is None:
            raise one.error or ServerUnavailable(CLOSED)
        return event

    async def close(self) -> None:
        """Want no more."""
        self._subscription.is_abandoned = True
        self._monitor.go_on()

    async def __aenter__(self) -> Self:
        one = self._subscription
        await self._monitor.until(
            lambda: one.error or (one.is_confirmed and (one.state or not one.with_state))
        )
        if one.error is not None and not one.is_confirmed:
            raise one.error
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __del__(self) -> None:
        self._subscription.is_abandoned = True

    async def _more(self) -> None:
        one = self._subscription
        if one.is_waiting:
            raise UsageError("another task waits for these events; give each its own: events()")
        one.is_waiting = True
        try:
            self._monitor.go_on()
            await self._monitor.until(lambda: one.has_news)
        finally:
            one.is_waiting = False


class AsyncMonitor(ABC):
    """A server, for a program with an event loop.

    It comes back by itself after a cut, and goes on with everything that was subscribed to.

    Attributes:
        is_paused: whether nothing is read, since events wait to be taken.
    """

    def __init__(
        self,
        server: Destination,
        *,
        reconnect: bool = True,
        on_state: Callable[[State], None] | None = None,
    ) -> None:
        self.is_paused = False
        self._server = server
        self._core = Core(
            server.where, token=server.token, reconnect=reconnect, random=random, on_state=on_state
        )

    @property
    def is_open(self) -> bool:
        """Whether requests are answered now; if not, they wait until they are."""
        return self._core.is_open

    @property
    def greeting(self) -> Established:
        """What the server said first: what it is, what it bounds, what is switched on.

        Raises:
            ServerUnavailable: there was no server yet.
        """
        return self._core.greeted()

    # --- of a face -------------------------------------------------------------------------

    @abstractmethod
    async def until(self, done: Callable[[], object]) -> None:
        """Wait until something holds, or the connection is over for good."""

    @abstractmethod
    def go_on(self) -> None:
        """Send what is to be sent, and read on if that was paused."""

    @abstractmethod
    async def let_others_run(self) -> None:
        """Let other tasks run once."""

    @abstractmethod
    async def _within(self, seconds: float, wait: Callable[[], Awaitable[Event]]) -> Event | None:
        """Wait; None: in vain."""

    @abstractmethod
    def _check_here(self) -> None:
        """Raise `UsageError` where another loop or thread runs."""

    # --- events ----------------------------------------------------------------------------

    def events(
        self, *, snapshot: bool = False, **filters: Unpack[questions.Filters]
    ) -> AsyncEvents:
        """Subscribe to events; to be iterated over, by one task.

        Each is an `Event`. Its `data` is a `Gap` where events are missing, and `Restarted` where
        the server began anew and nothing is missing. ``async with monitor.events() as found``
        waits until the server has agreed: from there on nothing is missed.

        Iterating raises `RequestError` where the server does not take the filter, `ServerRefused`
        where it does not allow it or does not want us back, `ServerUnavailable` where it is gone
        and `reconnect` is off. Cancelling loses nothing.

        Args:
            snapshot: whether the state before the first event is wanted: `AsyncEvents.state`.
            filters: which events; none: all of them.

        Raises:
            UsageError: there is no such filter; or another loop or thread runs here.
        """
        return self._events(questions.wanted(filters), snapshot=snapshot)

    async def wait_for(
        self,
        predicate: Callable[[Event], bool] | None = None,
        *,
        timeout: float | None = None,
        **filters: Unpack[questions.Filters],
    ) -> Event:
        """Wait for an event that the filters admit and the predicate likes, and give it.

        Args:
            predicate: says which; None: the first one.
            timeout: seconds; None: for ever.
            filters: as of `events`.

        Raises:
            TimedOut: none came.
            EventsMissed: some were missed meanwhile, and it may have been among them.
            ServerError: as for `events`.
        """
        wanted = questions.wanted(filters)

        async def wait() -> Event:
            async with self._events(wanted, snapshot=False) as found:
                async for event in found:
                    if questions.matches(event, wanted) and (predicate is None or predicate(event)):
                        return event
            raise ServerUnavailable(CLOSED)

        if timeout is None:
            return await wait()
        event = await self._within(timeout, wait)
        if event is None:
            raise questions.too_slow("no such event came", timeout)
        return event

    # --- requests --------------------------------------------------------------------------

    async def snapshot(self, *, styled: bool = False, **target: Unpack[questions.Place]) -> Tree:
        """The state now, of everything or of what is named; a pane that is named has its screen.

        Args:
            styled: whether that screen comes with its colours and its cursor.
            target: what is named.

        Raises:
            RequestError: there is no such thing.
            ServerError: the server refuses, or is gone.
        """
        return questions.tree_of(await self._ask(questions.snapshot(target, styled=styled)))

    async def command(self, command: str | Command, **fields: Any) -> Any:  # noqa: ANN401  # by command
        """Have tmux do something: ``command("send-text", pane="%3", text="make", enter=True)``.

        With ``key=`` a command that was cut off may be given again, and is done once.

        Args:
            command: its name on the wire, or a struct of `tmuxpulse.wire`.
            fields: its arguments, and its target: server, session, window, pane.

        Returns:
            What it gave: the text of ``capture``, the ids of what was made, the pane of ``status``.

        Raises:
            UsageError: there is no such command.
            RequestError: it was refused, or tmux did not do it (``COMMAND_FAILED``).
            ServerError: the server refuses, or is gone.
        """
        return questions.output_of(await self._ask(questions.command(command, fields)))

    async def batch(
        self,
        commands: Iterable[Command | Mapping[str, Any]],
        *,
        key: str | None = None,
        deadline_s: float | None = None,
    ) -> list[Outcome]:
        """Run commands in order in one run of tmux; the first that fails is the last.

        Args:
            commands: structs of `tmuxpulse.wire`, or mappings such as
                ``{"command": "send-text", "pane": "%3", "text": "make"}``.
            key: a repeat with the same one is not run again.
            deadline_s: seconds until it has to be begun.

        Raises:
            UsageError: one of them is no command.
            RequestError: they were refused; nothing was done.
            ServerError: the server refuses, or is gone.
        """
        return questions.outcomes_of(await self._ask(questions.batch(commands, key, deadline_s)))

    async def history(
        self,
        *,
        text: str = "",
        since: datetime | float | None = None,
        until: datetime | float | None = None,
        newest_first: bool = False,
        limit: int | None = None,
        **filters: Unpack[questions.Filters],
    ) -> AsyncIterator[Event]:
        """What was kept, oldest first; pages are fetched as they are needed.

        Args:
            text: must be in the event's text.
            since: no earlier than this time, or seconds of the epoch.
            until: earlier than this.
            newest_first: the other way round.
            limit: at most so many events.
            filters: as of `events`.

        Raises:
            RequestError: it is refused; ``UNAVAILABLE``: nothing is kept there.
            ServerError: the server refuses, or is gone.
        """
        request: History | None = questions.history(
            questions.wanted(filters),
            contains=text,
            since=since,
            until=until,
            newest_first=newest_first,
            limit=limit,
        )
        left = math.inf if limit is None else limit
        while request is not None and left > 0:
            page = questions.page_of(await self._ask(request))
            for event in questions.events_of(page):
                yield event
                left -= 1
                if left <= 0:
                    return
            request = questions.next_page(request, page)

    async def emit(
        self,
        event_type: str,
        data: Mapping[str, Any] | None = None,
        **place: Unpack[questions.Place],
    ) -> int:
        """Tell of something: ``emit("custom.deploy", {"version": 3}, session="api")``.

        Args:
            event_type: ``custom.`` and a name; or ``agent.status``, a report about a pane.
            data: any object.
            place: where it happened.

        Returns:
            The number of the newest event.

        Raises:
            UsageError: it cannot be told.
            RequestError: it was refused.
            ServerError: the server refuses, or is gone.
        """
        return questions.seq_of(await self._ask(questions.emit(event_type, data, place)))

    async def explain(self, **target: Unpack[questions.Place]) -> ExplainData:
        """Why a pane's status is what it is.

        Raises:
            RequestError: there is no such pane.
            ServerError: the server refuses, or is gone.
        """
        return questions.explanation_of(await self._ask(questions.explain(target)))

    # --- waiting ---------------------------------------------------------------------------

    def _events(self, wanted: Filter, *, snapshot: bool) -> AsyncEvents:
        self._check_here()
        found = AsyncEvents(self, self._core.subscribe(wanted, with_state=snapshot))
        self.go_on()
        return found

    async def _ask(self, request: Asked) -> AnyReply:
        self._check_here()
        ask = self._core.ask(request)
        try:
            self.go_on()
            await self.until(lambda: ask.is_done)
        except BaseException:
            self._core.cancel(ask)
            raise
        if ask.error is not None:
            raise ask.error
        if ask.reply is None:
            raise ServerUnavailable(CLOSED)
        return ask.reply
