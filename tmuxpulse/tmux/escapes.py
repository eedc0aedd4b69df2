r"""The grammar of escape sequences: which characters there are, and where a sequence ends.

It follows tmux's own parser (`input.c`), since what it reads was written for tmux:

- C0 controls inside an escape sequence take effect at once; CAN and SUB end it; ESC begins anew.
- OSC ends with BEL or with ESC; a DCS only with `ESC \`, so that it can hold sequences itself.
- Text is UTF-8. A C1 control is no introducer there; U+009C ends a string, which tmux does not do.

A sequence longer than `MAX_SEQUENCE` is dropped and what follows is text. A string may be as long
as tmux takes it, `MAX_STRING`; of one longer than `MAX_KEPT` nothing is told.

This module does not know what a sequence means, but for those without a meaning for plain text.
"""

from __future__ import annotations

import re
from typing import Final

MAX_SEQUENCE: Final = 256
MAX_KEPT: Final = 1 << 16
MAX_STRING: Final = 1 << 20

# Left out wherever they stand: C0 with no effect on text, DEL, C1, bidi controls, and the two
# separators that splitlines() takes for line ends. Other format characters (joiners, variation
# selectors, combining marks) belong to the text and stay.
_IGNORED = (
    "\x00-\x06\x0e-\x1a\x1c-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"
)
_EFFECTIVE = "\x07\x08\x0b\x0c\r\x1b"

# What never changes the text of a row: colours (tmux's terminfo adds an SI), character sets, keypad
# modes, hyperlinks, and a string's end with no string.
_COLOUR = rf"[0-9;:]{{0,{MAX_SEQUENCE - 2}}}m\x0f?"
_OTHERS = r"[()][0AB]|[=>\\]|\]8;[^\x00-\x1f\x7f-\x9f]{0,2048}\x1b\\"
_MUTE = rf"\[{_COLOUR}|{_OTHERS}"
# And what does not as long as the row is only appended to: erasing to the right.
_MUTE_AT_END = rf"\[(?:K|{_COLOUR})|{_OTHERS}"
MUTE: Final = re.compile(rf"\x1b(?:{_MUTE})")
MUTE_AT_END: Final = re.compile(rf"\x1b(?:{_MUTE_AT_END})")
# The alternatives begin with literals, so that the search can skip to the next of them. No mute
# sequence holds an effect, so that a text which ends at one holds mute sequences whole.
EFFECT: Final = re.compile(rf"\r(?!\r{{0,3}}\n)|\x1b(?!{_MUTE_AT_END})|\x07|\x08|\x0b|\x0c")
# A terminal driver between two others makes it two CR.
LINE_END: Final = re.compile(r"\r+\n")
RUN: Final = re.compile(rf"(?:[^\n{_EFFECTIVE}]+|\x1b(?:{_MUTE}))+")
# A sequence that is whole and undisturbed, which nearly all are; `Unfinished` reads the others.
WHOLE: Final = re.compile(
    rf"\x1b(?:\[[ -?]{{0,{MAX_SEQUENCE - 2}}}[@-~]"
    r"|\][^\x00-\x1f\x9c]{0,4096}(?=\x07|\x1b\\)"
    r"|[ -/][0-~]|[0-OQ-WYZ\\`-jl-~])"
)
IGNORED: Final = re.compile(f"[{_IGNORED}]+")
PASSED_OSC: Final = re.compile(r"\x1b\]([^\x07\x1b]*)(?:\x07|\x1b\\)")

_STRINGS: Final = "]PX^_k"  # OSC, DCS, SOS, PM, APC, and the window name of screen and tmux
_STRING_END = re.compile(r"[\x07\x18\x1a\x1b\x9c]")
_ASCII_TEXT: Final = bytes(range(0x20, 0x7F)) + b"\t\n"
_UNSAFE = re.compile(rf"[{_IGNORED}{_EFFECTIVE}]+")
_SPACE = re.compile(r"[\t\n\v\f\r]+")


def clean(text: str) -> str:
    """Make one safe line of a text: tabs and line ends become a space, other controls go."""
    if text.isprintable():
        return text
    return _UNSAFE.sub("", _SPACE.sub(" ", text))


def is_text(text: str) -> bool:
    """Whether there is nothing but printable characters, tabs and line feeds."""
    if text.isascii():
        # Ten times faster than a search.
        return not text.encode().translate(None, _ASCII_TEXT)
    return _UNSAFE.search(text) is None


class Unfinished:
    """A sequence or a string of which the end has not come yet.

    Attributes:
        active: whether one has begun.
    """

    def __init__(self) -> None:
        self.active = False
        self._head = ""
        self._string = ""  # the kind of string we are in
        self._escaped = False
        self._kept: list[str] = []
        self._size = 0

    def begin(self) -> None:
        """Begin a sequence; its ESC has been read."""
        self.active = True
        self._head = "\x1b"
        self._string = ""

    def read(self, text: str, position: int) -> tuple[int, str]:
        """Go on reading.

        Returns:
            The position after what was read, and what that gave: a control character, a sequence
            from its ESC to its final character, a string from its ESC to before its terminator,
            or nothing.
        """
        if self._string:
            return self._read_string(text, position)
        character = text[position]
        position += 1
        if character == "\x1b":
            self.begin()
        elif character in "\x18\x1a":
            self.active = False
        elif character < " ":
            return position, character
        elif character >= "\x7f":
            pass
        elif self._head == "\x1b" and character in _STRINGS:
            self._string = character
            self._escaped = False
            self._kept.clear()
            self._size = 0
        elif _goes_on(self._head, character):
            self._head += character
            self.active = len(self._head) <= MAX_SEQUENCE
        else:
            self.active = False
            return position, self._head + character
        return position, ""

    def _read_string(self, text: str, position: int) -> tuple[int, str]:
        if self._escaped:
            return self._read_escaped(text, position)
        limit = position + MAX_STRING - self._size
        match = _STRING_END.search(text, position, limit)
        end = match.start() if match else min(len(text), limit)
        self._keep(text[position:end])
        if match is None:
            self.active = end < limit
            return end, ""
        position = end + 1
        character = match[0]
        if character == "\x07" and self._string != "]":
            self._keep(character)
        elif character in "\x18\x1a":
            self.active = False
        elif character == "\x1b" and self._string == "P":
            self._escaped = True
        else:
            found = self._finish()
            if character == "\x1b":
                self.begin()
            return position, found
        return position, ""

    def _read_escaped(self, text: str, position: int) -> tuple[int, str]:
        self._escaped = False
        if text[position] == "\\":
            return position + 1, self._finish()
        self._keep("\x1b" + text[position])
        return position + 1, ""

    def _keep(self, piece: str) -> None:
        self._size += len(piece)
        if self._size <= MAX_KEPT:
            self._kept.append(piece)
        else:
            self._kept.clear()
        self.active = self._size < MAX_STRING

    def _finish(self) -> str:
        self.active = False
        return f"\x1b{self._string}{''.join(self._kept)}" if self._size <= MAX_KEPT else ""


def _goes_on(head: str, character: str) -> bool:
    """Whether a character belongs inside a sequence, not at its end."""
    if head == "\x1b":
        return character == "[" or character < "0"
    return character < ("@" if head.startswith("\x1b[") else "0")
