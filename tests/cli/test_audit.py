"""`tmuxpulse audit`: shows, judges, and lets nothing hostile through."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tmuxpulse.cli.main import main
from tmuxpulse.serve.audit_chain import CURRENT, hash_of
from tmuxpulse.serve.audit_entry import body, line
from tmuxpulse.serve.audit_log import AuditLog, append_now, places

HOUR = 3600.0
NOON = 1_800_000_000.0  # 2027-01-15T08:00:00Z
HOSTILE = "\x1b]0;owned\x07\x9b31m\u202egnp.exe\u2066"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    tmp_path.chmod(0o700)
    with monkeypatch.context() as patch:
        patch.setenv("TMUXPULSE_STATE_DIR", str(tmp_path))
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield tmp_path
    time.tzset()


@pytest.fixture
def filled(state: Path) -> Path:
    log = AuditLog(*places(state), max_bytes=4096, keep=100, clock=lambda: NOON)
    bodies = []
    for n in range(60):
        who, action = (("token:a", "login.accepted"), ("owner", "command"))[n % 2]
        bodies.append(body(NOON + n * HOUR, action, who, {"peer": "192.0.2.1", "x": n}))
    log.append(bodies)
    return state


def audit(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["audit", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def shown(out: str) -> list[int]:
    return [int(found) for found in re.findall(r"x=(\d+)", out)]


def test_no_log_yet(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(capsys, "verify") == (0, "no audit log yet\n", "")
    path = state / "audit" / "audit.jsonl"
    assert audit(capsys, "show") == (0, "", f"tmuxpulse: no audit log yet: {path}\n")
    assert audit(capsys, "path") == (0, f"{path}\n", "")
    code, out, err = audit(capsys, "head")
    assert (code, out) == (0, "")
    assert "no audit log yet" in err
    assert list(state.iterdir()) == []  # looking makes nothing


def test_an_unbroken_log(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = audit(capsys, "verify")
    assert (code, out) == (0, "62 entries, n 1 to 62, unbroken\n")
    code, head, _ = audit(capsys, "head")
    assert re.fullmatch(r"62:[0-9a-f]{64}\n", head)
    for noted in (head.strip(), head.strip().partition(":")[2].upper()):
        append_now(filled, "token.created", who="owner")
        code, out, _ = audit(capsys, "verify", "--head", noted)
        assert code == 0
        assert "note: " in out
        assert "the noted hash is that of n 62" in out
    code, out, _ = audit(capsys, "verify", "--head", "0" * 64)
    assert code == 1
    assert f"no line has the noted hash {'0' * 64}" in out


def test_a_change_is_told_with_file_and_line(
    filled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    oldest = min((filled / "audit").glob("audit-*"))
    oldest.write_bytes(oldest.read_bytes().replace(b'"x":3,', b'"x":4,'))
    code, out, _ = audit(capsys, "verify")
    assert code == 1
    assert out.splitlines() == [
        f"{oldest.name}:5: changed: n 5 does not follow from n 4: one was changed",
        "62 entries, n 1 to 62, 1 findings",
    ]
    code, out, _ = audit(capsys, "verify", "--json")
    assert code == 1
    told = json.loads(out)
    assert told["unbroken"] is False
    assert told["last"]["n"] == 62
    assert [(each["kind"], each["file"], each["line"]) for each in told["findings"]] == [
        ("changed", oldest.name, 5)
    ]


def test_a_log_that_is_gone_is_a_finding(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in (filled / "audit").iterdir():
        file.unlink()
    code, out, _ = audit(capsys, "verify")
    assert code == 1
    assert "n 1 to 62 are missing" in out


def test_a_head_that_is_none_is_a_finding(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (filled / "audit.head").write_bytes(b"{")
    code, out, _ = audit(capsys, "verify")
    assert code == 1
    assert "is not the head" in out
    code, _, err = audit(capsys, "head")
    assert code == 1
    assert "is not the head" in err


def test_show_prints_all_files_oldest_first(
    filled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = audit(capsys, "show")
    assert (code, err) == (0, "")
    assert shown(out) == list(range(60))
    first = out.splitlines()[0].split()
    assert first == [
        "1", "2027-01-15", "08:00:00+0000", "login.accepted", "token:a", "192.0.2.1", "x=0",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-n", "3"], [57, 58, 59]),
        (["-n", "0"], []),
        (["--who", "token:*"], list(range(0, 60, 2))),
        (["--who", "nobody"], []),
        (["--who", "nobody", "--who", "own*"], list(range(1, 60, 2))),
        (["--action", "comm*", "-n", "2"], [57, 59]),
        (["--since", "2027-01-17T18:00"], [58, 59]),
        (["--since", "2027-01-17 18:30Z"], [59]),
        (["--since", "2027-01-17T20:00+02:00"], [58, 59]),
        (["--since", "2027-01-17", "--action", "login.*", "-n", "1"], [58]),
    ],
)
def test_show_chooses(
    filled: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], expected: list[int]
) -> None:
    assert shown(audit(capsys, "show", *arguments)[1]) == expected


def test_since_some_time_ago(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    AuditLog(*places(state)).append([body(NOON - 30 * 365 * 24 * HOUR, "old", "owner", {})])
    append_now(state, "new", who="owner")
    for ago in ("90s", "30m", "2h", "7d", "2w"):
        assert "new" in audit(capsys, "show", "--since", ago)[1]
        assert "old" not in audit(capsys, "show", "--since", ago)[1]


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "--since", "soon"],
        ["show", "--since", "2h\x1b[31m"],
        ["show", "--since", "999999999w"],
        ["show", "-n", "-1"],
        ["show", "-n", "1e3"],
        ["verify", "--head", "abc"],
        [],
        ["shout"],
    ],
)
def test_usage(state: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    code, out, err = audit(capsys, *arguments)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "\x1b" not in err


def test_json_gives_the_lines_themselves(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = audit(capsys, "show", "--json", "--action", "*")
    lines = [json.loads(each) for each in out.splitlines()]
    assert [each["n"] for each in lines] == list(range(1, 63))


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_nothing_hostile_reaches_the_terminal(
    state: Path, capsys: pytest.CaptureFixture[str], form: list[str]
) -> None:
    append_now(state, HOSTILE, who=HOSTILE, peer=HOSTILE, name=HOSTILE, names=[HOSTILE])
    # A line that somebody else has written: what our writer escapes stands as it is.
    raw = '{"n":2,"time":"%s","action":"%s","who":"x","%s":{"a":["%s"]},"prev":"%s"}\n'
    text = HOSTILE.replace("\x1b", "").replace("\x07", "") + "\x7f\x85"
    own = (state / "audit" / CURRENT).read_bytes()
    forged = (raw % (text, text, text, text, hash_of(own))).encode()
    (state / "audit" / CURRENT).write_bytes(own + forged)
    for arguments in (["show", *form], ["verify", *form]):
        _, out, err = audit(capsys, *arguments)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", out + err)
    assert len(audit(capsys, "show", *form)[1].splitlines()) == 2


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff\xfe\x00" * 100 + b"\n",
        b"[" * 100_000 + b"\n",
        b'{"n":1,"action":"a","prev":"","x":' + b"[" * 5000 + b"]" * 5000 + b"}\n",
        b'{"n":1,"action":"a","prev":"","x":' + b"9" * 5000 + b"}\n",
        b"x" * 1_000_000,
        b"x" * 8192 + b'{"n":2,"action":"hidden","prev":""}\n',
    ],
    ids=range(6),
)
def test_garbage_is_said_and_nothing_breaks(
    state: Path, capsys: pytest.CaptureFixture[str], garbage: bytes
) -> None:
    append_now(state, "first", who="owner")
    with open(state / "audit" / CURRENT, "ab") as file:
        file.write(garbage)
    code, _, _ = audit(capsys, "verify")
    assert code == 1
    code, out, err = audit(capsys, "show")
    assert code == 0
    assert "first" in out
    assert len(out.splitlines()) == 1
    assert "see: tmuxpulse audit verify" in err


@pytest.mark.parametrize("when", ["", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "x"])
def test_a_strange_time_is_shown_as_it_is(
    state: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    when: str,
) -> None:
    append_now(state, "first", who="owner")
    current = state / "audit" / CURRENT
    made = line(1, b'"time":"%b","action":"strange"' % when.encode(), "")
    current.write_bytes(made)
    code, out, _ = audit(capsys, "show", "--since", "2w")
    assert code == 0
    assert "strange" in out or when.startswith("0001")


def test_a_log_that_is_a_link_is_refused(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    current = filled / "audit" / CURRENT
    current.rename(filled / "elsewhere")
    current.symlink_to(filled / "elsewhere")
    code, _, err = audit(capsys, "verify")
    assert code == 2
    assert "is a link" in err


def test_times_are_those_of_the_users_zone(
    filled: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "TST-09")  # nine hours ahead
    time.tzset()
    _, out, _ = audit(capsys, "show", "--since", "2027-01-18T04:00")
    assert shown(out) == [59]
    assert "2027-01-18 04:00:00+0900" in out
