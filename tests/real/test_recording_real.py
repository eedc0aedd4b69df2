"""A real tmux with an agent-like screen, recorded and replayed: the same again, but for times."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tmuxpulse.recording.player import is_structure
from tmuxpulse.recording.reader import open_recording

ROOT = Path(__file__).parents[2]
SECONDS = float(os.environ.get("TMUXPULSE_RECORD_SECONDS", "12"))
TIMES = {"seq", "timestamp"}


class Place:
    """A tmux of the test's own, and directories for tmuxpulse."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.socket = str(directory / "tmux.sock")
        for name in ("run", "state"):
            (directory / name).mkdir(mode=0o700)
        self.env = os.environ | {
            "TMUXPULSE_RUNTIME_DIR": str(directory / "run"),
            "TMUXPULSE_STATE_DIR": str(directory / "state"),
        }

    def tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-u", "-f", "/dev/null", "-S", self.socket, *arguments],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def tmuxpulse(self, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tmuxpulse", *arguments],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            **more,
        )


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    one = Place(tmp_path)
    one.tmux("new-session", "-d", "-s", "work", "-x", "90", "-y", "24", "cat")
    yield one
    one.tmux("kill-server")


def recorded_lines(path: Path) -> list[dict[str, Any]]:
    with open_recording(path) as reader:
        found = [json.loads(bytes(one.event)) for one in reader.records() if bytes(one.event)]
        assert reader.problem == ""
    return found


def but_for_times(event: dict[str, Any]) -> str:
    return json.dumps({key: value for key, value in event.items() if key not in TIMES})


def record(place: Place, path: Path) -> None:
    command = [
        *(sys.executable, "-m", "tmuxpulse", "record", str(path), "-S", place.socket),
        *("--output", "--duration", str(SECONDS + 6)),
    ]
    with subprocess.Popen(
        command, cwd=ROOT, env=place.env, stderr=subprocess.PIPE, text=True
    ) as recorder:
        # Once it has looked, it pipes what is there; what comes from here on is an event.
        while place.tmux("display-message", "-p", "-t", "work", "#{pane_pipe}").strip() != "1":
            assert recorder.poll() is None
            time.sleep(0.05)
        time.sleep(1)
        script = str(Path(__file__).with_name("agent_like.py"))
        place.tmux("new-window", "-t", "work", "-n", "agent", sys.executable, script, str(SECONDS))
        place.tmux("split-window", "-t", "work:0", "cat")
        place.tmux("rename-session", "-t", "work", "renamed")
        _, err = recorder.communicate(timeout=SECONDS + 60)
    assert recorder.returncode == 0, err
    assert "records" in err


@pytest.mark.timeout(SECONDS * 2 + 600)
def test_a_replay_is_the_same_again_but_for_times(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "work.rec"
    record(place, path)
    recorded = recorded_lines(path)
    kinds = {one["type"] for one in recorded}
    assert {"pane.bytes", "pane.output", "session.renamed", "window.created"} <= kinds
    assert path.stat().st_mode & 0o077 == 0

    for speed, filters in (("50", ()), ("max", ("--type", "pane.bytes", "--type", "*"))):
        done = place.tmuxpulse(
            "replay", str(path), "--speed", speed, "--json", *filters, timeout=SECONDS + 60
        )
        assert done.returncode == 0, done.stderr
        replayed = [json.loads(line) for line in done.stdout.splitlines()]
        wanted = [one for one in recorded if filters or one["type"] != "pane.bytes"]
        beginning = len(replayed) - len(wanted)
        assert beginning > 0
        # What is there when it begins is told first, as of any tmux.
        assert all(is_structure(one["type"]) for one in replayed[:beginning])
        again = [but_for_times(one) for one in replayed[beginning:]]
        assert again == [but_for_times(one) for one in wanted]

    # The same file, cut off anywhere, is played as far as it is whole.
    data = path.read_bytes()
    for size in range(len(data) // 3, len(data), max(97, len(data) // 5)):
        cut = tmp_path / "cut.rec"
        cut.write_bytes(data[:size])
        with open_recording(cut) as reader:
            found = sum(1 for _ in reader.records())
            assert reader.problem
        assert found == data[:size].count(b"\n") - 1


def test_a_cast_of_one_pane_plays_in_asciinema(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "work.rec.gz"
    record(place, path)
    agent = next(
        one["pane_id"] for one in recorded_lines(path)
        if one["type"] == "pane.created" and one.get("window_name") == "agent"
    )  # fmt: skip
    out = tmp_path / "agent.cast"
    done = place.tmuxpulse(
        "export", str(path), "--format", "asciicast", "--pane", agent, "-o", str(out)
    )
    assert done.returncode == 0, done.stderr
    program = shutil.which("asciinema")
    assert program is not None, "asciinema is not installed: see tools/system-packages"
    play = f"LC_ALL=C.UTF-8 {program} play --speed 50 {out}; echo played; cat"
    place.tmux("new-window", "-t", "renamed", "-n", "cast", play)
    shown = ""
    until = time.monotonic() + 60
    while "played" not in shown and time.monotonic() < until:
        shown = place.tmux("capture-pane", "-p", "-S", "-", "-t", "renamed:cast")
        time.sleep(0.1)
    assert "● " in shown
    assert "the end" in shown
