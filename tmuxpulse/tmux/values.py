"""What a text, a key, a name, a path may hold before it is let near tmux.

Each check returns nothing, or refuses with the field and what is wrong with it. It does not know
which order a value is for, nor how it is written for tmux.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final, NoReturn

from tmuxpulse.errors import RequestError
from tmuxpulse.tmux.keys import EXAMPLES, canonical

MAX_TEXT: Final = 16_384  # characters of one text to type
MAX_KEYS: Final = 256
MAX_NAME: Final = 200
MAX_PATH: Final = 4095  # bytes; what Linux can open
MAX_HISTORY_LINES: Final = 10_000

_SURROGATES_AND_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"
_NOT_IN_TEXT = re.compile(f"[{_SURROGATES_AND_CONTROLS}]")
_NOT_IN_PATH = re.compile(f"[{_SURROGATES_AND_CONTROLS}\t\n]")
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NOT_IN_NAME = ("Cc", "Cs", "Cn", "Zl", "Zp")
# tmux stores these with a backslash before them.
_ESCAPED_IN_NAME = re.compile(r"\\|\$(?=[A-Za-z_{])")
_IDS = {sign: re.compile(f"{re.escape(sign)}[0-9]{{1,10}}") for sign in "%@$"}


def refuse(field: str, what: str) -> NoReturn:
    """Refuse a field of a request.

    Raises:
        RequestError: always; `INVALID_REQUEST`.
    """
    raise RequestError("INVALID_REQUEST", f"{field}: {what}")


def check_id(field: str, value: str, sign: str) -> None:
    """Take an id of tmux's own, by its sign: `%` a pane, `@` a window, `$` a session."""
    if not _IDS[sign].fullmatch(value):
        refuse(field, f'must be {sign} and a number, for example "{sign}1"')


def check_text(text: str, *, enter: bool) -> None:
    """Take a text to type: newlines and tabs, but no other control and no lone surrogate."""
    if not text and not enter:
        refuse("text", "is empty")
    if len(text) > MAX_TEXT:
        refuse("text", f"is longer than {MAX_TEXT} characters")
    if bad := _NOT_IN_TEXT.search(text):
        refuse("text", f"holds {bad[0]!a}; keys are sent with send-keys")


def check_keys(keys: Sequence[str]) -> None:
    """Take keys that `keys.canonical` knows."""
    if not 1 <= len(keys) <= MAX_KEYS:
        refuse("keys", f"must be from 1 to {MAX_KEYS}")
    for index, key in enumerate(keys):
        if canonical(key) is None:
            refuse(f"keys[{index}]", f"{key[:40]!a} is not a key; write {EXAMPLES}")


def check_name(name: str) -> None:
    """Take a name that tmux keeps and shows as it is.

    What cannot be told: a character newer than the C library of the tmux server, which tmux keeps
    as octal digits.
    """
    if not 1 <= len(name) <= MAX_NAME:
        refuse("name", f"must have 1 to {MAX_NAME} characters")
    for character in name:
        if character in _BIDI or unicodedata.category(character) in _NOT_IN_NAME:
            refuse("name", f"holds {character!a}, which no name can have")
    if bad := _ESCAPED_IN_NAME.search(name):
        refuse("name", f"holds {bad[0]!a} where tmux would write a backslash before it")
    if "#[" in name:
        refuse("name", 'holds "#[", which tmux takes for a style in the status line')


def check_path(path: str) -> None:
    """Take an absolute path, or nothing."""
    if path and not path.startswith("/"):
        refuse("path", 'must be absolute, for example "/home/me/project"')
    if bad := _NOT_IN_PATH.search(path):
        refuse("path", f"holds {bad[0]!a}")
    if len(path.encode()) > MAX_PATH:
        refuse("path", f"is longer than {MAX_PATH} bytes")


def check_session_name(name: str) -> None:
    """Take a name that `check_name` takes and that tmux leaves to a session, too."""
    check_name(name)
    if ":" in name or "." in name:
        refuse("name", 'of a session cannot hold ":" or ".": tmux would write "_"')


def check_lines(lines: int) -> None:
    """Take a number of lines of history."""
    if not 0 <= lines <= MAX_HISTORY_LINES:
        refuse("lines", f"must be from 0 to {MAX_HISTORY_LINES}")
