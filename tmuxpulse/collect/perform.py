"""Runs orders on one tmux server: one client, one script, one deadline.

It knows processes. What an order may hold, and what its answer means, is for `tmux.orders` and
`tmux.outcomes`.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress

import trio

from tmuxpulse.collect.command import Tmux
from tmuxpulse.errors import TmuxNotFound, TmuxTimeout, TmuxUnavailable
from tmuxpulse.tmux.orders import Order
from tmuxpulse.tmux.outcomes import Outcome, OutcomeReader
from tmuxpulse.tmux.scripts import script

_NOBODY_THERE = (b"no server running", b"error connecting", b"lost server", b"server exited")
# tmux gives the PATH of a client that is not attached to the panes that it makes, so ours must not
# be seen; and which pane of the user's we run in, if any, is no target of ours.
_NOT_FOR_TMUX = frozenset({"PATH", "TMUX", "TMUX_PANE"})
_READ_BYTES = 1 << 16
_STDERR_BYTES = 1 << 14


async def perform(tmux: Tmux, orders: Sequence[Order], *, seconds: float) -> list[Outcome]:
    """Run orders in order, up to the first that fails.

    When cancelled or too late, the client is ended and whether the orders ran is not known. (One
    that tmux has not taken up never runs: tmux then waits for a script that nobody sends, which
    costs the server 5 KiB, measured on 3.3a, and holds up nothing.)

    Args:
        tmux: the server.
        orders: at least one; each is checked before any is run.
        seconds: how long all of it may take.

    Returns:
        An outcome for each order.

    Raises:
        RequestError: an order holds what it may not; none was run.
        TmuxNotFound: the program is not there.
        TmuxUnavailable: no server answers on the socket.
        TmuxTimeout: no answer in time; the orders may have been run.
    """
    nonce = secrets.token_hex(8)
    text = script(orders, nonce)
    reader = OutcomeReader(nonce, len(orders))
    stderr = bytearray()
    returncode = None
    with trio.move_on_after(seconds) as deadline:
        returncode = await _run(tmux, text, reader, stderr)
    if deadline.cancelled_caught:
        raise TmuxTimeout(
            f"tmux on {tmux.socket} gave no answer in {seconds:g} s; it may have done some of it",
            seconds=seconds,
        )
    if returncode != 0 and not reader.done and stderr.strip().startswith(_NOBODY_THERE):
        raise TmuxUnavailable(f"no tmux server on {tmux.socket}", socket=tmux.socket)
    return reader.finish(bytes(stderr))


async def _run(tmux: Tmux, text: bytes, reader: OutcomeReader, stderr: bytearray) -> int | None:
    """Run the client to its end and give its exit status; when cancelled, it is killed."""
    program = shutil.which(tmux.program)
    if program is None:
        raise TmuxNotFound(f"cannot run {tmux.program}: there is no such program")
    environ = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_TMUX}
    try:
        process = await trio.lowlevel.open_process(
            [program, *tmux.argv("source-file", "-")[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environ,
        )
    except OSError as error:
        raise TmuxNotFound(f"cannot run {tmux.program}: {error.strerror}") from None
    pipes = [pipe for pipe in (process.stdin, process.stdout, process.stderr) if pipe is not None]
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_feed, process.stdin, text)
            nursery.start_soon(_drain, process.stdout, reader.feed)
            nursery.start_soon(_drain, process.stderr, _keep_end(stderr))
            await process.wait()
        return process.returncode
    finally:
        if process.returncode is None:
            process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
            for pipe in pipes:
                await pipe.aclose()


async def _feed(pipe: trio.abc.SendStream | None, text: bytes) -> None:
    if pipe is None:
        return
    async with pipe:
        # Gone before it has read all of it: why, it says in its errors.
        with suppress(trio.BrokenResourceError):
            await pipe.send_all(text)


async def _drain(
    pipe: trio.abc.ReceiveStream | None, take: Callable[[bytes | bytearray], None]
) -> None:
    while pipe is not None and (data := await pipe.receive_some(_READ_BYTES)):
        take(data)


def _keep_end(kept: bytearray) -> Callable[[bytes | bytearray], None]:
    def take(data: bytes | bytearray) -> None:
        kept.extend(data)
        del kept[:-_STDERR_BYTES]

    return take
