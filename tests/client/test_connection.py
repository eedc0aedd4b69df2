"""The client against a server made by hand, over a Unix socket."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream

from tmuxpulse.client.connection import MAX_QUEUED_MESSAGES, Connection, open_connection
from tmuxpulse.client.incoming import Received
from tmuxpulse.errors import RequestError, ServerRefused, ServerUnavailable, UsageError
from tmuxpulse.events import PaneBell
from tmuxpulse.filters import Filter
from tmuxpulse.wire import SUBPROTOCOL, Gap, Ping, Pong, Snapshot, SnapshotData

GREETING: dict[str, Any] = {
    "type": "connection.established",
    "client_id": "c-1",
    "timestamp": "2026-11-23T09:00:00.123Z",
    "server": {"name": "tmuxpulse", "version": "9.9"},
    "protocol": {"min": 1, "max": 1},
    "epoch": "e",
    "seq": 7,
    "auth": {"required": False},
}
TREE: dict[str, Any] = {"servers": [], "sessions": []}

Script = Callable[[WebSocketConnection], Awaitable[None]]
Raw = Callable[[trio.SocketStream], Awaitable[None]]


@asynccontextmanager
async def listening(path: Path, serve: Raw) -> AsyncIterator[str]:
    server = trio.socket.socket(trio.socket.AF_UNIX)
    await server.bind(str(path))
    server.listen()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, serve, [trio.SocketListener(server)])
        yield str(path)
        nursery.cancel_scope.cancel()
    server.close()


@asynccontextmanager
async def connected(folder: Path, serve: Raw) -> AsyncIterator[Connection]:
    async with (
        listening(folder / "s", serve) as path,
        open_connection(unix_socket=path) as connection,
    ):
        yield connection


def speaking(script: Script) -> Raw:
    """A WebSocket server that greets, then does what the script says."""

    async def serve(stream: trio.SocketStream) -> None:
        async with trio.open_nursery() as nursery:
            request = await wrap_server_stream(nursery, stream)
            assert request.proposed_subprotocols == (SUBPROTOCOL,)
            socket = await request.accept(subprotocol=SUBPROTOCOL)
            await say(socket, GREETING)
            try:
                await script(socket)
                await trio.sleep_forever()
            except ConnectionClosed:
                nursery.cancel_scope.cancel()

    return serve


async def say(socket: WebSocketConnection, *objects: dict[str, Any]) -> None:
    await socket.send_message("\n".join(map(json.dumps, objects)))


async def hear(socket: WebSocketConnection) -> dict[str, Any]:
    heard: dict[str, Any] = json.loads(await socket.get_message())
    return heard


def bell(seq: int) -> dict[str, Any]:
    return {"type": "pane.bell", "seq": seq, "timestamp": "t", "pane_id": "%1", "data": {}}


async def nothing(_: WebSocketConnection) -> None:
    """Say nothing more."""


async def test_the_greeting_is_known(tmp_path: Path) -> None:
    async with (
        listening(tmp_path / "s", speaking(nothing)) as path,
        open_connection(unix_socket=path) as connection,
    ):
        assert connection.greeting.server.version == "9.9"
        assert connection.greeting.seq == 7


async def test_a_subscription_its_snapshot_and_events_in_order(tmp_path: Path) -> None:
    asked: list[dict[str, Any]] = []

    async def script(socket: WebSocketConnection) -> None:
        request = await hear(socket)
        asked.append(request)
        confirmed = {
            "type": "subscription.confirmed",
            "id": request["id"],
            "subscription": "s-1",
            "subscriptions": ["s-1"],
            "filters": request["filters"],
            "epoch": "e",
            "seq": 7,
        }
        snapshot = {"type": "snapshot.data", "epoch": "e", "seq": 7, "data": TREE}
        await say(socket, confirmed, snapshot, bell(8))
        gap = {"type": "stream.gap", "from": 9, "to": 11, "dropped": 3}
        await say(socket, {"type": "pane.from-the-future", "seq": 12}, gap, bell(13))

    async with (
        listening(tmp_path / "s", speaking(script)) as path,
        open_connection(unix_socket=path) as connection,
    ):
        confirmed = await connection.subscribe(Filter(types=("pane.*",)), snapshot=True)
        assert confirmed.subscription == "s-1"
        items = [*await connection.receive(), *await connection.receive()]
        assert connection.unknown == 1
    assert asked[0]["action"] == "subscribe"
    assert asked[0]["snapshot"] is True
    assert asked[0]["filters"]["types"] == ["pane.*"]
    snapshot, first, gap, second = items
    assert isinstance(snapshot, SnapshotData)
    assert isinstance(first, Received)
    assert first.numbered.seq == 8
    assert isinstance(first.numbered.event.data, PaneBell)
    assert json.loads(first.line) == bell(8)
    assert gap == Gap(from_seq=9, to_seq=11, dropped=3)
    assert isinstance(second, Received)


async def test_iteration_gives_one_by_one(tmp_path: Path) -> None:
    async def script(socket: WebSocketConnection) -> None:
        await say(socket, bell(1), bell(2))
        await say(socket, bell(3))

    async with (
        listening(tmp_path / "s", speaking(script)) as path,
        open_connection(unix_socket=path) as connection,
    ):
        seqs: list[int] = []
        async for item in connection:
            assert isinstance(item, Received)
            seqs.append(item.numbered.seq)
            if len(seqs) == 3:
                break
    assert seqs == [1, 2, 3]


async def test_what_comes_with_the_greeting_is_not_lost(tmp_path: Path) -> None:
    async def serve(stream: trio.SocketStream) -> None:
        async with trio.open_nursery() as nursery:
            socket = await (await wrap_server_stream(nursery, stream)).accept()
            await say(socket, GREETING, bell(8))

    async with (
        listening(tmp_path / "s", serve) as path,
        open_connection(unix_socket=path) as connection,
    ):
        [item] = await connection.receive()
        assert isinstance(item, Received)


async def test_replies_find_who_asked(tmp_path: Path) -> None:
    async def script(socket: WebSocketConnection) -> None:
        first, second = await hear(socket), await hear(socket)
        ids = {request["action"]: request["id"] for request in (first, second)}
        await say(
            socket,
            {"type": "pong", "id": ids["ping"], "timestamp": "t"},
            {"type": "snapshot.data", "id": ids["snapshot"], "epoch": "e", "seq": 1, "data": TREE},
        )

    replies: dict[str, object] = {}

    async with (
        listening(tmp_path / "s", speaking(script)) as path,
        open_connection(unix_socket=path) as connection,
    ):

        async def ask(request: Ping | Snapshot) -> None:
            replies[type(request).__name__] = await connection.request(request)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, Ping())
            nursery.start_soon(ask, Snapshot())
    assert isinstance(replies["Ping"], Pong)
    assert isinstance(replies["Snapshot"], SnapshotData)


async def test_a_request_does_not_wait_for_events_to_be_read(tmp_path: Path) -> None:
    many = MAX_QUEUED_MESSAGES * 2

    async def script(socket: WebSocketConnection) -> None:
        for seq in range(many):
            await say(socket, bell(seq))
        request = await hear(socket)
        await say(socket, {"type": "pong", "id": request["id"], "timestamp": "t"})

    async with (
        listening(tmp_path / "s", speaking(script)) as path,
        open_connection(unix_socket=path) as connection,
    ):
        assert isinstance(await connection.request(Ping()), Pong)
        for seq in range(many):
            [item] = await connection.receive()
            assert isinstance(item, Received)
            assert item.numbered.seq == seq


async def test_a_reader_that_does_not_read_stops_the_reading(tmp_path: Path) -> None:
    async def script(socket: WebSocketConnection) -> None:
        for seq in range(MAX_QUEUED_MESSAGES + 50):
            await say(socket, bell(seq))

    async with (
        listening(tmp_path / "s", speaking(script)) as path,
        open_connection(unix_socket=path) as connection,
    ):
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert len(connection._queue) == MAX_QUEUED_MESSAGES


@pytest.mark.parametrize(
    ("code", "error"), [("INVALID_FILTER", RequestError), ("FORBIDDEN", ServerRefused)]
)
async def test_a_refused_request(tmp_path: Path, code: str, error: type[Exception]) -> None:
    async def script(socket: WebSocketConnection) -> None:
        request = await hear(socket)
        await say(socket, {"type": "error", "id": request["id"], "code": code, "message": "no"})

    async with listening(tmp_path / "s", speaking(script)) as path:
        with pytest.raises(error, match="no") as caught:
            async with open_connection(unix_socket=path) as connection:
                await connection.subscribe(Filter(types=("[",)))
        assert vars(caught.value)["code"] == code


@pytest.mark.parametrize(
    ("code", "error"),
    [(1001, ServerUnavailable), (4001, ServerUnavailable), (4503, ServerRefused)],
)
async def test_the_end_comes_after_all_that_was_sent(
    tmp_path: Path, code: int, error: type[Exception]
) -> None:
    async def script(socket: WebSocketConnection) -> None:
        await say(socket, bell(1))
        await socket.aclose(code, "because")

    async with (
        listening(tmp_path / "s", speaking(script)) as path,
        open_connection(unix_socket=path) as connection,
    ):
        assert len(await connection.receive()) == 1
        with pytest.raises(error, match="because"):
            await connection.receive()
        with pytest.raises(error, match="because"):
            await connection.request(Ping())


async def test_a_request_ends_with_the_connection(tmp_path: Path) -> None:
    async def script(socket: WebSocketConnection) -> None:
        await hear(socket)
        await socket.aclose(1001, "bye")

    async with (
        listening(tmp_path / "s", speaking(script)) as path,
        open_connection(unix_socket=path) as connection,
    ):
        with pytest.raises(ServerUnavailable, match="bye"):
            await connection.request(Ping())


async def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(ServerUnavailable, match="tmuxpulse serve"):
        async with open_connection(unix_socket=str(tmp_path / "none")):
            raise AssertionError


async def test_a_stale_socket_file(tmp_path: Path) -> None:
    with trio.socket.socket(trio.socket.AF_UNIX) as gone:
        await gone.bind(str(tmp_path / "s"))
    with pytest.raises(ServerUnavailable):
        async with open_connection(unix_socket=str(tmp_path / "s")):
            raise AssertionError


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", ServerUnavailable),
        (os.urandom(4000) + b"\r\n\r\n", ServerUnavailable),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", ServerRefused),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", ServerRefused),
    ],
)
async def test_somebody_else_there(tmp_path: Path, answer: bytes, error: type[Exception]) -> None:
    async def serve(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        if answer:
            await stream.send_all(answer)
        await stream.aclose()

    async with listening(tmp_path / "s", serve) as path:
        with pytest.raises(error):
            async with open_connection(unix_socket=path):
                raise AssertionError


async def test_a_websocket_of_another_kind(tmp_path: Path) -> None:
    async def serve(stream: trio.SocketStream) -> None:
        async with trio.open_nursery() as nursery:
            socket = await (await wrap_server_stream(nursery, stream)).accept()
            await socket.send_message("hello?")

    async with listening(tmp_path / "s", serve) as path:
        with pytest.raises(ServerUnavailable, match="protocol"):
            async with open_connection(unix_socket=path):
                raise AssertionError


async def test_another_version(tmp_path: Path) -> None:
    async def serve(stream: trio.SocketStream) -> None:
        async with trio.open_nursery() as nursery:
            socket = await (await wrap_server_stream(nursery, stream)).accept()
            await say(socket, GREETING | {"protocol": {"min": 2, "max": 3}})

    async with listening(tmp_path / "s", serve) as path:
        with pytest.raises(ServerRefused, match="same release"):
            async with open_connection(unix_socket=path):
                raise AssertionError


async def test_garbage_later_ends_the_connection(tmp_path: Path) -> None:
    async def script(socket: WebSocketConnection) -> None:
        await socket.send_message('{"type":')

    async with (
        listening(tmp_path / "s", speaking(script)) as path,
        open_connection(unix_socket=path) as connection,
    ):
        with pytest.raises(ServerUnavailable, match="protocol"):
            await connection.receive()


async def test_a_server_that_never_answers(tmp_path: Path, autojump_clock: MockClock) -> None:
    async def serve(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await trio.sleep_forever()

    async with listening(tmp_path / "s", serve) as path:
        with pytest.raises(ServerUnavailable, match="no answer"):
            async with open_connection(unix_socket=path):
                raise AssertionError


async def test_a_server_that_falls_silent_is_asked_once_and_left(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    heard: list[dict[str, Any]] = []
    began = trio.current_time()

    async def script(socket: WebSocketConnection) -> None:
        await say(socket, bell(1))
        ping = await hear(socket)
        await say(socket, {"type": "pong", "id": ping["id"], "timestamp": "t"}, bell(2))
        while True:
            heard.append(await hear(socket))

    async with (
        listening(tmp_path / "s", speaking(script)) as path,
        open_connection(unix_socket=path) as connection,
    ):
        assert len(await connection.receive()) == 1
        assert len(await connection.receive()) == 1
        for _ in range(2):  # and so it stays
            with pytest.raises(ServerUnavailable, match="fell silent"):
                await connection.receive()
        assert trio.current_time() - began == pytest.approx(25 + 25 + 10, abs=0.1)
        with pytest.raises(ServerUnavailable, match="fell silent"):
            await connection.request(Snapshot())
    assert [one["action"] for one in heard] == ["ping"]


async def test_who_does_not_read_finds_no_silence(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    count = MAX_QUEUED_MESSAGES + 10
    heard: list[dict[str, Any]] = []
    listened = trio.Event()

    async def script(socket: WebSocketConnection) -> None:
        for seq in range(count):
            await say(socket, bell(seq))
        with trio.move_on_after(500):
            heard.append(await hear(socket))
        listened.set()
        await say(socket, bell(count))

    async with (
        listening(tmp_path / "s", speaking(script)) as path,
        open_connection(unix_socket=path) as connection,
    ):
        await listened.wait()
        for _ in range(count + 1):
            await connection.receive()
    assert heard == []


async def test_an_error_in_the_block_comes_out_as_itself(tmp_path: Path) -> None:
    async with listening(tmp_path / "s", speaking(nothing)) as path:
        with pytest.raises(KeyError):
            async with open_connection(unix_socket=path):
                raise KeyError


async def test_cancelling_leaves_nothing_open(tmp_path: Path) -> None:
    ended = trio.Event()

    async def script(socket: WebSocketConnection) -> None:
        try:
            await socket.get_message()
        finally:
            ended.set()

    async with listening(tmp_path / "s", speaking(script)) as path:
        with trio.CancelScope() as scope:
            async with open_connection(unix_socket=path) as connection:
                scope.cancel()
                await connection.receive()
        with trio.fail_after(60):
            await ended.wait()


async def test_over_tcp() -> None:
    async def serve(stream: trio.SocketStream) -> None:
        async with trio.open_nursery() as nursery:
            request = await wrap_server_stream(nursery, stream)
            assert request.path == "/"
            await say(await request.accept(), GREETING)

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = listeners[0].socket.getsockname()[1]
        nursery.start_soon(trio.serve_listeners, serve, listeners)
        async with open_connection(url=f"http://127.0.0.1:{port}/") as connection:
            assert connection.greeting.epoch == "e"
        nursery.cancel_scope.cancel()


async def test_one_way_to_connect() -> None:
    with pytest.raises(UsageError):
        async with open_connection():
            raise AssertionError
