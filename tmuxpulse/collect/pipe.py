"""The default engine: pipes for output, lists for structure, no attached client.

Each pane is piped (``pipe-pane -O``) into a FIFO of ours, unless it has a pipe already: a user's
own is never touched. Lists and everything else go over one `Channel`, when the `Pulse` says so.

What a pane printed before its pipe began is read in the same breath as the pipe is opened, so for
a pane that was born while we watch nothing is missing. A pane that floods has its pipe closed for
a while, since tmux buffers for a slow reader without bound; we never stop reading an open one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import ClassVar

import trio

from tmuxpulse.collect import sockets
from tmuxpulse.collect.channel import Channel, OneShot, open_channel
from tmuxpulse.collect.command import Identity, Tmux
from tmuxpulse.collect.engine import Sink
from tmuxpulse.collect.fifos import Fifo, FifoDir, leftover_fifos, probe
from tmuxpulse.collect.pane_pipe import PanePipe, births_in
from tmuxpulse.collect.pulse import Pulse
from tmuxpulse.collect.screens import Shown, parse_screens, screen_commands
from tmuxpulse.collect.terminals import watch_terminals
from tmuxpulse.errors import TmuxError, TmuxUnavailable
from tmuxpulse.tmux.formats import (
    EMPTY,
    Listing,
    listing_commands,
    parse_listing,
    signature_commands,
    signature_of,
)

PIPES_AT_ONCE = 5  # each costs the server a fork; more at once would hold it up noticeably
SLICE_BYTES = 16 << 10  # is read and dealt with at once: others wait for so much of a flood
FLOOD_BYTES = 1 << 20  # in FLOOD_SECONDS: the pipe is closed
FLOOD_SECONDS = 1.0
LAST_WORDS_SECONDS = 0.1  # a pipe ends 2 ms after its pane (measured); this is for a busy machine
END_SECONDS = 2.0


class PipeEngine:
    """Watches a server from tmux 3.2 on.

    Args:
        tmux: how to reach the server.
        identity: which run of tmux it is.
        runtime_dir: a private directory for FIFOs.
        newborn: the server was started while somebody watched, so what its panes printed before
            their pipes opened is news.
    """

    name: ClassVar[str] = "pipe"
    sample_seconds: ClassVar[float] = 0.2

    def __init__(
        self, tmux: Tmux, identity: Identity, *, runtime_dir: str, newborn: bool = False
    ) -> None:
        self._tmux = tmux
        self._identity = identity
        self._runtime_dir = runtime_dir
        self._line: Channel | OneShot = OneShot(tmux)
        self._pipes: dict[str, PanePipe] = {}
        self._first = not newborn

    async def run(
        self, sink: Sink, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Watch until the server is gone; see `Engine.run`."""
        fifos = FifoDir(self._runtime_dir)
        pulse = Pulse(self._identity.pid)
        try:
            fifos.sweep()
            async with open_channel(self._tmux) as channel:
                self._line = await self._best_line(channel)
                await self._close_leftovers(fifos)
                await self._watch(sink, fifos, pulse, task_status)
        finally:
            pulse.close()
            await self._leave()
            fifos.close()

    async def capture(self, pane_ids: Sequence[str]) -> dict[str, Shown]:
        """Read the visible screens of panes; see `Engine.capture`."""
        nonce = self._line.nonce
        return parse_screens(await self._line.run(screen_commands(pane_ids, nonce)), nonce)

    # --- listing -------------------------------------------------------------------------

    async def _watch(
        self, sink: Sink, fifos: FifoDir, pulse: Pulse, task_status: trio.TaskStatus[None]
    ) -> None:
        last, listing, started = None, EMPTY, False
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_cancel_at_death, self._identity.pid, nursery.cancel_scope)
            nursery.start_soon(watch_terminals, pulse.hint)
            signature: bytes | None = None
            certain = True
            while True:
                before, signature = signature, None
                if not certain:
                    signature = await self._ask(pulse, signature_commands())
                    if signature is not None and signature == before:
                        await self._tend(sink, fifos, pulse, nursery)
                        certain = await pulse.wait()
                        continue
                began = trio.current_time()
                body = await self._ask(pulse, listing_commands(self._line.nonce), whole=True)
                if body is None:
                    break
                sink.asked(trio.current_time() - began)
                if body != last:
                    last = body
                    pulse.changed()
                    listing = parse_listing(body, self._line.nonce)
                    await self._let_go(listing)
                    sink.listing(listing)
                    self._follow(listing)
                if signature is None:  # what tmux told itself is right for the oddest name, too
                    signature = signature_of(listing)
                await self._tend(sink, fifos, pulse, nursery)
                if not started:
                    started = True
                    task_status.started()
                if not listing.panes:
                    await self._let_it_end()
                certain = await pulse.wait()
            nursery.cancel_scope.cancel()
        if not started:
            socket = self._tmux.socket
            raise TmuxUnavailable(f"the tmux server on {socket} ended", socket=socket)

    async def _ask(self, pulse: Pulse, commands: list[str], *, whole: bool = False) -> bytes | None:
        """List; None when the server is gone, also when another has taken its socket."""
        script = ["display-message -p '#{pid} #{start_time}'", *commands]
        pulse.begin(whole=whole)
        try:
            answer = await self._line.run(script)
        except TmuxUnavailable:
            if not sockets.is_alive(self._tmux.socket):
                return None
            answer = await self._line.run(script)  # its client was killed, not the server
        pulse.end()
        who, _, body = answer.partition(b"\n")
        ours = f"{self._identity.pid} {self._identity.start_time}"
        return body if who.decode("ascii", "replace") == ours else None

    async def _best_line(self, channel: Channel) -> Channel | OneShot:
        """The channel, unless the server cannot see our `/proc` (another container, another OS)."""
        if sys.platform != "linux":
            return OneShot(self._tmux)
        try:
            await channel.run([])
        except TmuxUnavailable:
            if not sockets.is_alive(self._tmux.socket):
                raise
            return OneShot(self._tmux)
        return channel

    async def _let_it_end(self) -> None:
        """Let go of a server without panes: a client, even ours, keeps it from ending."""
        if isinstance(self._line, Channel):
            await self._line.aclose()
        await trio.sleep(0.2)

    # --- pipes ---------------------------------------------------------------------------

    async def _let_go(self, listing: Listing) -> None:
        """Read the pipes of panes that are gone to their end, before their end is told."""
        stay = {row.pane_id for row in listing.panes}
        gone = [self._pipes.pop(pane_id) for pane_id in self._pipes.keys() - stay]
        with trio.move_on_after(LAST_WORDS_SECONDS):
            for pipe in gone:
                await pipe.read_out.wait()
        for pipe in gone:
            pipe.close()

    def _follow(self, listing: Listing) -> None:
        """Know the panes that have come, and what the list says of the others."""
        for row in listing.panes:
            pipe = self._pipes.get(row.pane_id)
            if pipe is None:
                self._pipes[row.pane_id] = PanePipe(row, born=not self._first)
            else:
                pipe.row = row
        self._first = False

    async def _tend(self, sink: Sink, fifos: FifoDir, pulse: Pulse, nursery: trio.Nursery) -> None:
        """Open the pipes that are due, and notice the ones that are open by now."""
        now = trio.current_time()
        for pipe in self._pipes.values():
            pipe.check(sink, now)
        await self._read_stillborn(sink)
        due = [pipe for pipe in self._pipes.values() if pipe.is_due(now)]
        for at in range(0, len(due), PIPES_AT_ONCE):
            group = due[at : at + PIPES_AT_ONCE]
            commands: list[str] = []
            for pipe in group:
                pipe.open(fifos.fifo(self._identity, pipe.pane_id), now)
                commands += pipe.opening_commands(self._line.nonce)
            births = births_in(await self._line.run(commands), self._line.nonce)
            for pipe in group:
                if pipe.born and births.get(pipe.pane_id):
                    sink.output(pipe.pane_id, births[pipe.pane_id])
                pipe.born = False
                nursery.start_soon(self._read, pipe, sink, pulse)

    async def _read_stillborn(self, sink: Sink) -> None:
        """Read what panes left that ended before their pipe could open (`remain-on-exit`)."""
        stillborn = [pipe for pipe in self._pipes.values() if pipe.born and pipe.row.pane_dead]
        if not stillborn:
            return
        nonce = self._line.nonce
        commands = [command for pipe in stillborn for command in pipe.birth_commands(nonce)]
        births = births_in(await self._line.run(commands), nonce)
        for pipe in stillborn:
            pipe.born = False
            sink.streams(pipe.pane_id, on=True)  # so that it is told as lines
            sink.output(pipe.pane_id, births.get(pipe.pane_id, b""))
            sink.streams(pipe.pane_id, on=False)

    async def _read(self, pipe: PanePipe, sink: Sink, pulse: Pulse) -> None:
        """Read one pipe to its end."""
        fifo, read_out = pipe.fifo, pipe.read_out
        if fifo is None:
            return
        try:
            flooded = await self._read_out(pipe, fifo, sink)
        finally:
            read_out.set()
        if pipe.fifo is fifo:
            pipe.ended(sink, trio.current_time(), flooding=flooded)
            pulse.hint()  # the pane has ended, or its user opened a pipe

    async def _read_out(self, pipe: PanePipe, fifo: Fifo, sink: Sink) -> bool:
        """Read a FIFO until nobody writes into it; tell whether that was because of a flood."""
        window_ends, window_bytes = trio.current_time() + FLOOD_SECONDS, 0
        flooding = False
        while pipe.fifo is fifo:
            try:
                await trio.lowlevel.wait_readable(fifo.fd)
                data = os.read(fifo.fd, SLICE_BYTES)
            except BlockingIOError:
                continue
            except (trio.ClosedResourceError, OSError):  # closed under us: the pane is gone
                break
            if not data:
                break
            if flooding:
                continue  # what was on its way when the pipe was closed
            pipe.began(sink)
            sink.output(pipe.pane_id, data)
            now = trio.current_time()
            if now >= window_ends:
                window_ends, window_bytes = now + FLOOD_SECONDS, 0
            window_bytes += len(data)
            if window_bytes > FLOOD_BYTES:
                flooding = True
                sink.streams(pipe.pane_id, on=False)
                await self._line.run([f"pipe-pane -t '{pipe.pane_id}'"])
        return flooding

    async def _close_leftovers(self, fifos: FifoDir) -> None:
        """Close the pipes into FIFOs that an earlier, killed run left in this server."""
        for directory in fifos.leftovers():
            for pane_id, path in leftover_fifos(directory, self._identity):
                try:
                    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
                except OSError:
                    continue
                try:
                    if probe(fd) != b"":  # somebody writes: the pane's one pipe is that one
                        await self._line.run([f"pipe-pane -t '{pane_id}'"])
                finally:
                    os.close(fd)
                path.unlink(missing_ok=True)
        fifos.sweep()

    async def _leave(self) -> None:
        """Close our pipes, and only ours."""
        ours = [pipe for pipe in self._pipes.values() if pipe.is_open()]
        with trio.CancelScope(shield=True, deadline=trio.current_time() + END_SECONDS):
            try:
                if ours and sockets.is_alive(self._tmux.socket):
                    line = OneShot(self._tmux)
                    await line.run([f"pipe-pane -t '{pipe.pane_id}'" for pipe in ours])
            except TmuxError:
                pass  # the server is gone, and its pipes with it
        for pipe in self._pipes.values():
            pipe.close()
        self._pipes.clear()


async def _cancel_at_death(pid: int, scope: trio.CancelScope) -> None:
    """Cancel when a process ends, where the system can tell at once (Linux)."""
    try:
        fd = os.pidfd_open(pid)
    except (AttributeError, OSError):
        return  # the next list tells it
    try:
        await trio.lowlevel.wait_readable(fd)
    finally:
        os.close(fd)
    scope.cancel()
