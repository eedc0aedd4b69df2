"""The records of a recording one step after the other, a few of them read ahead of time.

A step is what was published together: whoever follows the state may look at it between two steps,
and within one it can be what it never was, such as two windows in one place.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import trio

from tmuxpulse.events import Event
from tmuxpulse.recording.reader import Reader
from tmuxpulse.recording.records import Damaged, Record, numbered_of, stamp_of
from tmuxpulse.recording.scene import Scene

CHUNK = 50  # records that are read at once: so few that it keeps nobody waiting
MOST_TOGETHER = 5_000  # events of one step
MOST_WAITING = 5_000  # events whose state is made when it is known whether it is needed


class Steps:
    """Goes through a recording.

    Args:
        reader: at its beginning.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._ahead: list[Record] = []
        self._at = 0
        self._source: Iterator[Record] = reader.records()
        self._is_over = False
        self._damage = ""

    @property
    def problem(self) -> str:
        """Why it ended early, once it has ended; empty: it did not."""
        return self._damage or self._reader.problem

    async def peek(self) -> Record | None:
        """The next record; None: there is none."""
        if self._at >= len(self._ahead) and not self._is_over:
            await trio.lowlevel.checkpoint()
            self._ahead = list(islice(self._source, CHUNK))
            self._at = 0
            self._is_over = not self._ahead
        if self._is_over or self._ahead[self._at].ended:
            return None
        return self._ahead[self._at]

    async def take(self) -> list[Record]:
        """Go on to after the next record, and give it with those that belong to it."""
        first = await self.peek()
        if first is None:
            return []
        self._at += 1
        found = [first]
        stamp = stamp_of(first)
        while stamp and len(found) < MOST_TOGETHER:
            another = await self.peek()
            if another is None or another.at != first.at or stamp_of(another) != stamp:
                break
            self._at += 1
            found.append(another)
        return found

    async def scene_at(self, seconds: float) -> Scene:
        """Go on to what happened at a moment, and give the state just before it."""
        scene = Scene()
        waiting: list[Record] = []
        while (record := await self.peek()) is not None and _is_before(record, seconds):
            self._at += 1
            if record.snapshot is not None:
                scene.begin(record.snapshot)
                waiting.clear()
            else:
                waiting.append(record)
            if len(waiting) >= MOST_WAITING:
                await self._follow(scene, waiting)
        await self._follow(scene, waiting)
        return scene

    async def _follow(self, scene: Scene, waiting: list[Record]) -> None:
        for number, record in enumerate(waiting):
            if number % CHUNK == 0:
                await trio.lowlevel.checkpoint()
            event = self.event_of(record)
            if self._damage:
                break
            if event is not None:
                scene.follow(event)
        waiting.clear()

    def event_of(self, record: Record) -> Event | None:
        """The event of a record, if it has one that is known. One that is damaged ends it all."""
        try:
            found = numbered_of(record)
        except Damaged as damaged:
            self._damage = str(damaged)
            self._is_over = True
            return None
        return None if found is None else found.event


def _is_before(record: Record, seconds: float) -> bool:
    return record.at / 1000 < seconds or (record.at == 0 and record.snapshot is not None)
