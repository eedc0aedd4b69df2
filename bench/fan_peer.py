"""A server that does nothing but broadcast, made with a WebSocket library; for bench_fanout.py.

    fan_peer.py websockets|picows|sockets CLIENTS EVENTS AT_ONCE PER_SECOND BYTES

Prints ``ready PORT``, waits until CLIENTS are connected and a line comes on its input, then
broadcasts EVENTS messages of BYTES, AT_ONCE of them in one pass of its loop, PER_SECOND together,
and says ``done``. Prints its CPU time since then as JSON when the next line comes, and ends.
``sockets`` is the floor: no library, one call of the kernel for each client and event. Runs in the
environment of the library: it may import nothing of ours.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

MESSAGE = '{"type":"pane.output","data":"%s"}'


def message_of(size: int) -> str:
    """A text message of a size, of which clients can count how often it came."""
    return MESSAGE % ("x" * (size - len(MESSAGE) + 2))


async def read_line() -> str:
    return await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


async def broadcast_paced(
    send: Callable[[], None], events: int, at_once: int, per_second: float
) -> dict[str, float]:
    """Send at a pace; what it cost."""
    began, cpu = time.monotonic(), time.process_time()
    for done in range(0, events, at_once):
        for _ in range(at_once):
            send()
        await asyncio.sleep(max(0.0, began + (done + at_once) / per_second - time.monotonic()))
    return {"wall_s": time.monotonic() - began, "began_cpu": cpu}


async def with_websockets(clients: int, size: int, run: Callable[..., Any]) -> None:
    from websockets.asyncio.server import ServerConnection, broadcast, serve

    everybody: set[ServerConnection] = set()
    complete = asyncio.Event()

    async def handler(connection: ServerConnection) -> None:
        everybody.add(connection)
        if len(everybody) == clients:
            complete.set()
        await connection.wait_closed()

    text = message_of(size)
    async with serve(handler, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        await run(port, complete, lambda: broadcast(everybody, text))


async def with_picows(clients: int, size: int, run: Callable[..., Any]) -> None:
    import picows

    everybody: list[Any] = []
    complete = asyncio.Event()

    class Listener(picows.WSListener):  # type: ignore[misc,unused-ignore]  # not there for mypy
        def on_ws_connected(self, transport: Any) -> None:  # noqa: ANN401  # not there for mypy
            everybody.append(transport)
            if len(everybody) == clients:
                complete.set()

    data = message_of(size).encode()

    def send() -> None:
        for transport in everybody:
            transport.send(picows.WSMsgType.TEXT, data)

    server = await picows.ws_create_server(lambda _request: Listener(), "127.0.0.1", 0)
    await run(server.sockets[0].getsockname()[1], complete, send)
    server.close()


async def with_sockets(clients: int, size: int, run: Callable[..., Any]) -> None:
    data = message_of(size).encode()
    frame = b"\x81\x7e" + len(data).to_bytes(2, "big") + data
    everybody: list[socket.socket] = []
    complete = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def accept(listener: socket.socket) -> None:
        while len(everybody) < clients:
            one, _ = await loop.sock_accept(listener)
            one.setblocking(False)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += await loop.sock_recv(one, 4096)
            await loop.sock_sendall(one, b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            everybody.append(one)
        complete.set()

    def send() -> None:
        for one in everybody:
            if one.send(frame) != len(frame):
                raise RuntimeError("a client is too slow")

    with socket.create_server(("127.0.0.1", 0), backlog=clients) as listener:
        listener.setblocking(False)
        task = asyncio.create_task(accept(listener))
        await run(listener.getsockname()[1], complete, send)
        await task


LIBRARIES = {"websockets": with_websockets, "picows": with_picows, "sockets": with_sockets}


async def main() -> None:
    library = sys.argv[1]
    clients, events, at_once, per_second, size = map(int, sys.argv[2:])

    async def run(port: int, complete: asyncio.Event, send: Callable[[], None]) -> None:
        print(f"ready {port}", flush=True)
        await complete.wait()
        await read_line()
        found = await broadcast_paced(send, events, at_once, per_second)
        print("done", flush=True)
        await read_line()  # what was buffered has gone out
        found["cpu_s"] = time.process_time() - found.pop("began_cpu")
        print(json.dumps(found), flush=True)

    await LIBRARIES[library](clients, size, run)


if __name__ == "__main__":
    asyncio.run(main())
