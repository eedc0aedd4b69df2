"""What an entry of the audit log may hold, and how it is one line of JSON.

Everything is bounded and plain ASCII: control characters, marks that reorder text and everything
beyond ASCII are JSON escapes, so the file can be read in a terminal. What looks like a token is
masked, as a last line of defence: callers pass none. Pure; a value of any kind is survived.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping

from tmuxpulse.wire import rfc3339

MAX_TEXT = 256  # characters of a text
MAX_ITEMS = 16  # of a list
MAX_FIELDS = 24
MAX_NAME = 64  # characters of a field's name
MAX_BODY_BYTES = 8000
MAX_LINE_BYTES = 8192  # with number, hash and newline
MAX_INTEGER = 1 << 53  # what every reader of JSON can hold

MASK = "***"
_LOOKED_AT = 4096  # characters of a text that can still matter once tokens are masked
_SHORTER = (MAX_TEXT, 64, 16)
_OURS = frozenset({"n", "time", "action", "who", "prev"})
_TOKEN = re.compile(
    r"((?<![A-Za-z0-9])tp_[a-z0-9]+_)[A-Za-z0-9_~.+/=-]+"  # by itself, however short
    r"|(tp_[a-z0-9]{4,64}_)[A-Za-z0-9_~.+/=-]{8,}",  # within a word
    re.IGNORECASE,
)
_HALF = re.compile("[\ud800-\udfff]")


def body(seconds: float, action: str, who: str, fields: Mapping[str, object]) -> bytes:
    """Make the members of an entry, all but its number and its link.

    Args:
        seconds: when it happened, since the epoch.
        action: what.
        who: by whom.
        fields: more about it: text, numbers, booleans, lists of text; others become their type.

    Returns:
        JSON members between two commas, ASCII, at most `MAX_BODY_BYTES`.
    """
    about = list(fields.items())[:MAX_FIELDS]
    for most in _SHORTER:
        entry = {"time": rfc3339(seconds), "action": _text(action, most), "who": _text(who, most)}
        found = _members({**entry, **{_name(name): _value(value, most) for name, value in about}})
        if len(found) <= MAX_BODY_BYTES:
            return found
    return _members({**entry, "cut": True})


def line(n: int, members: bytes, prev: str) -> bytes:
    """Make the whole line, with its newline.

    Args:
        n: its number.
        members: from `body`.
        prev: the hash of the line before it.
    """
    return b'{"n":%d,%b,"prev":"%b"}\n' % (n, members, prev.encode("ascii"))


def masked(text: str) -> str:
    """Text without the secret part of what looks like a token; its id stays."""
    return _TOKEN.sub(lambda found: f"{found[1] or found[2]}{MASK}", text)


def _members(entry: Mapping[str, object]) -> bytes:
    return json.dumps(entry, separators=(",", ":"))[1:-1].encode("ascii")


def _name(name: object) -> str:
    text = _text(name, MAX_NAME)
    return f"{text}_" if text in _OURS else text


def _value(value: object, most: int) -> object:
    if isinstance(value, (bool, str)):
        return value if isinstance(value, bool) else _text(value, most)
    if isinstance(value, int):
        return int(value) if abs(value) <= MAX_INTEGER else "huge"
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else "not a number"
    if isinstance(value, (list, tuple)):
        return [_text(item, most) for item in value[:MAX_ITEMS]]
    return _text(value, most)


def _text(value: object, most: int) -> str:
    if not isinstance(value, str):
        return f"<{type(value).__name__[:MAX_NAME]}>"  # not what it holds: that may be a secret
    text = masked(_HALF.sub("\ufffd", value[:_LOOKED_AT]))
    return text if len(text) <= most else f"{text[: most - 1]}…"
