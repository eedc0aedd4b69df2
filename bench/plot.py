"""Small line plots as SVG. Pure.

One panel has one series or a few, straight lines between points, both axes from zero. Colours are
readable on white and on black, and no font is carried: `github.com` and a browser draw it alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple

WIDTH: Final = 360
HEIGHT: Final = 240
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 30, 40
COLOURS: Final = ("#1f77b4", "#d9822b", "#2ca02c", "#a05195")
LEAST: Final = 1e-12  # what is smaller is zero
GREY: Final = "#888888"
STYLE: Final = 'font-family="system-ui, sans-serif" font-size="11"'


class Series(NamedTuple):
    """A line.

    Attributes:
        name: for the legend.
        points: x and y, in order of x.
    """

    name: str
    points: Sequence[tuple[float, float]]


class Panel(NamedTuple):
    """One plot.

    Attributes:
        title: above it.
        across: what x is.
        series: at most as many as there are `COLOURS`.
    """

    title: str
    across: str
    series: Sequence[Series]


def ticks(most: float, wanted: int = 5) -> list[float]:
    """Round numbers from zero to the first that is not below `most`."""
    if most < LEAST:
        return [0.0, 1.0]
    rough = most / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * one for one in (1, 2, 5, 10) if power * one >= rough * 0.999)
    return [float(f"{step * at:.9g}") for at in range(math.ceil(most / step - 1e-9) + 1)]


def draw(panels: Sequence[Panel]) -> str:
    """Panels side by side, as one SVG document."""
    width = WIDTH * len(panels)
    body = [part for at, panel in enumerate(panels) for part in _panel(panel, at * WIDTH)]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT}" '
        f'viewBox="0 0 {width} {HEIGHT}" {STYLE}>'
    )
    return "\n".join([head, *body, "</svg>", ""])


def _panel(panel: Panel, left: float) -> list[str]:
    xs = ticks(max((x for one in panel.series for x, _ in one.points), default=0))
    ys = ticks(max((y for one in panel.series for _, y in one.points), default=0), 4)

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            left + LEFT + x / xs[-1] * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - y / ys[-1] * (HEIGHT - TOP - BOTTOM),
        )

    parts = [_text(left + LEFT, 16, panel.title, weight="bold")]
    for y in ys:
        (x0, at), (x1, _) = place(0, y), place(xs[-1], y)
        parts.append(
            f'<line x1="{x0:.1f}" y1="{at:.1f}" x2="{x1:.1f}" y2="{at:.1f}" stroke="{GREY}" '
            f'stroke-opacity="0.3"/>'
        )
        parts.append(_text(x0 - 6, at + 4, f"{y:g}", anchor="end"))
    for x in xs:
        at, bottom = place(x, 0)
        parts.append(_text(at, bottom + 15, f"{x:g}", anchor="middle"))
    parts.append(_text(place(xs[-1] / 2, 0)[0], HEIGHT - 8, panel.across, anchor="middle"))
    for at, (series, colour) in enumerate(zip(panel.series, COLOURS, strict=False)):
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*one) for one in series.points))
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
            for x, y in (place(*one) for one in series.points)
        ]
        if len(panel.series) > 1:
            parts.append(_text(left + LEFT + 8, TOP + 12 + at * 14, series.name, colour=colour))
    return parts


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal",
    colour: str = GREY,
) -> str:  # fmt: skip
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" '
        f'fill="{colour}">{escape(text)}</text>'
    )
