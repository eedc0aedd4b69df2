"""A proxy that does to connections what networks do: waits, trickles, splits, cuts, goes silent.

In a trio test: ``async with open_proxy(target) as proxy``, then `Proxy.set` and `Proxy.cut`. For
other languages it is a program:

    python -m tests.faults.proxy --to 127.0.0.1:8765 [--seed 1]

It prints ``{"port": N}``, then takes one JSON object a line: the fields of `Faults` set what
happens from now on, ``{"cut": "reset"}`` or ``{"cut": "close"}`` ends all connections. Each line
is answered with ``{"cuts": N, "connections": N}``. It ends with its input.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Literal

import msgspec
import trio

BROKEN = (trio.BrokenResourceError, trio.ClosedResourceError)
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST
READ_BYTES = 65_536

Cut = Literal["reset", "close"]


class Faults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens to bytes that pass, in both directions.

    Attributes:
        delay: seconds before each piece goes on.
        rate: bytes a second; None: as fast as can be.
        split: the largest piece, chosen anew for each up to this; 0: as they came; 1: every byte.
        silent: nothing goes on any more, and nothing is closed: half-open.
        cut_after: a connection is reset after so many bytes from the server, chosen anew for each
            connection up to this; 0: never.
    """

    delay: float = 0.0
    rate: float | None = None
    split: int = 0
    silent: bool = False
    cut_after: int = 0


class Proxy:
    """Passes connections on, with faults.

    Args:
        target: ``host:port``, or the path of a Unix socket.
        seed: of everything that is chosen.

    Attributes:
        port: where it listens on loopback.
        cuts: how many connections it has ended.
        opened: how many there have been.
    """

    def __init__(self, target: str, *, seed: int = 0) -> None:
        self.port = 0
        self.cuts = 0
        self.opened = 0
        self._target = target
        self._random = random.Random(seed)
        self._faults = Faults()
        self._changed = trio.Event()
        self._pairs: dict[trio.CancelScope, tuple[trio.SocketStream, trio.SocketStream]] = {}

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._pairs)

    def set(self, **faults: Any) -> None:
        """Change what happens from now on; what is not named is as it was."""
        self._faults = msgspec.structs.replace(self._faults, **faults)
        changed, self._changed = self._changed, trio.Event()
        changed.set()

    def cut(self, how: Cut = "reset") -> int:
        """End all connections now, in the middle of whatever passes; gives how many."""
        found = list(self._pairs)
        for scope in found:
            self._end(scope, how)
        return len(found)

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen until cancelled."""
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.port = listeners[0].socket.getsockname()[1]
        async with trio.open_nursery() as nursery:
            task_status.started()
            await trio.serve_listeners(self._pass, listeners, handler_nursery=nursery)

    # --- one connection --------------------------------------------------------------------

    def _end(self, scope: trio.CancelScope, how: Cut) -> None:
        pair = self._pairs.pop(scope, None)
        if pair is None:
            return
        self.cuts += 1
        for stream in pair:
            with suppress(OSError):
                if how == "reset" and stream.socket.family != socket.AF_UNIX:
                    stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            stream.socket.close()
        scope.cancel()

    async def _pass(self, client: trio.SocketStream) -> None:
        try:
            server = await self._connect()
        except OSError:
            await trio.aclose_forcefully(client)
            return
        self.opened += 1
        limit = self._random.randint(1, self._faults.cut_after) if self._faults.cut_after else 0
        async with server, trio.open_nursery() as nursery:
            scope = nursery.cancel_scope
            self._pairs[scope] = (client, server)
            try:
                nursery.start_soon(partial(self._copy, client, server, scope, 0))
                await self._copy(server, client, scope, limit)
            finally:
                self._pairs.pop(scope, None)

    async def _connect(self) -> trio.SocketStream:
        if "/" in self._target:
            return await trio.open_unix_socket(self._target)
        host, _, port = self._target.rpartition(":")
        return await trio.open_tcp_stream(host, int(port))

    async def _copy(
        self,
        source: trio.SocketStream,
        sink: trio.SocketStream,
        scope: trio.CancelScope,
        limit: int,
    ) -> None:
        passed = 0
        with suppress(*BROKEN):
            while data := bytes(await source.receive_some(READ_BYTES)):
                while data:
                    piece, data = self._piece(data)
                    if limit and passed + len(piece) >= limit:
                        await self._send(sink, piece[: limit - passed])
                        self._end(scope, "reset")
                        return
                    await self._send(sink, piece)
                    passed += len(piece)
            with suppress(*BROKEN):
                await sink.send_eof()
            return
        scope.cancel()

    def _piece(self, data: bytes) -> tuple[bytes, bytes]:
        split = self._faults.split
        if not split:
            return data, b""
        size = self._random.randint(1, split)
        return data[:size], data[size:]

    async def _send(self, sink: trio.SocketStream, piece: bytes) -> None:
        while self._faults.silent:
            await self._changed.wait()
        if self._faults.delay:
            await trio.sleep(self._faults.delay)
        rate = self._faults.rate
        if rate:
            await trio.sleep(len(piece) / rate)
        await sink.send_all(piece)


@asynccontextmanager
async def open_proxy(target: str, *, seed: int = 0) -> AsyncIterator[Proxy]:
    """A proxy that runs while the block does."""
    proxy = Proxy(target, seed=seed)
    async with trio.open_nursery() as nursery:
        await nursery.start(proxy.serve)
        yield proxy
        nursery.cancel_scope.cancel()


# --- as a program --------------------------------------------------------------------------------


async def _main(target: str, seed: int) -> None:
    async with open_proxy(target, seed=seed) as proxy:
        _say(port=proxy.port)
        async for line in trio.wrap_file(sys.stdin):
            order = json.loads(line)
            how = order.pop("cut", None)
            if how:
                proxy.cut(how)
            if order:
                proxy.set(**order)
            await trio.lowlevel.checkpoint()
            _say(cuts=proxy.cuts, connections=proxy.connections)


def _say(**fields: int) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--to", required=True, help="host:port, or the path of a Unix socket")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    trio.run(_main, options.to, options.seed)


if __name__ == "__main__":
    main()
