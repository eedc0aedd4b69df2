"""`tmuxpulse emit`: what is told to whom; and as a hook: nothing that could hurt an agent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.server import ServerConnection, unix_serve
from websockets.typing import Subprotocol

from tmuxpulse.cli import emit
from tmuxpulse.cli.main import main
from tmuxpulse.client.brief import SUBPROTOCOL
from tmuxpulse.collect.sockets import socket_dir

ACCEPTED = {"type": "emit.accepted", "seq": 7}
NOT_FOUND = {"type": "error", "code": "NOT_FOUND", "message": "no such session, window or pane"}
DEADLINE_SECONDS = 30
# `python -m tmuxpulse` with time enough: what is told is the matter here, not how fast.
PATIENT = (
    "import sys; from tmuxpulse.cli import emit; from tmuxpulse.cli.main import main;"
    " emit.HOOK_SECONDS = 25; emit.HOOK_ASK_SECONDS = float(sys.argv.pop(1)); sys.exit(main())"
)


class Server:
    """Takes the place of tmuxpulse's server.

    Attributes:
        events: what it was told.
        answers: what it says; the last one again and again; None: nothing at all.
    """

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.answers: list[dict[str, Any] | None] = [ACCEPTED]
        self.over = threading.Event()

    def handle(self, connection: ServerConnection) -> None:
        connection.send('{"type": "connection.established"}')
        request = json.loads(connection.recv())
        self.events.append(request["event"])
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            self.over.wait(DEADLINE_SECONDS)
        else:
            connection.send(json.dumps({**answer, "id": request["id"]}))


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime directory without a server, outside tmux."""
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("TMUXPULSE_RUNTIME_DIR", str(folder))
    for name in ("TMUX", "TMUX_PANE", "TMUX_TMPDIR"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def server(runtime: Path) -> Iterator[Server]:
    found = Server()
    path = str(runtime / "tmuxpulse.sock")
    with unix_serve(found.handle, path, subprotocols=[Subprotocol(SUBPROTOCOL)]) as listener:
        thread = threading.Thread(target=listener.serve_forever)
        thread.start()
        try:
            yield found
        finally:
            found.over.set()
            listener.shutdown()
            thread.join()


def inside(monkeypatch: pytest.MonkeyPatch, socket: str = "", pane: str = "%3") -> None:
    monkeypatch.setenv("TMUX", f"{socket or socket_dir(os.environ) / 'work'},12,0")
    monkeypatch.setenv("TMUX_PANE", pane)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["custom.x"], {"type": "custom.x", "data": {}}),
        (
            ["custom.x", "--data", "a=b=c", "--data", '{"n": 1, "o": {}}', "--data", "e="],
            {"type": "custom.x", "data": {"a": "b=c", "n": 1, "o": {}, "e": ""}},
        ),
        (
            ["custom.x", "--session", "api", "--window", "1"],
            {"type": "custom.x", "session": "api", "window": "1", "data": {}},
        ),
        (
            ["custom.x", "--pane", "api:1.0", "--server", "work"],
            {"type": "custom.x", "server": "work", "session": "api", "window": "1", "pane": "0",
             "data": {}},
        ),
        (
            ["agent.status", "--pane=%9", "--status=waiting", "--reason", "r", "--agent", "a"],
            {"type": "agent.status", "pane": "%9",
             "data": {"status": "waiting", "reason": "r", "agent_type": "a"}},
        ),
        (
            ["agent.status", "--pane", "%9", "--data", "status=busy", "--data", "source=mine"],
            {"type": "agent.status", "pane": "%9", "data": {"status": "busy", "source": "mine"}},
        ),
    ],
)  # fmt: skip
def test_what_is_told(
    server: Server, arguments: list[str], told: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["emit", *arguments]) == 0
    assert server.events == [told]
    assert capsys.readouterr() == ("", "")


def test_inside_tmux_it_is_about_its_own_pane(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside(monkeypatch)
    assert main(["emit", "custom.x"]) == 0
    assert main(["emit", "custom.x", "--nowhere"]) == 0
    assert main(["emit", "custom.x", "--session", "api"]) == 0
    places = [{k: v for k, v in one.items() if k not in ("type", "data")} for one in server.events]
    assert places == [{"server": "work", "pane": "%3"}, {}, {"session": "api"}]


def test_a_tmux_in_another_directory_is_found_by_its_path(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inside(monkeypatch)
    server.answers = [NOT_FOUND, ACCEPTED]
    assert main(["emit", "custom.x", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {**ACCEPTED, "id": 1}
    assert [one["server"] for one in server.events] == ["work", str(socket_dir() / "work")]
    server.answers = [NOT_FOUND]
    assert main(["emit", "custom.x", "--pane", "%7"]) == 1
    assert capsys.readouterr().err == "tmuxpulse: no such session, window or pane\n"
    assert len(server.events) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        ([], 2, "name what to tell"),
        (["custom.x", "--data", "{"], 2, "no JSON object"),
        (["custom.x", "--data", "{} []"], 2, "no JSON object"),
        (["custom.x", "--data", "=a"], 2, "KEY=VALUE"),
        (["custom.x", "--status", "busy"], 2, "are for agent.status"),
        (["custom.x", "--nowhere", "--pane", "%1"], 2, "not both"),
        (["agent.status"], 2, "needs --status"),
        (["agent.status", "--status", "fine"], 2, "invalid choice"),
        (["agent.status", "--status", "busy", "--nowhere"], 2, "without --nowhere"),
        (["custom.x", "--token-file", "f"], 2, "add --url"),
        (["custom.x", "--url", "ws://127.0.0.1:1/"], 3, "cannot reach"),
        (["custom.x"], 3, "start one with: tmuxpulse serve"),
    ],
)
def test_mistakes_are_one_line(
    runtime: Path, arguments: list[str], code: int, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["emit", *arguments]) == code
    said = capsys.readouterr()
    assert why in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


# --- as a hook ------------------------------------------------------------------------------


def hook(
    program: str, said: bytes, *arguments: str, seconds: float = 20.0, **more: str
) -> subprocess.CompletedProcess[bytes]:
    """Let an agent that runs in a terminal run its hook."""
    controller, terminal = os.openpty()
    name = os.ttyname(terminal)

    def begin() -> None:
        os.setsid()
        os.open(name, os.O_RDWR)  # the first that is opened is the controlling one

    agent = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"
    try:
        return subprocess.run(
            [
                *(sys.executable, "-S", "-c", agent),  # -S: no coverage of it
                *(sys.executable, "-c", PATIENT, str(seconds)),
                *("emit", "--from-hook", program, *arguments),
            ],
            env={**os.environ, **more},
            input=said,
            capture_output=True,
            timeout=DEADLINE_SECONDS,
            check=False,
            preexec_fn=begin,
        )
    finally:
        os.close(controller)
        os.close(terminal)


def test_a_hook_of_claude_code_is_told(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    inside(monkeypatch)
    said = {"hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_response": "S" * 300_000}
    done = hook("claude-code", json.dumps(said).encode())
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert server.events == [
        {
            "type": "agent.status",
            "server": "work",
            "pane": "%3",
            "data": {
                "status": "busy",
                "reason": "has used Bash",
                "agent_type": "claude",
                "source": "claude-code",
            },
        }
    ]


def test_the_notify_of_codex_is_told(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    inside(monkeypatch)
    done = hook("codex", b"", '{"type":"agent-turn-complete","input-messages":["S"]}')
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert server.events[0]["data"] == {
        "status": "ready",
        "reason": "has finished its turn",
        "agent_type": "codex",
        "source": "codex",
    }


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"no JSON",
        b"[]",
        b"\xff\xfe",
        b'{"hook_event_name": "Else"}',
        b"[" * 1_000_000,
        b'{"hook_event_name": "Stop", "x": "' + b"x" * emit.MAX_HOOK_BYTES + b'"}',
    ],
    ids=["nothing", "text", "list", "bytes", "unknown", "deep", "long"],
)
def test_what_it_does_not_understand_it_passes_over(
    server: Server, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    inside(monkeypatch)
    done = hook("claude-code", said)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert server.events == []


@pytest.mark.parametrize("answer", [NOT_FOUND, {"type": "error", "code": "FORBIDDEN"}, {"x": 1}])
def test_a_server_that_refuses_is_none_of_the_agents_business(
    server: Server, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]
) -> None:
    inside(monkeypatch)
    server.answers = [answer]
    done = hook("claude-code", b'{"hook_event_name": "Stop"}')
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_without_a_server_or_a_pane_it_is_silent(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = b'{"hook_event_name": "Stop"}'
    done = hook("claude-code", stop)  # outside tmux
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    inside(monkeypatch)
    done = hook("claude-code", stop)  # without a server
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    runtime.chmod(0o777)  # a runtime directory that is refused
    done = hook("claude-code", stop)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    runtime.chmod(0o700)
    done = hook("claude-code", stop, "-v")
    assert b"not told: cannot reach" in done.stderr


def test_it_does_not_wait_for_a_server_that_hangs(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside(monkeypatch)
    server.answers = [None]
    done = hook("claude-code", b'{"hook_event_name": "Stop"}', "-v", seconds=0.6)
    assert done.returncode == 0
    assert b"no answer in 0.6 s" in done.stderr
    assert emit.HOOK_ASK_SECONDS < emit.HOOK_SECONDS < 1


def test_it_does_not_wait_for_an_agent_that_keeps_its_input_open(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside(monkeypatch)
    command = [sys.executable, "-m", "tmuxpulse", "emit", "--from-hook", "claude-code"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.wait(DEADLINE_SECONDS) == 0


def test_an_agent_that_runs_apart_from_its_pane_tells_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside(monkeypatch)
    monkeypatch.setattr(emit, "HOOK_SECONDS", 3600.0)  # its alarm would end the tests
    monkeypatch.setattr(emit, "HOOK_ASK_SECONDS", 60.0)
    monkeypatch.setattr(emit, "agent_has_terminal", lambda: False)
    assert main(["emit", "--from-hook", "codex", '{"type":"agent-turn-complete"}']) == 0
    monkeypatch.setattr(emit, "agent_has_terminal", lambda: True)
    assert main(["emit", "--from-hook", "codex", '{"type":"agent-turn-complete"}']) == 0
    assert len(server.events) == 1
