"""`history` and `search`: what is asked, from whom, and how it is printed."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest

from tests.history.made import Keeping, error, numbered, output
from tmuxpulse.cli import main as cli
from tmuxpulse.cli.history import local_moment, marked
from tmuxpulse.cli.when import when


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keeping:
    """A database that a killed server left behind."""
    for name in ("state", "run"):
        (tmp_path / name).mkdir(mode=0o700)
        monkeypatch.setenv(
            {"state": "TMUXPULSE_STATE_DIR", "run": "TMUXPULSE_RUNTIME_DIR"}[name],
            str(tmp_path / name),
        )
    directory = tmp_path / "state" / "history"
    directory.mkdir(mode=0o700)
    keeping = Keeping(directory, "e1")
    keeping.put(
        numbered(
            [
                output("compiling", "linking"),
                error("Disk FULL"),
                output("a", "the disk full again", "b"),
                error("other", session="web", pane=2),
            ]
        )
    )
    keeping.close()
    return keeping


def printed(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str], str]:
    code = cli.main(arguments)
    out, err = capfd.readouterr()
    return code, out.splitlines(), err


def test_history_is_printed_oldest_first(kept: Keeping, capfd: pytest.CaptureFixture[str]) -> None:
    code, lines, _ = printed(capfd, "history")
    assert code == 0
    texts = [line.rsplit("  ", 1)[-1] for line in lines]
    assert "Disk FULL" in lines[2]
    assert texts == [
        "compiling", "linking", "[r]", "a", "the disk full again", "b", "[r]",
    ]  # fmt: skip
    assert lines[0].startswith(local_moment("2026-11-18T11:06:40"[:19])[:4])


def test_the_newest_of_them_and_all_of_them(
    kept: Keeping, capfd: pytest.CaptureFixture[str]
) -> None:
    _, lines, _ = printed(capfd, "history", "-n", "2", "--json")
    assert [json.loads(line)["seq"] for line in lines] == [3, 4]
    _, lines, _ = printed(capfd, "history", "--all", "--json")
    assert [(json.loads(line)["seq"], json.loads(line)["epoch"]) for line in lines] == [
        (1, "e1"), (2, "e1"), (3, "e1"), (4, "e1"),
    ]  # fmt: skip
    assert printed(capfd, "history", "--all", "-n", "3")[0] == 2
    assert printed(capfd, "history", "-n", "0")[0] == 2


def test_filters_are_those_of_watch(kept: Keeping, capfd: pytest.CaptureFixture[str]) -> None:
    _, lines, _ = printed(capfd, "history", "--severity", "error", "--session", "api", "--json")
    assert [json.loads(line)["seq"] for line in lines] == [2]
    code, lines, err = printed(capfd, "history", "--since", "1m")
    assert (code, lines) == (0, [])
    assert "nothing of that kind was kept" in err


def test_search_shows_the_lines_that_have_the_text(
    kept: Keeping, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, lines, _ = printed(capfd, "search", "disk full")
    assert [line.rsplit("  ", 1)[-1] for line in lines] == ["Disk FULL", "the disk full again"]
    monkeypatch.setenv("CLICOLOR_FORCE", "1")
    _, lines, _ = printed(capfd, "search", "disk full")
    assert "\x1b[1;31mDisk FULL\x1b[0m" in lines[0]


def test_context_is_what_the_pane_printed_around_it(
    kept: Keeping, capfd: pytest.CaptureFixture[str]
) -> None:
    _, lines, _ = printed(capfd, "search", "Disk FULL", "--type", "pane.error", "--context", "1")
    assert [line.strip() for line in lines[:2]] == ["| compiling", "| linking"]
    assert lines[2].endswith("Disk FULL")
    assert lines[-1] == "--"
    _, (line,), _ = printed(
        capfd, "search", "Disk FULL", "--type", "pane.error", "--context", "1", "--json"
    )
    found = json.loads(line)
    assert found["event"]["seq"] == 2
    assert [one["seq"] for one in found["before"]] == [1]
    assert [one["seq"] for one in found["after"]] == [3]


def test_where_there_is_none_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    monkeypatch.setenv("TMUXPULSE_STATE_DIR", str(state))
    code, _, err = printed(capfd, "history")
    assert (code, "tmuxpulse serve" in err) == (2, True)
    monkeypatch.setenv("TMUXPULSE_HISTORY_ENABLED", "false")
    assert "enabled = true" in printed(capfd, "history")[2]


def test_a_database_that_is_none_is_said(kept: Keeping, capfd: pytest.CaptureFixture[str]) -> None:
    kept.database.write_bytes(b"garbage" * 1000)
    code, _, err = printed(capfd, "history")
    assert code == 2
    assert "it is now" in err
    assert list(kept.database.parent.glob("*.damaged-*"))


def test_a_text_too_long_is_refused(kept: Keeping, capfd: pytest.CaptureFixture[str]) -> None:
    assert printed(capfd, "search", "x" * 300)[0] == 2


def test_marks_leave_escape_sequences_alone() -> None:
    assert marked("\x1b[2mM2m\x1b[0m", "m") == (
        "\x1b[2m\x1b[1;31mM\x1b[0m2\x1b[1;31mm\x1b[0m\x1b[0m"
    )
    assert marked("İx", "x") == "İx"  # folding changes its length


def test_times() -> None:
    assert when("2026-11-23T10:30:00Z") == datetime(2026, 11, 23, 10, 30, tzinfo=timezone.utc)
    with pytest.raises(Exception, match="is no time"):
        when("tomorrow")
    assert local_moment("garbage") == "garbage"
