"""Text with colours: a screen as plain rows, and beside each row the runs that are styled.

The text stands alone and holds no escapes, so whoever knows nothing of styles loses nothing, and
what is masked in the text is masked altogether. Where a screen comes from is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Union

import msgspec

Colour = Union[int, str]  # noqa: UP007  # evaluated by msgspec on Python 3.10


class Style(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a run of text looks; what is not set is the terminal's default.

    Attributes:
        fg: the colour of the text: 0 to 255 of the palette, or ``#rrggbb``.
        bg: that behind it.
        hidden: the program asked for it not to be seen; the text is there all the same.
    """

    fg: Colour | None = None
    bg: Colour | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    blink: bool = False
    reverse: bool = False
    hidden: bool = False
    strike: bool = False

    @property
    def shows_on_blanks(self) -> bool:
        """Whether a blank looks otherwise for it."""
        return self.bg is not None or self.reverse or self.underline or self.strike


PLAIN = Style()


class Run(msgspec.Struct, frozen=True, array_like=True):
    """A stretch of a row in one style: ``[3, 5, {"fg": 1, "bold": true}]``.

    Attributes:
        start: where it begins, in characters (code points) of the row.
        length: of how many; behind the row's end they are blanks, one cell each.
        style: never the plain one.
    """

    start: int
    length: int
    style: Style


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """Where the cursor stands.

    Attributes:
        row: from 0, in the rows that are shown now; what scrolled away does not count.
        column: from 0, in cells.
        visible: whether the program shows it.
    """

    row: int
    column: int
    visible: bool = True


class Screen(msgspec.Struct, frozen=True, kw_only=True):
    """What a pane shows, in colour.

    Attributes:
        rows: top to bottom, without trailing blanks.
        styles: for each row its runs, in order; between them the text is plain.
        above: how many of the rows, from the first on, have scrolled away.
        cut: whether rows above these were asked for and left out by a bound.
        width: of the pane, in cells; 0: not known.
        height: in rows; 0: not known.
        alternate: whether the alternate screen is shown.
        cursor: where it stands; None: not known.
    """

    rows: list[str]
    styles: list[list[Run]]
    above: int = 0
    cut: bool = False
    width: int = 0
    height: int = 0
    alternate: bool = False
    cursor: Cursor | None = None


def replaced(runs: Sequence[Run], masks: Iterable[tuple[int, int, int]]) -> list[Run]:
    """The runs of a row after parts of its text were replaced by others.

    Each part becomes a whole: it has the style that it began with, so that the runs tell nothing
    of what was in it.

    Args:
        runs: of the row as it was.
        masks: of each part where it began and ended, and how many characters took its place;
            in order, without overlaps.
    """
    moved = _mover(list(masks))
    found = [
        Run(at, moved(run.start + run.length) - at, run.style)
        for run in runs
        for at in [moved(run.start)]
    ]
    return [run for run in found if run.length > 0]


def _mover(masks: list[tuple[int, int, int]]) -> Callable[[int], int]:
    """Where a place in the row is afterwards; one within a mask is at the mask's end."""

    def moved(at: int) -> int:
        shift = 0
        for start, end, length in masks:
            if at <= start:
                break
            if at < end:
                return start + shift + length
            shift += length - (end - start)
        return at + shift

    return moved
