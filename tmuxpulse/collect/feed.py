"""One pane's output: from bytes to events, at most one `pane.output` in 25 ms.

The first bytes after a pause go out at once. A pane that appends gives lines; a pane whose program
addresses the screen, or whose output is not pushed to us, gives the rows of its screen that
changed. Time is an argument here.
"""

from __future__ import annotations

from tmuxpulse import events as ev
from tmuxpulse.tmux import text as tx
from tmuxpulse.tmux.text import TextStream

PAUSE_SECONDS = 0.025  # at most one `pane.output` per pane in this time
MAX_EVENT_BYTES = 16_384
_ENTER_ALTERNATE = b"\x1b[?1049h"


class PaneFeed:
    """Turns what a pane prints into events.

    Attributes:
        streams: whether its bytes are pushed to us; else its screen is sampled.
        last_line: the last text line or prompt it showed.
        screen_due: its screen changed, or may have, since it was captured.
        due: when the next `take` may give a `pane.output`.
    """

    def __init__(self) -> None:
        self.streams = False
        self.last_line = ""
        self.screen_due = True
        self.due = 0.0
        self._text = TextStream()
        self._partial = ""
        self._bytes = 0
        self._rows: list[str] = []
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
        self.screen_due = True
        self._text = TextStream()
        if streams and alternate:
            self._text.feed(_ENTER_ALTERNATE)

    def output(self, data: bytes) -> None:
        """Take in bytes that its program printed."""
        self._bytes += len(data)
        self._text.feed(data)
        self.screen_due = True

    def take(self, now: float) -> list[ev.Data]:
        """Give the events for what came in, and begin the pause."""
        shows_screen = self.shows_screen
        text = self._text.take(MAX_EVENT_BYTES)
        events: list[ev.Data] = []
        if text.lines or (not shows_screen and text.partial != self._partial):
            events.append(self._lines(text))
            self.due = now + PAUSE_SECONDS
        events += [event for signal in text.signals if (event := _signal(signal)) is not None]
        return events

    def screen(self, rows: list[str]) -> list[ev.Data]:
        """Give the event for what changed on its screen since the last capture.

        The first capture is where it starts from: it changes nothing.
        """
        self.screen_due = False
        changed = {
            str(at): row
            for at, row in enumerate(rows)
            if at >= len(self._rows) or self._rows[at] != row
        }
        changed |= {str(at): "" for at in range(len(rows), len(self._rows)) if self._rows[at]}
        known, self._known, self._rows = self._known, True, rows
        self.last_line = next((row for row in reversed(rows) if row), self.last_line)
        if not changed or not known:
            return []
        count, self._bytes = self._bytes, 0
        return [ev.PaneOutput(mode="screen", rows=changed, bytes=count)]

    def _lines(self, text: tx.Text) -> ev.PaneOutput:
        self._partial = text.partial
        shown = (text.partial, *reversed(text.lines))
        self.last_line = next((line for line in shown if line.strip()), self.last_line)
        count, self._bytes = self._bytes, 0
        return ev.PaneOutput(
            mode="append", lines=text.lines, partial=text.partial, bytes=count, cut=text.cut
        )


def _signal(signal: tx.Signal) -> ev.Data | None:
    match signal:
        case tx.Bell():
            return ev.PaneBell()
        case tx.Notification(title=title, body=body):
            return ev.PaneNotification(title=title, body=body)
        case tx.Progress(state=state, percent=percent):
            return ev.PaneProgress(state=state, percent=percent)
        case tx.CommandStart(command_line=command_line):
            return ev.CommandStarted(command_line=command_line)
        case tx.CommandEnd(exit_status=exit_status):
            return ev.CommandFinished(exit_status=exit_status)
        case _:
            return None  # a prompt says nothing by itself; the title comes with the list
