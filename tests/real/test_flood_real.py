"""Floods: of idle sockets, of slow requests, of wrong tokens; and honest clients beside them."""

from __future__ import annotations

import resource
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import InvalidStatus

from tests.real.served import Client, Served, place

IDLE = 5_000
WRONG = 10_000


@pytest.fixture
def served() -> Iterator[Served]:
    with place() as one:
        one.tmux("new-session", "-d", "-s", "work", "cat")
        yield one


def types_in_order(served: Served, client: Client, first: int, last: int) -> None:
    """Rename a window again and again; each name arrives, in order."""
    for number in range(first, last):
        served.tmux("rename-window", "-t", "work:0", f"name-{number}")
        event = client.until(lambda one: one["type"] == "window.renamed")
        assert event["data"]["name"] == f"name-{number}"


def test_five_thousand_idle_sockets_and_a_client_that_misses_nothing(served: Served) -> None:
    """Each is let go in time, the honest client gets everything, and a new one comes in."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = IDLE + 500
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.fail(f"this test needs {wanted} descriptors, and the system gives {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    token = served.token("reader")
    served.serve()
    address = (urlsplit(served.url).hostname, urlsplit(served.url).port)
    try:
        with ExitStack() as stack, served.client(token) as client:
            client.ask(action="subscribe", snapshot=True)
            for number in range(IDLE):
                one = stack.enter_context(socket.socket())
                one.settimeout(30)
                with suppress(ConnectionError):
                    one.connect(address)
                    if number % 2:  # half of them begin a request and never end it
                        one.send(b"GET / HTTP/1.1\r\nHost: ")
                if number % 500 == 0:
                    types_in_order(served, client, number, number + 3)
            with served.client(token) as other:
                assert other.ask(action="ping")["type"] == "pong"
            types_in_order(served, client, IDLE, IDLE + 10)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert served.stop() == 0
    assert "Traceback" not in served.log.read_text()


@pytest.mark.parametrize("attack", ["-H", "-B", "-X"], ids=["headers", "bodies", "slow read"])
def test_slowhttptest(served: Served, attack: str) -> None:
    """The well-known tool finds the page answering while it tries, and a client misses nothing."""
    program = shutil.which("slowhttptest")
    assert program is not None, "tools/system-packages slowhttptest installs it"
    token = served.token("reader")
    served.serve()
    page = served.url.replace("ws", "http", 1)
    with served.client(token) as client:
        client.ask(action="subscribe", snapshot=True)
        with subprocess.Popen(
            [
                program,
                attack,
                "-c",
                "1000",
                "-r",
                "500",
                "-l",
                "8",
                "-i",
                "2",
                "-p",
                "5",
                "-u",
                page,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as tool:
            number = 0
            while tool.poll() is None:
                types_in_order(served, client, number, number + 1)
                number += 1
            assert tool.stdout is not None
            said = tool.stdout.read()
        assert number > 5
        assert "Exit status" in said, said
        with served.client(token) as other:
            assert other.ask(action="ping")["type"] == "pong"
    assert served.stop() == 0
    assert "Traceback" not in served.log.read_text()


def test_ten_thousand_wrong_tokens_and_a_right_one_gets_in(served: Served) -> None:
    token = served.token("reader")
    served.serve("--config", str(_quick_failures(served)))
    wrong = token[:-6] + "zzzzzz"
    parts = urlsplit(served.url)
    head = (
        f"GET / HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        f"Authorization: Bearer {wrong}\r\n\r\n"
    ).encode()
    refused = 0
    with served.client(token) as client:
        client.ask(action="subscribe", snapshot=True)
        for at in range(0, WRONG, 250):
            with ExitStack() as stack:
                sockets = []
                for _ in range(250):
                    one = stack.enter_context(socket.socket())
                    one.settimeout(30)
                    one.connect((parts.hostname, parts.port))
                    one.sendall(head)
                    sockets.append(one)
                if at % 2500 == 0:  # while those wait for their slow answers
                    with served.client(token) as other:
                        assert other.ask(action="ping")["type"] == "pong"
                    with pytest.raises(InvalidStatus, match="401"), served.client(wrong):
                        pass
                refused += sum(one.recv(64).startswith(b"HTTP/1.1 401") for one in sockets)
        types_in_order(served, client, 0, 3)
    assert refused == WRONG
    entries = served.run("audit", "show", "--json").stdout.count("login.failed")
    assert 0 < entries < 100  # many of one kind are one entry
    assert served.run("audit", "verify").returncode == 0


def _quick_failures(served: Served):
    """More sockets at once than by default, so that the test is not about that bound."""
    path = served.folder / "config.toml"
    path.write_text("[limits]\nhandshakes = 1000\n")
    path.chmod(0o600)
    return path
