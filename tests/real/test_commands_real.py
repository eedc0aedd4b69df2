"""Commands over the wire to a real tmux: what is granted is done once, and the rest is not."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.real.served import Served, place

TYPED = "tell 'nobody' $(id) #{pid} ; kill-server"


@pytest.fixture
def served() -> Iterator[Served]:
    with place() as one:
        for name in ("api-1", "web"):
            one.tmux("new-session", "-d", "-s", name, "-x", "120", "-y", "30", "-n", "w", "cat")
        yield one


def screen(served: Served, target: str) -> str:
    return served.tmux("capture-pane", "-p", "-t", target)


def test_a_token_with_write_commands_panes(served: Served) -> None:
    token = served.token("writer", "--scope", "read", "--scope", "output", "--scope", "write")
    served.serve("--write", "local")
    with served.client(token) as client:
        client.ask(action="subscribe", snapshot=True)

        def command(command: str, /, **fields: object) -> dict[str, object]:
            return client.ask(action="command", command=command, **fields)

        api = {"session": "api-1"}
        assert command("send-text", target=api, text=TYPED, enter=True)["ok"] is True
        served.until(lambda: screen(served, "api-1").count(TYPED) == 2)  # typed, and answered
        captured = command("capture", target=api)
        assert TYPED in str(captured["output"])
        pane = client.ask(action="snapshot", target={**api, "pane": 0})
        shown = pane["data"]["sessions"][0]["windows"][0]["panes"][0]
        assert TYPED in "\n".join(shown["screen"])
        status = command("status", target=api)["output"]
        assert isinstance(status, dict)
        assert (status["active"], status["width"]) == (True, 120)

        # Names that tmux would expand arrive as they are.
        hostile = "#(touch pwned) #{pid} %H"
        assert command("rename", target={**api, "window": 0}, name=hostile)["ok"] is True
        served.until(lambda: served.tmux("display", "-p", "-t", "api-1", "#W") == hostile)
        assert not list(served.folder.rglob("pwned"))

        made = command("new-window", target=api, name="made")
        session_id, window_id, pane_id = str(made["output"]).split()
        assert served.tmux("display", "-p", "-t", window_id, "#W") == "made"
        # The answer before waited a second at most for the state to have that pane.
        shown = served.until(
            lambda: client.ask(action="snapshot", target={"pane": pane_id})["type"] != "error"
        )
        assert shown
        split = command("split", target={"pane": pane_id}, direction="right")
        assert str(split["output"]).startswith(f"{session_id} {window_id} %")
        assert command("select", target={**api, "window": 0})["ok"] is True

        # Once per key, whoever asks again and however.
        request = {"target": {"pane": status["id"]}, "text": "only-once\n", "key": "k-1"}
        first = command("send-text", **request)
        again = command("send-text", **request)
        assert (first["ok"], again["ok"]) == (True, True)
        served.until(lambda: screen(served, "api-1:0").count("only-once") == 2)
        changed = client.ask(
            action="command", command="send-text", **{**request, "text": "another"}
        )
        assert (changed["type"], changed["code"]) == ("error", "INVALID_REQUEST")

        # A batch is in order, and ends where it fails.
        results = client.ask(
            action="batch",
            commands=[
                {"command": "send-text", "target": api, "text": "one", "enter": True},
                {"command": "send-keys", "target": api, "keys": ["t", "w", "o", "Enter"]},
                {"command": "kill-pane", "target": {"pane": pane_id}},
                {"command": "send-text", "target": {"pane": pane_id}, "text": "late"},
                {"command": "send-text", "target": api, "text": "never"},
            ],
        )["results"]
        assert [one["ok"] for one in results] == [True, True, True, False, False]
        served.until(lambda: screen(served, "api-1:0").count("two") == 2)  # typed, and answered
        assert "never" not in screen(served, "api-1:0")
        assert command("interrupt", target={"session": "web"})["ok"] is True
        served.until(lambda: "web" not in served.tmux("list-sessions"))
    assert served.stop() == 0
    audit = served.run("audit", "show", "--json").stdout
    assert audit.count('"command"') >= 10
    for secret in ("nobody", "only-once", "touch pwned"):
        assert secret not in audit
        assert secret not in served.log.read_text()
    assert served.run("audit", "verify").returncode == 0


COLOURED = (
    r"\033[1;31mred\033[0m plain \033[38;2;1;2;3;48;5;200mtrue \033[0m\n"
    r"\033[7mreverse\n goes on\033[0m\n\033(0lqk\033(B 日本\033[4;96m語\033[m\n"
    r"\033]8;;http://example.org/\033\\link\033]8;;\033\\ "
)


def test_a_screen_comes_in_colour_and_watching_it_is_two_entries_of_the_log(served: Served) -> None:
    served.tmux(
        "new-session", "-d", "-s", "art", "-x", "60", "-y", "8", f"printf '{COLOURED}'; exec cat"
    )
    served.until(lambda: "link" in screen(served, "art"))
    token = served.token("viewer", "--scope", "read", "--scope", "output")
    served.serve()
    with served.client(token) as client:
        for _ in range(5):
            reply = client.ask(
                action="snapshot", styled=True, target={"session": "art", "window": 0, "pane": 0}
            )
        captured = client.ask(
            action="command", command="capture", styled=True, target={"session": "art"}
        )
    pane = reply["data"]["sessions"][0]["windows"][0]["panes"][0]
    assert pane["screen"] == [
        "red plain true",
        "reverse",
        " goes on",
        "┌─┐ 日本語",
        "link",
        *[""] * 3,
    ]
    assert pane["styles"] == [
        [[0, 3, {"fg": 1, "bold": True}], [10, 5, {"fg": "#010203", "bg": 200}]],
        [[0, 7, {"reverse": True}]],
        [[0, 8, {"reverse": True}]],
        [[6, 1, {"fg": 14, "underline": True}]],
        [], [], [], [],
    ]  # fmt: skip
    assert (pane["width"], pane["height"]) == (60, 8)
    assert pane["cursor"] == {"row": 4, "column": 5, "visible": True}
    # The text is what tmux itself gives as plain text, but for the line drawing.
    assert "\n".join(pane["screen"]).replace("┌─┐", "lqk").rstrip() == screen(served, "art")
    output = captured["output"]
    assert isinstance(output, dict)
    assert (output["rows"], output["styles"]) == (pane["screen"], pane["styles"])
    assert (output["above"], output["width"], output["height"]) == (0, 60, 8)
    assert served.stop() == 0
    shown = served.run("audit", "show", "--json", "--action", "command*").stdout
    looks = [json.loads(line) for line in shown.splitlines()]
    assert [(line["action"], line["command"], line.get("count")) for line in looks] == [
        ("command", "capture", None),
        ("command.repeated", "capture", 5),
    ]


def test_what_is_not_granted_is_not_done(served: Served) -> None:
    """By the token, by the settings, by the sessions; and a reload changes what holds."""
    config = served.folder / "config.toml"
    config.write_text("")
    config.chmod(0o600)
    reader = served.token("reader")
    writer = served.token(
        "writer", "--scope", "read", "--scope", "output", "--scope", "write", "--session", "api-*"
    )
    served.serve("--config", str(config))
    interrupt = {"action": "command", "command": "interrupt", "target": {"session": "api-1"}}

    def refusal(
        token: str | None, request: Mapping[str, object], url: str = ""
    ) -> dict[str, object]:
        with served.client(token, url=url) as client:
            answer = client.ask(**request)
            assert answer["type"] == "error"
            return answer

    assert "commands are off" in str(refusal(writer, interrupt)["message"])
    assert "does not grant" in str(refusal(reader, interrupt)["message"])
    config.write_text('[server]\nwrite = "local"\n')
    os.kill(served.pid, signal.SIGHUP)
    served.until(lambda: "were read again" in served.log.read_text())
    with served.client(writer) as client:
        assert client.ask(**interrupt)["ok"] is True
        for target in ({"session": "web"}, {"pane": "%1"}, {"window": "@1"}):
            answer = client.ask(**{**interrupt, "target": target})
            assert (answer["code"], answer["message"]) == (
                "NOT_FOUND",
                "no such session, window or pane",
            )
        snapshot = client.ask(action="snapshot")
        names = [one["name"] for one in snapshot["data"]["sessions"]]
        assert "web" not in names
    assert refusal(reader, interrupt)["code"] == "FORBIDDEN"

    # A file with a mistake changes nothing.
    config.write_text("[server]\nwrit = 1\n")
    os.kill(served.pid, signal.SIGHUP)
    served.until(lambda: "nothing was changed" in served.log.read_text())
    with served.client(writer) as client:
        assert "write" in client.ask(action="auth", token=writer)["permissions"]
    assert screen(served, "web") == ""
    assert served.stop() == 0


def test_the_owners_socket_needs_no_token_but_writes_only_if_set(served: Served) -> None:
    import socket

    served.serve()
    path = Path(served.env["TMUXPULSE_RUNTIME_DIR"]) / "tmuxpulse.sock"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    listed = served.run("ls", "--json").stdout
    assert "api-1" in listed
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(str(path))
        raw.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nOrigin: http://127.0.0.1:8765\r\n\r\n")
        assert raw.recv(4096).startswith(b"HTTP/1.1 403")  # no browser belongs there
