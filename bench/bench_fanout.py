"""Fan-out: deliveries for each second of the server's CPU, ours beside two WebSocket libraries.

Method: a server process sends the same events, of the same size and at the same pace, to all
clients; its CPU time (user and system) for that is divided by the deliveries that arrived: an event
at a client is one. The pace is below what the slowest can do, so that all do the same work. Clients
read bytes and count events (`sinks.py`), 250 to a process. `at_once` events are published in one
pass of the loop: 1 is a quiet time, 10 to 20 is what a hundred busy panes make. Our server is
whole, without a collector and a history, and joins what one pass published into one message for
clients that take it (ours do). The libraries send a message for each event, as `broadcast` does.
Who joins events on their own will find them better than here, by about as much as ours differs
between 1 and 20. `sockets` is the floor under one message for each event: a loop of `send`, and
nothing else.

Then ours alone: 500 clients at 200 events a second, each published for itself, where the hub rests
after each handing out and joins what came meanwhile; and 1,000 clients.

    bench_fanout.py [--clients 10,100,500] [--at-once 1,20] [--size 400] [--deliveries 60000]
                    [--per-second 20000] [--servers tmuxpulse,…]
                    [--busy 500] [--crowd 1000]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import Any, Final

import peers
import psutil
from stage import HERE, end, helper, reporting, say, wait_until

TEXT: Final = '"type":"pane.output"'
PER_PROCESS: Final = 250
DRAIN_SECONDS: Final = 0.5
JOINED_TIMES: Final = 4  # more deliveries where they can be joined: else 0.2 s of CPU decide


def command_of(server: str) -> list[str]:
    """What runs a server.

    Raises:
        Unavailable: it is not to be had here.
    """
    if server == "tmuxpulse":
        return [sys.executable, str(HERE / "fan_ours.py")]
    if server == "picows":
        return [str(peers.environment("picows") / "python"), str(HERE / "fan_peer.py"), server]
    return [sys.executable, str(HERE / "fan_peer.py"), server]


def measure(server: str, clients: int, at_once: int, options: argparse.Namespace) -> dict[str, Any]:
    labels = {"server": server, "clients": clients, "at_once": at_once}
    try:
        command = command_of(server)
    except peers.Unavailable as why:
        say(f"left out: {why}")
        return {**labels, "skipped": str(why)}
    deliveries = options.deliveries * (1 if at_once == 1 else JOINED_TIMES)
    events = max(2 * at_once, deliveries // clients // at_once * at_once)
    pace = max(1, options.per_second // clients)
    numbers = (clients, events, at_once, pace, options.size)
    with ExitStack() as stack:
        process = subprocess.Popen(
            [*command, *map(str, numbers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        stack.callback(end, process)
        if process.stdin is None or process.stdout is None:
            raise AssertionError("started with pipes")
        word, *rest = process.stdout.readline().split() or [""]
        if word != "ready":
            return {**labels, "skipped": f"{server} did not start"}
        port, *tokens = rest
        os.environ["TOKEN"] = "".join(tokens)  # for the clients
        asked = ("--subscribe",) if server == "tmuxpulse" else ()
        url = f"ws://127.0.0.1:{port}/monitor"
        readers = [
            stack.enter_context(
                helper(
                    *("sinks.py", url, str(min(PER_PROCESS, clients - at))),
                    *("--count", TEXT, *asked),
                )
            )
            for at in range(0, clients, PER_PROCESS)
        ]
        memory = psutil.Process(process.pid).memory_info().rss
        process.stdin.write("go\n")
        process.stdin.flush()
        if process.stdout.readline().strip() != "done":
            raise RuntimeError(f"{server} ended")
        _until_quiet(readers[0].pid)
        told = [json.loads(one.communicate(timeout=60)[0]) for one in readers]
        process.stdin.write("tell\n")
        process.stdin.flush()
        found = json.loads(process.stdout.readline())
    arrived = sum(one["counted"] for one in told)
    return {
        **labels,
        "events": events,
        "bytes": options.size,
        "arrived": arrived,
        "lost": events * clients - arrived,
        "connected": sum(one["connections"] for one in told),
        "cpu_s": round(found["cpu_s"], 3),
        "wall_s": round(found["wall_s"], 2),
        "rss_mb": round(memory / 1e6, 1),
        "deliveries_per_cpu_second": round(arrived / found["cpu_s"]),
    }


def _until_quiet(pid: int) -> None:
    """Wait until a reader has nothing more to do."""
    reader = psutil.Process(pid)
    used = [-1.0]

    def is_quiet() -> bool:
        used.append(sum(reader.cpu_times()[:2]))
        time.sleep(DRAIN_SECONDS)
        return used[-1] - used[-2] < 0.02

    wait_until(is_quiet, 60.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--clients", default="10,100,500")
    parser.add_argument("--at-once", default="1,20")
    parser.add_argument("--size", type=int, default=400, help="bytes of an event")
    parser.add_argument("--deliveries", type=int, default=60_000, help="of each measurement")
    parser.add_argument("--per-second", type=int, default=20_000, help="deliveries")
    parser.add_argument("--servers", default="tmuxpulse,websockets,picows,sockets")
    parser.add_argument("--busy", type=int, default=500, help="clients of ours; 0: none")
    parser.add_argument("--crowd", type=int, default=1000, help="clients of ours at last; 0: none")
    options = parser.parse_args()
    results: list[dict[str, Any]] = []
    with reporting("fanout", {"fanout": results}):
        for clients in map(int, options.clients.split(",")):
            for at_once in map(int, options.at_once.split(",")):
                for server in options.servers.split(","):
                    say(f"{server}: {clients} clients, {at_once} events at once")
                    results.append(measure(server, clients, at_once, options))
        if options.busy:
            say(f"tmuxpulse: {options.busy} clients, 1 event at once, 200 times a second")
            options.per_second = 200 * options.busy
            results.append({"name": "busy", **measure("tmuxpulse", options.busy, 1, options)})
        if options.crowd:
            say(f"tmuxpulse: {options.crowd} clients")
            options.per_second = 20 * options.crowd
            results.append({"name": "crowd", **measure("tmuxpulse", options.crowd, 20, options)})


if __name__ == "__main__":
    main()
