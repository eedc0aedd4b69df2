"""Where the statements before the first table of a TOML text are. Pure.

Only of a text that a TOML parser has taken; what keys mean is not known here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from tmuxpulse.errors import UsageError

_LINE: Final = re.compile(r"[^\n]*(?:\n|\Z)")
# What stands for itself in a value, comments and line ends aside.
_TOKEN: Final = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}'
    r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|[^\"'#\n\[\]{}]+"
    r"|[\[\]{}]",
    re.DOTALL,
)
_KEY: Final = re.compile(r"""[ \t]*("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*=[ \t]*""")


class Statement(msgspec.Struct, frozen=True):
    """A key and its value, on one or more whole lines.

    Attributes:
        key: as it means; empty for one of several parts.
        start: where its first line begins.
        end: behind its last line, with the line's end where it has one.
    """

    key: str
    start: int
    end: int


def parse(text: str, where: str) -> dict[str, Any]:
    """Read a TOML text.

    Raises:
        UsageError: it is no TOML; with the line where the parser tells it.
    """
    try:
        found: dict[str, Any] = msgspec.toml.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        said = " ".join(str(error).split())[:200]
        told = re.search(r"at line (\d+)", said)
        line = told[1] if told else text.count("\n") + 1  # else it is about the end
        raise UsageError(f"{where}:{line}: not TOML: {said}; nothing done") from None
    return found


def statements(text: str) -> list[Statement]:
    """The statements before the first table."""
    found = []
    at = 0
    while at < len(text):
        line = _LINE.match(text, at)
        end = line.end() if line else len(text)
        content = text[at:end].strip()
        if content.startswith("["):
            break
        if content and not content.startswith("#"):
            end = _end(text, at)
            named = _KEY.match(text, at)
            found.append(Statement(_plain(named[1]) if named else "", at, end))
        at = end
    return found


def written(values: Sequence[str]) -> str:
    """Write an array of strings down, on one line."""
    return f"[{', '.join(_string(value) for value in values)}]"


def _end(text: str, at: int) -> int:
    """Behind the line on which the statement that begins here ends."""
    depth = 0
    while at < len(text):
        if text[at] == "#":
            at = _line_end(text, at)
        elif text[at] == "\n":
            at += 1
            if depth == 0:
                return at
        else:
            token = _TOKEN.match(text, at)
            if token is None:  # not in a text that was parsed
                return _line_end(text, at)
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
            at = token.end()
    return at


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found


def _plain(key: str) -> str:
    return key[1:-1] if key[0] in "\"'" else key


def _string(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
