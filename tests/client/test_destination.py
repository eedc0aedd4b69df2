"""Which server is meant, and the faces over TLS, with tokens and over the Unix socket."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from websockets.sync.server import ServerConnection, serve, unix_serve

import tmuxpulse
from tmuxpulse.client.destination import default_unix_socket, destination
from tmuxpulse.errors import ServerRefused, ServerUnavailable, TmuxpulseError, UsageError

TOKEN = "tp_canary0canary_S3CRETS3CRETS3CRETS3CRETS3CRETS3CRETS3CRETS"
AUTHORITY = trustme.CA()
GREETING: dict[str, Any] = {
    "type": "connection.established",
    "client_id": "c-1",
    "timestamp": "t",
    "server": {"name": "tmuxpulse", "version": "9.9"},
    "epoch": "e",
    "seq": 0,
    "auth": {"required": False},
}
FACES = ("blocking", "trio", "asyncio")


@pytest.fixture
def ca_file(tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(str(path))
    return str(path)


class Heard(list[Any]):
    """The headers of each request."""


@contextmanager
def serving(heard: Heard, *names: str, path: str = "") -> Iterator[str]:
    """A server over TLS, for some names; or plain; or on a Unix socket."""

    def converse(socket: ServerConnection) -> None:
        assert socket.request is not None
        heard.append(socket.request.headers)
        socket.send(json.dumps(GREETING))
        for message in socket:
            raise AssertionError(message)

    context = None
    if names:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        AUTHORITY.issue_cert(*names).configure_cert(context)
    options: dict[str, Any] = {"ssl": context, "compression": None, "close_timeout": 1}
    made = (
        unix_serve(converse, path, **options)
        if path
        else serve(converse, "127.0.0.1", 0, **options)
    )
    with made as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = "" if path else server.socket.getsockname()[1]
        yield f"{'wss' if names else 'ws'}://127.0.0.1:{port}/"
        server.shutdown()
        thread.join()


def greeted(face: str, **options: Any) -> None:
    """Connect, and leave."""

    async def on_trio() -> None:
        async with tmuxpulse.connect_trio(**options) as monitor:
            assert monitor.is_open

    async def on_asyncio() -> None:
        async with tmuxpulse.connect_asyncio(**options) as monitor:
            assert monitor.is_open

    if face == "trio":
        trio.run(on_trio)
    elif face == "asyncio":
        asyncio.run(on_asyncio())
    else:
        tmuxpulse.connect(**options).close()


@pytest.mark.parametrize("face", FACES)
def test_over_tls_with_a_token(face: str, ca_file: str) -> None:
    heard = Heard()
    with serving(heard, "127.0.0.1") as url:
        greeted(face, url=url, ca_file=ca_file, token=TOKEN)
    assert heard[0]["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("face", FACES)
def test_over_the_unix_socket_without_a_token(face: str, tmp_path: Path) -> None:
    heard = Heard()
    with serving(heard, path=str(tmp_path / "s")):
        greeted(face, unix_socket=str(tmp_path / "s"))
    assert "Authorization" not in heard[0]


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    ("names", "with_ca", "expected"),
    [
        (["127.0.0.1"], False, (ServerRefused, "signed by nobody")),
        (["other.example"], True, (ServerRefused, "another")),
        ([], True, (ServerUnavailable, "speak TLS")),
    ],
)
def test_who_is_not_trusted(
    face: str, names: list[str], with_ca: bool, expected: tuple[type[Exception], str], ca_file: str
) -> None:
    heard = Heard()
    error, text = expected
    with (
        serving(heard, *names) as url,
        pytest.raises(error, match=text) as caught,
    ):
        greeted(
            face,
            url=url.replace("ws:", "wss:"),
            ca_file=ca_file if with_ca else None,
            token=TOKEN,
        )
    assert TOKEN not in str(caught.value)
    assert heard == []


@pytest.mark.parametrize("face", FACES)
def test_a_name_that_leads_elsewhere(face: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for where in ("dial", "sockets", "on_asyncio"):
        monkeypatch.setattr(f"tmuxpulse.client.{where}.is_loopback", lambda _: False)
    heard = Heard()
    with serving(heard) as url, pytest.raises(UsageError, match="not this machine"):
        greeted(face, url=url, token=TOKEN)
    assert heard == []


def test_what_is_meant_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMUXPULSE_RUNTIME_DIR", str(tmp_path / "run"))
    assert default_unix_socket() == str(tmp_path / "run" / "tmuxpulse.sock")
    assert destination().unix_socket == default_unix_socket()
    with pytest.raises(ServerUnavailable, match="tmuxpulse serve"):
        tmuxpulse.connect()
    (tmp_path / "run").chmod(0o755)
    with pytest.raises(UsageError, match="nobody else can enter"):
        tmuxpulse.connect()


def test_a_token_comes_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o600)
    found = destination(url="ws://127.0.0.1:1/", token_file=str(path))
    assert found.token == TOKEN
    assert TOKEN not in repr(found)


@pytest.mark.parametrize(
    "options",
    [
        {"url": "ws://127.0.0.1:1/", "unix_socket": "/s"},
        {"token": TOKEN},
        {"ca_file": "x"},
        {"url": "ws://127.0.0.1:1/", "ca_file": "x"},
        {"url": "ws://127.0.0.1:1/", "token": TOKEN, "token_file": "x"},
        {"url": "ws://127.0.0.1:1/", "token": f"{TOKEN} {TOKEN}"},
        {"url": "ws://pulse.example/"},
        {"url": f"ws://x:{TOKEN}@127.0.0.1/"},
    ],
)
def test_what_makes_no_sense(options: dict[str, str]) -> None:
    with pytest.raises(TmuxpulseError) as caught:
        tmuxpulse.connect(**options)  # type: ignore[arg-type]  # all of these are texts
    assert TOKEN not in str(caught.value)
