r"""A pane's output bytes, in any chunking, become plain lines and signals.

What a person would read is what comes out: finished lines, each once and in order, and the
unfinished last one. Carriage returns, backspaces and the sequences by which line editors and
progress bars redraw a row are followed, so that such a row shows its last state. No escape
sequence, no control but TAB, no bidi control and no line separator is ever in a text; bytes that
are not UTF-8 become U+FFFD.

A program that addresses the screen does not print lines. While it does, `addresses_screen` is True,
its rows are not told, and one has to look at the screen; `addressing.py` has the rule.

Most output is lines of text and colours. They take a short cut, whole blocks at a time; from the
first character that has another effect to the end of its line each sequence is followed.

The rows of the screen, the pane's size and the time are not known here.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

import msgspec

from tmuxpulse.tmux.effects import Effects
from tmuxpulse.tmux.escapes import (
    EFFECT,
    IGNORED,
    LINE_END,
    MUTE,
    MUTE_AT_END,
    RUN,
    WHOLE,
    Unfinished,
    is_text,
)
from tmuxpulse.tmux.signals import (
    Bell,
    CommandEnd,
    CommandInput,
    CommandStart,
    Notification,
    Progress,
    Prompt,
    Signal,
    Title,
)

__all__ = [
    "Bell",
    "CommandEnd",
    "CommandInput",
    "CommandStart",
    "Notification",
    "Progress",
    "Prompt",
    "Signal",
    "Text",
    "TextStream",
    "Title",
]

_CHUNK: Final = 1 << 16


class Text(msgspec.Struct, frozen=True):
    """What came since the last time.

    Attributes:
        lines: finished lines, without those of a program while it addressed the screen.
        partial: the line that is not finished; empty while the program addresses the screen.
        signals: bells, titles, marks, notifications, in their order.
        bytes: how many bytes were fed.
        cut: how many bytes of text a bound left out, a line's end included; and one for each
            signal left out.
    """

    lines: tuple[str, ...]
    partial: str
    signals: tuple[Signal, ...]
    bytes: int
    cut: int


class TextStream:
    """Reads the output of one pane.

    Memory is bounded, whether anybody takes or not: the newest 64 KiB of lines are kept (but at
    least four times `max_line_bytes`), and the newest `MAX_SIGNALS` signals.

    Args:
        max_line_bytes: where a line is cut, as UTF-8.
    """

    def __init__(self, *, max_line_bytes: int = 16384) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._unfinished = Unfinished()
        self._effects = Effects(max_line_bytes, max(_CHUNK, 4 * max_line_bytes))
        self._bytes = 0
        self._taken_partial = ""

    @property
    def pending(self) -> bool:
        """Whether there is anything to take: lines, signals, another partial line."""
        return self._effects.pending or self.partial != self._taken_partial

    @property
    def addresses_screen(self) -> bool:
        """Whether the program in the pane addresses the screen now."""
        return self._effects.addressing.active

    @property
    def partial(self) -> str:
        """The line that is not finished; empty while the program addresses the screen."""
        return self._effects.partial

    def feed(self, data: bytes) -> None:
        """Read the next bytes, cut anywhere. Never raises."""
        self._bytes += len(data)
        for start in range(0, len(data), _CHUNK):
            self._read(self._decoder.decode(data[start : start + _CHUNK]))

    def take(self, max_bytes: int = 16384) -> Text:
        """Return what came since the last time, and forget it.

        Args:
            max_bytes: how much text the lines may hold, joined by line ends, as UTF-8. Of more the
                newest are kept. The partial line is not counted; `max_line_bytes` bounds it.
        """
        self._taken_partial = self.partial
        lines, signals, cut = self._effects.take(max_bytes)
        seen, self._bytes = self._bytes, 0
        return Text(lines, self._taken_partial, signals, seen, cut)

    def _read(self, text: str) -> None:
        effects, unfinished = self._effects, self._unfinished
        position, end = 0, len(text)
        untried = True
        while position < end:
            if unfinished.active:
                position, found = unfinished.read(text, position)
                if found:
                    effects.follow(found)
            elif not effects.rows.simple:
                position = self._step(text, position)
            elif untried:
                untried = False
                position = self._read_block(text, position)
            else:
                position = self._skim(text, position)

    def _read_block(self, text: str, position: int) -> int:
        """Take all finished lines at once, if they hold nothing but text and what is mute."""
        end = text.rfind("\n", position) + 1
        block = MUTE_AT_END.sub("", text[position:end]).replace("\r\n", "\n")
        if "\r" in block:
            block = LINE_END.sub("\n", block)
        if not block or not is_text(block):
            return position
        self._effects.append(block)
        return end

    def _skim(self, text: str, position: int) -> int:
        """Take the text before the next effect at once."""
        effect = EFFECT.search(text, position)
        end = effect.start() if effect else len(text)
        if end == position:
            return self._follow(text, position)
        lines, newline, rest = _silenced(text[position:end], MUTE_AT_END).rpartition("\n")
        if newline:
            self._effects.append(LINE_END.sub("\n", lines + newline))
        if rest:
            self._effects.put(rest)
        return end

    def _step(self, text: str, position: int) -> int:
        """Take one run of text, or one control or sequence."""
        run = RUN.match(text, position)
        if run is not None:
            if found := _silenced(run[0], MUTE):
                self._effects.put(found)
            return run.end()
        return self._follow(text, position)

    def _follow(self, text: str, position: int) -> int:
        """Take one control or one sequence, or its beginning."""
        character = text[position]
        if character != "\x1b":
            self._effects.follow(character)
            return position + 1
        whole = WHOLE.match(text, position)
        if whole is None:
            self._unfinished.begin()
            return position + 1
        self._effects.follow(whole[0])
        end = whole.end()
        if whole[0].startswith("\x1b]"):
            end += 1 if text[end] == "\x07" else 2
        return end


def _silenced(text: str, mute: re.Pattern[str]) -> str:
    if "\x1b" in text:
        text = mute.sub("", text)
    return text if text.isprintable() else IGNORED.sub("", text)
