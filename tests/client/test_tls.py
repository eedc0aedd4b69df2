"""The client over TLS and with tokens, against a server made by hand."""

from __future__ import annotations

import json
import logging
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream

from tmuxpulse.client import link
from tmuxpulse.client.connection import open_connection
from tmuxpulse.errors import (
    ServerError,
    ServerRefused,
    ServerUnavailable,
    TmuxpulseError,
    UsageError,
)
from tmuxpulse.wire import SUBPROTOCOL

AUTHORITY = trustme.CA()
TOKEN = "tp_canary0canary_S3CRETS3CRETS3CRETS3CRETS3CRETS3CRETS3CRETS"
GREETING: dict[str, Any] = {
    "type": "connection.established",
    "client_id": "c-1",
    "timestamp": "2026-11-23T09:00:00.123Z",
    "server": {"name": "tmuxpulse", "version": "9.9"},
    "epoch": "",
    "seq": 0,
    "auth": {"required": True},
}
WELCOME = GREETING | {"epoch": "e", "seq": 7, "auth": {"required": False}}

Handler = Callable[[trio.abc.Stream], Awaitable[None]]
Script = Callable[[WebSocketConnection], Awaitable[None]]


class Heard:
    """What the server was given.

    Attributes:
        heads: the headers of each request.
        paths: what each asked for.
        hosts: whom each asked.
        streams: how many connections came so far that they could say something.
    """

    def __init__(self) -> None:
        self.heads: list[dict[bytes, bytes]] = []
        self.paths: list[str] = []
        self.hosts: list[str] = []
        self.streams = 0


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def ca_file(tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(str(path))
    return str(path)


def certified(*names: str, **options: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(*names, **options).configure_cert(context)
    return context


@asynccontextmanager
async def listening(
    handler: Handler, context: ssl.SSLContext | None, heard: Heard
) -> AsyncIterator[int]:
    """A server on some port of 127.0.0.1."""

    async def serve(stream: trio.SocketStream) -> None:
        found: trio.abc.Stream = stream
        try:
            if context is not None:
                found = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
                await found.do_handshake()
            heard.streams += 1
            await handler(found)
        except (trio.BrokenResourceError, ConnectionClosed):
            await trio.aclose_forcefully(found)

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, serve, listeners)
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


def speaking(
    heard: Heard, script: Script | None = None, *, greeting: dict[str, Any] | None = None
) -> Handler:
    """A WebSocket server that lets the right token in by its head, as ours does."""

    async def handler(stream: trio.abc.Stream) -> None:
        async with trio.open_nursery() as nursery:
            request = await wrap_server_stream(nursery, stream)
            head = {name.lower(): value for name, value in request.headers}
            heard.heads.append(head)
            heard.paths.append(request.path)
            heard.hosts.append(request._event.host)
            token = head.get(b"authorization")
            if greeting is None and token not in (None, f"Bearer {TOKEN}".encode()):
                await request.reject(401)
                return
            websocket = await request.accept(subprotocol=SUBPROTOCOL)
            first = greeting or (GREETING if token is None else WELCOME)
            await websocket.send_message(json.dumps(first))
            if script is not None:
                await script(websocket)
            await trio.sleep_forever()

    return handler


async def failure(
    error: type[ServerError | UsageError], url: str, **options: str | None
) -> TmuxpulseError:
    """How a connection is refused; the token is in no part of it."""
    with trio.fail_after(60), pytest.raises(error) as refused:
        async with open_connection(url=url, **options):
            raise AssertionError
    step: BaseException | None = refused.value
    while step is not None:
        assert TOKEN not in f"{step} {step!r} {vars(step)}"
        step = step.__cause__ or (None if step.__suppress_context__ else step.__context__)
    assert "\n" not in str(refused.value)
    return refused.value


async def test_with_tls_and_a_token(heard: Heard, ca_file: str) -> None:
    async with listening(speaking(heard), certified("localhost"), heard) as port:
        url = f"https://localhost:{port}/monitor"
        async with open_connection(url=url, token=TOKEN, ca_file=ca_file) as connection:
            assert connection.greeting.epoch == "e"
    [head] = heard.heads
    assert head[b"authorization"] == f"Bearer {TOKEN}".encode()
    assert heard.hosts == [f"localhost:{port}"]
    assert heard.paths == ["/monitor"]


async def test_the_name_is_asked_for(heard: Heard, ca_file: str) -> None:
    context = certified("localhost")
    asked: list[str | None] = []
    context.sni_callback = lambda _, name, __: asked.append(name)
    async with (
        listening(speaking(heard), context, heard) as port,
        open_connection(url=f"wss://localhost:{port}/", token=TOKEN, ca_file=ca_file),
    ):
        assert asked == ["localhost"]


async def test_an_address_may_be_what_a_certificate_is_for(heard: Heard, ca_file: str) -> None:
    async with (
        listening(speaking(heard), certified("127.0.0.1"), heard) as port,
        open_connection(url=f"wss://127.0.0.1:{port}/", token=TOKEN, ca_file=ca_file),
    ):
        pass


PAST = datetime(2001, 1, 1, tzinfo=timezone.utc)
FAR = datetime(2200, 1, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("names", "options", "trusted", "says"),
    [
        (["localhost"], {"not_after": PAST}, True, "has expired"),
        (["localhost"], {"not_before": FAR, "not_after": FAR}, True, "not valid yet"),
        (["localhost"], {}, False, "signed by nobody this machine trusts.* --ca-file"),
        (["pulse.example"], {}, True, "is for another name"),
        (["127.0.0.1"], {}, True, "is for another name"),
    ],
)
async def test_a_certificate_that_is_not_good(
    heard: Heard,
    ca_file: str,
    names: list[str],
    options: dict[str, Any],
    says: str,
    *,
    trusted: bool,
) -> None:
    async with listening(speaking(heard), certified(*names, **options), heard) as port:
        refused = await failure(
            ServerRefused,
            f"wss://localhost:{port}/",
            token=TOKEN,
            ca_file=ca_file if trusted else None,
        )
    assert isinstance(refused, ServerRefused)
    assert refused.code == "CERTIFICATE"
    assert re.search(says, str(refused))
    assert heard.heads == []


async def test_the_wrong_address(heard: Heard, ca_file: str) -> None:
    async with listening(speaking(heard), certified("127.0.0.2"), heard) as port:
        refused = await failure(
            ServerRefused, f"wss://127.0.0.1:{port}/", token=TOKEN, ca_file=ca_file
        )
    assert "is for another address" in str(refused)
    assert heard.heads == []


async def test_a_server_without_tls(heard: Heard, ca_file: str) -> None:
    async def plain(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with listening(plain, None, heard) as port:
        refused = await failure(
            ServerUnavailable, f"wss://localhost:{port}/", token=TOKEN, ca_file=ca_file
        )
    assert "does not speak TLS" in str(refused)


async def test_a_server_that_leaves_in_the_handshake(heard: Heard, ca_file: str) -> None:
    async def leave(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.aclose()

    async with listening(leave, None, heard) as port:
        refused = await failure(ServerUnavailable, f"wss://localhost:{port}/", ca_file=ca_file)
    assert "ended the TLS handshake" in str(refused)


async def test_a_server_that_never_shakes_hands(
    heard: Heard, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "OPEN_SECONDS", 0.05)

    async def wait(_: trio.abc.Stream) -> None:
        await trio.sleep_forever()

    async with listening(wait, None, heard) as port:
        refused = await failure(ServerUnavailable, f"wss://localhost:{port}/", ca_file=ca_file)
    assert "no answer" in str(refused)


async def test_nobody_listens(ca_file: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        refused = await failure(
            ServerUnavailable, f"wss://127.0.0.1:{port}/", token=TOKEN, ca_file=ca_file
        )
    assert "tmuxpulse serve" in str(refused)


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "No such file"), ("not a certificate", "not PEM"), ("", "PEM|read")],
)
async def test_a_file_of_authorities_that_is_none(
    tmp_path: Path, content: str | None, says: str
) -> None:
    file = tmp_path / "authorities"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UsageError, match=says):
        async with open_connection(url="wss://localhost:1/", ca_file=str(file)):
            raise AssertionError


async def test_authorities_are_for_tls(ca_file: str) -> None:
    with pytest.raises(UsageError, match="--ca-file"):
        async with open_connection(url="ws://localhost:1/", ca_file=ca_file):
            raise AssertionError


# --- tokens --------------------------------------------------------------------------------------


async def test_no_token_where_one_is_wanted(heard: Heard) -> None:
    async with listening(speaking(heard), None, heard) as port:
        refused = await failure(ServerRefused, f"ws://127.0.0.1:{port}/")
    assert isinstance(refused, ServerRefused)
    assert refused.code == "AUTH_REQUIRED"
    assert "tmuxpulse token create NAME --file F" in str(refused)
    assert "--token-file F" in str(refused)
    assert b"authorization" not in heard.heads[0]


async def test_a_wrong_token(heard: Heard) -> None:
    async with listening(speaking(heard), None, heard) as port:
        refused = await failure(ServerRefused, f"ws://127.0.0.1:{port}/", token=f"{TOKEN}x")
    assert isinstance(refused, ServerRefused)
    assert refused.code == "AUTH_FAILED"


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "Bearer\r\nHost: x", "tökn"])
async def test_what_is_no_token_does_not_even_dial(token: str) -> None:
    with pytest.raises(UsageError) as refused:
        async with open_connection(url="ws://127.0.0.1:1/", token=token):
            raise AssertionError
    assert not token or token not in str(refused.value)


async def test_a_token_does_not_leave_this_machine_in_the_clear(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even when a resolver says that localhost is elsewhere."""
    monkeypatch.setattr("tmuxpulse.client.dial.is_loopback", lambda _: False)
    async with listening(speaking(heard), None, heard) as port:
        refused = await failure(UsageError, f"ws://localhost:{port}/", token=TOKEN)
    assert "not this machine" in str(refused)
    assert heard.heads == []


async def test_the_unix_socket_gets_no_token(tmp_path: Path, heard: Heard) -> None:
    listener = trio.socket.socket(trio.socket.AF_UNIX)
    await listener.bind(str(tmp_path / "s"))
    listener.listen()
    handler = speaking(heard, greeting=WELCOME)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, handler, [trio.SocketListener(listener)])
        async with open_connection(unix_socket=str(tmp_path / "s"), token=TOKEN):
            nursery.cancel_scope.cancel()
    assert b"authorization" not in heard.heads[0]


def answering(**reply: object) -> Script:
    """Answer a first request, which is `auth`, as a server that has not seen the header."""

    async def script(websocket: WebSocketConnection) -> None:
        request = json.loads(await websocket.get_message())
        assert request["action"] == "auth"
        assert request["token"] == TOKEN
        answer = {"type": "auth.response", "id": request["id"], "client_id": "c-1"} | reply
        await websocket.send_message(json.dumps(answer))
        if not reply["success"]:
            await websocket.aclose(4500, "that token is not good")

    return script


async def test_behind_a_proxy_that_keeps_the_header(heard: Heard) -> None:
    script = answering(success=True, permissions=["read"], epoch="e9", seq=41)
    handler = speaking(heard, script, greeting=GREETING)
    async with (
        listening(handler, None, heard) as port,
        open_connection(url=f"ws://127.0.0.1:{port}/", token=TOKEN) as connection,
    ):
        assert (connection.greeting.epoch, connection.greeting.seq) == ("e9", 41)


async def test_a_wrong_token_behind_such_a_proxy(heard: Heard) -> None:
    script = answering(success=False, permissions=[])
    handler = speaking(heard, script, greeting=GREETING)
    async with listening(handler, None, heard) as port:
        refused = await failure(ServerRefused, f"ws://127.0.0.1:{port}/", token=TOKEN)
    assert isinstance(refused, ServerRefused)
    assert refused.code == "AUTH_FAILED"


@pytest.mark.parametrize(
    ("close", "code"), [(4500, "AUTH_FAILED"), (4502, "AUTH_REQUIRED"), (4503, "4503")]
)
async def test_what_a_close_code_means(heard: Heard, close: int, code: str) -> None:
    async def script(websocket: WebSocketConnection) -> None:
        await websocket.aclose(close, "the token was revoked, or has expired")

    async with (
        listening(speaking(heard, script), None, heard) as port,
        open_connection(url=f"ws://127.0.0.1:{port}/", token=TOKEN) as connection,
    ):
        with pytest.raises(ServerRefused, match="revoked") as refused:
            await connection.receive()
    assert refused.value.code == code


async def test_a_name_that_the_server_does_not_go_by(heard: Heard) -> None:
    async def misdirected(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n")

    async with listening(misdirected, None, heard) as port:
        refused = await failure(ServerRefused, f"ws://127.0.0.1:{port}/", token=TOKEN)
    assert "allowed_hosts" in str(refused)


@pytest.mark.parametrize(
    "answer",
    [
        f"HTTP/1.1 200 {TOKEN}\r\n\r\n{TOKEN}",
        f"HTTP/1.1 403 {TOKEN}\r\n{TOKEN}: {TOKEN}\r\n\r\n",
        f"HTTP/1.1 101 x\r\nbad header {TOKEN}\r\n\r\n",
        f"HTTP/1.1 101 x\r\nUpgrade: {TOKEN}\r\n\r\n",
        f"{TOKEN}\r\n\r\n",
        "",
    ],
)
async def test_no_trace_of_a_token(
    heard: Heard, caplog: pytest.LogCaptureFixture, answer: str
) -> None:
    """Whatever a server sends back, nothing of it gets into an error or the log."""
    caplog.set_level(logging.DEBUG)

    async def echo(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.send_all(answer.encode())
        await stream.aclose()

    async with listening(echo, None, heard) as port:
        await failure(ServerError, f"ws://127.0.0.1:{port}/", token=TOKEN)
    async with (
        listening(speaking(heard), None, heard) as port,
        open_connection(url=f"ws://127.0.0.1:{port}/", token=TOKEN) as connection,
    ):
        parts = (connection, vars(connection), connection._link, vars(connection._link))
        assert TOKEN not in repr(parts)
    assert TOKEN not in caplog.text
