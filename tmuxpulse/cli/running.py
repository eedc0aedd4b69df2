"""Runs a command on trio: signals end it through cancellation, so that everything is cleaned up."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable

import trio

from tmuxpulse.cli.main import INTERRUPTED
from tmuxpulse.client.groups import unwrapped

TERMINATED = 128 + signal.SIGTERM
HUNG_UP = 128 + signal.SIGHUP
_CODES = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED, signal.SIGHUP: HUNG_UP}


def run_async(command: Callable[[], Awaitable[int]]) -> int:
    """Run a command until it returns its exit code, or a signal ends it.

    A signal cancels it once; while it cleans up, which is bounded, further ones change nothing.
    What it raises comes out as itself, not in a group.
    """

    async def run() -> int:
        code = 0
        with trio.open_signal_receiver(*_CODES) as signals:
            async with trio.open_nursery() as nursery:

                async def listen() -> None:
                    nonlocal code
                    async for number in signals:
                        code = _CODES[signal.Signals(number)]
                        nursery.cancel_scope.cancel()

                nursery.start_soon(listen)
                code = await command()
                nursery.cancel_scope.cancel()
        return code

    with unwrapped():
        return trio.run(run)
