"""What can be told of a command without running it; what windows are for; what may be named."""

from __future__ import annotations

import pytest

from tmuxpulse.compat import tmux_core
from tmuxpulse.compat.tmux_core import (
    BatchOperations,
    TmuxCommand,
    TmuxCommandError,
    TmuxPatterns,
    TmuxValidation,
    _capture_of,
    _changes,
)
from tmuxpulse.errors import TmuxCommandFailed, TmuxNotFound


@pytest.mark.parametrize(
    "command",
    [
        "tmux list-sessions -F #{session_name}",
        "tmux -L work list-windows -a",
        "tmux -u -S /s -2 capture-pane -p",
        "/usr/bin/tmux has-session -t api",
        "tmux display-message -p x",
    ],
)
def test_what_only_reads_changes_nothing(command: str) -> None:
    assert not _changes(command.split(" "))


@pytest.mark.parametrize(
    "command",
    [
        "tmux",
        "tmux kill-session -t ls",
        "tmux -L ls new-session -d",
        "tmux list-sessions ; kill-server",
        "tmux -c ls",
        "tmux -f ls",
        "./start.sh list-sessions",
        "",
    ],
)
def test_whatever_may_change_something_counts_as_a_change(command: str) -> None:
    assert _changes(command.split(" ") if command else [])


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        ("tmux capture-pane -t a:0 -p -S -5", ("a:0", 5)),
        ("tmux capture-pane -p -t %3", ("%3", 0)),
        ("tmux capture-pane -p -S -0 -t a", ("a", 0)),
        ("tmux capture-pane -p -e -t a", None),
        ("tmux capture-pane -p -J -t a -S -5", None),
        ("tmux capture-pane -p -t a -S 5", None),
        ("tmux capture-pane -p -t a -S -", None),
        ("tmux capture-pane -p -t a -S", None),
        ("tmux capture-pane -p -t", None),
        ("tmux capture-pane -p", None),
        ("tmux capture-pane -t a", None),
        ("tmux -L x capture-pane -p -t a", None),
        ("tmux capture-pane -p -t a ; kill-server", None),
        ("cat capture-pane -p -t a", None),
        ("", None),
    ],
)
def test_which_commands_a_server_can_answer(command: str, wanted: tuple[str, int] | None) -> None:
    assert _capture_of(command.split(" ")) == wanted


@pytest.mark.parametrize(
    ("name", "process", "kind"),
    [
        ("zsh", "claude", "CLAUDE_AGENT"),
        ("anything", "node", "CLAUDE_AGENT"),
        ("Claude-Agent", "bash", "CLAUDE_AGENT"),
        ("project-manager", "", "PROJECT_MANAGER"),
        ("pm", "", "PROJECT_MANAGER"),
        ("Dev-Server", "python", "DEV_SERVER"),
        ("my_server", "", "DEV_SERVER"),
        ("Shell", "", "SHELL"),
        ("dashboard", "", "UNKNOWN"),
        ("", "", "UNKNOWN"),
    ],
)
def test_what_a_window_is_for(name: str, process: str, kind: str) -> None:
    assert TmuxPatterns.detect_window_type(name, process) == kind


def test_a_subclass_may_have_other_words() -> None:
    class Mine(TmuxPatterns):
        CLAUDE_INDICATORS = ["codex"]  # noqa: RUF012  # as hosts write it

    assert Mine.detect_window_type("x", "codex") == "CLAUDE_AGENT"
    assert Mine.detect_window_type("x", "node") == "UNKNOWN"


@pytest.mark.parametrize(
    ("name", "good"),
    [("api", True), ("ä b", True), ("", False), ("a:b", False), ("a.b", False), (7, False)],
)
def test_names_of_sessions(name: object, good: bool) -> None:
    assert TmuxValidation.validate_session_name(name) is good


@pytest.mark.parametrize(
    ("index", "good"),
    [(0, True), ("3", True), (-1, False), ("x", False), ("٣", False), (True, False), (None, False)],
)
def test_indexes_of_windows(index: object, good: bool) -> None:
    assert TmuxValidation.validate_window_index(index) is good


def test_keys_are_left_as_they_are() -> None:
    assert TmuxValidation.sanitize_keys('it\'s "$HOME"\0') == 'it\'s "$HOME"'


def test_errors_are_of_the_known_shape() -> None:
    with pytest.raises(TmuxCommandError, match="no-such-program"):
        TmuxCommand.execute_command(["no-such-program"])
    with pytest.raises(TmuxCommandError, match=r"sh -c .*: bad$") as found:
        TmuxCommand.execute_command(["sh", "-c", "echo bad >&2; exit 3"])
    assert isinstance(found.value, TmuxCommandFailed)
    assert (found.value.returncode, found.value.stderr) == (3, "bad")
    done = TmuxCommand.execute_command(["sh", "-c", "echo out; exit 3"], check=False)
    assert (done.returncode, done.stdout) == (3, "out\n")
    assert issubclass(TmuxNotFound, TmuxCommandError)
    assert str(TmuxCommandError("a host's own")) == "a host's own"


def test_every_name_of_the_shape_is_there() -> None:
    assert all(hasattr(tmux_core, name) for name in tmux_core.__all__)
    assert BatchOperations is TmuxCommand
