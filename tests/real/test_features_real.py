"""A real server with everything off that can be, and the same server after SIGHUP."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.real.served import Served, place
from tmuxpulse.config.features import FEATURES, why_off

NAMES = [name for name, setting in FEATURES.items() if setting.startswith("features.")]


@pytest.fixture
def served() -> Iterator[Served]:
    with place() as found:
        yield found


def write_settings(served: Served, *off: str) -> None:
    folder = served.folder / "config" / "tmuxpulse"
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{name} = false\n" for name in off)
    file = folder / "config.toml"
    file.write_text(f"[features]\n{lines}")
    file.chmod(0o600)


def page(served: Served) -> tuple[int, str]:
    parts = urlsplit(served.url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_each_part_is_off_and_comes_back(served: Served) -> None:
    served.tmux("new-session", "-d", "-s", "a", "-x", "80", "-y", "24", "cat")
    token = served.token("t", "--scope", "read", "--scope", "output", "--scope", "emit")
    write_settings(served, *NAMES)
    served.serve()
    target = {"session": "a", "window": 0, "pane": 0}
    capture = {"command": "capture", "target": target}
    emitted = {"type": "custom.x"}
    with served.client(token) as client:
        assert {name for name, on in client.greeting["features"].items() if not on} >= set(NAMES)
        for feature, asked in (
            ("commands", {"action": "command", **capture}),
            ("emit", {"action": "emit", "event": emitted}),
            ("status", {"action": "explain", "target": target}),
            ("recording", {"action": "subscribe", "filters": {"types": ["pane.bytes"]}}),
            ("stats", {"action": "subscribe", "filters": {"types": ["system.stats"]}}),
        ):
            answer = client.ask(**asked)
            assert (answer["code"], answer["message"]) == ("UNAVAILABLE", why_off(feature))
        assert page(served) == (404, f"{why_off('page')}\n")
        for command, feature in (
            (("emit", "custom.x"), "emit"),
            (("explain", "a:0.0"), "status"),
            (("open", "--print"), "page"),
            (("record", str(served.folder / "r")), "recording"),
            (("wait", "--pane", "a", "status == ready or idle 99s", "--timeout", "60s"), "status"),
        ):
            said = served.run(*command, check=False)
            assert said.returncode != 0
            assert why_off(feature) in said.stderr
        served.run("wait", "--pane", "a", "exists and command == sh", "--timeout", "60s")
        report = json.loads(served.run("doctor", "--json", check=False).stdout)
        (features,) = [one for one in report["checks"] if one["name"] == "its features"]
        off = features["text"].partition("off: ")[2].split(", ")
        assert set(off) >= set(NAMES)
        write_settings(served, "status", "stats")
        os.kill(served.pid, signal.SIGHUP)
        served.until(lambda: page(served)[0] == 200)
        assert client.ask(action="emit", event=emitted)["type"] == "emit.accepted"
        assert client.ask(action="command", **capture)["ok"] is True
        assert client.ask(action="explain", target=target)["code"] == "UNAVAILABLE"
        assert "UNAVAILABLE" not in json.dumps(
            client.ask(action="subscribe", filters={"types": ["pane.bytes"]})
        )


def test_without_a_server_what_is_off_is_off_too(served: Served) -> None:
    served.tmux("new-session", "-d", "-s", "a", "-x", "80", "-y", "24", "cat")
    write_settings(served, *NAMES)
    here = ("-S", str(served.folder / "s"))
    for command in (("explain", "a:0.0"), ("wait", "--pane", "a", "status == ready")):
        said = served.run(*command, *here, check=False)
        assert (said.returncode != 0, why_off("status") in said.stderr) == (True, True)
    asked = json.dumps({"action": "emit", "id": 1, "event": {"type": "custom.x"}})
    done = subprocess.run(
        [sys.executable, "-m", "tmuxpulse", "pipe", *here],
        input=f"{asked}\n",
        env=served.env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    answer = next(one for one in map(json.loads, done.stdout.splitlines()) if one.get("id") == 1)
    assert (answer["code"], answer["message"]) == ("UNAVAILABLE", why_off("emit"))
