"""The full screen on a terminal: urwid draws the model's picture, keys and mouse go to the model.

This is the only module that knows urwid. It draws when something changed, at most every
`FRAME_SECONDS`, and never waits for the terminal.
"""

from __future__ import annotations

import gc
import logging
import time
from collections import deque
from collections.abc import Callable, Hashable
from contextlib import suppress
from functools import lru_cache

import trio
import urwid
from urwid.display.common import InputClosedError
from urwid.display.raw import Screen

from tmuxpulse.cli.screen.cells import text_of, width
from tmuxpulse.cli.screen.export import write_export
from tmuxpulse.cli.screen.looks import palette, spec_of
from tmuxpulse.cli.screen.model import Model, Task
from tmuxpulse.cli.screen.paint import Picture, Player, paint
from tmuxpulse.cli.screen.terminal_out import TerminalOut
from tmuxpulse.client.groups import unwrapped
from tmuxpulse.config.settings import ColourDepth, WatchColoursTable, WatchTable
from tmuxpulse.styles import Style

FRAME_SECONDS = 0.05
KEY_FRAME_SECONDS = 0.015  # who presses a key wants to see it
TICK_SECONDS = 1.0  # ages grow though nothing happens
WHEEL_ROWS = 3
_DEPTHS = {"none": 1, "16": 16, "256": 256, "true": 1 << 24}
_MAX_LOGGED = 20

Size = tuple[()] | tuple[int] | tuple[int, int]
Keys = list[str | tuple[str, int, int, int]]


class App:
    """The full screen.

    Args:
        model: what is shown.
        look: how, and with or without the mouse.
        colours: of each style.
        colour: whether to use any.
        player: tells where a replay is; None: it is none.
        steer: does what a key of a replay asks for.

    Attributes:
        depth: how many colours the terminal has; 1: none, or none are wanted.
    """

    def __init__(
        self,
        model: Model,
        *,
        look: WatchTable | None = None,
        colours: WatchColoursTable | None = None,
        colour: bool = True,
        player: Callable[[], Player] | None = None,
        steer: Callable[[str], None] | None = None,
    ) -> None:
        self.model = model
        self._look = WatchTable() if look is None else look
        self._colours = WatchColoursTable() if colours is None else colours
        self._player = player
        self._steer = steer
        self._depth: ColourDepth = self._look.colours if colour else "none"
        self.depth = 1
        self._quit = trio.Event()
        self._pressed = trio.Event()
        self._logged: deque[str] = deque(maxlen=_MAX_LOGGED)

    async def run(self) -> None:
        """Show until the user quits; the terminal is as before afterwards, also when cancelled."""
        # What the program is made of stays: to look through it again and again for what does not
        # takes 20 ms each time, in which a key waits.
        gc.freeze()
        out = TerminalOut()
        screen = Screen(output=out, bracketed_paste_mode=False, focus_reporting=False)
        if self._depth != "auto":
            screen.set_terminal_properties(colors=_DEPTHS[self._depth])  # type: ignore[arg-type]  # one of its numbers
        self.depth = screen.colors
        urwid.set_encoding("utf-8")
        widget = _Surface(self)
        events = urwid.TrioEventLoop()
        loop = _Loop(
            widget,
            palette(self._colours, screen.colors),
            screen,
            handle_mouse=self._look.mouse,
            input_filter=self._resized,
            event_loop=events,
        )
        with _log_into(self._logged):
            try:
                with loop.start():
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(self._write, out)
                        nursery.start_soon(self._listen, events)
                        nursery.start_soon(self._draw, loop, widget, out)
                        await self._quit.wait()
                        nursery.cancel_scope.cancel()
            finally:
                with suppress(OSError):
                    await out.finish()

    def picture(self, size: tuple[int, int]) -> Picture:
        """The picture for a size, now."""
        player = None if self._player is None else self._player()
        return paint(self.model, size, time.time(), look=self._look, player=player)

    def press(self, key: str) -> None:
        """Take a key."""
        task = self.model.press(key, time.time())
        self._pressed.set()
        if task is not None:
            self._do(task)

    def click(self, picture: Picture, button: int, column: int, row: int) -> None:
        """Take a press of a mouse button."""
        area = next(
            (
                one
                for one in picture.areas
                if one.top - 1 <= row < one.bottom and one.left <= column < one.right
            ),
            None,
        )
        if area is None or self.model.prompt is not None:
            return
        self.model.changed = True
        self._pressed.set()
        now = time.time()
        if area.name != "view" and button in (1, 4, 5):
            self.model.focus = "panes" if area.name == "panes" else "events"
        if button in (4, 5):
            self.model.scroll_by(WHEEL_ROWS if button == 5 else -WHEEL_ROWS, now)  # noqa: PLR2004  # the wheel, down
        elif button == 1 and area.name == "panes" and row >= area.top:
            self.model.choose(area.first + row - area.top, now)

    def _do(self, task: Task) -> None:
        match task.name:
            case "quit":
                self._quit.set()
            case "export":
                self.model.message = write_export(task.argument, self.model, time.time())
            case _ if self._steer is not None:
                self._steer(task.name)

    def _resized(self, keys: Keys, _raw: list[int]) -> Keys:
        self.model.changed = True
        return keys

    async def _listen(self, events: urwid.TrioEventLoop) -> None:
        """Take what the terminal says until it is gone."""
        try:
            with unwrapped():
                await events.run_async()
        except (InputClosedError, OSError):
            self._quit.set()

    async def _write(self, out: TerminalOut) -> None:
        try:
            await out.run()
        except OSError:  # the terminal is gone, and with it the user
            self._quit.set()

    async def _draw(self, loop: _Loop, widget: _Surface, out: TerminalOut) -> None:
        drawn = -TICK_SECONDS
        while True:
            while self._logged:
                self.model.log.note(self._logged.popleft(), time.time())
                self.model.changed = True
            now = trio.current_time()
            if not out.is_busy and (self.model.changed or now - drawn >= TICK_SECONDS):
                self.model.changed = False
                drawn = now
                widget.refresh()
                loop.draw_screen()
            with trio.move_on_after(FRAME_SECONDS):
                await self._pressed.wait()
                self._pressed = trio.Event()
                await trio.sleep_until(drawn + KEY_FRAME_SECONDS)


class _Loop(urwid.MainLoop):
    """Draws when `App` says so, not whenever the program has nothing else to do."""

    def entering_idle(self) -> None:
        """Do nothing."""


class _Surface(urwid.Widget):
    """One widget for the whole screen."""

    _sizing = frozenset([urwid.BOX])
    _selectable = True

    def __init__(self, app: App) -> None:
        super().__init__()
        self._app = app
        self._picture = Picture([], [])

    def refresh(self) -> None:
        """Let the next drawing make a new picture."""
        self._invalidate()

    def render(self, size: Size, focus: bool = False) -> urwid.Canvas:  # noqa: ARG002  # as urwid calls it
        columns, rows = box(size)
        self._picture = picture = self._app.picture((columns, rows))
        texts: list[bytes] = []
        attributes: list[list[tuple[Hashable, int]]] = []
        for row in picture.rows:
            if width(text_of(row)) != columns:  # graphemes that grew together across a border
                plain = text_of(row).encode("ascii", "replace").decode()
                row = [("", plain.ljust(columns)[:columns])]  # noqa: PLW2901  # the same row, safe
            parts = [(style, text.encode("utf-8", "replace")) for style, text in row]
            texts.append(b"".join(data for _, data in parts))
            attributes.append([(self._attribute(style), len(data)) for style, data in parts])
        return urwid.TextCanvas(
            texts, attributes, cursor=picture.cursor, maxcol=columns, check_width=False
        )

    def _attribute(self, style: str | Style) -> Hashable:
        return _spec(style, self._app.depth) if isinstance(style, Style) else style or None

    def get_cursor_coords(self, size: Size) -> tuple[int, int] | None:  # noqa: ARG002  # as urwid calls it
        """Where the user writes."""
        return self._picture.cursor

    def keypress(self, size: Size, key: str) -> str | None:  # noqa: ARG002  # as urwid calls it
        """Take a key."""
        self._app.press(key)
        return None

    def mouse_event(  # noqa: PLR0917  # as urwid calls it
        self,
        size: Size,  # noqa: ARG002
        event: str,
        button: int,
        col: int,
        row: int,
        focus: bool,  # noqa: ARG002
    ) -> bool | None:
        """Take what the mouse did."""
        if event == "mouse press":
            self._app.click(self._picture, button, col, row)
        return True


@lru_cache(maxsize=4096)
def _spec(style: Style, depth: int) -> urwid.AttrSpec:
    fg, bg, colours = spec_of(style, depth)
    return urwid.AttrSpec(fg, bg, colours)


def box(size: Size) -> tuple[int, int]:
    """Columns and rows of the whole screen: it is never asked for another shape."""
    assert len(size) == 2  # noqa: PLR2004, S101
    return size


class _log_into:  # noqa: N801  # used as a context manager
    """Keep the program's log off the screen: its lines go among the events."""

    def __init__(self, lines: deque[str]) -> None:
        self._handler = _Keeping(lines)
        self._before: list[logging.Handler] = []

    def __enter__(self) -> None:
        root = logging.getLogger()
        self._before, root.handlers = root.handlers, [self._handler]

    def __exit__(self, *_: object) -> None:
        logging.getLogger().handlers = self._before


class _Keeping(logging.Handler):
    def __init__(self, lines: deque[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())
