"""The promise as a whole: on a real tmux, a stranger's client misses nothing."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.real.stranger import LIST_FORMAT
from tmuxpulse.collect.sockets import is_alive

SECONDS = 30
STRANGER = Path(__file__).with_name("stranger.py")


class Tmux:
    def __init__(self, directory: Path) -> None:
        self.socket = str(directory / "tmux.sock")

    def __call__(self, *arguments: str) -> str:
        command = ["tmux", "-u", "-f", "/dev/null", "-S", self.socket, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def pid(self) -> int:
        return int(self("display-message", "-p", "#{pid}"))


def printer(name: str, count: int, pause: float) -> str:
    """A program that prints numbered lines and then stays."""
    body = f"i=$((i+1)); echo 'L {name}' $i; sleep {pause}"
    return f"i=0; while [ $i -lt {count} ]; do {body}; done; cat"


@pytest.fixture
def tmux(tmp_path):
    tmux = Tmux(tmp_path)
    tmux("new-session", "-d", "-s", "keep", "cat")
    yield tmux
    subprocess.run(["tmux", "-S", tmux.socket, "kill-server"], capture_output=True, check=False)


@pytest.fixture
def server(tmux, tmp_path, monkeypatch):
    """A tmuxpulse server on that tmux: the process and the URL of its socket."""
    places = {
        "TMUXPULSE_RUNTIME_DIR": str(tmp_path / "run"),
        "TMUXPULSE_STATE_DIR": str(tmp_path / "state"),
    }
    made = subprocess.run(
        [sys.executable, "-m", "tmuxpulse", "token", "create", "stranger"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **places},
    )
    monkeypatch.setenv("TOKEN", made.stdout.strip())
    process = subprocess.Popen(
        [sys.executable, "-m", "tmuxpulse", "serve", "-S", tmux.socket, "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **places},
    )
    assert process.stdout is not None
    ready = process.stdout.readline()
    address = next(word for word in ready.split() if word.startswith("http://"))
    while tmux("list-panes", "-a", "-F", "#{pane_pipe}").strip() != "1":
        time.sleep(0.02)  # its first look may come after that line
    yield process, address.replace("http", "ws", 1).rstrip("/") + "/monitor"
    process.terminate()
    assert process.wait(60) == 0
    process.stdout.close()


def stranger(url: str, call: str = "") -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, str(STRANGER), url, call],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def at_rest(tmux: Tmux) -> list[str]:
    """What tmux lists, once it has been the same for a second."""
    before: list[str] = []
    while True:
        rows = sorted(tmux("list-panes", "-a", "-F", LIST_FORMAT).splitlines())
        if rows == before:
            return rows
        before = rows
        time.sleep(1)


def test_every_line_once_and_in_order_and_the_state_is_the_truth(tmux, server):
    _, url = server
    client = stranger(url)
    source = random.Random(7)
    alive: dict[str, int] = {}  # programs that are never killed, and how many lines they print
    count, pause = 100, 0.2
    for session in range(10):
        for pane in range(5):
            name = f"{session}.{pane}"
            alive[name] = count
            program = printer(name, count, pause)
            if pane == 0:
                tmux("new-session", "-d", "-x", "200", "-y", "60", "-s", f"s{session}", program)
            elif pane % 2:
                tmux("split-window", "-d", "-t", f"s{session}:0", program)
                tmux("select-layout", "-t", f"s{session}:0", "tiled")
            else:
                tmux("new-window", "-d", "-t", f"s{session}:", program)
    end = time.monotonic() + SECONDS
    round_ = 0
    while time.monotonic() < end or round_ <= 10:
        round_ += 1
        name, session_name = f"t{round_}", f"s{source.randrange(10)}"
        alive[f"w{round_}"] = 20
        tmux("new-session", "-d", "-s", name, printer(f"x{round_}", 1000, 0.05))
        tmux("new-window", "-d", "-t", f"{name}:", printer(f"y{round_}", 1000, 0.05))
        tmux("new-window", "-d", "-t", f"{session_name}:", printer(f"w{round_}", 20, 0.02))
        tmux("rename-session", "-t", name, f"{name}-again")
        tmux("rename-window", "-t", f"{session_name}:0", f"n{round_}")
        tmux("split-window", "-d", "-t", f"{name}-again:0", "sleep 0.3; echo done")
        time.sleep(source.uniform(0.1, 0.6))
        tmux("kill-window", "-t", f"{name}-again:1")
        tmux("swap-window", "-d", "-s", f"{session_name}:0", "-t", f"{session_name}:1")
        if round_ % 2:
            tmux("kill-session", "-t", f"{name}-again")
    time.sleep(max(0.0, end + 1 - time.monotonic()))
    for name in tmux("list-sessions", "-F", "#{session_name}").split():
        if name.startswith("t"):  # still printing, so no moment of theirs is the last
            tmux("kill-session", "-t", f"={name}")
    rows = at_rest(tmux)
    last = [f"L {name} {count}" for name, count in alive.items()]
    out, _ = client.communicate(json.dumps({"rows": rows, "lines": last}), timeout=180)
    told = json.loads(out)

    printed: dict[str, list[int]] = {}
    for lines in told["lines"].values():
        for line in lines:
            if line.startswith("L "):
                _, name, number = line.split()
                printed.setdefault(name, []).append(int(number))
    assert {name: printed.get(name) for name in alive} == {
        name: list(range(1, count + 1)) for name, count in alive.items()
    }
    for name, numbers in printed.items():  # the killed ones: a whole beginning
        assert numbers == list(range(1, len(numbers) + 1)), name
    assert told["rows"] == rows
    assert told["gaps"] == 0
    assert told["unbroken"]


def test_a_tmux_that_is_killed_and_comes_back(tmux, server):
    _, url = server
    client = stranger(url, "hello")
    assert client.stdout is not None
    for _ in range(3):
        os.kill(tmux.pid(), 9)
        while is_alive(tmux.socket):
            time.sleep(0.01)
        tmux("new-session", "-d", "-s", "back", "-n", "back", "echo hello; cat")
        assert client.stdout.readline() == "hello\n"
    rows = at_rest(tmux)
    out, _ = client.communicate(json.dumps({"rows": rows, "lines": []}), timeout=180)
    told = json.loads(out)
    assert told["types"]["server.down"] == 3
    assert told["types"]["server.up"] == 3
    assert told["rows"] == rows
    assert [line for lines in told["lines"].values() for line in lines] == ["hello"] * 3
