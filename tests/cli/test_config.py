"""`tmuxpulse config`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tmuxpulse.cli.main import main


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "tmuxpulse" / "config.toml"


def test_init_writes_a_private_file_once(file: Path, capsys) -> None:
    assert main(["config", "path"]) == 0
    assert capsys.readouterr().out.strip() == str(file)
    assert main(["config", "init"]) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_text()
    file.write_text("# mine\n")
    assert main(["config", "init"]) == 2
    assert "--force" in capsys.readouterr().err
    assert file.read_text() == "# mine\n"
    assert main(["config", "init", "--force"]) == 0
    assert file.read_text() == before
    assert main(["config", "check"]) == 0
    assert capsys.readouterr().out.endswith(": fine\n")


def test_show_tells_where_each_value_comes_from(file: Path, capsys, monkeypatch) -> None:
    file.parent.mkdir()
    file.write_text("[server]\nport = 9\n")
    monkeypatch.setenv("TMUXPULSE_AUDIT_KEEP", "3")
    assert main(["config", "show"]) == 0
    shown = capsys.readouterr().out
    assert f"port = 9  # {file}\n" in shown
    assert "keep = 3  # TMUXPULSE_AUDIT_KEEP\n" in shown
    assert 'host = "127.0.0.1"  # default\n' in shown
    assert main(["config", "show", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["settings"]["server"]["port"] == 9
    assert found["origins"]["audit.keep"] == "TMUXPULSE_AUDIT_KEEP"


def test_check_tells_every_mistake_on_a_line(tmp_path: Path, capsys) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("[server]\nprot = 1\nport = true\n")
    assert main(["config", "check", str(bad)]) == 2
    assert capsys.readouterr().err.count("\n") == 2
    bad.write_text('[[redaction.rules]]\nname = "mine"\npattern = "("\n')
    assert main(["config", "check", str(bad)]) == 2
    assert "mine" in capsys.readouterr().err


def test_without_a_file_there_is_nothing_to_check(capsys) -> None:
    assert main(["config", "check"]) == 0
    assert "defaults" in capsys.readouterr().err


def test_a_command_that_needs_settings_refuses_wrong_ones(file: Path, capsys) -> None:
    file.parent.mkdir()
    file.write_text("[sever]\n")
    assert main(["serve"]) == 2
    assert 'did you mean "server"?' in capsys.readouterr().err
