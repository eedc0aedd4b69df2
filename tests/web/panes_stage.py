"""A tmux whose panes fail, wait, are done, work and rest, with a server that watches it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.web.browsing import WAIT_SECONDS, WEB, Served, browser_environment, drive

SETTINGS = """\
[server]
write = "local"
[history]
output = true
"""


@contextmanager
def panes(directory: Path) -> Iterator[str]:
    """Run the tmux server; gives its socket."""
    path = str(directory / "tmux.sock")
    base = ["tmux", "-f", "/dev/null", "-S", path]

    def play(name: str, *words: str) -> None:
        program = f"{sys.executable} {WEB / 'panes.py'} {name}"
        subprocess.run([*base, *words, "-c", "/", program], check=True)

    size = ["-x", "96", "-y", "28"]
    play("build", "new-session", "-d", *size, "-s", "shop", "-n", "work")
    subprocess.run([*base, "set-option", "-g", "remain-on-exit", "on"], check=True)
    play("failing", "split-window", "-d", "-h", "-t", "shop:work")
    play("prompt", "new-window", "-d", "-t", "shop:", "-n", "release")
    play("log", "new-session", "-d", *size, "-s", "api", "-n", "log")
    play("agent", "new-window", "-d", "-t", "api:", "-n", "agent")
    play("done", "new-window", "-d", "-t", "api:", "-n", "jobs")
    subprocess.run(
        [*base, "new-session", "-d", *size, "-s", "notes", "-n", "shell", "-c", "/", "sh"],
        check=True,
        env={**os.environ, "PS1": "$ "},
    )
    try:
        yield path
    finally:
        subprocess.run([*base, "kill-server"], check=False, capture_output=True)


@contextmanager
def served(directory: Path) -> Iterator[Served]:
    """Run the server, too; one of the panes has failed."""
    with panes(directory) as tmux:
        server = Served(directory, tmux, SETTINGS)
        server.start()
        try:
            failed = ["--status", "error", "--reason", "a test failed", "--agent", "run-tests"]
            server.run("emit", "agent.status", *failed, "--session", "shop", "--pane", "%1")
            yield server
        finally:
            server.stop()
        assert "Traceback" not in server.errors


def told(script: str, settings: dict[str, str], server: Served) -> dict[str, Any]:
    """Drive a script in a browser, and give what it saw."""
    with drive(browser_environment(), script) as page:
        try:
            out, errors = page.communicate(json.dumps(settings), timeout=WAIT_SECONDS * 5)
        finally:
            page.kill()
        assert page.returncode == 0, errors + server.errors
    return dict(json.loads(out))
