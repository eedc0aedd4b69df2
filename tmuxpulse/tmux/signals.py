"""What a program says beside its text: bell, title, marks of a shell, notifications, progress.

`Strings` reads the control strings (OSC, and OSC in a tmux passthrough) that a parser has found
whole. It keeps nothing but one unfinished notification, and does not know where a string stood.

| string | signal | defined by |
|---|---|---|
| `0;T`, `2;T` | title | xterm |
| `133;A`, `B`, `C`, `D;N` | prompt, input, command start and end | FinalTerm; `cmdline=` by kitty |
| `9;T`, `777;notify;T;B`, `99;…` | notification | iTerm2, rxvt, kitty |
| `9;4;S;P` | progress | ConEmu |

What is not in the table gives nothing. Texts hold no control character and no bidi control, and at
most `MAX_SIGNAL_CHARACTERS`.
"""

from __future__ import annotations

import base64
import binascii
import re
import shlex
from collections.abc import Iterator
from typing import Final, Literal, TypeAlias, get_args
from urllib.parse import unquote

import msgspec

from tmuxpulse.tmux.escapes import PASSED_OSC, clean

MAX_SIGNAL_CHARACTERS: Final = 2048

ProgressState: TypeAlias = Literal["none", "normal", "error", "busy", "paused"]

# In the order of ConEmu's numbers.
_PROGRESS_STATES: Final[tuple[ProgressState, ...]] = get_args(ProgressState)
_PROGRESS = re.compile(r"4;([0-4])(?:;(\d{0,3}))?;?")
# ConEmu's other commands; without one, the text is iTerm2's notification.
_CONEMU = re.compile(r"(?:[1-9]|1[0-2])(?:;|$)")
_EXIT_STATUS = re.compile(r"D;(-?\d{1,10})(?:;|$)", re.ASCII)
_COMMAND_LINE = re.compile(r";cmdline(_url)?=(.*)", re.DOTALL)
_PASSTHROUGH: Final = "tmux;"


class Bell(msgspec.Struct, frozen=True):
    """The program rang the bell."""


class Title(msgspec.Struct, frozen=True):
    """The program set the pane's title."""

    text: str


class Prompt(msgspec.Struct, frozen=True):
    """A shell begins its prompt."""


class CommandInput(msgspec.Struct, frozen=True):
    """A shell has shown its prompt; the user types."""


class CommandStart(msgspec.Struct, frozen=True):
    """A shell starts a command; `command_line` where it says which."""

    command_line: str | None = None


class CommandEnd(msgspec.Struct, frozen=True):
    """A shell's command ended; `exit_status` where it says how."""

    exit_status: int | None = None


class Notification(msgspec.Struct, frozen=True):
    """The program asks for a desktop notification."""

    title: str
    body: str


class Progress(msgspec.Struct, frozen=True):
    """The program tells its progress; `percent` is None where none was given."""

    state: ProgressState
    percent: int | None = None


Signal: TypeAlias = (
    Bell | Title | Prompt | CommandInput | CommandStart | CommandEnd | Notification | Progress
)


class Strings:
    """Reads control strings, one after the other."""

    def __init__(self) -> None:
        self._open: _Kitty | None = None  # a notification of which more is to come

    def dcs(self, payload: str) -> Iterator[Signal]:
        r"""Read a DCS: tmux's passthrough may hold signals, with each ESC doubled."""
        if payload.startswith(_PASSTHROUGH):
            passed = payload[len(_PASSTHROUGH) :].replace("\x1b\x1b", "\x1b")
            for match in PASSED_OSC.finditer(passed):
                yield from self.osc(match[1])

    def osc(self, payload: str) -> Iterator[Signal]:
        """Read the text between `ESC ]` and its terminator."""
        number, _, rest = payload.partition(";")
        signal: Signal | None = None
        match number:
            case "0" | "2":
                signal = Title(_short(rest))
            case "133":
                signal = _mark(rest)
            case "9":
                signal = _conemu(rest)
            case "777" if rest.startswith("notify;"):
                title, _, body = rest.removeprefix("notify;").partition(";")
                signal = Notification(_short(title), _short(body))
            case "99":
                signal = self._kitty(rest)
        if signal is not None:
            yield signal

    def _kitty(self, rest: str) -> Notification | None:
        # https://sw.kovidgoyal.net/kitty/desktop-notifications/
        metadata, _, payload = rest.partition(";")
        keys = dict(pair.partition("=")[::2] for pair in metadata.split(":"))
        part = keys.get("p", "title")
        if part not in ("title", "body"):
            return None  # a button, an icon, a question to the terminal
        if keys.get("e") == "1":
            payload = _base64(payload)
        if self._open is None or self._open.name != keys.get("i", ""):
            self._open = _Kitty(keys.get("i", ""))
        notification = self._open.add(part, payload)
        if keys.get("d") == "0":
            return None
        self._open = None
        return notification


class _Kitty:
    """A notification that comes in pieces."""

    def __init__(self, name: str) -> None:
        self.name = name[:MAX_SIGNAL_CHARACTERS]
        self.parts = {"title": "", "body": ""}

    def add(self, part: str, payload: str) -> Notification:
        self.parts[part] = _short(self.parts[part] + payload)
        return Notification(self.parts["title"], self.parts["body"])


def _mark(rest: str) -> Signal | None:
    match rest[:1]:
        # k=s is the prompt of a continued line, k=r one at the right: no new prompt.
        case "A" if "k=s" not in rest and "k=r" not in rest:
            return Prompt()
        case "B":
            return CommandInput()
        case "C":
            return CommandStart(_command_line(rest))
        case "D":
            status = _EXIT_STATUS.match(rest)
            return CommandEnd(int(status[1]) if status else None)
    return None


def _command_line(rest: str) -> str | None:
    found = _COMMAND_LINE.search(rest)
    if found is None:
        return None
    text = found[2][: 3 * MAX_SIGNAL_CHARACTERS]
    return _short(unquote(text) if found[1] else _unquoted(text))


def _unquoted(text: str) -> str:
    """Undo a shell's `printf %q`, which makes one word of a line; anything else stays as it is."""
    try:
        words = shlex.split(text)
    except ValueError:
        return text
    return words[0] if len(words) == 1 else text


def _conemu(rest: str) -> Signal | None:
    progress = _PROGRESS.fullmatch(rest)
    if progress is None:
        return None if _CONEMU.match(rest) else Notification("", _short(rest))
    state = _PROGRESS_STATES[int(progress[1])]
    # Without a meaning for "none" and "busy", whatever a program sends along.
    tells = progress[2] and state not in ("none", "busy")
    return Progress(state, min(int(progress[2]), 100) if tells else None)


def _base64(payload: str) -> str:
    try:
        return base64.b64decode(payload + "=" * (-len(payload) % 4)).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return payload


def _short(text: str) -> str:
    return clean(text)[:MAX_SIGNAL_CHARACTERS]
