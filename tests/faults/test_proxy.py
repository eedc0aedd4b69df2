"""The proxy does what it says, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trio

from tests.faults.proxy import Proxy, open_proxy

TEXT = bytes(range(256)) * 40
ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def echo() -> AsyncIterator[str]:
    """A server that sends back what it gets."""

    async def handle(stream: trio.SocketStream) -> None:
        try:
            async for data in stream:
                await stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, handle, 0)
        yield f"127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


async def back(proxy: Proxy, data: bytes) -> list[bytes]:
    """What comes back of it, piece by piece."""
    pieces: list[bytes] = []
    async with await trio.open_tcp_stream("127.0.0.1", proxy.port) as stream:
        await stream.send_all(data)
        while sum(map(len, pieces)) < len(data):
            pieces.append(bytes(await stream.receive_some()))
            assert pieces[-1]
    return pieces


async def test_bytes_pass_whole() -> None:
    async with echo() as target, open_proxy(target) as proxy:
        assert b"".join(await back(proxy, TEXT)) == TEXT
        proxy.set(split=7, delay=0.0001)
        assert b"".join(await back(proxy, TEXT[:500])) == TEXT[:500]
        proxy.set(split=1, delay=0.0, rate=1e6)
        assert b"".join(await back(proxy, TEXT[:500])) == TEXT[:500]
        assert (proxy.cuts, proxy.opened) == (0, 3)


@pytest.mark.parametrize("how", ["reset", "close"])
async def test_a_cut_ends_it_in_the_middle(how: str) -> None:
    async with echo() as target, open_proxy(target) as proxy:
        async with await trio.open_tcp_stream("127.0.0.1", proxy.port) as stream:
            await stream.send_all(b"x")
            assert await stream.receive_some() == b"x"
            assert proxy.cut("reset" if how == "reset" else "close") == 1
            if how == "reset":
                with pytest.raises(trio.BrokenResourceError):
                    await stream.receive_some()
            else:
                assert await stream.receive_some() == b""
        assert proxy.cuts == 1
        assert b"".join(await back(proxy, TEXT)) == TEXT  # the next one passes


async def test_it_cuts_after_so_many_bytes() -> None:
    async with echo() as target, open_proxy(target, seed=3) as proxy:
        proxy.set(cut_after=1000)
        got = b""
        async with await trio.open_tcp_stream("127.0.0.1", proxy.port) as stream:
            await stream.send_all(TEXT)
            with suppress(trio.BrokenResourceError):
                while data := await stream.receive_some():
                    got += data
        assert len(got) <= 1000
        assert TEXT.startswith(got)
        assert proxy.cuts == 1


async def test_silence_closes_nothing_and_ends() -> None:
    async with (
        echo() as target,
        open_proxy(target) as proxy,
        await trio.open_tcp_stream("127.0.0.1", proxy.port) as stream,
    ):
        await stream.send_all(b"a")
        assert await stream.receive_some() == b"a"
        proxy.set(silent=True)
        await stream.send_all(b"b")
        with trio.move_on_after(0.05) as waiting:
            await stream.receive_some()
        assert waiting.cancelled_caught
        assert proxy.connections == 1
        proxy.set(silent=False)
        assert await stream.receive_some() == b"b"


async def test_where_nobody_listens_it_closes() -> None:
    async with open_proxy("127.0.0.1:1") as proxy:
        async with await trio.open_tcp_stream("127.0.0.1", proxy.port) as stream:
            assert await stream.receive_some() == b""
        assert proxy.opened == 0


async def said(process: trio.Process) -> dict[str, int]:
    """The next line of a program's output."""
    assert process.stdout is not None
    line = b""
    while not line.endswith(b"\n"):
        line += await process.stdout.receive_some(1)
    found: dict[str, int] = json.loads(line)
    return found


async def test_as_a_program() -> None:
    async with echo() as target:
        process = await trio.lowlevel.open_process(
            [sys.executable, "-m", "tests.faults.proxy", "--to", target],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        assert process.stdin is not None
        port = (await said(process))["port"]
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all(b"x")
            assert await stream.receive_some() == b"x"
            await process.stdin.send_all(b'{"split": 1}\n')
            assert await said(process) == {"cuts": 0, "connections": 1}
            await process.stdin.send_all(b'{"cut": "close"}\n')
            assert (await said(process))["cuts"] == 1
            assert await stream.receive_some() == b""
        await process.stdin.aclose()
        assert await process.wait() == 0
