"""The styles as a terminal's palette: for 1, 16, 256 colours or all of them. Pure."""

from __future__ import annotations

from tmuxpulse.config.settings import WatchColoursTable

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
