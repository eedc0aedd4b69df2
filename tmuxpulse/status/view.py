"""A screen cut into the regions that rules look at.

Nothing here knows a rule. The row of the cursor is told up to the cursor, joined with the rows
above that run on into it; where the cursor is not known, the last row with text stands for it.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final

from tmuxpulse.status.evidence import Screen, bounded

MAX_OUTPUT_ROWS: Final = 60
_MAX_WRAPPED_ROWS: Final = 3

# What a prompt with a command behind it looks like in most shells, to find where a command began.
COMMAND_ROW: Final = re.compile(
    r"^(?:\([\w.-]{1,40}\) ?)?(?:"
    r"\[?[\w.-]{1,40}@[\w.-]{1,60}[: ][^$#%>\u276f]{0,100}[$#%>\u276f]"
    r"|(?:ba|z|k|da)?sh-[\d.]{1,6}[$#]"
    r"|[A-Za-z][\w.-]{0,40}[%#]"
    r"|(?:~|/)[\w./~-]{0,80} ?[$#%>\u276f]"
    r"|[\u276f\u279c\u03bb$]"
    r")[ \xa0]{1,3}(?P<command>\S.{0,200})$"
)


_ENVIRONMENT: Final = re.compile(r"^\([\w.-]{1,40}\) ?")
_WHO: Final = re.compile(r"[\w.-]{1,40}@[\w.-]{1,60}")


class Region:
    """Some rows of a screen.

    Attributes:
        rows: top to bottom.
        first: the number of the first one on the screen.
    """

    __slots__ = ("_exact", "_lowered", "first", "rows")

    def __init__(self, rows: list[str], first: int = 0) -> None:
        self.rows = rows
        self.first = first
        self._exact: _Joined | None = None
        self._lowered: _Joined | None = None

    @property
    def exact(self) -> _Joined:
        """Its rows in one text."""
        if self._exact is None:
            self._exact = _Joined(self.rows)
        return self._exact

    @property
    def lowered(self) -> _Joined:
        """Its rows in one text, in lower case."""
        if self._lowered is None:
            self._lowered = _Joined([row.lower() for row in self.rows])
        return self._lowered


class _Joined:
    """Rows in one text, to find those that hold a string."""

    __slots__ = ("_rows", "_starts", "text")

    def __init__(self, rows: list[str]) -> None:
        self.text = "\n".join(rows)
        self._rows = rows
        self._starts: list[int] = []

    def holding(self, needles: tuple[str, ...]) -> Iterable[int]:
        """Give the numbers of the rows that hold one of some strings, the lowest row first."""
        text = self.text
        there = [needle for needle in needles if needle in text]
        if not there:  # as for nearly all of them
            return ()
        if not self._starts:
            self._starts = [0, *accumulate(len(row) + 1 for row in self._rows)]
        if len(there) == 1:
            return self._of(there[0])
        return sorted({row for needle in there for row in self._of(needle)}, reverse=True)

    def _of(self, needle: str) -> Iterator[int]:
        """The rows that hold a string, the lowest first: often it is the one that counts."""
        starts = self._starts
        at = self.text.rfind(needle)
        while at >= 0:
            row = bisect_right(starts, at) - 1
            yield row
            at = self.text.rfind(needle, 0, starts[row])


class View:
    """One screen, read.

    Args:
        screen: what is shown.

    Attributes:
        rows: without trailing blanks, and without empty rows at the end.
        cursor: the text up to the cursor.
        cursor_row: the row's number.
        alternate: whether it is the alternate screen.
        at_start: whether the cursor rests in the first column of an empty row.
    """

    def __init__(self, screen: Screen) -> None:
        screen = bounded(screen)
        self.rows = [row.rstrip() for row in screen.rows]
        while self.rows and not self.rows[-1]:
            self.rows.pop()
        self.alternate = screen.alternate
        self._filled = [at for at, row in enumerate(self.rows) if row]
        self._regions: dict[tuple[str, int], Region] = {}
        self._parts: dict[tuple[int, int], Region] = {}
        self._starts: dict[str | None, int] = {}
        at = screen.cursor_row
        if at is None:
            self.cursor_row = max(0, len(self.rows) - 1)
            self.cursor = self.rows[-1] if self.rows else ""
            self.at_start = False
            return
        self.cursor_row = at
        row = self.rows[at] if 0 <= at < len(self.rows) else ""
        column = screen.cursor_column
        shown = row if column is None else _until(row, column).rstrip()
        self.at_start = column == 0 and not row
        for _ in range(_MAX_WRAPPED_ROWS):
            at -= 1
            if not (0 <= at < len(self.rows)) or not 0 < screen.width <= len(self.rows[at]):
                break
            shown = self.rows[at] + shown
        self.cursor = shown

    def region(self, name: str, rows: int, prompt: str | None) -> Region:
        """Cut out a region.

        Args:
            name: ``screen``, ``bottom``, ``cursor`` or ``output``.
            rows: how many rows with text, for ``bottom``; for ``output``, too, unless it is 0.
            prompt: what the shell's prompt is, if the cursor is behind one.
        """
        key = (name, rows)
        found = self._regions.get(key)
        if found is None:
            found = self._regions[key] = self._cut(name, rows, prompt)
        return found

    def command_line(self, prompt: str | None) -> str:
        """The command whose output is shown last, as it was typed; empty when not seen."""
        start = self._output_start(prompt)
        if start == 0:
            return ""
        row = self.rows[start - 1]
        if prompt and row.startswith(prompt):
            return row[len(prompt) :].strip()
        found = COMMAND_ROW.match(row)
        return found["command"] if found else ""

    def interrupted(self, prompt: str) -> bool:
        """Whether the output behind a prompt shows that somebody ended its command."""
        rows = self.region("output", 0, prompt).rows
        return any(
            "^C" in row and (row.endswith("^C") or (row.startswith("^C") and row[2:3] != " "))
            for row in rows
        )

    def _cut(self, name: str, rows: int, prompt: str | None) -> Region:
        if name == "cursor":
            return Region([self.cursor], self.cursor_row)
        start, end = 0, len(self.rows)
        if name == "output":
            start = self._output_start(prompt)
            if prompt is not None:
                end = min(self.cursor_row, end)
        if rows and name != "screen":
            # Those with text are counted.
            first = bisect_left(self._filled, end) - rows
            if first >= 0:
                start = max(start, self._filled[first])
        return self._between(min(start, end), end)

    def _between(self, start: int, end: int) -> Region:
        """Some rows; several regions may be the same ones."""
        found = self._parts.get((start, end))
        if found is None:
            found = self._parts[start, end] = Region(self.rows[start:end], start)
        return found

    def _output_start(self, prompt: str | None) -> int:
        """The row after the last one in which a command was typed.

        A row that only looks as if it had a prompt may be of a file that is shown.
        """
        start = self._starts.get(prompt)
        if start is None:
            start = self._starts[prompt] = self._find_output(prompt)
        return start

    def _find_output(self, prompt: str | None) -> int:
        end = min(self.cursor_row, len(self.rows)) if prompt is not None else len(self.rows)
        for at in range(end - 1, max(-1, end - 1 - MAX_OUTPUT_ROWS), -1):
            row = self.rows[at]
            if prompt and (row == prompt or row.startswith(prompt + " ")):
                return at + 1
            found = COMMAND_ROW.match(row)
            if found and (prompt is None or alike(prompt, row[: found.start("command")])):
                return at + 1
        return max(0, end - MAX_OUTPUT_ROWS)


def alike(one: str, other: str) -> bool:
    """Whether two prompts may be one shell's, in other directories or environments."""
    return _shape(one) == _shape(other)


def _shape(prompt: str) -> tuple[str, str]:
    """Who is where, or the first character; and the sign at the end."""
    text = _ENVIRONMENT.sub("", prompt.strip()).lstrip("[")
    who = _WHO.match(text)
    return (who[0] if who else text[:1].replace("/", "~"), text[-1:])


def _until(row: str, column: int) -> str:
    """Cut a row before a column of cells."""
    if row.isascii():
        return row[:column]
    cells = 0
    for at, character in enumerate(row):
        if cells >= column:
            return row[:at]
        if not unicodedata.combining(character):
            cells += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return row
