"""What `doctor` says of settings, tokens and the audit log."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tmuxpulse.cli import safety_checks
from tmuxpulse.cli.doctor import health_checks
from tmuxpulse.cli.safety_checks import (
    check_audit,
    check_history,
    check_rules,
    check_settings,
    check_tokens,
)
from tmuxpulse.serve.audit_log import append_now
from tmuxpulse.serve.token_store import TokenStore
from tmuxpulse.wire import HealthData


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    config = tmp_path / "config.toml"
    config.touch(0o600)
    return {"TMUXPULSE_STATE_DIR": str(state), "TMUXPULSE_CONFIG": str(config)}


@pytest.mark.parametrize(
    ("text", "level", "said"),
    [
        ("", "ok", "config.toml"),
        ("[redaction]\nenabled = false", "warn", "secrets are shown"),
        ("[audit]\nenabled = false", "warn", "nothing is written down"),
        ('[server]\nwrite = "anywhere"', "warn", "from other machines"),
        ("[sever]", "fail", 'did you mean "server"?'),
        ('[[redaction.rules]]\nname = "a"\npattern = "("', "fail", "a"),
    ],
)
def test_settings(environ: dict[str, str], text: str, level: str, said: str) -> None:
    Path(environ["TMUXPULSE_CONFIG"]).write_text(text)
    found = check_settings(environ)
    assert found.level == level
    assert said in found.text
    assert bool(found.remedy) == (level != "ok")


def test_tokens(environ: dict[str, str]) -> None:
    path = Path(environ["TMUXPULSE_STATE_DIR"]) / "tokens.json"
    assert "none" in check_tokens(environ).text
    store = TokenStore(path)
    store.create("long", ("read",), now=time.time())
    assert check_tokens(environ).text == "1 live"
    store.create("short", ("read",), now=time.time(), seconds=86_400)
    found = check_tokens(environ)
    assert (found.level, found.text) == ("warn", "2 live; short expires within a week")
    path.chmod(0o644)
    assert check_tokens(environ).level == "fail"


def test_audit(environ: dict[str, str]) -> None:
    assert check_audit(environ).text.endswith("no entry yet")
    state = Path(environ["TMUXPULSE_STATE_DIR"])
    append_now(state, "test.done", who="test")
    assert check_audit(environ).text.endswith("1 entries")
    (state / "audit" / "audit.jsonl").chmod(0o644)
    assert check_audit(environ).level == "fail"


def test_history(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    directory = Path(environ["TMUXPULSE_STATE_DIR"]) / "history"
    directory.mkdir(mode=0o700)
    database = directory / "history.db"
    assert "0.0 MB, 30 days, without what panes print" in check_history(environ).text
    database.write_bytes(b"x" * 2_000_000)
    database.chmod(0o644)
    assert check_history(environ).level == "fail"
    database.chmod(0o600)
    assert "2.0 MB" in check_history(environ).text
    aside = directory / "history.damaged-20261123T090000000000Z.db"
    aside.touch()
    found = check_history(environ)
    assert (found.level, aside.name in found.text, str(aside) in found.remedy) == (
        "warn", True, True,
    )  # fmt: skip
    aside.unlink()
    monkeypatch.setattr(safety_checks, "LITTLE_BYTES", 1 << 60)
    assert check_history(environ).level == "warn"
    Path(environ["TMUXPULSE_CONFIG"]).write_text("[history]\nenabled = false")
    assert "switched off" in check_history(environ).text


def test_a_rule_file_that_is_skipped_is_told(environ: dict[str, str], tmp_path: Path) -> None:
    found = check_rules(environ)
    assert (found.level, "none of yours" in found.text) == ("ok", True)
    folder = tmp_path / "rules"
    folder.mkdir()
    head = 'version = 1\nfamily = "deploy"\n[[rule]]\nname = "asks"\n'
    (folder / "a.toml").write_text(f"{head}state = \"waiting\"\nany = ['Really']\n")
    found = check_rules(environ)
    assert (found.level, "1 files of yours" in found.text) == ("ok", True)
    (folder / "b.toml").write_text(f"{head}state = \"bussy\"\nany = ['Really']\n")
    found = check_rules(environ)
    assert found.level == "warn"
    assert f"{folder / 'b.toml'}:5: " in found.text


def test_what_a_server_says_of_itself_is_told() -> None:
    health = HealthData(
        pid=1,
        uptime_s=1.0,
        problems={"history": "the disk is full"},
        features={"history": True, "tls": False, "audit": True},
    )
    features, problem = health_checks(health)
    assert features.text == "on: audit, history; off: tls"
    assert (problem.name, problem.level, problem.text) == (
        "its history", "fail", "the disk is full",
    )  # fmt: skip
