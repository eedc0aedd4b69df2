"""Events as lines for a person: time, place, type, text. Pure; the caller has the clock.

What people want to see differs from what there is, in three ways:

- A line that is not finished (a prompt) is shown once it has stood for `PROMPT_SECONDS`; before
  that it is mostly about to be finished. Each prompt of a pane is shown once.
- A screen that is drawn over and over (an editor, an agent) is shown at most once in
  `SCREEN_SECONDS`, by its last changed row.
- Of a burst, the first and last lines are shown and the rest is counted, if the caller sets
  `most_lines`; on a terminal nobody could read it, and its end is what matters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from tmuxpulse.cli.describe import describe
from tmuxpulse.cli.terminal import (
    BLUE,
    BOLD,
    CYAN,
    DIM,
    GREEN,
    MAGENTA,
    RED,
    YELLOW,
    cells,
    padded,
    printable,
    styled,
)
from tmuxpulse.events import Data, Event, PaneOutput, Place
from tmuxpulse.filters import text_of
from tmuxpulse.wire import Numbered

PROMPT_SECONDS = 0.7
SCREEN_SECONDS = 1.0
LEAST_PLACE_CELLS = 12
MOST_PLACE_CELLS = 28  # a longer place moves its own line only
TYPE_CELLS = 17  # pane.notification
HEAD_LINES = 4  # of a burst that is cut; the other lines that are shown are its last

_SEVERITY = {"warning": (YELLOW,), "error": (BOLD, RED)}
_FAMILY = {
    "server": (BLUE,),
    "session": (GREEN,),
    "window": (GREEN,),
    "pane": (CYAN,),
    "command": (MAGENTA,),
    "agent": (MAGENTA,),
}
_PROMPT_MARK = " ▏"


class Lines:
    """Makes lines of events.

    Args:
        local_time: gives what to print for a timestamp of the protocol.
        colour: whether to use it.
        most_lines: of one event; None: all.
    """

    def __init__(
        self,
        *,
        local_time: Callable[[str], str],
        colour: bool = False,
        most_lines: int | None = None,
    ) -> None:
        self._local_time = local_time
        self._colour = colour
        self._most_lines = most_lines
        self._place_cells = LEAST_PLACE_CELLS
        self._servers: set[str] = set()
        self._held: dict[tuple[str, str], _Held] = {}
        self._prompts: dict[str, str] = {}  # by pane, the last one shown
        self._screens: dict[str, float] = {}  # by pane, when one was shown last

    def know_server(self, name: str) -> None:
        """Learn of a tmux server; with a second one, places begin to name theirs."""
        self._servers.add(name)

    def feed(self, numbered: Numbered, now: float) -> list[str]:
        """Give the lines to print for an event at once; `due` may give more later.

        Args:
            numbered: the event.
            now: seconds of any clock that `due` is asked by too.
        """
        event = numbered.event
        place, data = event.place, event.data
        if place.server is not None:
            self._servers.add(place.server)
        if isinstance(data, PaneOutput):
            return self._output(numbered, data, now)
        pane = _pane_key(place)
        if event.type == "pane.removed":
            for key in ((pane, "prompt"), (pane, "screen")):
                self._held.pop(key, None)
            self._prompts.pop(pane, None)
            self._screens.pop(pane, None)
        return self._rows(numbered, [describe(data)])

    def due(self, now: float) -> list[str]:
        """Give the lines whose time has come."""
        lines: list[str] = []
        for key, held in list(self._held.items()):
            if held.at > now:
                continue
            del self._held[key]
            pane, kind = key
            if kind == "screen":
                self._screens[pane] = now
                lines += self._rows(held.numbered, [held.text])
            elif self._prompts.get(pane) != held.text:
                self._prompts[pane] = held.text
                lines += self._rows(held.numbered, [held.text], mark=_PROMPT_MARK)
        return lines

    @property
    def next_due(self) -> float:
        """When `due` has something, by its clock; infinity: nothing is held back."""
        return min((held.at for held in self._held.values()), default=math.inf)

    def told(self, numbered: Numbered, texts: Sequence[str] | None = None) -> list[str]:
        """Give the lines for an event of the past: nothing is held back or cut.

        Args:
            numbered: the event.
            texts: what to say of it; None: what there is.
        """
        data = numbered.event.data
        if numbered.event.place.server is not None:
            self._servers.add(numbered.event.place.server)
        if texts is None:
            lines = [line for line in texts_of(data) if line.strip()]
            texts = lines if isinstance(data, PaneOutput) else [describe(data)]
        return self._rows(numbered, texts)

    def note(self, timestamp: str, text: str) -> str:
        """A line of ours between the events."""
        time = styled(self._local_time(timestamp), DIM) if self._colour else ""
        return f"{time or self._local_time(timestamp)}  -- {printable(text)} --"

    # --- output ----------------------------------------------------------------------------

    def _output(self, numbered: Numbered, data: PaneOutput, now: float) -> list[str]:
        pane = _pane_key(numbered.event.place)
        if data.mode == "screen":
            shown_at = self._screens.get(pane, -math.inf)
            self._held[pane, "screen"] = _Held(
                numbered, describe(data), max(now, shown_at + SCREEN_SECONDS)
            )
            self._held.pop((pane, "prompt"), None)
            return self.due(now)
        if data.partial.strip():
            held = self._held.get((pane, "prompt"))
            if held is None or held.text != data.partial:
                self._held[pane, "prompt"] = _Held(numbered, data.partial, now + PROMPT_SECONDS)
        else:
            self._held.pop((pane, "prompt"), None)
        if data.lines:
            self._prompts.pop(pane, None)
        texts = self._cut([line for line in data.lines if line.strip()])
        if data.cut:
            texts.append(f"({data.cut} bytes left out)")
        return self._rows(numbered, texts)

    def _cut(self, texts: list[str]) -> list[str]:
        most = self._most_lines
        if most is None or len(texts) <= most:
            return texts
        tail = most - HEAD_LINES
        hidden = len(texts) - most
        return [*texts[:HEAD_LINES], f"… {hidden} more lines …", *texts[-tail:]]

    # --- columns ---------------------------------------------------------------------------

    def _rows(self, numbered: Numbered, texts: Sequence[str], *, mark: str = "") -> list[str]:
        event = numbered.event
        time = self._local_time(numbered.timestamp)
        place = printable(place_text(event.place, servers=len(self._servers)))
        self._place_cells = max(self._place_cells, min(cells(place), MOST_PLACE_CELLS))
        place = padded(place, self._place_cells)
        kind = padded(printable(event.type), TYPE_CELLS)
        if self._colour:
            time, place = styled(time, DIM), styled(place, BOLD)
            kind = styled(kind, *_colours(event))
            mark = styled(mark, DIM)
        return [f"{time}  {place}  {kind}  {printable(text)}{mark}".rstrip() for text in texts]


class _Held:
    """A line that waits for its time."""

    def __init__(self, numbered: Numbered, text: str, at: float) -> None:
        self.numbered = numbered
        self.text = text
        self.at = at


def place_text(place: Place, *, servers: int = 1) -> str:
    """Such as ``work:2.0``, ``work:2``, ``work``; of several tmux servers, ``server/work:2.0``."""
    name = (place.server or "").rpartition("/")[2]
    if place.session is None:
        return name
    text = place.session
    if place.window is not None:
        text += f":{place.window}"
        if place.pane is not None:
            text += f".{place.pane}"
    return f"{name}/{text}" if servers > 1 and name else text


def texts_of(data: Data) -> list[str]:
    """The lines of text in an event, of a prompt or a screen, too."""
    if isinstance(data, PaneOutput):
        return [*data.lines, *([data.partial] if data.partial else []), *data.rows.values()]
    return text_of(data).split("\n")


def _pane_key(place: Place) -> str:
    return f"{place.server} {place.pane_id}"


def _colours(event: Event) -> tuple[str, ...]:
    found = _SEVERITY.get(event.severity)
    if found is not None:
        return found
    if event.type == "pane.output":
        return (DIM,)
    if event.type.endswith(".removed"):
        return (RED,)
    return _FAMILY.get(event.type.partition(".")[0], ())
