"""Many WebSocket clients in one process that take everything and look at nothing.

    sinks.py URL COUNT [--subscribe] [--stuck] [--count TEXT], with a token in the variable TOKEN

A client that reads JSON costs more than sending to it does: with hundreds of them on the machine of
the server, one would measure them. These read bytes into one buffer, and send a pong now and then,
which is a sign of life. ``--stuck`` ones never read. It says `ready` when all are connected (and
subscribed), and at end of input prints ``{"connections": N, "bytes": N, "counted": N}``, where
`counted` is how often a text came. It knows as much of the protocol as that takes.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import resource
import selectors
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

PONG: Final = b"\x8a\x80\0\0\0\0"  # masked with zeros, empty
PONG_SECONDS: Final = 8.0
BUFFER_BYTES: Final = 1 << 20
SUBSCRIBE: Final = json.dumps({"action": "subscribe", "snapshot": False}).encode()


def text_frame(payload: bytes) -> bytes:
    """A client's frame with a short text: masked with zeros, which is a mask like any other."""
    if len(payload) > 125:
        raise ValueError("a short text")
    return bytes((0x81, 0x80 | len(payload))) + bytes(4) + payload


def connect(url: str, *, subscribe: bool, stuck: bool) -> socket.socket:
    """Open one connection; with `subscribe`, its subscription was confirmed."""
    parts = urlsplit(url)
    one = socket.socket()
    if stuck:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.settimeout(30)
    one.connect((parts.hostname or "127.0.0.1", parts.port or 80))
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    token = os.environ.get("TOKEN")
    lines = [
        f"GET {parts.path or '/'} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
    ]
    if subscribe:
        lines.append("Sec-WebSocket-Protocol: tmuxpulse.v1.ndjson")
    if token:
        lines.append(f"Authorization: Bearer {token}")
    one.sendall("\r\n".join([*lines, "", ""]).encode())
    _read_until(one, b"\r\n\r\n")
    if subscribe:
        one.sendall(text_frame(SUBSCRIBE))
        _read_until(one, b"subscription.confirmed")
    one.setblocking(False)
    return one


def _read_until(one: socket.socket, text: bytes) -> None:
    read = b""
    while text not in read:
        data = one.recv(65536)
        if not data:
            raise ConnectionError(f"closed by the server, which said {read[:300]!r}")
        read += data


class Sinks:
    """The connections, and what came out of them."""

    def __init__(self, connections: list[socket.socket], counted: bytes) -> None:
        self.open = dict.fromkeys(connections, b"")  # with the end of what came, if it is counted
        self.bytes = 0
        self.counted = 0
        self._text = counted

    def run(self, over: threading.Event, *, stuck: bool) -> None:
        """Read until it is over."""
        selector = selectors.DefaultSelector()
        if not stuck:
            for one in self.open:
                selector.register(one, selectors.EVENT_READ)
        buffer = bytearray(BUFFER_BYTES)
        view = memoryview(buffer)
        next_pong = time.monotonic() + PONG_SECONDS
        while not over.is_set():
            if stuck:
                over.wait(0.2)
            for key, _ in selector.select(0.2) if not stuck else ():
                connection = key.fileobj
                if not isinstance(connection, socket.socket):
                    raise TypeError(connection)
                if not self._read(connection, buffer, view):
                    selector.unregister(connection)
                    del self.open[connection]
            if time.monotonic() > next_pong:
                next_pong += PONG_SECONDS
                self._live()

    def _read(self, one: socket.socket, buffer: bytearray, view: memoryview) -> bool:
        try:
            size = one.recv_into(view)
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        self.bytes += size
        if self._text:
            data = self.open[one] + buffer[:size]
            self.counted += data.count(self._text)
            self.open[one] = bytes(data[-len(self._text) + 1 :])
        return size > 0

    def _live(self) -> None:
        for one in self.open:
            with suppress(BlockingIOError, ConnectionError):  # it is full, or found closed soon
                one.send(PONG)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("url")
    parser.add_argument("count", type=int)
    parser.add_argument("--subscribe", action="store_true", help="to everything, as ours do")
    parser.add_argument("--stuck", action="store_true", help="never read")
    parser.add_argument("--count", dest="text", default="", help="a text to count")
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    connections = [
        connect(options.url, subscribe=options.subscribe, stuck=options.stuck)
        for _ in range(options.count)
    ]
    sinks = Sinks(connections, options.text.encode())
    over = threading.Event()

    def wait_for_end() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait_for_end, daemon=True).start()
    print("ready", flush=True)
    sinks.run(over, stuck=options.stuck)
    found = {"connections": len(sinks.open), "bytes": sinks.bytes, "counted": sinks.counted}
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
