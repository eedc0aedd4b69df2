"""One row of a terminal that is as wide as it takes, and what editing does to it.

As long as text is only added at its end a row is that text, to the letter. The first edit makes
cells of it: a wide character takes two, a tab those up to the next stop, a combining character none
of its own. Half of a character that is overwritten leaves blanks, as in tmux. What editing left
behind the cursor as blanks does not count as text.

It knows neither escapes nor other rows.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

# No terminal is as wide. It bounds what an edit can cost.
MAX_COLUMNS: Final = 4096

_TAB: Final = 8
# tmux's bound too: combining characters beyond it are left out.
_MAX_CELL_CHARACTERS: Final = 21


class Cut:
    """Counts the bytes of text that a bound has left out."""

    __slots__ = ("bytes",)

    def __init__(self) -> None:
        self.bytes = 0


class Row:
    """A row and the cursor in it.

    Args:
        limit: the number of characters it holds. Edited, it has twice as many columns, or
            `MAX_COLUMNS`; what stands behind them is left out by the first edit.
        cut: counts what is left out.
        text: what it holds already, the cursor at the end.
    """

    __slots__ = ("_cells", "_column", "_columns", "_cut", "_limit", "_tabs", "_text")

    def __init__(self, limit: int, cut: Cut, text: str = "") -> None:
        self._limit = limit
        self._columns = min(2 * limit, MAX_COLUMNS)
        self._cut = cut
        self._text = text
        self._cells: list[str] | None = None
        self._tabs = False  # whether there may be any in `_cells`
        self._column: int | None = None  # None: at the end of `_text`

    @property
    def appending(self) -> bool:
        """Whether nothing but text has come yet, and the next goes to the end."""
        return self._column is None

    @property
    def column(self) -> int:
        """Where the cursor is, from 0."""
        return len(_cells_of(self._text, 0)) if self._column is None else self._column

    @property
    def text(self) -> str:
        """What is there, without blanks left behind the cursor by editing."""
        if self._cells is None:
            return self._text
        column = self.column
        return "".join(self._cells[:column]) + "".join(self._cells[column:]).rstrip(" ")

    @property
    def whole(self) -> str:
        """What is there, with all blanks."""
        return self._text if self._cells is None else "".join(self._cells)

    @property
    def line(self) -> str:
        """What is there when the row is done."""
        return self._text if self._cells is None else "".join(self._cells).rstrip(" ")

    def ends_blank(self, count: int) -> bool:
        """Whether that many blanks are at the end of the row, and the cursor behind them."""
        if self._cells is None:
            return self._column is None and self._text.endswith(" " * count)
        return self._column == len(self._cells) and self._cells[-count:] == [" "] * count

    def put(self, text: str) -> None:
        """Write printable characters and tabs."""
        if self._column is None:
            room = self._limit - len(self._text)
            if len(text) > room:
                self._cut.bytes += len(text[room:].encode())
                text = text[:room]
            self._text += text
            return
        for index, piece in enumerate(text.split("\t")):
            if index:
                self._tab()
            if piece:
                self._overwrite(piece)

    def move_to(self, column: int) -> None:
        """Move the cursor; a column beyond the text is fine."""
        self._column = max(0, min(column, self._columns))
        if not self._column and not self._text and not self._cells:
            self._column = self._cells = None

    def move_by(self, columns: int) -> None:
        """Move the cursor to the right, or with a negative number to the left."""
        if columns:
            self.move_to(self.column + columns)

    def clear(self) -> None:
        """Erase everything; the cursor stays."""
        column = self.column
        self._text = ""
        self._cells = None
        self.move_to(column)

    def erase_right(self) -> None:
        """Erase from the cursor on."""
        if self._column is None:
            return
        if self._column == 0:
            self.clear()
            return
        cells = self._edited()
        self._split(self._column)
        del cells[self._column :]

    def erase_left(self) -> None:
        """Erase up to the cursor and under it."""
        self._blank(0, self.column + 1)

    def erase(self, count: int) -> None:
        """Erase from the cursor on, leaving blanks."""
        self._blank(self.column, self.column + count)

    def delete(self, count: int) -> None:
        """Take characters out; what follows moves to the left."""
        cells, column = self._shifting(), self.column
        end = min(len(cells), column + count)
        self._split(column)
        self._split(end)
        del cells[column:end]

    def insert(self, count: int) -> None:
        """Put blanks in; what follows moves to the right."""
        cells, column = self._shifting(), self.column
        if column < len(cells):
            self._split(column)
            cells[column:column] = [" "] * min(count, self._columns)
            self._split(self._columns)
            del cells[self._columns :]

    def _edited(self) -> list[str]:
        if self._cells is None:
            self._cells = _cells_of(self._text, 0)
            self._tabs = "\t" in self._text
            self._text = ""
            self._split(self._columns)
            self._cut.bytes += len("".join(self._cells[self._columns :]).encode())
            del self._cells[self._columns :]
            if self._column is None:
                self._column = len(self._cells)
        return self._cells

    def _shifting(self) -> list[str]:
        """Return the cells with blanks for tabs, which do not shift."""
        cells = self._edited()
        if self._tabs:
            self._tabs = blank = False
            for column, cell in enumerate(cells):
                blank = cell == "\t" or (blank and not cell)
                if blank:
                    cells[column] = " "
        return cells

    def _blank(self, start: int, end: int) -> None:
        cells = self._edited()
        end = min(end, len(cells))
        self._split(start)
        self._split(end)
        if start < end:
            cells[start:end] = [" "] * (end - start)

    def _split(self, column: int) -> None:
        """Make blanks of a character that stands on both sides of a column's left edge."""
        cells = self._edited()
        if column >= len(cells) or cells[column]:
            return
        start = end = column
        while not cells[start]:
            start -= 1
        while end < len(cells) and not cells[end]:
            end += 1
        cells[start:end] = [" "] * (end - start)

    def _overwrite(self, text: str) -> None:
        cells, column = self._edited(), self.column
        if not text.isascii():
            marks = _combining(text)
            self._combine(marks)
            text = text[len(marks) :]
        new = _cells_of(text, column)
        room = self._columns - column
        if len(new) > room:
            if not text.isascii() and len(text) > 1:
                # One by one, so that it does not matter in what pieces the text came.
                for character in text:
                    self._overwrite(character)
                return
            room = room if text.isascii() else 0
            self._cut.bytes += len("".join(new[room:]).encode())
            del new[room:]
        if column > len(cells):
            cells.extend([" "] * (column - len(cells)))
        self._split(column)
        self._split(column + len(new))
        cells[column : column + len(new)] = new
        self._column = column + len(new)

    def _combine(self, marks: str) -> None:
        """Add combining characters to the character before the cursor, if there is one."""
        cells, column = self._edited(), self.column
        if not marks or not column:
            return
        cells.extend([" "] * (column - len(cells)))
        at = column - 1
        while not cells[at]:
            at -= 1
        cells[at] = (cells[at] + marks)[:_MAX_CELL_CHARACTERS]

    def _tab(self) -> None:
        cells, column = self._edited(), self.column
        stop = column - column % _TAB + _TAB
        if column >= len(cells) and stop <= self._columns:
            cells.extend([" "] * (column - len(cells)))
            cells.extend(["\t", *[""] * (stop - column - 1)])
            self._tabs = True
        self.move_to(stop)


@lru_cache(maxsize=4096)
def _width(character: str) -> int:
    """How many columns a character takes; the table is loaded with the first one beyond ASCII."""
    if character.isascii():
        return 1 if character.isprintable() else 0
    from wcwidth import wcwidth  # 60 ms and 8 MB, which most panes never need

    return wcwidth(character)


def _combining(text: str) -> str:
    """Return the combining characters that a text begins with."""
    for index, character in enumerate(text):
        if _width(character) > 0:
            return text[:index]
    return text


def _cells_of(text: str, column: int) -> list[str]:
    """Lay out a text: each character, and an empty cell for each further column it takes."""
    if text.isascii() and "\t" not in text:
        return list(text)
    cells: list[str] = []
    base = 0
    for character in text:
        to_stop = _TAB - (column + len(cells)) % _TAB
        width = to_stop if character == "\t" else _width(character)
        if width > 0:
            base = len(cells)
            cells.append(character)
            cells.extend([""] * (width - 1))
        elif cells and len(cells[base]) < _MAX_CELL_CHARACTERS:
            cells[base] += character
    return cells
