"""The picture of the full screen: rows of marked text, and what is where in them. Pure.

A picture has exactly the rows and cells that were asked for, whatever is in the model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from tmuxpulse.cli.ages import short
from tmuxpulse.cli.describe import duration
from tmuxpulse.cli.lines import place_text
from tmuxpulse.cli.screen.cells import Row, fit, fit_row, harmless, join, marked, text_of, width
from tmuxpulse.cli.screen.coloured import Line, mark_row, row_of, shown_lines
from tmuxpulse.cli.screen.log import Entry, Note, clock, summary, where
from tmuxpulse.cli.screen.model import Model
from tmuxpulse.cli.screen.pane import KINDS, Kind, Pane
from tmuxpulse.cli.screen.wanted import filter_text
from tmuxpulse.config.settings import Column, WatchTable

LEAST_COLUMNS, LEAST_ROWS = 40, 8
BESIDE_COLUMNS = 70  # from so many on the pane's screen stands beside the list
LIST_SHARE = 0.55
LEAST_LIST = 48
TYPE_COLUMNS = 100  # from so many on the type of an event has a column
EVENTS_SHARE = 0.4
MOST_EVENTS_ROWS = 40
PLACE_CELLS = 18
NARROW_CELLS = 60  # a list of fewer shows the status by its sign alone

_SIGNS: dict[Kind, str] = {
    "failed": "✗ failed", "waiting": "● waiting", "done": "✓ done", "busy": "▶ busy",
    "idle": "· idle",
}  # fmt: skip
STATUS_CELLS, AGE_CELLS, PROGRAM_CELLS, SIZE_CELLS, ERRORS_CELLS = 9, 4, 10, 7, 4
_HEADS: dict[Column, str] = {
    "status": "STATUS", "age": "FOR", "place": "PANE", "program": "PROGRAM", "errors": "ERR",
    "size": "SIZE", "path": "PATH", "title": "TITLE", "text": "WHAT",
}  # fmt: skip


class Area(NamedTuple):
    """A part of the picture that the mouse can choose in.

    Attributes:
        name: ``panes``, ``events`` or ``view``.
        top: its first row.
        bottom: the row after its last.
        left: its first cell.
        right: the cell after its last.
        first: the position of what is in its first row.
    """

    name: str
    top: int
    bottom: int
    left: int
    right: int
    first: int = 0


class Picture(NamedTuple):
    """What to draw.

    Attributes:
        rows: each of them of exactly the width.
        areas: for the mouse.
        cursor: the column and row where the user writes; None: nowhere.
    """

    rows: list[Row]
    areas: list[Area]
    cursor: tuple[int, int] | None = None


class Player(NamedTuple):
    """Where a replay is.

    Attributes:
        position: seconds from its beginning.
        speed: times as fast as it was.
        state: ``plays``, ``paused`` or ``at its end``.
    """

    position: float
    speed: float
    state: str


def paint(
    model: Model,
    size: tuple[int, int],
    now: float,
    *,
    look: WatchTable | None = None,
    player: Player | None = None,
) -> Picture:
    """Make the picture; the model learns how large its parts are.

    Args:
        model: what to show.
        size: columns and rows.
        now: seconds since the epoch.
        look: which columns.
        player: of a replay.
    """
    columns, rows = size
    if columns < LEAST_COLUMNS or rows < LEAST_ROWS:
        text = f"{columns}x{rows} is too small: {LEAST_COLUMNS}x{LEAST_ROWS} or more, please"
        lines = [text[at : at + columns] for at in range(0, len(text), max(columns, 1))]
        shown = [fit_row([("problem", line)], columns) for line in lines[:rows]]
        return Picture(shown + [fit_row([], columns)] * (rows - len(shown)), [])
    painter = _Painter(model, columns, now, WatchTable() if look is None else look)
    foot, cursor = painter.foot()
    body, areas = painter.body(rows - 2)
    picture = [painter.head(player), *body, foot]
    at = None if cursor is None else (cursor, rows - 1)
    return Picture([fit_row(row, columns) for row in picture], areas, at)


class _Painter:
    def __init__(self, model: Model, columns: int, now: float, look: WatchTable) -> None:
        self._model = model
        self._columns = columns
        self._now = now
        self._look = look
        self._panes = model.panes(now)
        self._servers = len(model.board.servers)

    # --- the first and the last row ----------------------------------------------------------

    def head(self, player: Player | None) -> Row:
        """Counts, and what holds: filter, pause, replay."""
        model = self._model
        counts = dict.fromkeys(KINDS, 0)
        for pane in self._panes:
            counts[pane.kind(self._now)] += 1
        row: Row = [("title", " tmuxpulse ")]
        for kind in KINDS:
            if counts[kind] or kind in ("failed", "waiting"):
                style = kind if counts[kind] else "dim"
                row += [("", " "), (style, f"{counts[kind]} {kind}")]
        if model.frozen is not None:
            row += [("", "  "), ("match", f" PAUSED, {model.waiting_events} events wait ")]
        if player is not None:
            speed = "as fast as it goes" if math.isinf(player.speed) else f"{player.speed:g}x"
            at = f"{int(player.position // 60)}:{int(player.position % 60):02}"
            row += [("", "  "), ("warning", f"replay {at} {speed} {player.state}")]
        wanted = filter_text(model.wanted)
        if wanted:
            row += [("", "  "), ("dim", "filter "), ("warning", harmless(wanted))]
        if model.problem:
            row += [("", "  "), ("problem", f" {harmless(model.problem)} ")]
        return row

    def foot(self) -> tuple[Row, int | None]:
        """What the user writes, a message, or the keys that matter most."""
        model = self._model
        prompt = model.prompt
        if prompt is not None:
            names = {
                "search": "search: ",
                "filter": "filter (--session, --status, --type, … or a text): ",
                "export": "export to: ",
            }
            name = names[prompt.kind]
            if len(name) > self._columns // 2:
                name = f"{prompt.kind}: "
            room = self._columns - len(name) - 1
            left = harmless(prompt.text[: prompt.at])
            while width(left) > room:  # the cursor stays in view
                left = left[1:]
            row: Row = [("place", name), ("", left + harmless(prompt.text[prompt.at :]))]
            return row, len(name) + width(left)
        if model.message:
            return [("warning", harmless(model.message))], None
        hints = {
            "overview": ("open", "timeline", "acknowledge", "search", "filter", "pause", "export"),
            "pane": ("open", "search", "timeline", "export"),
            "timeline": ("timeline", "open"),
            "help": ("help",),
        }[model.mode]
        always = [self._hint("help"), self._hint("quit")]
        shown: Row = []
        for action in hints:
            if action not in ("help", "quit"):
                wider = join(shown, self._hint(action))
                if width(text_of(join(wider, *always))) > self._columns:
                    break
                shown = wider
        return join(shown, *always), None

    def _hint(self, action: str) -> Row:
        """A key and what it does; nothing when the action has none."""
        key = self._model.keys.hint(action)
        if not key:
            return []
        text = "leave" if action == _LEAVES[self._model.mode] else action
        return [("place", key), ("dim", f" {text.replace('_', ' ')}  ")]

    # --- between them ------------------------------------------------------------------------

    def body(self, rows: int) -> tuple[list[Row], list[Area]]:
        """What the mode shows in so many rows."""
        match self._model.mode:
            case "pane":
                return self._alone(rows)
            case "timeline":
                return self._listed("how its status went, the newest first", self._turns(), rows)
            case "help":
                return self._listed("keys", self._help(), rows)
            case "overview":
                return self._overview(rows)

    def _overview(self, rows: int) -> tuple[list[Row], list[Area]]:
        model, columns = self._model, self._columns
        below = min(max(int(rows * EVENTS_SHARE), 3), MOST_EVENTS_ROWS)
        above = rows - below
        beside = columns >= BESIDE_COLUMNS
        left = max(int(columns * LIST_SHARE), LEAST_LIST) if beside else columns
        focused = model.focus == "panes"
        model.pages |= {"panes": above - 1, "events": below - 1}
        listed, first = self._list(left, above - 1)
        title = self._columns_row(left, "focus" if focused else "title")
        top = [title, *listed]
        if beside:
            side = self._beside(columns - left - 1, above)
            top = [join(row, [("dim", "│")], other) for row, other in zip(top, side, strict=True)]
        areas = [
            Area("panes", 2, above + 1, 0, left, first),
            Area("events", above + 1, above + 1 + below, 0, columns),
        ]
        return top + self._events(below, focused=not focused), areas

    def _columns_row(self, cells: int, style: str) -> Row:
        between = " " * self._between(cells)
        heads = [
            fit(_HEADS[column] if size > 1 else "", size) for column, size in self._sizes(cells)
        ]
        return [(style, fit(" " + between.join(heads), cells))]

    @staticmethod
    def _between(cells: int) -> int:
        return 1 if cells < NARROW_CELLS else 2

    def _sizes(self, cells: int) -> list[tuple[Column, int]]:
        """The columns that fit, and their cells; that of the last one is what is left."""
        place = max((width(harmless(self._place(pane))) for pane in self._panes[:200]), default=0)
        wanted: dict[Column, int] = {
            "status": 1 if cells < NARROW_CELLS else STATUS_CELLS,
            "age": AGE_CELLS,
            "place": min(max(place, 6), max(PLACE_CELLS, cells // 5)),
            "program": 7 if cells < NARROW_CELLS else PROGRAM_CELLS,
            "errors": ERRORS_CELLS,
            "size": SIZE_CELLS,
            "path": max(cells // 5, 10),
            "title": max(cells // 6, 10),
            "text": max(cells // 3, 10),
        }
        sizes: list[tuple[Column, int]] = []
        between = self._between(cells)
        left = cells - 1
        for column in self._look.columns:
            size = min(wanted[column], left)
            if size < min(wanted[column], 4):  # nothing could be read in it
                break
            sizes.append((column, size))
            left -= size + between
        if sizes:
            column, size = sizes[-1]
            sizes[-1] = (column, size + max(left + between, 0))
        return sizes

    def _list(self, cells: int, rows: int) -> tuple[list[Row], int]:
        """The panes around the chosen one."""
        at = self._model.position or 0
        count = len(self._panes)
        first = min(max(at - rows // 2, 0), max(count - rows, 0))
        if at < rows:
            first = 0
        sizes = self._sizes(cells)
        found = [self._line(pane, sizes, cells) for pane in self._panes[first : first + rows]]
        if not found:
            why = "no pane is admitted by the filter" if self._model.board.panes else "no panes yet"
            found = [fit_row([("dim", f" {why}")], cells)]
        return found[:rows] + [fit_row([], cells)] * (rows - len(found)), first

    def _line(self, pane: Pane, sizes: list[tuple[Column, int]], cells: int) -> Row:
        kind = pane.kind(self._now)
        chosen = pane.key == self._model.chosen
        acked = pane.acknowledged and kind in ("failed", "waiting", "done")
        style = "idle" if acked else kind
        row: Row = [("selected" if chosen else "", "▌" if chosen else " ")]
        for column, size in sizes:
            said = self._cell(pane, column, kind, acked=acked)
            text = fit(said if size > 1 else said[:1], size)
            name = {"status": style, "age": "dim", "place": "place", "size": "dim"}.get(column, "")
            if column == "text" and kind in ("failed", "waiting"):
                name = style
            if chosen and column != "status":
                name = "selected"
            row += marked(text, self._model.needle, name, "match")
            row.append(("selected" if chosen else "", " " * self._between(cells)))
        return fit_row(row, cells, "selected" if chosen else "")

    def _cell(self, pane: Pane, column: Column, kind: Kind, *, acked: bool) -> str:
        if column == "status":
            return f"✓{_SIGNS[kind][1:]}" if acked else _SIGNS[kind]
        if column == "age":
            return "" if pane.since is None else short(max(self._now - pane.since, 0.0))
        return {
            "place": self._place(pane),
            "program": pane.program,
            "errors": str(pane.errors or ""),
            "size": "x".join(map(str, pane.size)),
            "path": pane.path,
            "title": pane.title,
            "text": pane.text,
        }[column]

    def _place(self, pane: Pane) -> str:
        return place_text(pane.place, servers=self._servers)

    def _beside(self, cells: int, rows: int) -> list[Row]:
        """The end of what the chosen pane shows."""
        pane = self._model.pane
        title = "" if pane is None else f" {self._place(pane)}  {pane.program}"
        shown = _end(self._model.lines(), rows - 1)
        found = [fit_row(self._marked(line), cells) for line in shown]
        empty = [fit_row([], cells)] * (rows - 1 - len(found))
        return [[("title", fit(title, cells))], *found, *empty]

    def _events(self, rows: int, *, focused: bool) -> list[Row]:
        model = self._model
        style = "focus" if focused else "title"
        below = 0 if model.end is None else model.total - model.end
        more = f", {below} newer below" if below else ""
        entries = model.events(rows - 1)
        found = [self._event(entry) for entry in entries]
        empty: list[Row] = [[]] * (rows - 1 - len(found))
        return [[(style, fit(f" events{more}", self._columns))], *found, *empty]

    def _event(self, entry: Entry) -> Row:
        at = ("dim", f" {clock(entry)}  ")
        if isinstance(entry, Note):
            return [at, ("warning", harmless(entry.text))]
        event = entry.numbered.event
        style = {"error": "error", "warning": "warning"}.get(event.severity, "")
        cells = PLACE_CELLS if self._columns >= TYPE_COLUMNS else 12
        kind = fit(event.type, 15) + "  " if self._columns >= TYPE_COLUMNS else ""
        place = fit(where(entry, self._servers), cells)
        said = summary(entry) or ("" if kind else event.type)  # a bell says no more than that
        return join(
            [at],
            marked(place, self._model.needle, "place", "match"),
            [("dim", f"  {kind}")],
            marked(harmless(said), self._model.needle, style, "match"),
        )

    def _alone(self, rows: int) -> tuple[list[Row], list[Area]]:
        model, pane = self._model, self._model.pane
        if pane is None:
            return [[("dim", " the pane is gone")], *[[] for _ in range(rows - 1)]], []
        model.page = rows - 2
        kind = pane.kind(self._now)
        age = "" if pane.since is None else f" for {duration(max(self._now - pane.since, 0.0))}"
        size = "x".join(map(str, pane.size))
        title = f" {self._place(pane)}  {pane.program}  {size}  {pane.path}"
        about: Row = [("", " "), (kind, f"{kind}{age}"), ("", f"  {harmless(pane.why)}")]
        lines = shown_lines(model.lines())
        model.scroll = min(model.scroll, max(len(lines) - model.page, 0))
        stop = len(lines) - model.scroll
        shown = lines[max(stop - model.page, 0) : stop]
        if model.scroll:
            title += f"  ({model.scroll} rows below)"
        found = [self._marked(line) for line in shown]
        empty: list[Row] = [[] for _ in range(model.page - len(found))]
        body: list[Row] = [[("focus", fit(title, self._columns))], about, *found, *empty]
        return body, [Area("view", 1, rows + 1, 0, self._columns)]

    def _listed(self, what: str, lines: list[Row], rows: int) -> tuple[list[Row], list[Area]]:
        model, pane = self._model, self._model.pane
        model.page = rows - 1
        model.scroll = min(model.scroll, max(len(lines) - model.page, 0))
        shown = lines[model.scroll : model.scroll + model.page]
        of = "" if pane is None or model.mode == "help" else f" {self._place(pane)}:"
        title: Row = [("focus", fit(f"{of} {what}", self._columns))]
        empty: list[Row] = [[] for _ in range(model.page - len(shown))]
        return [title, *shown, *empty], [Area("view", 1, rows + 1, 0, self._columns)]

    def _turns(self) -> list[Row]:
        found: list[Row] = []
        until = self._now
        for turn in self._model.turns():
            style = {"error": "failed", "ready": "done", "unknown": "idle", "ended": "failed"}.get(
                turn.status, turn.status
            )
            lasted = duration(max(until - turn.at, 0.0))
            until = turn.at
            found.append(
                [
                    ("dim", f" {clock(Note(turn.at, ''))}  "),
                    (style, fit(turn.status, 8)),
                    ("dim", f"  {lasted:>10}  "),
                    ("", harmless(turn.why)),
                ]
            )
        return found or [[("dim", " nothing is known of it yet")]]

    def _help(self) -> list[Row]:
        return [
            [("place", f" {fit(one.keys, 16)} "), ("", one.text)]
            for one in self._model.keys.help(replay=self._model.replay)
        ]

    def _marked(self, line: Line) -> Row:
        return mark_row(row_of(line), self._model.needle, "match")


_LEAVES = {"overview": "", "pane": "open", "timeline": "timeline", "help": "help"}


def _end(lines: Sequence[Line], count: int) -> Sequence[Line]:
    """The last lines that say something; where not all fit, several blank ones become one."""
    kept = shown_lines(lines)
    if len(kept) > count:
        before = (Line(""), *kept)
        kept = tuple(
            line
            for line, last in zip(kept, before, strict=False)
            if not (line.is_blank and last.is_blank)
        )
    return kept[-count:] if count > 0 else ()
