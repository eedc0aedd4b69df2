"""Collects an example of every event: a real tmux, a real server, and a story that makes them all.

It takes a minute and a half, most of it for `pane.silence`, which tells of a minute's silence. Both
servers are private. Names of this machine are replaced in what is kept.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, unix_connect

from tools.reference.events import EXAMPLES, types
from tools.reference.schema import CUSTOM

DEADLINE_SECONDS = 30.0
SILENCE_SECONDS = 90.0
LOOK_SECONDS = 0.05
LISTEN_SECONDS = 0.2
TRIES, TRY_SECONDS = 3, 10.0
# Enough for a connection to be behind, in less time than one that takes nothing is waited for,
# and no more than one may send in a second.
UNREAD_SECONDS, EVENTS_PER_SECOND, LARGE = 7.0, 95, "x" * 9_000
BRIEF_CHARACTERS = 120
Event = dict[str, Any]
# In a shell without an editor of lines: what it prints is what it was told to print.
RCFILE = """\
PS1='$ '
cd /
say() { printf "$@"; }
"""


class Place:
    """A directory with both servers in it, and what was heard so far.

    Attributes:
        found: the first fitting event of each type.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found: dict[str, Event] = {}
        self.unix_socket = folder / "run" / "tmuxpulse.sock"
        self.env = {key: value for key, value in os.environ.items() if not key.startswith("TMUX")}
        self.env |= {
            "TMUXPULSE_RUNTIME_DIR": str(folder / "run"),
            "TMUXPULSE_STATE_DIR": str(folder / "state"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "TMUX_TMPDIR": str(folder),
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm",
            "SHELL": "/bin/sh",
        }
        (folder / "rc").write_text(RCFILE, encoding="utf-8")
        self.server: subprocess.Popen[bytes] | None = None

    def tmux(self, *arguments: str) -> str:
        """Run a command of the tmux server."""
        done = subprocess.run(
            ["tmux", "-u", "-f", "/dev/null", *arguments],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            check=True,
            timeout=DEADLINE_SECONDS,
        )
        return done.stdout.strip()

    def type(self, target: str, text: str) -> None:
        """Type a line into a pane."""
        self.tmux("send-keys", "-t", target, "-l", text)
        self.tmux("send-keys", "-t", target, "Enter")

    def pulse(self, *arguments: str) -> None:
        """Run a tmuxpulse command to its end."""
        subprocess.run(
            [sys.executable, "-m", "tmuxpulse", *arguments],
            env=self.env,
            check=True,
            stdin=subprocess.DEVNULL,
            timeout=DEADLINE_SECONDS,
        )

    def serve(self) -> None:
        """Start the tmuxpulse server, and wait until it is ready."""
        self.server = subprocess.Popen(
            [sys.executable, "-m", "tmuxpulse", "serve", "--port", "0"],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.server.stdout is not None
        if b"ready" not in self.server.stdout.readline():
            raise RuntimeError("the server did not start")

    def stop(self) -> None:
        """End the tmuxpulse server in order."""
        if self.server is not None:
            self.server.terminate()
            self.server.communicate(timeout=DEADLINE_SECONDS)

    @contextmanager
    def client(self, queue: int = 16) -> Iterator[Client]:
        """A connection of the owner's."""
        with unix_connect(
            str(self.unix_socket),
            uri="ws://localhost/monitor",
            compression=None,
            max_queue=queue,
            ping_interval=None,
        ) as connection:
            client = Client(connection, self.found)
            client.next(DEADLINE_SECONDS)  # the greeting
            yield client

    def close(self) -> None:
        """End what still runs, and remove the directory."""
        if self.server is not None and self.server.poll() is None:
            self.server.kill()
            self.server.wait()
        with suppress(subprocess.CalledProcessError):
            self.tmux("kill-server")
        shutil.rmtree(self.folder, ignore_errors=True)


class Client:
    """A connection; what comes over it is noted, the first of each type."""

    def __init__(self, connection: ClientConnection, found: dict[str, Event]) -> None:
        self._connection = connection
        self._found = found
        self.heard: list[Event] = []

    def ask(self, **request: object) -> None:
        """Send a request."""
        self._connection.send(json.dumps(request))

    def next(self, seconds: float) -> Event | None:
        """The next message; None: none came in time."""
        try:
            message: Event = json.loads(self._connection.recv(timeout=seconds))
        except (TimeoutError, ConnectionClosed):
            return None
        self.heard.append(message)
        name = CUSTOM if message["type"].startswith("custom.") else message["type"]
        if name in types() and _tells(message):
            self._found.setdefault(name, message)
        return message

    def until(self, name: str, seconds: float = DEADLINE_SECONDS, **fields: object) -> Event:
        """Read on until a message of a type, with such fields, came over this connection."""

        def fits(message: Event) -> bool:
            return fnmatch(message["type"], name) and all(
                message.get(field, message.get("data", {}).get(field)) == value
                for field, value in fields.items()
            )

        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for message in self.heard:
                if fits(message):
                    return message
            self.next(LISTEN_SECONDS)
        raise RuntimeError(f"it never came: {name} {fields}; so far: {sorted(self._found)}")


def collect() -> None:
    """Make every event happen, and write an example of each."""
    place = Place(Path(tempfile.mkdtemp(prefix="tp-")))
    try:
        place.serve()
        with place.client() as client:
            client.ask(action="subscribe")
            client.ask(action="subscribe", filters={"types": ["pane.bytes", "system.stats"]})
            _structure(place, client)
            _programs(place, client)
            client.until("pane.silence", SILENCE_SECONDS, session="shop", window=0)
        _stream(place)
        with place.client() as client:
            client.ask(action="subscribe")
            _ends(place, client)
    finally:
        place.close()
    missing = types().keys() - place.found.keys()
    if missing:
        raise RuntimeError(f"there is no example of {', '.join(sorted(missing))}")
    ordered = {name: _anonymous(place.found[name], place.folder) for name in types()}
    text = json.dumps(ordered, indent=1, ensure_ascii=False)
    EXAMPLES.write_text(text + "\n", encoding="utf-8")


def _structure(place: Place, client: Client) -> None:
    """Sessions, windows, panes, and clients that come and go."""
    shell = f"bash --rcfile {place.folder / 'rc'} --noediting"
    place.tmux("new-session", "-d", "-s", "shop", "-n", "api", "-x", "100", "-y", "30", shell)
    place.tmux("set", "-g", "automatic-rename", "off")
    place.tmux("set", "-g", "remain-on-exit", "on")
    client.until("pane.created", session="shop")
    place.type("shop:api", "say 'reads the orders\\n'; sleep 1000")  # silent from here on
    place.tmux("new-session", "-d", "-s", "docs", shell)
    client.until("pane.created", session="docs")
    place.tmux("rename-session", "-t", "docs", "manual")
    client.until("session.renamed")
    place.tmux("new-window", "-t", "shop:7", "-n", "bash", shell)
    client.until("window.created", window=7)
    place.tmux("rename-window", "-t", "shop:7", "tests")
    client.until("window.renamed")
    place.tmux("move-window", "-s", "shop:7", "-t", "shop:1")
    client.until("window.moved")
    place.tmux("select-window", "-t", "shop:0")
    client.until("window.activated", window=0)
    place.tmux("select-window", "-t", "shop:1")
    place.tmux("split-window", "-h", "-t", "shop:1", shell)
    client.until("window.layout", window=1)
    client.until("pane.resized")
    client.until("pane.activated")
    place.tmux("swap-pane", "-s", "shop:1.0", "-t", "shop:1.1")
    client.until("pane.moved")
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe("tmux", ["tmux", "-u", "attach-session", "-t", "shop"], place.env)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    client.until("session.attached")
    place.tmux("detach-client", "-s", "shop")
    client.until("session.detached")
    os.close(terminal)
    os.waitpid(pid, 0)
    place.tmux("kill-session", "-t", "manual")
    client.until("session.removed", session="manual")


def _programs(place: Place, client: Client) -> None:
    """What programs in a pane print and do; marks are those that `shell-init` makes."""
    pane = "shop:1.0"
    place.type(pane, "cd /tmp; say '42 passed in 1.3 s\\n'")
    client.until("pane.path", path="/tmp")  # as a user does
    client.until("pane.output")
    place.type(pane, "say 'src/stock.c:41:9: warning: unused variable left\\n'")
    client.until("pane.warning")
    place.type(pane, "say 'src/stock.c:58:3: error: expected expression\\n'")
    client.until("pane.error")
    for mark, name in (
        (r"\a", "pane.bell"),
        (r"\033]2;build 7\a", "pane.title"),
        (r"\033]9;4;1;40\a", "pane.progress"),
        (r"\033]777;notify;build 7;42 passed\a", "pane.notification"),
    ):
        place.type(pane, f"say '{mark}'")
        client.until(name)
    (place.folder / "marked").write_text(
        f'eval "$({sys.executable} -m tmuxpulse shell-init bash)"\n', encoding="utf-8"
    )
    place.type(pane, f". {place.folder}/marked")
    place.type(pane, "sleep 0.5")
    client.until("command.finished", command_line="sleep 0.5")
    place.type(pane, "top -b >/dev/null")
    client.until("pane.command", command="top")
    place.tmux("send-keys", "-t", pane, "C-c")
    about = place.tmux("display-message", "-p", "-t", pane, "#{pane_id}")
    place.pulse(
        *("emit", "agent.status", "--pane", about, "--status", "waiting"),
        *("--reason", "asks for permission", "--agent", "claude"),
    )
    client.until("agent.status", agent_type="claude")
    place.pulse("emit", "custom.deploy", "--session", "shop", "--data", "env=staging")
    client.until("custom.deploy")
    client.until("system.stats")
    _exit(place, client)
    place.tmux("kill-pane", "-t", "shop:1.1")
    client.until("pane.removed", window=1)


def _exit(place: Place, client: Client) -> None:
    """A program that ends with a status; tmux does not always know it in time, so again if need be."""
    for _ in range(TRIES):
        place.tmux("split-window", "-l", "3", "-t", "shop:1", "sleep 3; exit 3")
        with suppress(RuntimeError):
            client.until("pane.exited", TRY_SECONDS, exit_status=3)
            return


def _stream(place: Place) -> None:
    """A filtered reader, a refused resume, and one that does not read for a while."""
    with place.client() as client:
        client.ask(action="subscribe", filters={"types": ["server.down"]})
        client.ask(action="subscribe", filters={}, resume={"epoch": "0badcafe", "seq": 4211})
        client.until("stream.reset")
    with place.client() as client:
        client.ask(action="subscribe", filters={"types": ["server.down"]})
        client.until("subscription.confirmed")
        place.pulse("emit", "custom.deploy", "--nowhere")  # something that is not for it
        client.until("stream.mark", SILENCE_SECONDS)
    with place.client(1) as client:
        client.ask(action="subscribe")
        with place.client() as busy:
            begun = time.monotonic()
            while time.monotonic() < begun + UNREAD_SECONDS:
                busy.ask(action="emit", event={"type": "custom.large", "data": {"text": LARGE}})
                time.sleep(1 / EVENTS_PER_SECOND)
                busy.next(0)
        client.until("stream.lag")
        client.until("stream.gap")


def _ends(place: Place, client: Client) -> None:
    """Ends: of a window, of tmux, of the server, and what comes after it; of the disk."""
    place.tmux("kill-window", "-t", "shop:1")
    client.until("window.removed", window=1)
    place.tmux("kill-server")
    client.until("server.down")
    with place.client() as other:
        other.ask(action="subscribe", last=1)
        epoch = other.until("subscription.confirmed")["epoch"]
        seen = other.until("server.down")["seq"]
    assert place.server is not None
    place.server.send_signal(signal.SIGTERM)
    client.until("server.goodbye")
    place.stop()
    place.serve()
    with place.client() as after:
        after.ask(action="subscribe", resume={"epoch": epoch, "seq": seen})
        after.until("stream.epoch")
        _, most = resource.prlimit(place.server.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(place.server.pid, resource.RLIMIT_FSIZE, (1, most))  # as a full disk
        place.pulse("emit", "custom.deploy", "--nowhere")
        after.until("server.trouble")
    place.stop()


# What makes an event a good example of its type: fields of its own that have this value; of a
# callable, for which it holds. Of all other types the first one is as good as any.
GOOD: dict[str, dict[str, object]] = {
    "agent.status": {"agent_type": "claude"},
    "command.started": {"command_line": "sleep 0.5"},
    "command.finished": {"command_line": "sleep 0.5"},
    "custom.large": {"text": ""},
    "pane.bytes": {"data": lambda data: len(data) < BRIEF_CHARACTERS},
    "pane.command": {"command": "top"},
    "pane.exited": {"exit_status": 3},
    "pane.output": {"lines": lambda lines: "42 passed in 1.3 s" in lines},
    "pane.title": {"title": "build 7"},
    "system.stats": {"panes": lambda panes: len(panes) > 0},
}


def _tells(message: Event) -> bool:
    """Whether there is something to see in it."""
    data = message.get("data", {})
    return all(
        wanted(data[field]) if callable(wanted) else data[field] == wanted
        for field, wanted in GOOD.get(message["type"], {}).items()
    )


def _anonymous(message: Event, folder: Path) -> Event:
    text = json.dumps(message, ensure_ascii=False)
    text = text.replace(str(folder), "/home/ada").replace(socket.gethostname(), "desk")
    text = re.sub(rf"tmux-{os.getuid()}\b", "tmux-1000", text)
    found: Event = json.loads(text)
    return found
