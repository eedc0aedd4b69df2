"""`tmuxpulse token`: printed once, to the right place, and written down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tmuxpulse.cli.main import main
from tmuxpulse.serve.tokens import TOKEN_PATTERN


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMUXPULSE_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


def test_a_token_alone_is_printed_and_the_rest_is_said_beside_it(capsys) -> None:
    assert main(["token", "create", "ci", "--scope", "read", "--session", "api-*"]) == 0
    said = capsys.readouterr()
    assert TOKEN_PATTERN.fullmatch(said.out.strip())
    assert "not be shown again" in said.err
    assert main(["token", "list"]) == 0
    table = capsys.readouterr().out
    assert "api-*" in table
    assert said.out.strip() not in table
    assert main(["audit", "show", "--json"]) == 0
    (entry,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert entry["action"] == "token.created"
    assert (entry["name"], entry["sessions"]) == ("ci", ["api-*"])
    assert said.out.strip() not in json.dumps(entry)


def test_into_a_new_private_file(tmp_path: Path, capsys) -> None:
    file = tmp_path / "t"
    assert main(["token", "create", "ci", "--file", str(file)]) == 0
    assert TOKEN_PATTERN.fullmatch(file.read_text().strip())
    assert file.stat().st_mode & 0o777 == 0o600
    assert capsys.readouterr().out == ""
    assert main(["token", "create", "other", "--file", str(file)]) == 2
    assert "name a new file" in capsys.readouterr().err
    assert main(["token", "list", "--json"]) == 0
    (only,) = capsys.readouterr().out.splitlines()
    assert json.loads(only)["name"] == "ci"  # no token was made that nobody has
    other = tmp_path / "u"
    assert main(["token", "create", "ci", "--file", str(other)]) == 2  # the name is taken
    assert not other.exists()


def test_json_holds_the_token_once_and_never_its_hash(capsys) -> None:
    assert main(["token", "create", "a", "--json", "--expires", "never"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert TOKEN_PATTERN.fullmatch(made["token"])
    assert (made["scopes"], made["expires_at"], made["state"]) == (["read", "output"], None, "live")
    assert "hash" not in made


def test_rotate_and_revoke(capsys) -> None:
    for command in (
        ["create", "a"],
        ["rotate", "a", "--grace", "10m"],
        ["create", "b"],
        ["revoke", "a", "b"],
    ):
        assert main(["token", *command]) == 0
    assert main(["token", "list", "--json"]) == 0
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "{" in line]
    assert [one["state"] for one in listed] == ["revoked"] * 3
    assert main(["audit", "verify"]) == 0
    assert "6 entries" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["create", "a", "--expires", "soon"], "'soon' is not a time such as 30d"),
        (["create", "a", "--expires", "99999999w"], "is not a time"),
        (["create", "a", "--scope", "all"], "invalid choice"),
        (["create", "a", "--scope", "admin", "--session", "x"], "sees all sessions"),
        (["revoke", "nobody"], "no live token 'nobody'"),
        (["rotate", "nobody"], "no live token 'nobody'"),
        (["rotate", "a", "--grace", "never"], "for ever"),
        ([], "required: COMMAND"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(command: list[str], why: str, capsys) -> None:
    assert main(["token", *command]) == 2
    said = capsys.readouterr()
    assert why in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_no_tokens_yet(capsys) -> None:
    assert main(["token", "list"]) == 0
    assert "token create NAME" in capsys.readouterr().err
