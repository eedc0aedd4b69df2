"""The client's mind: messages and times in, messages and decisions out. It does no I/O at all.

A face (`blocking`, `on_trio`, `on_asyncio`) moves bytes and waits; everything else is decided here:

- it opens a connection and says so (`opened`), or says why not (`lost`);
- it gives what came (`receive`), and sends what `outgoing` gives;
- at `deadline` it calls `tick`: a silent server is asked for a sign of life, once;
- when `broken` says why, it drops the connection, and says so (`lost`);
- after `lost` it waits until `retry_at` and dials again; unless `ended` says why not.

Nothing here reads a clock: `now` is any clock that does not go back, in seconds.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from enum import Enum

import msgspec
from msgspec.structs import replace

from tmuxpulse.client import endings
from tmuxpulse.client.asks import Ask, Asks
from tmuxpulse.client.backoff import pause
from tmuxpulse.client.stream import Streams
from tmuxpulse.client.subscription import FULL_EVENTS, Subscription
from tmuxpulse.errors import ServerError, ServerUnavailable, TmuxpulseError
from tmuxpulse.events import ServerGoodbye
from tmuxpulse.filters import Filter
from tmuxpulse.wire import (
    MAX_MESSAGE_BYTES,
    PROTOCOL_VERSION,
    AnyReply,
    Asked,
    Auth,
    AuthResponse,
    Epoch,
    Established,
    Gap,
    Lag,
    Mark,
    Numbered,
    Ping,
    Reset,
    SnapshotData,
    Subscribe,
    SubscriptionConfirmed,
    Unsubscribe,
    decode_message,
)

PATIENCE_SECONDS = 10.0  # for a greeting, for the answer to a token or to a question after silence
HEARTBEAT_SECONDS = 25.0  # where the server does not say


class Phase(Enum):
    """Where the connection stands."""

    AWAY = "no connection"
    GREETING = "the server speaks first"
    TOKEN = "a token was given"  # noqa: S105  # the words for a phase
    OPEN = "in use"
    ENDED = "over for good"


class State(msgspec.Struct, frozen=True):
    """How the connection is, for who wants to show it.

    Attributes:
        name: ``connecting``; ``open``: everything subscribed to holds; ``lagging``: this program
            reads too slowly, and will miss events; ``waiting``: for the next try; ``ended``.
        detail: why, or for how long.
    """

    name: str
    detail: str = ""


class Core:
    """One program's connection to one server, through all cuts.

    Args:
        where: the server, for messages.
        token: what lets us in; None: nothing is needed.
        reconnect: whether to come back after a cut.
        random: gives a number of [0, 1).
        on_state: told of each change.

    Attributes:
        broken: why the connection has to be dropped; None while it is fine.
        ended: why it is over for good; None while it is not.
        retry_at: when to dial (again).
        greeting: what the server said first; None before.
        unknown: how many messages meant nothing to this version.
    """

    def __init__(
        self,
        where: str,
        *,
        token: str | None = None,
        reconnect: bool = True,
        random: Callable[[], float],
        on_state: Callable[[State], None] | None = None,
    ) -> None:
        self.broken: ServerError | None = None
        self.ended: TmuxpulseError | None = None
        self.retry_at = -math.inf
        self.greeting: Established | None = None
        self.unknown = 0
        self._where = where
        self._token = token
        self._reconnect = reconnect
        self._random = random
        self._on_state = on_state
        self._phase = Phase.AWAY
        self._streams = Streams()
        self._asks = Asks(where)
        self._outgoing: deque[str] = deque()
        self._next: deque[Subscription] = deque()  # to be subscribed on this connection
        self._asked_for: Subscription | None = None  # waits for its confirmation
        self._was_open = False
        self._is_whole_told = False
        self._failures = 0
        self._heard_at = 0.0
        self._pinged_at: float | None = None
        self._epoch = ""

    @property
    def token(self) -> str | None:
        """What lets us in now: a one-time token is replaced by the server."""
        return self._token

    def greeted(self) -> Established:
        """What the server said first.

        Raises:
            ServerUnavailable: it has not been heard yet.
        """
        if self.greeting is None:
            raise ServerUnavailable(f"{self._where} has not answered yet")
        return self.greeting

    @property
    def is_open(self) -> bool:
        """Whether requests are answered now."""
        return self._phase is Phase.OPEN

    @property
    def deadline(self) -> float:
        """When to call `tick`, if nothing comes before."""
        if self._phase in (Phase.AWAY, Phase.ENDED):
            return math.inf
        if self._phase is not Phase.OPEN:
            return self._heard_at + PATIENCE_SECONDS
        if self._pinged_at is not None:
            return self._pinged_at + PATIENCE_SECONDS
        return self._heard_at + self._heartbeat_seconds

    @property
    def is_full(self) -> bool:
        """Whether nothing more is to be read now: so much waits, and nobody for anything else."""
        held = self._streams.held
        return (
            any(len(one) >= FULL_EVENTS for one in held)
            and not self._asks
            and not any(one.is_waiting and not len(one) for one in held)
        )

    # --- the connection --------------------------------------------------------------------

    def dialing(self) -> None:
        """A connection is being made."""
        self._say("connecting")

    def opened(self, now: float) -> None:
        """There is a connection."""
        self._phase = Phase.GREETING
        self._heard_at = now
        self._pinged_at = None
        self._is_whole_told = False
        self.broken = None

    def lost(self, error: TmuxpulseError, now: float) -> None:
        """There is no connection any more, or none could be made."""
        if self._phase is Phase.ENDED:
            return
        self._phase = Phase.AWAY
        self.broken = None
        self._outgoing.clear()
        self._next.clear()
        self._asked_for = None
        self._streams.cut()
        self._asks.cut()
        if not (isinstance(error, ServerUnavailable) and self._reconnect and self._was_open):
            self.end(error)
            return
        seconds = pause(self._failures, self._random)
        self._failures += 1
        self.retry_at = now + seconds
        self._say("waiting", f"{seconds:.1f} s: {error}")

    def end(self, error: TmuxpulseError) -> None:
        """It is over; what came before can still be read."""
        if self._phase is Phase.ENDED:
            return
        self._phase = Phase.ENDED
        self.ended = error
        self._asks.fail(error)
        for one in self._streams.held:
            one.error = error
        self._say("ended", str(error))

    def still_there(self, now: float) -> None:
        """Nothing could be heard, since nothing was read."""
        self._heard_at = now

    def tick(self, now: float) -> None:
        """The deadline has come, and nothing was heard."""
        if now < self.deadline or self.broken is not None:
            return
        if self._phase is Phase.OPEN and self._pinged_at is None:
            self._pinged_at = now
            self._send(Ask(Ping(), once=True))
        elif self._phase is Phase.OPEN:
            self.broken = endings.silent(self._where)
        else:
            self.broken = endings.no_answer(self._where, PATIENCE_SECONDS)

    def outgoing(self) -> list[str]:
        """Take what is to be sent now."""
        self._drop_abandoned()
        found = list(self._outgoing)
        self._outgoing.clear()
        return found

    # --- what a program wants --------------------------------------------------------------

    def subscribe(self, wanted: Filter, *, with_state: bool = False) -> Subscription:
        """Want events from now on."""
        one = Subscription(wanted, with_state=with_state)
        if self.ended is not None:
            one.error = self.ended
            return one
        self._drop_abandoned()
        self._streams.add(one)
        if self._phase in (Phase.TOKEN, Phase.OPEN):
            self._next.append(one)
            self._subscribe_next()
        return one

    def unsubscribe(self, one: Subscription) -> None:
        """Want them no more."""
        self._streams.remove(one)
        if self._phase is Phase.OPEN and one.name:
            self._send(Ask(Unsubscribe(subscription=one.name), once=True))
            one.name = ""

    def ask(self, request: Asked, done: Callable[[], None] | None = None) -> Ask:
        """Ask; without a connection, as soon as there is one."""
        ask = Ask(request, done)
        if self.ended is not None:
            ask.finish(None, self.ended)
        elif self._phase is Phase.OPEN:
            self._send(ask)
        else:
            self._asks.later(ask)
        return ask

    def cancel(self, ask: Ask) -> None:
        """Nobody waits for the reply any more."""
        self._asks.cancel(ask)

    # --- what comes ------------------------------------------------------------------------

    def receive(self, messages: list[bytes], now: float) -> None:
        """Take what came. A message that cannot be read breaks the connection."""
        self._heard_at = now
        self._pinged_at = None
        for message in messages:
            for line in message.split(b"\n") if b"\n" in message else (message,):
                if self.broken is not None or self._phase is Phase.ENDED:
                    return
                try:
                    found = decode_message(line)
                except msgspec.MsgspecError:
                    self.broken = endings.no_protocol(self._where)
                    return
                if type(found) is Numbered and self._phase is Phase.OPEN:
                    if type(found.event.data) is not ServerGoodbye:  # it is not of the stream
                        self._streams.take(found)
                else:
                    self._take(found)

    def _take(self, message: AnyReply | Numbered | None) -> None:
        if self._phase is Phase.GREETING:
            self._greeted(message)
            return
        match message:
            case SnapshotData(id=None) | Gap() | Reset() | Epoch() | Mark():
                self._streams.take(message)
            case Lag():
                self._say("lagging", f"{message.queued} events wait at the server")
            case None | Established() | Numbered():
                self.unknown += 1
            case _:
                self.unknown += not self._asks.take(message)

    def _greeted(self, message: AnyReply | Numbered | None) -> None:
        if not isinstance(message, Established):
            self.broken = endings.no_protocol(self._where)
        elif not message.protocol.min <= PROTOCOL_VERSION <= message.protocol.max:
            self.broken = endings.another_version(self._where, message.server.version)
        elif not message.auth.required:
            self._begin()
            self._open(message, message.epoch)
        elif self._token is None:
            self.broken = endings.no_token(self._where)
        else:
            self.greeting = message
            self._phase = Phase.TOKEN
            ask = Ask(Auth(token=self._token), lambda: self._admitted(ask), once=True)
            self._send(ask)
            self._begin()  # answered after the token: this spares a way there and back

    def _admitted(self, ask: Ask) -> None:
        reply = ask.reply
        if isinstance(reply, AuthResponse) and reply.success and self.greeting is not None:
            self._token = reply.token or self._token
            self._open(replace(self.greeting, features=reply.features), reply.epoch)
        elif self._phase is Phase.TOKEN:
            self.broken = endings.bad_token(self._where)

    def _open(self, greeting: Established, epoch: str) -> None:
        self.greeting = greeting
        self._epoch = epoch
        self._phase = Phase.OPEN
        self._was_open = True
        for ask in self._asks.kept():
            self._send(ask)
        if not self._next and self._asked_for is None:
            self._is_whole()

    # --- subscriptions, one after the other ------------------------------------------------

    def _begin(self) -> None:
        self._next.extend(self._streams.begin())
        self._subscribe_next()

    def _subscribe_next(self) -> None:
        if self._asked_for is not None or not self._next:
            return
        one = self._asked_for = self._next.popleft()
        position = self._streams.position(one)
        request = Subscribe(
            filters=one.wanted, resume=position, snapshot=one.with_state and position is None
        )
        ask = Ask(request, lambda: self._confirmed(one, ask), once=True)
        self._send(ask)

    def _confirmed(self, one: Subscription, ask: Ask) -> None:
        if self._asked_for is not one:  # the connection is gone
            return
        if self._phase is not Phase.OPEN:  # it was answered before the token
            self.broken = endings.no_protocol(self._where)
            return
        self._asked_for = None
        reply = ask.reply
        if isinstance(reply, SubscriptionConfirmed):
            was_dropped = all(one is not other for other in self._streams.held)
            is_held = self._streams.confirmed(one, reply)
            if was_dropped:
                self.unsubscribe(one)
            elif is_held:
                # Its replay has no end of its own; an answer to this comes after all of it.
                self._asked_for = one
                self._send(Ask(Ping(), lambda: self._replayed(one), once=True))
                return
        else:
            one.error = ask.error or endings.no_protocol(self._where)
            self._streams.remove(one)
        self._go_on()

    def _replayed(self, one: Subscription) -> None:
        if self._asked_for is one:
            self._asked_for = None
            self._streams.release(one, self._epoch)
            self._go_on()

    def _go_on(self) -> None:
        if not self._next:
            self._is_whole()
        self._subscribe_next()

    def _is_whole(self) -> None:
        self._failures = 0
        if not self._is_whole_told:
            self._is_whole_told = True
            self._say("open")

    # --- helpers ---------------------------------------------------------------------------

    def _drop_abandoned(self) -> None:
        for one in [one for one in self._streams.held if one.is_abandoned]:
            self.unsubscribe(one)

    @property
    def _heartbeat_seconds(self) -> float:
        told = self.greeting.heartbeat_s if self.greeting is not None else 0.0
        return told if told > 0 else HEARTBEAT_SECONDS

    def _send(self, ask: Ask) -> None:
        limit = MAX_MESSAGE_BYTES
        if self.greeting is not None:
            limit = self.greeting.limits.max_message_bytes
        text = self._asks.send(ask, max_bytes=limit)
        if text is not None:
            self._outgoing.append(text)

    def _say(self, name: str, detail: str = "") -> None:
        if self._on_state is not None:
            self._on_state(State(name, detail))
