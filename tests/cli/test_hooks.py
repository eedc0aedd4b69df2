"""`tmuxpulse hooks`: which file, what is said, and what is left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tmuxpulse.cli.hooks import settings_path, this_program
from tmuxpulse.cli.main import main

PROGRAMS = {"claude-code": (".claude", "settings.json"), "codex": (".codex", "config.toml")}
TEXTS = {"claude-code": '{"model": "opus"}\n', "codex": 'model = "x"\nnotify = ["bell"]\n'}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    monkeypatch.delenv("CODEX_HOME", raising=False)
    return tmp_path


def state(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    assert main(["hooks", *arguments, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("program", PROGRAMS)
def test_in_and_out_again(home: Path, program: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = home.joinpath(*PROGRAMS[program])
    file.parent.mkdir()
    file.write_text(TEXTS[program])
    (one,) = state(capsys, "install", program)
    copy = f"{file}.before-tmuxpulse"
    assert (one["state"], one["changed"], one["file"]) == ("installed", True, str(file))
    assert one["backup"] == copy
    assert f"--from-hook {program}" in file.read_text()
    (again,) = state(capsys, "install", program)
    assert again["changed"] is False
    assert {one["program"]: one["state"] for one in state(capsys, "show")} == {
        name: "installed" if name == program else "absent" for name in PROGRAMS
    }
    (gone,) = state(capsys, "remove", program)
    assert (gone["state"], gone["changed"]) == ("absent", True)
    assert file.read_text() == TEXTS[program]
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("program", PROGRAMS)
def test_without_settings_none_are_left(
    home: Path, program: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home.joinpath(*PROGRAMS[program])
    assert main(["hooks", "remove", program]) == 0
    assert not file.exists()
    assert main(["hooks", "install", program]) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert "the hooks are in" in capsys.readouterr().err
    assert main(["hooks", "remove", program]) == 0
    assert not file.exists()


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_dry_run_shows_and_does_nothing(
    home: Path, program: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home / "mine"
    file.write_text(TEXTS[program])
    assert main(["hooks", "install", program, "--settings", str(file), "--dry-run"]) == 0
    said = capsys.readouterr()
    assert any(line.startswith("+") and "from-hook" in line for line in said.out.splitlines())
    (would,) = state(capsys, "install", program, "--settings", str(file), "--dry-run")
    assert (would["state"], would["changed"]) == ("installed", True)
    assert file.read_text() == TEXTS[program]
    assert [path.name for path in home.iterdir()] == ["mine"]
    assert main(["hooks", "remove", program, "--settings", str(file), "--dry-run"]) == 0
    assert "nothing would change" in capsys.readouterr().err


def test_one_of_another_tmuxpulse_is_outdated(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home / "mine"
    file.write_text('notify = ["sh", "-c", "/old emit --from-hook codex", "tmuxpulse"]\n')
    (one,) = state(capsys, "show", "codex", "--settings", str(file))
    assert one["state"] == "outdated"
    (one,) = state(capsys, "install", "codex", "--settings", str(file))
    assert (one["state"], one["changed"]) == ("installed", True)
    assert main(["hooks", "show", "codex", "--settings", str(file)]) == 0
    assert "before the first change" in capsys.readouterr().out
    assert main(["hooks", "remove", "codex", "--settings", str(file)]) == 0
    assert "is still in" in capsys.readouterr().err
    assert file.read_text() == ""


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["show", "--settings", "x"], "name it"),
        (["install"], "required"),
        (["install", "vim"], "invalid choice"),
        (["install", "claude-code", "--settings", "broken"], "broken:2: not JSON"),
    ],
)
def test_mistakes(
    home: Path,
    arguments: list[str],
    why: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(home)
    (home / "broken").write_text('{"a": 1,\nb}')
    assert main(["hooks", *arguments]) == 2
    said = capsys.readouterr().err
    assert why in said
    assert said.count("\n") == 1
    assert (home / "broken").read_text() == '{"a": 1,\nb}'


def test_where_programs_keep_their_settings(home: Path) -> None:
    assert settings_path("codex", environ={}) == home / ".codex" / "config.toml"
    assert settings_path("codex", environ={"CODEX_HOME": "/c"}) == Path("/c/config.toml")
    found = settings_path("claude-code", environ={"CLAUDE_CONFIG_DIR": "/d"})
    assert found == Path("/d/settings.json")
    assert settings_path("claude-code", "~/x", {}) == home / "x"


def test_how_this_program_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    archive = tmp_path / "tmuxpulse.pyz"
    archive.touch()
    assert this_program("tmuxpulse.pyz", "/py") == ["/py", str(archive)]
    archive.chmod(0o755)
    assert this_program("./tmuxpulse.pyz", "/py") == [str(archive)]
    assert this_program("/x/tmuxpulse/__main__.py", "/py") == ["/py", "-m", "tmuxpulse"]
    assert this_program("-c", "/py") == ["/py", "-m", "tmuxpulse"]
