"""Where a server may listen, and who owns a Unix socket."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest
import trio

from tmuxpulse.errors import AddressInUse, UsageError
from tmuxpulse.serve.listen import open_tcp, open_unix, same_user


def left_in(directory: Path) -> list[str]:
    return sorted(file.name for file in directory.iterdir())


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.1", "example.org", "", "localhost.evil.example"]
)
async def test_beyond_loopback_is_refused(host: str) -> None:
    with pytest.raises(UsageError, match="only this machine"), open_tcp(host, 0):
        pass


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
