"""A tmux server and a tmuxpulse server of the test's own; and clients of another make.

Everything is in one directory: sockets, FIFOs, tokens, the audit log, what the server printed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websockets.sync.client
from websockets.sync.client import ClientConnection
from websockets.typing import Subprotocol

from tmuxpulse.wire import SUBPROTOCOL

DEADLINE_SECONDS = 60.0
LOOK_SECONDS = 0.01


class Served:
    """The place, and what is in it.

    Attributes:
        url: of the server, such as ``ws://127.0.0.1:40001/``.
        log: what the server printed, on both outputs.
        state: the directory with tokens and the audit log.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.log = folder / "server.log"
        self.url = ""
        self.env = {key: value for key, value in os.environ.items() if not key.startswith("TMUX")}
        self.env |= {
            "TMUXPULSE_RUNTIME_DIR": str(folder / "run"),
            "TMUXPULSE_STATE_DIR": str(self.state),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "TMUX_TMPDIR": str(folder),
            "LC_ALL": "C.UTF-8",
            "SHELL": "/bin/sh",
        }
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The server's."""
        assert self._server is not None
        return self._server.pid

    def tmux(self, *arguments: str) -> str:
        """Run a tmux command; the first `new-session` starts the server."""
        done = subprocess.run(
            ["tmux", "-u", "-f", "/dev/null", "-S", str(self.folder / "s"), *arguments],
            env=self.env,
            capture_output=True,
            text=True,
            check=True,
            timeout=DEADLINE_SECONDS,
        )
        return done.stdout.strip()

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a tmuxpulse command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "tmuxpulse", *arguments],
            env=self.env,
            capture_output=True,
            text=True,
            check=check,
            stdin=subprocess.DEVNULL,
            timeout=DEADLINE_SECONDS,
        )

    def token(self, name: str, *flags: str) -> str:
        """Make a token."""
        return self.run("token", "create", name, *flags).stdout.strip()

    def serve(self, *flags: str) -> None:
        """Start the server, and wait until it is ready and knows what is in tmux."""
        with self.log.open("ab") as log:
            self._server = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tmuxpulse", "serve", "-vv", "--port", "0"),
                    *("-S", str(self.folder / "s"), *flags),
                ],
                env=self.env,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        found = self.until(lambda: re.search(r"ready: (http\S+)", self.log.read_text()))
        self.url = found[1].replace("http", "ws", 1)
        self.until(lambda: "the first look at tmux is done" in self.log.read_text())

    def stop(self) -> int:
        """End the server in order; its exit code."""
        assert self._server is not None
        self._server.terminate()
        return self._server.wait(DEADLINE_SECONDS)

    def until(self, holds: Callable[[], Any]) -> Any:
        """Wait until something holds; give what it gave."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            found = holds()
            if found:
                return found
            assert self._server is None or self._server.poll() is None, self.log.read_text()
            time.sleep(LOOK_SECONDS)
        raise AssertionError(f"never came true; the server said: {self.log.read_text()[-2000:]}")

    def close(self) -> None:
        """End everything that was started."""
        if self._server is not None and self._server.poll() is None:
            self._server.terminate()
            try:
                self._server.wait(DEADLINE_SECONDS)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
        subprocess.run(
            ["tmux", "-S", str(self.folder / "s"), "kill-server"],
            check=False,
            capture_output=True,
            timeout=DEADLINE_SECONDS,
        )
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def client(self, token: str | None = None, *, url: str = "") -> Iterator[Client]:
        """A client of the `websockets` library; its greeting was read."""
        headers = None if token is None else {"Authorization": f"Bearer {token}"}
        with websockets.sync.client.connect(
            url or self.url,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            additional_headers=headers,
            compression=None,
            open_timeout=DEADLINE_SECONDS,
            close_timeout=DEADLINE_SECONDS,
            ping_timeout=None,  # how soon a busy machine answers is no matter of a test's
            max_size=None,
            proxy=None,
        ) as socket:
            client = Client(socket)
            client.greeting = client.next()
            yield client


class Client:
    """One connection, message borders aside.

    Attributes:
        seen: every object that came, in order.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.seen: list[dict[str, Any]] = []
        self.greeting: dict[str, Any] = {}
        self._queue: list[dict[str, Any]] = []

    def say(self, **request: object) -> None:
        """Send a request."""
        self.socket.send(json.dumps(request))

    def next(self, seconds: float = DEADLINE_SECONDS) -> dict[str, Any]:
        """The next object."""
        while not self._queue:
            message = self.socket.recv(timeout=seconds)
            assert isinstance(message, str)
            self._queue = [json.loads(line) for line in message.split("\n")]
        found = self._queue.pop(0)
        self.seen.append(found)
        return found

    def until(self, holds: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Read on to the first object for which something holds."""
        while not holds(found := self.next()):
            pass
        return found

    def ask(self, **request: object) -> dict[str, Any]:
        """Send a request and read on to its answer."""
        identity = len(self.seen) + 1_000_000
        self.say(id=identity, **request)
        return self.until(lambda one: one.get("id") == identity)


@contextmanager
def place() -> Iterator[Served]:
    """A place for the time of the block."""
    served = Served(Path(tempfile.mkdtemp(prefix="tp-")))
    try:
        yield served
    finally:
        served.close()
