"""Completion in real shells: a TAB, and what the shell makes of it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.real.served import DEADLINE_SECONDS, LOOK_SECONDS
from tmuxpulse.cli.completion import SHELLS, script

START = {  # with the script in a file, as its help says
    "bash": "bash --noprofile --rcfile {}/start",
    "zsh": "zsh -d -i",
    "fish": "fish --private --no-config --init-command 'source {}/start'",
}
CONFIG = {
    "bash": "PS1='READY$ '\nbind 'set bell-style none'\nbind 'set enable-bracketed-paste off'\n",
    "zsh": "PS1='READY%% '\nunsetopt beep\nautoload -U compinit\ncompinit -u -D\n",
    "fish": "function fish_greeting; end\nfunction fish_prompt; echo -n 'READY> '; end\n"
    "set -g fish_autosuggestion_enabled 0\n",
}
EVAL = {
    "bash": 'eval "$(cat {}/script)"\n',
    "zsh": 'eval "$(cat {}/script)"\n',
    "fish": "cat {}/script | source\n",
}
PATIENCE_SECONDS = 1.0  # for a shell to answer a TAB, before the next


class Shell:
    """One shell in one pane."""

    def __init__(self, folder: Path, shell: str) -> None:
        self._folder = folder
        (folder / "script").write_text(script(shell))
        (folder / "my-settings.toml").touch()
        config = CONFIG[shell] + EVAL[shell].format(folder)
        (folder / (".zshrc" if shell == "zsh" else "start")).write_text(config)
        self._environment = {
            "HOME": str(folder),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "TMUX_TMPDIR": str(folder),
            "SHELL": "/bin/sh",
        }
        self.tmux(
            *("new-session", "-d", "-x", "150", "-y", "40", "-c", str(folder)),
            START[shell].format(folder),
        )
        self.until(lambda screen: "READY" in screen)

    def tmux(self, *arguments: str) -> str:
        return subprocess.run(
            ["tmux", "-u", "-f", "/dev/null", "-S", str(self._folder / "s"), *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=DEADLINE_SECONDS,
        ).stdout

    def type(self, text: str) -> None:
        """Type, and wait until it is seen."""
        self.tmux("send-keys", "-l", "--", text)
        self.until(lambda screen: text.strip() in screen)

    def tab_until(self, holds: Callable[[str], bool]) -> None:
        """Press TAB until the screen is as wanted.

        Once is enough in bash and fish; zsh explains an option before it takes it.
        """
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not holds(screen := self.tmux("capture-pane", "-p")):
            assert time.monotonic() < deadline, screen
            self.tmux("send-keys", "Tab")
            patience = time.monotonic() + PATIENCE_SECONDS
            while time.monotonic() < patience and not holds(self.tmux("capture-pane", "-p")):
                time.sleep(LOOK_SECONDS)

    def until(self, holds: Callable[[str], bool]) -> str:
        """Wait until the screen is as wanted."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not holds(screen := self.tmux("capture-pane", "-p")):
            assert time.monotonic() < deadline, screen
            time.sleep(LOOK_SECONDS)
        return screen


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> Iterator[Shell]:
    folder = Path(tempfile.mkdtemp(prefix="tp-"))
    try:
        yield Shell(folder, request.param)
    finally:
        subprocess.run(
            ["tmux", "-S", str(folder / "s"), "kill-server"], check=False, capture_output=True
        )
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize(
    ("typed", "becomes"),
    [
        ("tmuxpulse sea", "tmuxpulse search"),
        ("tmuxpulse shell-i", "tmuxpulse shell-init"),
        ("tmuxpulse search --ses", "tmuxpulse search --session"),
        ("tmuxpulse token cr", "tmuxpulse token create"),
        ("tmuxpulse token create --exp", "tmuxpulse token create --expires"),
        ("tmuxpulse serve --write any", "tmuxpulse serve --write anywhere"),
        ("tmuxpulse completion fi", "tmuxpulse completion fish"),
        ("tmuxpulse serve --config my-s", "tmuxpulse serve --config my-settings.toml"),
    ],
)
def test_a_tab_completes(shell: Shell, typed: str, becomes: str) -> None:
    shell.type(typed)
    shell.tab_until(lambda screen: becomes in screen)


def test_two_tabs_list_what_there_is(shell: Shell) -> None:
    shell.type("tmuxpulse serve --write ")
    shell.tab_until(lambda screen: all(word in screen for word in ("never", "local", "anywhere")))
