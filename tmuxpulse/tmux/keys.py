"""Which keys may be sent, under tmux's own names for them.

A list of what is allowed, not of what is forbidden: tmux types a name that it does not know, or
that it cannot encode for the pane's program, as text (`S-Enter` appears as seven letters on 3.3a).
So only combinations that every release from 3.2 sends as one key, without extended keys, are here.

This module does not know panes or commands.
"""

from __future__ import annotations

from typing import Final

EXAMPLES: Final = '"Enter", "C-c", "M-x", "S-Up", "F5" or one character such as "y"'

# Keys with a code for every combination of Control, Meta and Shift.
_MOVING = (
    "Up", "Down", "Left", "Right", "Home", "End",
    "PageUp", "PPage", "PgUp", "PageDown", "NPage", "PgDn",
    "IC", "Insert", "DC", "Delete",
    *(f"F{number}" for number in range(1, 13)),
)  # fmt: skip
# Keys that only Meta (an escape before them) leaves what they are.
_FIXED = (
    "Enter", "Escape", "Tab", "BTab", "Space", "BSpace",
    "KP/", "KP*", "KP-", "KP+", "KP.", "KPEnter",
    *(f"KP{digit}" for digit in range(10)),
)  # fmt: skip
_NAMES = {name.lower(): name for name in (*_MOVING, *_FIXED)}
# Characters that have a control character: Control and one of the others types its name.
_CONTROLLED = frozenset("abcdefghijklmnopqrstuvwxyz@[\\]^_?")
_MODIFIERS = "CMS"

_ANY = frozenset(_MODIFIERS)
_META = frozenset("M")
_CONTROL_META = frozenset("CM")


def canonical(key: str) -> str | None:
    """Give tmux's spelling of a key, or None when it may not be sent.

    A name is read in any case, as tmux does; a single character stays as it is, but for a letter
    with Control, where there is no difference (`C-C` is `C-c`).

    Args:
        key: a name such as `Enter` or one printable character, with any of `C-`, `M-`, `S-`
            before it, each at most once.
    """
    modifiers: set[str] = set()
    rest = key
    while len(rest) > 2 and rest[1] == "-" and rest[0].upper() in _MODIFIERS:  # noqa: PLR2004  # `C-` and one more
        modifier = rest[0].upper()
        if modifier in modifiers:
            return None
        modifiers.add(modifier)
        rest = rest[2:]
    if rest == " ":
        rest = "Space"
    if len(rest) == 1:
        name: str | None = rest if rest.isprintable() else None
        if "C" in modifiers:
            name = rest.lower()
        allowed = _CONTROL_META if rest.lower() in _CONTROLLED else _META
    else:
        name = _NAMES.get(rest.lower())
        allowed = _ANY if name in _MOVING else _CONTROL_META if name == "Space" else _META
    if name is None or not modifiers <= allowed:
        return None
    return "".join(f"{modifier}-" for modifier in _MODIFIERS if modifier in modifiers) + name


def every_key() -> list[str]:
    """Every key with a name and every ASCII character, with each combination allowed for it."""
    bare = [*_MOVING, *_FIXED, *map(chr, range(0x21, 0x7F))]
    prefixes = ("", "C-", "M-", "S-", "C-M-", "C-S-", "M-S-", "C-M-S-")
    every = (prefix + key for key in bare for prefix in prefixes)
    return [key for key in every if canonical(key) == key]
