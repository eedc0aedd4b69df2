r"""Writes orders as a script for tmux's `source-file`.

Nothing of an order can become another command, a format or a shell:

- ids, keys and numbers are checked (`orders.check`) and have no other form;
- text to type is written as hexadecimal bytes (`send-keys -H`), so tmux's parser sees none of it,
  and no table of Unicode decides what arrives;
- names and paths, which tmux expands as formats (`#(...)` runs a shell), are escaped for that and
  then quoted (`literal`, `control.quote`).

The script is one line whose commands are joined by ` ; `: tmux drops the rest of a line when a
command fails, and runs a line without letting another client's commands in between. Bounds of such
a line, measured on 3.3a: about 10,000 words in one command (its parser's stack), megabytes in one
word and in all; but a line of n commands costs n squared (2,000 take 0.1 s, 20,000 take 4 s, in
which the user's server does nothing else), hence `MAX_ORDERS` and `MAX_TEXT_BYTES`.

Two things are left to the user's own settings: `synchronize-panes` gives what is typed into one
pane to the others of its window, and hooks run after our commands as after anybody's.

This module does not know how a script is run, nor what it prints: that is `outcomes`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from tmuxpulse.tmux.control import quote
from tmuxpulse.tmux.keys import canonical
from tmuxpulse.tmux.orders import (
    Capture,
    Interrupt,
    KillPane,
    NewWindow,
    Order,
    RenameSession,
    RenameWindow,
    Select,
    SendKeys,
    SendText,
    Split,
    check_all,
)
from tmuxpulse.tmux.styled import ABOUT_FORMAT

# Option names that do not exist: asking for one is how a script fails with a reason of ours.
PANE_DEAD: Final = "@tmuxpulse-pane-dead"
INPUT_OFF: Final = "@tmuxpulse-input-off"

_CHUNK_BYTES = 128  # of one `send-keys -H`: the cheapest of 8 to 8,192 (3 us a byte on 3.3a)
# The last name is an option a pane can have; what it prints, if it is set, is not taken.
_READY = f"#{{?pane_dead,{PANE_DEAD},#{{?pane_input_off,{INPUT_OFF},remain-on-exit}}}}"
_MADE = "#{session_id} #{window_id} #{pane_id}"
# tmux's own default is the directory of the client that asks, which is ours.
_SESSION_PATH = "'#{session_path}'"
_NONCE = re.compile(r"[0-9a-f]{8,64}")


def script(orders: Sequence[Order], nonce: str) -> bytes:
    """Write the orders as one line for `source-file -`; `outcomes` reads what it prints.

    After each order stands its marker, which is printed when everything up to there went well.

    Args:
        orders: what to do, in order; the first that fails ends it.
        nonce: 8 to 64 hexadecimal digits, made anew for each run, so that nothing in a pane can
            know it.

    Raises:
        RequestError: as `check_all`; nothing becomes a script unchecked.
        ValueError: the nonce is none.
    """
    if not _NONCE.fullmatch(nonce):
        raise ValueError("a nonce is 8 to 64 hexadecimal digits")
    check_all(orders)
    commands: list[str] = []
    for number, order in enumerate(orders, 1):
        commands += _commands(order)
        commands.append(f"display-message -p '{nonce} {number} {_kind(order)}'")
    return (" ; ".join(commands) + "\n").encode()


def _kind(order: Order) -> str:
    """How what an order prints is read: not at all, as text, as a screen in colour."""
    if isinstance(order, Capture) and order.styled:
        return "*"
    return "+" if isinstance(order, NewWindow | Split | Capture) else "-"


def literal(text: str) -> str:
    """Escape a text for a place where tmux expands formats, so that it comes out as it is.

    A run of `#` is doubled, except before `[`: there tmux keeps it for the style it takes it for.
    """
    return re.sub(r"#+(?![#\[])", lambda run: run[0] * 2, text)


def _commands(order: Order) -> list[str]:
    match order:
        case SendText() | SendKeys() | Interrupt():
            return [*_awake(order.pane_id), *_pressed(order)]
        case Select(pane_id, window_id, session_id):
            return _selected(pane_id, window_id, session_id)
        case NewWindow() | Split():
            return [_made(order)]
        case RenameWindow(window_id, name):
            command = f"rename-window -t '{window_id}' -- {quote(literal(name))}"
        case RenameSession(session_id, name):
            command = f"rename-session -t '{session_id}' -- {quote(literal(name))}"
        case KillPane(pane_id):
            command = f"kill-pane -t '{pane_id}'"
        case Capture(pane_id, lines, styled=True):
            # What tells of the screen comes last: of an output that is too long the end is kept.
            return [
                f"capture-pane -e -N -p -t '{pane_id}' -S {-lines}",
                f"display-message -p -t '{pane_id}' '{ABOUT_FORMAT}'",
            ]
        case Capture(pane_id, lines):
            command = f"capture-pane -p -t '{pane_id}' -S {-lines}"
    return [command]


def _awake(pane_id: str) -> list[str]:
    """Fail where keys would be lost without a word; end copy mode and the like, which eat them.

    In a mode, `send-keys` looks each key up in the mode's table: text would become commands.
    """
    return [f"show-options -p -t '{pane_id}' '{_READY}'", f"copy-mode -q -t '{pane_id}'"]


def _pressed(order: SendText | SendKeys | Interrupt) -> list[str]:
    send = f"send-keys -t '{order.pane_id}'"
    match order:
        case SendText(_, text, enter):
            data = text.replace("\n", "\r").encode()
            chunks = (data[at : at + _CHUNK_BYTES] for at in range(0, len(data), _CHUNK_BYTES))
            return [f"{send} -H {chunk.hex(' ')}" for chunk in chunks] + [f"{send} Enter"] * enter
        case SendKeys(_, keys):
            return [f"{send} -- " + " ".join(quote(canonical(key) or "") for key in keys)]
        case Interrupt():
            return [f"{send} C-c"]


def _selected(pane_id: str, window_id: str, session_id: str) -> list[str]:
    window = f"{session_id}:{window_id}" if session_id else window_id or pane_id
    # -Z: when the window is zoomed, the newly selected pane is the zoomed one.
    pane = [f"select-pane -Z -t '{pane_id}'"] if pane_id else []
    return [f"select-window -t '{window}'", *pane]


def _made(order: NewWindow | Split) -> str:
    match order:
        case NewWindow(session_id, name, path):
            command = f"new-window -t '{session_id}:'" + (name and f" -n {quote(literal(name))}")
        case Split(pane_id, horizontal, path):
            command = f"split-window {'-h' if horizontal else '-v'} -t '{pane_id}'"
    start = quote(literal(path)) if path else _SESSION_PATH
    return f"{command} -d -P -F '{_MADE}' -c {start}"
