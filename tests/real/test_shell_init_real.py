"""The marks of real shells in a real tmux, as the pane's bytes say them: exactly, and in order."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.real.served import DEADLINE_SECONDS, LOOK_SECONDS
from tmuxpulse.cli.shell_init import SHELLS, snippet
from tmuxpulse.tmux.signals import CommandEnd, CommandInput, CommandStart, Prompt
from tmuxpulse.tmux.text import TextStream

A, B = "A", "B"
Mark = str | tuple[str, object]
READY = "READY"  # what every prompt of these tests shows
# A shell shows its prompt, and says where it ends; fish cannot say so.
PROMPT = {"bash": [A, B], "zsh": [A, B], "fish": [A]}
START = {
    "bash": ["bash", "--noprofile", "--rcfile"],
    "zsh": ["zsh", "-d", "-i"],
    "fish": ["fish", "--private", "--no-config", "--init-command"],
}
PLAIN = {
    "bash": "PS1='READY$ '\n",
    "zsh": "PS1='READY%% '\n",
    "fish": "function fish_greeting; end\nfunction fish_prompt; echo -n 'READY> '; end\n"
    "set -e fish_private_mode\n",
}


def began(line: str | None = None) -> Mark:
    return ("C", line)


def ended(status: int) -> Mark:
    return ("D", status)


class Typist:
    """Types into a shell in a pane, and reads the marks in what the pane prints."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bytes = folder / "bytes"
        self.bytes.touch()
        self.environment = {
            "HOME": str(folder),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "TMUX_TMPDIR": str(folder),
            "SHELL": "/bin/sh",
        }

    def tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-u", "-f", "/dev/null", "-S", str(self.folder / "s"), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=DEADLINE_SECONDS,
        )
        return done.stdout.strip()

    def start(self, shell: str, config: str) -> None:
        """Run a shell with this start file, and wait for its first prompt."""
        file = self.folder / "start"
        if shell == "zsh":
            file = self.folder / ".zshrc"
        file.write_text(config)
        command = START[shell]
        if shell == "bash":
            command = [*command, str(file)]
        elif shell == "fish":
            command = [*command, f"source {file}"]
        # Nothing is printed before the pipe is open.
        waits = f"read x; exec {shlex.join(command)}"
        self.tmux("new-session", "-d", "-c", str(self.folder), "-x", "100", "-y", "30", waits)
        self.tmux("pipe-pane", "-O", f"cat >> {self.bytes}")
        self.tmux("send-keys", "Enter")
        # What the screen shows comes a moment later through the pipe.
        self.until(lambda: self.prompts() and self.ready())

    def type(self, line: str) -> None:
        """Type a line, and wait for the prompt after it."""
        before = self.prompts()
        self.tmux("send-keys", "-l", line)
        self.tmux("send-keys", "Enter")
        self.until(lambda: self.prompts() > before and self.ready())

    def press(self, *keys: str) -> None:
        """Press keys, and wait for the next prompt."""
        before = self.prompts()
        self.tmux("send-keys", *keys)
        self.until(lambda: self.prompts() > before and self.ready())

    def marks(self) -> list[Mark]:
        stream = TextStream()
        stream.feed(self.bytes.read_bytes())
        found: list[Mark] = []
        for signal in stream.take().signals:
            match signal:
                case Prompt():
                    found.append(A)
                case CommandInput():
                    found.append(B)
                case CommandStart(command_line=line):
                    found.append(began(line))
                case CommandEnd(exit_status=status):
                    assert status is not None
                    found.append(ended(status))
        return found

    def prompts(self) -> int:
        """How often the prompt's text was shown."""
        return self.bytes.read_bytes().count(READY.encode())

    def ready(self) -> bool:
        """Whether the cursor is behind a prompt."""
        row = int(self.tmux("display-message", "-p", "#{cursor_y}"))
        line = self.tmux("capture-pane", "-p", "-S", str(row), "-E", str(row))
        return READY in line and len(line.split(READY)[-1].strip()) <= 1

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p")

    def until(self, holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not holds():
            assert time.monotonic() < deadline, self.screen()
            time.sleep(LOOK_SECONDS)


@pytest.fixture
def typist(tmp_path: Path) -> Iterator[Typist]:
    found = Typist(tmp_path)
    try:
        yield found
    finally:
        subprocess.run(
            ["tmux", "-S", str(tmp_path / "s"), "kill-server"], check=False, capture_output=True
        )


@pytest.mark.parametrize("shell", SHELLS)
def test_each_command_begins_and_ends_once_with_its_line_and_its_status(
    typist: Typist, shell: str
) -> None:
    typist.start(shell, PLAIN[shell] + snippet(shell))
    typist.type("echo 'a;b%41' ä | cat")
    typist.type("false")
    typist.type("sh -c 'exit 37'")
    typist.type("")
    typist.tmux("send-keys", "-l", "half a line")
    typist.press("C-c")
    typist.type("true")
    prompt = PROMPT[shell]
    cancelled = [] if shell == "fish" else prompt  # fish draws the same prompt once more
    assert typist.marks() == [
        *prompt,
        *(began("echo 'a;b%41' ä | cat"), ended(0), *prompt),
        *(began("false"), ended(1), *prompt),
        *(began("sh -c 'exit 37'"), ended(37), *prompt),
        *prompt,
        *cancelled,
        *(began("true"), ended(0), *prompt),
    ]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_status_is_still_the_users(typist: Typist, shell: str) -> None:
    prompts = {
        "bash": "PS1='[$?]READY$ '\n",
        "zsh": "PS1='[%?]READY%% '\n",
        "fish": 'function fish_prompt; echo -n "[$status]READY> "; end\n',
    }
    status = {"bash": "$?", "zsh": "$?", "fish": "$status"}[shell]
    typist.start(shell, PLAIN[shell] + prompts[shell] + snippet(shell))
    typist.type("sh -c 'exit 37'")
    assert "[37]READY" in typist.screen()
    typist.type(f"echo was {status}")
    assert "was 37" in typist.screen()
    typist.type("sh -c 'kill -TERM $$'")
    assert "[143]READY" in typist.screen()
    assert typist.marks()[-len(PROMPT[shell]) - 1] == ended(143)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_command_that_is_interrupted_ends_with_130(typist: Typist, shell: str) -> None:
    typist.start(shell, PLAIN[shell] + snippet(shell))
    typist.tmux("send-keys", "-l", "sleep 60")
    typist.tmux("send-keys", "Enter")
    typist.until(lambda: began("sleep 60") in typist.marks())
    typist.until(lambda: typist.tmux("display-message", "-p", "#{pane_current_command}") == "sleep")
    typist.press("C-c")
    typist.until(lambda: typist.marks()[-len(PROMPT[shell]) :] == PROMPT[shell])
    assert typist.marks()[-len(PROMPT[shell]) - 2 :] == [
        began("sleep 60"),
        ended(130),
        *PROMPT[shell],
    ]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_line_that_is_kept_out_of_the_history_is_not_told(typist: Typist, shell: str) -> None:
    keep = {"bash": "HISTCONTROL=ignorespace\n", "zsh": "setopt histignorespace\n", "fish": ""}
    typist.start(shell, PLAIN[shell] + keep[shell] + snippet(shell))
    typist.type("true")
    typist.type(" echo secret")
    assert [m for m in typist.marks() if m not in (A, B)] == [
        began("true"),
        ended(0),
        began(None),
        ended(0),
    ]


@pytest.mark.parametrize("shell", SHELLS)
def test_sourced_twice_it_marks_once(typist: Typist, shell: str) -> None:
    typist.start(shell, PLAIN[shell] + snippet(shell) + snippet(shell))
    (typist.folder / "again").write_text(snippet(shell))
    typist.type(". ./again" if shell != "fish" else "source ./again")
    typist.type("true")
    prompt = PROMPT[shell]
    assert typist.marks()[-2 * len(prompt) - 2 :] == [*prompt, began("true"), ended(0), *prompt]


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_with_nounset_nothing_is_said(typist: Typist, shell: str) -> None:
    typist.start(shell, "set -u\nunset PROMPT_COMMAND PS0\n" + PLAIN[shell] + snippet(shell))
    typist.type("true")
    typist.type("")
    assert typist.marks() == [A, B, began("true"), ended(0), A, B, A, B]
    for word in ("unbound", "parameter not set", "not found"):
        assert word not in typist.screen()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_prompt_of_two_rows_and_a_command_of_two_lines(typist: Typist, shell: str) -> None:
    prompts = {
        "bash": "PS1='first\\nREADY$ '\nPS2='READY '\n",
        "zsh": "PS1=$'first\\nREADY%% '\nPS2='READY '\n",
        "fish": "function fish_prompt; echo first; echo -n 'READY> '; end\n",
    }
    typist.start(shell, PLAIN[shell] + prompts[shell] + snippet(shell))
    lines = {
        "bash": ["for i in 1 2; do", "echo n$i; done"],
        "zsh": ["for i in 1 2; do", "echo n$i; done"],
        "fish": ["for i in 1 2", "echo n$i; end"],
    }[shell]
    if shell == "fish":  # it goes on in its editor, without a prompt
        typist.tmux("send-keys", "-l", lines[0])
        typist.tmux("send-keys", "Enter")
    else:
        typist.type(lines[0])
    typist.type(lines[1])
    found = [m for m in typist.marks() if m not in (A, B)]
    assert found[1:] == [ended(0)]
    assert isinstance(found[0], tuple)
    told = str(found[0][1])
    assert told.split("echo", maxsplit=1)[0].split() == lines[0].rstrip(";").split()
    assert "echo n$i" in told
    assert typist.marks()[0] == A


@pytest.mark.parametrize(
    "config",
    [
        "PROMPT_COMMAND='mine;'\n",
        "PROMPT_COMMAND=(mine 'echo -n')\n",
        "PROMPT_COMMAND='mine; PS1=\"READY$ \"'\n",
    ],
)
def test_what_bash_ran_at_its_prompt_it_still_runs(typist: Typist, config: str) -> None:
    typist.start(
        "bash",
        PLAIN["bash"]
        + "mine() { echo mine:$?; }\n"
        + 'debug() { echo "debug:$BASH_COMMAND" >> debug; }\ntrap debug DEBUG\n'
        + "PS0='zero\\n'\n"
        + config
        + snippet("bash"),
    )
    typist.type("sh -c 'exit 5'")
    assert "mine:5" in typist.screen()
    assert "zero" in typist.screen()
    assert "debug:sh -c 'exit 5'" in (typist.folder / "debug").read_text()
    assert typist.marks() == [A, B, began("sh -c 'exit 5'"), ended(5), A, B]


def test_what_zsh_ran_at_its_prompt_it_still_runs(typist: Typist) -> None:
    typist.start(
        "zsh",
        "precmd() { echo one:$?; }\nmine() { echo two:$?; PS1='READY%'; }\n"
        'before() { echo "three:$1"; }\nprecmd_functions=(mine)\npreexec_functions=(before)\n'
        + PLAIN["zsh"]
        + snippet("zsh")
        + "late() { echo four:$?; }\nprecmd_functions+=(late)\n",
    )
    typist.type("sh -c 'exit 5'")
    for text in ("one:5", "two:5", "three:sh -c", "four:5"):
        assert text in typist.screen()
    assert typist.marks() == [A, B, began("sh -c 'exit 5'"), ended(5), A, B]


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    ("shell", "other"),
    [
        ("bash", "__ghostty_precmd() { :; }\n"),
        ("bash", "PS1='\\[\\e]133;A\\a\\]READY$ '\n"),
        ("zsh", "_ksi_precmd() { :; }\n"),
        ("zsh", "PS1=$'%{\\e]133;A\\a%}READY%% '\n"),
        ("fish", "function __ghostty_mark_prompt_start; end\n"),
    ],
)
def test_where_a_terminal_marks_already_it_stays_silent(
    typist: Typist, shell: str, other: str, late: bool
) -> None:
    parts = [snippet(shell), other] if late else [other, snippet(shell)]
    typist.start(shell, PLAIN[shell] + "".join(parts))
    typist.type("true")
    assert [mark for mark in typist.marks() if mark != A] == []


@pytest.mark.parametrize("shell", SHELLS)
def test_outside_tmux_nothing_is_done(shell: str, tmp_path: Path) -> None:
    (tmp_path / "snippet").write_text(snippet(shell))
    probes = {
        "bash": [
            "bash",
            "--norc",
            "-i",
            "-c",
            '. ./snippet; declare -F; echo "[${PROMPT_COMMAND-}]"',
        ],
        "zsh": [
            "zsh",
            "-f",
            "-i",
            "-c",
            '. ./snippet; print -l ${(k)functions} "[$precmd_functions]"',
        ],
        "fish": ["fish", "-N", "-i", "-c", "source ./snippet; functions -a; echo []"],
    }
    for flags, environment in (
        (1, {"TERM": "xterm"}),  # interactive, and not in tmux
        (0, {"TERM": "tmux-256color", "TMUX": "/x,1,0"}),  # in tmux, and not interactive
    ):
        command = [part for part in probes[shell] if flags or part != "-i"]
        done = subprocess.run(
            command,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **environment},
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )
        assert "[]" in done.stdout
        assert "tmuxpulse" not in done.stdout
        assert "133;" not in done.stdout
