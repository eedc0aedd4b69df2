"""The brief client: against a WebSocket server of another make, and against bytes that are none."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.server import ServerConnection, unix_serve
from websockets.typing import Subprotocol

from tmuxpulse.client.brief import SUBPROTOCOL, ask
from tmuxpulse.errors import RequestError, ServerRefused, ServerUnavailable
from tmuxpulse.wire import SUBPROTOCOL as OF_WIRE

SECONDS = 60.0  # more than any machine needs


@contextmanager
def serving(path: Path, handler: Callable[[ServerConnection], None]) -> Iterator[str]:
    with unix_serve(handler, str(path), subprotocols=[Subprotocol(SUBPROTOCOL)]) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield str(path)
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def saying(path: Path, data: bytes) -> Iterator[str]:
    """Somebody who says this, whatever is asked, and hangs up."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def run() -> None:
        stream, _ = listener.accept()
        with stream:
            stream.recv(65_536)
            stream.sendall(data)
            stream.shutdown(socket.SHUT_WR)
            while stream.recv(65_536):
                pass

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield str(path)
    finally:
        thread.join()
        listener.close()


def test_the_name_of_the_protocol_is_that_of_the_wire() -> None:
    assert SUBPROTOCOL == OF_WIRE


@pytest.mark.parametrize("size", [0, 100, 60_000, 70_000])
def test_a_request_of_any_length_and_its_answer(tmp_path: Path, size: int) -> None:
    heard: list[dict[str, Any]] = []

    def handler(connection: ServerConnection) -> None:
        assert connection.subprotocol == SUBPROTOCOL
        connection.send('{"type": "connection.established"}\n{"type": "x", "id": 2}')
        connection.ping()
        heard.append(json.loads(connection.recv()))
        # In several frames, and not alone.
        connection.send(['null\n{"type":"emit.acc', 'epted","id":1,"pad":"', "x" * size, '"}'])
        connection.recv()

    with serving(tmp_path / "s", handler) as path:
        answer = ask(path, {"action": "emit", "pad": "ä" * size}, seconds=SECONDS)
    assert answer == {"type": "emit.accepted", "id": 1, "pad": "x" * size}
    assert heard == [{"action": "emit", "pad": "ä" * size, "id": 1}]


def test_a_refusal(tmp_path: Path) -> None:
    def handler(connection: ServerConnection) -> None:
        connection.recv()
        connection.send(
            '{"type":"error","id":1,"code":"NOT_FOUND","message":"no","retryable":true}'
        )

    with serving(tmp_path / "s", handler) as path, pytest.raises(RequestError) as refused:
        ask(path, {}, seconds=SECONDS)
    assert (refused.value.code, str(refused.value), refused.value.retryable) == (
        "NOT_FOUND", "no", True,
    )  # fmt: skip


HEAD = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 101",
        b"x" * 20_000,
        HEAD,
        HEAD + b"\x88\x02\x03\xe8",
        HEAD + b"\x81\x03nul",
        HEAD + b"\x81\x04nope",
        HEAD + b"\x81\xff",
        HEAD + b"\x81\x7f" + b"\xff" * 8,
    ],
)
def test_who_speaks_another_language(tmp_path: Path, data: bytes) -> None:
    with saying(tmp_path / "s", data) as path, pytest.raises(ServerUnavailable):
        ask(path, {}, seconds=SECONDS)


@pytest.mark.parametrize("head", [b"HTTP/1.1 503 Busy\r\n\r\n", b"nonsense\r\n\r\n"])
def test_who_refuses_the_connection(tmp_path: Path, head: bytes) -> None:
    with saying(tmp_path / "s", head) as path, pytest.raises(ServerRefused):
        ask(path, {}, seconds=SECONDS)


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(ServerUnavailable, match="start one with: tmuxpulse serve"):
        ask(str(tmp_path / "s"), {}, seconds=SECONDS)


def test_who_never_answers_is_not_waited_for(tmp_path: Path) -> None:
    release = threading.Event()

    def handler(connection: ServerConnection) -> None:
        connection.recv()
        release.wait(SECONDS)

    with serving(tmp_path / "s", handler) as path:
        begun = time.monotonic()
        with pytest.raises(ServerUnavailable, match=r"no answer in 0\.1 s"):
            ask(path, {}, seconds=0.1)
        assert time.monotonic() - begun >= 0.1
        release.set()
