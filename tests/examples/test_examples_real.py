"""Every example, run as its page says, beside a real tmux and a real server."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.real.served import DEADLINE_SECONDS, Served, place

EXAMPLES = Path(__file__).parents[2] / "examples"
QUESTION = "printf 'Overwrite the file? [y/N] '; read answer; exec cat"


@pytest.fixture
def served() -> Iterator[Served]:
    with place() as one:
        programs = one.folder / "bin"
        programs.mkdir()
        (programs / "tmuxpulse").symlink_to(Path(sys.executable).with_name("tmuxpulse"))
        one.env["PATH"] = f"{programs}:{one.env['PATH']}"
        one.tmux("new-session", "-d", "-s", "api", "-x", "80", "-y", "24", "exec cat")
        yield one


class Example:
    """An example that runs, and the lines it printed."""

    def __init__(self, served: Served, *command: str, **environ: str) -> None:
        self.lines: list[str] = []
        self._served = served
        self.process = subprocess.Popen(
            command,
            env=served.env | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # a script's children end with it
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def says(self, pattern: str) -> str:
        """Wait for a line, and give it."""

        def found() -> str | None:
            assert self.process.poll() is None or self._reader.is_alive(), self.lines
            return next((line for line in self.lines if re.search(pattern, line)), None)

        return str(self._served.until(found))

    def close(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(DEADLINE_SECONDS)
        self._reader.join(DEADLINE_SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def example(served: Served, *command: str, **environ: str) -> Iterator[Example]:
    found = Example(served, *command, **environ)
    try:
        yield found
    finally:
        found.close()


def ended(served: Served, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=served.env | environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=3 * DEADLINE_SECONDS,
    )


def test_the_page_names_every_example() -> None:
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for path in EXAMPLES.iterdir():
        assert f"]({path.name})" in page or path.name == "README.md"


def test_a_notice_for_each_wait_that_lasts(served: Served) -> None:
    served.serve()
    notice = served.folder / "notice"
    notice.write_text(f'#!/bin/sh\nprintf "%s|%s\\n" "$1" "$2" >>{served.folder}/notices\n')
    notice.chmod(0o755)
    told = served.folder / "notices"
    script = str(EXAMPLES / "notify_waiting.py")
    arguments = ("--after", "0.3", "--command", str(notice))
    with example(served, sys.executable, "-u", script, *arguments) as running:
        running.says("^watching$")
        served.tmux("new-session", "-d", "-s", "ask", "-x", "80", "-y", "24", QUESTION)
        served.until(told.exists)
        served.tmux("send-keys", "-t", "ask", "n", "Enter")
        served.tmux("new-session", "-d", "-s", "more", "-x", "80", "-y", "24", QUESTION)
        served.until(lambda: "more:" in told.read_text())
    titles = [line.partition("|")[0] for line in told.read_text().splitlines()]
    assert titles == ["ask:0.0 waits", "more:0.0 waits"]
    assert "Overwrite the file?" in told.read_text()


def test_without_a_server_it_says_what_to_do(served: Served) -> None:
    done = ended(served, sys.executable, str(EXAMPLES / "notify_waiting.py"))
    assert done.returncode == 1
    assert "tmuxpulse serve" in done.stderr
    assert "Traceback" not in done.stderr


class Chat(HTTPServer):
    """A chat that is busy at first."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Post)
        self.bodies: list[bytes] = []


class Post(BaseHTTPRequestHandler):
    def do_POST(self) -> None:  # the library's name
        assert isinstance(self.server, Chat)
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(503 if len(self.server.bodies) == 1 else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def chat() -> Iterator[Chat]:
    with Chat() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(DEADLINE_SECONDS)


def test_a_chat_hears_of_it_once_even_if_it_was_busy(served: Served, chat: Chat) -> None:
    served.serve()
    url = f"http://127.0.0.1:{chat.server_port}/hook"
    script = str(EXAMPLES / "webhook.py")
    with example(served, sys.executable, "-u", script, WEBHOOK_URL=url) as running:
        running.says("^watching$")
        served.tmux("new-session", "-d", "-s", "ask", "-x", "80", "-y", "24", QUESTION)
        served.until(lambda: len(chat.bodies) >= 2)
    assert chat.bodies[0] == chat.bodies[1]
    text = json.loads(chat.bodies[0])["text"]
    assert text.startswith("*ask:0.0* waits for you: ")
    assert "Overwrite the file?" in text


def test_a_chat_needs_an_address(served: Served) -> None:
    done = ended(served, sys.executable, str(EXAMPLES / "webhook.py"), WEBHOOK_URL="ftp://x/")
    assert (done.returncode, done.stdout) == (2, "")
    assert "WEBHOOK_URL" in done.stderr


def test_javascript_follows_from_the_state_on(served: Served) -> None:
    served.serve()
    file = served.folder / "token"
    served.token("follow", "--scope", "read", "--scope", "output", "--file", str(file))
    environ = {"TMUXPULSE_URL": served.url, "TMUXPULSE_TOKEN_FILE": str(file)}
    # Node 20 has WebSockets behind a flag, and says so; later ones take the flag without a word.
    node = ("node", "--experimental-websocket", "--no-warnings")
    with example(served, *node, str(EXAMPLES / "follow.mjs"), **environ) as running:
        running.says(r"^api:0\.0  \w+  ")
        served.tmux("new-session", "-d", "-s", "ask", "-x", "80", "-y", "24", QUESTION)
        running.says(r"^ask:0\.0  waiting  ")
    done = ended(served, *node, str(EXAMPLES / "follow.mjs"))
    assert done.returncode == 2
    assert "TMUXPULSE_TOKEN_FILE" in done.stderr


@pytest.mark.parametrize("has_server", [True, False])
def test_three_checks(served: Served, has_server: bool) -> None:
    if has_server:
        served.serve()
    script = str(EXAMPLES / "three_checks.sh")
    done = ended(served, script, "true", "echo fine", "exit 0")
    assert (done.returncode, done.stdout) == (0, "all 3 checks passed\n"), done.stderr
    done = ended(served, script, "true", "echo the reason; sleep 0.5; exit 4", "sleep 0.2")
    assert done.returncode == 1
    assert "check-2 failed" in done.stdout
    assert "the reason" in done.stdout
    assert "check-1" not in done.stdout
    servers = [name for name in os.listdir(served.folder) if name.startswith("tmux-")]
    left = [socket for name in servers for socket in os.listdir(served.folder / name)]
    for socket in left:  # a socket may outlive its server
        done = ended(served, "tmux", "-L", socket, "list-sessions")
        assert done.returncode != 0


def test_one_liners(served: Served) -> None:
    served.serve()
    served.tmux("new-session", "-d", "-s", "ask", "-x", "80", "-y", "24", QUESTION)
    served.tmux("set-option", "-g", "remain-on-exit", "on")
    served.tmux("new-session", "-d", "-s", "broken", "exit 3")
    script = str(EXAMPLES / "one-liners.sh")

    def answers(*arguments: str) -> str:
        done = ended(served, script, *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    assert [line.split("\t")[0] for line in answers().splitlines()] == [
        *("waiting", "failed", "count", "statuses", "errors", "screen")
    ]
    asked = re.compile(r"ask:0\.0  .+: Overwrite the file\? \[y/N\]\s*\n")
    served.until(lambda: asked.fullmatch(answers("waiting")))
    assert served.until(lambda: answers("failed")).startswith("broken:0.0  ")
    assert json.loads(answers("count"))["waiting"] == 1
    assert "Overwrite the file? [y/N]" in answers("screen", "ask")
    assert ended(served, script, "screen").returncode != 0


def test_one_liners_that_follow(served: Served) -> None:
    served.serve()
    script = str(EXAMPLES / "one-liners.sh")
    with (
        example(served, script, "statuses") as statuses,
        example(served, script, "errors") as errors,
    ):
        # What happens before they listen they do not hear: it goes on until they do.
        served.tmux(
            *("new-session", "-d", "-s", "loop", "-x", "80", "-y", "24"),
            "while :; do echo 'fatal: no such thing'; sleep 0.2; done",
        )
        errors.says("^loop: fatal: no such thing$")
        number = 0
        next_at = 0.0

        def heard() -> bool:
            nonlocal number, next_at
            if time.monotonic() >= next_at:  # not so many that they keep it from hearing
                number += 1
                served.tmux("new-session", "-d", "-s", f"ask-{number}", QUESTION)
                next_at = time.monotonic() + 2
            return any(re.search(r" ask-\d+:0\.0 .*-> waiting: ", one) for one in statuses.lines)

        served.until(heard)
