"""What may reach a terminal: text that cannot steer it, and whether colour is wanted.

The server has taken escapes out of what panes print; this is the second lock, at the only place
where text of others meets the user's terminal. Nothing here knows events.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

TAB_CELLS = 4

# C0, DEL and C1; marks and isolates that reorder text; line and paragraph separators; deprecated
# and annotating format characters; tags; and half surrogates, which nothing can encode.
_STEERING = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb\ufeff"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
_C0_PICTURES = 0x2400
_DEL_PICTURE = "\u2421"

BOLD, DIM = "1", "2"
RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN = "31", "32", "33", "34", "35", "36"


def printable(text: str) -> str:
    """Text that prints as it stands, on one line.

    Tabs become spaces, control characters their pictures (``␛``), and what reorders or hides text
    ``\ufffd``. Cheap where there is nothing to do, which is nearly always.
    """
    if text.isascii() and text.isprintable():
        return text
    return _STEERING.sub(_harmless, text)


def harmless_json(line: str) -> str:
    """A JSON text with the same meaning that prints as it stands, by JSON's own escapes."""
    if line.isascii() and line.isprintable():
        return line
    return _STEERING.sub(_json_escape, line)


def wants_colour(environ: Mapping[str, str], *, is_terminal: bool, refused: bool) -> bool:
    """Decide on colour: ``--no-color``, then ``NO_COLOR``, ``CLICOLOR_FORCE``, then the terminal.

    Args:
        environ: the environment.
        is_terminal: whether the output goes to one.
        refused: whether the user said ``--no-color``.
    """
    if refused or environ.get("NO_COLOR"):
        return False
    if environ.get("CLICOLOR_FORCE", "0") != "0":
        return True
    return is_terminal and environ.get("TERM") != "dumb"


def styled(text: str, *codes: str) -> str:
    """Text between SGR codes; without any, the text."""
    return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if codes and text else text


def cells(text: str) -> int:
    """How many columns a text takes."""
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth  # 70 ms where it is slow, and most names do without

    return max(wcswidth(text), 0)


def padded(text: str, width: int) -> str:
    """Text with spaces up to `width` columns."""
    return text + " " * (width - cells(text))


def clipped(text: str, width: int) -> str:
    """Text of at most `width` columns, with an ellipsis where it was cut."""
    if cells(text) <= width:
        return text
    kept = text[: max(width - 1, 0)]
    while kept and cells(kept) > width - 1:
        kept = kept[:-1]
    return f"{kept}…" if width > 0 else ""


def _harmless(found: re.Match[str]) -> str:
    character = found[0]
    if character == "\t":
        return " " * TAB_CELLS
    if character == "\x7f":
        return _DEL_PICTURE
    return chr(_C0_PICTURES + ord(character)) if character < " " else "\ufffd"


def _json_escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code > 0xFFFF:  # noqa: PLR2004  # beyond it JSON writes a pair
        code -= 0x10000
        return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
    return f"\\u{code:04x}"
