"""Regular expressions that end in bounded time on any text.

Python's `re` has no limit on the steps of a match. `bounds` reads a pattern with a parser of our
own and refuses it if it could take more than `MAX_STEPS` steps on one row.

A pattern is compiled when it is first needed: all of the shipped ones take a quarter of a second.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from tmuxpulse.status.bounds import PatternRefused, refuse_slow, study

__all__ = ["MAX_PATTERN_CHARACTERS", "Pattern", "PatternRefused"]

MAX_PATTERN_CHARACTERS: Final = 1000


class Pattern:
    """A pattern for one row of text.

    Args:
        text: the regular expression.
        ignore_case: whether capitals do not matter.
    """

    __slots__ = ("_needles", "_search", "ignore_case", "text")

    def __init__(self, text: str, *, ignore_case: bool = False) -> None:
        self.text = text
        self.ignore_case = ignore_case
        self._search: Callable[[str], re.Match[str] | None] | None = None
        self._needles: tuple[str, ...] | None = None

    @property
    def needles(self) -> tuple[str, ...]:
        """Strings of which one is in every text that matches; none when not known.

        In lower case if capitals do not matter.
        """
        if self._needles is None:
            self._read()
        return self._needles or ()

    def check(self) -> None:
        """Make sure that it can be used.

        Raises:
            PatternRefused: it is wrong, or could take too long.
        """
        if len(self.text) > MAX_PATTERN_CHARACTERS:
            raise PatternRefused(f"it has more than {MAX_PATTERN_CHARACTERS} characters")
        try:
            re.compile(self.text)
        except (re.error, OverflowError, RecursionError) as error:
            raise PatternRefused(f"it is no regular expression: {error}") from error
        refuse_slow(study(self.text, ignore_case=self.ignore_case))

    def search(self, row: str) -> re.Match[str] | None:
        """Find it in a row, which has at most `MAX_CELLS` characters or a few times as many."""
        return (self._search or self._compile())(row)

    def may_match(self, text: str, lowered: str) -> bool:
        """Whether one of its needles is in a text, given as it is and in lower case."""
        needles = self.needles
        if not needles:
            return True
        where = lowered if self.ignore_case else text
        return any(needle in where for needle in needles)

    def _compile(self) -> Callable[[str], re.Match[str] | None]:
        compiled = re.compile(self.text, re.IGNORECASE if self.ignore_case else 0)
        anchored = self._read()
        # `search` would try at every place of a row what can only match at its beginning.
        self._search = compiled.match if anchored else compiled.search
        return self._search

    def _read(self) -> bool:
        """Study the pattern; whether it can match at the beginning only."""
        part = study(self.text, ignore_case=self.ignore_case)
        found = part.needles
        if self.ignore_case and not all(needle.isascii() for needle in found):
            found = frozenset()  # some characters have several forms in lower case
        self._needles = tuple(sorted(n.lower() if self.ignore_case else n for n in found))
        return part.starts == 1
