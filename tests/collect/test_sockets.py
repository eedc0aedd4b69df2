from __future__ import annotations

import os
import socket
import sys

import pytest

from tmuxpulse.collect import sockets
from tmuxpulse.errors import TmuxNotFound


@pytest.fixture
def env(tmp_path):
    directory = tmp_path / f"tmux-{os.getuid()}"
    directory.mkdir()
    return {"TMUX_TMPDIR": str(tmp_path), "PATH": str(tmp_path)}


def listener(path):
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen(1)
    return server


def test_names_and_paths_become_paths_once_each(env):
    directory = sockets.socket_dir(env)
    found = sockets.resolve_sockets(["work", "work"], ["/x/y.sock"], env)
    assert found == (str(directory / "work"), "/x/y.sock")
    assert sockets.socket_name(found[0], env) == "work"
    assert sockets.socket_name(found[1], env) == "/x/y.sock"


def test_all_sockets_has_the_default_the_one_we_are_in_and_what_is_there(env):
    directory = sockets.socket_dir(env)
    with listener(directory / "work"):
        (directory / "a-file").write_text("no socket")
        found = sockets.all_sockets({**env, "TMUX": "/inside/sock,123,0"})
    assert found == (str(directory / "default"), "/inside/sock", str(directory / "work"))


def test_without_any_tmux_ever_there_is_still_the_default_to_wait_for(tmp_path):
    env = {"TMUX_TMPDIR": str(tmp_path / "nowhere")}
    assert sockets.all_sockets(env) == (str(sockets.socket_dir(env) / "default"),)


def test_the_file_alone_says_nothing(env):
    path = sockets.socket_dir(env) / "default"
    assert not sockets.is_alive(str(path))
    server = listener(path)
    assert sockets.is_alive(str(path))
    server.close()
    assert path.exists()
    assert not sockets.is_alive(str(path))


@pytest.mark.skipif(sys.platform != "linux", reason="SO_PEERCRED is Linux's")
def test_the_kernel_tells_who_listens(env):
    path = sockets.socket_dir(env) / "default"
    with listener(path):
        assert sockets.peer_pid(str(path)) == os.getpid()
    assert sockets.peer_pid(str(path)) is None


def test_no_tmux_program_is_an_error_that_says_what_to_do(env):
    with pytest.raises(TmuxNotFound, match="install tmux"):
        sockets.find_program(env)
    assert sockets.find_program({**env, "TMUXPULSE_TMUX": "/opt/tmux"}) == "/opt/tmux"


def test_a_running_servers_own_program_is_used():
    assert sockets.program_of(os.getpid(), "tmux") == os.path.realpath("/proc/self/exe")
    assert sockets.program_of(None, "tmux") == "tmux"
    assert sockets.program_of(2**22 + 1, "tmux") == "tmux"
