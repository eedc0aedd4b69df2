"""A client that was written for the older asyncio server, word for word, against this one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.real.served import DEADLINE_SECONDS, Served, place

TYPES = [
    "session.created",
    "session.removed",
    "window.created",
    "window.removed",
    "window.renamed",
    "pane.output",
    "pane.command",
    "pane.error",
]


@pytest.fixture
def served() -> Iterator[Served]:
    with place() as found:
        found.tmux("new-session", "-d", "-s", "a", "-x", "80", "-y", "24", "cat")
        yield found


class OlderClient:
    """As such clients are: a message is an object, and the next message is the answer."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.messages: list[str] = []

    async def read(self) -> dict[str, Any]:
        message = await asyncio.wait_for(self.socket.recv(), DEADLINE_SECONDS)
        assert isinstance(message, str)
        self.messages.append(message)
        found: dict[str, Any] = json.loads(message)
        return found

    async def ask(self, **request: object) -> dict[str, Any]:
        await self.socket.send(json.dumps(request))
        return await self.read()

    async def until(self, kind: str) -> dict[str, Any]:
        while (found := await self.read())["type"] != kind:
            pass
        return found


def test_it_works_unchanged(served: Served) -> None:
    token = served.token("old", "--scope", "read", "--scope", "output")
    served.serve()

    async def live() -> OlderClient:
        # No subprotocol, no header, the address without a path, compression offered as by default.
        async with connect(served.url.rstrip("/"), proxy=None) as socket:
            client = OlderClient(socket)
            welcome = await client.read()
            assert welcome["type"] == "connection.established"
            assert welcome["client_id"]
            assert welcome["timestamp"]
            admitted = await client.ask(action="auth", token=token)
            assert (admitted["type"], admitted["success"]) == ("auth.response", True)
            assert admitted["permissions"] == ["output", "read"]
            assert admitted["client_id"] == welcome["client_id"]
            confirmed = await client.ask(action="subscribe", filters={"types": TYPES})
            assert confirmed["type"] == "subscription.confirmed"
            assert confirmed["subscriptions"]
            # With a name: else tmux gives it another by itself, and says so.
            made = ("new-session", "-d", "-s", "b", "-n", "w", "seq 500; cat")
            await asyncio.to_thread(served.tmux, *made)
            created = await client.until("session.created")
            assert (created["session"], created["timestamp"][-1]) == ("b", "Z")
            await asyncio.to_thread(served.tmux, "rename-window", "-t", "b:0", "work")
            renamed = await client.until("window.renamed")
            assert (renamed["session"], renamed["window"]) == ("b", 0)
            assert renamed["data"]["name"] == "work"
            for _ in range(3):  # every half a minute, of such clients
                await client.socket.send(json.dumps({"action": "ping"}))
                assert (await client.until("pong"))["timestamp"]
            await asyncio.to_thread(served.tmux, "kill-session", "-t", "b")
            assert (await client.until("session.removed"))["session"] == "b"
            snapshot = await client.ask(action="snapshot", target={})
            assert snapshot["type"] == "snapshot.data"
            assert [one["name"] for one in snapshot["data"]["sessions"]] == ["a"]
            snapshot = await client.ask(action="snapshot", target={"session": "a", "window": 0})
            assert snapshot["data"]["sessions"][0]["windows"][0]["index"] == 0
            ended = await client.ask(action="unsubscribe")
            assert ended == {"type": "unsubscribe.confirmed", "id": None, "subscriptions": []}
            return client

    client = asyncio.run(live())
    kinds = {json.loads(message)["type"] for message in client.messages}
    assert kinds <= {
        *TYPES, "connection.established", "auth.response", "subscription.confirmed",
        "unsubscribe.confirmed", "pong", "snapshot.data",
    }  # fmt: skip
    assert not any("\n" in message for message in client.messages)


def test_what_such_a_client_does_wrong_is_told_to_it(served: Served) -> None:
    token = served.token("old", "--scope", "read")
    served.serve()

    async def wrong() -> None:
        async with connect(served.url, proxy=None) as socket:
            client = OlderClient(socket)
            await client.read()
            assert (await client.ask(action="subscribe", filters={}))["code"] == "AUTH_REQUIRED"
            assert (await client.ask(action="auth", token=token))["success"] is True
            assert (await client.ask(action="dance"))["code"] == "UNKNOWN_ACTION"
            await client.socket.send("{")
            assert (await client.read())["code"] == "INVALID_JSON"
            refused = await client.ask(action="subscribe", types=["pane.output"])
            assert refused["code"] == "INVALID_REQUEST"
            assert "types" in refused["message"]
            assert (await client.ask(action="ping"))["type"] == "pong"
        async with connect(served.url, proxy=None) as socket:
            client = OlderClient(socket)
            await client.read()
            assert (await client.ask(action="auth", token="x"))["success"] is False

    asyncio.run(wrong())
