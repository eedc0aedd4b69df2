"""A WebSocket's bytes: any cutting of them gives the same messages; garbage ends it, no more."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Pong,
    RejectConnection,
    Request,
    TextMessage,
)

from tmuxpulse.client import websocket
from tmuxpulse.client.websocket import WebSocket
from tmuxpulse.errors import ServerRefused, ServerUnavailable

TEXTS = st.one_of(
    st.text(max_size=20),
    st.integers(100, 140).map(lambda size: "x" * size),
    st.sampled_from([65_535, 65_536, 70_000]).map(lambda size: "y" * size),
)


class Peer:
    """The other side, by wsproto alone."""

    def __init__(self, client: WebSocket) -> None:
        self._socket = WSConnection(ConnectionType.SERVER)
        self.request: Request | None = None
        self.heard: list[object] = []
        self.hear(client.outgoing())

    def hear(self, data: bytes) -> None:
        self._socket.receive_data(data)
        for event in self._socket.events():
            if isinstance(event, Request):
                self.request = event
            else:
                self.heard.append(event)

    def say(self, *events: object) -> bytes:
        return b"".join(self._socket.send(event) for event in events)  # type: ignore[arg-type]  # any of its events


def made() -> tuple[WebSocket, Peer]:
    client = WebSocket("the server", host="localhost", headers=[(b"Authorization", b"Bearer t")])
    return client, Peer(client)


def test_the_request() -> None:
    _, peer = made()
    assert peer.request is not None
    assert (peer.request.host, peer.request.target) == ("localhost", "/")
    assert peer.request.subprotocols == ["tmuxpulse.v1.ndjson"]
    assert (b"authorization", b"Bearer t") in list(peer.request.extra_headers)


@settings(max_examples=150)
@given(st.lists(TEXTS, max_size=5), st.lists(st.integers(1, 200), min_size=1), st.booleans())
def test_any_cutting_gives_the_same(texts: list[str], sizes: list[int], in_parts: bool) -> None:
    client, peer = made()
    data = peer.say(AcceptConnection())
    for text in texts:
        if in_parts:
            data += peer.say(TextMessage(text[:3], message_finished=False), Ping(b"p"))
            data += peer.say(TextMessage(text[3:]))
        else:
            data += peer.say(TextMessage(text))
    data += peer.say(CloseConnection(4001, "slow"))
    found: list[bytes] = []
    at, turn = 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        size = size if len(data) < 5000 else size * 400
        found += client.receive(data[at : at + size])
        at, turn = at + size, turn + 1
    assert [one.decode() for one in found] == texts
    assert isinstance(client.ended, ServerUnavailable)
    assert "slow" in str(client.ended)
    peer.hear(client.outgoing())
    assert [type(one) for one in peer.heard] == [Pong] * (in_parts * len(texts)) + [CloseConnection]


@settings(max_examples=200)
@given(st.binary(max_size=60), st.booleans())
def test_garbage_ends_it(garbage: bytes, is_open: bool) -> None:
    client, peer = made()
    if is_open:
        client.receive(peer.say(AcceptConnection()))
    client.receive(garbage)
    client.receive(b"")
    assert client.ended is not None
    assert not client.is_open
    assert client.receive(b"more") == []


def test_out_and_the_end() -> None:
    client, peer = made()
    client.send("too early")
    client.receive(peer.say(AcceptConnection()))
    client.send("hello")
    client.close()
    client.send("too late")
    peer.hear(client.outgoing())
    text, close = peer.heard
    assert isinstance(text, TextMessage)
    assert text.data == "hello"
    assert isinstance(close, CloseConnection)
    assert client.receive(peer.say(close.response())) == []
    assert client.ended is not None


@pytest.mark.parametrize(
    ("status", "error"), [(401, ServerRefused), (403, ServerRefused), (503, ServerUnavailable)]
)
def test_a_refusal(status: int, error: type[Exception]) -> None:
    client, peer = made()
    client.receive(peer.say(RejectConnection(status_code=status)))
    assert isinstance(client.ended, error)


def test_bytes_are_not_of_the_protocol() -> None:
    client, peer = made()
    client.receive(peer.say(AcceptConnection(), BytesMessage(b"x")))
    assert "does not speak" in str(client.ended)


def test_what_is_too_large_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "MAX_MESSAGE_BYTES", 1000)
    for event in (TextMessage("x" * 1001), TextMessage("x" * 900, message_finished=False)):
        client, peer = made()
        client.receive(peer.say(AcceptConnection()))
        client.receive(peer.say(event)[:950])
        if client.ended is None:
            client.receive(peer.say(TextMessage("x" * 900))[0:950])
        assert "does not speak" in str(client.ended)
    client, _ = made()
    client.receive(b"HTTP/1.1 200 OK\r\n" + b"x" * websocket.MAX_HEAD_BYTES)
    assert client.ended is not None
