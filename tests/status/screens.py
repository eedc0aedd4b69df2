"""What tests of the status share: the shipped rules, screens from text, a pane with a clock."""

from __future__ import annotations

from functools import cache

from tmuxpulse import events as ev
from tmuxpulse.status.book import Book
from tmuxpulse.status.evidence import Evidence, Processes, Screen
from tmuxpulse.status.pane import PaneStatus
from tmuxpulse.status.rules import load
from tmuxpulse.status.shipped import shipped

CURSOR = "‸"


@cache
def book() -> Book:
    families, complaints = load(shipped())
    assert complaints == ()
    return Book(families)


def screen(text: str, *, at: float = 0.0, alternate: bool = False, width: int = 80) -> Screen:
    """A screen from text, in which a caret stands where the cursor is.

    Without one the cursor is in the row below, as it is while a program runs.
    """
    rows = text.split("\n")
    row, column = len(rows), 0
    for number, line in enumerate(rows):
        if CURSOR in line:
            row, column = number, line.index(CURSOR)
            rows[number] = line.replace(CURSOR, "")
    return Screen(
        at=at,
        rows=tuple(line.rstrip() for line in rows),
        cursor_row=row,
        cursor_column=column,
        alternate=alternate,
        width=width,
        height=max(24, len(rows) + 1),
    )


class Pane:
    """A pane whose time is told by the test: `saw` and `wait` collect what it announces."""

    def __init__(self, **options) -> None:
        self.status = PaneStatus(book(), **options)
        self.now = 0.0
        self.events: list[ev.Data] = []

    def saw(self, *evidence: Evidence) -> Pane:
        for item in evidence:
            self.events += self.status.saw(item, self.now)
        return self

    def shows(self, text: str, command: str | None = None, **more) -> Pane:
        if command is not None:
            self.saw(Processes(at=self.now, command=command))
        return self.saw(screen(text, at=self.now, **more))

    def wait(self, seconds: float) -> Pane:
        """Let time pass; it is asked when it wants to be."""
        end = self.now + seconds
        while (due := self.status.due) is not None and due <= end:
            assert due >= self.now or due <= self.now
            self.now = max(self.now, due)
            self.events += self.status.tick(self.now)
        self.now = end
        self.events += self.status.tick(self.now)
        return self

    @property
    def announced(self) -> list[str]:
        return [event.status for event in self.events if isinstance(event, ev.AgentStatus)]

    @property
    def verdict(self):
        return self.status.announced
