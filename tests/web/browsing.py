"""What the tests with a real browser share: a server of their own, and a driver under Node."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WEB = Path(__file__).parent
WAIT_SECONDS = 300


def browser_environment() -> dict[str, str]:
    """The environment for `drive`; fails with what to install."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.fail("chromium is not installed; run: tools/system-packages chromium")
    if shutil.which("node") is None:
        pytest.fail("node is not installed; run: tools/system-packages node npm")
    if not (WEB / "node_modules" / "playwright-core").exists():
        pytest.fail("the browser's driver is missing; run: make env")
    return {**os.environ, "CHROMIUM": chromium}


def drive(environment: dict[str, str], script: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a script beside this file."""
    return subprocess.Popen(
        ["node", str(WEB / script), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


class Served:
    """A real server on a port of its own, with directories of its own.

    Args:
        directory: for everything it writes.
        tmux: the socket of the tmux server that it watches.
        settings: the text of its configuration.
    """

    def __init__(self, directory: Path, tmux: str, settings: str = "") -> None:
        config = directory / "config.toml"
        config.touch(0o600)
        config.write_text(settings)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self._directory = directory
        self._errors = directory / "errors"
        self._tmux = tmux
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.endswith("DISPLAY")},
            "TMUXPULSE_RUNTIME_DIR": str(directory / "run"),
            "TMUXPULSE_STATE_DIR": str(directory / "state"),
            "TMUXPULSE_CONFIG": str(config),
        }
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        with self._errors.open("a") as errors:
            self._process = subprocess.Popen(
                [*PROGRAM, "serve", "-S", self._tmux, "--port", str(self.port)],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=self._environment,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if "ready" not in line:
            self._process.kill()
            self._process.communicate()
            pytest.fail(f"the server did not start: {line}{self.errors}")

    def stop(self) -> None:
        """End it in order."""
        if self._process is None:
            return
        self._process.terminate()
        assert self._process.wait(60) == 0, self.errors
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None

    @property
    def errors(self) -> str:
        """What it said on standard error."""
        return self._errors.read_text()

    def address(self) -> str:
        """Where somebody gets in, once: what `tmuxpulse open --print` gives."""
        return self._open("--print").stdout.strip()

    def opened(self) -> tuple[str, str]:
        """Run `tmuxpulse open`, with a browser that only takes notes.

        Returns:
            What the browser was to open, and the arguments of all processes of this server and of
            its commands at that time.
        """
        notes, processes = self._directory / "notes", self._directory / "processes"
        browser = self._directory / "browser"
        browser.write_text(
            f"#!{sys.executable}\nimport os, pathlib, psutil, sys\n"
            f"pathlib.Path({str(notes)!r}).write_text(' '.join(sys.argv[1:]))\n"
            "place = 'TMUXPULSE_RUNTIME_DIR'\n"
            "ours = [one.info['cmdline'] for one in psutil.process_iter(['cmdline', 'environ'])\n"
            "        if (one.info['environ'] or {}).get(place) == os.environ[place]]\n"
            f"pathlib.Path({str(processes)!r}).write_text(repr(ours))\n"
        )
        browser.chmod(0o700)
        self._open(environment={"BROWSER": str(browser)})
        return notes.read_text(), processes.read_text()

    def run(self, *arguments: str) -> str:
        """Run a command of ours beside it, and give what it prints."""
        done = subprocess.run(
            [*PROGRAM, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=WAIT_SECONDS,
            env=self._environment,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _open(
        self, *options: str, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PROGRAM, "open", *options],
            capture_output=True,
            text=True,
            check=True,
            timeout=WAIT_SECONDS,
            env={**self._environment, **(environment or {})},
        )


PROGRAM = (sys.executable, "-m", "tmuxpulse")


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
