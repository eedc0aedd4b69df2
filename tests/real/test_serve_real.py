"""The server on a real port, against a WebSocket client that is not ours.

The server runs in this process under trio; the strangers (the `websockets` library, plain sockets)
run in threads or in a process of their own. Waits are on conditions, never on speed.
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trio
import websockets.sync.client
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection
from websockets.typing import Origin, Subprotocol

from tmuxpulse.config.settings import CollectSettings, HistoryTable, ServerTable, ServeSettings
from tmuxpulse.errors import AddressInUse, TmuxNotFound, UsageError
from tmuxpulse.events import Event, PaneOutput, PaneTitle, Place
from tmuxpulse.hub.hub import Hub
from tmuxpulse.serve import front as front_module
from tmuxpulse.serve.app import Ready, serve
from tmuxpulse.serve.pages import Page
from tmuxpulse.serve.token_store import TokenStore
from tmuxpulse.wire import SUBPROTOCOL

T = TypeVar("T")
PAGES = {"/": Page(b"<p>page</p>", "text/html; charset=utf-8")}
WAIT = 30.0  # seconds until a condition that never came is a failure


@pytest.fixture(autouse=True)
def _a_busy_machine_is_no_slow_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEAD_SECONDS", "WRITE_SECONDS"):
        monkeypatch.setattr(front_module, name, WAIT)


class Server:
    """A running server and its hub."""

    def __init__(self, hub: Hub, ready: Ready, unix: str, token: str) -> None:
        self.hub = hub
        self.token = token
        self.ready = ready
        self.unix = unix

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self.ready.port)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.ready.port}/"

    def publish(self, first: int, last: int) -> None:
        for n in range(first, last):
            self.hub.publish(
                Event(
                    Place(session="a", pane_id="%1"),
                    PaneOutput(mode="append", lines=(f"line {n}",)),
                )
            )


async def quiet_collector(
    hub: Hub, settings: CollectSettings, *, task_status: trio.TaskStatus[None]
) -> None:
    task_status.started()
    await trio.sleep_forever()


@asynccontextmanager
async def running(tmp_path: Path, *, host: str = "127.0.0.1") -> AsyncIterator[Server]:
    hub = Hub()
    unix = str(tmp_path / "t.sock")
    state, token = private_state(tmp_path)
    lines: list[str] = []

    async def run(*, task_status: trio.TaskStatus[Ready]) -> None:
        await serve(
            ServeSettings(
                server=ServerTable(host=host, port=0, grace_seconds=5),
                history=HistoryTable(enabled=False),  # its events would have numbers, too
                unix_socket=unix,
                state_dir=str(state),
            ),
            CollectSettings(runtime_dir=str(tmp_path)),
            collector=quiet_collector,
            announce=lines.append,
            hub=hub,
            pages=PAGES,
            signals=False,
            task_status=task_status,
        )

    with trio.fail_after(WAIT * 2):
        async with trio.open_nursery() as nursery:
            ready: Ready = await nursery.start(run)
            assert lines == [ready.line]
            yield Server(hub, ready, unix, token)
            ready.stop()
    assert files(tmp_path, "t.sock*") == []


def private_state(tmp_path: Path) -> tuple[Path, str]:
    """A directory for tokens and the audit log, and a token that is good there."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700, exist_ok=True)
    store = TokenStore(state / "tokens.json")
    secret, _ = store.create(f"test {len(store.records)}", ("read", "output"), now=time.time())
    return state, secret.reveal()


def files(directory: Path, pattern: str = "*") -> list[str]:
    return sorted(file.name for file in directory.glob(pattern) if file.name != "state")


@contextmanager
def start(command: list[str], **environ: str) -> Iterator[subprocess.Popen[str]]:
    env = {**os.environ, **environ}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        try:
            yield process
        finally:
            process.kill()  # it has ended, or the test has failed


async def in_thread(run: Callable[[], T]) -> T:
    return await trio.to_thread.run_sync(run, abandon_on_cancel=True)


def connect(
    url: str, token: str, *, joined: bool = True
) -> AbstractContextManager[ClientConnection]:
    return websockets.sync.client.connect(
        url,
        additional_headers={"Authorization": f"Bearer {token}"},
        subprotocols=[Subprotocol(SUBPROTOCOL)] if joined else None,
        compression=None,
        open_timeout=WAIT,
        close_timeout=WAIT,
        ping_interval=None,  # who does not read for long does not see the answer to its ping
        proxy=None,
    )


def objects(ws: ClientConnection) -> list[dict[str, Any]]:
    """The objects of the next message."""
    message = ws.recv(timeout=WAIT)
    assert isinstance(message, str)
    return [json.loads(line) for line in message.split("\n")]


def subscribed(url: str, token: str, **fields: object) -> ClientConnection:
    """Subscribe, and leave it open across threads; the caller closes it."""
    ws = connect(url, token).__enter__()  # see above
    assert objects(ws)[0]["type"] == "connection.established"
    ws.send(json.dumps({"action": "subscribe", **fields}))
    assert objects(ws)[0]["type"] == "subscription.confirmed"
    return ws


def read_until(ws: ClientConnection, last_seq: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while not found or found[-1].get("seq") != last_seq:
        found += objects(ws)
    return found


def http(address: tuple[str, int] | str, request: bytes) -> bytes:
    """What comes back before the other side closes."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as sock:
        sock.settimeout(WAIT)
        sock.connect(address)
        got = b""
        try:
            sock.sendall(request)
            while chunk := sock.recv(65536):
                got += chunk
        except ConnectionError:
            pass  # refused in mid-request: what came before counts
        return got


def handshake(port: int, *extra: bytes) -> bytes:
    lines = [
        b"GET / HTTP/1.1",
        b"Host: 127.0.0.1:%d" % port,
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        b"Sec-WebSocket-Version: 13",
        *extra,
        b"",
        b"",
    ]
    return b"\r\n".join(lines)


async def assert_alive(server: Server) -> None:
    assert b"\r\n\r\nok\n" in await in_thread(lambda: http(server.address, health(server)))


def health(server: Server) -> bytes:
    return b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % server.ready.port


# --- the front door -------------------------------------------------------------------------


async def test_one_port_serves_page_and_socket_and_so_does_the_unix_socket(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        page = await in_thread(
            lambda: http(server.address, health(server).replace(b"/healthz", b"/"))
        )
        head, _, body = page.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK")
        assert b"Content-Security-Policy: default-src 'none'; script-src 'self'" in head
        assert body == b"<p>page</p>"
        assert b"ok\n" in await in_thread(
            lambda: http(server.unix, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        )

        def over_unix() -> str:
            with websockets.sync.client.unix_connect(server.unix, compression=None) as ws:
                return str(objects(ws)[0]["type"])

        assert await in_thread(over_unix) == "connection.established"
        for path in ("", "monitor"):

            def greet(path: str = path) -> str:
                with connect(server.url + path, server.token, joined=False) as ws:
                    return str(objects(ws)[0]["type"])

            assert await in_thread(greet) == "connection.established"


@pytest.mark.parametrize(
    "extra",
    [
        b"Sec-WebSocket-Protocol: caf\xc3\xa9",
        b"Connection: Upgrade, \xe9",
        b"Host: \xff",
        b"Sec-WebSocket-Extensions: \x80",
        b"X: \xe9",
    ],
)
async def test_the_one_request_crash_does_not_happen(tmp_path: Path, extra: bytes) -> None:
    """A byte that is not ASCII in these ends a bare trio-websocket server."""
    async with running(tmp_path) as server:
        sent = handshake(server.ready.port, extra)
        answer = await in_thread(lambda: http(server.address, sent))
        assert answer.startswith(b"HTTP/1.1 400")
        await assert_alive(server)


async def test_a_thousand_random_byte_strings(tmp_path: Path) -> None:
    dice = random.Random(20261123)
    async with running(tmp_path) as server:
        port = server.ready.port
        whole = handshake(port) + b"\x81\x96\0\0\0\0" + b'{"action":"subscribe"}'

        def bombard() -> None:
            for n in range(1000):
                raw = dice.randbytes(dice.randrange(1, 300))
                if n % 2:
                    cut = dice.randrange(len(whole))
                    raw = whole[:cut] + raw + whole[cut + dice.randrange(4) :]
                with socket.create_connection(server.address, timeout=WAIT) as sock:
                    try:
                        sock.sendall(raw)
                        sock.shutdown(socket.SHUT_WR)
                        if n % 3 == 0:
                            while sock.recv(65536):
                                pass
                    except ConnectionError:
                        continue

        await in_thread(bombard)
        await assert_alive(server)


async def test_half_open_connections_and_huge_heads(tmp_path: Path) -> None:
    async with running(tmp_path) as server:

        def run() -> bytes:
            idle = [socket.create_connection(server.address, timeout=WAIT) for _ in range(30)]
            for one in idle[::2]:
                one.sendall(b"GET / HTTP/1.1\r\nHo")
            got = http(
                server.address, b"GET / HTTP/1.1\r\n" + b"X: " + b"x" * 100_000 + b"\r\n\r\n"
            )
            for one in idle:
                one.close()
            return got

        answer = await in_thread(run)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 431")
        await assert_alive(server)


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("127.0.0.1:{port}", None, 101),
        ("localhost:{port}", None, 101),
        ("127.0.0.1:{port}", "http://127.0.0.1:{port}", 101),
        ("127.0.0.1:{port}", "http://127.0.0.1:1", 403),
        ("127.0.0.1:{port}", "https://127.0.0.1:{port}", 403),
        ("127.0.0.1:{port}", "http://evil.example", 403),
        ("127.0.0.1:{port}", "null", 403),
        ("evil.example", None, 421),
        ("evil.example", "http://evil.example", 421),
        ("evil.example:{port}", "http://evil.example:{port}", 421),
    ],
)
async def test_host_and_origin(tmp_path: Path, host: str, origin: str | None, status: int) -> None:
    async with running(tmp_path) as server:
        port = server.ready.port
        named = host.format(port=port)

        def run() -> int:
            sock = socket.create_connection(server.address, timeout=WAIT)
            try:
                ours = None if origin is None else Origin(origin.format(port=port))
                with websockets.sync.client.connect(
                    f"ws://{named}/", sock=sock, origin=ours, compression=None, proxy=None
                ) as ws:
                    objects(ws)
            except InvalidStatus as refused:
                return refused.response.status_code
            return 101

        assert await in_thread(run) == status


# --- what a client may do wrong -------------------------------------------------------------


def close_code(ws: ClientConnection) -> int | None:
    """Read to the end and tell how the server closed."""
    try:
        while True:
            ws.recv(timeout=WAIT)
    except ConnectionClosed as closed:
        return None if closed.rcvd is None else closed.rcvd.code


MISTAKES: list[tuple[str, Callable[[ClientConnection], None], int]] = [
    ("binary", lambda ws: ws.send(b"\x00\x01"), 1003),
    ("large", lambda ws: ws.send("x" * 65_537), 1009),
    ("large in bytes only", lambda ws: ws.send("\u20ac" * 30_000), 1009),
    ("huge", lambda ws: ws.send("x" * 5_000_000), 1009),
    ("many fragments", lambda ws: ws.send("x" for _ in range(70_000)), 1009),
    ("empty fragments", lambda ws: ws.send("" for _ in range(5_000)), 1009),
]


@pytest.mark.parametrize(("name", "act", "code"), MISTAKES, ids=[name for name, _, _ in MISTAKES])
async def test_mistakes_that_end_a_connection(
    tmp_path: Path, name: str, act: Callable[[ClientConnection], None], code: int
) -> None:
    async with running(tmp_path) as server:

        def run() -> int | None:
            with connect(server.url, server.token) as ws:
                with suppress(ConnectionClosed):  # it may be told in the middle of it
                    act(ws)
                return close_code(ws)

        assert await in_thread(run) == code, name
        await assert_alive(server)


async def test_mistakes_that_do_not_end_a_connection(tmp_path: Path) -> None:
    async with running(tmp_path) as server:

        def run() -> list[str]:
            with connect(server.url, server.token, joined=False) as ws:
                objects(ws)
                codes = []
                for bad in ("", "{", "[]", '{"action":"nope"}', '{"action":"ping","x":1}'):
                    ws.send(bad)
                    codes.append(objects(ws)[0]["code"])
                ws.send('{"action":"ping","id":7}')
                pong = objects(ws)[0]
                assert (pong["type"], pong["id"]) == ("pong", 7)
                assert ws.ping().wait(WAIT)
                return codes

        assert await in_thread(run) == [
            "INVALID_JSON",
            "INVALID_JSON",
            "INVALID_REQUEST",
            "UNKNOWN_ACTION",
            "INVALID_REQUEST",
        ]


# --- events ---------------------------------------------------------------------------------

HUNDRED = """
import asyncio, json, os, sys
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

HEADERS = {"Authorization": "Bearer " + os.environ["TOKEN"]}

async def client(url, number, ready, count):
    protocols = ["tmuxpulse.v1.ndjson"] if number % 2 else None
    options = {"additional_headers": HEADERS, "compression": None, "proxy": None}
    options |= {"open_timeout": 60, "ping_interval": None}
    async with connect(url, subprotocols=protocols, **options) as ws:
        await ws.recv()
        await ws.send('{"action":"subscribe"}')
        assert "subscription.confirmed" in await ws.recv()
        ready.release()
        seqs = []
        lines = []
        while len(seqs) < count:
            for line in (await ws.recv()).split("\\n"):
                event = json.loads(line)
                seqs.append(event["seq"])
                lines += event["data"]["lines"]
        return seqs == list(range(1, count + 1)) and lines == [f"line {n}" for n in range(count)]

async def main():
    url, clients, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    ready = asyncio.Semaphore(0)
    tasks = [asyncio.create_task(client(url, n, ready, count)) for n in range(clients)]
    for _ in tasks:
        await ready.acquire()
    print("ready", flush=True)
    print(sum(await asyncio.gather(*tasks)), flush=True)

asyncio.run(main())
"""


async def test_a_hundred_clients_get_the_same_thousand_events_in_order(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        command = [sys.executable, "-c", HUNDRED, server.url, "100", "1000"]
        with start(command, TOKEN=server.token) as strangers:
            assert strangers.stdout is not None
            assert await in_thread(strangers.stdout.readline) == "ready\n"
            for first in range(0, 1000, 7):
                server.publish(first, min(first + 7, 1000))
                await trio.lowlevel.checkpoint()
            assert await in_thread(strangers.stdout.readline) == "100\n"
            assert await in_thread(strangers.wait) == 0


async def test_a_slow_client_gets_a_gap_and_a_snapshot_and_hurts_nobody(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        slow = await in_thread(lambda: subscribed(server.url, server.token))
        quick = await in_thread(lambda: subscribed(server.url, server.token))
        wide = "x" * 20_000
        published = 0
        for _ in range(120):  # far more than the sockets between us and the slow one can hold
            for _ in range(10):
                published += 1
                server.hub.publish(Event(Place(session="a"), PaneTitle(title=wide, previous="")))
            got = await in_thread(partial(read_until, quick, published))
            assert [one["seq"] for one in got] == list(range(published - 9, published + 1))

        def catch_up() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = []
            while not found or found[-1]["type"] != "snapshot.data":
                found += objects(slow)
            return found

        found = await in_thread(catch_up)
        *events, gap, snapshot = [one for one in found if one["type"] != "stream.lag"]
        assert len(found) - len(events) == 3  # it was told once that it is slow
        assert [one["seq"] for one in events] == list(range(1, gap["from"]))
        assert (gap["type"], gap["to"], snapshot["seq"]) == ("stream.gap", published, published)
        assert gap["dropped"] == gap["to"] - gap["from"] + 1
        server.publish(0, 1)
        after = await in_thread(lambda: read_until(slow, published + 1))
        assert [one["seq"] for one in after] == [published + 1]
        for ws in (slow, quick):
            await in_thread(ws.close)


# --- the end --------------------------------------------------------------------------------


async def test_a_shutdown_says_goodbye_and_closes_with_1001(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        ws = await in_thread(lambda: subscribed(server.url, server.token))
        half_open = socket.create_connection(server.address)
        server.publish(0, 3)
        server.ready.stop()

        def to_the_end() -> tuple[list[str], int | None]:
            types: list[str] = []
            try:
                while True:
                    types += [one["type"] for one in objects(ws)]
            except ConnectionClosed as closed:
                return types, None if closed.rcvd is None else closed.rcvd.code

        types, code = await in_thread(to_the_end)
        assert types == ["pane.output"] * 3 + ["server.goodbye"]
        assert code == 1001
        half_open.close()


async def test_a_client_that_does_not_answer_holds_the_end_up_no_longer_than_allowed(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as server:
        with socket.create_connection(server.address) as deaf:
            deaf.sendall(handshake(server.ready.port))
            assert b"101" in await in_thread(lambda: deaf.recv(4096))
            began = trio.current_time()
            server.ready.stop()
            while files(tmp_path):  # noqa: ASYNC110  # a file has no event
                await trio.sleep(0.02)
            assert trio.current_time() - began < WAIT


SERVE = textwrap.dedent(
    """
    import sys, trio
    from tmuxpulse.config.settings import CollectSettings, HistoryTable, ServeSettings, ServerTable
    from tmuxpulse.errors import TmuxpulseError
    from tmuxpulse.serve.app import serve

    async def collector(hub, settings, *, task_status):
        task_status.started()
        try:
            await trio.sleep_forever()
        finally:
            print("collector cleaned up", flush=True)

    async def main():
        await serve(
            ServeSettings(
                server=ServerTable(port=int(sys.argv[2])),
                unix_socket=sys.argv[1],
                state_dir=sys.argv[3],
            ),
            CollectSettings(runtime_dir="/nowhere"),
            collector=collector,
            announce=lambda line: print(line, flush=True),
        )

    trio.run(main)
    """
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_the_process_in_order(tmp_path: Path, number: int) -> None:
    unix = str(tmp_path / "s.sock")
    state, token = private_state(tmp_path)
    command = [sys.executable, "-c", SERVE, unix, "0", str(state)]
    with start(command) as process:
        assert process.stdout is not None
        line = await in_thread(process.stdout.readline)
        assert line.startswith("tmuxpulse ")
        assert line.endswith(f"/ (unix: {unix})\n")
        url = line.split("ready: http")[1].split(" ")[0]
        ws = await in_thread(lambda: subscribed("ws" + url, token))
        process.send_signal(number)
        assert await in_thread(lambda: close_code(ws)) == 1001
        assert await in_thread(process.wait) == 0
        assert process.stdout.read() == "collector cleaned up\n"
    assert files(tmp_path) == []


async def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    patient = SERVE.replace("sys.argv[2])", "sys.argv[2]), grace_seconds=600", 1)
    unix = str(tmp_path / "s.sock")
    state, token = private_state(tmp_path)
    with start([sys.executable, "-c", patient, unix, "0", str(state)]) as process:
        assert process.stdout is not None
        line = await in_thread(process.stdout.readline)
        port = int(line.split("ready: http://127.0.0.1:")[1].split("/")[0])
        with socket.create_connection(("127.0.0.1", port), timeout=WAIT) as deaf:
            deaf.sendall(handshake(port, f"Authorization: Bearer {token}".encode()))
            for sign in (b"connection.established", b"server.goodbye"):
                got = b""
                while sign not in got:
                    data = await in_thread(partial(deaf.recv, 65536))
                    assert data
                    got += data
                process.send_signal(signal.SIGTERM)
            assert await in_thread(process.wait) == 0
        assert process.stdout.read() == "collector cleaned up\n"
    assert files(tmp_path) == []


async def test_a_collector_that_cannot_begin_says_why_in_one_error(tmp_path: Path) -> None:
    async def no_tmux(
        hub: Hub, settings: CollectSettings, *, task_status: trio.TaskStatus[None]
    ) -> None:
        await trio.lowlevel.checkpoint()
        raise TmuxNotFound("no tmux program found")

    with pytest.raises(TmuxNotFound, match="no tmux program"):
        await serve(
            ServeSettings(
                server=ServerTable(port=0),
                unix_socket=str(tmp_path / "t.sock"),
                state_dir=str(private_state(tmp_path)[0]),
            ),
            CollectSettings(runtime_dir=str(tmp_path)),
            collector=no_tmux,
            announce=print,
            signals=False,
        )
    assert files(tmp_path) == []


async def test_a_killed_server_leaves_nothing_that_matters(tmp_path: Path) -> None:
    unix = str(tmp_path / "t.sock")
    state, _ = private_state(tmp_path)
    command = [sys.executable, "-c", SERVE, unix, "0", str(state)]
    with start(command) as process:
        assert process.stdout is not None
        await in_thread(process.stdout.readline)
        process.kill()
    assert files(tmp_path) == ["t.sock", "t.sock.lock"]
    async with running(tmp_path) as server:
        assert server.unix == unix


async def test_a_second_server_is_told_why_it_cannot_start(tmp_path: Path) -> None:
    async def serve_on(port: int, unix: str, host: str = "127.0.0.1") -> None:
        await serve(
            ServeSettings(
                server=ServerTable(host=host, port=port),
                unix_socket=unix,
                state_dir=str(private_state(tmp_path)[0]),
            ),
            CollectSettings(runtime_dir=str(tmp_path)),
            collector=quiet_collector,
            announce=print,
            signals=False,
        )

    async with running(tmp_path) as server:
        with pytest.raises(AddressInUse, match=f"port {server.ready.port} .*--port"):
            await serve_on(server.ready.port, str(tmp_path / "u.sock"))
        with pytest.raises(AddressInUse, match="another tmuxpulse"):
            await serve_on(0, server.unix)
        with pytest.raises(UsageError, match="tls_certificate"):
            await serve_on(0, "", host="0.0.0.0")


async def test_a_bug_in_the_collector_ends_the_server_loudly(tmp_path: Path) -> None:
    async def buggy(
        hub: Hub, settings: CollectSettings, *, task_status: trio.TaskStatus[None]
    ) -> None:
        task_status.started()
        await trio.lowlevel.checkpoint()
        raise RuntimeError("a bug")

    with pytest.raises(BaseException, match="Trio nursery") as ended:
        await serve(
            ServeSettings(
                server=ServerTable(port=0),
                unix_socket=str(tmp_path / "t.sock"),
                state_dir=str(private_state(tmp_path)[0]),
            ),
            CollectSettings(runtime_dir=str(tmp_path)),
            collector=buggy,
            announce=logging.getLogger("tests").info,
            signals=False,
        )
    assert "a bug" in repr(ended.value)
    assert files(tmp_path) == []
