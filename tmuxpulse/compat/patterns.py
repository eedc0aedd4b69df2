"""What windows are for, by their names and programs; what may be a name; in the known shape."""

from __future__ import annotations

import re
from typing import ClassVar

_WORD = re.compile(r"[a-z]+")
_NOT_IN_SESSION = re.compile(r"[:.\\/\x00-\x1f\x7f]")


class AgentStatus:
    """The statuses of agents, by the names that the shape has for them."""

    READY: ClassVar[str] = "ready"
    BUSY: ClassVar[str] = "busy"
    WAITING: ClassVar[str] = "waiting"
    ERROR: ClassVar[str] = "error"
    UNKNOWN: ClassVar[str] = "unknown"


class TmuxPatterns:
    """What a window is for. A subclass may have other words.

    Attributes:
        CLAUDE_INDICATORS: texts in the name of a program that is an agent, or runs one.
        WINDOW_TYPES: kinds of windows, and whole words in their names.
    """

    CLAUDE_INDICATORS: ClassVar[list[str]] = ["claude", "node"]
    WINDOW_TYPES: ClassVar[dict[str, list[str]]] = {
        "CLAUDE_AGENT": ["claude"],
        "PROJECT_MANAGER": ["pm", "manager"],
        "DEV_SERVER": ["dev", "server"],
        "SHELL": ["shell", "bash", "zsh", "fish", "sh"],
    }

    @classmethod
    def is_claude_process(cls, process: str) -> bool:
        """Tell whether a program is an agent, or may run one."""
        return any(one.lower() in process.lower() for one in cls.CLAUDE_INDICATORS)

    @classmethod
    def detect_window_type(cls, window_name: str, process: str = "") -> str:
        """The kind of a window, by its program before its name; ``UNKNOWN``: none of them."""
        if cls.is_claude_process(process):
            return "CLAUDE_AGENT"
        words = set(_WORD.findall(window_name.lower()))
        for kind, names in cls.WINDOW_TYPES.items():
            if words.intersection(names):
                return kind
        return "UNKNOWN"


class TmuxValidation:
    """What may be named."""

    @staticmethod
    def validate_session_name(name: object) -> bool:
        """Tell whether tmux keeps a session's name as it is, and a target can hold it."""
        return isinstance(name, str) and bool(name) and _NOT_IN_SESSION.search(name) is None

    @staticmethod
    def validate_window_index(index: object) -> bool:
        """Tell whether it is a number, or the text of one."""
        if isinstance(index, str):
            return index.isascii() and index.isdigit()
        return isinstance(index, int) and not isinstance(index, bool) and index >= 0

    @staticmethod
    def sanitize_keys(keys: str) -> str:
        """Keys for tmux: as they are, since no shell reads them; but no argument can hold a NUL."""
        return keys.replace("\0", "")
