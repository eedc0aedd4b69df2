r"""Masks secrets in the bytes that a pane's program writes to its terminal, for recordings.

Every character of a secret becomes a block; escape sequences stay where they are, so that all else
stands in its column. Colours inside a text do not hide it: they are set aside while it is looked
at. Whatever moves the cursor ends a text. What may be the beginning of a secret is held back until
more has come, or `flush`. What is in a title or another string with a secret in it goes as a whole.

What a secret is, is not known here, nor what the bytes mean.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from tmuxpulse.redaction.keys import KeyBlocks
from tmuxpulse.redaction.redactor import Redactor
from tmuxpulse.redaction.spans import BLOCK, Span, cells, merged

MAX_TEXT: Final = 8192  # characters of one text; a longer one is looked at in pieces
MAX_STRING: Final = 1 << 16  # of a title or the like; a longer one is dropped
_OVERLAP: Final = 1024  # of the pieces

_TEXT: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]+")  # TAB belongs to it
_SET_ASIDE: Final = re.compile(r"[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f]+")  # moves nothing
_CONTROL: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_QUIET: Final = re.compile(r"\x1b\[[0-9;:]*[mK]")  # colours, and erasing to the right
_STRING: Final = re.compile(r"\x1b[\]PX^_k][^\x07\x1b]*(?:\x07|\x1b\\)")
_SHORT: Final = re.compile(r"\x1b[ -/]*[0-OQ-WYZ\\`-jl-~]")
_QUIET_SHORT: Final = re.compile(r"\x1b(?:[()*+][ -~]|[=>\\])")
_STRINGS: Final = "]PX^_k"


class RawRedactor:
    """Masks what one pane writes.

    Args:
        redactor: knows the rules.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._keys = KeyBlocks()
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._rest = ""  # a sequence of which the end has not come
        self._is_dropping = False  # a string that is too long, up to its end
        self._text = ""  # what stands together, without what was set aside
        self._aside: list[tuple[int, str]] = []  # and where that is, unless it is out already
        self._out = 0  # so many characters of the text are out

    def feed(self, data: bytes) -> bytes:
        """Take bytes, and give those that can go out.

        Args:
            data: in any pieces.
        """
        out: list[str] = []
        stream = self._rest + self._decoder.decode(data)
        self._rest = ""
        at = 0
        while at < len(stream):
            at = self._take(stream, at, out)
        self._hold(out)
        return _bytes(out)

    def flush(self) -> bytes:
        """Give what was held back; what may be the beginning of a secret is masked."""
        out: list[str] = []
        self._emit(len(self._text), self._spans(unfinished=True), out)
        return _bytes(out)

    # --- reading -------------------------------------------------------------------------

    def _take(self, stream: str, at: int, out: list[str]) -> int:
        """Take one thing, and say where the next begins."""
        if self._is_dropping:
            return self._drop(stream, at)
        found = _TEXT.match(stream, at)
        if found:
            self._text += found[0]
            if len(self._text) > MAX_TEXT:
                self._shorten(out)
            return found.end()
        found = _SET_ASIDE.match(stream, at)
        if found:
            self._aside.append((len(self._text), found[0]))
            return found.end()
        if stream[at] != "\x1b":
            self._end(stream[at], out)
            return at + 1
        return self._escape(stream, at, out)

    def _escape(self, stream: str, at: int, out: list[str]) -> int:
        kind = stream[at + 1 : at + 2]
        if kind and kind in _STRINGS:
            return self._string(stream, at)
        found = (_CONTROL if kind == "[" else _SHORT).match(stream, at)
        if found is None:
            if len(stream) - at < MAX_STRING and _may_go_on(stream[at:]):
                self._rest = stream[at:]
                return len(stream)
            self._end(stream[at], out)  # no sequence: what follows is text
            return at + 1
        whole = found[0]
        if _QUIET.fullmatch(whole) or _QUIET_SHORT.fullmatch(whole):
            self._aside.append((len(self._text), whole))
        else:
            self._end(whole, out)
        return found.end()

    def _string(self, stream: str, at: int) -> int:
        found = _STRING.match(stream, at)
        if found:
            if not self._redactor.redact_line(found[0][2:]).count:
                self._aside.append((len(self._text), found[0]))
            return found.end()
        rest = stream[at + 2 :]
        broken = re.search(r"\x1b(?!\\|$)", rest)
        if broken:  # another sequence begins in it: it is over
            return at + 2 + broken.start()
        if len(rest) > MAX_STRING:
            self._is_dropping = True
            return self._drop(stream, at + 2)
        self._rest = stream[at:]
        return len(stream)

    def _drop(self, stream: str, at: int) -> int:
        end = re.compile(r"[\x07\x1b]").search(stream, at)
        if end is None:
            return len(stream)
        self._is_dropping = False
        return end.end() if end[0] == "\x07" else end.start()

    # --- looking ---------------------------------------------------------------------------

    def _spans(self, *, unfinished: bool) -> list[Span]:
        text = self._text
        if not text:
            return []
        found = self._redactor.spans(text, unfinished=unfinished)
        if self._redactor.knows_keys:
            if unfinished:
                found += self._keys.unfinished(text)
            else:
                found += [Span(*span) for span in self._keys.line(text)]
        return merged(found)

    def _hold(self, out: list[str]) -> None:
        """Let out what cannot become a secret any more."""
        spans = self._spans(unfinished=True)
        upto = len(self._text)
        if spans and spans[-1].end >= upto:
            upto = spans[-1].start
        self._emit(upto, spans, out)

    def _end(self, what: str, out: list[str]) -> None:
        """A text is over; `what` ended it."""
        self._emit(len(self._text), self._spans(unfinished=False), out)
        self._text, self._out = "", 0
        self._aside.clear()
        out.append(what)

    def _shorten(self, out: list[str]) -> None:
        """Let the beginning of a long text go, and keep enough to see what began in it."""
        gone = len(self._text) - _OVERLAP
        self._emit(gone, self._spans(unfinished=True), out)
        self._text = self._text[gone:]
        self._out = max(0, self._out - gone)
        self._aside = [(max(0, at - gone), what) for at, what in self._aside]

    def _emit(self, upto: int, spans: list[Span], out: list[str]) -> None:
        """Let out the text up to a place, with what was set aside in it."""
        text, begin = self._text, self._out
        upto = max(upto, begin)
        places = sorted(
            {begin, upto}
            | {at for at, _ in self._aside if begin <= at <= upto}
            | {min(max(place, begin), upto) for span in spans for place in span[:2]}
        )
        waiting = [one for one in self._aside if one[0] > upto]
        if upto < len(text):  # what stands at the border goes with what follows
            waiting = [one for one in self._aside if one[0] >= upto]
        held = set(map(id, waiting))
        going = [one for one in self._aside if id(one) not in held]
        for number, start in enumerate(places):
            out += [what for at, what in going if at == start or (number == 0 and at < start)]
            if number + 1 < len(places):
                piece = text[start : places[number + 1]]
                is_secret = any(span.start <= start < span.end for span in spans)
                out.append(BLOCK * cells(piece) if is_secret else piece)
        self._aside = waiting
        self._out = upto


def _may_go_on(sequence: str) -> bool:
    """Whether what was cut off may be the beginning of a sequence."""
    return re.fullmatch(r"\x1b(?:\[[0-?]*[ -/]*|[ -/]*)?", sequence) is not None


def _bytes(out: list[str]) -> bytes:
    return "".join(out).encode("utf-8", "surrogateescape")
