"""`tmuxpulse shell-init`: what is printed. What it does is shown with real shells."""

from __future__ import annotations

import pytest

from tmuxpulse.cli.main import main
from tmuxpulse.cli.shell_init import SHELLS, snippet


@pytest.mark.parametrize("shell", SHELLS)
def test_it_is_printed_as_it_is(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shell-init", shell]) == 0
    assert capsys.readouterr() == (snippet(shell), "")
    assert snippet(shell).startswith(f"# tmuxpulse shell integration for {shell}")
    assert "\r" not in snippet(shell)
    assert "\nreturn" not in snippet(shell)  # which would end the file that evaluates it


def test_another_shell(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shell-init", "csh"]) == 2
    assert "bash" in capsys.readouterr().err
