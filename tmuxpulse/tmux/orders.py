"""What a client may have done in tmux: typed orders, and what is allowed in them.

Every order names what it acts on by tmux's own id, and every field has a check, so nothing of an
order can become another command, a format or a shell; `scripts` says how the rest of that is kept.
There is no order that takes a command: what is made runs the user's own shell.

What this module refuses to know: names of panes that are not ids, who asks and whether they may,
and how an order is written for tmux.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec

from tmuxpulse.errors import RequestError
from tmuxpulse.tmux.values import (
    check_id,
    check_keys,
    check_lines,
    check_name,
    check_path,
    check_session_name,
    check_text,
    refuse,
)

MAX_ORDERS: Final = 64  # in one script
MAX_TEXT_BYTES: Final = 65_536  # of all texts of a script together; 0.2 s of the server's time

_SIGNS = (("pane_id", "%"), ("window_id", "@"), ("session_id", "$"))


class SendText(msgspec.Struct, frozen=True):
    """Type a text into a pane, and Enter after it when `enter`.

    A newline in the text arrives as CR: what Enter gives, and what tmux's own `paste-buffer` makes
    of it. So each line is entered as if it had been typed.
    """

    pane_id: str
    text: str
    enter: bool = False


class SendKeys(msgspec.Struct, frozen=True):
    """Press keys in a pane, by the names that `keys.canonical` takes."""

    pane_id: str
    keys: tuple[str, ...]


class Interrupt(msgspec.Struct, frozen=True):
    """Press Control-C in a pane."""

    pane_id: str


class Select(msgspec.Struct, frozen=True):
    """Make a window its session's current one, or a pane its window's, and that window current.

    Attributes:
        session_id: which session, when the window is in several; needs `window_id`.
    """

    pane_id: str = ""
    window_id: str = ""
    session_id: str = ""


class RenameWindow(msgspec.Struct, frozen=True):
    """Give a window a name; tmux then no longer names it by itself."""

    window_id: str
    name: str


class RenameSession(msgspec.Struct, frozen=True):
    """Give a session a name."""

    session_id: str
    name: str


class NewWindow(msgspec.Struct, frozen=True):
    """Open a window with the user's shell behind the others, without selecting it.

    Its output is the ids of what was made: `$1 @2 %3`.

    Attributes:
        name: nothing leaves it to tmux.
        path: where it starts; nothing is the session's directory. Where there is no such
            directory, tmux takes the user's home.
    """

    session_id: str
    name: str = ""
    path: str = ""


class Split(msgspec.Struct, frozen=True):
    """Open a pane with the user's shell beside (`horizontal`) or below another one.

    Not selected; output and `path` as of `NewWindow`. A zoomed window is unzoomed by it.
    """

    pane_id: str
    horizontal: bool
    path: str = ""


class KillPane(msgspec.Struct, frozen=True):
    """End a pane; with the last one its window, its session and in the end the server."""

    pane_id: str


class Capture(msgspec.Struct, frozen=True):
    """Read a pane's screen, and `lines` of the history above it; `styled`: with its colours."""

    pane_id: str
    lines: int = 0
    styled: bool = False


Order: TypeAlias = (
    SendText | SendKeys | Interrupt | Select | RenameWindow | RenameSession | NewWindow | Split
    | KillPane | Capture
)  # fmt: skip


def check(order: Order) -> None:
    """Refuse an order that holds anything but what its fields are for.

    Raises:
        RequestError: `INVALID_REQUEST`; the text begins with the field.
    """
    _check_ids(order)
    match order:
        case SendText(_, text, enter):
            check_text(text, enter=enter)
        case SendKeys(_, keys):
            check_keys(keys)
        case RenameWindow(_, name):
            check_name(name)
        case RenameSession(_, name):
            check_session_name(name)
        case NewWindow(_, name, path):
            check_name(name or "-")  # no name is tmux's choice
            check_path(path)
        case Split(_, _, path):
            check_path(path)
        case Capture(_, lines):
            check_lines(lines)
        case Select() | Interrupt() | KillPane():
            pass  # ids are all they have


def check_all(orders: Sequence[Order]) -> None:
    """Refuse a batch that is too large, or holds an order that `check` refuses.

    Raises:
        RequestError: `INVALID_REQUEST`; the text begins with the place: `commands[2].name: ...`.
    """
    if not 1 <= len(orders) <= MAX_ORDERS:
        refuse("commands", f"must be from 1 to {MAX_ORDERS}")
    for index, order in enumerate(orders):
        _check_at(index, order)
    typed = sum(len(order.text.encode()) for order in orders if isinstance(order, SendText))
    if typed > MAX_TEXT_BYTES:
        refuse("commands", f"hold more than {MAX_TEXT_BYTES} bytes of text together")


def _check_at(index: int, order: Order) -> None:
    try:
        check(order)
    except RequestError as error:
        raise RequestError(error.code, f"commands[{index}].{error}") from None


def _check_ids(order: Order) -> None:
    if isinstance(order, Select):
        if not (order.pane_id or order.window_id):
            refuse("pane_id", "a pane or a window is needed")
        if order.session_id and not order.window_id:
            refuse("session_id", "needs window_id beside it")
    for field, sign in _SIGNS:
        value = getattr(order, field, None)
        if value is not None and not (value == "" and isinstance(order, Select)):
            check_id(field, value, sign)
