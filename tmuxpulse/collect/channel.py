"""A standing line to a tmux server: any command, at any time, without a fork and without attaching.

One ``tmux`` client runs a long list of ``source-file -q PATH``. Each PATH is a pipe of ours, seen
through ``/proc``: the client waits in it until we write a script and close our end, then hands the
script to the server, prints what it answers, and waits in the next one. So:

- it is an ordinary client that attaches to nothing: `list-clients` does not show it, and none of
  the crashes that a control client opens the server to can happen;
- a script costs a round trip (0.3 to 0.8 ms), not a process (2 to 3 ms);
- when we end, however we end, the paths are gone, so the rest of the list runs out at once and the
  client ends by itself. It must never be killed while it waits: tmux up to 3.7 then keeps the rest
  of the list for ever (measured on 3.3a: 300 KiB a time with 600 entries).

Two pipes take turns: while one is read, the other one is open already, so the client never waits
in ``open``. Linux only, since it needs ``/proc``; ``docs/decisions/0001`` has the measurements.
"""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import trio

from tmuxpulse.collect.command import Tmux, end_process
from tmuxpulse.errors import ListingBroken, TmuxTimeout, TmuxUnavailable
from tmuxpulse.tmux.listing import TickParser, begin_command, end_command

TURNS = 400  # scripts of one client; its list takes about 0.5 KiB each in the server
ANSWER_SECONDS = 5.0
_READ_BYTES = 1 << 18


class Channel:
    """The line; `open_channel` makes it.

    Attributes:
        nonce: marks what we print, so that no pane can forge it.
    """

    def __init__(self, tmux: Tmux) -> None:
        self.nonce = secrets.token_hex(6)
        self._tmux = tmux
        self._turn = trio.Lock()  # one script at a time
        self._number = 0
        self._client: _Client | None = None

    async def run(self, commands: Sequence[str], *, seconds: float = ANSWER_SECONDS) -> bytes:
        """Run tmux commands in order and give what they printed together.

        A command that fails prints nothing and does not stop the others. When cancelled, the
        commands may still run; the next call opens a new client.

        Args:
            commands: each one line of a tmux script, quoted by the caller.
            seconds: how long the answer may take.

        Raises:
            TmuxUnavailable: the server is gone.
            TmuxTimeout: no answer in time.
            ListingBroken: the answer is longer than any bound.
        """
        async with self._turn:
            if self._client is not None and self._client.left == 0:
                await self._hang_up()
            if self._client is None:
                self._client = await _Client.start(self._tmux, self.nonce)
            try:
                with trio.fail_after(seconds):
                    return await self._ask(self._client, commands)
            except trio.TooSlowError:
                await self._hang_up()
                raise TmuxTimeout(
                    f"tmux on {self._tmux.socket} gave no answer in {seconds:g} s", seconds=seconds
                ) from None
            except BaseException:
                await self._hang_up()
                raise

    async def _ask(self, client: _Client, commands: Sequence[str]) -> bytes:
        self._number += 1
        script = "\n".join(
            [
                begin_command(self.nonce, self._number),
                *commands,
                end_command(self.nonce, self._number),
                "",
            ]
        )
        return await client.ask(script.encode("utf-8", "surrogateescape"), self._number)

    async def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with trio.CancelScope(shield=True):
                await client.end()

    async def aclose(self) -> None:
        """End the client; returns when it is gone. Whoever still waits for an answer gets it."""
        with trio.CancelScope(shield=True):
            async with self._turn:
                await self._hang_up()


@asynccontextmanager
async def open_channel(tmux: Tmux) -> AsyncIterator[Channel]:
    """Open a line to a server; its client starts with the first script."""
    channel = Channel(tmux)
    try:
        yield channel
    finally:
        await channel.aclose()


class _Client:
    """One tmux client with its list of turns.

    Attributes:
        left: how many scripts it can still take.
    """

    def __init__(self, tmux: Tmux, nonce: str, process: trio.Process, turns: list[_Turn]) -> None:
        if process.stdout is None:
            raise AssertionError("started with a pipe")
        self.left = TURNS
        self._socket = tmux.socket
        self._process = process
        self._answers = process.stdout
        self._parser = TickParser(nonce)
        self._turns = turns

    @classmethod
    async def start(cls, tmux: Tmux, nonce: str) -> _Client:
        turns = [_Turn(), _Turn()]
        names = [f"source-file -q {turn.path}\n" for turn in turns]
        try:
            process = await trio.lowlevel.open_process(
                tmux.argv("source-file", "-"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # a Ctrl-C in our terminal must not kill it
            )
        except BaseException:
            for turn in turns:
                turn.close()
            raise
        client = cls(tmux, nonce, process, turns)
        if process.stdin is None:
            raise AssertionError("started with a pipe")
        try:
            with suppress(trio.BrokenResourceError):  # it has ended already: asking will tell
                await process.stdin.send_all("".join(names * (TURNS // 2)).encode())
            await process.stdin.aclose()
        except BaseException:
            with trio.CancelScope(shield=True):
                await client.end()
            raise
        return client

    async def ask(self, script: bytes, number: int) -> bytes:
        turn = self._turns[self.left % 2]
        self.left -= 1
        await turn.hand_over(script)
        while True:
            data = await self._answers.receive_some(_READ_BYTES)
            if not data:
                raise TmuxUnavailable(f"no tmux server on {self._socket}", socket=self._socket)
            for tick in self._parser.feed(bytes(data)):
                if tick.number == number:
                    turn.renew()
                    return tick.body
                raise ListingBroken(f"answer {tick.number} to script {number}")

    async def end(self) -> None:
        if self._process.stdin is not None:  # open still, if the start was cancelled
            await trio.aclose_forcefully(self._process.stdin)
        for turn in self._turns:
            turn.dry_up()
        # What it prints on its way out has to be read, or it waits for ever in a full pipe.
        with trio.move_on_after(2):
            while await self._answers.receive_some(_READ_BYTES):
                pass
        await self._answers.aclose()
        await end_process(self._process)
        for turn in self._turns:
            turn.close()


class _Turn:
    """A pipe that a client will read a script from.

    The reading end's number is in the path that the client opens, so it stays taken until the
    client is gone: whatever else got that number would be read as a script.
    """

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        self.path = f"/proc/{os.getpid()}/fd/{self._read}"

    async def hand_over(self, script: bytes) -> None:
        """Write the script and close, so that the client sees its end.

        The pipe is anonymous, so a client that comes later does not wait for a writer in ``open``
        as it would with a FIFO.
        """
        stream = trio.lowlevel.FdStream(self._write)
        self._write = -1
        async with stream:
            await stream.send_all(script)

    def renew(self) -> None:
        """Make a new pipe at the same path, once the client has read the old one."""
        read, self._write = os.pipe()
        os.dup2(read, self._read, inheritable=False)
        os.close(read)

    def dry_up(self) -> None:
        """From now on the path gives nothing; a client that waits here goes on."""
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, self._read, inheritable=False)
        os.close(nothing)
        if self._write >= 0:
            os.close(self._write)
            self._write = -1

    def close(self) -> None:
        """Give the number back."""
        if self._write >= 0:
            os.close(self._write)
        os.close(self._read)


class OneShot:
    """The same, with a process for each script: where there is no ``/proc`` that tmux can see."""

    def __init__(self, tmux: Tmux) -> None:
        self.nonce = secrets.token_hex(6)
        self._tmux = tmux

    async def run(self, commands: Sequence[str], *, seconds: float = ANSWER_SECONDS) -> bytes:
        """Run tmux commands in order and give what they printed together.

        Raises:
            TmuxUnavailable: the server is gone.
            TmuxTimeout: no answer in time.
        """
        script = "".join(f"{command}\n" for command in commands)
        return await self._tmux.run(
            "source-file",
            "-",
            script=script.encode("utf-8", "surrogateescape"),
            seconds=seconds,
            check=False,
        )
