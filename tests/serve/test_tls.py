"""TLS at the listeners: what is refused, what is reloaded, and who is quietly shown out."""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trustme
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import memory_stream_pair

from tmuxpulse.errors import UsageError
from tmuxpulse.serve.tls import Tls, accept_tls

AUTHORITY = trustme.CA()
NAME = "pulse.example"


class Files:
    """A certificate and its key, as files."""

    def __init__(self, folder: Path) -> None:
        self.certificate = folder / "certificate.pem"
        self.key = folder / "key.pem"
        self.key.touch(mode=0o600)
        self.issue()

    def issue(self) -> None:
        """Make new ones, in place of those."""
        made = AUTHORITY.issue_cert(NAME)
        self.certificate.write_bytes(b"".join(one.bytes() for one in made.cert_chain_pems))
        self.key.write_bytes(made.private_key_pem.bytes())

    def tls(self) -> Tls:
        return Tls(str(self.certificate), str(self.key))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


@asynccontextmanager
async def accepted(
    tls: Tls, client: ssl.SSLContext
) -> AsyncIterator[tuple[trio.SSLStream[trio.abc.Stream], trio.abc.Stream]]:
    """Both ends of a connection that has shaken hands; the client's first."""
    ours, theirs = memory_stream_pair()
    secured = trio.SSLStream[trio.abc.Stream](
        theirs, client, server_hostname=NAME, https_compatible=True
    )
    found: list[trio.abc.Stream] = []

    async def accept() -> None:
        found.append(await accept_tls(tls, ours))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept)
        await secured.do_handshake()
        await secured.send_all(b"x")  # in TLS 1.3 the client is ready before the server
    async with secured, found[0]:
        assert await found[0].receive_some(1) == b"x"
        yield secured, found[0]


async def turned_away(tls: Tls, say: Callable[[trio.abc.Stream], Awaitable[None]]) -> bytes:
    """What a client hears that says something else; the server's end is seen to be closed."""
    ours, theirs = memory_stream_pair()
    heard = b""

    async def peer() -> None:
        nonlocal heard
        await say(theirs)
        while data := await theirs.receive_some():
            heard += data

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(peer)
            stream = await accept_tls(tls, ours)
            with pytest.raises(trio.ClosedResourceError):
                await stream.receive_some()
    return heard


def saying(data: bytes) -> Callable[[trio.abc.Stream], Awaitable[None]]:
    async def say(stream: trio.abc.Stream) -> None:
        assert isinstance(stream, trio.abc.HalfCloseableStream)
        await stream.send_all(data)
        await stream.send_eof()

    return say


def serial(stream: trio.SSLStream[trio.abc.Stream]) -> object:
    certificate = stream.getpeercert()
    assert certificate is not None
    return certificate["serialNumber"]


# --- what is spoken ----------------------------------------------------------------------------


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_what_is_said_arrives_both_ways(files: Files, version: ssl.TLSVersion) -> None:
    context = trusting()
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    async with accepted(files.tls(), context) as (client, server):
        assert client.version() == version.name.replace("_", ".")
        assert client.selected_alpn_protocol() == "http/1.1"
        assert client.compression() is None
        await client.send_all(b"ping")
        assert await server.receive_some() == b"ping"
        await server.send_all(b"pong")
        assert await client.receive_some() == b"pong"


def old_context(protocol: int, version: ssl.TLSVersion) -> ssl.SSLContext:
    """Of a program that speaks an old version and no newer one, as far as OpenSSL lets it."""
    context = ssl.SSLContext(protocol)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = version
    context.maximum_version = version
    return context


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")  # which are what is tested
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
async def test_older_versions_are_refused(files: Files, version: ssl.TLSVersion) -> None:
    tls = files.tls()
    assert tls.context.minimum_version == ssl.TLSVersion.TLSv1_2
    # Else OpenSSL would refuse them on its own, whatever we say:
    tls.context.set_ciphers("ALL:@SECLEVEL=0")
    client = old_context(ssl.PROTOCOL_TLS_CLIENT, version)
    AUTHORITY.configure_trust(client)
    assert not await shake_hands(tls.context, client)
    control = old_context(ssl.PROTOCOL_TLS_SERVER, version)
    control.load_cert_chain(files.certificate, files.key)
    assert await shake_hands(control, client) or version not in offered(), "no proof of anything"


def offered() -> set[ssl.TLSVersion]:
    """The old versions that this OpenSSL was built with."""
    found = set()
    if ssl.HAS_TLSv1:
        found.add(ssl.TLSVersion.TLSv1)
    if ssl.HAS_TLSv1_1:
        found.add(ssl.TLSVersion.TLSv1_1)
    return found


async def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> bool:
    ours, theirs = memory_stream_pair()
    ends = [
        trio.SSLStream[trio.abc.Stream](ours, server, server_side=True),
        trio.SSLStream[trio.abc.Stream](theirs, client, server_hostname=NAME),
    ]
    done = []

    async def shake(end: trio.SSLStream[trio.abc.Stream]) -> None:
        try:
            await end.do_handshake()
            done.append(end)
        except trio.BrokenResourceError:
            await trio.aclose_forcefully(end)

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            for end in ends:
                nursery.start_soon(shake, end)
    return len(done) == len(ends)


def test_no_compression_and_no_renegotiation(files: Files) -> None:
    options = files.tls().context.options
    assert options & ssl.OP_NO_COMPRESSION
    assert options & ssl.OP_NO_RENEGOTIATION


# --- reloading ---------------------------------------------------------------------------------


async def test_a_reload_is_for_new_clients_and_drops_nobody(files: Files) -> None:
    tls = files.tls()
    async with accepted(tls, trusting()) as (old, server):
        files.issue()
        tls.reload()
        async with accepted(tls, trusting()) as (new, _):
            assert serial(new) != serial(old)
        await old.send_all(b"still here")
        assert await server.receive_some() == b"still here"
        await server.send_all(b"so am I")
        assert await old.receive_some() == b"so am I"


def replace_certificate(files: Files) -> None:
    files.certificate.write_text("-----BEGIN nothing")


def replace_key(files: Files) -> None:
    files.key.write_bytes(AUTHORITY.issue_cert(NAME).private_key_pem.bytes())


def remove_certificate(files: Files) -> None:
    files.certificate.unlink()


def remove_key(files: Files) -> None:
    files.key.unlink()


def show_key(files: Files) -> None:
    files.key.chmod(0o644)


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (replace_certificate, "certificate.pem is not PEM with a CERTIFICATE"),
        (replace_key, "key.pem does not belong to .*certificate.pem"),
        (remove_certificate, "cannot read the TLS certificate .*: No such file"),
        (remove_key, "cannot read the TLS key .*: No such file"),
        (show_key, "others can read or write the TLS key .*chmod 600"),
    ],
)
async def test_a_reload_that_fails_changes_nothing(
    files: Files, harm: Callable[[Files], None], says: str
) -> None:
    tls = files.tls()
    async with accepted(tls, trusting()) as (client, _):
        before = serial(client)
    harm(files)
    with pytest.raises(UsageError, match=says):
        tls.reload()
    async with accepted(tls, trusting()) as (client, _):
        assert serial(client) == before
    with pytest.raises(UsageError, match=says):  # a start with them is no start
        files.tls()


# --- the files ---------------------------------------------------------------------------------


def test_both_may_be_in_one_file(files: Files) -> None:
    with files.key.open("ab") as key:
        key.write(files.certificate.read_bytes())
    assert Tls(str(files.key)).context.get_ciphers()
    with pytest.raises(UsageError, match="others can read"):  # then it is a key
        Tls(str(files.certificate))


def test_links_are_followed(files: Files, tmp_path: Path) -> None:
    """As in the directories of ACME clients."""
    link = tmp_path / "live.pem"
    link.symlink_to(files.key)
    assert Tls(str(files.certificate), str(link)).context.get_ciphers()


def test_a_key_that_is_no_key(files: Files) -> None:
    files.key.write_bytes(files.certificate.read_bytes())
    with pytest.raises(UsageError, match=r"key\.pem is not PEM with a PRIVATE KEY"):
        files.tls()


def test_a_directory_is_no_certificate(files: Files, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a file"):
        Tls(str(tmp_path), str(files.key))


def test_a_passphrase_is_not_asked_for(files: Files) -> None:
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(UsageError, match="has a passphrase"):
        files.tls()


@pytest.mark.parametrize(
    ("owner", "mode", "fine"),
    [
        ("us", 0o600, True),
        ("us", 0o400, True),
        ("us", 0o640, False),
        ("us", 0o604, False),
        ("root", 0o640, True),  # Debian's: root:ssl-cert
        ("root", 0o440, True),
        ("root", 0o660, False),
        ("root", 0o644, False),
        ("somebody", 0o600, False),
    ],
)
def test_who_else_may_have_the_key(
    files: Files, monkeypatch: pytest.MonkeyPatch, owner: str, mode: int, *, fine: bool
) -> None:
    files.key.chmod(mode)
    uids = {"us": (1000, 1000), "root": (0, 1000), "somebody": (999, 1000)}
    of_file, ours = uids[owner]
    real = Path.stat

    def stat(path: Path, **options: bool) -> os.stat_result:
        found = real(path, **options)
        return os.stat_result([*found[:4], of_file, *found[5:]])

    monkeypatch.setattr(Path, "stat", stat)
    monkeypatch.setattr(os, "getuid", lambda: ours)
    if fine:
        files.tls()
        return
    with pytest.raises(UsageError, match="TLS key"):
        files.tls()


# --- those who do not come in ------------------------------------------------------------------


async def test_plain_http_is_told_in_plain_http(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    request = b"GET / HTTP/1.1\r\nHost: pulse.example\r\n\r\n"
    answer = await turned_away(files.tls(), saying(request))
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"Content-Security-Policy" in answer
    assert answer.endswith(b"\r\n\r\nthis port speaks TLS: ask with https://, or wss://\n")
    assert loud(caplog) == []


def hello() -> bytes:
    """What a client of TLS says first."""
    out = ssl.MemoryBIO()
    client = trusting().wrap_bio(ssl.MemoryBIO(), out, server_hostname=NAME)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return out.read()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\x16",
        b"\x16\x03\x01\xff\xff",
        bytes(64),
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        hello()[:40],
        hello(),  # and then it leaves
        hello() + b"garbage" * 100,
    ],
    ids=len,
)
async def test_who_does_not_get_through_is_quiet(
    files: Files, caplog: pytest.LogCaptureFixture, said: bytes
) -> None:
    await turned_away(files.tls(), saying(said))
    assert loud(caplog) == []


@given(said=st.binary(max_size=600) | st.binary(max_size=40).map(lambda tail: hello() + tail))
@settings(
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_garbage_is_quiet(files: Files, caplog: pytest.LogCaptureFixture, said: bytes) -> None:
    trio.run(turned_away, files.tls(), saying(said))
    assert loud(caplog) == []


async def test_a_client_that_does_not_trust_us_is_quiet(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    async def distrust(stream: trio.abc.Stream) -> None:
        client = trio.SSLStream(stream, ssl.create_default_context(), server_hostname=NAME)
        with pytest.raises(trio.BrokenResourceError):
            await client.do_handshake()
        assert isinstance(stream, trio.abc.HalfCloseableStream)
        await stream.send_eof()

    await turned_away(files.tls(), distrust)
    assert loud(caplog) == []


async def test_a_connection_that_breaks_is_quiet(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    """A reset is an error of the transport, not an end of what is read."""
    ours, _ = memory_stream_pair()

    async def broken() -> None:
        raise trio.BrokenResourceError

    ours.receive_stream.receive_some_hook = broken
    stream = await accept_tls(files.tls(), ours)
    with pytest.raises(trio.ClosedResourceError):
        await stream.receive_some()
    with pytest.raises(trio.ClosedResourceError):
        await stream.send_all(b"x")
    assert loud(caplog) == []


async def test_half_a_handshake_is_cut_off_by_the_caller_and_nothing_plain_follows(
    files: Files, autojump_clock: trio.testing.MockClock
) -> None:
    ours, theirs = memory_stream_pair()
    await theirs.send_all(hello()[:50])
    with trio.move_on_after(5) as scope:
        await accept_tls(files.tls(), ours)
    assert scope.cancelled_caught
    with pytest.raises(trio.ClosedResourceError):
        await ours.send_all(b"HTTP/1.1 408 Request Timeout\r\n")
    assert await theirs.receive_some() == b""


def loud(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged that a user would see."""
    return [one.getMessage() for one in caplog.records if one.levelno > logging.DEBUG]
