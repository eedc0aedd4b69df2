"""Our `notify` in Codex's settings: in, out, and nothing else touched."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.agent_hooks.codex import KEPT, install, installed, remove
from tmuxpulse.agent_hooks.program import codex_command
from tmuxpulse.errors import UsageError

PROGRAM = ["/opt/my tools/tmux\"pulse'.pyz"]
PLAIN = [
    "",
    "\n",
    "# mine\n",
    'model = "x"',
    'model = "x"\n',
    'model = "x" # why\r\n\r\n[tui]\r\nnotify = ["not", "this"]\r\n',
    "[a]\nb = 1\n",
    "# top\n\n[[a]]\nb = 1",
    'p = """\nnotify = ["in a text"]\n[no.table]\n"""\nq = [\n  1, # ]\n  [2],\n]\n# end\n[t]\n',
    "p = '''\n'''\nq = { a = \"#\", b = ']' }\na.notify = 1\n\"k\" = 2\n",
    "p = ''''x'''''\nq = \"\"\"\"x\"\"\"\"\"\n[t]",
]
FOREIGN = [
    'notify = ["notify-send", "Codex"]',
    'model = "x"\nnotify = ["a", \'b c\'] # loud\n\n[t]\n',
    '  "notify" = [ # one\r\n  "a", # two\r\n\r\n  "b",\r\n]\r\nx = 1\r\n',
    "notify = []\n",
    'notify = ["""\na\n""", "x"]\n[t]\n',
]


@pytest.mark.parametrize("text", PLAIN + FOREIGN)
def test_what_is_put_in_comes_out_to_the_byte(text: str) -> None:
    there = install(text, "f", PROGRAM)
    assert list(installed(there, "f")) == ["notify"]
    assert remove(there, "f") == text
    assert install(there, "f", PROGRAM) == there
    was, now = msgspec.toml.decode(text), msgspec.toml.decode(there)
    assert now.pop("notify") == codex_command(PROGRAM, was.pop("notify", []))
    assert now == was
    newer = install(there, "f", ["/new"])
    assert newer != there
    assert remove(newer, "f") == text


lines = st.sampled_from(
    ["", "# c", "  # d", "a = 1", 'b = "x" # y', "c = [", "]", "[t]", "[[u]]", 'd = """', '"""',
     "notify = ['n']", "e = '[x'", "f.notify = 2", "\ud7ff = 1"]
)  # fmt: skip


@settings(max_examples=200)
@given(st.lists(lines, max_size=8), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_whatever_the_settings_are(parts: list[str], newline: str, ended: bool) -> None:
    text = newline.join(parts) + newline * ended
    try:
        was = msgspec.toml.decode(text)
    except (msgspec.DecodeError, ValueError):
        with pytest.raises(UsageError):
            install(text, "f", PROGRAM)
        return
    there = install(text, "f", PROGRAM)
    assert remove(there, "f") == text
    now = msgspec.toml.decode(there)
    assert now.pop("notify") == codex_command(PROGRAM, was.pop("notify", []))
    assert now == was


def test_what_was_there_is_kept_where_it_can_be_read() -> None:
    there = install('a = 1\nnotify = ["n"] # mine\n[t]\n', "f", ["/t"])
    assert there.startswith(f'a = 1\n{KEPT}notify = ["n"] # mine\nnotify = ["/bin/sh", "-c", ')
    # Somebody has tidied the comment away.
    without = "\n".join(line for line in there.split("\n") if not line.startswith("#"))
    assert remove(without, "f") == 'a = 1\nnotify = ["n"]\n[t]\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = 1\nb = \n", "f:2: not TOML"),
        ('a = "x', "f:1: not TOML"),
        ('a = 1\nnotify = "x"\n', "f:2: notify is not a list"),
        ("a = 1\n\nnotify = [1]\n", "f:3: notify is not a list"),
        ("a = 1\n[notify]\n", "f:1: notify is not a list"),
        ("notify.a = 1\n", "f:1: notify is not a list"),
    ],
)
def test_what_it_does_not_understand_it_refuses(text: str, said: str) -> None:
    for change in (lambda: install(text, "f", PROGRAM), lambda: remove(text, "f")):
        with pytest.raises(UsageError) as refused:
            change()
        assert str(refused.value).startswith(said)
        assert "nothing done" in str(refused.value)


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("others", [[], ["two words", "it's"]])
def test_both_are_run_with_the_same_json(tmp_path: Path, others: list[str], is_there: bool) -> None:
    ours, theirs = tmp_path / "it's ours", tmp_path / "theirs"
    for file in (ours, theirs):
        file.write_text(
            f"#!/bin/sh\nprintf '%s\\n' \"$@\" > '{tmp_path}/'\"${{0##*/}}.said\"\necho x\n"
        )
        file.chmod(0o700)
    if not is_there:
        ours.unlink()
    said = json.dumps({"type": "agent-turn-complete", "last": "a 'b' \"c\" $(d)\n"})
    command = codex_command([str(ours)], [str(theirs), *others] if others else [])
    environment = {"PATH": "/usr/bin:/bin", "TMUX_PANE": "%1"}
    done = subprocess.run(
        [*command, said], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "x\n" if others else "")
    if is_there:
        heard = (tmp_path / "it's ours.said").read_text()
        assert heard == f"emit\n--from-hook\ncodex\n{said}\n"
    if others:
        assert (tmp_path / "theirs.said").read_text() == "\n".join([*others, said, ""])
    (tmp_path / "it's ours.said").unlink(missing_ok=True)
    subprocess.run([*command, said], env={"PATH": "/usr/bin:/bin"}, check=True)
    assert not (tmp_path / "it's ours.said").exists()  # outside tmux
