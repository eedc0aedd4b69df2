"""TLS over real sockets: clients of another make, certificates that change, and a whole server.

The first half has the front door in this process; the second starts `tmuxpulse serve`.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

import pytest
import trio
import trustme
import websockets.sync.client
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection
from websockets.typing import Subprotocol

from tests.real.served import Client, Served, place
from tests.serve.houses import STRANGER, TestHouse
from tmuxpulse.client.connection import open_connection
from tmuxpulse.client.groups import unwrapped
from tmuxpulse.config.settings import CollectSettings, ServerTable, ServeSettings
from tmuxpulse.errors import ServerRefused, UsageError
from tmuxpulse.hub.hub import Hub
from tmuxpulse.serve import front as front_module
from tmuxpulse.serve.app import Ready, serve
from tmuxpulse.serve.door import Door, hosts_of
from tmuxpulse.serve.front import Front
from tmuxpulse.serve.listen import open_tcp
from tmuxpulse.serve.tls import Tls, accept_tls
from tmuxpulse.serve.token_store import TokenStore
from tmuxpulse.wire import SUBPROTOCOL, Ping, Pong, Snapshot, SnapshotData

AUTHORITY = trustme.CA()
DEADLINE_SECONDS = 60.0
TOKEN = "right-token"


class Files:
    """A certificate, its key, and who signed it, as files.

    Attributes:
        serials: of the certificates that were made, in OpenSSL's form.
    """

    def __init__(self, folder: Path) -> None:
        self.certificate = folder / "certificate.pem"
        self.key = folder / "key.pem"
        self.authority = folder / "authority.pem"
        self.serials: list[str] = []
        self.key.touch(mode=0o600)
        AUTHORITY.cert_pem.write_to_path(str(self.authority))
        self.issue()

    def issue(self) -> None:
        """Make new ones, in place of those."""
        made = AUTHORITY.issue_cert("localhost", "127.0.0.1")
        self.certificate.write_bytes(b"".join(one.bytes() for one in made.cert_chain_pems))
        self.key.write_bytes(made.private_key_pem.bytes())


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


@contextmanager
def foreign(url: str, token: str | None) -> Iterator[ClientConnection]:
    """A client of the `websockets` library."""
    with websockets.sync.client.connect(
        url.replace("https", "wss"),
        ssl=trusting(),
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        additional_headers=None if token is None else {"Authorization": f"Bearer {token}"},
        open_timeout=DEADLINE_SECONDS,
        close_timeout=DEADLINE_SECONDS,
        proxy=None,
    ) as client:
        yield client


def serial_at(url: str) -> object:
    """The number of the certificate that a new client is shown."""
    host, _, port = url.split("//")[1].rstrip("/").partition(":")
    with (
        socket.create_connection((host, int(port)), DEADLINE_SECONDS) as plain,
        trusting().wrap_socket(plain, server_hostname=host) as secured,
    ):
        certificate = secured.getpeercert()
    assert certificate is not None
    return certificate["serialNumber"]


def serial_of(client: ClientConnection) -> object:
    assert isinstance(client.socket, ssl.SSLSocket)
    certificate = client.socket.getpeercert()
    assert certificate is not None
    return certificate["serialNumber"]


def ask(client: ClientConnection, **request: object) -> dict[str, object]:
    client.send(json.dumps({"id": 1} | request))
    while True:
        for line in str(client.recv(timeout=DEADLINE_SECONDS)).split("\n"):
            found: dict[str, object] = json.loads(line)
            if found.get("id") == 1:
                return found


# --- the front door, in this process -------------------------------------------------------------


@asynccontextmanager
async def front_door(tls: Tls) -> AsyncIterator[str]:
    """A server with one token, over TLS on a port of its own; gives its URL."""
    house = TestHouse()
    house.tokens.add(TOKEN, "read", "output")
    with open_tcp("127.0.0.1", 0, tls=tls) as tcp:
        door = Door(hosts=hosts_of(tcp.port, scheme="https"), pages={}, scheme="https")
        front = Front(house, door, secure=partial(accept_tls, tls))

        async def handle(stream: trio.SocketStream) -> None:
            await front.handle(stream, STRANGER)

        async with trio.open_nursery() as nursery:
            await nursery.start(house.hub.run)
            nursery.start_soon(trio.serve_listeners, handle, tcp.listeners)
            yield tcp.url
            nursery.cancel_scope.cancel()


def loud(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What of ours was logged that tells of trouble."""
    return [
        one.getMessage()
        for one in caplog.records
        if one.name.startswith("tmuxpulse") and (one.levelno > logging.INFO or one.exc_info)
    ]


async def test_a_foreign_client_comes_in_with_its_token(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    def visit(url: str) -> None:
        with foreign(url, TOKEN) as client:
            greeting = json.loads(client.recv(timeout=DEADLINE_SECONDS))
            assert greeting["auth"] == {"required": False}
            assert ask(client, action="ping")["type"] == "pong"
        with foreign(url, None) as client:
            greeting = json.loads(client.recv(timeout=DEADLINE_SECONDS))
            assert greeting["auth"] == {"required": True}
            assert ask(client, action="auth", token=TOKEN)["success"] is True
        with pytest.raises(InvalidStatus) as refused, foreign(url, "wrong"):
            raise AssertionError
        assert refused.value.response.status_code == 401

    async with front_door(Tls(str(files.certificate), str(files.key))) as url:
        await trio.to_thread.run_sync(visit, url)
    assert loud(caplog) == []


async def test_our_own_client_comes_in(files: Files) -> None:
    async with front_door(Tls(str(files.certificate), str(files.key))) as url:
        authority = str(files.authority)
        async with open_connection(url=url, token=TOKEN, ca_file=authority) as connection:
            assert connection.greeting.epoch
            assert isinstance(await connection.request(Ping()), Pong)
        with pytest.raises(ServerRefused) as refused:
            async with open_connection(url=url, token="wrong", ca_file=authority):
                raise AssertionError
        assert refused.value.code == "AUTH_FAILED"


async def test_a_reload_is_seen_by_new_clients_and_drops_no_old_one(files: Files) -> None:
    tls = Tls(str(files.certificate), str(files.key))

    def visit(url: str) -> None:
        with foreign(url, TOKEN) as old:
            before = serial_of(old)
            assert serial_at(url) == before
            files.issue()
            tls.reload()
            with foreign(url, TOKEN) as new:
                assert serial_of(new) != before
                assert ask(new, action="ping")["type"] == "pong"
            assert ask(old, action="ping")["type"] == "pong"

    async with front_door(tls) as url:
        await trio.to_thread.run_sync(visit, url)


def said_to(url: str, what: bytes, *, reset: bool = False) -> bytes:
    """What is answered to bytes that are no TLS; until the server hangs up."""
    host, _, port = url.split("//")[1].rstrip("/").partition(":")
    with socket.create_connection((host, int(port)), DEADLINE_SECONDS) as plain:
        plain.sendall(what)
        if reset:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            return b""
        heard = b""
        try:
            while data := plain.recv(65536):
                heard += data
        except ConnectionResetError:
            pass
        return heard


def hello() -> bytes:
    """What a client of TLS says first."""
    out = ssl.MemoryBIO()
    client = trusting().wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return out.read()


async def test_who_speaks_no_tls_is_quietly_shown_out(
    files: Files, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(front_module, "HEAD_SECONDS", DEADLINE_SECONDS / 2)

    def visit(url: str) -> None:
        answer = said_to(url, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"https://" in answer
        for garbage in (os.urandom(3000), b"\0" * 10, b"SSH-2.0-x\r\n", hello() + b"\r\n" * 99):
            assert b"HTTP" not in said_to(url, garbage)
        with monkeypatch.context() as hurried:
            hurried.setattr(front_module, "HEAD_SECONDS", 0.3)
            for half in (b"", b"\x16", hello()[:100], hello()):  # no more, until it is too late
                assert b"HTTP" not in said_to(url, half)
        said_to(url, hello(), reset=True)
        assert serial_at(url)  # and it still serves

    async with front_door(Tls(str(files.certificate), str(files.key))) as url:
        await trio.to_thread.run_sync(visit, url)
    assert loud(caplog) == []


# --- the server, in this process -----------------------------------------------------------------


async def nothing(
    hub: Hub, settings: CollectSettings, *, task_status: trio.TaskStatus[None]
) -> None:
    """A collector that finds nothing."""
    task_status.started()
    await trio.sleep_forever()


@asynccontextmanager
async def server(folder: Path, files: Files, host: str) -> AsyncIterator[tuple[str, Ready]]:
    """A server over TLS, as `serve` makes it; gives its URL too."""
    settings = ServeSettings(
        server=ServerTable(
            host=host, port=0, tls_certificate=str(files.certificate), tls_key=str(files.key)
        ),
        unix_socket="",
        state_dir=str(folder),
    )
    async with trio.open_nursery() as nursery:
        ready: Ready = await nursery.start(
            partial(
                serve,
                settings,
                CollectSettings(runtime_dir=str(folder)),
                announce=print,
                collector=nothing,
                pages={},
                signals=False,
            )
        )
        yield ready.line.partition("ready: ")[2].partition(" ")[0], ready
        ready.stop()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    return folder


async def test_everybody_may_connect_once_there_are_tls_and_a_token(
    state: Path, files: Files
) -> None:
    with pytest.raises(UsageError, match="token create") as refused, unwrapped():
        async with server(state, files, "0.0.0.0"):
            raise AssertionError
    assert "tls_certificate" not in str(refused.value)
    store = TokenStore(state / "tokens.json")
    secret, _ = store.create("laptop", scopes=("read",), now=time.time())
    async with server(state, files, "0.0.0.0") as (url, ready):
        assert url == f"https://localhost:{ready.port}/"
        async with open_connection(
            url=f"wss://127.0.0.1:{ready.port}/",
            token=secret.reveal(),
            ca_file=str(files.authority),
        ) as connection:
            assert connection.greeting.epoch
            assert isinstance(await connection.request(Snapshot()), SnapshotData)


async def test_reading_the_settings_again_reads_the_certificate(
    state: Path, files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    store = TokenStore(state / "tokens.json")
    secret, _ = store.create("laptop", scopes=("read",), now=time.time())

    def visit(url: str, ready: Ready) -> None:
        with foreign(url, secret.reveal()) as old:
            before = serial_of(old)
            files.certificate.write_text("broken")
            trio.from_thread.run_sync(ready.reload)
            assert serial_at(url) == before
            files.issue()
            trio.from_thread.run_sync(ready.reload)
            assert serial_at(url) != before
            assert ask(old, action="ping")["type"] == "pong"

    async with server(state, files, "127.0.0.1") as (url, ready):
        await trio.to_thread.run_sync(visit, url, ready)
    [trouble] = loud(caplog)
    assert "nothing was changed" in trouble
    assert "certificate.pem is not PEM" in trouble


# --- a whole server ------------------------------------------------------------------------------


@pytest.fixture
def served() -> Iterator[Served]:
    with place() as found:
        found.tmux("new-session", "-d", "-s", "main", "sleep 1000")
        yield found


def serve_securely(served: Served, files: Files, *flags: str) -> str:
    served.serve("--tls-certificate", str(files.certificate), "--tls-key", str(files.key), *flags)
    return served.url


def test_beyond_this_machine_only_with_both(served: Served, files: Files) -> None:
    secure = ("--tls-certificate", str(files.certificate), "--tls-key", str(files.key))
    beyond = ("serve", "--port", "0", "--host", "0.0.0.0", "-S", str(served.folder / "s"))
    for flags, missing in (((), ["tls_certificate", "token create"]), (secure, ["token create"])):
        refused = served.run(*beyond, *flags, check=False)
        assert refused.returncode == 2
        assert len(refused.stderr.splitlines()) == 1
        assert all(remedy in refused.stderr for remedy in missing)
    token = served.token("laptop", "--scope", "read")
    refused = served.run(*beyond, check=False)
    assert refused.returncode == 2
    assert "tls_certificate" in refused.stderr
    url = serve_securely(served, files, "--host", "0.0.0.0")
    with foreign(url, token) as client:
        greeting = json.loads(client.recv(timeout=DEADLINE_SECONDS))
        assert greeting["auth"] == {"required": False}
        assert ask(client, action="snapshot")["type"] == "snapshot.data"
    assert served.stop() == 0


def test_sighup_reads_the_certificate_again(served: Served, files: Files) -> None:
    token = served.token("laptop", "--scope", "read")
    url = serve_securely(served, files)
    with foreign(url, token) as old:
        before = serial_of(old)
        files.certificate.write_text("broken")
        os.kill(served.pid, signal.SIGHUP)
        served.until(lambda: "SIGHUP: nothing was changed" in served.log.read_text())
        assert serial_at(url) == before
        files.issue()
        os.kill(served.pid, signal.SIGHUP)
        served.until(lambda: serial_at(url) != before)
        client = Client(old)
        client.greeting = client.next()
        assert client.ask(action="ping")["type"] == "pong"
    log = served.log.read_text()
    assert "Traceback" not in log
    assert token not in log


def test_the_commands_go_there_with_a_token_from_a_file(served: Served, files: Files) -> None:
    token = served.token("laptop", "--scope", "read")
    url = serve_securely(served, files)
    file = served.folder / "token"
    file.touch(mode=0o600)
    file.write_text(f"{token}\n")
    there = ("ls", "--json", "--url", url)
    trusted = ("--ca-file", str(files.authority))
    listed = served.run(*there, *trusted, "--token-file", str(file))
    assert [one["name"] for one in json.loads(listed.stdout)["sessions"]] == ["main"]
    served.env["TMUXPULSE_TOKEN_FILE"] = str(file)
    assert served.run(*there, *trusted).stdout
    for flags, code, says in (
        (trusted, 4, "--token-file"),
        ((), 4, "--ca-file"),
    ):
        served.env.pop("TMUXPULSE_TOKEN_FILE", None)
        refused = served.run(*there, *flags, check=False)
        assert refused.returncode == code
        assert says in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
    file.chmod(0o644)
    refused = served.run(*there, *trusted, "--token-file", str(file), check=False)
    assert refused.returncode == 2
    assert "chmod 600" in refused.stderr
    assert token not in refused.stderr + served.log.read_text()
