"""`tmuxpulse run`: a server beside a command, for as long as that runs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

DEADLINE_SECONDS = 60
TMUXPULSE = [sys.executable, "-m", "tmuxpulse"]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "config.toml").touch()
    return {
        **os.environ,
        "TMUXPULSE_RUNTIME_DIR": str(tmp_path / "run"),
        "TMUXPULSE_STATE_DIR": str(tmp_path / "state"),
        "TMUXPULSE_CONFIG": str(tmp_path / "config.toml"),
        "PYTHON": sys.executable,
    }


def run(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TMUXPULSE, "run", "-S", f"{environ['TMUXPULSE_RUNTIME_DIR']}/tmux", *arguments],
        env=environ,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


def test_the_server_is_there_for_the_command_and_goes_with_it(environ: dict[str, str]) -> None:
    script = '"$PYTHON" -m tmuxpulse emit custom.far --json && echo "$TMUXPULSE_URL"; exit 7'
    done = run(environ, "--", "sh", "-c", script)
    assert done.returncode == 7, done.stderr
    assert '"emit.accepted"' in done.stdout
    assert "http://127.0.0.1:" in done.stdout
    assert list(Path(environ["TMUXPULSE_RUNTIME_DIR"]).glob("*.sock")) == []


def test_a_server_that_runs_is_used_and_stays(environ: dict[str, str]) -> None:
    inner = '"$PYTHON" -m tmuxpulse emit custom.far'
    script = (
        f'"$PYTHON" -m tmuxpulse run -- sh -c \'{inner}\' && "$PYTHON" -m tmuxpulse emit custom.b'
    )
    done = run(environ, "--", "sh", "-c", script)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["true"], 0),
        (["sh", "-c", "kill -9 $$"], 137),
        (["/no/such/command"], 127),
        (["/etc/hostname"], 126),
    ],
)
def test_the_exit_code_is_the_commands(
    environ: dict[str, str], command: list[str], code: int
) -> None:
    assert run(environ, "--", *command).returncode == code


def test_a_server_that_cannot_start_does_not_stop_the_command(environ: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run(environ, "--port", port, "--", "sh", "-c", "echo ran; exit 3")
    assert (done.returncode, done.stdout) == (3, "ran\n")
    assert f"no server runs beside the command: port {port}" in done.stderr


def test_a_wrong_setting_is_said_before_anything_runs(environ: dict[str, str]) -> None:
    Path(environ["TMUXPULSE_CONFIG"]).write_text("[server]\nporto = 1\n")
    done = run(environ, "--", "echo", "ran")
    assert (done.returncode, done.stdout) == (2, "")
    assert run(environ).returncode == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_are_passed_on(environ: dict[str, str], number: signal.Signals) -> None:
    name = number.name.removeprefix("SIG")
    script = f"trap 'echo {name}; exit 9' {name}; echo began; while :; do sleep 0.05; done"
    process = subprocess.Popen(
        [*TMUXPULSE, "run", "-S", f"{environ['TMUXPULSE_RUNTIME_DIR']}/tmux", "--", "sh", "-c",
         script],
        env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "began\n"
        process.send_signal(number)
        out, _ = process.communicate(timeout=DEADLINE_SECONDS)
        assert (out, process.returncode) == (f"{name}\n", 9)
    finally:
        process.kill()
        process.wait()
