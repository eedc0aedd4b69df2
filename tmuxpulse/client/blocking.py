"""The client for ordinary scripts: calls that wait, one thread, sockets with timeouts.

    import tmuxpulse

    with tmuxpulse.connect() as monitor:
        for event in monitor.events(types=["agent.status"]):
            print(event.session, event.data)

Nothing runs in the background: the connection is read while a call waits. A program that does
something else for more than half a minute may find the connection cut; it comes back by itself at
the next call, and goes on where it was.
"""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from random import random
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tmuxpulse.client import questions
from tmuxpulse.client.core import Core, State
from tmuxpulse.client.destination import Destination, destination
from tmuxpulse.client.pump import Pump
from tmuxpulse.client.subscription import Subscription
from tmuxpulse.client.view import Event
from tmuxpulse.errors import ServerUnavailable, TimedOut, UsageError
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

REQUEST_SECONDS = 30.0
CLOSED = "this monitor is closed"


class Events(Iterator[Event]):
    """Events as they come; ends when it is closed.

    Attributes:
        state: the state before the first event, where it was asked for.
    """

    def __init__(self, monitor: Monitor, subscription: Subscription) -> None:
        self._monitor = monitor
        self._subscription = subscription

    @property
    def state(self) -> Tree | None:
        """The state before the first event, where it was asked for."""
        return self._subscription.state

    def __iter__(self) -> Events:
        return self

    def __next__(self) -> Event:
        if self._subscription.is_abandoned:
            raise StopIteration
        return self._monitor.next_event(self._subscription, math.inf)

    def next(self, timeout: float) -> Event:
        """Wait for the next event.

        Raises:
            TimedOut: none came in `timeout` seconds.
            ServerError: as for iterating.
        """
        return self._monitor.next_event(self._subscription, timeout)

    def close(self) -> None:
        """Want no more."""
        self._subscription.is_abandoned = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self._subscription.is_abandoned = True


class Monitor:
    """A server, for a program in one thread; `connect` makes it.

    It comes back by itself after a cut, and goes on with everything that was subscribed to.

    Args:
        server: which.
        reconnect: as of `connect`; so are `timeout` and `on_state`.
        patience: seconds for the first connection; a server that hangs is given up by itself, too.
    """

    def __init__(
        self,
        server: Destination,
        *,
        reconnect: bool = True,
        timeout: float = REQUEST_SECONDS,
        patience: float = math.inf,
        on_state: Callable[[State], None] | None = None,
    ) -> None:
        self._timeout = timeout
        self._core = Core(
            server.where, token=server.token, reconnect=reconnect, random=random, on_state=on_state
        )
        self._pump = Pump(server, self._core)
        self._lock = threading.Lock()
        try:
            with self._alone():
                self._pump.wait(lambda: self._core.is_open, patience)
        except BaseException:
            self._pump.abandon()
            raise

    # --- events ----------------------------------------------------------------------------

    def events(self, *, snapshot: bool = False, **filters: Unpack[questions.Filters]) -> Events:
        """Subscribe to events; what happens from now on comes, whenever it is read.

        Iterating gives each as an `Event`. Its `data` is a `Gap` where events are missing, and
        `Restarted` where the server began anew and nothing is missing.

        Args:
            snapshot: whether the state before the first event is wanted: `Events.state`.
            filters: which events; none: all of them.

        Raises:
            UsageError: there is no such filter.
            RequestError: the server does not take it.
            ServerRefused: it does not allow it, or does not want us back.
            ServerUnavailable: it is gone, and `reconnect` is off.
            TimedOut: it did not answer.
        """
        wanted = questions.wanted(filters)
        with self._alone():
            found = Events(self, self._core.subscribe(wanted, with_state=snapshot))
            one = found._subscription  # noqa: SLF001  # of this module
            self._pump.wait(lambda: one.is_confirmed or one.error, self._timeout)
            if one.error is not None and not one.is_confirmed:
                raise one.error
            if snapshot:
                self._pump.wait(lambda: one.state or one.error, self._timeout)
        return found

    def wait_for(
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
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        with self.events(**filters) as found:
            while True:
                try:
                    event = found.next(deadline - time.monotonic())
                except TimedOut:
                    raise questions.too_slow("no such event came", timeout or 0.0) from None
                if questions.matches(event, wanted) and (predicate is None or predicate(event)):
                    return event

    def next_event(self, subscription: Subscription, timeout: float) -> Event:
        """Wait for the next event of a subscription; `Events` does this."""
        with self._alone():
            event = subscription.take()
            if event is not None:
                return event
            subscription.is_waiting = True
            try:
                self._pump.wait(lambda: subscription.has_news, timeout)
            except TimedOut:
                raise questions.too_slow("no event came", timeout) from None
            finally:
                subscription.is_waiting = False
            event = subscription.take()
            if event is None:
                raise subscription.error or ServerUnavailable(CLOSED)
            return event

    # --- requests --------------------------------------------------------------------------

    def snapshot(self, *, styled: bool = False, **target: Unpack[questions.Place]) -> Tree:
        """The state now, of everything or of what is named; a pane that is named has its screen.

        Args:
            styled: whether that screen comes with its colours and its cursor.
            target: what is named.

        Raises:
            RequestError: there is no such thing.
            ServerError: the server refuses, or is gone.
            TimedOut: it did not answer.
        """
        return questions.tree_of(self._ask(questions.snapshot(target, styled=styled)))

    def command(self, command: str | Command, **fields: Any) -> Any:  # noqa: ANN401  # by command
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
            TimedOut: it did not answer.
        """
        return questions.output_of(self._ask(questions.command(command, fields)))

    def batch(
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
            TimedOut: it did not answer.
        """
        return questions.outcomes_of(self._ask(questions.batch(commands, key, deadline_s)))

    def history(
        self,
        *,
        text: str = "",
        since: datetime | float | None = None,
        until: datetime | float | None = None,
        newest_first: bool = False,
        limit: int | None = None,
        **filters: Unpack[questions.Filters],
    ) -> Iterator[Event]:
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
            TimedOut: it did not answer.
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
            page = questions.page_of(self._ask(request))
            for event in questions.events_of(page):
                yield event
                left -= 1
                if left <= 0:
                    return
            request = questions.next_page(request, page)

    def emit(
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
            TimedOut: it did not answer.
        """
        return questions.seq_of(self._ask(questions.emit(event_type, data, place)))

    def explain(self, **target: Unpack[questions.Place]) -> ExplainData:
        """Why a pane's status is what it is.

        Raises:
            RequestError: there is no such pane.
            ServerError: the server refuses, or is gone.
            TimedOut: it did not answer.
        """
        return questions.explanation_of(self._ask(questions.explain(target)))

    # --- life ------------------------------------------------------------------------------

    @property
    def greeting(self) -> Established:
        """What the server said first: what it is, what it bounds, what is switched on.

        Raises:
            ServerUnavailable: there was no server yet.
        """
        return self._core.greeted()

    def abandon(self) -> None:
        """Let go of the connection without a word: for a process that was forked from its owner."""
        self._core.end(UsageError(CLOSED))
        self._pump.abandon()

    def close(self) -> None:
        """Say goodbye; further calls raise `UsageError`."""
        self._core.end(UsageError(CLOSED))
        self._pump.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()

    # --- waiting ---------------------------------------------------------------------------

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._lock.acquire(blocking=False):
            raise UsageError(
                "another thread is using this monitor; give each its own: tmuxpulse.connect()"
            )
        try:
            yield
        finally:
            self._lock.release()

    def _ask(self, request: Asked) -> AnyReply:
        with self._alone():
            ask = self._core.ask(request)
            try:
                self._pump.wait(lambda: ask.is_done, self._timeout)
            except BaseException:
                self._core.cancel(ask)
                raise
        if ask.error is not None:
            raise ask.error
        if ask.reply is None:
            raise ServerUnavailable(CLOSED)
        return ask.reply


def connect(
    *,
    unix_socket: str | None = None,
    url: str | None = None,
    token: str | None = None,
    token_file: str | None = None,
    ca_file: str | None = None,
    reconnect: bool = True,
    timeout: float = REQUEST_SECONDS,
    on_state: Callable[[State], None] | None = None,
) -> Monitor:
    """Connect to a server; to the user's own, unless another one is named.

    Args:
        unix_socket: the path of the same user's socket; or
        url: an address such as ``wss://pulse.example:8765/``; ``ws://`` to this machine only.
        token: what lets us in at `url`; or
        token_file: the file that holds it, which nobody else can read.
        ca_file: whom to trust at `url`, in PEM; None: the system's authorities.
        reconnect: whether to come back after a cut.
        timeout: seconds for each request, with any coming back in between.
        on_state: told when the connection changes; it must not raise, and not call the monitor.

    Raises:
        UsageError: that makes no sense; or this thread runs an event loop.
        ServerUnavailable: nobody answers there.
        ServerRefused: the server does not take us.
    """
    _not_in_a_loop()
    server = destination(unix_socket, url, token, token_file, ca_file)
    return Monitor(server, reconnect=reconnect, timeout=timeout, on_state=on_state)


def _not_in_a_loop() -> None:
    """Refuse to stop everything else that an event loop does."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None:
        with suppress(RuntimeError):  # what it says when there is none
            asyncio.get_running_loop()
            raise UsageError(
                "connect() would block asyncio's event loop; use: async with"
                " tmuxpulse.connect_asyncio() as monitor"
            )
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        raise UsageError(
            "connect() would block trio; use: async with tmuxpulse.connect_trio() as monitor"
        )
