"""Tries one tmuxpulse, however it is started: alone, and as a server with a client.

Everything is in a folder of its own: the tmux server, sockets, tokens, settings, the cache.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SECONDS = 120.0  # for anything, on a machine that is busy


class Broken(Exception):
    """It does not work; the text says what."""


def smoke(command: Sequence[str], name: str) -> None:
    """Try it.

    Args:
        command: what starts it.
        name: what it is called when it fails.

    Raises:
        Broken: something is not as it should be.
    """
    folder = Path(tempfile.mkdtemp(prefix="tp-smoke-"))
    trial = _Trial(command, name, folder)
    try:
        trial.alone()
        trial.served()
    finally:
        subprocess.run(
            ["tmux", "-S", str(folder / "s"), "kill-server"], check=False, capture_output=True
        )
        shutil.rmtree(folder, ignore_errors=True)


class _Trial:
    def __init__(self, command: Sequence[str], name: str, folder: Path) -> None:
        self._command = list(command)
        self._name = name
        self._folder = folder
        left_out = ("TMUX", "PYTHON", "XDG", "VIRTUAL_ENV")
        self._env = {key: one for key, one in os.environ.items() if not key.startswith(left_out)}
        self._env |= {
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "SHELL": "/bin/sh",
            "TMUX_TMPDIR": str(folder),
            "TMUXPULSE_CACHE_DIR": str(folder / "cache"),
            "TMUXPULSE_RUNTIME_DIR": str(folder / "run"),
            "TMUXPULSE_STATE_DIR": str(folder / "state"),
        }

    def alone(self) -> None:
        """Version, help, licences, completion."""
        self._expect("tmuxpulse " in self._run("--version"), "--version")
        self._expect("commands:" in self._run("--help"), "--help")
        self._expect("LGPL" in self._run("licences"), "licences")
        self._expect("tmuxpulse" in self._run("completion", "bash"), "completion")

    def served(self) -> None:
        """A server on a tmux of its own, a client, doctor, and the end."""
        subprocess.run(
            ["tmux", "-f", "/dev/null", "-S", str(self._folder / "s"),
             "new-session", "-d", "-s", "smoke", "cat"],
            check=True, env=self._env, capture_output=True,
        )  # fmt: skip
        server = subprocess.Popen(
            [*self._command, "serve", "--port", "0", "-S", str(self._folder / "s")],
            env=self._env,
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        try:
            if server.stdout is None:
                raise AssertionError("started with a pipe")
            ready, _, _ = select.select([server.stdout], [], [], SECONDS)
            self._expect(bool(ready) and "ready" in server.stdout.readline(), "the ready line")
            listed = json.loads(self._run("ls", "--json"))
            self._expect([one["name"] for one in listed["sessions"]] == ["smoke"], "ls")
            found: dict[str, Any] = json.loads(self._run("doctor", "--json", codes=(0, 1)))
            failed = [one for one in found["checks"] if one["level"] == "fail"]
            self._expect(not failed, f"doctor: {failed}")
            server.send_signal(signal.SIGTERM)
            self._expect(server.wait(SECONDS) == 0, "the end of the server")
        finally:
            if server.poll() is None:
                server.kill()
                server.wait()
            if server.stdout is not None:
                server.stdout.close()

    def _run(self, *arguments: str, codes: Sequence[int] = (0,)) -> str:
        ran = subprocess.run(
            [*self._command, *arguments],
            env=self._env,
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=SECONDS,
        )
        if ran.returncode not in codes:
            raise Broken(f"{self._name}: {arguments} gave {ran.returncode}: {ran.stderr.strip()}")
        return ran.stdout

    def _expect(self, holds: bool, what: str) -> None:
        if not holds:
            raise Broken(f"{self._name}: {what} is not as it should be")
