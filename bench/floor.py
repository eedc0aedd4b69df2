"""The floor under any latency: a raw pipe, or a raw control client, and nothing else.

    floor.py pipe FIFO
    floor.py control SOCKET SESSION

Says `ready`, notes when lines `T <nanoseconds>` come, prints the latencies as JSON at end of input.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time

STAMP = re.compile(rb"T (\d+)")


def read(fd: int, notes: list[float]) -> None:
    while data := os.read(fd, 65536):
        now = time.monotonic_ns()
        notes += [(now - int(stamp)) / 1e6 for stamp in STAMP.findall(data)]


def main() -> None:
    notes: list[float] = []
    client = None
    if sys.argv[1] == "pipe":
        fd = os.open(sys.argv[2], os.O_RDWR)
    else:
        client = subprocess.Popen(
            ["tmux", "-N", "-S", sys.argv[2], "-C", "attach-session", "-t", sys.argv[3]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        if client.stdout is None:
            raise AssertionError("started with a pipe")
        fd = client.stdout.fileno()
    threading.Thread(target=read, args=(fd, notes), daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()
    print(json.dumps(notes), flush=True)
    if client is not None:
        client.terminate()
        client.wait()
    os._exit(0)  # the reading thread waits for ever


if __name__ == "__main__":
    main()
