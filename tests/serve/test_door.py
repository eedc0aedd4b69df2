"""The matrix of who may pass the front door."""

from __future__ import annotations

from http import HTTPStatus

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.serve.door import (
    SECURITY_HEADERS,
    Answer,
    Door,
    Inquiry,
    Upgrade,
    Verdict,
    hosts_of,
    refuse,
    render,
)
from tmuxpulse.serve.pages import Page

PAGES = {
    "/": Page(b"<p>hello", "text/html; charset=utf-8"),
    "/app.js": Page(b"1", "text/javascript"),
}
TCP = Door(hosts=hosts_of(8765, "127.0.0.1"), pages=PAGES)
UNIX = Door(hosts=None, pages=PAGES)
HOST = ("Host", "127.0.0.1:8765")
HANDSHAKE = (
    ("Upgrade", "websocket"),
    ("Connection", "keep-alive, Upgrade"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", "13"),
)


def request(
    *headers: tuple[str, str | bytes],
    method: str = "GET",
    target: str = "/",
    version: str = "1.1",
) -> h11.Request:
    raw = [
        (name.encode(), value.encode() if isinstance(value, str) else value)
        for name, value in headers
    ]
    return h11.Request(method=method, headers=raw, target=target, http_version=version)


def status(verdict: Verdict) -> int:
    """Of the answer; that of a question about the server is to be found, so it counts as 200."""
    match verdict:
        case Answer():
            return verdict.status.value
        case Inquiry():
            return 200
    return 101


HOSTS = [
    ("127.0.0.1:8765", 200),
    ("localhost:8765", 200),
    ("LOCALHOST:8765", 200),
    ("[::1]:8765", 200),
    ("127.0.0.1", 421),
    ("127.0.0.1:80", 421),
    ("127.0.0.1:8765.", 421),
    ("localhost:8765.evil.example", 421),
    ("evil.example:8765", 421),
    ("evil.example", 421),
    ("0.0.0.0:8765", 421),
    ("", 421),
    ("xn--:8765", 421),
]


@pytest.mark.parametrize(("host", "expected"), HOSTS)
def test_the_host_is_on_the_list_or_misdirected(host: str, expected: int) -> None:
    assert status(TCP.judge(request(("Host", host)))) == expected
    upgrade = 101 if expected == 200 else expected
    assert status(TCP.judge(request(("Host", host), *HANDSHAKE))) == upgrade
    assert status(TCP.judge(request(("Host", host), target="/healthz"))) == expected


ORIGINS = [
    ("http://127.0.0.1:8765", 101),
    ("http://localhost:8765", 403),  # another name than the one it connects to
    ("https://127.0.0.1:8765", 403),
    ("http://127.0.0.1:8766", 403),
    ("http://127.0.0.1", 403),
    ("http://127.0.0.1:8765/", 403),
    ("http://127.0.0.1:8765.evil.example", 403),
    ("http://evil.example", 403),
    ("HTTP://127.0.0.1:8765", 403),
    ("null", 403),
    ("", 403),
    ("file://", 403),
]


@pytest.mark.parametrize(("origin", "expected"), ORIGINS)
def test_an_origin_is_our_own_or_forbidden(origin: str, expected: int) -> None:
    assert status(TCP.judge(request(HOST, ("Origin", origin), *HANDSHAKE))) == expected
    plain = 200 if expected == 101 else expected
    assert status(TCP.judge(request(HOST, ("Origin", origin)))) == plain


def test_without_an_origin_it_is_a_program_and_may_pass() -> None:
    assert TCP.judge(request(HOST, *HANDSHAKE)) == Upgrade(ndjson=False)
    assert TCP.judge(request(HOST, *HANDSHAKE, target="/monitor")) == Upgrade(ndjson=False)


@pytest.mark.parametrize(
    ("site", "expected"),
    [("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403), ("x", 403)],
)
def test_what_another_site_began_is_refused(site: str, expected: int) -> None:
    assert status(TCP.judge(request(HOST, ("Sec-Fetch-Site", site)))) == expected


@pytest.mark.parametrize(
    ("mode", "dest", "expected"),
    [
        ("navigate", "document", 200),
        ("navigate", "iframe", 403),
        ("no-cors", "script", 403),
        ("cors", "empty", 403),
        ("websocket", "websocket", 403),
    ],
)
def test_a_link_to_the_page_may_be_followed_from_anywhere(
    mode: str, dest: str, expected: int
) -> None:
    """It opens a page of ours that holds no secret, in a window of its own."""
    fetch = (
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Mode", mode),
        ("Sec-Fetch-Dest", dest),
    )
    assert status(TCP.judge(request(HOST, *fetch))) == expected
    assert status(TCP.judge(request(("Host", "evil.example"), *fetch))) == 421


def test_further_names_and_origins_are_exact() -> None:
    hosts = hosts_of(8765, "0.0.0.0", "pulse.example", "proxy.example:8443", scheme="https")
    door = Door(
        hosts=hosts,
        pages=PAGES,
        scheme="https",
        origins=frozenset({"https://portal.example"}),
    )
    for host, expected in (
        ("pulse.example:8765", 200),
        ("pulse.example", 200),
        ("proxy.example:8443", 200),
        ("proxy.example", 421),
        ("127.0.0.1:8765", 200),
        ("127.0.0.1", 421),
        ("0.0.0.0:8765", 421),
        ("x.pulse.example", 421),
    ):
        assert status(door.judge(request(("Host", host)))) == expected
    for origin, expected in (
        ("https://pulse.example", 101),
        ("http://pulse.example", 403),
        ("https://portal.example", 101),
        ("https://portal.example:1", 403),
    ):
        made = request(("Host", "pulse.example"), ("Origin", origin), *HANDSHAKE)
        assert status(door.judge(made)) == expected


def test_a_token_is_taken_from_the_head_and_shown_nowhere() -> None:
    for header, expected in (
        ("Bearer tp_canary", "tp_canary"),
        ("bearer tp_canary", "tp_canary"),
        ("Basic tp_canary", ""),
        ("tp_canary", ""),
        ("", ""),
    ):
        verdict = TCP.judge(request(HOST, ("Authorization", header), *HANDSHAKE))
        assert isinstance(verdict, Upgrade)
        assert verdict.token == expected
        assert "canary" not in repr(verdict)
    twice = (("Authorization", "Bearer a"), ("Authorization", "Bearer b"))
    assert status(TCP.judge(request(HOST, *twice, *HANDSHAKE))) == 400


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (request(HOST, target="/app.js"), 200),
        (request(HOST, method="HEAD"), 200),
        (request(HOST, target="/?x=1"), 200),
        (request(HOST, target="/healthz"), 200),
        (request(HOST, target="/monitor"), 426),
        (request(HOST, target="/nothing"), 404),
        (request(HOST, target="/../etc/passwd"), 404),
        (request(HOST, target="//"), 404),
        (request(HOST, target="http://127.0.0.1:8765/"), 400),
        (request(HOST, target="*", method="OPTIONS"), 400),
        (request(HOST, method="POST"), 405),
        (request(HOST, method="OPTIONS"), 405),
        (request(HOST, ("Content-Length", "3")), 400),
        (request(HOST, ("Transfer-Encoding", "chunked")), 400),
        (request(version="1.0"), 421),  # no Host at all
        (request(HOST, version="1.0"), 200),
        (request(HOST, ("Origin", "null"), ("Origin", "http://127.0.0.1:8765")), 400),
        (request(HOST, ("X", b"caf\xc3\xa9")), 400),
    ],
)
def test_plain_requests(made: h11.Request, expected: int) -> None:
    assert status(TCP.judge(made)) == expected


def without(name: str) -> tuple[tuple[str, str], ...]:
    return tuple(header for header in HANDSHAKE if header[0] != name)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (request(HOST, *without("Upgrade")), 400),
        (request(HOST, *without("Connection")), 400),
        (request(HOST, *without("Sec-WebSocket-Key")), 400),
        (request(HOST, *without("Sec-WebSocket-Version")), 426),
        (request(HOST, *without("Sec-WebSocket-Version"), ("Sec-WebSocket-Version", "8")), 426),
        (request(HOST, *without("Sec-WebSocket-Key"), ("Sec-WebSocket-Key", "short")), 400),
        (request(HOST, *HANDSHAKE, ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")), 400),
        (request(HOST, *HANDSHAKE, ("Upgrade", "h2c")), 400),
        (request(HOST, *HANDSHAKE, method="HEAD"), 400),
        (request(HOST, *HANDSHAKE, method="POST"), 405),
        (request(HOST, *HANDSHAKE, version="1.0"), 400),
        (request(HOST, *HANDSHAKE, target="/app.js"), 404),
        (request(HOST, *HANDSHAKE, target="/healthz"), 404),
        (request(HOST, *HANDSHAKE, ("Sec-WebSocket-Protocol", b"\xe9")), 400),
        (request(HOST, *without("Connection"), ("Connection", b"Upgrade, \xe9")), 400),
        (request(("Host", b"127.0.0.1:8765\xff"), *HANDSHAKE), 400),
    ],
)
def test_handshakes_that_the_library_would_choke_on_never_reach_it(
    made: h11.Request, expected: int
) -> None:
    assert status(TCP.judge(made)) == expected


@pytest.mark.parametrize(
    ("offered", "joined"),
    [
        (["tmuxpulse.v1.ndjson"], True),
        (["other, tmuxpulse.v1.ndjson"], True),
        (["other", "tmuxpulse.v1.ndjson"], True),
        (["tmuxpulse.v1.ndjson2"], False),
        ([], False),
    ],
)
def test_the_subprotocol_joins_messages(offered: list[str], joined: bool) -> None:
    protocols = [("Sec-WebSocket-Protocol", one) for one in offered]
    assert TCP.judge(request(HOST, *HANDSHAKE, *protocols)) == Upgrade(ndjson=joined)


def test_over_a_unix_socket_any_host_but_no_browser() -> None:
    assert status(UNIX.judge(request(("Host", "localhost"), *HANDSHAKE))) == 101
    assert status(UNIX.judge(request(("Host", "x"), ("Origin", "http://x")))) == 403


def test_port_80_needs_no_port_in_the_name() -> None:
    assert {"localhost", "localhost:80", "127.0.0.2"} <= hosts_of(80, "127.0.0.2")
    assert "localhost" not in hosts_of(8080)
    assert "[::1]:8080" in hosts_of(8080, "::1")


def test_an_installation_without_the_page_says_so() -> None:
    bare = Door(hosts=None, pages={})
    verdict = bare.judge(request(("Host", "x")))
    assert isinstance(verdict, Answer)
    assert verdict.status == HTTPStatus.NOT_FOUND
    assert b"without its page" in verdict.body


@pytest.mark.parametrize(
    "answer",
    [
        TCP.judge(request(HOST)),
        refuse(HTTPStatus.FORBIDDEN, "no"),
        TCP.judge(request(("Host", "x"))),
    ],
)
def test_every_answer_carries_the_security_headers(answer: Answer | Upgrade) -> None:
    assert isinstance(answer, Answer)
    client = h11.Connection(h11.CLIENT)
    client.send(request(HOST))
    client.send(h11.EndOfMessage())
    client.receive_data(render(answer))
    response, body = client.next_event(), client.next_event()
    assert isinstance(response, h11.Response)
    assert isinstance(body, h11.Data)
    headers = {name.decode(): value.decode() for name, value in response.headers}
    for name, value in SECURITY_HEADERS:
        assert headers[name.lower()] == value
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["connection"] == ("keep-alive" if answer.status == HTTPStatus.OK else "close")
    assert body.data == answer.body
    assert render(answer, head_only=True) == render(answer)[: -len(answer.body)]


def test_a_connection_stays_only_after_a_file_and_for_who_wants_that() -> None:
    def stays(*headers: tuple[str, str], target: str = "/", version: str = "1.1") -> bool:
        found = TCP.judge(request(HOST, *headers, target=target, version=version))
        assert isinstance(found, Answer)
        return found.stays

    assert stays()
    assert not stays(("Connection", "Close"))
    assert not stays(version="1.0")
    assert not stays(target="/nowhere")
    assert not stays(("Content-Length", "5"))
    assert not stays(("Origin", "http://evil.example"))


names = st.sampled_from(
    ["host", "origin", "upgrade", "connection", "sec-websocket-key", "sec-fetch-site", "x"]
)
values = st.one_of(
    st.sampled_from([value.encode() for _, value in (HOST, *HANDSHAKE)]),
    st.binary(max_size=8).map(lambda raw: bytes(byte for byte in raw if byte > 0x20)),
)


@settings(max_examples=200)
@given(st.lists(st.tuples(names, values), max_size=10))
def test_any_head_gets_an_answer(headers: list[tuple[str, bytes]]) -> None:
    hosts = [header for header in headers if header[0] == "host"]
    others = [header for header in headers if header[0] != "host"]
    made = request(*hosts[:1], *others, version="1.0")  # h11 itself refuses a second Host
    assert status(TCP.judge(made)) in {200, 400, 403, 421, 426}
