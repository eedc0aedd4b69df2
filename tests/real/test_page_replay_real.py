"""The page of a server that replays a recording: a bar steers it, for who may."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.recording.made import event, line, tree, write
from tests.web.browsing import ROOT, WAIT_SECONDS, browser_environment, drive
from tmuxpulse.events import AgentStatus
from tmuxpulse.recording.records import Record

SECONDS = 100  # of the recording
STATUS = AgentStatus(
    status="waiting", previous="busy", reason="asks", evidence="Go on?",
    since="2020-01-01T00:00:00.000Z",
)  # fmt: skip


@pytest.fixture
def seen(tmp_path: Path) -> dict[str, Any]:
    """What a browser saw; `replay.js` tells it."""
    lines: list[Record] = [line(n * 1000, f"line {n}") for n in range(SECONDS)]
    records = [Record(at=0, snapshot=tree("api")), *lines, event(SECONDS * 1000, STATUS)]
    records.insert(76, event(74_500, STATUS))
    recording = write(tmp_path / "a.rec", records)
    env = dict(os.environ)
    for name in ("RUNTIME", "STATE"):
        (tmp_path / name).mkdir(mode=0o700)
        env[f"TMUXPULSE_{name}_DIR"] = str(tmp_path / name)

    def run(*words: str) -> str:
        command = [sys.executable, "-m", "tmuxpulse", *words]
        return subprocess.run(
            command, env=env, cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout

    may_not = json.loads(run("token", "create", "reader", "--json"))["token"]
    scopes = [part for scope in ("read", "output", "write") for part in ("--scope", scope)]
    may = json.loads(run("token", "create", "steerer", *scopes, "--json"))["token"]
    command = [sys.executable, "-m", "tmuxpulse", "replay", str(recording), "--serve"]
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split(" ready: ")[1].split(" ")[0].strip()
        try:
            settings = {"steerer": f"{url}#token={may}", "reader": f"{url}#token={may_not}"}
            with drive(browser_environment(), "replay.js") as page:
                try:
                    out, errors = page.communicate(json.dumps(settings), timeout=WAIT_SECONDS * 4)
                finally:
                    page.kill()
            assert page.returncode == 0, errors
        finally:
            server.send_signal(signal.SIGTERM)
            _, said = server.communicate(timeout=WAIT_SECONDS)
    assert said == "tmuxpulse: to see it: tmuxpulse open --replay\n"
    return dict(json.loads(out))


def test_a_replay_is_steered_from_the_page(seen: dict[str, Any]) -> None:
    assert seen["errors"] == []
    position, duration = seen["paused"]
    assert 0 < position < SECONDS
    assert duration == SECONDS
    assert seen["waiting_then"] != "waiting"
    assert seen["question"] == "Go on?"
    assert seen["age"] in {f"waiting {seconds} s" for seconds in range(30)}
    assert seen["again"] == "Again"
    assert seen["axe"] == []
    assert seen["phone"] == 0
    assert seen["reader"] == [True, True, True]
    assert "may only look" in seen["reader_state"]
