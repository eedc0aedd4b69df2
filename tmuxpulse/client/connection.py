"""A connection to a tmuxpulse server, for programs on trio: requests, and the stream of events.

`open_connection` dials; the `Connection` asks (`request`, `subscribe`) and is iterated over for
what comes. Which server, and what to do when it goes away, is the caller's business: nothing is
retried here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec
import trio

from tmuxpulse.client import endings
from tmuxpulse.client.endings import AUTH_FAILED, AUTH_REQUIRED
from tmuxpulse.client.groups import unwrapped
from tmuxpulse.client.incoming import Incoming, Received
from tmuxpulse.client.link import OPEN_SECONDS, Link, open_link
from tmuxpulse.errors import RequestError, ServerError, ServerRefused, ServerUnavailable
from tmuxpulse.filters import EVERYTHING, Filter
from tmuxpulse.wire import (
    PROTOCOL_VERSION,
    AnyReply,
    AnyRequest,
    Auth,
    AuthResponse,
    Epoch,
    Error,
    Established,
    Gap,
    Numbered,
    Ping,
    Position,
    Reset,
    SnapshotData,
    Subscribe,
    SubscriptionConfirmed,
    decode_message,
    encode,
)

PATIENCE_SECONDS = 10.0  # for a sign of life
HEARTBEAT_SECONDS = 25.0  # where the server does not say
MAX_QUEUED_MESSAGES = 256  # with more than these, no further is read, and the server notices

_REFUSALS = frozenset({AUTH_REQUIRED, AUTH_FAILED, "FORBIDDEN"})


class Connection:
    """An open connection; `open_connection` makes it.

    Iterating gives what comes, in order: events, `Gap` and `Reset` where some are missing, and a
    `SnapshotData` after those, or after a subscription that asked for one; `Epoch` where a resume
    goes on into another run of the server. It raises
    `ServerUnavailable` or `ServerRefused` when the server ends the connection.

    Args:
        link: the way to the server.
        greeting: what the server said first.

    Attributes:
        greeting: the same; where a token came later, with what is known since.
        unknown: how many messages of types that this version does not know were passed over.
    """

    def __init__(self, link: Link, greeting: Established) -> None:
        self.greeting = greeting
        self.unknown = 0
        self._link = link
        self._queue: deque[list[Incoming]] = deque()
        self._ended: ServerError | None = None
        self._arrived = trio.lowlevel.ParkingLot()
        self._room = trio.lowlevel.ParkingLot()
        self._waiting: dict[int, _Answer] = {}
        self._asked = 0

    async def request(self, request: AnyRequest) -> AnyReply:
        """Ask, and wait for the reply.

        Events need not be read meanwhile: while a request waits, they are queued without the
        usual bound. When cancelled, the request still happens and its reply is dropped.

        Args:
            request: its `id` is set here.

        Raises:
            RequestError: the server refused the request.
            ServerRefused: it refused for who is asking.
            ServerUnavailable: the connection ended.
        """
        if self._ended is not None:
            raise self._ended
        self._asked += 1
        number = self._asked
        answer = self._waiting[number] = _Answer()
        self._room.unpark_all()
        try:
            await self._link.send(encode(msgspec.structs.replace(request, id=number)).decode())
            await answer.came.wait()
        finally:
            del self._waiting[number]
        reply = answer.reply
        if reply is None:
            raise self._gone()
        if isinstance(reply, Error):
            raise self._refusal(reply)
        return reply

    async def authenticate(self, token: str) -> AuthResponse:
        """Give a token, to a server that has not heard it in the head of the request.

        `open_connection` does this where it is needed, as behind a proxy that keeps the header to
        itself.

        Raises:
            ServerRefused: it does not take the token.
            ServerUnavailable: the connection ended.
        """
        reply = await self.request(Auth(token=token))
        if not isinstance(reply, AuthResponse):
            raise endings.no_protocol(self._link.where)
        if not reply.success:
            raise endings.bad_token(self._link.where)
        self.greeting = msgspec.structs.replace(
            self.greeting, epoch=reply.epoch, seq=reply.seq, features=reply.features
        )
        return reply

    async def subscribe(
        self,
        wanted: Filter = EVERYTHING,
        *,
        snapshot: bool = False,
        last: int | None = None,
        resume: Position | None = None,
    ) -> SubscriptionConfirmed:
        """Ask for events.

        Args:
            wanted: which.
            snapshot: whether a `SnapshotData` of the state before the first event comes too.
            last: how many past events come first.
            resume: everything after this position comes first, or a `Reset` and a snapshot.

        Raises:
            RequestError: the server refused the filter or the combination.
            ServerRefused: it refused for who is asking.
            ServerUnavailable: the connection ended.
        """
        reply = await self.request(
            Subscribe(filters=wanted, snapshot=snapshot, last=last, resume=resume)
        )
        if not isinstance(reply, SubscriptionConfirmed):
            raise endings.no_protocol(self._link.where)
        return reply

    async def receive(self) -> list[Incoming]:
        """Give all that came with one message of the server; what came together stays together.

        Cancelling loses nothing.

        Raises:
            ServerUnavailable: the server ended, or the connection broke; everything that came
                before was given.
            ServerRefused: it ended the connection and does not want it back.
        """
        await trio.lowlevel.checkpoint()
        while not self._queue:
            if self._ended is not None:
                raise self._ended
            await self._arrived.park()
        self._room.unpark_all()
        return self._queue.popleft()

    def read_with_pauses(self, seconds: float) -> None:
        """Read no sooner than so long after the read before: of a flood, much at once.

        Replies to requests may come that much later, too.
        """
        self._link.pause_seconds = seconds

    def receive_nowait(self) -> list[Incoming]:
        """Give all that has come already, of several messages; nothing when nothing has."""
        found = [item for message in self._queue for item in message]
        self._queue.clear()
        self._room.unpark_all()
        return found

    def __aiter__(self) -> Connection:
        return self

    async def __anext__(self) -> Incoming:
        found = await self.receive()
        if len(found) > 1:
            self._queue.appendleft(found[1:])
        return found[0]

    async def run(self, rest: bytes) -> None:
        """Read until the connection ends; `open_connection` does this.

        Args:
            rest: what came with the greeting in one message.
        """
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch, nursery.cancel_scope)
                self._ended = await self._read(rest)
                nursery.cancel_scope.cancel()
        finally:
            self._arrived.unpark_all()
            for answer in self._waiting.values():
                answer.came.set()

    async def _read(self, rest: bytes) -> ServerError:
        """Read until the connection ends, and say why it did."""
        try:
            if rest:
                self._take(rest)
            while True:
                self._take(await self._link.receive())
                while len(self._queue) >= MAX_QUEUED_MESSAGES and not self._waiting:
                    await self._room.park()
        except ServerError as ended:
            return ended
        except msgspec.MsgspecError:
            return endings.no_protocol(self._link.where)

    async def _watch(self, reading: trio.CancelScope) -> None:
        """Ask a silent server for a sign of life, once; without one, it is gone."""
        longest = self.greeting.heartbeat_s or HEARTBEAT_SECONDS
        while True:
            await trio.sleep(longest - min(self._link.silent_seconds, longest))
            if self._link.silent_seconds < longest:
                continue
            with trio.move_on_after(PATIENCE_SECONDS), suppress(RequestError, ServerError):
                await self.request(Ping())  # any answer will do; and who reads tells of an end
            if self._link.silent_seconds >= longest:
                self._ended = endings.silent(self._link.where)
                reading.cancel()
                return

    def _take(self, message: bytes) -> None:
        """Put each object of a message where it belongs: among what came, or to who asked."""
        items: list[Incoming] = []
        for line in message.split(b"\n"):
            found = decode_message(line)
            match found:
                case None:
                    self.unknown += 1
                case Numbered():
                    items.append(Received(found, line))
                case Gap() | Reset() | Epoch():
                    items.append(found)
                case SnapshotData(id=None):
                    items.append(found)
                case Established():  # a second greeting means nothing
                    self.unknown += 1
                case _:
                    self._answer(found)
        if items:
            self._queue.append(items)
            self._arrived.unpark()

    def _answer(self, reply: SnapshotData | SubscriptionConfirmed | AnyReply) -> None:
        number = getattr(reply, "id", None)
        answer = self._waiting.get(number) if isinstance(number, int) else None
        if answer is None:  # nobody waits for it any more
            self.unknown += 1
            return
        answer.reply = reply
        answer.came.set()

    def _gone(self) -> ServerError:
        return self._ended or ServerUnavailable(f"{self._link.where} went away")

    def _refusal(self, error: Error) -> RequestError | ServerRefused:
        if error.code in _REFUSALS:
            return ServerRefused(f"{self._link.where} refused: {error.message}", code=error.code)
        return RequestError(
            error.code, error.message, retryable=error.retryable, retry_after=error.retry_after
        )


class _Answer:
    """What somebody waits for."""

    def __init__(self) -> None:
        self.came = trio.Event()
        self.reply: AnyReply | None = None


@asynccontextmanager
async def open_connection(
    *,
    unix_socket: str | None = None,
    url: str | None = None,
    token: str | None = None,
    ca_file: str | None = None,
) -> AsyncIterator[Connection]:
    """Connect to a server, hear its greeting, and come in.

    Leaving the block closes the connection, within half a second, also when cancelled.

    Args:
        unix_socket: the path of the same user's socket; or
        url: an address such as ``wss://pulse.example:8765/``; ``ws://`` to loopback only.
        token: what lets us in at `url`; the Unix socket needs none and gets none.
        ca_file: whom to trust at `url`, in PEM; None: the system's authorities.

    Raises:
        UsageError: `url` is not such an address, or not one of both was given; `token` or
            `ca_file` cannot be used.
        ServerUnavailable: nobody answers there, or somebody who speaks another language.
        ServerRefused: the server does not take the connection or the token, or speaks another
            version; or its certificate is not good.
    """
    with unwrapped():
        async with open_link(
            unix_socket=unix_socket, url=url, token=token, ca_file=ca_file
        ) as link:
            greeting, rest = await _greeting(link)
            if greeting.auth.required and (token is None or url is None):
                raise endings.no_token(link.where)
            connection = Connection(link, greeting)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(connection.run, rest)
                try:
                    if greeting.auth.required and token is not None:
                        await connection.authenticate(token)
                    yield connection
                finally:
                    nursery.cancel_scope.cancel()


async def _greeting(link: Link) -> tuple[Established, bytes]:
    message = b""
    with trio.move_on_after(OPEN_SECONDS):
        message = await link.receive()
    first, _, rest = message.partition(b"\n")
    try:
        greeting = decode_message(first)
    except msgspec.MsgspecError:
        greeting = None
    if not isinstance(greeting, Established):
        raise endings.no_protocol(link.where)
    if not greeting.protocol.min <= PROTOCOL_VERSION <= greeting.protocol.max:
        raise endings.another_version(link.where, greeting.server.version)
    return greeting, rest
