"""The visible screens of panes: the commands that read many in one go, and what they print.

Each screen follows a line that carries a nonce, so a pane that is gone is seen as one without
rows, and nothing that a screen shows can be taken for the next pane's. The cursor is asked for in
the same breath.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tmuxpulse.tmux.formats import clean

_CURSOR_FIELDS = ("cursor_x", "cursor_y", "alternate_on", "pane_width", "pane_height")


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What a pane shows.

    Attributes:
        rows: top to bottom, without trailing blanks.
        cursor_row: from 0; None when not known.
        cursor_column: from 0, in cells; None when not known.
        alternate: whether it is the alternate screen.
        width: in cells; 0 when not known.
        height: in rows; 0 when not known.
    """

    rows: list[str]
    cursor_row: int | None = None
    cursor_column: int | None = None
    alternate: bool = False
    width: int = 0
    height: int = 0


def cursor_format(nonce: str) -> str:
    """The format of the line that tells where the cursor is."""
    return f"{nonce}C {' '.join(f'#{{{field}}}' for field in _CURSOR_FIELDS)}"


def screen_commands(pane_ids: Sequence[str], nonce: str) -> list[str]:
    """The tmux commands whose output `parse_screens` reads, one a line."""
    commands: list[str] = []
    cursor = cursor_format(nonce)
    for pane_id in pane_ids:
        commands += [
            f"display-message -p '{nonce}S {pane_id[1:]}'",
            f"display-message -p -t '{pane_id}' '{cursor}'",
            f"capture-pane -p -t '{pane_id}'",
        ]
    return commands


def parse_screens(body: bytes, nonce: str) -> dict[str, Shown]:
    """Read the output of `screen_commands`; a pane that is gone is left out."""
    screens: dict[str, Shown] = {}
    for part in body.decode("utf-8", "replace").split(f"{nonce}S ")[1:]:
        number, *rows = part.removesuffix("\n").split("\n")
        told: list[str] = []
        if rows and rows[0].startswith(f"{nonce}C"):
            told = rows.pop(0).split()[1:]
        if not rows:
            continue
        texts = [clean(row).rstrip() for row in rows]
        if len(told) == len(_CURSOR_FIELDS) and all(map(str.isdecimal, told)):
            column, row, alternate, width, height = map(int, told)
            screens[f"%{number}"] = Shown(
                rows=texts,
                cursor_row=row,
                cursor_column=column,
                alternate=bool(alternate),
                width=width,
                height=height,
            )
        else:
            screens[f"%{number}"] = Shown(rows=texts)
    return screens
