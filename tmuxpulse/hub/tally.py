"""What a hub and those who fill it have counted since they began: numbers that only grow.

Who shows them is not known here.
"""

from __future__ import annotations

from tmuxpulse.events import Data


class Tally:
    """Counts of one stream, and of the streams that are made from it.

    Attributes:
        events: published, by what they tell.
        event_bytes: of their encodings.
        lags: readers that were told that they are slow.
        dropped_output: events of what panes printed that slow readers did not get.
        dropped_events: other events that slow readers did not get; a snapshot told them.
        gaps: the times that readers were told so, of either kind.
        lists: answers to the question what a tmux server holds.
        list_seconds: for how long they were waited for, all together.
    """

    def __init__(self) -> None:
        self.events: dict[type[Data], int] = {}
        self.event_bytes = 0
        self.lags = 0
        self.dropped_output = 0
        self.dropped_events = 0
        self.gaps = 0
        self.lists = 0
        self.list_seconds = 0.0

    def listed(self, seconds: float) -> None:
        """Count a list that was answered after so many seconds."""
        self.lists += 1
        self.list_seconds += seconds
