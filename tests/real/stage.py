"""Two private tmux servers: one is watched, in the other one stands the full screen.

The second is the terminal: keys go in by ``send-keys``, what is seen comes from ``capture-pane``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

DEADLINE_SECONDS = 60.0
LOOK_SECONDS = 0.05


class Stage:
    """Both servers, in one directory.

    Attributes:
        folder: sockets, settings, and where the full screen runs.
        said: what the full screen wrote to standard error.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.watched = folder / "watched"
        self.terminal = folder / "terminal-0"
        self.said = folder / "said-0"
        drop = ("TMUX", "NO_COLOR", "CLICOLOR", "COLORTERM")
        self.env = {key: value for key, value in os.environ.items() if not key.startswith(drop)}
        self.env |= {
            "TMUXPULSE_RUNTIME_DIR": str(folder / "run"),
            "TMUXPULSE_STATE_DIR": str(folder / "state"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "TMUX_TMPDIR": str(folder),
            "LC_ALL": "C.UTF-8",
            "SHELL": "/bin/sh",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        self._started = 0
        self._processes: list[subprocess.Popen[bytes]] = []

    def tmux(self, *arguments: str, at: Path | None = None) -> str:
        """Run a command of the watched server, or of another."""
        done = subprocess.run(
            ["tmux", "-u", "-f", "/dev/null", "-S", str(at or self.watched), *arguments],
            env=self.env,
            capture_output=True,
            text=True,
            check=True,
            timeout=DEADLINE_SECONDS,
        )
        return done.stdout

    def start(
        self, *arguments: str, size: tuple[int, int] = (100, 30), watch: str = "", env: str = ""
    ) -> None:
        """Start the full screen in a new terminal; by default it watches the first server."""
        command = watch or f"watch -S {self.watched} {' '.join(arguments)}"
        self.end()
        self._started += 1
        self.terminal = self.folder / f"terminal-{self._started}"
        self.said = self.folder / f"said-{self._started}"
        columns, rows = map(str, size)
        self.tmux(
            *("new-session", "-d", "-s", "t", "-x", columns, "-y", rows),
            *("-c", str(self.folder)),
            f"trap : INT; {env} {sys.executable} -m tmuxpulse {command} 2>{self.said};"
            " echo ended with $?; sleep 1000",
            at=self.terminal,
        )

    def end(self) -> None:
        """End the terminal, and what runs there; wait until that has let go of its pipes.

        Whoever watches next would have to sample the panes as long as somebody else pipes them.
        """
        terminal = ["tmux", "-S", str(self.terminal)]
        panes = subprocess.run(
            [*terminal, "list-panes", "-a", "-F", "#{pane_pid}"],
            check=False,
            capture_output=True,
            text=True,
        ).stdout.split()
        running = [one for pid in panes for one in family(int(pid))]
        subprocess.run([*terminal, "kill-server"], check=False, capture_output=True)
        psutil.wait_procs(running, timeout=DEADLINE_SECONDS)

    def keys(self, *names: str) -> None:
        """Press keys, by tmux's names."""
        self.tmux("send-keys", "-t", "t", *names, at=self.terminal)

    def type(self, text: str) -> None:
        """Write a text as it is."""
        self.tmux("send-keys", "-t", "t", "-l", "--", text, at=self.terminal)

    def mouse(self, button: int, column: int, row: int) -> None:
        """Press and release a button as a terminal tells of it; places from 0."""
        for end in "Mm":
            self.type(f"\x1b[<{button};{column + 1};{row + 1}{end}")

    def text(self, *flags: str) -> str:
        """What is seen."""
        return self.tmux("capture-pane", "-p", "-t", "t", *flags, at=self.terminal)

    def sees(self, pattern: str, *flags: str) -> str:
        """Wait until something is seen; gives all that is seen then."""
        return self.until(lambda text: re.search(pattern, text, re.MULTILINE), pattern, *flags)

    def sees_no(self, pattern: str) -> str:
        """Wait until something is not seen any more."""
        return self.until(lambda text: not re.search(pattern, text, re.MULTILINE), f"no {pattern}")

    def until(self, holds: Callable[[str], Any], what: str, *flags: str) -> str:
        """Wait until something holds of what is seen."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            text = self.text(*flags)
            if holds(text):
                return text
            time.sleep(LOOK_SECONDS)
        said = self.said.read_text()
        raise AssertionError(f"never seen: {what}; it said {said!r}, and this is seen:\n{text}")

    def row(self, pattern: str) -> int:
        """The number of the row in which something is seen."""
        rows = self.sees(pattern).split("\n")
        return next(at for at, row in enumerate(rows) if re.search(pattern, row))

    def serve(self) -> subprocess.Popen[bytes]:
        """Run a tmuxpulse server for the watched one alone, and wait until it is ready."""
        self.end()
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "tmuxpulse", "serve", "--port", "0"),
                *("-S", str(self.watched)),
            ],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._processes.append(server)
        assert server.stdout is not None
        assert b"ready" in server.stdout.readline()
        return server

    def stop(self, server: subprocess.Popen[bytes]) -> None:
        """End a server, and wait."""
        server.terminate()
        server.wait(DEADLINE_SECONDS)

    def close(self) -> None:
        """End everything; a demo may end its own tmux first, as it does when its terminal goes."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
        self.end()
        deadline = time.monotonic() + DEADLINE_SECONDS
        while any(self.folder.glob("run/demo-*")) and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        subprocess.run(
            ["tmux", "-S", str(self.watched), "kill-server"], check=False, capture_output=True
        )
        shutil.rmtree(self.folder, ignore_errors=True)


def family(pid: int) -> list[psutil.Process]:
    """A process and all below it."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


@contextmanager
def stage() -> Iterator[Stage]:
    """Both servers for the time of the block."""
    it = Stage(Path(tempfile.mkdtemp(prefix="tp-")))
    try:
        yield it
    finally:
        it.close()
