"""Which command runs, and what every end of one looks like."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from types import ModuleType

import pytest

from tests.imports import imported
from tmuxpulse.cli import main as front
from tmuxpulse.cli.main import COMMANDS, Command, main, version
from tmuxpulse.cli.options import Subparsers
from tmuxpulse.errors import ServerRefused, TmuxCommandFailed, TmuxpulseError, TmuxUnavailable

Behaviour = Callable[[argparse.Namespace], int]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Behaviour], None]:
    """Make `tmuxpulse probe` do something."""

    def use(behaviour: Behaviour) -> None:
        module = ModuleType("probe_command")

        def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
            parser = subparsers.add_parser("probe", help=summary)
            parser.add_argument("--word")
            parser.set_defaults(run=behaviour)

        vars(module)["add_parser"] = add_parser
        monkeypatch.setitem(sys.modules, "probe_command", module)
        monkeypatch.setitem(COMMANDS, "probe", Command("probe_command", "try something"))

    return use


def test_a_command_gets_its_options_and_gives_the_exit_code(
    command: Callable[[Behaviour], None],
) -> None:
    words: list[str] = []

    def run(options: argparse.Namespace) -> int:
        words.append(options.word)
        return 5

    command(run)
    assert main(["probe", "--word", "x"]) == 5
    assert words == ["x"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TmuxpulseError("it\nfailed"), 1),
        (TmuxUnavailable("it failed", socket="s"), 3),
        (ServerRefused("it failed", code="FORBIDDEN"), 4),
        (TmuxCommandFailed("it failed", stderr="", returncode=1), 3),
    ],
)
def test_an_error_is_one_line(
    error: TmuxpulseError,
    code: int,
    command: Callable[[Behaviour], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(_: argparse.Namespace) -> int:
        raise error

    command(run)
    assert main(["probe"]) == code
    assert capsys.readouterr().err == "tmuxpulse: it failed\n"


def test_an_interrupt_is_quiet(
    command: Callable[[Behaviour], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def run(_: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    command(run)
    assert main(["probe"]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_closed_pipe_is_quiet(
    command: Callable[[Behaviour], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def run(_: argparse.Namespace) -> int:
        raise BrokenPipeError

    command(run)
    assert main(["probe"]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_bug_is_loud(command: Callable[[Behaviour], None]) -> None:
    def run(_: argparse.Namespace) -> int:
        raise ZeroDivisionError

    command(run)
    with pytest.raises(ZeroDivisionError):
        main(["probe"])


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["watch", "--nonsense"], ["--nonsense"], ["ls", "--status", "odd"]]
)
def test_a_wrong_command_line_is_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("tmuxpulse: ")
    assert "--help" in err


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["help"]])
def test_the_help_lists_all_commands(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    out = capsys.readouterr().out
    for name, known in COMMANDS.items():
        assert name in out
        assert known.help in out


@pytest.mark.parametrize("name", list(COMMANDS))
def test_each_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", name]) == 0
    first = capsys.readouterr().out
    assert main([name, "--help"]) == 0
    assert capsys.readouterr().out == first
    assert f"usage: tmuxpulse {name}" in first


def test_nothing_at_all_away_from_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "usage: tmuxpulse" in err


def test_nothing_at_all_on_a_terminal_is_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", _Terminal())
    monkeypatch.setattr(sys, "stdout", _Terminal())
    arguments: list[str] = []
    assert front._command_in(arguments) == "watch"
    assert arguments == ["watch"]


def test_options_without_a_command_are_those_of_watch() -> None:
    arguments = ["-L", "work"]
    assert front._command_in(arguments) == "watch"
    assert arguments == ["watch", "-L", "work"]


class _Terminal:
    def isatty(self) -> bool:
        return True


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{version()}\n"
    assert version().startswith("tmuxpulse 0.")


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["--version"], {"trio", "msgspec", "logging", "asyncio"}),
        (["--help"], {"trio", "msgspec"}),
        (["help", "watch"], {"libtmux", "trio_websocket", "wcwidth", "urwid", "h11"}),
    ],
)
def test_a_start_imports_only_what_it_needs(arguments: list[str], unwanted: set[str]) -> None:
    script = "import sys; from tmuxpulse.cli.main import main; main(sys.argv[1:])"
    assert unwanted & imported(script, *arguments) == set()


def test_watching_from_within_does_without_libtmux_and_websockets() -> None:
    script = (
        "import tmuxpulse.cli.watch, tmuxpulse.cli.embedded, tmuxpulse.collect.collector;"
        "import tmuxpulse.collect.pipe"
    )
    assert {"libtmux", "trio_websocket", "wsproto"} & imported(script) == set()
