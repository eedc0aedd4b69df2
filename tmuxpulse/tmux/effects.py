"""What text, controls and sequences do: to the rows, to what is told, to the signals.

This is where a sequence gets its meaning; one that is not in the two tables has none here.
How sequences are found in the bytes is not known here.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable
from typing import ClassVar, Final

from tmuxpulse.tmux.addressing import Addressing
from tmuxpulse.tmux.backlog import Backlog
from tmuxpulse.tmux.row import Cut
from tmuxpulse.tmux.rows import Rows
from tmuxpulse.tmux.signals import Bell, Prompt, Signal, Strings

MAX_SIGNALS: Final = 256

_CSI = re.compile(r"\x1b\[(\??)([\d;:]*)([@-~])", re.ASCII)
_SEPARATOR = re.compile("[;:]")
_ALTERNATE_SCREENS: Final = frozenset({47, 1047, 1049})
_BRACKETED_PASTE: Final = 2004


class Effects:
    """Follows one pane's output, in order.

    Args:
        max_line_bytes: where a line is cut.
        max_backlog_bytes: how much of the lines is kept until it is taken.

    Attributes:
        rows: the rows around the cursor.
        addressing: whether the program addresses the screen.
    """

    def __init__(self, max_line_bytes: int, max_backlog_bytes: int) -> None:
        self._max_line_bytes = max_line_bytes
        self._strings = Strings()
        self._backlog = Backlog(max_backlog_bytes)
        self._signals: deque[Signal] = deque(maxlen=MAX_SIGNALS)
        self._main: Rows | None = None  # the rows to return to from the alternate screen
        self._cut = Cut()
        self.addressing = Addressing()
        self.rows = Rows(max_line_bytes, self._cut)

    @property
    def pending(self) -> bool:
        """Whether there are lines or signals to take."""
        return bool(self._backlog or self._signals)

    @property
    def partial(self) -> str:
        """The unfinished line, if it is one."""
        return "" if self.addressing.active else self.rows.partial

    def take(self, max_bytes: int) -> tuple[tuple[str, ...], tuple[Signal, ...], int]:
        """Return lines, signals and what was cut since the last time, and forget them."""
        lines, cut = self._backlog.take(max_bytes)
        signals = tuple(self._signals)
        cut += self._cut.bytes
        self._signals.clear()
        self._cut.bytes = 0
        return lines, signals, cut

    def put(self, text: str) -> None:
        """Write printable characters and tabs."""
        self._touch()
        self.rows.put(text)

    def append(self, block: str) -> None:
        """Append whole lines of plain text; the rows have to be simple."""
        self._tell(self.rows.append(block))

    def follow(self, found: str) -> None:
        """Do what a control, a sequence, or a string without its terminator says."""
        effect = self._CONTROLS.get(found)
        if effect is not None:
            effect(self)
        elif found.startswith("\x1b["):
            self._follow_csi(found)
        elif found.startswith("\x1b]"):
            self._signal(self._strings.osc(found[2:]))
        elif found.startswith("\x1bP"):
            self._signal(self._strings.dcs(found[2:]))

    def _follow_csi(self, found: str) -> None:
        sequence = _CSI.fullmatch(found)
        if sequence is None:
            return
        private, parameters, final = sequence.groups()
        numbers = [int(number or "0") for number in _SEPARATOR.split(parameters)]
        if private:
            if final in "hl":
                self._set_modes(numbers, on=final == "h")
            return
        effect = self._SEQUENCES.get(final)
        if effect is not None:
            effect(self, numbers[0], numbers[1] if len(numbers) > 1 else 0)

    def _signal(self, signals: Iterable[Signal]) -> None:
        for signal in signals:
            if isinstance(signal, Prompt):
                self.addressing.began()
            self._cut.bytes += len(self._signals) == MAX_SIGNALS
            self._signals.append(signal)

    def _tell(self, block: str) -> None:
        """Tell lines that were appended."""
        count = block.count("\n")
        drawn = self.addressing.appended(count)
        if drawn < count:
            self._backlog.add(block.split("\n", drawn)[-1] if drawn else block)

    def _retell(self, line: str) -> None:
        """Tell a line that was changed on a row known before."""
        if not self.addressing.active:
            self._backlog.add(f"{line}\n")

    def _touch(self) -> None:
        """Note that something is done where the cursor is."""
        if self.rows.placed:
            self.rows.placed = False
            self.addressing.placed()

    def _append_line(self, line: str) -> None:
        self._tell(f"{line}\n")

    def _set_modes(self, modes: list[int], *, on: bool) -> None:
        if not _ALTERNATE_SCREENS.isdisjoint(modes):
            self._switch(alternate=on)
        if _BRACKETED_PASTE in modes:
            self.addressing.began()

    def _switch(self, *, alternate: bool) -> None:
        self.addressing.switched(alternate=alternate)
        if alternate == (self._main is not None):
            return
        if self._main is None:
            self._main, self.rows = self.rows, Rows(self._max_line_bytes, self._cut)
        else:
            self.rows, self._main = self._main, None

    # Controls, and sequences of two characters.

    def _ring(self) -> None:
        self._signal((Bell(),))

    def _backspace(self) -> None:
        self.rows.current.move_by(-1)

    def _tab(self) -> None:
        self.put("\t")

    def _line_feed(self) -> None:
        self._touch()
        tell = self._append_line if self.rows.last else self._retell
        line = self.rows.line_feed()
        if line is not None:
            tell(line)

    def _carriage_return(self) -> None:
        line = self.rows.carriage_return()
        if line is not None:
            self._append_line(line)

    def _reverse_index(self) -> None:
        self._up(1)

    def _save(self, *_: int) -> None:
        self.rows.save()

    def _restore(self, *_: int) -> None:
        self.rows.restore()

    def _reset(self) -> None:
        self._switch(alternate=False)
        self.rows.erase_all()
        self.rows.current.move_to(0)

    _CONTROLS: ClassVar[dict[str, Callable[[Effects], None]]] = {
        "\x07": _ring,
        "\x08": _backspace,
        "\t": _tab,
        "\n": _line_feed,
        "\v": _line_feed,
        "\f": _line_feed,
        "\r": _carriage_return,
        "\x1b7": _save,
        "\x1b8": _restore,
        "\x1bD": _line_feed,
        "\x1bE": _line_feed,
        "\x1bM": _reverse_index,
        "\x1bc": _reset,
    }

    # Control sequences, with their first two parameters; one that is missing is 0.

    def _up(self, count: int, _: int = 0) -> None:
        # Rows that are not known cannot be gone back to, but the program did go back.
        self.rows.up(count or 1)
        self.addressing.climbed(count or 1)

    def _up_to_start(self, count: int, _: int) -> None:
        self._up(count)
        self.rows.current.move_to(0)

    def _down(self, count: int, _: int = 0) -> None:
        for line in self.rows.down(count or 1):
            self._retell(line)

    def _down_to_start(self, count: int, _: int) -> None:
        self._down(count)
        self.rows.current.move_to(0)

    def _right(self, count: int, _: int) -> None:
        self.rows.current.move_by(count or 1)

    def _left(self, count: int, _: int) -> None:
        self.rows.current.move_by(-(count or 1))

    def _to_column(self, column: int, _: int) -> None:
        self.rows.current.move_to((column or 1) - 1)

    def _to_row(self, row: int, _: int) -> None:
        self.rows.place(row or 1, self.rows.current.column + 1)

    def _to_place(self, row: int, column: int) -> None:
        self.rows.place(row or 1, column or 1)

    def _erase_display(self, how: int, _: int) -> None:
        match how:
            case 0:
                self.rows.erase_below()
            case 1:
                self.rows.current.erase_left()
            case 2:
                self.rows.erase_all()

    def _erase_line(self, how: int, _: int) -> None:
        self._touch()
        match how:
            case 0:
                self.rows.current.erase_right()
            case 1:
                self.rows.current.erase_left()
            case 2:
                self.rows.current.clear()

    def _erase(self, count: int, _: int) -> None:
        self.rows.current.erase(count or 1)

    def _delete(self, count: int, _: int) -> None:
        self.rows.current.delete(count or 1)

    def _insert(self, count: int, _: int) -> None:
        self.rows.current.insert(count or 1)

    def _shift_rows(self, _: int, __: int) -> None:
        self.addressing.placed()

    def _set_region(self, top: int, bottom: int) -> None:
        if top or bottom:  # without them the region is the screen
            self.addressing.placed()

    _SEQUENCES: ClassVar[dict[str, Callable[[Effects, int, int], None]]] = {
        "@": _insert,
        "A": _up,
        "B": _down,
        "C": _right,
        "D": _left,
        "E": _down_to_start,
        "F": _up_to_start,
        "G": _to_column,
        "H": _to_place,
        "J": _erase_display,
        "K": _erase_line,
        "L": _shift_rows,
        "M": _shift_rows,
        "P": _delete,
        "S": _shift_rows,
        "T": _shift_rows,
        "X": _erase,
        "`": _to_column,
        "d": _to_row,
        "f": _to_place,
        "r": _set_region,
        "s": _save,
        "u": _restore,
    }
