"""Which addresses of servers are taken, and that no refusal repeats one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.client.address import Address, is_loopback, parse_url
from tmuxpulse.errors import UsageError

CANARY = "tp_canary0canary_S3CRETS3CRET"


def plain(name: str, port: int, path: str = "/") -> Address:
    return Address(is_secure=False, name=name, port=port, path=path)


def secure(name: str, port: int, path: str = "/") -> Address:
    return Address(is_secure=True, name=name, port=port, path=path)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ws://127.0.0.1:1/", plain("127.0.0.1", 1)),
        ("http://localhost", plain("localhost", 8765)),
        ("ws://[::1]:99/monitor", plain("::1", 99, "/monitor")),
        ("ws://[::ffff:127.0.0.1]:99", plain("::ffff:127.0.0.1", 99)),
        ("WSS://Pulse.Example:8765/", secure("pulse.example", 8765)),
        ("https://pulse.example", secure("pulse.example", 443)),
        ("wss://10.0.0.1:8765", secure("10.0.0.1", 8765)),
        ("wss://[2001:db8::1]:8765/", secure("2001:db8::1", 8765)),
        ("wss://bücher.example/a/b", secure("xn--bcher-kva.example", 443, "/a/b")),
        ("wss://localhost:8765?#", secure("localhost", 8765)),
    ],
)
def test_addresses(url: str, expected: Address) -> None:
    assert parse_url(url) == expected


@pytest.mark.parametrize(
    ("url", "where", "header"),
    [
        ("http://localhost", "ws://localhost:8765", "localhost:8765"),
        ("ws://[::1]:80/", "ws://[::1]:80", "[::1]:80"),
        ("https://pulse.example/x", "wss://pulse.example:443", "pulse.example"),
        ("https://[2001:db8::1]/", "wss://[2001:db8::1]:443", "[2001:db8::1]"),
        ("https://pulse.example:8765/x", "wss://pulse.example:8765", "pulse.example:8765"),
    ],
)
def test_what_an_address_is_called(url: str, where: str, header: str) -> None:
    address = parse_url(url)
    assert address.where == where
    assert address.host_header == header


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "not the address of a server"),
        (f"127.0.0.1:8765/#token={CANARY}", "not the address of a server"),
        (CANARY, "not the address of a server"),
        (f"ftp://localhost/{CANARY}", "not the address of a server"),
        ("ws://:1/", "not the address of a server"),
        ("ws://localhost:0/", "not the address of a server"),
        (f"ws://[/{CANARY}", "not the address of a server"),
        (f"ws://a:{CANARY}/", "not the address of a server"),
        (f"wss://.example/{CANARY}", "not the address of a server"),
        (f"wss://{'a' * 64}.example/{CANARY}", "not the address of a server"),
        (f"wss://a..example/{CANARY}", "not the address of a server"),
        (f"wss://pulse.example/ {CANARY}", "not the address of a server"),
        (f"wss://pulse.example/ü{CANARY}", "not the address of a server"),
        (f"wss://pulse exam ple/{CANARY}", "not the address of a server"),
        (f"ws://{CANARY}@localhost/", "--token-file"),
        (f"wss://me:{CANARY}@pulse.example/", "--token-file"),
        (f"http://127.0.0.1:8765/#token={CANARY}", "--token-file"),
        (f"wss://pulse.example/?token={CANARY}", "--token-file"),
        (f"ws://example.org/{CANARY}", "use wss://, or forward its port"),
        ("ws://10.0.0.1/", "use wss://, or forward its port"),
        ("http://0.0.0.0/", "use wss://, or forward its port"),
        ("http://localhost.example/", "use wss://, or forward its port"),
        ("http://[::ffff:10.0.0.1]/", "use wss://, or forward its port"),
    ],
)
def test_addresses_that_are_refused(url: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as refusal:
        parse_url(url)
    assert CANARY.lower() not in str(refusal.value).lower()


@given(
    st.text(max_size=60)
    | st.builds("{}://{}".format, st.sampled_from(["ws", "wss", "http"]), st.text(max_size=60))
)
@settings(max_examples=200)
def test_any_text_is_an_address_or_refused(url: str) -> None:
    try:
        address = parse_url(url)
    except UsageError:
        return
    assert address.is_secure or address.name == "localhost" or is_loopback(address.name)
    assert 0 < address.port < 65536
    assert f"{address.where}{address.path}".isascii()
    assert f"{address.where}{address.path}".isprintable()
    assert " " not in f"{address.where}{address.path}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1", True),
        ("127.3.2.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("fe80::1%lo", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_what_is_loopback(text: str, *, expected: bool) -> None:
    assert is_loopback(text) is expected
