"""When screens are captured, and processes looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import pytest
import trio
import trio.testing

from tmuxpulse.collect.feed import PaneFeed
from tmuxpulse.collect.looks import (
    OFTEN_SETTLE_SECONDS,
    RUN_SECONDS,
    SETTLE_SECONDS,
    STEADY_SECONDS,
    STOPS,
    Looks,
)
from tmuxpulse.collect.processes import Found
from tmuxpulse.collect.scans import (
    AGAIN_SECONDS,
    LEAST_SECONDS,
    QUIET_LEAST_SECONDS,
    QUIET_SECONDS,
    SOON_SECONDS,
    Scans,
)
from tmuxpulse.collect.screens import Shown
from tmuxpulse.status.evidence import Process

Clock = trio.testing.MockClock


class Screens:
    """An engine that shows what it is told to."""

    name: ClassVar[str] = "screens"
    sample_seconds: ClassVar[float] = 0.2

    def __init__(self) -> None:
        self.feeds: dict[str, PaneFeed] = {}
        self.captures: list[tuple[float, list[str]]] = []
        self.seen: list[tuple[str, bool]] = []
        self.text = ""
        self.looks = Looks(self.feeds, self.see)

    async def run(self, sink: object, *, task_status: object = None) -> None:
        raise NotImplementedError

    async def capture(self, pane_ids: Sequence[str]) -> dict[str, Shown]:
        self.captures.append((trio.current_time(), list(pane_ids)))
        await trio.sleep(0.001)
        return {pane_id: Shown(rows=[self.text]) for pane_id in pane_ids}

    def see(self, pane_id: str, shown: Shown, at: float, *, changed: bool) -> None:  # noqa: ARG002  # as `Seen` says
        assert at <= trio.current_time()
        self.seen.append((pane_id, changed))

    def times(self, pane_id: str = "%0") -> list[float]:
        return [at for at, panes in self.captures if pane_id in panes]

    async def add(self, pane_id: str) -> None:
        """A pane that streams, and was captured long ago."""
        feed = self.feeds[pane_id] = PaneFeed()
        feed.begin(streams=True)
        self.looks.changed(pane_id)
        await trio.sleep(100)
        self.captures.clear()
        self.seen.clear()


@pytest.fixture
async def screens(autojump_clock: trio.testing.MockClock, nursery: trio.Nursery) -> Screens:
    found = Screens()
    nursery.start_soon(found.looks.run, found)
    await found.add("%0")
    return found


async def test_while_it_is_quiet_nothing_is_captured(
    autojump_clock: Clock, screens: Screens
) -> None:
    await trio.sleep(1000)
    assert screens.captures == []


async def test_the_first_output_and_the_last_are_seen(
    autojump_clock: Clock, screens: Screens
) -> None:
    began = trio.current_time()
    for _ in range(20):
        screens.looks.printed("%0")
        await trio.sleep(0.01)
    last = trio.current_time() - 0.01
    await trio.sleep(100)
    first, *_, end = screens.times()
    assert first == began
    assert last + SETTLE_SECONDS <= end <= last + SETTLE_SECONDS + RUN_SECONDS
    assert len(screens.captures) == 2


async def test_one_that_goes_on_is_captured_now_and_then(
    autojump_clock: Clock, screens: Screens
) -> None:
    for _ in range(500):
        screens.looks.printed("%0")
        await trio.sleep(0.02)
    times = screens.times()
    assert 10 <= len(times) <= 12
    gaps = [b - a for a, b in zip(times, times[1:])]  # noqa: B905, RUF007  # neighbours
    assert max(gaps) <= STEADY_SECONDS + RUN_SECONDS


async def test_a_log_is_captured_now_and_then_and_its_question_at_once(
    autojump_clock: Clock, screens: Screens
) -> None:
    for _ in range(100):
        screens.looks.printed("%0", ends_line=True)
        await trio.sleep(0.1)
    times = screens.times()
    assert len(times) <= 10 / STEADY_SECONDS + STOPS + 2
    asked = trio.current_time()
    screens.looks.printed("%0", ends_line=False)
    await trio.sleep(0.3)
    assert screens.times()[-1] <= asked + OFTEN_SETTLE_SECONDS + RUN_SECONDS
    await trio.sleep(10)
    screens.captures.clear()
    screens.looks.printed("%0", ends_line=True)
    await trio.sleep(0.01)
    screens.looks.printed("%0", ends_line=True)
    ended = trio.current_time()
    await trio.sleep(10)
    assert screens.times()[-1] <= ended + SETTLE_SECONDS + RUN_SECONDS
    assert len(screens.captures) == 2


async def test_logs_are_captured_together(autojump_clock: Clock, screens: Screens) -> None:
    for number in range(1, 20):
        await screens.add(f"%{number}")
    screens.captures.clear()
    for turn in range(2000):
        screens.looks.printed(f"%{turn % 20}", ends_line=True)
        await trio.sleep(0.01)
    assert len(screens.captures) <= 20 * (2 / STEADY_SECONDS + 1)


async def test_what_is_printed_during_a_capture_is_captured_again(
    autojump_clock: Clock, screens: Screens
) -> None:
    screens.looks.changed("%0")
    await trio.sleep(0.0005)
    screens.looks.printed("%0")
    await trio.sleep(10)
    assert len(screens.captures) == 2


async def test_panes_are_captured_in_one_run(autojump_clock: Clock, screens: Screens) -> None:
    await screens.add("%1")
    screens.looks.changed("%0")
    screens.looks.changed("%1")
    await trio.sleep(10)
    assert [sorted(panes) for _, panes in screens.captures] == [["%0", "%1"]]
    screens.looks.forget("%1")
    del screens.feeds["%1"]
    screens.looks.changed("%0")
    await trio.sleep(10)
    assert screens.captures[-1][1] == ["%0"]


async def test_it_is_told_whether_a_screen_differs(autojump_clock: Clock, screens: Screens) -> None:
    for text in ("", "a", "a"):
        screens.text = text
        screens.looks.changed("%0")
        await trio.sleep(1)
    assert screens.seen == [("%0", False), ("%0", True), ("%0", False)]


async def test_one_that_does_not_stream_is_sampled(autojump_clock: Clock, screens: Screens) -> None:
    screens.feeds["%0"].begin(streams=False)
    screens.looks.changed("%0")
    await trio.sleep(2.05)
    assert 10 <= len(screens.captures) <= 12


# --- processes ---------------------------------------------------------------------------------


class Looked:
    def __init__(self) -> None:
        self.looks: list[tuple[float, list[str]]] = []
        self.found: list[str] = []
        self.children: tuple[Process, ...] = ()
        self.scans = Scans(lambda: {"%0": 10, "%1": 11}, self._found, self._look)

    async def _look(self, pids: Mapping[str, int]) -> Mapping[str, Found]:
        self.looks.append((trio.current_time(), sorted(pids)))
        await trio.sleep(0.01)
        return {pane_id: Found("", self.children) for pane_id in pids}

    def _found(self, pane_id: str, _found: Found) -> None:
        self.found.append(pane_id)


@pytest.fixture
def looked(autojump_clock: trio.testing.MockClock, nursery: trio.Nursery) -> Looked:
    found = Looked()
    nursery.start_soon(found.scans.run)
    return found


async def test_what_changes_together_is_looked_at_together(
    autojump_clock: Clock, looked: Looked
) -> None:
    looked.scans.soon("%0")
    await trio.sleep(SOON_SECONDS / 2)
    looked.scans.soon("%1")
    looked.scans.soon("%9")  # gone by then
    await trio.sleep(100)
    assert [panes for _, panes in looked.looks] == [["%0"], ["%1"]]
    looked.scans.soon("%0")
    looked.scans.soon("%1")
    await trio.sleep(100)
    assert looked.looks[-1][1] == ["%0", "%1"]


async def test_a_pane_is_not_looked_at_too_often(autojump_clock: Clock, looked: Looked) -> None:
    for _ in range(100):
        looked.scans.soon("%0")
        await trio.sleep(0.05)
    assert len(looked.looks) <= 5 / LEAST_SECONDS + 1
    looked.looks.clear()
    await trio.sleep(100)
    assert len(looked.looks) <= 1


async def test_output_that_stopped_is_a_reason(autojump_clock: Clock, looked: Looked) -> None:
    for _ in range(50):
        looked.scans.printed("%0")
        await trio.sleep(0.1)
    assert looked.looks == []
    await trio.sleep(QUIET_SECONDS)
    assert len(looked.looks) == 1
    for _ in range(5):  # somebody types
        looked.scans.printed("%0")
        await trio.sleep(QUIET_SECONDS + 0.1)
    await trio.sleep(100)
    assert len(looked.looks) <= 2 + 5 * (QUIET_SECONDS + 0.1) / QUIET_LEAST_SECONDS


@pytest.mark.parametrize(
    ("child", "again"),
    [
        (Process(pid=5, name="make", state="R"), True),
        (Process(pid=5, name="make", state="S"), True),
        (Process(pid=5, name="vim", state="T"), False),
        (Process(pid=5, name="make", state="R", foreground=True), False),
    ],
)
async def test_what_works_behind_a_prompt_is_looked_at_again(
    autojump_clock: Clock, looked: Looked, child: Process, *, again: bool
) -> None:
    looked.children = (child,)
    looked.scans.soon("%0")
    await trio.sleep(AGAIN_SECONDS * 3.5)
    assert len(looked.looks) == (4 if again else 1)
    looked.children = ()
    await trio.sleep(1000)
    assert len(looked.looks) <= 5


async def test_a_pane_that_went_meanwhile_is_not_told(
    autojump_clock: Clock, looked: Looked
) -> None:
    looked.scans.soon("%0")
    await trio.sleep(SOON_SECONDS + 0.005)
    assert len(looked.looks) == 1
    looked.scans.forget("%0")
    await trio.sleep(1)
    assert looked.found == []
