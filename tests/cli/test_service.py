"""`tmuxpulse service`: the units, and what the service manager is told."""

from __future__ import annotations

import json
import os
import plistlib
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.programs import program
from tmuxpulse.cli.main import main
from tmuxpulse.cli.units import launchd_plist, systemd_service, systemd_socket, systemd_word

# A manager that notes what it is told, and says what it is made to.
MANAGER = """#!/bin/sh
echo "$0 $*" >> {log}
case "$*" in *is-active*) echo active;; *"{fails}"*) echo "it cannot be" >&2; exit 5;; esac
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("TMUXPULSE_STATE_DIR", str(tmp_path / "state"))
    return tmp_path


def manager(home: Path, monkeypatch: pytest.MonkeyPatch, name: str, fails: str = "no such") -> Path:
    """Put a service manager on the path; gives the file of what it was told."""
    told = home / "told"
    program = home / "bin" / name
    program.parent.mkdir(exist_ok=True)
    program.write_text(MANAGER.format(log=told, fails=fails))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return told


def commands(told: Path) -> list[str]:
    return [line.partition("bin/")[2] for line in told.read_text().splitlines()]


def test_it_is_installed_and_removed(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = manager(home, monkeypatch, "systemctl")
    folder = home / ".config" / "systemd" / "user"
    assert main(["service", "install", "--manager", "systemd", "--serve-args", "-L work"]) == 0
    unit = (folder / "tmuxpulse.service").read_text()
    assert "Type=notify" in unit
    assert "\nExecStart=" in unit
    assert " serve -L work\n" in unit
    capsys.readouterr()
    assert (
        main(["service", "status", "--manager", "systemd", "--json", "--serve-args", "-L work"])
        == 0
    )
    state = json.loads(capsys.readouterr().out)
    assert state["active"] == "active"
    assert state["files"][str(folder / "tmuxpulse.service")] == "installed"
    assert main(["service", "status", "--manager", "systemd"]) == 0
    assert capsys.readouterr().out.startswith("outdated")
    assert main(["service", "install", "--manager", "systemd", "--socket"]) == 0
    assert main(["service", "remove", "--manager", "systemd"]) == 0
    assert list(folder.iterdir()) == []
    assert commands(told) == [
        "systemctl --user daemon-reload",
        "systemctl --user enable tmuxpulse.service",
        "systemctl --user restart tmuxpulse.service",
        "systemctl --user is-active tmuxpulse.service",
        "systemctl --user is-active tmuxpulse.service",
        "systemctl --user daemon-reload",
        "systemctl --user disable --now tmuxpulse.service",
        "systemctl --user enable tmuxpulse.socket",
        "systemctl --user restart tmuxpulse.socket",
        "systemctl --user disable --now tmuxpulse.socket tmuxpulse.service",
        "systemctl --user daemon-reload",
    ]
    assert main(["service", "remove", "--manager", "systemd"]) == 0
    assert "there is no service" in capsys.readouterr().err


def test_without_the_socket_that_was_installed_before_systemd_listens_no_more(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = manager(home, monkeypatch, "systemctl")
    folder = home / ".config" / "systemd" / "user"
    assert main(["service", "install", "--manager", "systemd", "--socket"]) == 0
    told.unlink()
    assert main(["service", "install", "--manager", "systemd"]) == 0
    assert [file.name for file in folder.iterdir()] == ["tmuxpulse.service"]
    assert commands(told) == [
        "systemctl --user daemon-reload",
        "systemctl --user disable --now tmuxpulse.socket",
        "systemctl --user daemon-reload",
        "systemctl --user enable tmuxpulse.service",
        "systemctl --user restart tmuxpulse.service",
    ]


def test_launchd_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = manager(home, monkeypatch, "launchctl", fails="bootout")
    file = home / "Library" / "LaunchAgents" / "dev.tmuxpulse.serve.plist"
    assert main(["service", "install", "--manager", "launchd"]) == 0
    assert plistlib.loads(file.read_bytes())["ProgramArguments"][-1] == "serve"
    assert main(["service", "remove", "--manager", "launchd"]) == 0
    assert not file.exists()
    me = f"gui/{os.getuid()}"
    assert commands(told) == [
        f"launchctl bootout {me} {file}",
        f"launchctl bootstrap {me} {file}",
        f"launchctl bootout {me} {file}",
    ]


def test_printing_changes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["service", "print", "--socket", "--manager", "systemd"]) == 0
    out = capsys.readouterr().out
    assert "ListenStream=%t/tmuxpulse/tmuxpulse.sock" in out
    assert "ListenStream=127.0.0.1:8765" in out
    assert not (home / ".config").exists()


def test_a_manager_that_refuses_is_quoted(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    manager(home, monkeypatch, "systemctl", fails="enable")
    assert main(["service", "install", "--manager", "systemd"]) == 1
    assert "enable tmuxpulse.service: it cannot be" in capsys.readouterr().err


def test_without_a_manager_it_says_what_to_run(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(home))
    assert main(["service", "install", "--manager", "systemd"]) == 2
    assert "run: systemctl --user daemon-reload" in capsys.readouterr().err
    assert main(["service", "print", "--serve-args", "'"]) == 2
    assert "invalid command line value" in capsys.readouterr().err
    assert main(["service", "install", "--manager", "launchd", "--socket"]) == 2
    assert "--socket is for systemd" in capsys.readouterr().err


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1))
def test_a_word_stays_one_word(text: str) -> None:
    word = systemd_word(text).replace("%%", "%").replace("$$", "$")
    assert shlex.split(word) == [text] or word == text


def test_the_texts(tmp_path: Path) -> None:
    service = systemd_service(["/opt/my tools/tmuxpulse.pyz", "serve", "100%", "$HOME"])
    assert 'ExecStart="/opt/my tools/tmuxpulse.pyz" serve 100%% $$HOME\n' in service
    assert "ListenStream=127.0.0.1:1234" in systemd_socket(1234)
    made = plistlib.loads(launchd_plist(["a b", "<&>"], "/l").encode())
    assert made["ProgramArguments"] == ["a b", "<&>"]


def test_systemd_finds_nothing_wrong_with_them(tmp_path: Path) -> None:
    folder = tmp_path / "user"
    folder.mkdir()
    (folder / "tmuxpulse.service").write_text(systemd_service([sys.executable, "serve"]))
    (folder / "tmuxpulse.socket").write_text(systemd_socket(8765))
    done = verified(folder)
    assert (done.returncode, done.stderr) == (0, "")
    (folder / "tmuxpulse.service").write_text("[Service]\nExecStart=serve\nWatchdog=60\n")
    assert "Watchdog" in verified(folder).stderr


def verified(folder: Path) -> subprocess.CompletedProcess[str]:
    """What systemd says of the units in a folder."""
    return subprocess.run(
        [program("systemd-analyze"), "verify", "--user", *map(str, folder.iterdir())],
        env={**os.environ, "XDG_RUNTIME_DIR": str(folder.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
