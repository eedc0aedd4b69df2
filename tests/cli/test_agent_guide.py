"""What an agent is told: every command in it is one, and a file gets it once."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmuxpulse.cli import emit
from tmuxpulse.cli.agent_guide import BEGIN, END, guide, with_guide, without_guide
from tmuxpulse.cli.conditions import parse
from tmuxpulse.cli.main import COMMANDS, main, parser_for
from tmuxpulse.cli.options import STATUSES
from tmuxpulse.errors import UsageError
from tmuxpulse.wire import decode_request

BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def lines() -> Iterator[str]:
    for block in BLOCK.findall(guide()):
        yield from block.splitlines()


def commands() -> list[list[str]]:
    return [
        shlex.split(line.partition("<<")[0], comments=True)[1:]
        for line in lines()
        if line.startswith("tmuxpulse ")
    ]


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
def test_every_command_is_one(arguments: list[str]) -> None:
    options = parser_for([arguments[0]]).parse_args(arguments)
    assert callable(options.run)
    if arguments[0] == "wait":
        assert options.timeout > 0
        for condition in options.condition:
            parse(condition)
    if arguments[0] == "emit":
        assert emit.event_of(options, {})["type"] == options.type


def test_every_line_is_a_command_or_a_request() -> None:
    rest = [line for line in lines() if line.strip() and not line.startswith("tmuxpulse ")]
    requests = [line for line in rest if line.startswith("{")]
    assert {line for line in rest if line not in requests} == {"END"}
    assert len(requests) == 2
    for request in requests:
        decode_request(request)


def test_it_has_what_an_agent_needs_and_no_more() -> None:
    used = {arguments[0] for arguments in commands()}
    assert used == {"ls", "explain", "history", "wait", "send", "pipe", "emit"}
    assert used <= set(COMMANDS)
    assert all(f"`{status}`" in guide() for status in STATUSES)
    assert len(guide()) < 4000


def test_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agent-guide"]) == 0
    assert capsys.readouterr().out == guide()


def test_a_file_gets_it_once_and_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "AGENTS.md"
    assert main(["agent-guide", "--append", str(file)]) == 0
    assert file.read_text() == f"{BEGIN}\n{guide()}{END}\n"
    file.write_text("# Mine\n\nRule.")
    file.chmod(0o640)
    for said in ("put in", "nothing to do"):
        assert main(["agent-guide", "--append", str(file)]) == 0
        assert said in capsys.readouterr().err
    assert file.read_text() == f"# Mine\n\nRule.\n\n{BEGIN}\n{guide()}{END}\n"
    assert file.stat().st_mode & 0o777 == 0o640
    file.write_text(file.read_text().replace("## tmux panes", "## old").replace("Rule", "Law"))
    assert main(["agent-guide", "--append", str(file)]) == 0
    assert file.read_text() == f"# Mine\n\nLaw.\n\n{BEGIN}\n{guide()}{END}\n"
    for _ in range(2):
        assert main(["agent-guide", "--remove", str(file)]) == 0
    assert file.read_text() == "# Mine\n\nLaw.\n"


@pytest.mark.parametrize(
    "text", [BEGIN, END, f"{END}\n{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}", f"{BEGIN}\n{BEGIN}\n{END}"]
)
def test_a_file_with_odd_markers_is_left(text: str, tmp_path: Path) -> None:
    file = tmp_path / "x.md"
    file.write_text(text)
    for flag in ("--append", "--remove"):
        assert main(["agent-guide", flag, str(file)]) == 2
    assert file.read_text() == text


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert main(["agent-guide", "--append", str(tmp_path)]) == 2


@given(st.lists(st.sampled_from(["a", "\n", BEGIN, END, " "]), max_size=6).map("".join))
def test_any_text_keeps_what_is_its_own(text: str) -> None:
    try:
        once = with_guide(text)
    except UsageError:
        return
    assert with_guide(once) == once
    assert once.count(BEGIN) == once.count(END) == 1
    if BEGIN not in text:
        assert without_guide(once).rstrip("\n") == text.rstrip("\n")
