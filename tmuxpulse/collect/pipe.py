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
from tmuxpulse.collect.fifos import READ_BYTES, Fifo, FifoDir, leftover_fifos, probe
from tmuxpulse.collect.pulse import Pulse
from tmuxpulse.errors import TmuxError, TmuxUnavailable
from tmuxpulse.tmux.formats import Listing, PaneRow, clean, listing_commands, parse_listing

PIPES_AT_ONCE = 5  # each costs the server a fork; more at once would hold it up noticeably
CONNECT_SECONDS = 2.0  # how long a pipe's `cat` may take to open the FIFO
STEP_BACK_SECONDS = 5.0  # after a user's `pipe-pane -o` closed ours
FLOOD_BYTES = 1 << 20  # in FLOOD_SECONDS: the pipe is closed
FLOOD_SECONDS = 1.0
FLOOD_PAUSES = (1.0, 2.0, 4.0, 8.0)  # until it is opened again; longer each time
BIRTH_LINES = 500  # of a new pane's history, read when its pipe opens
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
        self._pipes: dict[str, _Pipe] = {}
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

    async def capture(self, pane_ids: Sequence[str]) -> dict[str, list[str]]:
        """Read the visible screens of panes; see `Engine.capture`."""
        mark = f"{self._line.nonce}S"
        commands = []
        for pane_id in pane_ids:
            commands += [
                f"display-message -p '{mark} {pane_id[1:]}'",
                f"capture-pane -p -t '{pane_id}'",
            ]
        body = await self._line.run(commands)
        screens: dict[str, list[str]] = {}
        for part in body.decode("utf-8", "replace").split(f"{mark} ")[1:]:
            number, *rows = part.removesuffix("\n").split("\n")
            if rows:  # a pane that is gone has a mark and nothing after it
                screens[f"%{number}"] = [clean(row).rstrip() for row in rows]
        return screens

    # --- listing -------------------------------------------------------------------------

    async def _watch(
        self, sink: Sink, fifos: FifoDir, pulse: Pulse, task_status: trio.TaskStatus[None]
    ) -> None:
        last, empty, started = None, False, False
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_cancel_at_death, self._identity.pid, nursery.cancel_scope)
            while True:
                pulse.begin()
                body = await self._list()
                if body is None:
                    break
                pulse.end()
                if body != last:
                    last = body
                    listing = parse_listing(body, self._line.nonce)
                    await self._let_go(listing)
                    sink.listing(listing)
                    self._follow(listing)
                    empty = not listing.panes
                await self._tend(sink, fifos, pulse, nursery)
                if not started:
                    started = True
                    task_status.started()
                if empty:
                    await self._let_it_end()
                await pulse.wait()
            nursery.cancel_scope.cancel()
        if not started:
            socket = self._tmux.socket
            raise TmuxUnavailable(f"the tmux server on {socket} ended", socket=socket)

    async def _list(self) -> bytes | None:
        """One list, or None when the server is gone, also when another has taken its socket."""
        try:
            body = await self._ask_for_list()
        except TmuxUnavailable:
            if not sockets.is_alive(self._tmux.socket):
                return None
            body = await self._ask_for_list()  # its client was killed, not the server
        who, _, rows = body.partition(b"\n")
        ours = f"{self._identity.pid} {self._identity.start_time}"
        return rows if who.decode("ascii", "replace") == ours else None

    async def _ask_for_list(self) -> bytes:
        who = "display-message -p '#{pid} #{start_time}'"
        return await self._line.run([who, *listing_commands(self._line.nonce)])

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
                self._pipes[row.pane_id] = _Pipe(row, born=not self._first)
            else:
                pipe.row = row
        self._first = False

    async def _tend(self, sink: Sink, fifos: FifoDir, pulse: Pulse, nursery: trio.Nursery) -> None:
        """Open the pipes that are due, and notice the ones that are open by now."""
        now = trio.current_time()
        for pipe in self._pipes.values():
            pipe.check(sink, now)
        due = [pipe for pipe in self._pipes.values() if pipe.is_due(now)]
        for at in range(0, len(due), PIPES_AT_ONCE):
            group = due[at : at + PIPES_AT_ONCE]
            commands: list[str] = []
            for pipe in group:
                pipe.open(fifos.fifo(self._identity, pipe.pane_id), now)
                commands += pipe.opening_commands(self._line.nonce)
            births = _births(await self._line.run(commands), self._line.nonce)
            for pipe in group:
                if pipe.born and births.get(pipe.pane_id):
                    sink.output(pipe.pane_id, births[pipe.pane_id])
                pipe.born = False
                nursery.start_soon(self._read, pipe, sink, pulse)

    async def _read(self, pipe: _Pipe, sink: Sink, pulse: Pulse) -> None:
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

    async def _read_out(self, pipe: _Pipe, fifo: Fifo, sink: Sink) -> bool:
        """Read a FIFO until nobody writes into it; tell whether that was because of a flood."""
        window_ends, window_bytes = trio.current_time() + FLOOD_SECONDS, 0
        flooding = False
        while pipe.fifo is fifo:
            try:
                await trio.lowlevel.wait_readable(fifo.fd)
                data = os.read(fifo.fd, READ_BYTES)
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


class _Pipe:
    """One pane's pipe and what became of it."""

    def __init__(self, row: PaneRow, *, born: bool) -> None:
        self.pane_id = row.pane_id
        self.born = born  # while we watched: what it printed so far is news
        self.row = row
        self.fifo: Fifo | None = None
        self.read_out = trio.Event()  # nothing more will come out of the FIFO
        self.read_out.set()
        self.opened_at = 0.0
        self._streams = False
        self._not_before = 0.0
        self._floods = 0

    def open(self, fifo: Fifo, now: float) -> None:
        """Take a FIFO that tmux is about to be told of."""
        self.fifo = fifo
        self.opened_at = now
        self.read_out = trio.Event()

    def is_due(self, now: float) -> bool:
        """Whether to open a pipe: there is none, of ours or of the user's."""
        free = not self.row.pane_pipe and not self.row.pane_dead
        return self.fifo is None and free and now >= self._not_before

    def is_open(self) -> bool:
        """Whether tmux writes into our FIFO."""
        return self.fifo is not None and (self._streams or probe(self.fifo.fd) != b"")

    def opening_commands(self, nonce: str) -> list[str]:
        """Open the pipe unless there is one; tell what the pane showed at that moment."""
        if self.fifo is None:
            raise AssertionError("opened before its FIFO was made")
        pane = f"'{self.pane_id}'"
        commands = []
        if self.born:
            commands = [
                f"display-message -p '{nonce}A {self.pane_id[1:]}'",
                f"capture-pane -p -J -S -{BIRTH_LINES} -t {pane}",
                f"display-message -p -t {pane} '{nonce}Z #{{cursor_x}} #{{alternate_on}}'",
            ]
        opening = f"pipe-pane -O -t {pane} 'exec cat >{self.fifo.path}'"
        return [*commands, f"if-shell -F -t {pane} '#{{pane_pipe}}' '' \"{opening}\""]

    def check(self, sink: Sink, now: float) -> None:
        """Notice that the writer has come, or that it never will."""
        if self.fifo is None or self._streams:
            return
        data = probe(self.fifo.fd)
        if data != b"":
            self.began(sink)
            if data:
                sink.output(self.pane_id, data)
        elif now > self.opened_at + CONNECT_SECONDS:  # a user's pipe was there first
            self.close()
            self._not_before = now + STEP_BACK_SECONDS

    def began(self, sink: Sink) -> None:
        """The pipe works."""
        if not self._streams:
            self._streams = True
            sink.streams(self.pane_id, on=True)

    def ended(self, sink: Sink, now: float, *, flooding: bool) -> None:
        """The writer is gone: the pane ended, it flooded, or its user wants the pipe."""
        self.close()
        sink.streams(self.pane_id, on=False)
        if flooding:
            self._not_before = now + FLOOD_PAUSES[min(self._floods, len(FLOOD_PAUSES) - 1)]
            self._floods += 1
        else:
            self._floods = 0
            self._not_before = now + STEP_BACK_SECONDS

    def close(self) -> None:
        """Close the FIFO."""
        self._streams = False
        if self.fifo is not None:
            fifo, self.fifo = self.fifo, None
            trio.lowlevel.notify_closing(fifo.fd)
            fifo.close()


def _births(body: bytes, nonce: str) -> dict[str, bytes]:
    """What new panes had printed when their pipes opened, as if it had come through them."""
    found: dict[str, bytes] = {}
    for part in body.split(f"{nonce}A ".encode())[1:]:
        head, _, rest = part.partition(b"\n")
        text, _, tail = rest.partition(f"{nonce}Z ".encode())
        cursor_x, _, alternate = tail.partition(b"\n")[0].partition(b" ")
        if alternate != b"0":  # a program that addresses the screen, or the pane is gone again
            continue
        lines = [line.rstrip(b" ") for line in text.rstrip(b"\n ").split(b"\n")]
        whole = b"\r\n".join(lines)
        if whole:
            found[f"%{head.decode()}"] = whole + (b"\r\n" if cursor_x == b"0" else b"")
    return found


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
