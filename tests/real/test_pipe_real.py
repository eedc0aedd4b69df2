"""The pipe as a program: against a real server and a real tmux, and without a server."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.real.loaded import LoadedServer, kill
from tests.real.served import DEADLINE_SECONDS, Served, place

SCRIPT = (
    '{"action":"snapshot","id":"state"}',
    "no request",
    '{"action":"command","command":"send-text","target":{"session":"a"},"text":"hi","enter":true}',
    '{"action":"command","command":"capture","target":{"session":"a"},"id":7}',
    '{"action":"subscribe","filters":{"types":["session.created"]},"last":5}',
)


@pytest.fixture
def served() -> Iterator[Served]:
    with place() as one:
        one.tmux("new-session", "-d", "-s", "a", "-x", "80", "-y", "24", "cat")
        yield one


class Pipe:
    """The program, and what it said.

    Attributes:
        lines: what came out so far.
    """

    def __init__(self, env: dict[str, str], *flags: str) -> None:
        self.lines: list[dict[str, Any]] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tmuxpulse", "pipe", *flags],
            env=env,
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._come = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def say(self, *lines: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        self.process.stdin.flush()

    def until(self, **fields: object) -> dict[str, Any]:
        """Wait for a line with these fields."""
        return self.until_count(1, **fields)

    def until_count(self, count: int, **fields: object) -> dict[str, Any]:
        """Wait for so many lines with these fields, and give the last."""

        def fitting() -> list[dict[str, Any]]:
            return [one for one in self.lines if all(one.get(k) == v for k, v in fields.items())]

        with self._come:
            enough = self._come.wait_for(lambda: len(fitting()) >= count, DEADLINE_SECONDS)
            assert enough, self.lines[-5:]
            return fitting()[count - 1]

    def end(self) -> int:
        """End its input, and give its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        code = self.process.wait(DEADLINE_SECONDS)
        self._reader.join(DEADLINE_SECONDS)
        return code

    def close(self) -> None:
        """Leave nothing of it."""
        self.process.kill()
        self.process.wait(DEADLINE_SECONDS)
        self._reader.join(DEADLINE_SECONDS)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._come:
                self.lines.append(json.loads(line))
                self._come.notify_all()


@contextmanager
def pipe(env: dict[str, str], *flags: str) -> Iterator[Pipe]:
    found = Pipe(env, *flags)
    try:
        yield found
    finally:
        found.close()


@pytest.mark.parametrize("has_server", [True, False])
def test_a_script_gets_the_same_answers_with_a_server_and_without(
    served: Served, has_server: bool
) -> None:
    config = served.folder / "config" / "tmuxpulse" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[server]\nwrite = "local"\n')
    if has_server:
        served.serve()
    flags = () if has_server else ("-S", str(served.folder / "s"))
    with pipe(served.env, *flags) as found:
        found.say(*SCRIPT[:3])
        found.until(type="command.result", ok=True)
        # What was typed is on the screen a moment after tmux has taken it.
        served.until(lambda: "hi" in served.tmux("capture-pane", "-p", "-t", "a"))
        found.say(*SCRIPT[3:])
        assert found.end() == 0
    types = [one["type"] for one in found.lines]
    assert types == [
        "snapshot.data",
        "error",
        *("command.result", "command.result"),
        *("subscription.confirmed", "session.created"),
    ]
    assert found.lines[0]["id"] == "state"
    assert (found.lines[1]["code"], found.lines[1]["line"]) == ("INVALID_JSON", 2)
    assert found.lines[2]["ok"] is True
    assert found.lines[3]["id"] == 7
    assert "hi" in found.lines[3]["output"]
    assert found.lines[5]["session"] == "a"


def test_events_of_a_real_pane_come_until_ctrl_c(served: Served) -> None:
    served.serve("--write", "local")
    with pipe(served.env, "--follow") as found:
        found.say('{"action":"subscribe","filters":{"types":["pane.output"]}}')
        found.until(type="subscription.confirmed")
        found.say('{"action":"command","command":"send-text","target":{"session":"a"},"text":"x"}')
        found.until(type="command.result", ok=True)
        found.until(type="pane.output")
        found.process.send_signal(signal.SIGINT)
        assert found.process.wait(DEADLINE_SECONDS) == 130


def test_a_reader_that_has_enough_ends_it_silently(served: Served) -> None:
    served.serve()
    done = subprocess.run(
        f'echo \'{{"action":"ping"}}\' | {sys.executable} -m tmuxpulse pipe --follow | head -n 1',
        shell=True,
        env=served.env,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=True,
    )
    assert json.loads(done.stdout)["type"] == "pong"
    assert done.stderr == ""


def test_a_server_that_is_killed_and_comes_again_costs_no_event(tmp_path: Path) -> None:
    server = LoadedServer(tmp_path, rate=200)
    child = server.start()
    (server.directory / "run" / "tmuxpulse.sock").symlink_to(server.socket)
    env = {
        "TMUXPULSE_RUNTIME_DIR": str(server.directory / "run"),
        "TMUXPULSE_STATE_DIR": str(server.directory),
        "XDG_CONFIG_HOME": str(tmp_path / "none"),
        "PATH": "/usr/bin:/bin",
    }
    try:
        with pipe(env, "--follow", "--reconnect") as found:
            found.say('{"action":"subscribe","filters":{"types":["pane.error"]}}')
            found.until(type="pane.error")
            for count in (1, 2):
                kill(child)
                child = server.start()
                found.until_count(count, type="pipe.open", subscriptions=["s-1"])
                found.until_count(
                    1 + sum(one["type"] == "pane.error" for one in found.lines), type="pane.error"
                )
            found.say('{"action":"ping","id":"end"}')
            found.until(id="end")
    finally:
        kill(child)
    types = [one["type"] for one in found.lines]
    assert types.count("pipe.cut") >= 2
    # Told from the history: another run goes on, or, where its last moments were lost, a reset.
    runs: list[list[int]] = [[]]
    for one in found.lines:
        if one["type"] in ("stream.epoch", "stream.reset"):
            runs.append([])
        elif one["type"] == "pane.error":
            runs[-1].append(one["seq"])
    assert len(runs) == 3
    for run in runs:  # one event of five is an error
        assert run
        assert run == list(range(run[0], run[0] + 5 * len(run), 5))
