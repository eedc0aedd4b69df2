"""A pipe's conversation with a server, over one connection after the other.

Lines of requests go in one after the other, each when the one before it is answered; what the
server says goes out as it came, with the ids and names of who asked. How a connection is made, and
how bytes come and go, is not known here.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import NoReturn, Protocol

import msgspec
import trio

from tmuxpulse.cli.pipe_output import PipeOutput
from tmuxpulse.cli.request_lines import Line
from tmuxpulse.cli.resuming import Ledger, Step
from tmuxpulse.client import endings
from tmuxpulse.client.backoff import pause
from tmuxpulse.client.groups import first_of, unwrapped
from tmuxpulse.client.token_file import MAKE_ONE
from tmuxpulse.errors import RequestError, ServerError, ServerRefused, ServerUnavailable
from tmuxpulse.events import ServerGoodbye
from tmuxpulse.wire import (
    MAX_MESSAGE_BYTES,
    PROTOCOL_VERSION,
    AnyReply,
    Asked,
    Auth,
    AuthResponse,
    Batch,
    Capture,
    Command,
    Emit,
    Epoch,
    Error,
    Established,
    Gap,
    Mark,
    Numbered,
    PaneStatus,
    Ping,
    RequestId,
    SnapshotData,
    Subscribe,
    SubscriptionConfirmed,
    Unsubscribe,
    UnsubscribeConfirmed,
    decode_message,
    decode_request,
    encode,
    request_id,
)

PATIENCE_SECONDS = 10.0  # for a greeting, or a sign of life
RATE_SECONDS = 0.25  # on top of what the server says, so that several requests go through then
UNKNOWN = "the connection was cut before the answer came; whether it was done is not known"


class Wire(Protocol):
    """An open connection.

    Attributes:
        where: what it leads to, for messages to a person.
    """

    where: str

    async def send(self, message: str) -> None:
        """Send a message, or raise `ServerError`."""

    async def receive(self) -> bytes:
        """Wait for a message, or raise `ServerError`."""


Connect = Callable[[], AbstractAsyncContextManager[Wire]]


class Cut(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="pipe.cut"):
    """The connection is gone; see docs/reference/pipe.md."""

    reason: str
    code: str | None = None
    again_s: float | None = None


class Opened(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="pipe.open"):
    """Everything is subscribed to again."""

    epoch: str
    seq: int
    subscriptions: list[str]


class LineError(Error, frozen=True, kw_only=True, tag="error"):
    """A line could not be done."""

    line: int


class _Waiting:
    """A request that was sent.

    Attributes:
        line: its number; 0: it is the pipe's own.
        step: what it is for, on the way back after a cut.
        reply: what came; None: the connection went away.
        came: a reply did.
        scope: of who waits for that; cancelled with the connection.
    """

    def __init__(self, request: Asked, line: int, step: Step | None) -> None:
        self.request = request
        self.line = line
        self.step = step
        self.reply: AnyReply | None = None
        self.came = trio.Event()
        self.scope = trio.CancelScope()


class Conversation:
    """Everything between a pipe's two ends.

    Args:
        connect: makes a connection.
        output: takes what is said; `PipeOutput.run` has to run.
        token: what lets us in, if the server asks for it in words.
        reconnect: whether to come back after a cut.
        chance: gives a number of [0, 1).

    Attributes:
        max_bytes: of a request.
    """

    def __init__(
        self,
        connect: Connect,
        output: PipeOutput,
        *,
        token: str | None = None,
        reconnect: bool = False,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.max_bytes = MAX_MESSAGE_BYTES
        self._connect = connect
        self._output = output
        self._token = token
        self._reconnect = reconnect
        self._chance = chance
        self._ledger = Ledger()
        self._wire: Wire | None = None
        self._open = trio.Event()
        self._was_open = False
        self._is_open_told = False  # of this connection
        self._failures = 0
        self._waiting: dict[int, _Waiting] = {}
        self._number = 0
        self._epoch, self._seq = "", 0
        self._heartbeat_seconds = 25.0
        self._heard_at = 0.0

    async def run(self, lines: AsyncIterator[Line], *, follow: bool) -> None:
        """Do what the lines ask for; then end, or stay for the events.

        Args:
            lines: the input.
            follow: whether to stay.

        Raises:
            ServerUnavailable: no server answers, or it went away; all that came was put out.
            ServerRefused: it does not take us.
            BrokenPipeError: nobody reads any more.
        """
        with unwrapped():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._stay_connected)
                await self._until_open()
                async for line in lines:
                    await self._do(line)
                if follow:
                    await trio.sleep_forever()
                await self._ask(Ping(), 0)  # the answer comes after all that was asked for
                await self._output.flush()
                nursery.cancel_scope.cancel()

    # --- the connection --------------------------------------------------------------------

    async def _stay_connected(self) -> None:
        while True:
            await self._lost(await self._connection())

    async def _connection(self) -> ServerError:
        """Use a connection, and say why it ended."""
        try:
            with first_of(ServerError):
                async with self._connect() as wire:
                    await self._talk(wire)
        except ServerError as error:
            return error

    async def _lost(self, error: ServerError) -> None:
        self._wire = None
        if self._open.is_set():  # else somebody waits for it
            self._open = trio.Event()
        self._ledger.cut()
        waiting, self._waiting = self._waiting, {}
        for one in waiting.values():
            one.scope.cancel()
        code = error.code if isinstance(error, ServerRefused) else None
        if code is not None or not (self._reconnect and self._was_open):
            await self._output.put([msgspec.json.encode(Cut(reason=str(error), code=code))])
            await self._output.flush()
            raise error
        seconds = round(pause(self._failures, self._chance), 3)
        self._failures += 1
        await self._output.put([msgspec.json.encode(Cut(reason=str(error), again_s=seconds))])
        await trio.sleep(seconds)

    async def _talk(self, wire: Wire) -> NoReturn:
        """Use a connection until it ends, which raises `ServerError`."""
        message = b""
        with trio.move_on_after(PATIENCE_SECONDS):
            message = await wire.receive()
        first, _, rest = message.partition(b"\n")
        greeting = _greeting(wire.where, first)
        self._wire = wire
        self._is_open_told = False
        self._heard_at = trio.current_time()
        self.max_bytes = greeting.limits.max_message_bytes
        self._heartbeat_seconds = greeting.heartbeat_s or self._heartbeat_seconds
        self._epoch, self._seq = greeting.epoch, greeting.seq
        failures: list[ServerError] = []  # one end may be noticed in several places
        async with trio.open_nursery() as nursery:

            async def use(how: Awaitable[None]) -> None:
                try:
                    await how
                except ServerError as error:
                    failures.append(error)
                    nursery.cancel_scope.cancel()

            nursery.start_soon(use, self._watch_silence(wire))
            nursery.start_soon(use, self._begin(wire, greeting))
            await use(self._hear(wire, rest))
        raise failures[0]

    async def _hear(self, wire: Wire, rest: bytes) -> None:
        if rest:
            await self._take(wire, rest)
        while True:
            message = await wire.receive()
            self._heard_at = trio.current_time()
            await self._take(wire, message)
            self._heard_at = trio.current_time()

    async def _begin(self, wire: Wire, greeting: Established) -> None:
        """Come in, and subscribe to all that was subscribed to."""
        if greeting.auth.required:
            await self._come_in(wire)
        for step in self._ledger.steps():
            reply = await self._send(wire, step.request, 0, step)
            if isinstance(reply, Error):
                await self._refused(step, reply)
            if self._ledger.is_telling_past:
                await self._send(wire, Ping(), 0)
                self._ledger.told()
        self._failures = 0
        if self._was_open and not self._is_open_told:
            await self._output.put([self._opened()])
        self._was_open = True
        self._open.set()

    def _opened(self) -> bytes:
        self._is_open_told = True
        return msgspec.json.encode(
            Opened(epoch=self._epoch, seq=self._seq, subscriptions=self._ledger.names)
        )

    async def _come_in(self, wire: Wire) -> None:
        if self._token is None:
            raise ServerRefused(
                f"{wire.where} wants a token; {MAKE_ONE}", code=endings.AUTH_REQUIRED
            )
        reply = await self._send(wire, Auth(token=self._token), 0)
        if not isinstance(reply, AuthResponse) or not reply.success:
            raise ServerRefused(
                f"{wire.where} did not take the token; {MAKE_ONE}", code=endings.AUTH_FAILED
            )
        self._token = reply.token or self._token
        self._epoch, self._seq = reply.epoch, reply.seq

    async def _refused(self, step: Step, reply: Error) -> None:
        """Something that held does not hold any more."""
        name = "" if step.held is None else f"{step.held.name}: "
        if step.held is not None:
            self._ledger.drop(step.held)
        told = msgspec.structs.replace(reply, id=None, message=f"{name}{reply.message}")
        await self._output.put([encode(told)])

    async def _watch_silence(self, wire: Wire) -> None:
        """Ask who was silent for long; who then says nothing is gone."""
        while True:
            await trio.sleep_until(self._heard_at + self._heartbeat_seconds)
            if trio.current_time() < self._heard_at + self._heartbeat_seconds:
                continue
            if self._output.is_stuck:  # then nothing can be heard
                self._heard_at = trio.current_time()
                continue
            with trio.move_on_after(PATIENCE_SECONDS) as scope:
                await self._send(wire, Ping(), 0)
            if scope.cancelled_caught and not self._output.is_stuck:
                raise ServerUnavailable(f"{wire.where} fell silent")

    # --- what goes in ----------------------------------------------------------------------

    async def _do(self, line: Line) -> None:
        own_id: RequestId = None
        try:
            if line.text is None:
                raise _too_large(self.max_bytes)
            own_id = request_id(line.text)
            await self._ask(decode_request(line.text), line.number)
            if self._ledger.is_telling_past:  # an answer to this comes after all of it
                await self._ask(Ping(), 0)
                if self._ledger.is_telling_past:
                    self._ledger.told()
        except RequestError as refused:
            error = LineError(
                id=own_id,
                code=refused.code,
                message=str(refused),
                retryable=refused.retryable,
                line=line.number,
            )
            await self._output.put([encode(error)])

    async def _ask(self, request: Asked, line: int) -> None:
        """Ask until there is an answer, which is put out as it comes.

        Raises:
            RequestError: it is too large, or nobody knows whether it was done.
        """
        while True:
            wire = await self._until_open()
            reply = await self._send(wire, request, line)
            if reply is None and not may_repeat(request):
                raise RequestError("UNAVAILABLE", UNKNOWN)
            if isinstance(reply, Error) and is_too_fast(reply):
                await trio.sleep((reply.retry_after or 0.0) + RATE_SECONDS)
            elif reply is not None:
                break

    async def _until_open(self) -> Wire:
        while True:
            await self._open.wait()
            if self._wire is not None:
                return self._wire

    async def _send(
        self, wire: Wire, request: Asked, line: int, step: Step | None = None
    ) -> AnyReply | None:
        """Send a request; give the reply, or None when the connection goes away first."""
        self._number += 1
        number = self._number
        if isinstance(request, Unsubscribe) and step is None:
            request = self._ledger.on_the_wire(request)
        numbered = msgspec.structs.replace(request, id=number)
        text = encode(numbered)
        if len(text) > self.max_bytes:
            raise _too_large(self.max_bytes)
        waiting = self._waiting[number] = _Waiting(request, line, step)
        try:
            with waiting.scope:
                with suppress(ServerError):  # who reads finds out why
                    await wire.send(text.decode())
                await waiting.came.wait()
        finally:
            self._waiting.pop(number, None)
        return waiting.reply

    # --- what comes out --------------------------------------------------------------------

    async def _take(self, wire: Wire, message: bytes) -> None:
        told: list[bytes] = []
        try:
            for line in message.split(b"\n"):
                told += self._told(line)
        except msgspec.MsgspecError:
            raise endings.no_protocol(wire.where) from None
        finally:
            await self._output.put(told)

    def _told(self, line: bytes) -> list[bytes]:
        """What to put out for one object."""
        found = decode_message(line)
        match found:
            case Numbered():
                goodbye = isinstance(found.event.data, ServerGoodbye)
                return [line] if not goodbye and self._ledger.is_new(found) else []
            case Established():
                return []
            case Gap() | Mark() | Epoch() | SnapshotData(id=None):
                self._ledger.take(found)
                return [line]
            case None:
                return [line]
        waiting = self._waiting.get(found_id) if isinstance(found_id := _id(found), int) else None
        if waiting is None:
            return [line] if found_id is None else []
        return self._answered(line, found, waiting)

    def _answered(self, line: bytes, reply: AnyReply, waiting: _Waiting) -> list[bytes]:
        changed: dict[str, object] = {"id": waiting.request.id}
        request = waiting.request
        if waiting.step is not None:
            if isinstance(reply, SubscriptionConfirmed | UnsubscribeConfirmed):
                self._ledger.restored(waiting.step, reply)
        elif isinstance(reply, SubscriptionConfirmed) and isinstance(request, Subscribe):
            renamed = self._ledger.confirmed(request, reply)
            changed |= {"subscription": renamed.subscription, "subscriptions": self._ledger.names}
        elif isinstance(reply, UnsubscribeConfirmed):
            changed["subscriptions"] = self._ledger.unsubscribed(reply).subscriptions
        elif isinstance(reply, Error):
            changed["line"] = waiting.line
        waiting.reply = reply
        waiting.came.set()
        if waiting.step is not None and waiting.step.is_last and not isinstance(reply, Error):
            return [self._opened()]
        if not waiting.line or (isinstance(reply, Error) and is_too_fast(reply)):
            return []
        return [_with(line, changed)]


def may_repeat(request: Asked) -> bool:
    """Whether a request may be asked again when nobody knows whether it was done."""
    match request:
        case Capture() | PaneStatus():
            return True
        case Command() | Batch():
            return request.key is not None
        case Emit():
            return False
    return True


def is_too_fast(reply: Error) -> bool:
    """Whether the same request is to be asked again, later."""
    return reply.code == "RATE_LIMIT" and reply.retryable


def _greeting(where: str, message: bytes) -> Established:
    if not message:
        raise endings.no_answer(where, PATIENCE_SECONDS)
    try:
        greeting = decode_message(message)
    except msgspec.MsgspecError:
        greeting = None
    if not isinstance(greeting, Established):
        raise endings.no_protocol(where)
    if not greeting.protocol.min <= PROTOCOL_VERSION <= greeting.protocol.max:
        raise ServerRefused(
            f"{where} is tmuxpulse {greeting.server.version}, which speaks another version"
            " of the protocol; use the same release on both sides",
            code="VERSION",
        )
    return greeting


def _id(reply: AnyReply) -> RequestId:
    found: RequestId = getattr(reply, "id", None)
    return found


def _with(line: bytes, changed: dict[str, object]) -> bytes:
    """An object with some fields different, the others as they came."""
    fields = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({**fields, **changed})


def _too_large(max_bytes: int) -> RequestError:
    return RequestError("TOO_LARGE", f"a request may have {max_bytes} bytes")
