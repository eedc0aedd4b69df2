"""The user's own rule files."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tmuxpulse.collect import rulebook
from tmuxpulse.collect.rulebook import load_book, read_rules

RULE = 'version = 1\nfamily = "mine"\n[[rule]]\nname = "a"\nstate = "busy"\nany = ["x"]\n'


def names(folder: Path) -> set[str]:
    return {rule.name for family in read_rules(str(folder))[0] for rule in family.rules}


def test_without_a_folder_there_are_the_shipped_ones(tmp_path: Path) -> None:
    assert "shells.prompt" in names(tmp_path / "nowhere")
    assert read_rules("")[1] == ()


def test_a_file_of_the_users_is_read(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(RULE)
    (tmp_path / "notes.txt").write_text("no rules")
    assert "mine.a" in names(tmp_path)


def test_what_is_wrong_is_told_with_its_line_and_skipped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.toml").write_text(RULE.replace('"busy"', '"lazy"'))
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe")
    (tmp_path / "c.toml").mkdir()
    (tmp_path / "d.toml").write_text(RULE)
    with caplog.at_level(logging.WARNING):
        load_book(str(tmp_path))
    told = "\n".join(caplog.messages)
    assert f"{tmp_path}/a.toml:5: " in told
    assert f"{tmp_path}/b.toml:1: it is not UTF-8" in told
    assert f"{tmp_path}/c.toml:1: it cannot be read" in told
    assert "d.toml" not in told
    assert "mine.a" in names(tmp_path)


def test_there_is_an_end_to_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rulebook, "MAX_FILES", 2)
    for name in "abc":
        (tmp_path / f"{name}.toml").write_text(RULE)
    (complaint,) = read_rules(str(tmp_path))[1]
    assert str(complaint).endswith("c.toml:1: there are more than 2 files")
