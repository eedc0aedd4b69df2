"""A home, a tmux server and a tmuxpulse server of a page's own, and its blocks run in it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.docs.blocks import ROOT, Block

DEADLINE_SECONDS = 60.0
MEANWHILE_SECONDS = 0.5
LOOK_SECONDS = 0.05
INTERRUPTED = 130
PORT = "8765"  # what the pages say; another one is used, which is free
# Sessions with one pane each, %0 to %13: the names that the pages speak of.
SESSIONS = (
    *("api", "web", "worker", "build", "deploy", "shop", "docs", "db", "logs", "tests"),
    *("ai-chat", "main", "review", "work"),
)
# For `meanwhile`: an agent in a pane that works and asks, by turns: agent-turns %0
TURNS = """\
tmuxpulse emit agent.status --pane "$1" --status busy
sleep 0.5
tmuxpulse emit agent.status --pane "$1" --status waiting --reason "asks for a review"
sleep 0.5
"""
MAKEFILE = "all test release lint:\n\t@echo made $@\n"
RUNS = {"sh": ("sh", "-e"), "bash": ("bash", "-e"), "python": (sys.executable,)}
SUFFIX = {"python": "py"}


class Sandbox:
    """Everything of a page's own, in one directory.

    Args:
        folder: for sockets, programs and what is printed; it is removed at the end.
        home: where the blocks run; by default a new directory in `folder`.
        program: what `tmuxpulse` is; by default this source.
    """

    def __init__(self, folder: Path, home: Path | None = None, program: Path | None = None) -> None:
        self.folder = folder
        self.home = home or folder / "home"
        self.port = _free_port()
        programs = folder / "bin"
        for path in (self.home, programs, folder / "tmux", folder / "run"):
            path.mkdir(mode=0o700, exist_ok=True)
        command = f'"{program}"' if program else f'"{sys.executable}" -m tmuxpulse'
        _program(programs / "tmuxpulse", f'exec {command} "$@"\n')
        _program(programs / "agent-turns", TURNS)
        for manager in ("systemctl", "launchctl"):  # no page changes the services of who tests it
            _program(programs / manager, "echo active\n")
        if home is None:
            for name in ("deploy", "deploy.sh"):
                _program(self.home / name, "echo deployed\n")
            (self.home / "Makefile").write_text(MAKEFILE, encoding="utf-8")
        # What the pages say is tried here, and what they run is measured elsewhere: measuring
        # coverage would be a third of the work of a command as short as these.
        drop = ("TMUX", "XDG_", "NO_COLOR", "CLICOLOR", "CI_", "COVERAGE_")
        self.env = {key: value for key, value in os.environ.items() if not key.startswith(drop)}
        self.env |= {
            "HOME": str(self.home),
            "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "TMUX_TMPDIR": str(folder / "tmux"),
            "TMUXPULSE_RUNTIME_DIR": str(folder / "run"),
            "TMUXPULSE_SERVER_PORT": str(self.port),
            "TMUXPULSE_SERVER_WRITE": "local",
            "SHELL": "/bin/sh",
            "PS1": "$ ",
            "TERM": "xterm",
            "LC_ALL": "C.UTF-8",
        }

    def begin(self, setup: str) -> None:
        """Start both servers, and do what the page wants done first."""
        (self.home / ".tmux.conf").write_text("set -g automatic-rename off\n", encoding="utf-8")
        for name in SESSIONS:
            self.shell(f"tmux new-session -d -s {name} -x 80 -y 24")
        self.shell("tmuxpulse serve --detach")
        # Ready it is before it looked at tmux, too, when that takes long.
        self.shell(f"tmuxpulse wait --pane {SESSIONS[-1]} --timeout 50s exists")
        if setup:
            self.shell(setup)

    def shell(self, text: str) -> None:
        """Run shell commands of which each has to succeed."""
        self._finish(["sh", "-e", "-c", self._with_port(text)], text)

    def run(self, block: Block) -> str | None:
        """Run a block.

        Returns:
            What is wrong; None: it ended as it has to.
        """
        try:
            if "before" in block.said:
                self.shell(block.said["before"])
            script = self.folder / f"block-{block.line}.{SUFFIX.get(block.language, 'sh')}"
            text = f"{block.said.get('preamble', '')}\n{block.text}"
            script.write_text(self._with_port(text), encoding="utf-8")
            with self._meanwhile(block.said.get("meanwhile", "")):
                code, said = self._end_of(
                    ["stdbuf", "-oL", *RUNS[block.language], str(script)], block
                )
        except AssertionError as error:
            return str(error)
        expected = {int(block.said.get("exits", 0))}
        if "until" in block.said:
            if not re.search(block.said["until"], said):
                return f"never printed {block.said['until']!r}, but:\n{said}"
            expected |= {INTERRUPTED, -signal.SIGINT}
        return None if code in expected else f"ended with {code}:\n{said}"

    def close(self) -> None:
        """End everything that was started, and remove the directory."""
        for command in ("tmuxpulse serve --stop", "tmux kill-server"):
            subprocess.run(
                ["sh", "-c", command],
                env=self.env,
                check=False,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=DEADLINE_SECONDS,
            )
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end_of(self, command: list[str], block: Block) -> tuple[int, str]:
        """Exit code and output, of both kinds."""
        output = self.folder / "output"
        with output.open("wb") as file:
            process = subprocess.Popen(
                command,  # a line at a time, as on a terminal
                env=self.env,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        deadline = time.monotonic() + DEADLINE_SECONDS
        wanted = block.said.get("until")
        asked = False
        while process.poll() is None:
            if time.monotonic() > deadline:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                return -signal.SIGKILL, f"(after {DEADLINE_SECONDS:g} s) {_text(output)}"
            if wanted and not asked and re.search(wanted, _text(output)):
                os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
                asked = True
            time.sleep(LOOK_SECONDS)
        return process.returncode, _text(output)

    def _finish(self, command: list[str], what: str) -> None:
        output = self.folder / "setup"
        with output.open("wb") as file:  # no pipe: what goes on in the background would hold it
            done = subprocess.run(
                command,
                env=self.env,
                cwd=self.home,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                timeout=DEADLINE_SECONDS,
            )
        assert done.returncode == 0, f"`{what}` ended with {done.returncode}: {_text(output)}"

    @contextmanager
    def _meanwhile(self, command: str) -> Iterator[None]:
        """Run a command again and again beside the block; it may fail while it is too early."""
        over = threading.Event()

        def again() -> None:
            while not over.wait(MEANWHILE_SECONDS):
                subprocess.run(
                    ["sh", "-c", self._with_port(command)],
                    env=self.env,
                    cwd=self.home,
                    check=False,
                    capture_output=True,
                    stdin=subprocess.DEVNULL,
                    timeout=DEADLINE_SECONDS,
                )

        thread = threading.Thread(target=again)
        if command:
            thread.start()
        try:
            yield
        finally:
            over.set()
            if command:
                thread.join()

    def _with_port(self, text: str) -> str:
        return re.sub(rf"\b{PORT}\b", str(self.port), text)


@contextmanager
def sandbox() -> Iterator[Sandbox]:
    """A sandbox for the time of the block."""
    folder = Path(tempfile.mkdtemp(prefix="tp-"))
    it = Sandbox(folder)
    try:
        yield it
    finally:
        it.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
