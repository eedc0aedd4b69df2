"""Canaries: a token and some secrets that must not be found anywhere they do not belong."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.real.served import Client, Served, place

SECRETS = {
    "aws": ("", "AKIA", "Q3EGRIQZ7XWVPL2M"),
    "github": ("remote: ", "ghp_", "x7Kp2mQ9vR4tY8wZ1aB5cD3eF6gH0iJ2kL4m"),
    "password": ("mysql ", "password=", "correct-horse-battery"),
    "bearer": ("> ", "Authorization: Bearer ", "b3BlbnNlc2FtZTpvcGVuc2VzYW1l"),
    "url": ("clone ", "https://user:", "s3cr3t-0f-th3-user@example.org/repo.git"),
}


@pytest.fixture
def served() -> Iterator[Served]:
    with place() as one:
        one.tmux("new-session", "-d", "-s", "work", "-x", "200", "-y", "50", "cat >/dev/null")
        yield one


def files_of(served: Served) -> Iterator[tuple[Path, bytes]]:
    """Every file that the run has written: log, audit, tokens."""
    for path in served.folder.rglob("*"):
        if path.is_file():
            yield path, path.read_bytes()


def command_lines() -> str:
    return "\n".join(
        " ".join(one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"])
    )


def test_a_canary_token_is_found_nowhere(served: Served) -> None:
    token = served.token("canary", "--scope", "read", "--scope", "output")
    wrong = token[:-1] + ("a" if token[-1] != "a" else "b")
    secret = token.rpartition("_")[2]
    secrets = (secret, wrong.rpartition("_")[2])
    served.serve()
    seen = ""
    with served.client(token) as client:
        assert client.greeting["auth"]["required"] is False
        client.ask(action="subscribe", snapshot=True)
        client.ask(action="auth", token=token)
        client.ask(action="auth", token=wrong)
        client.ask(action="auth", token=token, extra=token)
        client.ask(action="subscribe", filters={"types": [token]})
        seen += str(client.seen)
        lines = command_lines()
    with served.client() as client:
        client.say(action="auth", token=wrong)
        with pytest.raises(ConnectionClosed):
            client.until(lambda _: False)
        seen += str([one for one in client.seen if "filters" not in one])
    with pytest.raises(InvalidStatus), served.client(wrong):
        pass
    with served.client(token) as client:
        assert served.run("token", "revoke", "canary").returncode == 0
        with pytest.raises(ConnectionClosed) as closed:
            client.until(lambda _: False)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4503
    with pytest.raises(InvalidStatus, match="401"), served.client(token):
        pass
    listed = served.run("token", "list").stdout + served.run("audit", "show").stdout
    bad = served.run("token", "revoke", token, check=False)
    assert bad.returncode != 0
    assert served.stop() == 0
    found = [
        str(path) for path, held in files_of(served) if any(s.encode() in held for s in secrets)
    ]
    assert found == []
    told = seen.replace(f"'types': ['{token}']", "")  # its own filter comes back to it alone
    for where in (told, listed, lines, bad.stdout, bad.stderr):
        assert not any(one in where for one in secrets)
    assert (served.state / "tokens.json").stat().st_mode & 0o777 == 0o600
    audit = served.run("audit", "show", "--json").stdout
    for action in ("token.created", "login.accepted", "login.failed", "token.revoked"):
        assert action in audit


def test_canary_secrets_split_at_every_byte_are_found_nowhere(served: Served) -> None:
    token = served.token("reader")
    served.serve()
    tty = os.open(served.tmux("display-message", "-p", "-t", "work", "#{pane_tty}"), os.O_WRONLY)
    with served.client(token) as client:
        client.ask(action="subscribe", snapshot=True)
        number = 0
        for name, (before, lead, secret) in SECRETS.items():
            whole = f"{before}{lead}{secret}"
            for at in range(1, len(whole)):
                number += 1
                os.write(tty, f"<{number}> {whole[:at]}".encode())
                _shown(client, f"<{number}>", finished=False)
                os.write(tty, f"{whole[at:]} </{number}>\r\n".encode())
                line = _shown(client, f"</{number}>", finished=True)
                assert secret not in line, name
        os.close(tty)
        client.ask(action="snapshot")
        client.ask(action="snapshot", target={"session": "work", "pane": 0})
        seen = client.seen
    with served.client(token) as later:
        later.ask(action="subscribe", last=20_000)
        kept = later.until(lambda one: one["type"] == "pane.output")
        later.until(lambda one: f"</{number}>" in str(one))
        assert kept["seq"] < later.seen[-1]["seq"]
        history = later.seen
    assert served.stop() == 0
    files = "\n".join(held.decode("utf-8", "replace") for _, held in files_of(served))
    for name, (_, _, secret) in SECRETS.items():
        body = re.split(r"[@/]", secret)[0]
        for length in (len(body), len(body) // 2, 5):
            part = body[:length]
            for where in (str(seen), str(history), files):
                assert part not in where, f"{name}: {part}"
    outputs = [one for one in seen if one["type"] == "pane.output"]
    assert sum(one["data"]["redacted"] for one in outputs) >= number


def _shown(client: Client, text: str, *, finished: bool) -> str:
    """Read on until a line, finished or not, holds a text; give it."""

    def line_in(one: dict[str, Any]) -> str:
        if one["type"] != "pane.output":
            return ""
        lines = one["data"]["lines"] if finished else [one["data"]["partial"]]
        return str(next((line for line in lines if text in line), ""))

    return line_in(client.until(line_in))
