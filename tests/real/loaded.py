"""A server under load, without tmux: its collector publishes numbered lines at a rate."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, unix_connect

ROOT = Path(__file__).parents[2]

# Everything but the collector is as always. One event of five is an error, the others are output.
CHILD = """
import json, os, pathlib, resource, sys, threading
import trio
from tmuxpulse.config.settings import CollectSettings, HistoryTable, ServeSettings, ServerTable
from tmuxpulse.events import Event, PaneError, PaneOutput, Place
from tmuxpulse.history import history, reader
from tmuxpulse.serve.app import serve

# A busy machine may take longer for an answer, or an end, than people would wait for it.
history.FLUSH_SECONDS = 60.0
reader.Reader.__init__.__kwdefaults__["seconds"] = 60.0

options = json.loads(sys.argv[1])
directory = options["directory"]
if options["limit"]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (options["limit"], resource.RLIM_INFINITY))
place = Place(server="default", session="s", session_id="$1", window=0, window_id="@1",
              pane=0, pane_id="%0")


def read(epoch):  # up to where the client has, of this run
    try:
        known, seq = pathlib.Path(directory, "read").read_text().split()
    except FileNotFoundError:
        return 0
    return int(seq) if known == epoch else 0


async def collector(hub, settings, *, task_status):
    task_status.started()
    due = trio.current_time()
    while True:
        while options["lead"] and hub.seq > read(hub.epoch) + options["lead"]:
            await trio.sleep(0.02)
        for n in range(5):
            data = PaneOutput(mode="append", lines=(f"line {hub.seq} of some length",))
            hub.publish(Event(place, data if n else PaneError(line="bad", rule="r")))
        due = max(due, trio.current_time() - 1) + 5 / options["rate"]
        await trio.sleep_until(due)


settings = ServeSettings(
    server=ServerTable(port=0),
    history=HistoryTable(enabled=options["history"], output=True),
    unix_socket=f"{directory}/sock", state_dir=directory, runtime_dir=f"{directory}/run",
)


def end():  # with who started it, or with the test that failed: it would be busy for ever
    sys.stdin.read()
    os._exit(1)


threading.Thread(target=end, daemon=True).start()


def announce(line):
    sys.stdout.write(line + "\\n")
    sys.stdout.flush()


trio.run(lambda: serve(settings, CollectSettings(runtime_dir=directory), collector=collector,
                       announce=announce))
"""


class LoadedServer:
    """A server's directory, and the servers that run in it, one after the other.

    Args:
        directory: for everything.
        rate: events in a second; fewer where the machine is too busy for them.
        history: whether it keeps one.
        lead: so many events at most it is ahead of what `note` says; 0: of nobody.
    """

    def __init__(
        self, directory: Path, *, rate: int = 2000, history: bool = True, lead: int = 0
    ) -> None:
        directory.chmod(0o700)
        (directory / "run").mkdir(mode=0o700)
        self.directory = directory
        self.database = directory / "history" / "history.db"
        self.journal = directory / "run" / "history"
        self.socket = str(directory / "sock")
        self._options: dict[str, Any] = {"directory": str(directory), "rate": rate}
        self._options |= {"history": history, "lead": lead}

    def start(self, limit: int = 0) -> subprocess.Popen[bytes]:
        """Start one; `limit` bounds the size of every file that it writes."""
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, json.dumps(self._options | {"limit": limit})],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert child.stdout is not None
        assert b"ready" in child.stdout.readline()
        return child

    def note(self, epoch: str, seq: int) -> None:
        """Tell the server up to where somebody has read."""
        new = self.directory / "read.new"
        new.write_text(f"{epoch} {seq}")
        new.replace(self.directory / "read")

    def connect(self) -> ClientConnection:
        """Connect a client of another make."""
        return unix_connect(
            self.socket,
            uri="ws://localhost/monitor",
            max_size=1 << 26,
            ping_interval=None,
            open_timeout=60,
        )


def kill(child: subprocess.Popen[bytes]) -> bytes:
    """``kill -9``; gives what it said on standard error."""
    child.send_signal(signal.SIGKILL)
    return child.communicate(timeout=60)[1]
