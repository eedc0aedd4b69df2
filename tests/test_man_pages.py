"""The manual pages: whole, and without a complaint of either of the programs that show them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import program
from tmuxpulse.cli.main import COMMANDS, parser_for
from tmuxpulse.cli.options import Subparsers
from tools import man_pages

ROOT = Path(__file__).parents[1]
DAY = "2026-01-01"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("man") / "man1"
    write(folder)
    return folder


def write(folder: Path) -> None:
    subprocess.run(
        [sys.executable, str(ROOT / "tools" / "man_pages.py"), str(folder)],
        env={**os.environ, "SOURCE_DATE_EPOCH": "1767225600"},
        check=True,
    )


def shown(page: Path) -> str:
    """What a reader sees of it."""
    ran = subprocess.run(
        [program("mandoc"), "-T", "utf8", "-O", "width=100", str(page)],
        capture_output=True,
        text=True,
        check=True,
    )
    return re.sub(r".\x08", "", ran.stdout)


def test_there_is_a_page_for_each_command(folder: Path) -> None:
    expected = {"tmuxpulse.1", *(f"tmuxpulse-{name}.1" for name in COMMANDS)}
    assert {page.name for page in folder.iterdir()} == expected


def test_mandoc_has_no_complaint(folder: Path) -> None:
    ran = subprocess.run(
        [program("mandoc"), "-T", "lint", "-W", "warning", *map(str, sorted(folder.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_man_has_no_complaint(folder: Path) -> None:
    for page in folder.iterdir():
        ran = subprocess.run(
            [program("man"), "--warnings", "-E", "UTF-8", "-l", "-Tutf8", str(page)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "MANPAGER": "cat", "LC_ALL": "C.UTF-8"},
        )
        assert ran.stderr == ""
        assert "TMUXPULSE" in ran.stdout


def test_every_option_is_in_its_page(folder: Path) -> None:
    (commands,) = [one for one in parser_for(COMMANDS)._actions if isinstance(one, Subparsers)]
    for name, parser in commands.choices.items():
        text = shown(folder / f"tmuxpulse-{name}.1")
        parsers = [parser]
        for action in parser._actions:
            if isinstance(action, Subparsers):
                parsers += action.choices.values()
        for one in parsers:
            for action in one._actions:
                for option in action.option_strings:
                    assert option in text, (name, option)
        assert f"tmuxpulse-{name} - {COMMANDS[name].help}" in " ".join(text.split())


def test_examples_come_out_as_they_are(folder: Path) -> None:
    assert "tmuxpulse history --since 2h --type 'agent.*' --status waiting" in shown(
        folder / "tmuxpulse-history.1"
    )
    assert """echo '{"action":"subscribe"}' | tmuxpulse pipe --follow""" in shown(
        folder / "tmuxpulse-pipe.1"
    )
    assert "~/.tmuxpulse-token" in shown(folder / "tmuxpulse-token.1")


@pytest.mark.parametrize("text", [".so /etc/passwd", "'br", "a\\fBb", "\\", "`^~-", "…"])
def test_text_is_never_an_order(text: str, tmp_path: Path) -> None:
    page = tmp_path / "a.1"
    page.write_text(f".TH A 1 {DAY}\n.SH NAME\na \\- b\n.SH C\n{man_pages._plain(text)}\n")
    assert text.replace("…", "...") in shown(page)


def test_two_builds_are_the_same(folder: Path, tmp_path: Path) -> None:
    write(tmp_path)
    pages = {page.name: page.read_bytes() for page in folder.iterdir()}
    assert {page.name: page.read_bytes() for page in tmp_path.iterdir()} == pages
    assert all(f" 1 {DAY} " in page.decode().splitlines()[0] for page in pages.values())
