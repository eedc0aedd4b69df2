"""One server's watch, with an engine that plays a script and a clock that jumps."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import msgspec
import pytest
import trio
import trio.testing

from tests.status.screens import book
from tmuxpulse import events as ev
from tmuxpulse.collect import watch as watch_module
from tmuxpulse.collect.command import Identity, Tmux
from tmuxpulse.collect.deaths import STATUS_SECONDS
from tmuxpulse.collect.looks import RUN_SECONDS
from tmuxpulse.collect.screens import Shown
from tmuxpulse.collect.secrets import MASKED
from tmuxpulse.collect.watch import ServerWatch
from tmuxpulse.errors import ListingBroken, TmuxUnavailable
from tmuxpulse.filters import EVERYTHING, Filter
from tmuxpulse.hub.hub import Hub
from tmuxpulse.redaction.redactor import Redactor, make_redactor
from tmuxpulse.status.book import Book
from tmuxpulse.styles import Run, Screen, Style
from tmuxpulse.tmux import orders
from tmuxpulse.tmux.formats import ClientRow, Listing, PaneRow
from tmuxpulse.tmux.outcomes import Outcome
from tmuxpulse.tmux.reports import Report

IDENTITY = Identity(pid=7, start_time=5, version="3.3a")
TMUX = Tmux("tmux", "/tmp/sock")
ROW = PaneRow(
    session_id="$0",
    window_id="@0",
    pane_id="%0",
    window_index=0,
    pane_index=0,
    window_active=True,
    pane_active=True,
    window_zoomed_flag=False,
    pane_dead=False,
    pane_pipe=False,
    alternate_on=False,
    pane_pid=99,
    pane_width=80,
    pane_height=24,
    pane_dead_status=None,
    pane_dead_signal=None,
    window_layout="b25d,80x24,0,0,0",
    session_name="main",
    window_name="sh",
    pane_title="",
    pane_current_command="sh",
    pane_current_path="/",
)


def listing(*rows: PaneRow, clients: tuple[ClientRow, ...] = ()) -> Listing:
    return Listing(panes=rows, clients=clients)


def row(**fields) -> PaneRow:
    return msgspec.structs.replace(ROW, **fields)


class Scripted:
    """An engine that runs a coroutine function with the sink."""

    name: ClassVar[str] = "scripted"
    sample_seconds: ClassVar[float] = 0.2

    def __init__(self, script):
        self.script = script
        self.screens: dict[str, list[str]] = {}
        self.captures: list[tuple[float, list[str]]] = []

    async def run(self, sink, *, task_status=trio.TASK_STATUS_IGNORED):  # noqa: ARG002
        await self.script(sink)

    async def capture(self, pane_ids):
        self.captures.append((trio.current_time(), list(pane_ids)))
        await trio.sleep(0.001)
        return {
            pane: Shown(rows=self.screens[pane], cursor_row=len(self.screens[pane]) - 1)
            for pane in pane_ids
            if pane in self.screens
        }


async def no_processes(pids):  # as a `Looker` is called
    return {}


class Stage:
    def __init__(self, redactor: Redactor | None = None, book: Book | None = None):
        self.hub = Hub(clock=lambda: 0.0)
        self.watch = ServerWatch(
            self.hub, "default", "/tmp/sock", redactor, book=book, looker=no_processes
        )
        self.engine = Scripted(None)

    async def play(self, script):
        self.engine.script = script
        await self.watch.watch(self.engine, IDENTITY, TMUX)

    def events(self) -> list[ev.Event]:
        found = self.hub.last(frozenset({EVERYTHING}), 1000)
        return [event.numbered.event for event in found.events]

    def types(self) -> list[str]:
        return [event.type for event in self.events()]

    def outputs(self) -> list[ev.PaneOutput]:
        return [event.data for event in self.events() if isinstance(event.data, ev.PaneOutput)]


@pytest.fixture
def on_stage(autojump_clock):
    return Stage()


async def test_a_life(on_stage, autojump_clock):
    async def script(sink):
        sink.listing(listing(ROW))
        view, sessions = on_stage.watch.view()
        assert view.up
        assert view.engine == "scripted"
        assert [session.name for session in sessions] == ["main"]

    await on_stage.play(script)
    assert on_stage.types() == [
        "server.up",
        "session.created",
        "window.created",
        "pane.created",
        "pane.exited",
        "pane.removed",
        "window.removed",
        "session.removed",
        "server.down",
    ]
    assert on_stage.events()[-1].data == ev.ServerDown(reason="the tmux server ended")
    view, sessions = on_stage.watch.view()
    assert (view.up, sessions) == (False, [])


async def test_a_part_that_is_off_costs_nothing(on_stage, autojump_clock):
    looks = []

    async def looker(pids):
        looks.append(pids)
        return {}

    async def script(sink):
        sink.listing(listing(ROW))
        await trio.sleep(60)

    with on_stage.hub.reader() as reader:
        on_stage.hub.move(reader, frozenset({Filter(types=("system.stats",))}))
        assert on_stage.watch._wants_stats()
        for judges in (True, False):
            looks.clear()
            watch = ServerWatch(
                on_stage.hub, "b", "/b", looker=looker, judges=judges, measures=False
            )
            assert not watch._wants_stats()
            on_stage.engine.script = script
            await watch.watch(on_stage.engine, IDENTITY, TMUX)
            assert bool(looks) == judges


async def test_the_first_bytes_go_at_once_and_the_next_ones_together(on_stage, autojump_clock):
    async def script(sink):
        sink.listing(listing(ROW))
        sink.streams("%0", on=True)
        sink.output("%0", b"one\n")
        assert [output.lines for output in on_stage.outputs()] == [("one",)]
        for number in range(10):
            sink.output("%0", b"%d\n" % number)
            await trio.sleep(0.001)
        assert len(on_stage.outputs()) == 1
        await trio.sleep(0.1)

    await on_stage.play(script)
    _, rest = on_stage.outputs()
    assert rest.lines == tuple("0123456789")


async def test_last_words_come_before_the_end(on_stage, autojump_clock):
    async def script(sink):
        sink.listing(listing(ROW, row(pane_id="%1", pane_index=1, pane_active=False)))
        sink.streams("%1", on=True)
        sink.output("%1", b"one\n")
        sink.output("%1", b"last\n")
        sink.listing(listing(ROW))
        assert on_stage.types()[-4:] == [
            "pane.output",
            "pane.output",
            "pane.exited",
            "pane.removed",
        ]
        sink.output("%1", b"a ghost\n")
        assert on_stage.types()[-1] == "pane.removed"

    await on_stage.play(script)


async def test_last_words_come_before_the_end_of_a_server_too(on_stage, autojump_clock):
    async def script(sink):
        sink.listing(listing(ROW))
        sink.streams("%0", on=True)
        sink.output("%0", b"one\n")
        sink.output("%0", b"last\n")
        raise TmuxUnavailable("gone", socket="/tmp/sock")

    with pytest.raises(TmuxUnavailable):
        await on_stage.play(script)
    assert [output.lines for output in on_stage.outputs()] == [("one",), ("last",)]
    assert on_stage.types()[-1] == "server.down"


async def test_an_engines_failure_is_told_and_raised_plainly(on_stage, autojump_clock):
    async def script(sink):
        sink.listing(listing(ROW))
        raise ListingBroken("what is this")

    with pytest.raises(ListingBroken):
        await on_stage.play(script)
    assert on_stage.events()[-1].data == ev.ServerDown(reason="what is this")


async def test_a_bug_is_not_taken_for_a_tmux_error(on_stage, autojump_clock):
    async def script(sink):
        raise ZeroDivisionError

    with pytest.RaisesGroup(ZeroDivisionError):
        await on_stage.play(script)


async def test_screens_are_captured_together_and_not_too_often(on_stage, autojump_clock):
    on_stage.engine.screens = {"%0": ["a"], "%1": ["b"]}

    async def script(sink):
        sink.listing(listing(ROW, row(pane_id="%1", pane_index=1, pane_active=False)))
        for pane in ("%0", "%1"):
            sink.streams(pane, on=True)
            sink.output(pane, b"\x1b[?1049h")
        for number in range(50):
            for pane in ("%0", "%1"):
                on_stage.engine.screens[pane] = [f"{pane} {number}"]
                sink.output(pane, b"\x1b[1;1Hx")
            await trio.sleep(0.02)
        await trio.sleep(0.5)

    await on_stage.play(script)
    times = [at for at, _ in on_stage.engine.captures]
    assert all(b - a >= RUN_SECONDS * 0.999 for a, b in pairwise(times))
    assert all(sorted(panes) == ["%0", "%1"] for _, panes in on_stage.engine.captures)
    last = {}
    for event in on_stage.events():
        if isinstance(event.data, ev.PaneOutput):
            assert event.data.mode == "screen"
            last[event.place.pane_id] = event.data.rows["0"]
    assert last == {"%0": "%0 49", "%1": "%1 49"}


async def test_a_pane_that_does_not_stream_is_sampled(on_stage, autojump_clock):
    on_stage.engine.screens = {"%0": ["start"]}

    async def script(sink):
        sink.listing(listing(ROW))
        await trio.sleep(0.5)
        on_stage.engine.screens = {"%0": ["start", "more"]}
        await trio.sleep(0.5)
        assert on_stage.watch.view()[1][0].windows[0].panes[0].last_line == "more"

    await on_stage.play(script)
    assert [output.rows for output in on_stage.outputs()] == [{"1": "more"}]


async def test_the_exit_status_that_tmux_tells_late_is_waited_for(on_stage, autojump_clock):
    async def script(sink):
        sink.listing(listing(ROW))
        sink.listing(listing(row(pane_dead=True)))
        assert "pane.exited" not in on_stage.types()
        await trio.sleep(STATUS_SECONDS / 2)
        sink.listing(listing(row(pane_dead=True, pane_dead_status=3)))
        assert on_stage.events()[-1].data == ev.PaneExited(exit_status=3)

    await on_stage.play(script)


async def test_but_not_for_ever(on_stage, autojump_clock):
    async def script(sink):
        sink.listing(listing(ROW))
        sink.listing(listing(row(pane_dead=True)))
        await trio.sleep(STATUS_SECONDS * 1.1)  # and no other list comes
        assert ev.PaneExited() in [event.data for event in on_stage.events()]

    await on_stage.play(script)


async def test_clients_come_and_go(on_stage, autojump_clock):
    client = ClientRow(name="/dev/pts/3", session_id="$0", control=False)

    async def script(sink):
        sink.listing(listing(ROW))
        sink.listing(listing(ROW, clients=(client,)))
        assert on_stage.watch.view()[1][0].attached == 1
        sink.listing(listing(ROW))

    await on_stage.play(script)
    found = [event.data for event in on_stage.events() if event.type.endswith("tached")]
    assert found == [
        ev.SessionAttached(client="/dev/pts/3", attached=1),
        ev.SessionDetached(client="/dev/pts/3", attached=0),
    ]


async def test_trouble_is_an_event(on_stage, autojump_clock):
    on_stage.watch.trouble("cannot", 1.0)
    assert on_stage.events()[-1].data == ev.CollectorTrouble(message="cannot", retry_s=1.0)


SECRET = "ghp_x7Kp2mQ9vR4tY8wZ1aB5cD3eF6gH0iJ2kL4m"


async def test_secrets_are_masked_before_anything_is_published(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    """In titles, names, lines, screens, snapshots, and in what a capture shows."""
    stage = Stage(make_redactor([]))

    async def perform(tmux, orders, *, seconds):
        shown = Screen(
            rows=[f"$ echo {SECRET}!"], styles=[[Run(20, 4, Style(fg=1)), Run(47, 1, Style(fg=2))]]
        )
        return [
            Outcome(ok=True, screen=shown)
            if order.styled
            else Outcome(ok=True, output=f"$ echo {SECRET}\n$ ")
            for order in orders
        ]

    monkeypatch.setattr(watch_module, "perform", perform)

    async def play(sink):
        told = dict.fromkeys(MASKED, f"echo {SECRET}")
        sink.listing(listing(row(**told), row(pane_id="%1", pane_index=1)))
        sink.streams("%0", on=True)
        for number, char in enumerate(f"token is {SECRET} ok\r\n"):
            sink.output("%0", char.encode())
            await trio.sleep(0.05 if number % 3 else 0)
        stage.engine.screens = {"%1": ["before"]}
        await trio.sleep(1)
        stage.engine.screens = {"%1": ["x" * 69 + " " + SECRET[:10], SECRET[10:] + " and more"]}
        await trio.sleep(1)
        captured = await stage.watch.perform(
            [orders.Capture("%0"), orders.Capture("%0", styled=True)], seconds=1
        )
        assert SECRET[6:] not in repr((captured, stage.watch.view()))
        screen = captured[1].screen
        assert screen is not None
        # What was in the secret is not even told by its colours; what stands behind it keeps its.
        assert screen.rows == [f"$ echo ghp_{'█' * (len(SECRET) - 4)}!"]
        assert screen.styles == [[Run(47, 1, Style(fg=2))]]

    await stage.play(play)
    published = repr(stage.events())
    assert SECRET[4:12] not in published
    assert SECRET[12:] not in published
    assert sum(output.redacted for output in stage.outputs()) >= 2


class Truth:
    """Compares the state with what was told, each time that something is."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.told: dict[str, str] = {}
        self.compared = 0

    def follow(self, events) -> None:
        for event in events:
            if isinstance(event.data, ev.AgentStatus):
                self.told[event.place.pane_id] = event.data.status
        for session in self.stage.watch.view()[1]:
            for pane in session.windows[0].panes:
                assert pane.status == self.told.get(pane.id, "unknown")
                self.compared += pane.status != "unknown"

    def flush(self) -> None:
        pass

    def wants(self, _event_type: str) -> bool:
        return False


async def test_statuses_in_the_state_are_those_that_were_told(autojump_clock):
    stage = Stage(book=book())
    truth = Truth(stage)
    stage.hub.followers.append(truth)
    stage.engine.screens = {"%0": ["u@h:~$ make", "make: *** [x] Error 1", "u@h:~$"]}

    async def script(sink):
        sink.listing(listing(row(pane_current_command="bash")))
        sink.streams("%0", on=True)
        await trio.sleep(2)
        assert stage.watch.report("%0", Report(status="busy", reason="token=abc\x1b", source="x"))
        assert not stage.watch.report("%9", Report(status="busy"))
        assert stage.watch.explain("%9") is None
        await trio.sleep(2)
        pane = stage.watch.view()[1][0].windows[0].panes[0]
        assert (pane.status, pane.reason) == ("busy", "token=abc\ufffd")
        assert pane.status_since
        sink.output("%0", b"\x1b]133;D;0\x07\x1b]133;A\x07u@h:~$ ")
        stage.engine.screens = {"%0": ["u@h:~$"]}
        await trio.sleep(3)
        explanation = stage.watch.explain("%0")
        assert explanation is not None
        assert explanation.status == "ready"

    await stage.play(script)
    told = [event.data for event in stage.events() if isinstance(event.data, ev.AgentStatus)]
    assert [data.status for data in told] == ["error", "busy", "ready"]
    assert truth.compared >= 3


async def test_what_panes_print_is_told_the_same_with_and_without_rules(autojump_clock):
    told = []
    for rules in (None, book()):
        stage = Stage(book=rules)
        stage.engine.screens = {"%0": ["error: x"], "%1": ["b"]}

        async def script(sink, stage=stage):
            sink.listing(listing(ROW, row(pane_id="%1", pane_index=1, pane_active=False)))
            sink.streams("%0", on=True)
            for number in range(50):
                sink.output("%0", b"\x1b]133;C\x07error: %d\r\n\x1b]133;D;1\x07" % number)
                stage.engine.screens["%1"] = [f"b {number // 10}"]
                await trio.sleep(0.07)

        await stage.play(script)
        told.append(stage.outputs())
    assert told[0] == told[1]
    assert len(told[0]) > 50
