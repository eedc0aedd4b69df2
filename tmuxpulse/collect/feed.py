"""One pane's output: from bytes to `pane.output`, at most one in 25 ms, and signals.

The first bytes after a pause go out at once. A pane that appends gives lines; a pane whose program
addresses the screen, or whose output is not pushed to us, gives the rows of its screen that
changed. Secrets are masked before anything else sees them. Time is an argument here, and what the
pane's program is doing is not known.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tmuxpulse import events as ev
from tmuxpulse.redaction.redactor import PaneRedactor, Redactor
from tmuxpulse.tmux import text as tx
from tmuxpulse.tmux.text import TextStream

PAUSE_SECONDS = 0.025  # at most one `pane.output` per pane in this time
MAX_EVENT_BYTES = 16_384
_ENTER_ALTERNATE = b"\x1b[?1049h"


class Taken(msgspec.Struct, frozen=True):
    """What came since the last time, without its secrets.

    Attributes:
        output: the event for its lines; None when there is nothing to read.
        signals: what its program said beside its text.
        bytes: how much it printed.
    """

    output: ev.PaneOutput | None
    signals: tuple[tx.Signal, ...]
    bytes: int


class PaneFeed:
    """Turns what a pane prints into events.

    Args:
        redactor: masks secrets; without it none are masked.

    Attributes:
        streams: whether its bytes are pushed to us; else its screen is sampled.
        last_line: the last text line or prompt it showed.
        due: when the next `take` may give a `pane.output`.
        rows: the screen as it was captured last, without secrets.
    """

    def __init__(self, redactor: Redactor | None = None) -> None:
        self.streams = False
        self.last_line = ""
        self.due = 0.0
        self._text = TextStream()
        self._redactor = redactor or Redactor(())
        self._secrets = PaneRedactor(self._redactor)
        self._partial = ""  # as it was printed, which is shown to nobody
        self._shown_partial = ""
        self._bytes = 0
        self.rows: list[str] = []
        self._captured: tuple[list[str], int] = ([], 0)  # as it is, which is shown to nobody
        self._known = False  # whether `_rows` were ever captured

    @property
    def shows_screen(self) -> bool:
        """Whether captured rows tell what it shows, and not its lines."""
        return not self.streams or self._text.addresses_screen

    def begin(self, *, streams: bool, alternate: bool = False) -> None:
        """Its bytes begin, or cease, to be pushed.

        Args:
            streams: which of the two.
            alternate: its program was on the alternate screen already.
        """
        self.streams = streams
        self._text = TextStream()
        self._secrets = PaneRedactor(self._redactor)
        if streams and alternate:
            self._text.feed(_ENTER_ALTERNATE)

    def output(self, data: bytes) -> None:
        """Take in bytes that its program printed."""
        self._bytes += len(data)
        self._text.feed(data)

    def take(self, now: float) -> Taken:
        """Give what came in, and begin the pause."""
        shows_screen = self.shows_screen
        text = self._text.take(MAX_EVENT_BYTES)
        output: ev.PaneOutput | None = None
        if text.lines or (not shows_screen and text.partial != self._partial):
            output = self._lines(text)
            self.due = now + PAUSE_SECONDS
        return Taken(output, tuple(map(self._redacted, text.signals)), text.bytes)

    def screen(self, rows: list[str], width: int = 0) -> ev.PaneOutput | None:
        """Give the event for what changed on its screen since the last capture.

        The first capture is where it starts from: it changes nothing. `rows` are those without
        secrets from here on.

        Args:
            rows: top to bottom, without trailing blanks.
            width: the pane's; a secret that wraps there is found in both rows. 0: not known.
        """
        if self._known and (rows, width) == self._captured:
            return None
        self._captured = (rows, width)
        redacted = self._redactor.screen(rows, width)
        rows = redacted.rows
        changed = {
            str(at): row
            for at, row in enumerate(rows)
            if at >= len(self.rows) or self.rows[at] != row
        }
        changed |= {str(at): "" for at in range(len(rows), len(self.rows)) if self.rows[at]}
        known, self._known, self.rows = self._known, True, rows
        self.last_line = _lowest(rows) or self.last_line
        if not changed or not known:
            return None
        count, self._bytes = self._bytes, 0
        masks = sum(redacted.counts[int(at)] for at in changed if int(at) < len(rows))
        return ev.PaneOutput(mode="screen", rows=changed, bytes=count, redacted=masks)

    def shown(self, rows: Sequence[str]) -> None:
        """Take the screen of a pane that gives lines: what stood there before its bytes came.

        Args:
            rows: top to bottom, without secrets.
        """
        self.last_line = self.last_line or _lowest(rows)

    def _lines(self, text: tx.Text) -> ev.PaneOutput | None:
        self._partial = text.partial
        shown = self._secrets.redact(text.lines, text.partial, cut=text.cut)
        if not (shown.lines or text.cut) and shown.partial == self._shown_partial:
            return None  # more of a secret came
        self._shown_partial = shown.partial
        newest_first = (shown.partial, *reversed(shown.lines))
        self.last_line = next((line for line in newest_first if line.strip()), self.last_line)
        count, self._bytes = self._bytes, 0
        return ev.PaneOutput(
            mode="append",
            lines=shown.lines,
            partial=shown.partial,
            bytes=count,
            cut=text.cut,
            redacted=shown.count,
        )

    def _redacted(self, signal: tx.Signal) -> tx.Signal:
        redact = self._redactor.redact_line
        match signal:
            case tx.Title(text=text):
                return tx.Title(redact(text).text)
            case tx.Notification(title=title, body=body):
                return tx.Notification(redact(title).text, redact(body).text)
            case tx.CommandStart(command_line=command_line) if command_line is not None:
                return tx.CommandStart(redact(command_line).text)
            case _:
                return signal


def _lowest(rows: Sequence[str]) -> str:
    return next((row for row in reversed(rows) if row), "")
