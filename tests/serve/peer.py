"""A WebSocket without a network: what the session tests talk through."""

from __future__ import annotations

import json
import math
from typing import Any

import trio
from trio_websocket import CloseReason, ConnectionClosed


class Peer:
    """Both ends: the session sees a connection, the test what it sent and a way to be slow.

    Attributes:
        messages: what was sent, as it was sent.
        close: code and reason of the close frame; None before it.
        taking: while it is not set, sends wait.
    """

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.close: tuple[int, str | None] | None = None
        self.taking = trio.Event()
        self.taking.set()
        self.closed: CloseReason | None = None
        self._sent = trio.lowlevel.ParkingLot()
        self._to_session, self._incoming = trio.open_memory_channel[str | bytes](math.inf)

    # --- the session's side ------------------------------------------------------------------

    async def get_message(self) -> str | bytes:
        try:
            return await self._incoming.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError):
            raise ConnectionClosed(self.closed) from None

    async def send_message(self, message: str | bytes) -> None:
        await trio.lowlevel.checkpoint()
        await self.taking.wait()
        if self.closed is not None:
            raise ConnectionClosed(self.closed)
        assert isinstance(message, str)
        self.messages.append(message)
        self._sent.unpark_all()

    async def aclose(self, code: int = 1000, reason: str | None = None) -> None:
        await trio.lowlevel.checkpoint()
        if self.closed is None:
            self.close = (code, reason)
            self.closed = CloseReason(1000, None)
            self._incoming.close()

    # --- the test's side ---------------------------------------------------------------------

    async def until(self, kind: str, count: int = 1) -> dict[str, Any]:
        """Wait until so many messages of a type were sent; gives the last of them."""
        while self.types.count(kind) < count:
            await self._sent.park()
        return [one for one in self.objects if one["type"] == kind][count - 1]

    def say(self, *requests: object) -> None:
        """Send requests; bytes and text go as they are."""
        for request in requests:
            raw = request if isinstance(request, str | bytes) else json.dumps(request)
            self._to_session.send_nowait(raw)

    def leave(self, code: int | None = 1000) -> None:
        """Close from the other side; None: without a close frame."""
        self.closed = CloseReason(1006 if code is None else code, None)
        self._to_session.close()

    def block(self) -> None:
        """Take nothing until `taking` is set."""
        self.taking = trio.Event()

    @property
    def objects(self) -> list[dict[str, Any]]:
        """What was sent, message borders aside."""
        return [json.loads(line) for message in self.messages for line in message.split("\n")]

    @property
    def types(self) -> list[str]:
        """The types of what was sent."""
        return [one["type"] for one in self.objects]

    @property
    def seqs(self) -> list[int]:
        """The numbers of the events that were sent."""
        return [
            one["seq"]
            for one in self.objects
            if one["type"].split(".")[0] not in {"connection", "subscription", "snapshot", "stream"}
            and "seq" in one
        ]
