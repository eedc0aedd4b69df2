"""Coming and going, again and again, leaves nothing behind in us."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tmuxpulse.collect.sockets import is_alive

CYCLES = 500


class Tmux:
    def __init__(self, directory: Path) -> None:
        self.socket = str(directory / "tmux.sock")

    def __call__(self, *arguments: str) -> str:
        command = ["tmux", "-u", "-f", "/dev/null", "-S", self.socket, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def tmux(tmp_path):
    tmux = Tmux(tmp_path)
    tmux("new-session", "-d", "-s", "keep", "cat")
    yield tmux
    subprocess.run(["tmux", "-S", tmux.socket, "kill-server"], capture_output=True, check=False)


@pytest.fixture
def server(tmux, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "tmuxpulse", "serve", "-S", tmux.socket, "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMUXPULSE_RUNTIME_DIR": str(tmp_path / "run")},
    )
    assert process.stdout is not None
    assert "ready" in process.stdout.readline()
    yield psutil.Process(process.pid)
    process.terminate()
    assert process.wait(60) == 0
    process.stdout.close()


def wait_for(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.05)


def test_kill_and_create_cycles_leave_nothing_behind(tmux, server, tmp_path):
    wait_for(lambda: any((tmp_path / "run").glob("pipes/*")))
    fifos = next((tmp_path / "run" / "pipes").iterdir())

    def cycle(number: int) -> None:
        tmux("new-window", "-d", "-t", "keep:9", "sh -c 'echo hello; exec cat'")
        if number % 5 == 0:  # now and then long enough to be piped
            wait_for(lambda: tmux("display-message", "-p", "-t", "keep:9", "#{pane_pipe}") == "1")
        tmux("kill-window", "-t", "keep:9")

    def settled() -> tuple[int, int, int, int]:
        wait_for(lambda: len(list(fifos.iterdir())) == 2)  # the lock, and the pane that stays
        time.sleep(1.5)
        cats = sum(
            process.name() == "cat"
            for process in psutil.Process(int(tmux("display-message", "-p", "#{pid}"))).children()
        )
        return (
            server.num_fds(),
            len(server.children(recursive=True)),
            cats,
            server.memory_info().rss,
        )

    for number in range(100):  # until every buffer and cache has its size
        cycle(number)
    *before, memory_before = settled()
    for number in range(CYCLES):
        cycle(number)
    *after, memory_after = settled()
    # A channel that is being renewed has one or two more for a moment; a leak would be hundreds.
    assert all(late <= early + 2 for early, late in zip(before, after, strict=True))
    assert memory_after - memory_before < 3_000_000  # the ring holds the new events; no more


def test_a_tmux_that_comes_and_goes_leaves_nothing_behind(tmux, server):
    def numbers() -> tuple[int, int]:
        return server.num_fds(), len(server.children(recursive=True))

    def restart() -> None:
        os.kill(int(tmux("display-message", "-p", "#{pid}")), 9)
        wait_for(lambda: not is_alive(tmux.socket))
        time.sleep(0.2)
        tmux("new-session", "-d", "-s", "keep", "cat")
        wait_for(lambda: tmux("display-message", "-p", "-t", "keep:", "#{pane_pipe}") == "1")

    restart()
    time.sleep(0.5)
    before = numbers()
    for _ in range(15):
        restart()
    time.sleep(0.5)
    assert all(late <= early + 2 for early, late in zip(before, numbers(), strict=True))
