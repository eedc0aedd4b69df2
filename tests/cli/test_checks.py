"""What `doctor` finds out, one thing at a time."""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path

import pytest

from tmuxpulse.cli.checks import (
    Check,
    check_cache_dir,
    check_leftovers,
    check_locale,
    check_native,
    check_port,
    check_python,
    check_runtime_dir,
    check_tmux,
)
from tmuxpulse.cli.doctor import report


def fake_tmux(folder: Path, answer: str) -> dict[str, str]:
    program = folder / "tmux"
    program.write_text(f"#!/bin/sh\n{answer}\n")
    program.chmod(0o755)
    return {"TMUXPULSE_TMUX": str(program)}


def test_python() -> None:
    assert check_python().level == "ok"
    assert check_python((3, 9)).level == "fail"


def test_native() -> None:
    assert check_native().level == "ok"


@pytest.mark.parametrize(
    ("encoding", "level"), [("UTF-8", "ok"), ("utf8", "ok"), ("ASCII", "warn")]
)
def test_locale(encoding: str, level: str) -> None:
    assert check_locale(encoding).level == level


@pytest.mark.parametrize(
    ("answer", "level", "text"),
    [
        ("echo tmux 3.3a", "ok", "3.3a at"),
        ("echo tmux next-3.5", "ok", "next-3.5"),
        ("echo tmux 2.9", "warn", "slower"),
        ("exit 1", "fail", "does not run"),
    ],
)
def test_tmux(tmp_path: Path, answer: str, level: str, text: str) -> None:
    check = check_tmux(fake_tmux(tmp_path, answer))
    assert check.level == level
    assert text in check.text
    assert bool(check.remedy) == (level != "ok")


def test_no_tmux(tmp_path: Path) -> None:
    check = check_tmux({"PATH": str(tmp_path)})
    assert check.level == "fail"
    assert "install tmux" in check.remedy


def test_runtime_dir(tmp_path: Path) -> None:
    good = check_runtime_dir({"TMUXPULSE_RUNTIME_DIR": str(tmp_path / "r")})
    assert (good.level, good.text) == ("ok", str(tmp_path / "r"))
    assert list((tmp_path / "r").iterdir()) == []


@pytest.mark.parametrize("name", ["a b", "x" * 120])
def test_a_runtime_dir_that_does_not_fit(tmp_path: Path, name: str) -> None:
    check = check_runtime_dir({"TMUXPULSE_RUNTIME_DIR": str(tmp_path / name)})
    assert check.level == "fail"
    assert "TMUXPULSE_RUNTIME_DIR" in check.remedy


def test_a_runtime_dir_that_others_can_enter(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r").chmod(0o755)
    assert check_runtime_dir({"TMUXPULSE_RUNTIME_DIR": str(tmp_path / "r")}).level == "fail"


def test_leftovers(tmp_path: Path) -> None:
    assert check_leftovers(tmp_path).level == "ok"
    pipes = tmp_path / "pipes" / "1-ab"
    pipes.mkdir(parents=True)
    with (pipes / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert check_leftovers(tmp_path).level == "ok", "its run lives"
    assert check_leftovers(tmp_path).level == "warn"
    assert str(pipes) in check_leftovers(tmp_path).text


def test_cache_dir(tmp_path: Path) -> None:
    environ = {"TMUXPULSE_CACHE_DIR": str(tmp_path / "c")}
    assert "not there" in check_cache_dir(environ).text
    (tmp_path / "c").mkdir(mode=0o700)
    assert check_cache_dir(environ).level == "ok"
    (tmp_path / "c").chmod(0o777)
    assert check_cache_dir(environ).level == "warn"
    (tmp_path / "c").rmdir()
    (tmp_path / "c").write_text("")
    assert check_cache_dir(environ).level == "warn"
    assert check_cache_dir({"XDG_CACHE_HOME": "/x"}).text.startswith("/x/tmuxpulse")


def test_port() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert check_port(port, server_runs=False).level == "warn"
        assert check_port(port, server_runs=True).level == "ok"
    assert check_port(0, server_runs=False).text == "free"


def test_a_report_has_a_line_for_each_check_and_each_remedy() -> None:
    checks = [
        Check(name="a", level="ok", text="fine"),
        Check(name="bcd", level="fail", text="\x1b[2J", remedy="mend it"),
    ]
    rows = report(checks, colour=False)
    assert rows == ["ok    a    fine", "fail  bcd  ␛[2J", "           → mend it"]
    assert "\x1b[1;31mfail\x1b[0m" in report(checks, colour=True)[1]


def test_checks_leave_no_descriptor(tmp_path: Path) -> None:
    before = set(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else set()
    check_leftovers(tmp_path)
    check_port(0, server_runs=False)
    after = set(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else set()
    assert before == after
