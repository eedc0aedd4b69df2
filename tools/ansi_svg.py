"""A picture (SVG) of what a terminal shows, from the text and colours of ``tmux capture-pane -e``.

    tmux capture-pane -p -e -t PANE | python tools/ansi_svg.py COLUMNS >picture.svg

It knows the colours and attributes that the full screen uses, and no fonts: each run of cells is
stretched to its exact width, so that columns stay columns in whatever font there is.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html import escape
from typing import NamedTuple

import wcwidth

CELL, LINE, SIZE = 8.4, 17, 14
INK, PAPER = "#d7d7d7", "#16181d"
NAMED = (
    *("#000000", "#cd3131", "#0dbc79", "#c8a91b", "#2472c8", "#bc3fbc", "#11a8cd", "#cccccc"),
    *("#7f7f7f", "#f14c4c", "#23d18b", "#f5e34a", "#3b8eea", "#d670d6", "#29b8db", "#ffffff"),
)
_SGR = re.compile(r"\x1b\[([\d;:]*)m")
_STEPS = (0, 95, 135, 175, 215, 255)


class Style(NamedTuple):
    """How a run of cells looks."""

    ink: str = ""
    paper: str = ""
    bold: bool = False
    reverse: bool = False
    underline: bool = False


def svg(text: str, columns: int) -> str:
    """The picture of a captured screen, `columns` wide."""
    rows = text.rstrip("\n").split("\n")
    size = f'width="{columns * CELL:.0f}" height="{len(rows) * LINE + 8}"'
    font = f'font-family="DejaVu Sans Mono,Menlo,Consolas,monospace" font-size="{SIZE}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>',
        f'<rect width="100%" height="100%" fill="{PAPER}"/>',
    ]
    style = Style()
    for number, row in enumerate(rows):
        at = 0
        for style, run in runs(row, style):  # noqa: B020  # tmux carries a style over the row's end
            cells = max(wcwidth.wcswidth(run), 0)
            parts += _run(style, run, at, cells, number)
            at += cells
    return "\n".join([*parts, "</svg>\n"])


def runs(row: str, style: Style) -> Iterator[tuple[Style, str]]:
    """The parts of a row that look alike; one without text where the style changes at its end."""
    at = 0
    for found in _SGR.finditer(row):
        if found.start() > at:
            yield style, row[at : found.start()]
        style = changed(style, found[1])
        at = found.end()
    yield style, row[at:]


def changed(style: Style, codes: str) -> Style:
    """A style after an SGR sequence; codes that are not known change nothing."""
    numbers = [int(code or 0) for code in re.split("[;:]", codes)]
    while numbers:
        code, *numbers = numbers
        if code in (38, 48) and numbers:
            colour, numbers = _extended(numbers)
            is_ink = code == 38  # noqa: PLR2004
            style = style._replace(ink=colour) if is_ink else style._replace(paper=colour)
        elif 30 <= code <= 37 or 90 <= code <= 97:  # noqa: PLR2004
            style = style._replace(ink=NAMED[code - 30 if code < 90 else code - 82])  # noqa: PLR2004
        elif 40 <= code <= 47 or 100 <= code <= 107:  # noqa: PLR2004
            style = style._replace(paper=NAMED[code - 40 if code < 100 else code - 92])  # noqa: PLR2004
        else:
            change = _PLAIN.get(code, {})
            style = Style() if code == 0 else style._replace(**change)  # type: ignore[arg-type]
    return style


_PLAIN: dict[int, dict[str, object]] = {
    1: {"bold": True}, 4: {"underline": True}, 7: {"reverse": True}, 22: {"bold": False},
    24: {"underline": False}, 27: {"reverse": False}, 39: {"ink": ""}, 49: {"paper": ""},
}  # fmt: skip


def _extended(numbers: list[int]) -> tuple[str, list[int]]:
    kind, *rest = numbers
    if kind == 5 and rest:  # noqa: PLR2004  # one of 256
        index = rest[0]
        if index < len(NAMED):
            return NAMED[index], rest[1:]
        if index >= 232:  # noqa: PLR2004  # greys
            return "#" + f"{8 + 10 * (index - 232):02x}" * 3, rest[1:]
        cube = index - 16
        parts = (_STEPS[cube // 36], _STEPS[cube // 6 % 6], _STEPS[cube % 6])
        return "#" + "".join(f"{part:02x}" for part in parts), rest[1:]
    return "#" + "".join(f"{part:02x}" for part in rest[:3]), rest[3:]


def _run(style: Style, text: str, at: int, cells: int, row: int) -> Iterator[str]:
    ink, paper = style.ink or INK, style.paper or PAPER
    if style.reverse:
        ink, paper = paper, ink
    x, y = at * CELL, row * LINE + 4
    if paper != PAPER and cells:
        yield (
            f'<rect x="{x:.1f}" y="{y}" width="{cells * CELL:.1f}" height="{LINE}" fill="{paper}"/>'
        )
    if text.strip():
        more = ' font-weight="bold"' if style.bold else ""
        more += ' text-decoration="underline"' if style.underline else ""
        shown = escape(text).replace(" ", "\u00a0")  # else a browser makes one of several
        yield (
            f'<text x="{x:.1f}" y="{y + SIZE - 1}" fill="{ink}" textLength="{cells * CELL:.1f}"'
            f' lengthAdjust="spacingAndGlyphs"{more}>{shown}</text>'
        )


if __name__ == "__main__":
    sys.stdout.write(svg(sys.stdin.read(), int(sys.argv[1])))
