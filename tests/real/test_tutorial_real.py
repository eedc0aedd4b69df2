"""Somebody who has only the README: both of its commands in a fresh directory, then the tutorial.

The second command is what runs this test; there it is only seen what it would do. Downloads are
shared with the source this test runs from, else each run would fetch everything anew.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, page_of
from tests.docs.sandbox import Sandbox

TUTORIAL = "docs/tutorial/first-ten-minutes.md"
BUILD_SECONDS = 1200.0  # an environment, and wheels for every platform: on a slow line
DEADLINE_SECONDS = 60.0
LOOK_SECONDS = 0.2
LEFT_OUT = shutil.ignore_patterns(
    *(".git", ".venv*", "node_modules", "dist", "wheelhouse", "site", "__pycache__"),
    *(".*_cache", ".hypothesis", ".coverage*", "screens", "tapes"),
)


class Newcomer:
    """A fresh copy of the source, a home, and a terminal: a private tmux of its own."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "tmuxpulse"
        shutil.copytree(ROOT, self.source, ignore=LEFT_OUT)
        wheels = ROOT / "wheelhouse"
        wheels.mkdir(exist_ok=True)
        (self.source / "wheelhouse").symlink_to(wheels)
        cache = os.environ.get("PIP_CACHE_DIR") or str(Path.home() / ".cache" / "pip")
        self.home = Sandbox(Path(tempfile.mkdtemp(prefix="tp-", dir=folder)), home=self.source)
        self.home.env["PIP_CACHE_DIR"] = cache
        self.terminal = folder / "terminal"
        del self.home.env["PYTHONPATH"]

    def tmux(self, *arguments: str) -> str:
        """Run a command of the terminal."""
        done = subprocess.run(
            ["tmux", "-u", "-f", "/dev/null", "-S", str(self.terminal), *arguments],
            env=self.home.env,
            cwd=self.source,
            capture_output=True,
            text=True,
            check=True,
            timeout=DEADLINE_SECONDS,
        )
        return done.stdout

    def sees(self, pattern: str, seconds: float = DEADLINE_SECONDS) -> str:
        """Wait until something is seen on the terminal."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            text = self.tmux("capture-pane", "-p", "-t", "t")
            if re.search(pattern, text, re.MULTILINE):
                return text
            assert "make: ***" not in text, text
            time.sleep(LOOK_SECONDS)
        raise AssertionError(f"never seen: {pattern}; this is seen:\n{text}")

    def close(self) -> None:
        """End everything."""
        subprocess.run(
            ["tmux", "-S", str(self.terminal), "kill-server"], check=False, capture_output=True
        )
        self.home.close()


@pytest.fixture
def newcomer() -> Iterator[Newcomer]:
    folder = Path(tempfile.mkdtemp(prefix="tp-"))
    it = Newcomer(folder)
    try:
        yield it
    finally:
        it.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.timeout(1800)
def test_the_readme_and_the_tutorial_in_a_fresh_directory(newcomer: Newcomer) -> None:
    readme = (newcomer.source / "README.md").read_text(encoding="utf-8")
    first = next(one for one in page_of("README.md", readme).blocks if one.language == "sh")
    commands = [line.split("#")[0].strip() for line in first.text.splitlines()]
    assert commands == ["make run", "make test"]

    # The first one: it builds, and as no tmux runs there, it shows the demo until q.
    newcomer.tmux(
        *("new-session", "-d", "-s", "t", "-x", "100", "-y", "30"),
        f"unset TMUX TMUX_PANE; {commands[0]}; echo ended with $?; sleep 1000",
    )
    newcomer.sees(r"[1-9]\d* waiting", BUILD_SECONDS)
    newcomer.tmux("send-keys", "-t", "t", "q")
    newcomer.sees("^ended with 0")

    # The second one would check everything; that is what goes on now.
    told = subprocess.run(
        ["make", "--dry-run", "test"],
        env=newcomer.home.env,
        cwd=newcomer.source,
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE_SECONDS,
    ).stdout
    for part in ("ruff format --check", "ruff check", "mypy", "-m pytest"):
        assert part in told

    # Each numbered step of the tutorial, with the file that was built.
    built = newcomer.source / "dist" / "tmuxpulse.pyz"
    (newcomer.home.folder / "bin" / "tmuxpulse").write_text(f'#!/bin/sh\nexec "{built}" "$@"\n')
    page = page_of(TUTORIAL, (newcomer.source / TUTORIAL).read_text(encoding="utf-8"))
    steps = [one for one in page.blocks if "not run" not in one.said]
    assert len(steps) > 9
    for block in steps:
        assert newcomer.home.run(block) is None, f"{TUTORIAL}:{block.line}"
    assert not list((newcomer.home.folder / "run").glob("*.sock"))  # the last step ended it


# What is seen after each line of the README's five, and the key that ends it.
SEEN = {
    "tmuxpulse demo": (r"[1-9]\d* waiting", "q"),
    "tmuxpulse": (r"1 waiting", "q"),
    "tmuxpulse ls --status waiting": (r"^waiting +api:0.0 .*Deploy\?", None),
    "tmuxpulse explain %3": (r"^%3 .*(ready|busy|waiting|unknown)", None),
    "tmuxpulse serve --detach && tmuxpulse open": (r"opening http://127", None),
}


@pytest.mark.timeout(600)
def test_the_five_things_to_try_are_typed_in_a_terminal(newcomer: Newcomer) -> None:
    readme = (newcomer.source / "README.md").read_text(encoding="utf-8")
    (five,) = (one for one in page_of("README.md", readme).blocks if "tmuxpulse demo" in one.text)
    lines = [line.split("  #")[0].strip() for line in five.text.splitlines()]
    assert lines == list(SEEN)
    for name in ("api", "web", "worker", "build"):
        newcomer.home.shell(f"tmux new-session -d -s {name} sh")
    newcomer.home.shell("tmux send-keys -t api 'clear; printf \"Deploy? [y/N] \"; read it' Enter")
    shown = newcomer.home.folder / "shown"
    browser = newcomer.home.folder / "bin" / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > "{shown}"\n')
    browser.chmod(0o755)
    newcomer.home.env["BROWSER"] = str(browser)
    newcomer.tmux("new-session", "-d", "-s", "t", "-x", "100", "-y", "30", "env -u TMUX sh")
    for number, line in enumerate(lines):
        pattern, key = SEEN[line]
        newcomer.tmux("send-keys", "-t", "t", "-l", f"clear; {line}; echo end {number} is $?")
        newcomer.tmux("send-keys", "-t", "t", "Enter")
        newcomer.sees(pattern)
        if key is not None:
            newcomer.tmux("send-keys", "-t", "t", key)
        newcomer.sees(f"^end {number} is 0")
    assert re.fullmatch(r"file://.*/open-.*\.html\n", shown.read_text())


def test_every_step_of_the_tutorial_is_numbered_and_has_something_to_do() -> None:
    text = (ROOT / TUTORIAL).read_text(encoding="utf-8")
    steps = re.findall(r"^## (\d+)\. [^\n]*\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert [int(number) for number, _ in steps] == list(range(1, len(steps) + 1))
    assert all(page_of("step", body).blocks for _, body in steps)
