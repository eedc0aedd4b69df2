"""Whether a program only appends, or addresses the screen: the rule.

Its rows, told one after the other, would be garbage when it addresses the screen, so then one looks
at the screen instead. A program addresses the screen

- while it is on the alternate screen;
- from when it writes, erases or ends a line at a place it has put the cursor to, sets a scroll
  region or shifts rows;
- from when it has gone back more than `CLIMBED_ROWS` rows in all. A shell's line editor goes back a
  few rows now and then, under a long completion list even more; a status of several rows that is
  drawn again and again soon goes back more. A program that was found out once is not given
  that credit again.

It only appends again

- when it leaves the alternate screen;
- at a shell's prompt (OSC 133;A), and where bracketed paste goes on or off: so bash, zsh and fish
  begin to read a command line, and so they and the agents that go on drawing above it end;
- after `FRESH_LINES` lines in a row without any of the above, which is more than most screens have,
  so that a program which draws its whole screen from the top is not taken for one that appends.

To clear the screen and to begin anew at its top is to append. No clock is asked.
"""

from __future__ import annotations

from typing import Final

CLIMBED_ROWS: Final = 24
FRESH_LINES: Final = 100


class Addressing:
    """Applies the rule to what is seen, in order."""

    def __init__(self) -> None:
        self._alternate = False
        self._active = False
        self._known = False
        self._climbed = 0
        self._fresh = 0

    @property
    def active(self) -> bool:
        """Whether the program addresses the screen now."""
        return self._alternate or self._active

    def switched(self, *, alternate: bool) -> None:
        """The program has gone to the alternate screen, or has left it."""
        self._alternate = alternate
        self._forget()

    def began(self) -> None:
        """A shell begins or ends reading a command line."""
        if not self._alternate:
            self._forget()

    def placed(self) -> None:
        """Something was done at a given place, or rows were shifted."""
        self._fresh = 0
        self._active = self._known = True

    def climbed(self, rows: int) -> None:
        """The cursor went back up."""
        self._fresh = 0
        self._climbed += rows
        if self._known or self._climbed > CLIMBED_ROWS:
            self._active = self._known = True

    def appended(self, lines: int) -> int:
        """Lines were finished at the end of what is there.

        Returns:
            How many of them, from the first, belong to a program that addresses the screen.
        """
        if self._alternate:
            return lines
        drawn = min(lines, FRESH_LINES - self._fresh) if self._active else 0
        self._fresh = min(self._fresh + lines, FRESH_LINES)
        if self._fresh == FRESH_LINES:
            self._active = False
            self._climbed = 0
        return drawn

    def _forget(self) -> None:
        self._active = self._known = False
        self._climbed = self._fresh = 0
