"""A server in the background: started, found, ended; and what is said when it cannot start."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


class Place:
    """Directories of its own, and what is run there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "config.toml").touch()
        self.environ = {
            **os.environ,
            "TMUXPULSE_RUNTIME_DIR": str(folder / "run"),
            "TMUXPULSE_STATE_DIR": str(folder / "state"),
            "TMUXPULSE_CONFIG": str(folder / "config.toml"),
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tmuxpulse", *arguments],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def serve(self, *flags: str) -> subprocess.CompletedProcess[str]:
        return self.run("serve", "--detach", "--port", "0", "-S", str(self.folder / "tmux"), *flags)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = Place(tmp_path)
    yield found
    found.run("serve", "--stop")


def test_it_returns_when_it_is_ready_and_ends_when_it_is_told(place: Place) -> None:
    started = place.serve()
    assert started.returncode == 0, started.stderr
    assert started.stdout.startswith("tmuxpulse ")
    assert " ready: http://127.0.0.1:" in started.stdout
    pid = int(started.stderr.split("pid ")[1].split(";")[0])
    assert os.getsid(pid) == pid
    assert place.run("emit", "custom.far").returncode == 0
    again = place.serve()
    assert (again.returncode, again.stdout) == (1, "")
    assert "another tmuxpulse serves" in again.stderr
    stopped = place.run("serve", "--stop")
    assert (stopped.returncode, f"pid {pid}" in stopped.stderr) == (0, True)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert list((place.folder / "run").glob("*.sock")) == []


def test_what_it_says_later_is_in_its_log(place: Place) -> None:
    assert place.serve("-v").returncode == 0
    log = place.folder / "state" / "serve.log"
    assert log.stat().st_mode & 0o777 == 0o600
    assert place.run("serve", "--stop").returncode == 0
    deadline = time.monotonic() + 30
    while "shutting down" not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def test_why_it_does_not_start_reaches_the_caller(place: Place) -> None:
    (place.folder / "config.toml").write_text("[server]\nport = 1234567\n")
    failed = place.run("serve", "--detach")
    assert failed.returncode == 2
    assert "port" in failed.stderr
    assert len(failed.stderr.splitlines()) == 1
    assert failed.stdout == ""


def test_without_a_server_there_is_none_to_end(place: Place) -> None:
    stopped = place.run("serve", "--stop")
    assert stopped.returncode == 3
    assert "cannot reach the tmuxpulse server" in stopped.stderr
