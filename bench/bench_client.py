"""What our clients cost: CPU per 1,000 events of each, beside a bare loop in the same language.

    bench_client.py [--events N] [--rounds N]

A server that does nothing but send (made with the `websockets` library, in a process of its own)
has the same events for everybody. It sends them in two ways: **one** event in a message, as a quiet
server does, to everybody alike; and **joined**, about 16,000 characters in a message, as our server
does under load to who takes it: our clients do; the bare loop offers no subprotocol, and does not.

The bare loop is what one writes first: ``for message in socket: json.loads(message)``, by the
library's asyncio client and by its blocking one; in JavaScript ``JSON.parse`` of each message of
the package ``ws``, under Node. Our clients give typed events, in order, with all that is needed to
resume; the JavaScript client is there as a loop and with callbacks. CPU is of the client's process
(user and system), from the first event to the last. Rounds are interleaved; the median counts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from stage import report

ROOT = Path(__file__).resolve().parent.parent
NODE_CLIENT = ROOT / "tests" / "web" / "counting.js"  # beside the packages it needs
NDJSON = "tmuxpulse.v1.ndjson"
GREETING = {
    "type": "connection.established",
    "client_id": "c-1",
    "timestamp": "2026-11-23T09:00:00.123Z",
    "server": {"name": "tmuxpulse", "version": "0"},
    "protocol": {"min": 1, "max": 1},
    "epoch": "e1",
    "seq": 0,
    "auth": {"required": False},
}
JOINED_CHARACTERS = 16_000
IN_PYTHON = ("websockets", "websockets-blocking", "blocking", "trio", "asyncio")
IN_NODE = ("ws", "javascript", "javascript-callbacks")
BARE = {**dict.fromkeys(IN_PYTHON, "websockets"), **dict.fromkeys(IN_NODE, "ws")}


def event(seq: int) -> str:
    """An event as a pane that builds something makes it."""
    line = f"[{seq:6}] CC src/module_{seq % 97}.c -O2 -Wall -o build/module_{seq % 97}.o"
    return json.dumps(
        {
            "type": "pane.output",
            "seq": seq,
            "timestamp": "2026-11-23T09:00:01.004Z",
            "session": "build",
            "window": 0,
            "window_name": "make",
            "pane": 0,
            "session_id": "$1",
            "window_id": "@1",
            "pane_id": "%1",
            "server": "default",
            "data": {
                "mode": "append",
                "lines": [line],
                "partial": "",
                "rows": {},
                "bytes": len(line) + 2,
                "cut": 0,
                "redacted": 0,
            },
        },
        separators=(",", ":"),
    )


def messages(events: list[str], *, joined: bool) -> list[str]:
    """What to send."""
    if not joined:
        return events
    found, at = [], 0
    while at < len(events):
        size, start = 0, at
        while at < len(events) and size < JOINED_CHARACTERS:
            size += len(events[at]) + 1
            at += 1
        found.append("\n".join(events[start:at]))
    return found


# --- processes -----------------------------------------------------------------------------------


async def serve(count: int, *, joined: bool) -> None:
    """Greet, confirm, and send everything as fast as it is taken."""
    from websockets.asyncio.server import ServerConnection
    from websockets.asyncio.server import serve as listen
    from websockets.typing import Subprotocol

    events = [event(seq) for seq in range(1, count + 1)]
    plain, dense = messages(events, joined=False), messages(events, joined=True)

    async def converse(socket: ServerConnection) -> None:
        await socket.send(json.dumps(GREETING))
        request = json.loads(await socket.recv())
        confirmed = {
            "type": "subscription.confirmed",
            "id": request.get("id"),
            "subscription": "s-1",
            "subscriptions": ["s-1"],
            "filters": {},
            "epoch": "e1",
            "seq": 0,
        }
        await socket.send(json.dumps(confirmed))
        for message in dense if joined and socket.subprotocol == NDJSON else plain:
            await socket.send(message)
        await socket.wait_closed()

    async with listen(
        converse,
        "127.0.0.1",
        0,
        compression=None,
        ping_interval=None,
        subprotocols=[Subprotocol(NDJSON)],
        select_subprotocol=lambda _, offered: Subprotocol(NDJSON) if offered else None,
    ) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


class Count:
    """Takes the CPU time from the first event to the last."""

    def __init__(self, last: int) -> None:
        self._last = last
        self._start = 0.0
        self.seen = 0

    def __call__(self, seq: int) -> bool:
        """Note an event; True: it was the last."""
        if not self.seen:
            self._start = time.process_time()
        self.seen += 1
        if seq < self._last:
            return False
        print(json.dumps({"cpu": time.process_time() - self._start, "events": self.seen}))
        return True


def bare_blocking(url: str, count: Count) -> None:
    """The loop that one writes first, with threads."""
    from websockets.sync.client import connect

    with connect(url, compression=None, proxy=None, max_size=None) as socket:
        socket.recv()
        socket.send('{"action":"subscribe","id":1}')
        for message in socket:
            found = json.loads(message)
            if found["type"] == "pane.output" and count(found["seq"]):
                return


async def bare(url: str, count: Count) -> None:
    """The loop that one writes first."""
    from websockets.asyncio.client import connect

    async with connect(url, compression=None, proxy=None, max_size=None) as socket:
        await socket.recv()
        await socket.send('{"action":"subscribe","id":1}')
        async for message in socket:
            found = json.loads(message)
            if found["type"] == "pane.output" and count(found["seq"]):
                return


def blocking(url: str, count: Count) -> None:
    """Our face for scripts."""
    import tmuxpulse

    with tmuxpulse.connect(url=url) as monitor:
        for found in monitor.events():
            if count(found.seq):
                return


async def on_trio(url: str, count: Count) -> None:
    """Our face for trio."""
    import tmuxpulse

    async with tmuxpulse.connect_trio(url=url) as monitor:
        async for found in monitor.events():
            if count(found.seq):
                return


async def on_asyncio(url: str, count: Count) -> None:
    """Our face for asyncio."""
    import tmuxpulse

    async with tmuxpulse.connect_asyncio(url=url) as monitor:
        async for found in monitor.events():
            if count(found.seq):
                return


def be_client(name: str, url: str, events: int) -> None:
    """Be one of them."""
    count = Count(events)
    match name:
        case "websockets":
            asyncio.run(bare(url, count))
        case "websockets-blocking":
            bare_blocking(url, count)
        case "blocking":
            blocking(url, count)
        case "trio":
            import trio

            trio.run(on_trio, url, count)
        case _:
            asyncio.run(on_asyncio(url, count))


def measure(name: str, events: int, *, joined: bool) -> float:
    """Milliseconds of CPU per 1,000 events."""
    me = [sys.executable, str(Path(__file__).resolve())]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    how = "joined" if joined else "one"
    with subprocess.Popen(
        [*me, "--be-server", how, "--events", str(events)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        if server.stdout is None or server.stdin is None:
            raise RuntimeError("no pipes")
        url = f"ws://127.0.0.1:{int(server.stdout.readline())}/"
        if name in IN_NODE:
            command = ["node", str(NODE_CLIENT), name, url, str(events)]
        else:
            command = [*me, "--be-client", name, "--url", url, "--events", str(events)]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=True,
            env=env,
            timeout=300,
        )
        server.stdin.close()
    found = json.loads(done.stdout)
    if found["events"] != events:
        raise RuntimeError(f"{name} saw {found['events']} of {events} events")
    return float(found["cpu"]) * 1e6 / events


def main() -> None:
    """Measure everybody, in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--be-server", choices=("one", "joined"), help=argparse.SUPPRESS)
    parser.add_argument("--be-client", choices=IN_PYTHON, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.be_server:
        asyncio.run(serve(options.events, joined=options.be_server == "joined"))
        return
    if options.be_client:
        be_client(options.be_client, options.url, options.events)
        return
    results: dict[str, Any] = {}
    for how in ("one", "joined"):
        taken: dict[str, list[float]] = {name: [] for name in BARE}
        for _ in range(options.rounds):
            for name in BARE:
                taken[name].append(measure(name, options.events, joined=how == "joined"))
        median = {name: statistics.median(values) for name, values in taken.items()}
        results[how] = {
            name: {
                "cpu_ms_per_1000": round(value, 2),
                "times_bare": round(value / median[BARE[name]], 2),
            }
            for name, value in median.items()
        }
    report("client", results)


if __name__ == "__main__":
    main()
