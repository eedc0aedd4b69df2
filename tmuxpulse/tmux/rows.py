"""The row the cursor is on, and what is known of those around it.

A pane's width and height are not known, and rows do not wrap here. Above the cursor, the last
`MAX_ABOVE` characters of finished lines are remembered, for a line editor that comes back to them;
below it, up to `MAX_BELOW` rows it came back from. A row is told when the cursor leaves it
downwards, and told again only if it was changed since.
"""

from __future__ import annotations

from typing import Final

from tmuxpulse.tmux.row import Cut, Row

MAX_ABOVE: Final = 8192
MAX_BELOW: Final = 100

# zsh and fish do not know whether the output before their prompt ended with a line end. They write
# a mark, blanks up to the right margin, CR, then blank the mark: that stays on the same row only if
# the row was empty before. Where the margin is, the number of blanks gives away.
_MARKS: Final = "%#⏎¶~"
_MIN_MARGIN: Final = 16
_UNMARKED: Final = (" ", *(f"{mark} " for mark in _MARKS))


class Rows:
    """Rows around a cursor.

    Args:
        max_line_bytes: the length at which lines are cut.
        cut: counts what is left out.

    Attributes:
        current: the row the cursor is on.
        placed: whether the cursor was put to a place of the screen, and nothing written there yet.
    """

    def __init__(self, max_line_bytes: int, cut: Cut) -> None:
        self._max_line_bytes = max_line_bytes
        self._cut = cut
        self._above = ""  # lines with their ends
        self._below: list[tuple[Row, str | None]] = []  # the nearest last
        self._told: str | None = None  # what was told of the current row
        self._saved: tuple[Row, str | None, int] | None = None
        self._marked: tuple[str, str] | None = None
        # The cursor is still on the row that it was put to; at the first place of the screen, and
        # nothing is written there yet; the screen is blank, so that this place is a beginning.
        self._displaced = False
        self._home = False
        self._blank = False
        self.placed = False
        self.current = self._row()

    @property
    def simple(self) -> bool:
        """Whether all there is to the rows is the beginning of a new line."""
        return self.current.appending and not self._below and self._told is None and not self.placed

    @property
    def last(self) -> bool:
        """Whether no row is known below the cursor."""
        return not self._below

    @property
    def partial(self) -> str:
        """The text of the current row."""
        return _shortened(self.current.text, self._max_line_bytes)

    def put(self, text: str) -> None:
        """Write text."""
        self.current.put(text)
        self.placed = self._home = self._blank = False

    def append(self, block: str) -> str:
        """Append whole lines of plain text when the rows are simple.

        Returns:
            The lines, with what the current row had before them, and cut.
        """
        if self.current.text:
            block = self.current.text + block
            self.current = self._row()
        if len(block) > self._max_line_bytes // 4:
            lines = block.split("\n")
            if 4 * max(map(len, lines)) > self._max_line_bytes:
                block = "\n".join(map(self._shorten, lines))
        self._remember(block)
        self._marked = None
        self._displaced = self.placed = self._home = self._blank = False
        return block

    def line_feed(self) -> str | None:
        """Go to the beginning of the next row.

        Returns:
            The line that was left, or None if it was told before.
        """
        line = self._leave()
        self.current.move_to(0)
        return line

    def carriage_return(self) -> str | None:
        """Go to the beginning of the row.

        Returns:
            An unfinished line, if what was written shows that a prompt begins on the next row.
        """
        row = self.current
        line = None
        if self._marked is not None:
            line = self._unmarked(*self._marked)
        self._marked = _marked(row) if row.ends_blank(_MIN_MARGIN) else None
        if line is None:
            row.move_to(0)
        return line

    def down(self, count: int) -> list[str]:
        """Go down, keeping the column; at most one row beyond those known.

        Returns:
            The lines that were left and not told before.
        """
        lines = []
        column = self.current.column
        for _ in range(min(count, len(self._below) + 1)):
            line = self._leave()
            if line is not None:
                lines.append(line)
        self.current.move_to(column)
        return lines

    def up(self, count: int) -> None:
        """Go up, keeping the column, as far as the rows above are known."""
        column = self.current.column
        while count > 0 and self._above and len(self._below) < MAX_BELOW:
            self._below.append((self.current, self._told))
            head, end, text = self._above[:-1].rpartition("\n")
            self._above = head + end
            self.current, self._told = self._row(text), text
            count -= 1
        self.current.move_to(column)

    def place(self, row: int, column: int) -> None:
        """Put the cursor to a place of the screen, counted from 1. What is there is not known."""
        self._below.clear()
        self._above = ""
        self._told = None
        self.current = self._row()
        self.current.move_to(column - 1)
        self._home = row == column == 1
        self._displaced = self.placed = not (self._home and self._blank)

    def erase_below(self) -> None:
        """Erase from the cursor on."""
        if self._home:
            self.erase_all()
        else:
            self._below.clear()
            self.current.erase_right()

    def erase_all(self) -> None:
        """Erase the screen; the cursor stays."""
        self._below.clear()
        self._above = ""
        self._told = None
        self.current.clear()
        self._blank = True
        self._displaced = self.placed = False

    def save(self) -> None:
        """Remember where the cursor is."""
        self._saved = (self.current, self._told, self.current.column)

    def restore(self) -> None:
        """Return from a place of the screen to what was saved; else only to its column."""
        if self._saved is None:
            return
        row, told, column = self._saved
        if self._displaced:
            self.current, self._told = row, told
            self._displaced = self.placed = self._home = False
        self.current.move_to(column)

    def _row(self, text: str = "") -> Row:
        return Row(self._max_line_bytes, self._cut, text)

    def _leave(self) -> str | None:
        line, told = self._shorten(self.current.line), self._told
        self._remember(line + "\n")
        self.current, self._told = self._below.pop() if self._below else (self._row(), None)
        self._marked = None
        self._displaced = self.placed = self._home = self._blank = False
        return None if told is not None and told.rstrip(" ") == line.rstrip(" ") else line

    def _remember(self, block: str) -> None:
        self._above = (self._above + block)[-MAX_ABOVE:]

    def _shorten(self, line: str) -> str:
        kept = _shortened(line, self._max_line_bytes)
        if len(kept) != len(line):
            self._cut.bytes += len(line[len(kept) :].encode())
        return kept

    def _unmarked(self, line: str, text: str) -> str | None:
        """Leave the row if it begins with what a shell writes over its mark."""
        row = self.current
        start = next(filter(row.whole.startswith, _UNMARKED), None)
        # The first character may have been of one column or of two.
        if start is None or row.column != len(start) or not row.whole.endswith(text[2:]):
            return None
        self.current, self._told = self._row(line), None
        return self._leave()


def _marked(row: Row) -> tuple[str, str] | None:
    text = row.whole
    body = text.rstrip(" ")
    return (body[:-1], text) if len(body) > 1 and body[-1] in _MARKS else None


def _shortened(text: str, max_bytes: int) -> str:
    """Cut a text at the last character that is wholly within the bound."""
    if 4 * len(text) <= max_bytes or (len(text) <= max_bytes and text.isascii()):
        return text
    return text.encode()[:max_bytes].decode("utf-8", "ignore")
