"""What each key does: the table of actions, and the keys that the settings give them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tmuxpulse.config.settings import WatchKeysTable
from tmuxpulse.config.words import descriptions
from tmuxpulse.errors import UsageError

# How a key is written in the settings, where the terminal's library calls it something else.
NAMES = {"space": " "}
_SPOKEN = {
    " ": "Space", "up": "↑", "down": "↓", "left": "←", "right": "→", "page up": "PgUp",
    "page down": "PgDn", "enter": "Enter", "esc": "Esc", "tab": "Tab", "shift tab": "Shift-Tab",
    "home": "Home", "end": "End", "insert": "Ins", "delete": "Del", "backspace": "Backspace",
}  # fmt: skip
REPLAY_ONLY = frozenset({"seek_back", "seek_on", "slower", "faster"})


class KeyTwice(UsageError):
    """A key has two actions.

    Attributes:
        action: the second of them.
    """

    def __init__(self, key: str, first: str, action: str) -> None:
        super().__init__(
            f'watch_keys.{action}: "{written(key)}" is taken by {first}; give one of them another'
        )
        self.action = action


class Help(NamedTuple):
    """A line of the help."""

    action: str
    keys: str
    text: str


def written(key: str) -> str:
    """A key as the settings write it."""
    return next((name for name, theirs in NAMES.items() if theirs == key), key)


def spoken(key: str) -> str:
    """A key as a person calls it."""
    if key.startswith("ctrl "):
        return f"Ctrl-{key[5:].upper()}"
    if key.startswith("meta "):
        return f"Alt-{key[5:]}"
    return _SPOKEN.get(key, key.upper() if len(key) > 1 else key)


class KeyMap:
    """Which key does what.

    Args:
        table: the settings.

    Raises:
        KeyTwice: a key has two actions.
    """

    def __init__(self, table: WatchKeysTable) -> None:
        self._actions: dict[str, str] = {}
        self._keys: dict[str, tuple[str, ...]] = {}
        for action in table.__struct_fields__:
            keys = tuple(NAMES.get(key, key) for key in getattr(table, action))
            for key in keys:
                if self._actions.setdefault(key, action) != action:
                    raise KeyTwice(key, self._actions[key], action)
            self._keys[action] = keys

    def action(self, key: str) -> str | None:
        """What a key does; None: nothing."""
        return self._actions.get(key)

    def hint(self, action: str) -> str:
        """The first key of an action, as a person calls it; empty: it has none."""
        return next((spoken(key) for key in self._keys[action]), "")

    def help(self, *, replay: bool = False) -> list[Help]:
        """A line for each action that has a key."""
        texts = _texts()
        return [
            Help(action, " ".join(map(spoken, keys)), texts[action])
            for action, keys in self._keys.items()
            if keys and (replay or action not in REPLAY_ONLY)
        ]


def reference() -> str:
    """The table of keys for the documentation, in Markdown."""
    lines = ["| key | action | what it does |", "|---|---|---|"]
    for one in KeyMap(WatchKeysTable()).help(replay=True):
        keys = " ".join(f"`{key}`" for key in one.keys.split(" "))
        lines.append(f"| {keys} | `{one.action}` | {one.text} |")
    return "\n".join(lines)


def _texts() -> Mapping[str, str]:
    return {
        action: text.rstrip(".").replace("``", "")
        for action, text in descriptions(WatchKeysTable).items()
    }
