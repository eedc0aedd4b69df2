"""The order of panes: who failed, who waits, who is done, who works."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tui.made import NOW, lines, model_of, order, press, received, state, status, view
from tmuxpulse import events as ev
from tmuxpulse.cli.screen.pane import DONE_SECONDS, KINDS, attention
from tmuxpulse.filters import Filter


def test_failed_then_waiting_then_done_then_busy_then_idle() -> None:
    model = model_of(*[view(n) for n in range(7)])
    model.take(
        [
            status(1, "busy"),
            status(2, "ready"),
            status(3, "waiting", at=NOW - 10, why="asks", shown="Deploy?"),
            status(4, "waiting", at=NOW - 90),
            status(5, "error", at=NOW - 5),
            status(6, "busy", at=NOW - 20),
            status(6, "ready", at=NOW - 2),
        ],
        NOW,
    )
    assert order(model) == ["%5", "%4", "%3", "%6", "%1", "%0", "%2"]
    kinds = [pane.kind(NOW) for pane in model.panes(NOW)]
    assert kinds == ["failed", "waiting", "waiting", "done", "busy", "idle", "idle"]


def test_a_waiting_pane_tells_its_question() -> None:
    model = model_of(view(0))
    model.take([status(0, "waiting", why="asks yes or no", shown="Deploy? [y/N]")], NOW)
    assert model.panes(NOW)[0].text == "Deploy? [y/N]"
    assert model.panes(NOW)[0].why == "asks yes or no: Deploy? [y/N]"


def test_the_question_of_a_snapshot_is_its_last_line() -> None:
    asks = view(
        0, status="waiting", status_since="2026-11-23T09:00:00Z", reason="asks", last_line="Go?"
    )
    (pane,) = model_of(asks).panes(NOW)
    assert (pane.text, pane.why) == ("Go?", "asks: Go?")
    assert pane.since == 1795424400.0


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"exit_status": 3}, "failed"),
        ({"signal": "9"}, "failed"),
        ({"exit_status": 0}, "done"),
        ({}, "done"),
    ],
)
def test_how_a_program_ended(fields, kind) -> None:
    model = model_of(view(0))
    model.take([received(0, ev.PaneExited(**fields))], NOW)
    assert model.panes(NOW)[0].kind(NOW) == kind
    assert "ended" in model.panes(NOW)[0].text


def test_what_is_done_gets_old() -> None:
    model = model_of(view(0), view(1))
    model.take([status(1, "busy"), status(1, "ready")], NOW)
    assert order(model) == ["%1", "%0"]
    later = NOW + DONE_SECONDS + 1
    assert order(model, later) == ["%0", "%1"]


def test_what_was_acknowledged_sinks_until_something_new() -> None:
    model = model_of(view(0), view(1))
    model.take([status(1, "error")], NOW)
    assert order(model) == ["%1", "%0"]
    model.chosen = ("default", "%1")
    press(model, "a")
    assert order(model) == ["%0", "%1"]
    model.take([lines(1, "more text is nothing new")], NOW)
    assert order(model) == ["%0", "%1"]
    model.take([received(1, ev.PaneError(line="bad", rule="r"))], NOW)
    assert order(model) == ["%1", "%0"]
    press(model, "a", "a")
    assert order(model) == ["%1", "%0"]


def test_an_idle_pane_has_nothing_to_acknowledge() -> None:
    model = model_of(view(0))
    press(model, "a")
    assert "nothing to acknowledge" in model.message


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.sampled_from(["busy", "ready", "waiting", "error"]),
            st.integers(0, 900),
        ),
        max_size=20,
    )
)
def test_the_order_is_of_kinds_and_the_longest_waits_first(turns) -> None:
    model = model_of(*[view(n) for n in range(6)])
    model.take([status(n, what, at=NOW - ago) for n, what, ago in turns], NOW)
    panes = model.panes(NOW)
    ranks = [KINDS.index(pane.kind(NOW)) for pane in panes]
    assert ranks == sorted(ranks)
    waits = [pane.since or 0.0 for pane in panes if pane.kind(NOW) == "waiting"]
    assert waits == sorted(waits)
    assert [attention(pane, NOW) for pane in panes] == sorted(
        attention(pane, NOW) for pane in panes
    )


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Filter(), ["%1", "%0"]),
        (Filter(statuses=("waiting",)), ["%1"]),
        (Filter(panes=("%0",)), ["%0"]),
        (Filter(sessions=("other",)), []),
        (Filter(contains=("DEPLOY",)), ["%1"]),
        (Filter(types=("pane.bell",)), ["%1", "%0"]),
    ],
)
def test_a_filter_of_events_narrows_the_panes_too(wanted, expected) -> None:
    model = model_of(view(0), view(1), wanted=wanted)
    model.take([status(1, "waiting", shown="Deploy?")], NOW)
    assert order(model) == expected


def test_our_own_pane_is_not_there() -> None:
    model = model_of(view(0), view(1), without={("/tmp/s", "%1"), ("/tmp/other", "%0")})
    assert order(model) == ["%0"]
    model.take([lines(1, "a picture")], NOW)
    assert model.log.total == 0
    model.take([lines(0, "news")], NOW)
    assert model.log.total == 1


def test_structure_is_followed() -> None:
    model = model_of(view(0))
    created = ev.PaneCreated(
        id="%7", index=1, active=False, command="vi", pid=2, title="", path="/", width=8, height=4
    )
    item = received(7, created)
    model.take([item], NOW)
    assert order(model) == ["%0", "%7"]
    model.take([received(7, ev.PaneCommand(command="less", previous="vi", pid=3))], NOW)
    assert model.panes(NOW)[1].program == "less"
    model.take([received(7, ev.PaneRemoved())], NOW)
    assert order(model) == ["%0"]


def test_a_snapshot_after_a_gap_is_the_truth_and_known_turns_stay() -> None:
    model = model_of(view(0), view(1))
    model.take([status(0, "busy", at=NOW - 3)], NOW)
    model.take(
        [state(view(0, status="waiting", status_since="2026-11-23T09:00:00Z"), view(2))], NOW
    )
    assert order(model) == ["%0", "%2"]
    assert [turn.status for turn in model.panes(NOW)[0].turns] == ["busy", "waiting"]
