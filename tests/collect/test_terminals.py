"""The kernel tells of terminals that come and go."""

from __future__ import annotations

import os
import sys

import pytest
import trio
import trio.testing

from tmuxpulse.collect.terminals import watch_terminals

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


async def test_a_terminal_that_comes_and_goes_is_told() -> None:
    told = trio.Event()
    descriptors = os.listdir("/proc/self/fd")

    def tell() -> None:
        told.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch_terminals, tell)
        await trio.testing.wait_all_tasks_blocked()
        ends = os.openpty()
        await told.wait()
        told = trio.Event()
        for end in ends:
            os.close(end)
        await told.wait()
        nursery.cancel_scope.cancel()
    assert os.listdir("/proc/self/fd") == descriptors


async def test_where_the_kernel_does_not_tell_it_returns(tmp_path) -> None:
    descriptors = os.listdir("/proc/self/fd")
    await watch_terminals(lambda: None, directory=str(tmp_path / "none"))
    assert os.listdir("/proc/self/fd") == descriptors
