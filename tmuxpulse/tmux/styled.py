r"""A captured screen with its colours: `capture-pane -e -N -p` to rows and runs.

What tmux prints there is text and SGR, whose state goes on from row to row; line drawing between SO
and SI; since 3.4 hyperlinks. Colours and attributes are kept, line drawing becomes Unicode, and any
other sequence is dropped, so that no escape passes, whatever is fed. Beside text that tmux does not
tell are blanks that were coloured by erasing only (`ESC [K` in a colour; 3.3a).

All is bounded: `MAX_RUNS` of a screen, `MAX_PARAMETERS` of a sequence. Nothing raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from tmuxpulse.styles import PLAIN, Colour, Cursor, Run, Screen, Style
from tmuxpulse.tmux.formats import MAX_TEXT, clean

MAX_RUNS: Final = 16_384  # of all rows; what comes after them is plain
MAX_PARAMETERS: Final = 64  # of one SGR; tmux writes 20 at most
ABOUT_FORMAT: Final = (
    "#{cursor_x} #{cursor_y} #{cursor_flag} #{alternate_on} #{pane_width} #{pane_height}"
)

_TOKEN = re.compile(
    r"\x1b\[(?P<sgr>[0-9;:]*)m"
    r"|\x1b\[[ -?]*(?:[@-~]|$)"  # any other CSI
    r"|\x1b[\]PX^_k][^\x07\x1b]*(?:\x07|\x1b\\|(?=\x1b)|$)"  # OSC and other strings
    r"|\x1b[ -/]*(?:[0-~]|$)|\x1b"
    r"|(?P<shift>[\x0e\x0f])"
    r"|(?P<text>[^\x1b\x0e\x0f]+)"
)
_ABOUT = re.compile(r"(\d{1,6}) (\d{1,6}) ([01]?) ([01]) (\d{1,6}) (\d{1,6})\Z")
# The terminal's alternate character set, by the characters that it takes the place of.
_LINES: Final = str.maketrans(
    "+,-.0`afghijklmnopqrstuvwxyz{|}~",
    "→←↑↓█◆▒°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·",
)
_SIMPLE: Final[dict[int | None, dict[str, bool | Colour | None]]] = {
    1: {"bold": True}, 2: {"dim": True}, 3: {"italic": True}, 4: {"underline": True},
    5: {"blink": True}, 6: {"blink": True}, 7: {"reverse": True}, 8: {"hidden": True},
    9: {"strike": True}, 21: {"underline": True}, 22: {"bold": False, "dim": False},
    23: {"italic": False}, 24: {"underline": False}, 25: {"blink": False},
    27: {"reverse": False}, 28: {"hidden": False}, 29: {"strike": False},
    39: {"fg": None}, 49: {"bg": None},
    **{30 + colour: {"fg": colour} for colour in range(8)},
    **{40 + colour: {"bg": colour} for colour in range(8)},
    **{90 + colour: {"fg": 8 + colour} for colour in range(8)},
    **{100 + colour: {"bg": 8 + colour} for colour in range(8)},
}  # fmt: skip
_COLOURS: Final[dict[int | None, str]] = {
    38: "fg",
    48: "bg",
    58: "",
}  # that of underlines is not kept
_UNDERLINE: Final = 4
_HIGHEST = 255


def parse_screen(text: str, *, cut: bool = False) -> Screen:
    """Read what was captured with, in its last line, what `ABOUT_FORMAT` gave.

    Args:
        text: as it was printed, without the last line end.
        cut: whether its beginning is missing.
    """
    body, _, about = text.rpartition("\n")
    told = _ABOUT.fullmatch(about)
    if told is None:
        body = text
    rows, styles = parse_styled(body)
    if told is None:
        return Screen(rows=rows, styles=styles, cut=cut)
    column, row, flag, alternate, width, height = told.groups()
    return Screen(
        rows=rows,
        styles=styles,
        above=max(len(rows) - int(height), 0),
        cut=cut,
        width=int(width),
        height=int(height),
        alternate=alternate == "1",
        cursor=Cursor(row=int(row), column=int(column), visible=flag != "0"),
    )


def parse_styled(text: str) -> tuple[list[str], list[list[Run]]]:
    """Read rows of text and SGR; each row is safe, and without trailing blanks."""
    rows: list[str] = []
    styles: list[list[Run]] = []
    pen = PLAIN
    shifted = False
    left = MAX_RUNS
    for line in text.split("\n"):
        parts: list[str] = []
        runs: list[Run] = []
        at = 0
        for token in _TOKEN.finditer(line):
            if (sgr := token["sgr"]) is not None:
                pen = after(pen, sgr)
            elif shift := token["shift"]:
                shifted = shift == "\x0e"
            elif part := token["text"]:
                part = _safe(part.translate(_LINES) if shifted else part)
                parts.append(part)
                _add(runs, at, len(part), pen)
                at += len(part)
        row = "".join(parts).rstrip(" ")
        runs = list(_clipped(runs, len(row)))[:left]
        left -= len(runs)
        rows.append(row)
        styles.append(runs)
    return rows, styles


@lru_cache(maxsize=4096)
def after(pen: Style, sgr: str) -> Style:
    """The style that a sequence makes of another; what it does not know changes nothing."""
    parameters = sgr.split(";")[:MAX_PARAMETERS]
    at = 0
    while at < len(parameters):
        pen, used = _applied(pen, parameters[at:])
        at += used
    return pen


def _applied(pen: Style, parameters: Sequence[str]) -> tuple[Style, int]:
    """Apply the first of them, and say how many belong to it."""
    first, *sub = parameters[0].split(":")
    code = _number(first or "0")
    if code == 0:
        return PLAIN, 1
    if code in _COLOURS:
        colour, used = _of_colon(sub) if sub else _of_semicolon(parameters[1:])
        field = _COLOURS[code]
        return pen if colour is None or not field else replace(pen, **{field: colour}), 1 + used
    changes = {"underline": sub[0] != "0"} if code == _UNDERLINE and sub else _SIMPLE.get(code, {})
    return replace(pen, **changes), 1


def _of_colon(sub: Sequence[str]) -> tuple[Colour | None, int]:
    """A colour such as ``5:200``, ``2:1:2:3`` or ``2:SPACE:1:2:3``."""
    numbers = sub[1:]
    match _number(sub[0]):
        case 5 if numbers:
            return _checked(numbers[:1]), 0
        case 2 if len(numbers) >= 3:  # noqa: PLR2004  # red, green, blue
            return _checked(numbers[1:4] if len(numbers) > 3 else numbers), 0  # noqa: PLR2004
    return None, 0


def _of_semicolon(rest: Sequence[str]) -> tuple[Colour | None, int]:
    """A colour such as ``5;200`` or ``2;1;2;3``, and how many parameters it takes."""
    match _number(rest[0]) if rest else None:
        case 5:
            return _checked(rest[1:2]), 2
        case 2:
            return _checked(rest[1:4]), 4
    return None, 1


def _checked(numbers: Sequence[str]) -> Colour | None:
    values = [_number(number or "0") for number in numbers]
    if any(value is None or value > _HIGHEST for value in values):
        return None
    match values:
        case [int(index)]:
            return index
        case [int(red), int(green), int(blue)]:
            return f"#{red:02x}{green:02x}{blue:02x}"
    return None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else None  # noqa: PLR2004


def _safe(text: str) -> str:
    """The text, as long as it was, without anything that could steer a terminal."""
    if text.isprintable():
        return text
    # `clean` is for one name and cuts it.
    parts = (clean(text[at : at + MAX_TEXT]) for at in range(0, len(text), MAX_TEXT))
    return "".join(parts)


def _add(runs: list[Run], start: int, length: int, style: Style) -> None:
    if style == PLAIN:
        return
    last = runs[-1] if runs else None
    if last is not None and last.style == style and last.start + last.length == start:
        runs[-1] = Run(last.start, last.length + length, style)
    else:
        runs.append(Run(start, length, style))


def _clipped(runs: Sequence[Run], end: int) -> Iterator[Run]:
    """The runs without what nobody could see of them behind the end of the text."""
    for run in runs:
        if run.style.shows_on_blanks or run.start + run.length <= end:
            yield run
        elif run.start < end:
            yield Run(run.start, end - run.start, run.style)
