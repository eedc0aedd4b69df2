"""A replay with a server: clients see tmux, its state and its events, and can change nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import trio
from websockets.sync.client import unix_connect

from tests.recording.made import line, tree, write
from tmuxpulse.recording.records import Record

ROOT = Path(__file__).parents[2]


def test_clients_cannot_tell_a_replay_from_life(tmp_path: Path) -> None:
    records = [Record(at=0, snapshot=tree("api")), *[line(n * 20, f"line {n}") for n in range(50)]]
    path = write(tmp_path / "a.rec", records)
    env = dict(os.environ)
    for name in ("RUNTIME", "STATE"):
        (tmp_path / name).mkdir(mode=0o700)
        env[f"TMUXPULSE_{name}_DIR"] = str(tmp_path / name)
    command = [sys.executable, "-m", "tmuxpulse", "replay", str(path), "--serve", "--speed", "2"]
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        ready = server.stdout.readline()
        socket = ready.rpartition("unix: ")[2].rstrip(")\n")
        killed = tmp_path / "RUNTIME" / "replay-1.sock"
        killed.touch()  # newer, and nobody there
        opens = [sys.executable, "-m", "tmuxpulse", "open", "--replay", "--print"]
        opened = subprocess.run(
            opens, cwd=ROOT, env=env, capture_output=True, text=True, check=True
        )
        page, _, token = opened.stdout.strip().partition("#token=")
        assert (f"ready: {page} " in ready, bool(token)) == (True, True)
        with unix_connect(socket, uri="ws://localhost/monitor") as client:

            def ask(**request: Any) -> dict[str, Any]:
                client.send(json.dumps(request | {"id": 1}))
                while True:
                    found: dict[str, Any] = json.loads(client.recv(timeout=20))
                    if found.get("id") == 1:
                        return found

            assert json.loads(client.recv())["type"] == "connection.established"
            resume = {"epoch": ask(action="snapshot")["epoch"], "seq": 0}
            assert ask(action="subscribe", resume=resume)["recovered"] is True
            seen: list[dict[str, Any]] = []
            while sum(one["type"] == "pane.output" for one in seen) < 50:
                seen.append(json.loads(client.recv(timeout=20)))
            assert [one["type"] for one in seen[:2]] == ["server.up", "session.created"]
            assert [one["seq"] for one in seen] == list(range(1, len(seen) + 1))
            state = ask(action="snapshot")["data"]
            assert state["sessions"][0]["windows"][0]["panes"][0]["last_line"] == "line 49"
            while (found := ask(action="replay"))["duration_s"] is None:
                trio.run(trio.sleep, 0.02)  # it is being measured
            assert (found["duration_s"], found["speed"], found["may_steer"]) == (0.98, 2, True)
            found = ask(action="replay", play="pause", seek_s=0.5, speed=4)
            assert (found["paused"], found["speed"]) == (True, 4)
            while (found := ask(action="replay"))["position_s"] != 0.5:
                trio.run(trio.sleep, 0.02)  # it goes there
            assert found["finished"] is False
            state = ask(action="snapshot")["data"]
            assert state["sessions"][0]["windows"][0]["panes"][0]["last_line"] == "line 24"
            assert ask(action="replay", speed=0)["code"] == "INVALID_REQUEST"
            target = {"session": "api"}
            done = ask(action="command", command="interrupt", target=target)
            assert "commands are off" in done["message"]
        server.send_signal(signal.SIGTERM)
        _, err = server.communicate(timeout=20)
    assert (server.returncode, err) == (0, "tmuxpulse: to see it: tmuxpulse open --replay\n")
