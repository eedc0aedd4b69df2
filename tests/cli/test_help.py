"""The help of every command, as a stranger would read it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

import pytest

from tmuxpulse.cli.main import COMMANDS, main, parser_for
from tmuxpulse.cli.options import Subparsers

WIDTH = 100
Found = tuple[str, argparse.ArgumentParser]


def commands(name: str, parser: argparse.ArgumentParser) -> Iterator[Found]:
    """A parser and those of its commands, each by what the user types."""
    yield name, parser
    for action in parser._actions:
        if isinstance(action, Subparsers):
            for below, of in action.choices.items():
                yield from commands(f"{name} {below}", of)


ALL = dict(commands("tmuxpulse", parser_for(COMMANDS)))


def test_every_command_is_there() -> None:
    assert {name.split()[1] for name in ALL if " " in name} == set(COMMANDS)
    assert {"tmuxpulse token create", "tmuxpulse audit verify"} <= set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_a_command_says_what_it_is_for(name: str) -> None:
    description = ALL[name].description or ""
    assert description[:1].isupper()
    assert re.search(r"[.:;]$", description.split("\n\n")[0].strip())


@pytest.mark.parametrize("name", ALL)
def test_every_option_has_its_words(name: str) -> None:
    parser = ALL[name]
    for action in parser._actions:
        if isinstance(action, Subparsers):
            assert all(one.help for one in action._choices_actions)
        else:
            assert action.help, f"{name}: {action.option_strings or action.dest}"
            assert action.help is not argparse.SUPPRESS
    for group in parser._action_groups:
        for line in (group.description or "").split("\n"):
            assert len(line) < WIDTH


@pytest.mark.parametrize("name", ALL)
def test_it_fits_the_terminal(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    assert main([*name.split()[1:], "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: {name} ")
    assert [line for line in text.split("\n") if len(line) > WIDTH] == []


def test_every_command_that_a_help_names_exists() -> None:
    """Examples and remedies in the help name commands: a renamed one would be missed."""
    named = set()
    pattern = re.compile(r"(?:`|^  |\$\()tmuxpulse ([a-z-]+)", re.MULTILINE)
    for parser in ALL.values():
        named |= set(pattern.findall(parser.format_help()))
    assert len(named) > 10
    assert named <= set(COMMANDS)
