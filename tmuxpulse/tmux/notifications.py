"""What tmux announces on a control connection: a type for each notification, a table to read it.

One row of `FORMS` per notification of tmux 3.2 to 3.7: the struct, the shape of its arguments, how
each argument becomes a field. The shapes are those of tmux's `control.c`, `control-notify.c`,
`cfg.c`, `cmd-display-message.c` and `client.c`; the manual is not exact (it leaves the id out of
`%session-renamed`).

This module knows single lines only. Framing, command replies and counting belong to `control.py`;
what a pane's bytes mean belongs to `text.py`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import msgspec


class Output(msgspec.Struct, frozen=True, gc=False):
    """A pane printed; `data` is exactly what it wrote, and may end inside a character."""

    pane: str
    data: bytes


class ExtendedOutput(msgspec.Struct, frozen=True, gc=False):
    """The same on a connection with `pause-after`; the data waited `age_ms` in tmux."""

    pane: str
    age_ms: int
    data: bytes


class Pause(msgspec.Struct, frozen=True, gc=False):
    """Output of the pane was dropped and is held back until it is continued."""

    pane: str


class Continue(msgspec.Struct, frozen=True, gc=False):
    """A paused pane's output comes again."""

    pane: str


class PaneModeChanged(msgspec.Struct, frozen=True, gc=False):
    """A pane entered or left a mode, such as copy mode."""

    pane: str


class WindowAdd(msgspec.Struct, frozen=True, gc=False):
    """A window was linked to the client's session."""

    window: str


class WindowClose(msgspec.Struct, frozen=True, gc=False):
    """A window of the client's session closed."""

    window: str


class WindowRenamed(msgspec.Struct, frozen=True, gc=False):
    """A window of the client's session has a new name."""

    window: str
    name: str


class UnlinkedWindowAdd(msgspec.Struct, frozen=True, gc=False):
    """A window appeared in another session."""

    window: str


class UnlinkedWindowClose(msgspec.Struct, frozen=True, gc=False):
    """A window that is not in the client's session closed, or has just left it."""

    window: str


class UnlinkedWindowRenamed(msgspec.Struct, frozen=True, gc=False):
    """A window of another session has a new name."""

    window: str
    name: str


class WindowPaneChanged(msgspec.Struct, frozen=True, gc=False):
    """A window's active pane is another one."""

    window: str
    pane: str


class LayoutChange(msgspec.Struct, frozen=True, gc=False):
    """A window's panes are arranged anew; `visible_layout` differs while a pane is zoomed."""

    window: str
    layout: str
    visible_layout: str
    flags: str


class SessionChanged(msgspec.Struct, frozen=True, gc=False):
    """This client is now attached to another session."""

    session: str
    name: str


class SessionRenamed(msgspec.Struct, frozen=True, gc=False):
    """A session, of this client or not, has a new name."""

    session: str
    name: str


class SessionWindowChanged(msgspec.Struct, frozen=True, gc=False):
    """A session's current window is another one."""

    session: str
    window: str


class SessionsChanged(msgspec.Struct, frozen=True, gc=False):
    """A session was created or destroyed; tmux does not say which."""


class ClientSessionChanged(msgspec.Struct, frozen=True, gc=False):
    """Another client is now attached to a session."""

    client: str
    session: str
    name: str


class ClientDetached(msgspec.Struct, frozen=True, gc=False):
    """Another client left."""

    client: str


class SubscriptionChanged(msgspec.Struct, frozen=True, gc=False):
    """A subscribed format has a new value; what the subscription is not about is None."""

    name: str
    session: str
    window: str | None
    window_index: int | None
    pane: str | None
    value: str


class Message(msgspec.Struct, frozen=True, gc=False):
    """Text that `display-message` would have shown in this client's status line (tmux 3.4)."""

    text: str


class ConfigError(msgspec.Struct, frozen=True, gc=False):
    """A line of the user's configuration could not be run (tmux 3.4)."""

    text: str


class PasteBufferChanged(msgspec.Struct, frozen=True, gc=False):
    """A paste buffer was set (tmux 3.4)."""

    name: str


class PasteBufferDeleted(msgspec.Struct, frozen=True, gc=False):
    """A paste buffer was deleted (tmux 3.4)."""

    name: str


class Exit(msgspec.Struct, frozen=True, gc=False):
    """The control client ends; `reason` is empty when it simply has no session any more."""

    reason: str


Notification: TypeAlias = (
    Output
    | ExtendedOutput
    | Pause
    | Continue
    | PaneModeChanged
    | WindowAdd
    | WindowClose
    | WindowRenamed
    | UnlinkedWindowAdd
    | UnlinkedWindowClose
    | UnlinkedWindowRenamed
    | WindowPaneChanged
    | LayoutChange
    | SessionChanged
    | SessionRenamed
    | SessionWindowChanged
    | SessionsChanged
    | ClientSessionChanged
    | ClientDetached
    | SubscriptionChanged
    | Message
    | ConfigError
    | PasteBufferChanged
    | PasteBufferDeleted
    | Exit
)

# A backslash that tmux did not write: it writes `\ooo` only, a backslash itself as `\134`.
_FOREIGN_ESCAPE = re.compile(rb"\\(?![0-3][0-7][0-7])")
_OCTAL = re.compile(rb"\\([0-3][0-7][0-7])")

# Left out of texts: C0, DEL and C1, the line separators, the bidi controls. Joiners stay: emoji
# need them.
_CONTROL_RANGES = (
    (0x00, 0x1F),
    (0x7F, 0x9F),
    (0x061C, 0x061C),
    (0x200E, 0x200F),
    (0x2028, 0x202E),
    (0x2066, 0x2069),
)
_CONTROLS = {code: None for first, last in _CONTROL_RANGES for code in range(first, last + 1)}


def unescape(payload: bytes) -> bytes:
    r"""Give back the bytes a pane wrote from the `\ooo` form of `%output`.

    A backslash that does not begin three octal digits up to `\377` stays as it is: tmux never
    writes one, so it is not for us to give it a meaning.
    """
    if b"\\" not in payload:
        return payload
    if _FOREIGN_ESCAPE.search(payload) is None:
        # It knows Python's other escapes too, hence the check.
        return codecs.escape_decode(payload)[0]
    return _OCTAL.sub(lambda match: bytes((int(match[1], 8),)), payload)


def clean_text(raw: bytes) -> str:
    """Decode a name or another text of tmux so that it can be printed anywhere.

    Invalid UTF-8 becomes U+FFFD; control characters and bidi controls are left out.
    """
    text = raw.decode("utf-8", "replace")
    return text if text.isprintable() else text.translate(_CONTROLS)


def _identifier(raw: bytes) -> str:
    return raw.decode("ascii")


def _identifier_or_none(raw: bytes) -> str | None:
    return None if raw == b"-" else raw.decode("ascii")


def _number_or_none(raw: bytes) -> int | None:
    return None if raw == b"-" else int(raw)


class Form(NamedTuple):
    """How a notification is written: its struct, its arguments' pattern, the reader of each."""

    struct: Callable[..., Notification]
    pattern: re.Pattern[bytes]
    readers: tuple[Callable[[bytes], object], ...]

    def parse(self, arguments: bytes) -> Notification | None:
        """Read what follows the name and one space; None when it is malformed."""
        match = self.pattern.fullmatch(arguments)
        if match is None:
            return None
        return self.struct(
            *[read(raw) for read, raw in zip(self.readers, match.groups(), strict=True)]
        )


def _form(
    struct: Callable[..., Notification], pattern: bytes, *readers: Callable[[bytes], object]
) -> Form:
    return Form(struct, re.compile(pattern, re.DOTALL), readers)


# Ids are C unsigned ints, the age an unsigned long long; the bounds keep `int` quick on any input.
_PANE = rb"(%\d{1,10})"
_WINDOW = rb"(@\d{1,10})"
_SESSION = rb"(\$\d{1,10})"
_REST = rb"(?: |$)(.*)"  # the last argument, to the end of the line; may be empty
_LATER = rb"(?: .*)?"  # arguments a later release may add after fixed ones
# Arguments "for future use" up to a single colon, says the manual; bounded against backtracking.
_RESERVED = rb"(?: \S+){0,16}? : (.*)"

FORMS: dict[bytes, Form] = {
    b"output": _form(Output, _PANE + _REST, _identifier, unescape),
    b"extended-output": _form(
        ExtendedOutput, _PANE + rb" (\d{1,20})" + _RESERVED, _identifier, int, unescape
    ),
    b"pause": _form(Pause, _PANE + _LATER, _identifier),
    b"continue": _form(Continue, _PANE + _LATER, _identifier),
    b"pane-mode-changed": _form(PaneModeChanged, _PANE + _LATER, _identifier),
    b"window-add": _form(WindowAdd, _WINDOW + _LATER, _identifier),
    b"window-close": _form(WindowClose, _WINDOW + _LATER, _identifier),
    b"window-renamed": _form(WindowRenamed, _WINDOW + _REST, _identifier, clean_text),
    b"unlinked-window-add": _form(UnlinkedWindowAdd, _WINDOW + _LATER, _identifier),
    b"unlinked-window-close": _form(UnlinkedWindowClose, _WINDOW + _LATER, _identifier),
    b"unlinked-window-renamed": _form(
        UnlinkedWindowRenamed, _WINDOW + _REST, _identifier, clean_text
    ),
    b"window-pane-changed": _form(
        WindowPaneChanged, _WINDOW + b" " + _PANE + _LATER, _identifier, _identifier
    ),
    # The flags are empty for a window that is neither current nor last nor anything else.
    b"layout-change": _form(
        LayoutChange,
        _WINDOW + rb" (\S+) (\S+)(?: |$)(\S*)" + _LATER,
        _identifier,
        clean_text,
        clean_text,
        clean_text,
    ),
    b"session-changed": _form(SessionChanged, _SESSION + _REST, _identifier, clean_text),
    b"session-renamed": _form(SessionRenamed, _SESSION + _REST, _identifier, clean_text),
    b"session-window-changed": _form(
        SessionWindowChanged, _SESSION + b" " + _WINDOW + _LATER, _identifier, _identifier
    ),
    b"sessions-changed": _form(SessionsChanged, rb".*"),
    # A client is named by its terminal, so the first thing like a session id is the session id.
    b"client-session-changed": _form(
        ClientSessionChanged, rb"(.+?) " + _SESSION + _REST, clean_text, _identifier, clean_text
    ),
    b"client-detached": _form(ClientDetached, rb"(.+)", clean_text),
    b"subscription-changed": _form(
        SubscriptionChanged,
        rb"(.+?) " + _SESSION + rb" (@\d{1,10}|-) (\d{1,10}|-) (%\d{1,10}|-)" + _RESERVED,
        clean_text,
        _identifier,
        _identifier_or_none,
        _number_or_none,
        _identifier_or_none,
        clean_text,
    ),
    b"message": _form(Message, rb"(.*)", clean_text),
    b"config-error": _form(ConfigError, rb"(.*)", clean_text),
    b"paste-buffer-changed": _form(PasteBufferChanged, rb"(.+)", clean_text),
    b"paste-buffer-deleted": _form(PasteBufferDeleted, rb"(.+)", clean_text),
    b"exit": _form(Exit, rb"(.*)", clean_text),
}
