"""One pane's pipe into a FIFO of ours: when to open it, whether it works, why it ended.

No task lives here; `pipe` reads the FIFOs.
"""

from __future__ import annotations

import trio

from tmuxpulse.collect.engine import Sink
from tmuxpulse.collect.fifos import Fifo, probe
from tmuxpulse.tmux.formats import PaneRow

CONNECT_SECONDS = 10.0  # how long a pipe's `cat` may take to open the FIFO; a machine may be busy
STEP_BACK_SECONDS = 5.0  # after a user's `pipe-pane -o` closed ours
FLOOD_PAUSES = (1.0, 2.0, 4.0, 8.0)  # until it is opened again; longer each time
BIRTH_LINES = 500  # of a new pane's history, read when its pipe opens


class PanePipe:
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
        commands = self.birth_commands(nonce) if self.born else []
        path = self.fifo.path
        # Only into a FIFO: one that was given up meanwhile would come back as a file that grows.
        opening = f"pipe-pane -O -t {pane} '[ -p {path} ] && exec cat >{path}'"
        return [*commands, f"if-shell -F -t {pane} '#{{pane_pipe}}' '' \"{opening}\""]

    def birth_commands(self, nonce: str) -> list[str]:
        """Print what the pane shows, for `births_in`."""
        pane = f"'{self.pane_id}'"
        return [
            f"display-message -p '{nonce}A {self.pane_id[1:]}'",
            f"capture-pane -p -J -S -{BIRTH_LINES} -t {pane}",
            f"display-message -p -t {pane} '{nonce}Z #{{cursor_x}} #{{alternate_on}}'",
        ]

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


def births_in(body: bytes, nonce: str) -> dict[str, bytes]:
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
