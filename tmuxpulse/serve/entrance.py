"""Until somebody has come in: the greeting, and the wait for a token.

A connection that has given none gets no event, no name and no number. A right token is answered at
once, wrong ones slowly when there are many; after either the wait is over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec
import trio

from tmuxpulse import __version__
from tmuxpulse.errors import RequestError
from tmuxpulse.serve.grants import Grant
from tmuxpulse.serve.house import House, Visitor
from tmuxpulse.wire import (
    Asked,
    Auth,
    AuthNeed,
    AuthResponse,
    Error,
    Established,
    Limits,
    Ping,
    Pong,
    Reply,
    ServerIdentity,
    decode_request,
    encode,
    request_id,
    rfc3339,
)

MAX_REQUESTS = 16  # before a token; a client needs one
MAX_TOKEN_CHARACTERS = 512

BAD_TOKEN = 4500
NO_AUTH = 4502
UNSUPPORTED_DATA = 1003


class Messages(Protocol):
    """The part of a trio-websocket connection that is used here."""

    async def get_message(self) -> str | bytes:
        """Wait for a message, or raise `ConnectionClosed`."""

    async def send_message(self, message: str | bytes) -> None:
        """Send a message, or raise `ConnectionClosed`."""


class Admitted(msgspec.Struct, frozen=True):
    """Somebody has come in.

    Attributes:
        grant: what they may do.
        reply_id: of the request that gave the token.
        token: what takes the place of a one-time token; it has no `repr`.
    """

    grant: Grant
    reply_id: str | int | None
    token: str | None

    def __repr__(self) -> str:
        """Without the token."""
        return f"Admitted({self.grant.subject})"


class Turned(msgspec.Struct, frozen=True):
    """Somebody has not: the close code and its reason."""

    code: int
    reason: str


def greeting(house: House, client_id: str, *, epoch: str, seq: int, required: bool) -> Established:
    """What the server says first."""
    limits = house.limits
    return Established(
        client_id=client_id,
        timestamp=rfc3339(house.clock()),
        server=ServerIdentity(version=__version__),
        epoch=epoch,
        seq=seq,
        auth=AuthNeed(required=required),
        limits=Limits(
            max_message_bytes=limits.max_message_bytes,
            messages_per_second=limits.messages_per_second,
            bytes_per_second=limits.bytes_per_second,
            subscriptions=limits.subscriptions,
            auth_timeout_s=limits.auth_seconds,
        ),
        features={} if required else house.features,
    )


async def wait_for_token(
    websocket: Messages,
    house: House,
    visitor: Visitor,
    client_id: str,
    on_failure: Callable[[], None],
) -> Admitted | Turned:
    """Greet, and hear what is said until a token comes.

    Cancelling it leaves a connection that can only be closed.

    Args:
        websocket: the connection.
        house: who may come in.
        visitor: who is there.
        client_id: what the connection is called.
        on_failure: called when a token was wrong, before a slow answer: the connection no longer
            is one that may yet come in.

    Raises:
        trio_websocket.ConnectionClosed: the peer left.
    """
    heard: Admitted | Auth | Turned = Turned(NO_AUTH, "no token came in time")
    with trio.move_on_after(house.limits.auth_seconds):
        first = greeting(house, client_id, epoch="", seq=0, required=True)
        await websocket.send_message(encode(first).decode())
        heard = await _hear_token(websocket, house)
    if not isinstance(heard, Auth):
        return heard
    on_failure()
    slow_seconds = house.failures.failed(visitor.address, trio.current_time())
    house.audit.record_failure(visitor.address, "wrong token")
    await trio.sleep(slow_seconds)
    refusal = AuthResponse(id=heard.id, success=False, permissions=[], client_id=client_id)
    await websocket.send_message(encode(refusal).decode())
    return Turned(BAD_TOKEN, "that token is not good")


async def _hear_token(websocket: Messages, house: House) -> Admitted | Auth | Turned:
    """Answer until a token comes: a good one, or a wrong one in its request."""
    for _ in range(MAX_REQUESTS):
        message = await websocket.get_message()
        if isinstance(message, bytes):
            return Turned(UNSUPPORTED_DATA, "text messages only")
        reply: Reply
        try:
            request = decode_request(message)
            if isinstance(request, Auth):
                return _judge(request, house)
            reply = _before_a_token(request, house)
        except RequestError as refused:
            reply = Error(id=request_id(message), code=refused.code, message=str(refused))
        await websocket.send_message(encode(reply).decode())
    return Turned(NO_AUTH, "a token has to come first")


def _before_a_token(request: Asked, house: House) -> Reply:
    if isinstance(request, Ping):
        return Pong(id=request.id, timestamp=rfc3339(house.clock()))
    text = 'give a token first: {"action": "auth", "token": "…"}'
    return Error(id=request.id, code="AUTH_REQUIRED", message=text)


def _judge(request: Auth, house: House) -> Admitted | Auth:
    if len(request.token) > MAX_TOKEN_CHARACTERS:
        return request
    grant = house.access.check(request.token)
    if grant is not None:
        return Admitted(grant, request.id, None)
    exchanged = house.access.redeem(request.token)
    if exchanged is None:
        return request
    grant, secret = exchanged
    return Admitted(grant, request.id, secret.reveal())
