"""The styles as a terminal's palette: for 1, 16, 256 colours or all of them. Pure."""

from __future__ import annotations

from typing import Literal

from tmuxpulse.config.settings import WatchColoursTable
from tmuxpulse.styles import Colour, Style

Depth = Literal[1, 16, 88, 256, 16777216]
Spec = tuple[str, str, Depth]
PaletteEntry = tuple[str, str, str, str, str, str]
_ATTRIBUTES = ("bold", "underline", "reverse")
_THEIRS = {"reverse": "standout"}
_HIGH = 256
# The nearest of the 16 colours that every terminal has, by their usual values.
_SIXTEEN: dict[str, tuple[int, int, int]] = {
    "black": (0, 0, 0), "dark red": (205, 0, 0), "dark green": (0, 205, 0),
    "brown": (205, 205, 0), "dark blue": (0, 0, 238), "dark magenta": (205, 0, 205),
    "dark cyan": (0, 205, 205), "light gray": (229, 229, 229), "dark gray": (127, 127, 127),
    "light red": (255, 0, 0), "light green": (0, 255, 0), "yellow": (255, 255, 0),
    "light blue": (92, 92, 255), "light magenta": (255, 0, 255), "light cyan": (0, 255, 255),
    "white": (255, 255, 255),
}  # fmt: skip
_NAMES = tuple(_SIXTEEN)  # in the order of their numbers
_GREYS = 232
_OWN_ATTRIBUTES = {
    "bold": "bold", "dim": "faint", "italic": "italics", "underline": "underline",
    "blink": "blink", "reverse": "standout", "strike": "strikethrough",
}  # fmt: skip
_DARK = ("red", "green", "blue", "magenta", "cyan")


def palette(colours: WatchColoursTable, depth: int) -> list[PaletteEntry]:
    """An entry of urwid's for each style.

    Args:
        colours: of each style.
        depth: how many colours the terminal has; 1: none.
    """
    return [_entry(style, getattr(colours, style), depth) for style in colours.__struct_fields__]


def _entry(style: str, said: str, depth: int) -> PaletteEntry:
    colour, *attributes = said.split(" ")
    more = [_THEIRS.get(one, one) for one in attributes if one in _ATTRIBUTES]
    exact = colour.startswith("#")
    name = _nearest(colour) if exact else _name(colour)
    low = ",".join([name, *more])
    high = ",".join([colour if exact and depth >= _HIGH else name, *more])
    mono = ",".join(more)
    return (style, low, "default", mono, high, "default")


def spec_of(style: Style, depth: int) -> Spec:
    """What urwid needs to draw a style of a pane's own; without colours the attributes are left.

    Args:
        style: any.
        depth: how many colours the terminal has; 1: none.
    """
    more = [theirs for ours, theirs in _OWN_ATTRIBUTES.items() if getattr(style, ours)]
    if depth < len(_NAMES):
        return (",".join(more), "", 1)
    fg, bg = (_own(colour, depth) for colour in (style.fg, style.bg))
    exact = depth > _HIGH and "#" in fg + bg
    colours: Depth = 16777216 if exact else 256 if depth >= _HIGH else 16
    return (",".join([fg, *more]), bg, colours)


def _own(colour: Colour | None, depth: int) -> str:
    if colour is None:
        return "default"
    if isinstance(colour, str):
        return colour if depth >= _HIGH else _nearest(colour)
    if colour < len(_NAMES):
        return _NAMES[colour]  # the terminal's own
    return f"h{colour}" if depth >= _HIGH else _nearest(_exact(colour))


def _exact(colour: int) -> str:
    """A colour of the palette of 256 beyond the first 16: a cube, then greys."""
    if colour >= _GREYS:
        return "#" + f"{8 + 10 * (colour - _GREYS):02x}" * 3
    levels = (0, 95, 135, 175, 215, 255)
    colour -= len(_NAMES)
    return "#" + "".join(f"{levels[colour // step % 6]:02x}" for step in (36, 6, 1))


def _name(colour: str) -> str:
    if colour in _DARK:
        return f"dark {colour}"
    return colour.replace("-", " ")


def _nearest(colour: str) -> str:
    wanted = tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return min(
        _SIXTEEN,
        key=lambda name: sum((a - b) ** 2 for a, b in zip(wanted, _SIXTEEN[name], strict=True)),
    )
