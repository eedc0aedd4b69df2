"""One line that a person writes. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

PromptKind = Literal["search", "filter", "export"]
MAX_TEXT = 1000


class Prompt(msgspec.Struct, frozen=True):
    """What is written so far.

    Attributes:
        kind: what for.
        text: the line.
        cursor: how many characters are left of the cursor; None: all.
    """

    kind: PromptKind
    text: str = ""
    cursor: int | None = None

    @property
    def at(self) -> int:
        """Where the cursor is."""
        return len(self.text) if self.cursor is None else self.cursor

    def press(self, key: str) -> Prompt:
        """The line after a key; one that means nothing here changes nothing."""
        left, right = self.text[: self.at], self.text[self.at :]
        edit = _EDITS.get(key)
        if edit is not None:
            left, right = edit(left, right)
        elif len(key) == 1 and key.isprintable() and len(self.text) < MAX_TEXT:
            left += key
        return Prompt(self.kind, left + right, len(left))


def _without_word(left: str, right: str) -> tuple[str, str]:
    left = left.rstrip(" ")
    return left[: left.rfind(" ") + 1], right


# What is left and right of the cursor, after a key.
_EDITS: dict[str, Callable[[str, str], tuple[str, str]]] = {
    "backspace": lambda left, right: (left[:-1], right),
    "delete": lambda left, right: (left, right[1:]),
    "ctrl d": lambda left, right: (left, right[1:]),
    "ctrl u": lambda _left, right: ("", right),
    "ctrl k": lambda left, _right: (left, ""),
    "ctrl w": _without_word,
    "left": lambda left, right: (left[:-1], left[-1:] + right),
    "right": lambda left, right: (left + right[:1], right[1:]),
    "home": lambda left, right: ("", left + right),
    "ctrl a": lambda left, right: ("", left + right),
    "end": lambda left, right: (left + right, ""),
    "ctrl e": lambda left, right: (left + right, ""),
}
