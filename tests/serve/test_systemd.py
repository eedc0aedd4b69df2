"""Sockets that a service manager hands over, and what it is told."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tmuxpulse.errors import UsageError
from tmuxpulse.serve import systemd
from tmuxpulse.serve.listen import open_tcp, open_unix
from tmuxpulse.serve.systemd import Activated, Notifier, activated


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """The place of the first socket is one that nothing else in this process has."""
    highest = max(int(name) for name in os.listdir("/dev/fd"))
    monkeypatch.setattr(systemd, "FIRST_DESCRIPTOR", highest + 100)


def handed(*sockets: socket.socket) -> dict[str, str]:
    """Put sockets where systemd puts them."""
    for at, one in enumerate(sockets):
        os.dup2(one.fileno(), systemd.FIRST_DESCRIPTOR + at)
        one.close()
    return {
        "LISTEN_PID": str(os.getpid()),
        "LISTEN_FDS": str(len(sockets)),
        "LISTEN_FDNAMES": ":".join("x" for _ in sockets),
    }


def listening(address: str = "127.0.0.1") -> socket.socket:
    found = socket.socket(socket.AF_INET)
    found.bind((address, 0))
    found.listen()
    return found


def unix_at(path: Path) -> socket.socket:
    found = socket.socket(socket.AF_UNIX)
    found.bind(str(path))
    found.listen()
    return found


def closed(found: Activated) -> None:
    for one in (*found.tcp, *([found.unix] if found.unix else [])):
        one.close()


def test_sockets_are_taken_over_once(tmp_path: Path) -> None:
    path = tmp_path / "s"
    environ = handed(listening(), unix_at(path))
    found = activated(environ)
    assert environ == {}
    assert found.unix is not None
    assert found.unix.getsockname() == str(path)
    assert [one.getsockname()[0] for one in found.tcp] == ["127.0.0.1"]
    assert not any(os.get_inheritable(one.fileno()) for one in (*found.tcp, found.unix))
    assert activated(environ) == Activated()
    closed(found)


@pytest.mark.parametrize("pid", ["", "1", "x", str(os.getppid())])
def test_what_is_meant_for_another_process_is_left(pid: str) -> None:
    environ = {"LISTEN_PID": pid, "LISTEN_FDS": "1"}
    assert activated(environ) == Activated()


def test_what_cannot_be_served_on_is_refused(tmp_path: Path) -> None:
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with pytest.raises(UsageError, match="ListenStream"):
        activated(handed(datagrams))
    with pytest.raises(UsageError, match="not listened on"):
        activated(handed(socket.socket(socket.AF_INET)))
    with pytest.raises(UsageError, match="more than one"):
        activated(handed(unix_at(tmp_path / "a"), unix_at(tmp_path / "b")))
    with pytest.raises(UsageError, match="more than one"):
        activated(handed(listening(), listening()))
    read, write = os.pipe()
    os.dup2(read, systemd.FIRST_DESCRIPTOR)
    os.close(read)
    os.close(write)
    with pytest.raises(UsageError, match="no socket"):
        activated({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"})
    os.close(systemd.FIRST_DESCRIPTOR)


async def test_it_is_served_on_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "s"
    given = activated(handed(listening(), unix_at(path)))
    with (
        open_tcp("ignored.invalid", 1, given=given.tcp) as tcp,
        open_unix(str(path), given.unix) as unix,
    ):
        assert tcp.port == given.tcp[0].getsockname()[1]
        assert (tcp.is_loopback, tcp.url) == (True, f"http://127.0.0.1:{tcp.port}/")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, _hello, [*tcp.listeners, unix])
            for stream in (
                await trio.open_tcp_stream("127.0.0.1", tcp.port),
                await trio.open_unix_socket(path),
            ):
                assert await stream.receive_some() == b"hello"
                await stream.aclose()
            nursery.cancel_scope.cancel()
    assert path.exists()


async def _hello(stream: trio.SocketStream) -> None:
    await stream.send_all(b"hello")


def test_beyond_this_machine_needs_what_it_always_needs() -> None:
    given = activated(handed(listening("0.0.0.0")))
    with (
        pytest.raises(UsageError, match="refusing to let other machines connect"),
        open_tcp("127.0.0.1", 0, given=given.tcp),
    ):
        pass
    closed(given)


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """A service manager: its address, and where it hears."""
    name = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(name if request.param == "path" else f"\0{name}")
        heard.setblocking(False)
        yield (name if request.param == "path" else f"@{name}"), heard


def test_it_is_told(manager: tuple[str, socket.socket]) -> None:
    address, heard = manager
    environ = {"NOTIFY_SOCKET": address}
    found = Notifier(environ)
    assert environ == {}  # what we start does not speak for us
    found.ready("ready:\nhttp://127.0.0.1:1/")
    assert heard.recv(1000) == b"READY=1\nSTATUS=ready: http://127.0.0.1:1/"
    found.stopping()
    assert heard.recv(1000) == b"STOPPING=1\nSTATUS=shutting down"


async def test_it_is_told_that_we_live(
    manager: tuple[str, socket.socket], autojump_clock: MockClock
) -> None:
    address, heard = manager
    found = Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "10000000"})
    with trio.move_on_after(21):
        await found.run()
    told = []
    while True:
        try:
            told.append(heard.recv(1000))
        except BlockingIOError:
            break
    assert told == [b"WATCHDOG=1"] * 5


@pytest.mark.parametrize(
    "environ",
    [{}, {"NOTIFY_SOCKET": "/nowhere/x", "WATCHDOG_USEC": "x"}, {"WATCHDOG_USEC": "1000000"}],
)
async def test_nobody_need_hear(environ: dict[str, str], autojump_clock: MockClock) -> None:
    found = Notifier(environ)
    found.ready("x")
    found.stopping()
    await found.run()


def test_another_process_watchdog_is_not_ours() -> None:
    found = Notifier({"NOTIFY_SOCKET": "x", "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"})
    assert found.watchdog_seconds == 0


def test_a_server_is_started_by_its_socket(tmp_path: Path) -> None:
    """The whole way: the sockets at descriptor 3, a manager that waits for `READY=1`."""
    with listening() as tcp, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(60)
        port = tcp.getsockname()[1]
        program = (
            "import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ['LISTEN_PID'] ="
            " str(os.getpid()); os.execv(sys.executable, [sys.executable, '-m', 'tmuxpulse',"
            " 'serve', '-S', sys.argv[2]])"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(tcp.fileno()), str(tmp_path / "tmux")],
            env={
                **os.environ,
                "LISTEN_FDS": "1",
                "NOTIFY_SOCKET": str(tmp_path / "notify"),
                "TMUXPULSE_RUNTIME_DIR": str(tmp_path / "run"),
                "TMUXPULSE_STATE_DIR": str(tmp_path / "state"),
            },
            pass_fds=[tcp.fileno()],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            told = heard.recv(1000).decode()
            assert told.startswith("READY=1\nSTATUS=tmuxpulse ")
            assert f"http://127.0.0.1:{port}/" in told
            with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
                client.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
                assert client.recv(20).startswith(b"HTTP/1.1 200")
            process.terminate()
            assert heard.recv(1000).startswith(b"STOPPING=1")
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.communicate()
