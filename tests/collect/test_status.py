"""Evidence in, events out; and one alarm for all panes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import trio
import trio.testing

from tests.status.screens import book, screen
from tmuxpulse import events as ev
from tmuxpulse.collect.feed import Taken
from tmuxpulse.collect.listed import LATE_SECONDS, drawn_anew, evidence_of
from tmuxpulse.collect.status import Statuses
from tmuxpulse.status.evidence import Exited, Processes, Resized, Signals
from tmuxpulse.tmux import signals as sg
from tmuxpulse.tmux.formats import ClientRow

from .test_watch import listing, row

Clock = trio.testing.MockClock


class Panes:
    def __init__(self, *, judges: bool = True) -> None:
        self.published: list[tuple[float, str, ev.Data]] = []
        self.statuses = Statuses(
            book(), self._publish, wall=lambda: 1_000 + trio.current_time(), judges=judges
        )
        for pane_id in ("%0", "%1"):
            self.statuses.add(pane_id)

    def _publish(self, pane_id: str, events: Sequence[ev.Data]) -> None:
        self.published += [(trio.current_time(), pane_id, event) for event in events]

    def runs(self, command: str, pane_id: str = "%0") -> None:
        at = trio.current_time()
        self.statuses.saw(pane_id, [Processes(at=at, command=command)])

    def shows(self, text: str, pane_id: str = "%0") -> None:
        self.statuses.saw(pane_id, [screen(text, at=trio.current_time())])


@pytest.fixture
def panes(autojump_clock: trio.testing.MockClock, nursery: trio.Nursery) -> Panes:
    found = Panes()
    nursery.start_soon(found.statuses.run)
    return found


async def test_a_status_is_published_when_it_has_held(autojump_clock: Clock, panes: Panes) -> None:
    panes.runs("bash")
    panes.shows("u@h:~$ ‸")
    assert panes.statuses.told("%0").status == "unknown"
    await trio.sleep(10)
    ((at, pane_id, event),) = panes.published
    assert isinstance(event, ev.AgentStatus)
    assert (pane_id, event.status, event.previous) == ("%0", "ready", "unknown")
    assert 0.4 <= at <= 0.7
    assert event.since == "1970-01-01T00:16:40.000Z"
    assert panes.statuses.told("%0") == event


async def test_where_nothing_is_judged_commands_are_told_all_the_same(
    autojump_clock: Clock, nursery: trio.Nursery
) -> None:
    panes = Panes(judges=False)
    nursery.start_soon(panes.statuses.run)
    panes.runs("bash")
    panes.shows("u@h:~$ ‸")
    await trio.sleep(10)
    events = panes.statuses.printed("%0", taken(sg.CommandStart("make"), sg.CommandEnd(2)))
    assert kinds(events) == ["command.started", "command.finished"]
    await trio.sleep(10)
    assert panes.published == []
    assert panes.statuses.told("%0").status == "unknown"


async def test_each_pane_has_its_own_time(autojump_clock: Clock, panes: Panes) -> None:
    panes.runs("bash")
    panes.shows("u@h:~$ ‸")
    await trio.sleep(0.3)
    panes.runs("ssh", "%1")
    panes.shows("bob@host's password: ‸", "%1")
    await trio.sleep(10)
    assert [pane_id for _, pane_id, _ in panes.published] == ["%0", "%1"]
    assert panes.published[1][0] > panes.published[0][0]


async def test_a_pane_that_is_gone_is_silent(autojump_clock: Clock, panes: Panes) -> None:
    panes.runs("bash")
    panes.shows("u@h:~$ ‸")
    panes.statuses.forget("%0")
    await trio.sleep(10)
    assert panes.published == []
    assert panes.statuses.saw("%0", [Resized(at=0.0)]) == []
    assert panes.statuses.told("%0").status == "unknown"
    assert panes.statuses.explain("%0") is None


async def test_at_rest_nobody_is_woken(autojump_clock: Clock, panes: Panes) -> None:
    panes.runs("bash")
    panes.shows("u@h:~$ ‸")
    await trio.sleep(5)
    began = trio.lowlevel.current_statistics()
    with trio.move_on_after(10_000):
        await trio.sleep_forever()
    # Only this scope's deadline was left: the clock has jumped there in one step.
    assert began.seconds_to_next_deadline == float("inf")


def taken(*signals: sg.Signal, lines: tuple[str, ...] = ()) -> Taken:
    output = ev.PaneOutput(mode="append", lines=lines) if lines else None
    return Taken(output, signals, 99)


def kinds(events: list[ev.Data]) -> list[str]:
    return [event.type for event in events]


async def test_events_of_an_output_come_in_their_order(autojump_clock: Clock, panes: Panes) -> None:
    events = panes.statuses.printed(
        "%0",
        taken(
            sg.CommandStart("make"),
            sg.Bell(),
            sg.Progress("normal", 40),
            sg.Notification("", "done"),
            sg.Title("x"),
            sg.CommandEnd(2),
            sg.Prompt(),
            lines=("cc a.c", "make: *** [a.o] Error 1"),
        ),
    )
    assert kinds(events) == [
        "pane.output",
        "command.started",
        "pane.error",
        "pane.bell",
        "pane.progress",
        "pane.notification",
        "command.finished",
    ]
    await trio.sleep(3)
    assert [event.type for _, _, event in panes.published] == ["agent.status"]
    assert panes.statuses.told("%0").status == "error"


async def test_a_commands_time_is_told(autojump_clock: Clock, panes: Panes) -> None:
    panes.statuses.printed("%0", taken(sg.CommandStart("make")))
    await trio.sleep(7)
    (event,) = panes.statuses.printed("%0", taken(sg.CommandEnd(0)))
    assert isinstance(event, ev.CommandFinished)
    assert (event.exit_status, event.command_line) == (0, "make")
    assert event.duration_s == pytest.approx(7)


@pytest.mark.parametrize(
    ("signals", "told"),
    [
        # It began in this output, so the lines are its own: it only shows them.
        ((sg.CommandStart("cat log"), sg.CommandEnd(0)), 0),
        # They may be of the one that ended.
        ((sg.CommandEnd(0), sg.Prompt(), sg.CommandStart("cat log")), 1),
        ((), 1),
    ],
)
async def test_lines_belong_to_the_command_that_printed_them(
    autojump_clock: Clock, panes: Panes, signals: tuple[sg.Signal, ...], told: int
) -> None:
    events = panes.statuses.printed("%0", taken(*signals, lines=("make: *** [a.o] Error 1",)))
    assert kinds(events).count("pane.error") == told


async def test_an_explanation(autojump_clock: Clock, panes: Panes) -> None:
    panes.runs("bash")
    panes.shows("u@h:~$ make\nmake: *** [x] Error 1\nu@h:~$ ‸")
    found = panes.statuses.explain("%0")
    assert found is not None
    assert (found.status, found.since, found.pending) == ("unknown", "", None)
    await trio.sleep(0.15)
    found = panes.statuses.explain("%0")
    assert found is not None
    assert found.pending is not None
    assert found.pending.status == "error"
    assert 0 < found.pending.in_s < 1
    await trio.sleep(5)
    found = panes.statuses.explain("%0")
    assert found is not None
    told = panes.statuses.told("%0")
    assert (found.status, found.since, found.rule) == (told.status, told.since, told.rule)
    assert found.pending is None
    assert found.opinions[0].outcome == "won"
    assert {one.layer for one in found.known} >= {"process", "screen"}


# --- what lists tell ---------------------------------------------------------------------------


def test_a_new_pane_tells_its_command_and_title() -> None:
    assert evidence_of(None, row(pane_title="vim"), 5.0, drawn=False) == [
        Processes(at=5.0, command="sh", pid=99),
        Signals(at=5.0, signals=(sg.Title("vim"),)),
    ]


def test_only_what_is_new_is_evidence() -> None:
    was = row(pane_title="vim")
    assert evidence_of(was, was, 5.0, drawn=False) == []
    found = evidence_of(was, row(pane_title="vim", pane_current_command="ls"), 5.0, drawn=False)
    assert found == [Processes(at=5.0, command="ls", pid=99)]
    found = evidence_of(was, row(pane_title="x"), 5.0, drawn=True)
    assert found == [
        Resized(at=5.0 - LATE_SECONDS),
        Resized(at=5.0),
        Signals(at=5.0, signals=(sg.Title("x"),)),
    ]


def test_the_end_and_a_new_life() -> None:
    dead = row(pane_dead=True, pane_dead_status=3)
    assert evidence_of(row(), dead, 5.0, drawn=False) == [Exited(at=5.0, exit_status=3)]
    assert evidence_of(dead, dead, 6.0, drawn=False) == []
    assert evidence_of(dead, row(), 7.0, drawn=False) == [Processes(at=7.0, command="sh", pid=99)]


def test_who_was_made_to_draw() -> None:
    one, two = row(), row(pane_id="%1", session_id="$1", window_id="@1")
    client = ClientRow(name="/dev/pts/3", session_id="$1", control=False)
    before = listing(one, two)
    assert drawn_anew(before, before) == set()
    assert drawn_anew(before, listing(row(pane_width=81), two)) == {"%0"}
    assert drawn_anew(before, listing(row(window_zoomed_flag=True), two)) == {"%0"}
    assert drawn_anew(before, listing(one, two, clients=(client,))) == {"%1"}
    assert drawn_anew(listing(one, two, clients=(client,)), before) == set()
    assert drawn_anew(listing(one), before) == set()
