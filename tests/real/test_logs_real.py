"""The JSON log of a whole server: every line, with every kind of visitor."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import websockets.sync.client
from websockets.exceptions import InvalidStatus

from tests.real.served import Served, place

READY = re.compile(r"tmuxpulse \S+ ready: .*")


def lines_of(served: Served) -> list[dict[str, Any]]:
    """What the server said, but for the ready line on standard output."""
    text = served.log.read_text()
    found = text[: text.rindex("\n") + 1].splitlines()  # the last one may be half written yet
    said = [line for line in found if not READY.fullmatch(line)]
    assert len(found) - len(said) == 1
    return [json.loads(line) for line in said]


def test_every_line_is_json_and_none_tells_a_secret() -> None:
    with place() as served:
        token = served.token("t")
        served.tmux("new-session", "-d", "-s", "s", "cat")
        served.serve("--log-format", "json")
        with pytest.raises(InvalidStatus):
            websockets.sync.client.connect(
                served.url, additional_headers={"Authorization": "Bearer tp_canary_wrong"}
            )
        with served.client(token) as client:
            client.ask(action="subscribe")
            served.tmux("send-keys", "-t", "s", "canary-text", "Enter")
            client.until(lambda one: "canary-text" in json.dumps(one))
        served.until(lambda: any("closed" in one["message"] for one in lines_of(served)))
        os.kill(served.pid, signal.SIGHUP)
        served.until(lambda: any("SIGHUP" in one["message"] for one in lines_of(served)))
        assert served.stop() == 0
        lines = lines_of(served)
        text = served.log.read_text()
    assert {"debug", "info"} <= {line["level"] for line in lines}
    (closed,) = [line for line in lines if line["message"].endswith("closed: 1000")]
    assert closed["code"] == 1000
    assert closed["client"].startswith("c-")
    assert closed["peer"].startswith("127.0.0.1:")
    assert any(READY.fullmatch(line["message"]) for line in lines)
    assert "canary" not in text
    assert token not in text


@pytest.mark.parametrize("how", ["flag", "file"])
def test_an_error_that_ends_it_is_json_too(how: str, tmp_path: Path) -> None:
    with place() as served:
        flags = ["--host", "0.0.0.0", "--port", "0"]
        config = tmp_path / "config.toml"
        config.write_text('[server]\nlog_format = "json"\n' if how == "file" else "")
        config.chmod(0o600)
        if how == "flag":
            flags += ["--log-format", "json"]
        ran = subprocess.run(
            [sys.executable, "-m", "tmuxpulse", "serve", "--config", str(config), *flags],
            env=served.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert ran.returncode == 2
    assert ran.stdout == ""
    (line,) = ran.stderr.splitlines()
    told = json.loads(line)
    assert told["level"] == "error"
    assert "without a certificate" in told["message"]
