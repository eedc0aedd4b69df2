"""Who has a terminal, as systems tell it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tmuxpulse.agent_hooks import descent
from tmuxpulse.agent_hooks.descent import Process, agent_has_terminal, parse_ps, parse_stat

HOOK = "from tmuxpulse.agent_hooks.descent import agent_has_terminal as f; print(f(), flush=True)"
# An agent, which starts its hook by way of a shell.
AGENT = f"""
import subprocess, sys
command = [sys.executable, "-c", {HOOK!r}]
apart = sys.argv[1] == "hook-apart"
subprocess.run(["sh", "-c", '"$@" || :', "sh", *command], start_new_session=apart, check=True)
"""


def test_what_linux_tells() -> None:
    told = "12 (a) 1 0 (b) S 7 12 12 34816 12 4194304 1"
    assert parse_stat(told) == Process("a) 1 0 (b", 7, True)
    assert parse_stat("12 (sh) S 7 12 12 0 -1 4194304 1\n") == Process("sh", 7, False)


def test_what_ps_tells() -> None:
    told = "    1     0 ?? /sbin/launchd\n  70   1 ttys001  -zsh\n 72 70 - a b\n odd\n"
    assert parse_ps(told) == {
        1: Process("launchd", 0, False),
        70: Process("zsh", 1, True),
        72: Process("a b", 70, False),
    }


def test_ps_tells_of_this_process_what_linux_does() -> None:
    assert descent._from_ps()[os.getpid()] == descent._from_proc(os.getpid())


def ask(how: str, *, agent_has_terminal: bool) -> str:
    """Let an agent run a hook, below a process that has a terminal."""
    controller, terminal = os.openpty()
    name = os.ttyname(terminal)

    def begin() -> None:
        os.setsid()
        os.open(name, os.O_RDWR)  # the first that is opened is the controlling one

    agent = [sys.executable, "-c", AGENT, how]
    if not agent_has_terminal:
        start = "import subprocess, sys; subprocess.run(sys.argv[1:], start_new_session=True)"
        agent = [sys.executable, "-c", start, *agent]
    try:
        done = subprocess.run(agent, preexec_fn=begin, capture_output=True, text=True, check=True)
    finally:
        os.close(controller)
        os.close(terminal)
    return done.stdout.strip()


@pytest.mark.parametrize("how", ["hook-apart", "hook-with-it"])
@pytest.mark.parametrize("is_in_pane", [True, False])
def test_the_agent_counts_and_neither_its_hook_nor_who_started_it(
    how: str, is_in_pane: bool
) -> None:
    assert ask(how, agent_has_terminal=is_in_pane) == str(is_in_pane)


def test_a_system_that_tells_nothing_of_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "exists", lambda _self: False)
    parent = os.getppid()
    for known, found in (
        ({}, False),
        ({parent: Process("sh", parent, False)}, False),  # round and round
        ({parent: Process("sh", 5, True)}, True),
        ({parent: Process("sh", 5, False), 5: Process("codex", 6, False)}, False),
        ({parent: Process("sh", 5, False), 5: Process("codex", 1, True)}, True),
    ):
        monkeypatch.setattr(descent, "_from_ps", lambda known=known: known)
        assert agent_has_terminal() is found
