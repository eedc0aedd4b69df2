"""A recording into a hub: in time, at any speed, with pauses and jumps, and always the truth."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from hypothesis import example, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from tests.recording.made import PLACE, event, line, tree, write
from tmuxpulse import events as ev
from tmuxpulse.config.settings import CollectSettings
from tmuxpulse.errors import TmuxUnavailable
from tmuxpulse.filters import EVERYTHING
from tmuxpulse.hub.hub import Hub
from tmuxpulse.hub.stream import Batch
from tmuxpulse.recording.player import Player
from tmuxpulse.recording.records import Record
from tmuxpulse.recording.scene import Scene, between
from tmuxpulse.tmux.reports import Report
from tmuxpulse.wire import Tree

settled = trio.testing.wait_all_tasks_blocked
RECORDS = [Record(at=0, snapshot=tree("api")), *[line(n * 1000, f"line {n}") for n in range(1, 11)]]


class Heard:
    """What the hub published: when, and what."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.events: list[tuple[float, ev.Event]] = []
        hub.followers.append(self)

    def follow(self, events: Sequence[ev.Event]) -> None:
        now = trio.current_time()
        self.events += [(now, one) for one in events]

    def flush(self) -> None:
        pass

    def wants(self, event_type: str) -> bool:  # noqa: ARG002  # as the protocol says
        return False

    @property
    def lines(self) -> list[tuple[float, str]]:
        return [
            (round(at, 3), one.data.lines[0])
            for at, one in self.events
            if isinstance(one.data, ev.PaneOutput) and one.data.lines
        ]


@asynccontextmanager
async def playing(path: Path, **options: Any) -> AsyncIterator[tuple[Player, Heard]]:
    hub = Hub()
    heard = Heard(hub)
    player = Player(path, **options)
    async with trio.open_nursery() as nursery:
        await nursery.start(player, hub, CollectSettings(runtime_dir=""))
        yield player, heard
        nursery.cancel_scope.cancel()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "a.rec", RECORDS)


async def test_it_begins_with_what_was_there(path: Path) -> None:
    async with playing(path) as (_, heard):
        types = [one.type for _, one in heard.events]
        assert types[:2] == ["server.up", "session.created"]
        assert types[-1] == "session.attached" or "pane.created" in types
        snapshot = heard.hub.snapshot()
        assert [one.name for one in snapshot.sessions] == ["api"]
        assert heard.hub.seq == len(types)


@pytest.mark.parametrize("speed", [0.5, 1.0, 50.0])
async def test_events_come_in_their_time(
    path: Path, speed: float, autojump_clock: MockClock
) -> None:
    async with playing(path, speed=speed) as (player, heard):
        start = trio.current_time()
        await player.finished.wait()
        assert [(round(at - start, 3), text) for at, text in heard.lines] == [
            (round(n / speed, 3), f"line {n}") for n in range(1, 11)
        ]


async def test_as_fast_as_can_be(path: Path) -> None:
    async with playing(path, speed=math.inf) as (player, heard):
        await player.finished.wait()
        assert [text for _, text in heard.lines] == [f"line {n}" for n in range(1, 11)]
        assert player.problem == ""


async def test_as_fast_as_can_be_waits_for_who_reads(tmp_path: Path) -> None:
    many = write(tmp_path / "many", [RECORDS[0], *[line(n, "x" * 500) for n in range(20_000)]])
    hub = Hub()
    player = Player(many, speed=math.inf)
    with hub.reader() as reader:
        hub.move(reader, frozenset({EVERYTHING}))
        count = 0
        async with trio.open_nursery() as nursery:
            await nursery.start(hub.run)
            nursery.start_soon(player, hub, CollectSettings(runtime_dir=""))
            while count < 20_000:
                found = await reader.receive()
                assert isinstance(found, Batch)  # nobody falls behind
                count += sum(one.numbered.event.type == "pane.output" for one in found.events)
            await player.finished.wait()
            nursery.cancel_scope.cancel()


async def test_from_until_and_types(path: Path, autojump_clock: MockClock) -> None:
    async with playing(path, begin=3.5, until=6.0) as (player, heard):
        start = trio.current_time()
        await player.finished.wait()
        assert [(round(at - start, 3), text) for at, text in heard.lines] == [
            (0.5, "line 4"), (1.5, "line 5"), (2.5, "line 6"),
        ]  # fmt: skip
        pane = heard.hub.snapshot().sessions[0].windows[0].panes[0]
        assert pane.last_line == "line 6"


async def test_only_some_types(path: Path, autojump_clock: MockClock) -> None:
    async with playing(path, types=("agent.*",)) as (player, heard):
        await player.finished.wait()
        assert heard.lines == []
        assert heard.hub.snapshot().sessions


async def test_a_pause_stops_time(path: Path, autojump_clock: MockClock) -> None:
    async with playing(path) as (player, heard):
        await trio.sleep(2.5)
        player.pause()
        assert player.is_paused
        await trio.sleep(100)
        assert len(heard.lines) == 2
        assert player.position == pytest.approx(2.5)
        player.resume()
        await trio.sleep(0.6)
        assert len(heard.lines) == 3


async def test_a_jump_back_and_forth(tmp_path: Path, autojump_clock: MockClock) -> None:
    """The state follows, by events, so that whoever keeps it has the truth."""
    renamed = event(4500, ev.SessionRenamed(name="new", previous="api"),
                    ev.Place(server="default", session="new", session_id="$1"))  # fmt: skip
    path = write(tmp_path / "a.rec", [*RECORDS[:5], renamed, *RECORDS[5:]])
    async with playing(path) as (player, heard):
        await trio.sleep(5.2)
        assert heard.hub.snapshot().sessions[0].name == "new"
        player.seek(1.5)
        await trio.sleep(0.6)
        assert heard.hub.snapshot().sessions[0].name == "api"
        assert heard.lines[-1][1] == "line 2"
        player.seek(8.5)
        await trio.sleep(0.6)
        assert heard.hub.snapshot().sessions[0].name == "new"
        assert heard.lines[-1][1] == "line 9"
        names = [
            one.data.name for _, one in heard.events if isinstance(one.data, ev.SessionRenamed)
        ]
        assert names == ["new", "api", "new"]
        await player.finished.wait()
        player.seek(9.5)
        await trio.sleep(0.6)
        assert heard.lines[-1][1] == "line 10"


async def test_it_can_begin_anew_for_ever(path: Path, autojump_clock: MockClock) -> None:
    async with playing(path, loop=True) as (_, heard):
        await trio.sleep(25.5)
        assert [text for _, text in heard.lines].count("line 1") == 3


async def test_what_is_missing_is_said(tmp_path: Path) -> None:
    records = [
        RECORDS[0],
        Record(at=10, missing=5, why="slow"),
        Record(at=10, snapshot=tree("api", "other")),
        Record(at=20, missing=-1, why="it began anew"),
    ]
    async with playing(write(tmp_path / "a", records), speed=math.inf) as (player, heard):
        await player.finished.wait()
        datas = [one.data for _, one in heard.events]
        said = [data.message for data in datas if isinstance(data, ev.CollectorTrouble)]
        assert said == [
            "the recording lacks 5 events here: slow",
            "the recording lacks some events here: it began anew",
        ]
        assert [one.name for one in heard.hub.snapshot().sessions] == ["api", "other"]


async def test_a_tail_that_is_cut_off_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "a", RECORDS, ended=False)
    async with playing(path, speed=math.inf) as (player, heard):
        await player.finished.wait()
        assert "ends without its last line" in player.problem
        assert len(heard.lines) == 10


async def test_a_damaged_event_ends_it_and_is_said(tmp_path: Path) -> None:
    records = [*RECORDS[:4], Record(at=3500, event=msgspec.Raw(b'{"type":7}')), *RECORDS[4:]]
    async with playing(write(tmp_path / "a.rec", records), speed=math.inf) as (player, heard):
        await player.finished.wait()
        assert "3.500 s cannot be read" in player.problem
        assert [text for _, text in heard.lines][-1] == "line 3"


PLACES = [
    ev.Place(server="default"),
    ev.Place(server="default", session_id="x", window_id="@", pane_id="%1; kill-server"),
    ev.Place(server="default", session_id="$1", window_id="@9", pane_id="%9"),
    ev.Place(server="default", session_id="$1", window_id="@1", pane_id="%1; kill-server"),
    ev.Place(server="", session_id="", window_id="", pane_id=""),
]
ODD = [
    ev.Event(place, data)
    for place in PLACES
    for data in (
        ev.PaneCreated(
            id="%9", index=-1, active=True, command="", pid=0, title="", path="", width=1, height=1
        ),
        ev.SessionCreated(id="", name=""),
        ev.WindowRenamed(name="w", previous=""),
        ev.PaneMoved(index=0, previous=0, window_id="x", previous_window_id="", active=True),
        ev.PaneRemoved(),
        ev.SessionAttached(client="c", attached=3),
    )
]


@settings(max_examples=60)
@given(told=st.lists(st.sampled_from(ODD), max_size=12), begun=st.booleans())
@example(told=[one for one in ODD if isinstance(one.data, ev.PaneCreated)], begun=True)
def test_events_that_fit_nowhere_leave_a_state_that_can_be(
    told: list[ev.Event],
    begun: bool,
) -> None:
    scene = Scene()
    if begun:
        scene.begin(tree("api"))
    for one in told:
        scene.follow(one)
    panes = [pane for name in scene.servers for pane in scene.state(name).panes]
    assert set(panes) <= {"%1", "%9"}
    again = Scene()
    for one in between(Scene(), scene):
        again.follow(one)
    assert not list(between(again, scene))


@pytest.mark.parametrize(
    "snapshot",
    [
        tree("api", attached=-1),
        tree("api", attached=1 << 40),
        tree(*(f"s{number}" for number in range(20)), attached=9_999),
    ],
)
async def test_a_state_that_cannot_be_is_passed_over(tmp_path: Path, snapshot: Tree) -> None:
    path = write(tmp_path / "a.rec", [Record(at=0, snapshot=snapshot), *RECORDS[1:]])
    async with playing(path, speed=math.inf) as (player, heard):
        await player.finished.wait()
        assert not heard.hub.snapshot().sessions


async def test_nothing_can_be_done_in_it(path: Path) -> None:
    status = event(1, ev.AgentStatus(status="error", previous="busy", rule="r", evidence="E"))
    two = write(path.with_name("b"), [RECORDS[0], status])
    async with playing(two, speed=math.inf) as (player, heard):
        await player.finished.wait()
        source = heard.hub.sources["default"]
        with pytest.raises(TmuxUnavailable):
            await source.perform([], seconds=1)
        assert source.report("%1", Report(status="busy")) is False
        why = source.explain("%1")
        assert why is not None
        assert (why.status, why.rule, why.evidence) == ("error", "r", "E")
        assert source.explain("%9") is None
        assert heard.hub.snapshot().sessions[0].windows[0].panes[0].status == "error"
    assert PLACE.pane_id == "%1"


async def test_on_its_way_it_is_where_it_goes(path: Path) -> None:
    async with playing(path) as (player, _):
        player.pause()
        player.seek(7.0)
        assert player.position == 7.0
        player.seek(player.position - 2)
        await settled()
        assert (player.position, player.is_paused) == (5.0, True)
