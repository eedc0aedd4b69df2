"""What floods cost an honest client: print to event beside nothing, idle sockets, wrong tokens.

    bench_flood.py [--sockets N] [--seconds S]

One tmux server with one pane, one tmuxpulse server, one client that listens. For each flood the
same prints are timed, in one run, and beside the quiet time before it.
"""

from __future__ import annotations

import argparse
import json
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import urlsplit

from stage import helper, machine, percentiles, print_to, served, stage

PAUSE = 0.1


@contextmanager
def nothing(_address: tuple[str, int], _count: int) -> Iterator[None]:
    yield


@contextmanager
def idle_sockets(address: tuple[str, int], count: int) -> Iterator[None]:
    """Open sockets and say nothing; half of them begin a request."""
    with ExitStack() as stack:
        for number in range(count):
            one = stack.enter_context(socket.socket())
            with suppress(OSError):
                one.connect(address)
                if number % 2:
                    one.send(b"GET / HTTP/1.1\r\n")
        yield


@contextmanager
def wrong_tokens(address: tuple[str, int], _count: int) -> Iterator[None]:
    """Knock with wrong tokens, as fast as one thread can."""
    done = threading.Event()
    head = (
        f"GET / HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Sec-WebSocket-Version: 13\r\nAuthorization: Bearer tp_{'a' * 12}_{'b' * 43}\r\n\r\n"
    ).encode()

    def knock() -> None:
        while not done.is_set():
            with suppress(OSError), socket.create_connection(address) as one:
                one.send(head)

    thread = threading.Thread(target=knock)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def slow_headers(address: tuple[str, int], count: int) -> Iterator[None]:
    """The well-known tool, as far as it is installed."""
    command = (
        f"slowhttptest -H -c {count} -r 1000 -l 3600 -i 2 -u http://{address[0]}:{address[1]}/"
    )
    with suppress(FileNotFoundError):
        with subprocess.Popen(command.split(), stdout=subprocess.DEVNULL) as tool:
            try:
                yield
            finally:
                tool.terminate()
        return
    print("slowhttptest is not installed: left out", file=sys.stderr)
    yield


FLOODS: dict[str, Callable[[tuple[str, int], int], object]] = {
    "quiet": nothing,
    "idle sockets": idle_sockets,
    "wrong tokens": wrong_tokens,
    "slow headers": slow_headers,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=20)
    arguments = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    results = {}
    with stage(1) as tmux, served(tmux) as (_, url):
        parts = urlsplit(url)
        address = (parts.hostname or "", parts.port or 0)
        terminal = next(iter(tmux.terminals.values()))
        for name, flood in FLOODS.items():
            with flood(address, arguments.sockets), helper("listener.py", url, "1") as reader:  # type: ignore[attr-defined]  # each is a context manager
                until = time.monotonic() + arguments.seconds
                while time.monotonic() < until:
                    print_to(terminal, f"T {time.monotonic_ns()}\r\n")
                    time.sleep(PAUSE)
                out, _ = reader.communicate("")
                results[name] = percentiles(json.loads(out)["output"])
    print(json.dumps({"machine": machine(), "print_to_event": results}, indent=2))


if __name__ == "__main__":
    main()
