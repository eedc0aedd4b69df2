"""`tmuxpulse send`: what the server is asked to type, and what is said when it does not."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.server import ServerConnection, unix_serve
from websockets.typing import Subprotocol

from tmuxpulse.cli import send
from tmuxpulse.cli.main import main
from tmuxpulse.client.brief import SUBPROTOCOL

DONE = {"type": "batch.result", "results": [{"ok": True, "output": "", "error": None}]}
NOT_FOUND = {"type": "error", "code": "NOT_FOUND", "message": "no such session, window or pane"}
FORBIDDEN = {"type": "error", "code": "FORBIDDEN", "message": "needs `write`: commands are off"}
FAILED = {
    "type": "batch.result",
    "results": [{"ok": True, "error": None}, {"ok": False, "error": "the pane is gone"}],
}


class Server:
    """Takes the place of tmuxpulse's server.

    Attributes:
        heard: the requests.
        answers: to them, in order; the last one again and again.
    """

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.answers: list[dict[str, Any]] = [DONE]

    def handle(self, connection: ServerConnection) -> None:
        connection.send('{"type": "connection.established"}')
        request = json.loads(connection.recv())
        self.heard.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        connection.send(json.dumps({**answer, "id": request["id"]}))


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("TMUXPULSE_RUNTIME_DIR", str(folder))
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
            listener.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("arguments", "commands"),
    [
        (["a b", "c"], [{"command": "send-text", "text": "a b c"}]),
        (["x", "--enter"], [{"command": "send-text", "text": "x", "enter": True}]),
        (["--enter"], [{"command": "send-keys", "keys": ["Enter"]}]),
        (["--key", "C-c", "--key", "Up"], [{"command": "send-keys", "keys": ["C-c", "Up"]}]),
        (
            ["x", "--key", "Tab", "--enter"],
            [
                {"command": "send-text", "text": "x"},
                {"command": "send-keys", "keys": ["Tab", "Enter"]},
            ],
        ),
        (["--", "--enter"], [{"command": "send-text", "text": "--enter"}]),
    ],
)
def test_what_is_typed(server: Server, arguments: list[str], commands: list[Any]) -> None:
    assert main(["send", "%3", *arguments]) == 0
    (request,) = server.heard
    assert request["action"] == "batch"
    assert request["commands"] == [{**one, "target": {"pane": "%3"}} for one in commands]
    assert request["key"]


def test_standard_input_is_typed_as_it_is(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "ü\nline\n" + "x" * 20_000
    stdin = io.TextIOWrapper(io.BytesIO(text.encode()))
    monkeypatch.setattr("sys.stdin", stdin)
    assert main(["send", "a:1.0", "-"]) == 0
    typed = [one["text"] for one in server.heard[0]["commands"]]
    assert "".join(typed) == text
    assert max(map(len, typed)) <= send.MAX_TEXT_CHARACTERS
    assert server.heard[0]["commands"][0]["target"] == {"session": "a", "window": 1, "pane": 0}


def test_a_name_is_a_session_or_a_window(server: Server) -> None:
    server.answers = [NOT_FOUND, DONE]
    assert main(["send", "build", "x", "--server", "work"]) == 0
    targets = [one["commands"][0]["target"] for one in server.heard]
    assert targets == [
        {"session": "build", "server": "work"},
        {"window": "build", "server": "work"},
    ]
    assert server.heard[0]["key"] == server.heard[1]["key"]


def test_a_name_of_ones_own_makes_it_happen_once(server: Server) -> None:
    for _ in range(2):
        assert main(["send", "%3", "x", "--once", "deploy-7"]) == 0
    assert [one["key"] for one in server.heard] == ["deploy-7"] * 2
    assert main(["send", "%3", "x"]) == main(["send", "%3", "x"]) == 0
    assert server.heard[2]["key"] != server.heard[3]["key"]


def test_json_is_the_servers_answer(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["send", "%3", "x", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {**DONE, "id": 1}


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        (FAILED, 1, "it was not typed: the pane is gone"),
        (NOT_FOUND, 1, "tmuxpulse ls lists them"),
        (FORBIDDEN, 4, "commands are off; see tmuxpulse send --help"),
    ],
)
def test_what_is_said_when_it_is_not_typed(
    server: Server, answer: Any, code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers = [answer]
    assert main(["send", "%3", "x"]) == code
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["%3"], 2, "nothing to type"),
        (["%3", ""], 2, "nothing to type"),
        (["a.b", "x"], 2, "is no pane"),
        (["%3", "\udcff"], 2, "UTF-8"),
        (["%3", "x" * 70_000], 2, "too long"),
        (["%3", "x", "--token-file", "f"], 2, "add --url"),
        (["%3", "x"], 3, "start one with: tmuxpulse serve"),
        (["%3", "x", "--url", "ws://127.0.0.1:1/"], 3, "cannot reach"),
    ],
)
def test_mistakes_are_one_line(
    runtime: Path, arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert runtime.exists()
    assert main(["send", *arguments]) == code
    said = capsys.readouterr()
    assert says in said.err
    assert said.err.count("\n") == 1
