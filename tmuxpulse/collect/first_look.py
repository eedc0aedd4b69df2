"""How long others wait for a collector's first look at tmux."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

SECONDS = 5.0  # as for any answer; a tmux may hang: then its events come when they come


async def wait_for_first_look(nursery: trio.Nursery, look: Callable[[], Awaitable[None]]) -> bool:
    """Start what looks, in a nursery, and wait until it has, but not for ever.

    Args:
        nursery: goes on with it.
        look: returns when the first look is done.

    Returns:
        Whether it was done in time.
    """
    looked = trio.Event()

    async def start() -> None:
        await look()
        looked.set()

    nursery.start_soon(start)
    with trio.move_on_after(SECONDS):
        await looked.wait()
    return looked.is_set()
