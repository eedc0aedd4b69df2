"""Plays a recording into a hub as if it happened now: at any speed, with pauses and jumps.

It is a collector: server, page and clients see tmux servers, and cannot tell. Times are those of
the replay, numbers too; all else of an event is as it was recorded. A jump publishes what leads
from the one state to the other, so a snapshot and the events after it stay the truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import trio

from tmuxpulse.config.settings import CollectSettings
from tmuxpulse.errors import TmuxUnavailable
from tmuxpulse.events import CollectorTrouble, Event, Place
from tmuxpulse.filters import compile_globs
from tmuxpulse.hub.hub import Hub
from tmuxpulse.recording.reader import open_recording
from tmuxpulse.recording.records import Record
from tmuxpulse.recording.scene import Scene, between
from tmuxpulse.recording.steps import Steps
from tmuxpulse.tmux.orders import Order
from tmuxpulse.tmux.outcomes import Outcome
from tmuxpulse.tmux.reports import Report
from tmuxpulse.wire import PaneExplanation, ServerView, SessionView

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
        self._duration: float | None = None
        self._changed = trio.Event()
        self._scene = Scene()
        self._position = begin
        self._anchor = (begin, 0.0)  # a position, and the time at which it was or will be there
        self._hub = Hub()

    # --- control ---------------------------------------------------------------------------

    @property
    def position(self) -> float:
        """Where it is, in seconds from the beginning; or where it is on its way to."""
        if self._jump is not None:
            return self._jump
        if self._paused or math.isinf(self._speed) or self.finished.is_set():
            return self._position
        begin, at = self._anchor
        return max(self._position, begin + (trio.current_time() - at) * self._speed)

    @property
    def duration(self) -> float | None:
        """How long all of it is, in seconds; None: nobody has measured it yet."""
        return self._duration

    @property
    def speed(self) -> float:
        """Times as fast as it was; infinity: as fast as everybody follows."""
        return self._speed

    @property
    def is_finished(self) -> bool:
        """Whether it is at its end."""
        return self.finished.is_set()

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

    def change_speed(self, speed: float) -> None:
        """Go on at another speed; infinity: as fast as everybody follows."""
        self._position = self.position
        self._speed = speed
        self._anchor = (self._position, trio.current_time())
        self._notify()

    def seek(self, seconds: float) -> None:
        """Go to another place, back or forth."""
        self._jump = min(max(0.0, seconds), self._until)
        self._notify()

    def _notify(self) -> None:
        changed, self._changed = self._changed, trio.Event()
        changed.set()

    async def measure(self) -> None:
        """Find out how long it is, by reading all of it once in another thread."""
        measured = partial(_measured, self._path)
        found = await trio.to_thread.run_sync(measured, abandon_on_cancel=True)
        self._duration = min(found, self._until)

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
                    steps = Steps(reader)
                    self._become(await steps.scene_at(begin), sources)
                    self._position = begin
                    self._anchor = (begin, trio.current_time())
                    task_status.started()
                    task_status = trio.TASK_STATUS_IGNORED
                    await self._play(steps, sources)
                    self.problem = steps.problem
                await self._until_jump()

    async def _until_jump(self) -> None:
        if self._jump is None and self._loop:
            self._jump = self._begin
        if self._jump is None:
            self.finished.set()
        while self._jump is None:
            await self._changed.wait()

    async def _play(self, steps: Steps, sources: ExitStack) -> None:
        burst = 0
        while (record := await steps.peek()) is not None:
            if record.at / 1000 > self._until:
                break
            if not await self._wait_for(record.at / 1000):
                return
            together = await steps.take()
            self._tell(together, steps, sources)
            burst += len(together)
            if math.isinf(self._speed) and burst >= BURST:
                burst = 0
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

    def _tell(self, together: list[Record], steps: Steps, sources: ExitStack) -> None:
        """Publish what was published together, and change the state, in one step."""
        first = together[0]
        if first.snapshot is not None:
            scene = Scene()
            scene.begin(first.snapshot)
            self._become(scene, sources)
        elif first.missing or first.why:
            count = "some" if first.missing < 0 else str(first.missing)
            trouble = CollectorTrouble(
                message=f"the recording lacks {count} events here: {first.why}", retry_s=None
            )
            self._hub.publish(Event(Place(), trouble))
        else:
            events = [event for record in together if (event := steps.event_of(record))]
            for event in events:
                self._scene.follow(event)
            self._publish(events, sources)

    def _become(self, scene: Scene, sources: ExitStack) -> None:
        """Make a state the present one; what led there is not told."""
        events = list(between(self._scene, scene))
        self._scene = scene
        self._publish(events, sources)

    def _publish(self, events: list[Event], sources: ExitStack) -> None:
        self._know(sources)
        self._hub.publish(
            *(event for event in events if is_structure(event.type) or self._wants(event.type))
        )

    def _know(self, sources: ExitStack) -> None:
        for name in self._scene.servers:
            if name not in self._hub.sources:
                sources.enter_context(self._hub.source(name, _Recorded(name, lambda: self._scene)))


def _measured(path: Path) -> float:
    with open_recording(path) as reader:
        return max((record.at for record in reader.records()), default=0) / 1000


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
