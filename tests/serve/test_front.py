"""The front door over streams in memory: heads, deadlines, caps, what the stream guards."""

from __future__ import annotations

import math
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from tests.serve.houses import OWNER, STRANGER, TestHouse
from tmuxpulse.config.settings import LimitsTable
from tmuxpulse.events import Event, PaneBell, Place
from tmuxpulse.serve import front as front_module
from tmuxpulse.serve.door import SECURITY_HEADERS, Door, hosts_of
from tmuxpulse.serve.exchange import HEAD_BYTES
from tmuxpulse.serve.front import (
    HEAD_SECONDS,
    HEARTBEAT_SECONDS,
    MOST_ANSWERS,
    PONG_SECONDS,
    WRITE_SECONDS,
    Front,
)
from tmuxpulse.serve.house import House, Visitor
from tmuxpulse.serve.meter import MessageMeter
from tmuxpulse.serve.pages import Page
from tmuxpulse.serve.replay import ReplayStream
from tmuxpulse.serve.session import Session

DOOR = Door(hosts=hosts_of(8765), pages={"/": Page(b"<p>page</p>", "text/html; charset=utf-8")})
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8765\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
PLAIN = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8765\r\n\r\n"
settled = trio.testing.wait_all_tasks_blocked
Pair = trio.StapledStream[trio.testing.MemorySendStream, trio.testing.MemoryReceiveStream]


def front_of(house: House | None = None) -> Front:
    return Front(TestHouse() if house is None else house, DOOR)


@asynccontextmanager
async def connected(front: Front, visitor: Visitor = OWNER) -> AsyncIterator[Pair]:
    ours, theirs = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:

        async def serve() -> None:
            await front.handle(theirs, visitor)

        nursery.start_soon(serve)
        yield ours


async def read_all(stream: trio.abc.ReceiveStream) -> bytes:
    return b"".join([bytes(chunk) async for chunk in stream])


async def exchange(
    front: Front, sent: bytes, visitor: Visitor = OWNER, *, chunk: int = 1 << 20
) -> bytes:
    async with connected(front, visitor) as stream:
        for at in range(0, len(sent), chunk):
            await stream.send_all(sent[at : at + chunk])
        await stream.send_eof()
        return await read_all(stream)


@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
async def test_a_page_in_any_chunking(chunk: int) -> None:
    answer = await exchange(
        front_of(), b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8765\r\n\r\n", chunk=chunk
    )
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\n<p>page</p>")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * HEAD_BYTES + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: \xe9\r\n\r\n", b"400"),
        (HANDSHAKE.replace(b"Key:", b"Protocol: \xc3\xa9\r\nSec-WebSocket-Key:"), b"400"),
        (HANDSHAKE + b"\x81\x80\0\0\0\0", b"400"),
        (
            b"POST / HTTP/1.1\r\nHost: 127.0.0.1:8765\r\nTransfer-Encoding: chunked\r\n\r\nzz",
            b"405",
        ),
    ],
)
async def test_what_is_no_request_of_ours_is_refused(sent: bytes, status: bytes) -> None:
    assert (await exchange(front_of(), sent)).startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize("sent", [b"", b"G", b"GET / HTTP/1.1\r\nHost: 127.0.0.1"])
async def test_who_leaves_before_the_end_gets_nothing(sent: bytes) -> None:
    answer = await exchange(front_of(), sent)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")


async def test_who_says_nothing_is_let_go_in_time(autojump_clock: MockClock) -> None:
    for sent in (None, b"GET / HTTP/1.1\r\n"):
        began = trio.current_time()
        async with connected(front_of()) as stream:
            if sent is not None:
                await stream.send_all(sent)
            answer = await read_all(stream)
        assert answer.startswith(b"HTTP/1.1 408")
        assert trio.current_time() - began < HEAD_SECONDS + 2


@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
async def test_a_connection_stays_for_the_files_of_the_page(chunk: int) -> None:
    elsewhere = PLAIN.replace(b"127.0.0.1:8765", b"evil.example")
    for last in (PLAIN.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), elsewhere):
        answers = await exchange(front_of(), PLAIN * 2 + last + PLAIN, chunk=chunk)
        assert answers.count(b"HTTP/1.1 ") == 3  # nothing after one that closes
        assert answers.count(b"Connection: keep-alive\r\n") == 2
        assert answers.count(b"Connection: close\r\n") == 1
    assert b"HTTP/1.1 421" in answers  # the last is judged as if it were the first


async def test_a_handshake_may_follow_the_page() -> None:
    front = front_of()
    async with connected(front) as stream:
        await stream.send_all(PLAIN + HANDSHAKE)
        answers = b""
        while b"connection.established" not in answers:
            answers += bytes(await stream.receive_some())
        assert answers.count(b"HTTP/1.1 200 ") == answers.count(b"HTTP/1.1 101 ") == 1
        await stream.aclose()


async def test_a_connection_has_so_many_answers_and_so_much_time(
    autojump_clock: MockClock,
) -> None:
    answers = await exchange(front_of(), PLAIN * (MOST_ANSWERS + 5))
    assert answers.count(b"HTTP/1.1 200 ") == MOST_ANSWERS
    assert answers.count(b"Connection: close\r\n") == 1
    began = trio.current_time()
    async with connected(front_of()) as stream:
        await stream.send_all(PLAIN)
        assert (await read_all(stream)).count(b"HTTP/1.1 ") == 1  # and no complaint at the end
    assert HEAD_SECONDS <= trio.current_time() - began < HEAD_SECONDS + 2


async def test_of_too_many_half_open_sockets_the_oldest_go(autojump_clock: MockClock) -> None:
    front = front_of(TestHouse(limits=LimitsTable(handshakes=3)))
    done: list[int] = []

    async def hold(number: int) -> None:
        _, theirs = trio.testing.memory_stream_pair()
        await front.handle(theirs, OWNER)
        done.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(3):
            nursery.start_soon(hold, number)
            await settled()
        assert b"200 OK" in await exchange(front, PLAIN)
        assert done == [0]
        for number in range(3, 100):
            nursery.start_soon(hold, number)
            await settled()
        assert done == list(range(97))
        front.goodbye("end")  # does not wait for them
        await settled()
        assert nursery.child_tasks == frozenset()


async def test_of_too_many_sockets_without_a_token_the_oldest_go(
    autojump_clock: MockClock,
) -> None:
    house = TestHouse(limits=LimitsTable(unauthenticated=2))
    house.tokens.add("good", "read")
    front = front_of(house)
    async with AsyncExitStack() as stack:
        streams = []
        for _ in range(3):
            stream = await stack.enter_async_context(connected(front, STRANGER))
            await stream.send_all(HANDSHAKE)
            await settled()
            streams.append(stream)
        assert b"too many connections wait" in await read_all(streams[0])
        for stream in streams[1:]:  # these get their whole time
            assert b"no token came in time" in await read_all(stream)


async def test_a_token_in_the_head_lets_in_and_a_wrong_one_does_not(
    autojump_clock: MockClock,
) -> None:
    house = TestHouse()
    house.tokens.add("good", "read", "output")
    front = front_of(house)
    for given, expected in (
        (b"Bearer good", b'"required":false'),
        (b"bearer  good", b'"required":false'),
        (b"Bearer wrong", b"401 Unauthorized"),
        (b"Bearer " + b"x" * 10_000, b"401 Unauthorized"),
        (b"Basic good", b"401 Unauthorized"),
    ):
        async with connected(front, STRANGER) as stream:
            await stream.send_all(HANDSHAKE[:-2] + b"Authorization: " + given + b"\r\n\r\n")
            await settled()
            answer = bytes(await stream.receive_some(65536))
            while b"required" not in answer and b"401" not in answer:
                answer += bytes(await stream.receive_some(65536))
            assert expected in answer
            front.goodbye("next")
            front._goodbye_reason = ""
            await read_all(stream)
    assert house.noted.actions.count("login.failed") == 3


async def test_a_revoked_token_ends_its_connections(autojump_clock: MockClock) -> None:
    house = TestHouse()
    house.tokens.add("good", "read")
    front = front_of(house)
    async with connected(front, STRANGER) as stream, connected(front) as owners:
        await stream.send_all(HANDSHAKE[:-2] + b"Authorization: Bearer good\r\n\r\n")
        await owners.send_all(HANDSHAKE)
        await settled()
        front.end_revoked()
        await settled()
        assert len(front._sessions) == 2
        house.tokens.expire("good", 100.0)
        house.time.now = 100.0
        front.end_revoked()
        rest = await read_all(stream)
        assert rest.endswith(b"revoked, or has expired")
        assert (4503).to_bytes(2, "big") in rest
        await settled()
        assert len(front._sessions) == 1
        front.goodbye("end")
        await read_all(owners)


async def test_too_many_sessions_are_told_to_come_back(autojump_clock: MockClock) -> None:
    front = front_of(TestHouse(limits=LimitsTable(connections=1)))
    async with connected(front) as stream:
        await stream.send_all(HANDSHAKE)
        head = bytes(await stream.receive_some())
        assert head.startswith(b"HTTP/1.1 101")
        assert all(f"{name}: ".encode() in head for name, _ in SECURITY_HEADERS)
        await trio.testing.wait_all_tasks_blocked()
        assert (await exchange(front, HANDSHAKE)).startswith(b"HTTP/1.1 503")
        front.goodbye("end")
        rest = await read_all(stream)
        assert b"server.goodbye" in rest


async def test_a_failing_session_ends_its_connection_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
) -> None:
    class Broken(Session):
        async def run(self, *_: object) -> int:
            await trio.lowlevel.checkpoint()
            raise RuntimeError("a bug of ours")

    front = front_of()
    monkeypatch.setattr(front_module, "Session", Broken)
    async with connected(front) as stream:
        await stream.send_all(HANDSHAKE)
        assert b"101" in await read_all(stream)
    assert "a bug of ours" in caplog.text
    monkeypatch.undo()
    assert b"200 OK" in await exchange(front, b"GET / HTTP/1.0\r\nHost: localhost:8765\r\n\r\n")


async def test_who_stops_reading_is_cut_off(autojump_clock: MockClock) -> None:
    house = TestHouse()
    hub, front = house.hub, front_of(house)
    one, other = socket.socketpair()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    stream = trio.SocketStream(trio.socket.from_stdlib_socket(one))
    client = trio.SocketStream(trio.socket.from_stdlib_socket(other))
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        await nursery.start(hub.run)
        nursery.start_soon(front.watch_peers)

        async def serve() -> None:
            await front.handle(stream, OWNER)
            nursery.cancel_scope.cancel()

        nursery.start_soon(serve)
        await client.send_all(HANDSHAKE)
        await client.receive_some()
        text = b'{"action":"subscribe"}'
        await client.send_all(bytes([0x81, 0x80 | len(text)]) + b"\0\0\0\0" + text)
        with trio.fail_after(WRITE_SECONDS * 3):
            while stream.socket.fileno() != -1:
                hub.publish(*[Event(Place(session="a"), PaneBell())] * 50)
                await trio.sleep(0.05)
    assert WRITE_SECONDS < trio.current_time() - began < WRITE_SECONDS * 2
    assert house.noted.entries[-1][1]["code"] == 1006  # no close frame: it would not be read
    client.socket.close()


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x81\x82\0\0\0\0\xff\xfe", 1007),  # no UTF-8
        (b"\x81\x02hi", 1002),  # not masked
        (b"\xc1\x82\0\0\0\0hi", 1002),  # a flag that nobody asked for
        (b"\x80\x82\0\0\0\0hi", 1002),  # goes on with nothing
    ],
)
async def test_what_is_no_frame_ends_it_without_a_close_frame(
    frame: bytes, code: int, autojump_clock: MockClock
) -> None:
    house = TestHouse()
    async with connected(front_of(house)) as stream:
        await stream.send_all(HANDSHAKE)
        await settled()
        await stream.send_all(frame)
        rest = await read_all(stream)
    assert rest.endswith(b"}")  # of the greeting
    assert house.noted.entries[-1][1]["code"] == code
    assert dict(house.counters.closed) == {code: 1}


async def test_a_peer_that_is_not_there_any_more_is_let_go(autojump_clock: MockClock) -> None:
    """One answers pings and stays; the other is silent, as when its cable was pulled."""
    front = front_of()
    pings = 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(front.watch_peers)
        async with connected(front) as alive, connected(front) as dead:
            for stream in (alive, dead):
                await stream.send_all(HANDSHAKE)
                await stream.receive_some()
            with trio.move_on_after(200):
                while data := await alive.receive_some():
                    if data.endswith(b"\x89\x00"):
                        pings += 1
                        await alive.send_all(b"\x8a\x80\0\0\0\0")
            rest = await read_all(dead)
            assert b"no sign of life" in rest
            assert (4002).to_bytes(2, "big") in rest
            assert pings >= 6
            assert len(front._sessions) == 1
            front.goodbye("end")
            await read_all(alive)
        nursery.cancel_scope.cancel()


async def test_a_peer_that_is_gone_is_let_go_though_the_socket_takes_what_it_is_sent(
    mock_clock: MockClock,
) -> None:
    """A half-open connection: nothing is refused, nothing comes back, and events go on."""
    house = TestHouse()
    front = front_of(house)
    one, other = socket.socketpair()
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        await nursery.start(house.hub.run)
        nursery.start_soon(front.watch_peers)
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(one))
        nursery.start_soon(front.handle, stream, OWNER)
        text = b'{"action":"subscribe"}'
        other.sendall(HANDSHAKE)
        await settled()
        other.sendall(bytes([0x81, 0x80 | len(text)]) + b"\0\0\0\0" + text)
        await settled()
        while front._sessions:
            house.hub.publish(Event(Place(session="a"), PaneBell()))
            mock_clock.jump(1.0)
            await settled()
            assert trio.current_time() - began < HEARTBEAT_SECONDS + PONG_SECONDS + 6
        nursery.cancel_scope.cancel()
    assert trio.current_time() - began > HEARTBEAT_SECONDS
    assert house.noted.entries[-1][1]["code"] == 4002
    got = b""
    while data := other.recv(65536):
        got += data
    other.close()
    assert got.count(b"pane.bell") > HEARTBEAT_SECONDS  # all of it went out, in vain
    assert (4002).to_bytes(2, "big") in got


# --- the replaying stream ---------------------------------------------------------------------


def replaying(
    inner: trio.abc.Stream, head: bytes = b"", limit: int = 100
) -> tuple[ReplayStream, list[str]]:
    calls: list[str] = []
    stream = ReplayStream(
        inner, head, meter=MessageMeter(limit), on_too_large=lambda: calls.append("too large")
    )
    return stream, calls


async def test_the_head_is_replayed_exactly_and_then_the_stream_goes_on() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    stream, _ = replaying(theirs, b"0123456789")
    await ours.send_all(b"\x81\x00")
    assert [await stream.receive_some(4) for _ in range(4)] == [
        b"0123",
        b"4567",
        b"89",
        b"\x81\x00",
    ]
    assert stream.bytes_received == 2


async def test_what_is_too_large_is_withheld_and_dropped() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    stream, calls = replaying(theirs)
    await ours.send_all(b"\x81\xfe\x10\x00mask" + b"x" * 5000)
    await ours.send_eof()
    assert await stream.receive_some() == b""
    assert calls == ["too large"]


async def test_after_a_send_that_was_cut_short_nothing_is_sent(autojump_clock: MockClock) -> None:
    _, theirs = trio.testing.lockstep_stream_pair()
    stream, _ = replaying(theirs)
    with trio.move_on_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.send_all, b"half")
            await trio.testing.wait_all_tasks_blocked()
            assert stream.sending_since == trio.current_time()
            assert not stream.send_nowait(b"x")
    assert stream.sending_since == math.inf
    with pytest.raises(trio.BrokenResourceError):
        await stream.send_all(b"more")
    assert not stream.send_nowait(b"x")


async def test_what_the_socket_did_not_take_goes_first() -> None:
    one, other = socket.socketpair()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    inner = trio.SocketStream(trio.socket.from_stdlib_socket(one))
    client = trio.SocketStream(trio.socket.from_stdlib_socket(other))
    stream, _ = replaying(inner)
    large = bytes(range(256)) * 4000
    async with stream._sending:  # somebody else is between two parts of a send
        assert stream.send_nowait(b"not now") is False
    assert stream.send_nowait(b"first") is True
    assert stream.send_nowait(large) is True
    assert [stream.pending, stream.send_nowait(b"not now")] == [True, False]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.send_all, b"last")
        await trio.testing.wait_all_tasks_blocked()
        assert stream.send_nowait(b"nor now") is False
        nursery.start_soon(stream.flush)
        expected = b"first" + large + b"last"
        got = b""
        while len(got) < len(expected):
            got += await client.receive_some()
    assert got == expected
    assert [stream.pending, stream.bytes_sent] == [False, len(expected)]
    await stream.wait_send_all_might_not_block()
    await stream.aclose()
    assert stream.send_nowait(b"x") is False
    with pytest.raises(trio.ClosedResourceError):
        await stream.send_all(b"x")
    await client.aclose()


async def test_without_a_socket_nothing_is_written_at_once() -> None:
    _, theirs = trio.testing.memory_stream_pair()
    stream, _ = replaying(theirs)
    assert stream.send_nowait(b"x") is False
