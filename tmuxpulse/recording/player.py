"""Plays a recording into a hub as if it happened now: at any speed, with pauses and jumps.

It is a collector: server, page and clients see tmux servers, and cannot tell. Times are those of
the replay, numbers too; all else of an event is as it was recorded. A jump publishes what leads
from the one state to the other, so a snapshot and the events after it stay the truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import trio

from tmuxpulse.config.settings import CollectSettings
from tmuxpulse.errors import TmuxUnavailable
from tmuxpulse.events import CollectorTrouble, Event, Place
from tmuxpulse.filters import compile_globs
from tmuxpulse.hub.hub import Hub
from tmuxpulse.recording.reader import Reader, open_recording
from tmuxpulse.recording.records import Record
from tmuxpulse.recording.scene import Scene, between
from tmuxpulse.tmux.orders import Order
from tmuxpulse.tmux.outcomes import Outcome
from tmuxpulse.tmux.reports import Report
from tmuxpulse.wire import (
    Numbered,
    PaneExplanation,
    ServerView,
    SessionView,
    decode_message,
)

CHUNK = 50  # records that are read at once
BURST = 50  # events between two looks at who is behind, when there is no clock to wait for
WAIT_SECONDS = 0.005
STRUCTURE = ("server.", "session.", "window.")
STRUCTURE_OF_PANES = frozenset(
    f"pane.{kind}"
    for kind in (
        *("created", "removed", "activated", "moved", "resized", "command", "path", "exited"),
        "title",
    )
)


def is_structure(event_type: str) -> bool:
    """Whether events of a type are needed to follow what there is."""
    return event_type.startswith(STRUCTURE) or event_type in STRUCTURE_OF_PANES


class Player:
    """Plays one recording; call it as a collector.

    Args:
        path: the recording.
        speed: times as fast as it was; infinity: as fast as everybody follows.
        begin: where to begin, in seconds.
        until: where to stop, in seconds; None: at its end.
        types: globs of event types besides the structure; empty: all.
        loop: begin anew at the end.

    Attributes:
        finished: set while the end is reached.
        problem: why the recording ended early; empty: it did not, or that is not known yet.
    """

    def __init__(
        self,
        path: Path,
        *,
        speed: float = 1.0,
        begin: float = 0.0,
        until: float | None = None,
        types: Sequence[str] = (),
        loop: bool = False,
    ) -> None:
        self.finished = trio.Event()
        self.problem = ""
        self._path = path
        self._speed = speed
        self._begin = begin
        self._until = math.inf if until is None else until
        self._wants: Callable[[str], bool] = (
            compile_globs(tuple(types)) if types else lambda _type: True
        )
        self._loop = loop
        self._paused = False
        self._jump: float | None = None
        self._changed = trio.Event()
        self._scene = Scene()
        self._position = begin
        self._anchor = (begin, 0.0)  # a position, and the time at which it was or will be there
        self._hub = Hub()

    # --- control ---------------------------------------------------------------------------

    @property
    def position(self) -> float:
        """Where it is, in seconds from the beginning."""
        if self._paused or math.isinf(self._speed) or self.finished.is_set():
            return self._position
        begin, at = self._anchor
        return max(self._position, begin + (trio.current_time() - at) * self._speed)

    @property
    def is_paused(self) -> bool:
        """Whether it stands still."""
        return self._paused

    def pause(self) -> None:
        """Stand still."""
        self._position = self.position
        self._paused = True
        self._notify()

    def resume(self) -> None:
        """Go on."""
        self._paused = False
        self._anchor = (self._position, trio.current_time())
        self._notify()

    def seek(self, seconds: float) -> None:
        """Go to another place, back or forth."""
        self._jump = min(max(0.0, seconds), self._until)
        self._notify()

    def _notify(self) -> None:
        changed, self._changed = self._changed, trio.Event()
        changed.set()

    # --- playing ---------------------------------------------------------------------------

    async def __call__(
        self,
        hub: Hub,
        settings: CollectSettings,  # noqa: ARG002  # there is no tmux
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Play until cancelled; at the end it waits for a jump.

        Args:
            hub: where to.
            settings: of no use here.
            task_status: started when the first state is there.

        Raises:
            UsageError: it is no recording.
        """
        self._hub = hub
        self._jump = self._begin
        with ExitStack() as sources:
            while True:
                self.finished = trio.Event()
                begin, self._jump = self._jump or 0.0, None
                with open_recording(self._path) as reader:
                    records = _Records(reader)
                    await self._go_to(begin, records, sources)
                    task_status.started()
                    task_status = trio.TASK_STATUS_IGNORED
                    await self._play(records, sources)
                    self.problem = reader.problem
                await self._until_jump()

    async def _until_jump(self) -> None:
        if self._jump is None and self._loop:
            self._jump = self._begin
        if self._jump is None:
            self.finished.set()
        while self._jump is None:
            await self._changed.wait()

    async def _go_to(self, begin: float, records: _Records, sources: ExitStack) -> None:
        """Make the state at a moment the present one; what led there is not told."""
        scene = Scene()
        while (record := await records.peek()) is not None and _is_before(record, begin):
            records.take()
            _follow(scene, record)
        events = list(between(self._scene, scene))
        self._scene = scene
        self._know(sources)
        self._hub.publish(*events)
        self._position = begin
        self._anchor = (begin, trio.current_time())

    async def _play(self, records: _Records, sources: ExitStack) -> None:
        count = 0
        while (record := await records.peek()) is not None:
            if record.at / 1000 > self._until:
                break
            if not await self._wait_for(record.at / 1000):
                return
            records.take()
            self._tell(record, sources)
            count += 1
            if math.isinf(self._speed) and count % BURST == 0:
                await trio.lowlevel.checkpoint()
                while self._hub.is_behind:  # noqa: ASYNC110  # nobody tells when it is not
                    await trio.sleep(WAIT_SECONDS)

    async def _wait_for(self, position: float) -> bool:
        """Wait until it is time; False: there was a jump."""
        while self._jump is None:
            begin, at = self._anchor
            due = -math.inf if math.isinf(self._speed) else at + (position - begin) / self._speed
            if not self._paused and trio.current_time() >= due:
                self._position = max(self._position, position)
                return True
            with trio.move_on_at(math.inf if self._paused else due):
                await self._changed.wait()
        return False

    def _tell(self, record: Record, sources: ExitStack) -> None:
        """Publish what one record holds, and change the state, in one step."""
        if record.snapshot is not None:
            scene = Scene()
            scene.begin(record.snapshot)
            events = list(between(self._scene, scene))
            self._scene = scene
            self._know(sources)
            self._hub.publish(*events)
        elif record.missing or record.why:
            count = "some" if record.missing < 0 else str(record.missing)
            trouble = CollectorTrouble(
                message=f"the recording lacks {count} events here: {record.why}", retry_s=None
            )
            self._hub.publish(Event(Place(), trouble))
        else:
            event = _event_of(record)
            if event is None or not (is_structure(event.type) or self._wants(event.type)):
                return
            self._scene.follow(event)
            self._know(sources)
            self._hub.publish(event)

    def _know(self, sources: ExitStack) -> None:
        for name in self._scene.servers:
            if name not in self._hub.sources:
                sources.enter_context(self._hub.source(name, _Recorded(name, lambda: self._scene)))


class _Recorded:
    """What the hub is told of one tmux server."""

    def __init__(self, name: str, scene: Callable[[], Scene]) -> None:
        self._name = name
        self._scene = scene

    def view(self) -> tuple[ServerView, list[SessionView]]:
        scene = self._scene()
        if self._name not in scene.servers:
            return ServerView(name=self._name, socket="", up=False), []
        return scene.views(self._name)

    async def perform(self, orders: Sequence[Order], *, seconds: float) -> list[Outcome]:  # noqa: ARG002  # as the protocol says
        await trio.lowlevel.checkpoint()
        raise TmuxUnavailable("this is a recording: nothing can be done in it", socket="")

    def report(self, pane_id: str, report: Report) -> bool:  # noqa: ARG002  # as the protocol says
        return False

    def explain(self, pane_id: str) -> PaneExplanation | None:
        shown = self._scene().shown.get((self._name, pane_id))
        if shown is None or shown.status is None:
            return None
        status = shown.status
        return PaneExplanation(
            status=status.status, since=status.since, reason=status.reason, rule=status.rule,
            evidence=status.evidence, confidence=status.confidence, agent_type=status.agent_type,
            pending=None, opinions=[], matched=[], known=[],
        )  # fmt: skip


class _Records:
    """Records, a few of them ahead of time: so few that reading them keeps nobody waiting."""

    def __init__(self, reader: Reader) -> None:
        self._ahead: list[Record] = []
        self._at = 0
        self._source: Iterator[Record] = reader.records()
        self._is_over = False

    async def peek(self) -> Record | None:
        """The next one; None: there is none."""
        if self._at >= len(self._ahead) and not self._is_over:
            await trio.lowlevel.checkpoint()
            self._ahead = list(islice(self._source, CHUNK))
            self._at = 0
            self._is_over = not self._ahead
        if self._is_over or self._ahead[self._at].ended:
            return None
        return self._ahead[self._at]

    def take(self) -> None:
        """Go on to the one after it."""
        self._at += 1


def _is_before(record: Record, begin: float) -> bool:
    return record.at / 1000 < begin or (record.at == 0 and record.snapshot is not None)


def _follow(scene: Scene, record: Record) -> None:
    if record.snapshot is not None:
        scene.begin(record.snapshot)
    else:
        event = _event_of(record)
        if event is not None:
            scene.follow(event)


def _event_of(record: Record) -> Event | None:
    if not bytes(record.event):
        return None
    found = decode_message(bytes(record.event))
    return found.event if isinstance(found, Numbered) else None
