"""The visible screens of panes: the commands that read many in one go, and what they print.

Each screen follows a line that carries a nonce, so a pane that is gone is seen as one without
rows, and nothing that a screen shows can be taken for the next pane's.
"""

from __future__ import annotations

from collections.abc import Sequence

from tmuxpulse.tmux.formats import clean


def screen_commands(pane_ids: Sequence[str], nonce: str) -> list[str]:
    """The tmux commands whose output `parse_screens` reads, one a line."""
    commands: list[str] = []
    for pane_id in pane_ids:
        commands += [
            f"display-message -p '{nonce}S {pane_id[1:]}'",
            f"capture-pane -p -t '{pane_id}'",
        ]
    return commands


def parse_screens(body: bytes, nonce: str) -> dict[str, list[str]]:
    """Read the output of `screen_commands`.

    Returns:
        For each pane that is still there its rows, top to bottom, without trailing blanks.
    """
    screens: dict[str, list[str]] = {}
    for part in body.decode("utf-8", "replace").split(f"{nonce}S ")[1:]:
        number, *rows = part.removesuffix("\n").split("\n")
        if rows:
            screens[f"%{number}"] = [clean(row).rstrip() for row in rows]
    return screens
