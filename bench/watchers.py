"""Those that we are measured beside: a poller, and the clients of other programs' servers.

    watchers.py poller SOCKET [SECONDS]      capture-pane of every pane, round and round
    watchers.py trustmux URL COOKIE PANE     a client of a running trustmuxd, as its page is one
    watchers.py muxplex URL PASSWORD         asks a running muxplex every 2 s, as its page does

Each says `ready` and, at end of input, prints notes as `listener.py` does. What it is told is
looked through for lines ``T <nanoseconds>``; one that was not there before came now.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import subprocess
import sys
import threading
import time
import urllib.request
from typing import Any

from websockets.asyncio.client import connect

STAMP = re.compile(r"T (\d{6,})")  # a colour or an escaped newline may stand right before it
POLL_SECONDS = 0.5
MUXPLEX_SECONDS = 2.0


class Notes:
    """What was seen for the first time, and when."""

    def __init__(self) -> None:
        self.output: list[float] = []
        self.events: list[tuple[str, int, str]] = []
        self._stamps: set[str] = set()
        self._names: dict[str, set[str]] = {}

    def text(self, text: str) -> None:
        """Take something that panes show."""
        now = time.monotonic_ns()
        for stamp in STAMP.findall(text):
            if stamp not in self._stamps:
                self._stamps.add(stamp)
                self.output.append((now - int(stamp)) / 1e6)

    def names(self, kind: str, names: set[str]) -> None:
        """Take the names of all that there is of a kind, such as sessions."""
        now = time.monotonic_ns()
        before = self._names.get(kind)
        self._names[kind] = names
        if before is None:
            return
        self.events += [(f"{kind}.removed", now, name) for name in before - names]
        # Who looks now and then cannot tell a new name from a new thing: it counts as either.
        for name in names - before:
            self.events += [(f"{kind}.created", now, name), (f"{kind}.renamed", now, name)]

    def tell(self) -> None:
        """Print them."""
        print(json.dumps({"output": self.output, "events": self.events}), flush=True)


def until_end_of_input() -> threading.Event:
    over = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait, daemon=True).start()
    return over


def poll(socket: str, seconds: float, notes: Notes) -> None:
    """Do as the common design does: a process for each pane, each time."""
    over = until_end_of_input()

    def tmux(*arguments: str) -> str:
        command = ["tmux", "-N", "-S", socket, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    print("ready", flush=True)
    due = time.monotonic()
    while not over.wait(max(0.0, due - time.monotonic())):
        due += seconds
        rows = tmux("list-panes", "-a", "-F", "#{pane_id} #{session_name} #{window_name}")
        panes = [row.split(" ", 2) for row in rows.splitlines()]
        notes.names("session", {row[1] for row in panes})
        notes.names("window", {row[2] for row in panes})
        for row in panes:
            notes.text(tmux("capture-pane", "-p", "-t", row[0]))


async def trustmux(url: str, cookie: str, pane: str, notes: Notes) -> None:
    over = until_end_of_input()
    headers = {"Cookie": f"trustmux_session={cookie}"}
    async with connect(url, additional_headers=headers, max_size=None, proxy=None) as socket:
        await socket.send(
            json.dumps(
                {"type": "subscribe", "pane_id": pane, "lines": 300, "ansi": True, "patch": True}
            )
        )
        is_ready = False
        while not over.is_set():
            try:
                message = json.loads(await asyncio.wait_for(socket.recv(), 0.2))
            except asyncio.TimeoutError:
                continue
            if message["type"] == "sessions":
                notes.names("session", {one["name"] for one in message["data"]})
            elif message["type"] == "snapshot" and not is_ready:
                is_ready = True
                print("ready", flush=True)
            else:
                # A patch carries lines, an update the whole screen: stamps are looked for in both.
                notes.text(json.dumps(message, ensure_ascii=False).replace('"', " "))


def muxplex(url: str, password: str, notes: Notes) -> None:
    over = until_end_of_input()
    basic = base64.b64encode(f"bench:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Accept": "application/json"}

    def ask() -> None:
        request = urllib.request.Request(f"{url}/api/sessions", headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            sessions: list[dict[str, Any]] = json.load(answer)
        notes.names("session", {one["name"] for one in sessions})
        for one in sessions:
            notes.text(one["snapshot"] or "")

    ask()
    print("ready", flush=True)
    while not over.wait(MUXPLEX_SECONDS):
        ask()


def main() -> None:
    notes = Notes()
    match sys.argv[1:]:
        case ["poller", socket, *rest]:
            poll(socket, float(rest[0]) if rest else POLL_SECONDS, notes)
        case ["trustmux", url, cookie, pane]:
            asyncio.run(trustmux(url, cookie, pane, notes))
        case ["muxplex", url, password]:
            muxplex(url, password, notes)
        case _:
            sys.exit(__doc__)
    notes.tell()


if __name__ == "__main__":
    main()
