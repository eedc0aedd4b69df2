r"""Control mode (`tmux -C`): bytes in any chunking become notifications and command replies.

The rules of the protocol, as tmux 3.2 to 3.7 keep it:

- Everything is lines. A notification is `%name arguments`.
- Each command is answered by a block: `%begin TIME NUMBER FLAGS`, the body, then `%end` or
  `%error` with the same three numbers. Flag 1 says that this connection sent the command; flag 0
  is a hook's, or the attaching itself. A command list gives a block per command. Blocks do not
  nest, so a body may hold any other line, `%end 1 2 3` included.
- Despite the manual, a notification that a command itself causes can stand inside its block:
  `%pause` and `%continue` of `refresh-client -A` (seen on 3.3a), and every notification on a
  development head of 2026 (tmux #5458). A body is never searched for them, since a body can hold
  anything; see `notifications_in`.
- With `-CC` the stream opens with `ESC P1000p`, and on a terminal each line ends in CR LF.

A format that can hold a raw newline (`pane_current_path`) must not be subscribed to: its second
line would be read as the server's word.

This module knows bytes only. It opens nothing, waits for nothing and does not know which commands
were sent.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

import msgspec

from tmuxpulse.errors import ControlBroken
from tmuxpulse.tmux.notifications import FORMS, Notification

MAX_UNKNOWN_NAMES: Final = 64
OTHER_NAMES: Final = "(other)"

_OPENER = b"\x1bP1000p"
_NAME = re.compile(rb"%([a-z][a-z0-9-]{0,63})(?: |$)")
_GUARDS = (b"begin", b"end", b"error")
# Time (a signed long), number and flags; more may follow one day and has to be the same at the end.
_NUMBERS = re.compile(rb"-?\d{1,20} (\d{1,10}) (\d{1,10})(?: .*)?", re.DOTALL)
_UNQUOTABLE = re.compile(r"[\n\r\0]")


class Reply(msgspec.Struct, frozen=True):
    """What a command answered.

    Attributes:
        number: tmux's number of the command; it counts the commands of all clients.
        flags: 1 when this connection sent the command, 0 when tmux ran it on its own: a hook,
            the attaching.
        ok: False when tmux ended the block with `%error`; the lines then say why.
        lines: the body, raw, without line ends.
    """

    number: int
    flags: int
    ok: bool
    lines: tuple[bytes, ...]


Item: TypeAlias = Notification | Reply


class _Block:
    """A command's answer while it is coming in."""

    def __init__(self, guard: bytes, number: int, flags: int, *, crlf: bool) -> None:
        self.end = b"%end " + guard
        self.error = b"%error " + guard
        self.number = number
        self.flags = flags
        # A terminal adds a CR to every line; without one, a CR at a body line's end is its own.
        self.crlf = crlf
        self.lines: list[bytes] = []
        self.size = 0


class ControlParser:
    """Reads one control connection.

    Memory is bounded: by `max_line_bytes` for a line that has no end yet, by `max_reply_bytes` for
    a block that has none. Going beyond either breaks the connection.

    Args:
        max_line_bytes: longest line accepted, without its LF. Lines of `%output` are below 3 KiB.
        max_reply_bytes: largest body accepted; a line counts one more than its length.

    Attributes:
        unknown: how often a notification this package has no type for came, by name. Holds at most
            `MAX_UNKNOWN_NAMES` names; the rest is counted under `OTHER_NAMES`.
        malformed: how often the arguments of a known notification could not be read, by name.
        strays: lines outside a block that are no notification, such as a terminal's echo of what
            we sent (`-C`; there is none with `-CC`).
        broken: why the stream cannot be read any more, or None.
    """

    def __init__(self, *, max_line_bytes: int = 1 << 20, max_reply_bytes: int = 8 << 20) -> None:
        self._max_line_bytes = max_line_bytes
        self._max_reply_bytes = max_reply_bytes
        self._pending: list[bytes] = []  # pieces of a line whose end is yet to come
        self._pending_bytes = 0
        self._block: _Block | None = None
        self._at_start = True
        self.unknown: dict[str, int] = {}
        self.malformed: dict[str, int] = {}
        self.strays = 0
        self.broken: ControlBroken | None = None

    def feed(self, data: bytes) -> list[Item]:
        """Take the next bytes and return what they complete.

        What came before a break is not lost with it: when one call meets both, it returns the
        items, sets `broken`, and the next call raises (one with no data will do).

        Args:
            data: any number of bytes, cut anywhere.

        Returns:
            Notifications and replies, in the order tmux wrote them.

        Raises:
            ControlBroken: a line or a reply is too long, or a block's guard is malformed or has no
                partner. From then on every call raises it; the connection has to be opened anew.
        """
        items: list[Item] = []
        if self.broken is None:
            try:
                self._take(data, items)
            except ControlBroken as broken:
                self.broken = broken.with_traceback(None)
                self._pending.clear()
                self._block = None
        if self.broken is not None and not items:
            # A fresh one each time: the traceback of a raised exception keeps growing.
            raise ControlBroken(str(self.broken), line=self.broken.line)
        return items

    def _take(self, data: bytes, items: list[Item]) -> None:
        *lines, rest = data.split(b"\n")
        if lines:
            self._pending.append(lines[0])
            lines[0] = b"".join(self._pending)
            self._pending.clear()
            self._pending_bytes = 0
        for line in lines:
            if len(line) > self._max_line_bytes:
                raise self._too_long(line)
            item = self._line(line)
            if item is not None:
                items.append(item)
        if rest:
            self._pending.append(rest)
            self._pending_bytes += len(rest)
            if self._pending_bytes > self._max_line_bytes:
                raise self._too_long(b"".join(self._pending))

    def _too_long(self, line: bytes) -> ControlBroken:
        return ControlBroken(
            f"a line from tmux is longer than {self._max_line_bytes} bytes",
            # Cut at the limit, so that the report does not depend on how much has arrived.
            line=line[: self._max_line_bytes],
        )

    def _line(self, line: bytes) -> Item | None:
        if self._block is not None:
            return self._body(self._block, line)
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_OPENER)
        crlf = line.endswith(b"\r")
        if crlf:
            line = line[:-1]
        match = _NAME.match(line)
        if match is None:
            self.strays += 1
            return None
        name = match[1]
        form = FORMS.get(name)
        if form is not None:
            notification = form.parse(line[match.end() :])
            if notification is None:
                _count(self.malformed, name)
            return notification
        if name in _GUARDS:
            self._open(line, name, line[match.end() :], crlf=crlf)
        else:
            _count(self.unknown, name)
        return None

    def _open(self, line: bytes, name: bytes, guard: bytes, *, crlf: bool) -> None:
        if name != b"begin":
            raise ControlBroken("tmux ends a block that it has not begun", line=line)
        numbers = _NUMBERS.fullmatch(guard)
        if numbers is None:
            raise ControlBroken("tmux begins a block without its three numbers", line=line)
        self._block = _Block(guard, int(numbers[1]), int(numbers[2]), crlf=crlf)

    def _body(self, block: _Block, line: bytes) -> Reply | None:
        if block.crlf and line.endswith(b"\r"):
            line = line[:-1]
        if line.startswith(b"%") and line in (block.end, block.error):
            self._block = None
            return Reply(block.number, block.flags, line == block.end, tuple(block.lines))
        block.lines.append(line)
        block.size += len(line) + 1
        if block.size > self._max_reply_bytes:
            raise ControlBroken(
                f"a reply from tmux is larger than {self._max_reply_bytes} bytes", line=line
            )
        return None


def _count(counters: dict[str, int], name: bytes) -> None:
    key = name.decode("ascii")
    if key not in counters and len(counters) >= MAX_UNKNOWN_NAMES:
        key = OTHER_NAMES
    counters[key] = counters.get(key, 0) + 1


def notifications_in(reply: Reply) -> list[Notification]:
    """Return the notifications that tmux wrote inside a command's block.

    Only for the reply to a command that prints nothing itself, such as `refresh-client`: in the
    reply to any other, such a line can come from anybody.
    """
    found = []
    for line in reply.lines:
        match = _NAME.match(line)
        form = FORMS.get(match[1]) if match else None
        notification = form.parse(line[match.end() :]) if match and form else None
        if notification is not None:
            found.append(notification)
    return found


def quote(argument: str) -> str:
    r"""Write one argument for tmux's command parser: on a control connection, in a `source-file`.

    Whatever it holds, it stays one argument of the command it stands in: in single quotes tmux
    gives no character a meaning, and a single quote is written outside of them as `\'`. It is not
    kept from being an option (write `--` before it), nor from being expanded by a command that
    expands formats.

    Raises:
        ValueError: it holds a newline, a carriage return or a NUL, where the line could end early.
    """
    if _UNQUOTABLE.search(argument):
        raise ValueError("an argument for tmux must not hold a newline, a carriage return or a NUL")
    return "'" + argument.replace("'", r"'\''") + "'"
