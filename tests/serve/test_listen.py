"""Where a server may listen, and who owns a Unix socket."""

from __future__ import annotations

import os
import socket
import stat
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.errors import AddressInUse, UsageError
from tmuxpulse.serve.binding import Binding, binding_of
from tmuxpulse.serve.credentials import peer_uid, uid_in_ucred, uid_in_xucred
from tmuxpulse.serve.listen import Tcp, open_tcp, open_unix, same_user
from tmuxpulse.serve.tls import Tls


@pytest.fixture
def certificate(tmp_path: Path) -> Tls:
    file = tmp_path / "both.pem"
    file.touch(mode=0o600)
    trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(file))
    return Tls(str(file))


def left_in(directory: Path) -> list[str]:
    return sorted(file.name for file in directory.iterdir())


LAN = "192.0.2.7"
# Host: what a resolver says, whether it is loopback, and what a browser is told.
HOSTS = {
    "127.0.0.1": (["127.0.0.1"], True, "127.0.0.1"),
    "127.0.0.2": (["127.0.0.2"], True, "127.0.0.2"),
    "127.1": (["127.0.0.1"], True, "127.1"),
    "::1": (["::1"], True, "::1"),
    "localhost": (["127.0.0.1", "::1"], True, "localhost"),
    "::ffff:127.0.0.1": (["127.0.0.1"], True, "127.0.0.1"),
    "myself.example": (["127.0.0.1", "::1"], True, "myself.example"),
    "0.0.0.0": (["0.0.0.0"], False, "localhost"),
    "0": (["0.0.0.0"], False, "localhost"),
    "::": (["::"], False, "localhost"),
    "::ffff:0.0.0.0": (["0.0.0.0"], False, "localhost"),
    LAN: ([LAN], False, LAN),
    f"::ffff:{LAN}": ([LAN], False, LAN),
    "2001:db8::7": (["2001:db8::7"], False, "2001:db8::7"),
    "pulse.example": ([LAN, "2001:db8::7"], False, "pulse.example"),
    "both.example": (["127.0.0.1", LAN], False, "both.example"),
    "localhost.evil.example": ([LAN], False, "localhost.evil.example"),
}
# TLS, a token: what a refusal names.
MISSING = {
    (False, False): ["tls_certificate", "--tls-key", "tmuxpulse token create"],
    (True, False): ["tmuxpulse token create"],
    (False, True): ["tls_certificate", "--tls-key"],
    (True, True): [],
}


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that knows the names above; addresses it reads as ever."""
    real = socket.getaddrinfo

    def resolve(host: str, *arguments: Any, **options: Any) -> Sequence[tuple[Any, ...]]:
        if not host.endswith(".example"):
            return real(host, *arguments, **options)
        if host not in HOSTS:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))
            for address in HOSTS[host][0]
            for _ in range(2)  # as resolvers do
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(("tls", "token"), MISSING)
def test_the_bind_matrix(names: None, host: str, *, tls: bool, token: bool) -> None:
    addresses, loopback, name = HOSTS[host]
    missing = [] if loopback else MISSING[tls, token]
    if not missing:
        binding = binding_of(host, tls=tls, has_token=token)
        assert binding == Binding(name=name, addresses=tuple(addresses), is_loopback=loopback)
        return
    with pytest.raises(UsageError, match="refusing") as refusal:
        binding_of(host, tls=tls, has_token=token)
    text = str(refusal.value)
    assert "\n" not in text
    for remedy in MISSING[False, False]:
        assert (remedy in text) == (remedy in missing)


@pytest.mark.parametrize(
    "host", ["", "nobody.example", "a b", "256.1.1.1", "[::1]", "::1::", "http://localhost", "a\0b"]
)
@pytest.mark.parametrize("permitted", [False, True])
def test_garbage_is_no_host(names: None, host: str, *, permitted: bool) -> None:
    with pytest.raises(UsageError, match=r"cannot listen on .*--host"):
        binding_of(host, tls=permitted, has_token=permitted)


async def test_beyond_loopback_nothing_is_opened(certificate: Tls) -> None:
    for tls, token in ((None, True), (certificate, False)):
        with (
            pytest.raises(UsageError, match="refusing"),
            open_tcp("0.0.0.0", 0, tls=tls, has_token=token),
        ):
            raise AssertionError


async def test_with_tls_and_a_token_everything_may_be_listened_on(certificate: Tls) -> None:
    with open_tcp("0.0.0.0", 0, tls=certificate, has_token=True) as tcp:
        assert tcp.url == f"https://localhost:{tcp.port}/"
        assert not tcp.is_loopback
        [listener] = tcp.listeners
        assert listener.socket.getsockname()[0] == "0.0.0.0"


async def test_loopback_needs_nothing_and_may_have_tls(certificate: Tls) -> None:
    assert Tcp([], 8765, "::1").url == "http://[::1]:8765/"
    with open_tcp("127.0.0.1", 0) as tcp:
        assert tcp.is_loopback
        assert tcp.url == f"http://127.0.0.1:{tcp.port}/"
    with open_tcp("::ffff:127.0.0.1", 0, tls=certificate) as tcp:
        assert tcp.is_loopback
        assert tcp.url == f"https://127.0.0.1:{tcp.port}/"
        assert [one.socket.family for one in tcp.listeners] == [socket.AF_INET]


async def test_of_several_addresses_those_of_this_machine_are_listened_on(
    names: None, certificate: Tls
) -> None:
    with open_tcp("both.example", 0, tls=certificate, has_token=True) as tcp:
        [listener] = tcp.listeners
        assert listener.socket.getsockname()[0] == "127.0.0.1"
        assert not tcp.is_loopback


async def test_an_address_of_another_machine(certificate: Tls) -> None:
    with (
        pytest.raises(AddressInUse, match=f"{LAN}: this machine has no such .*--host"),
        open_tcp(LAN, 0, tls=certificate, has_token=True),
    ):
        raise AssertionError


async def test_a_taken_port_is_told_with_what_to_do() -> None:
    with open_tcp("127.0.0.1", 0) as first:
        assert first.url == f"http://127.0.0.1:{first.port}/"
        with (
            pytest.raises(AddressInUse, match=rf"port {first.port} .*--port"),
            open_tcp("127.0.0.1", first.port),
        ):
            pass
    with open_tcp("127.0.0.1", first.port) as second:
        assert second.port == first.port


async def test_localhost_is_one_port_on_both_families() -> None:
    with open_tcp("localhost", 0) as tcp:
        ports = {listener.socket.getsockname()[1] for listener in tcp.listeners}
        assert ports == {tcp.port}
        assert tcp.url == f"http://localhost:{tcp.port}/"


async def test_a_unix_socket_is_private_and_goes_with_its_server(tmp_path: Path) -> None:
    path = tmp_path / "t.sock"
    with open_unix(str(path)) as listener:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        client = await trio.open_unix_socket(path)
        accepted = await listener.accept()
        assert same_user(accepted)
        await client.aclose()
        await accepted.aclose()
    assert left_in(tmp_path) == []


async def test_another_user_is_not_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.sock"
    with open_unix(str(path)) as listener:
        client = await trio.open_unix_socket(path)
        accepted = await listener.accept()
        assert peer_uid(accepted) == os.getuid()
        assert peer_uid(accepted, platform="a system that we do not know") is None
        monkeypatch.setattr(os, "getuid", lambda: 54321)
        assert not same_user(accepted)
        monkeypatch.undo()
        await accepted.aclose()
        assert not same_user(accepted)  # nobody is there any more
        await client.aclose()


def test_credentials_as_each_kernel_writes_them() -> None:
    assert uid_in_ucred(struct.pack("=iII", 77, 1000, 100)) == 1000
    assert uid_in_ucred(struct.pack("=iII", 77, 2**32 - 2, 100)) == 2**32 - 2  # nobody
    groups = [20] * 16
    macos = struct.pack("=IIhxx16I", 0, 501, 3, *groups)
    assert len(macos) == 76
    assert uid_in_xucred(macos) == 501
    assert uid_in_xucred(macos + bytes(4) + struct.pack("=q", 4711)) == 501  # FreeBSD: and a pid


@pytest.mark.parametrize(
    "credentials",
    [
        b"",
        bytes(9),
        struct.pack("=IIh", 1, 501, 3),  # another version
        struct.pack("=IIh", 0, 501, 0),  # no group
        struct.pack("=IIh", 0, 501, 17),
        struct.pack("=IIh", 0, 501, -1),
    ],
)
def test_credentials_that_are_none(credentials: bytes) -> None:
    assert uid_in_xucred(credentials) is None
    assert uid_in_ucred(credentials) is None


@given(st.binary(max_size=100))
@settings(max_examples=200)
def test_any_bytes_are_credentials_or_none(credentials: bytes) -> None:
    for read in (uid_in_ucred, uid_in_xucred):
        found = read(credentials)
        assert found is None or 0 <= found < 2**32


async def test_two_servers_cannot_have_one_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "t.sock")
    with (
        open_unix(path),
        pytest.raises(AddressInUse, match=r"another tmuxpulse serves .*t\.sock already"),
        open_unix(path),
    ):
        pass
    with open_unix(path):
        pass


async def test_the_socket_of_a_dead_server_is_replaced_and_of_a_live_stranger_not(
    tmp_path: Path,
) -> None:
    path = tmp_path / "t.sock"
    stranger = socket.socket(socket.AF_UNIX)
    stranger.bind(str(path))
    stranger.listen()
    with pytest.raises(AddressInUse), open_unix(str(path)):
        pass
    stranger.close()
    assert path.exists()
    with open_unix(str(path)):
        pass
    assert not path.exists()


async def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "t.sock"
    path.write_text("precious")
    with pytest.raises(UsageError, match="no socket"), open_unix(str(path)):
        pass
    assert path.read_text() == "precious"


async def test_a_socket_that_is_not_ours_any_more_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "t.sock"
    with open_unix(str(path)):
        path.unlink()
        path.write_text("somebody else's")
    assert path.read_text() == "somebody else's"


async def test_a_lock_that_was_left_behind_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "t.sock.lock").touch()
    with open_unix(str(tmp_path / "t.sock")):
        pass
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("name", ["missing/t.sock", "x" * 120])
async def test_a_path_that_cannot_be_a_socket_is_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="TMUXPULSE_RUNTIME_DIR"), open_unix(str(tmp_path / name)):
        pass
    assert left_in(tmp_path) == []
