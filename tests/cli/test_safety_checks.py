"""What `doctor` says of settings, tokens and the audit log."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tmuxpulse.cli.safety_checks import check_audit, check_settings, check_tokens
from tmuxpulse.serve.audit_log import append_now
from tmuxpulse.serve.token_store import TokenStore


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
