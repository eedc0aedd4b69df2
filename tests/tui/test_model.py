"""What keys do."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tui.made import NOW, lines, model_of, order, press, received, status, view
from tmuxpulse import events as ev
from tmuxpulse.cli.screen.model import Sight, Task
from tmuxpulse.cli.screen.prompt import Prompt
from tmuxpulse.config.settings import WatchKeysTable
from tmuxpulse.filters import Filter
from tmuxpulse.wire import Gap


def three():
    return model_of(view(0), view(1), view(2))


def test_moving_in_the_panes() -> None:
    model = three()
    assert model.chosen == ("default", "%0")
    press(model, "j")
    assert model.position == 1
    press(model, "down", "down", "down")
    assert model.position == 2
    press(model, "k", "up", "k")
    assert model.position == 0
    press(model, "G")
    assert model.position == 2
    press(model, "g")
    assert model.position == 0
    model.page = 3
    press(model, "page down")
    assert model.position == 2
    press(model, "page up")
    assert model.position == 0


def test_the_chosen_pane_stays_chosen_when_the_order_changes() -> None:
    model = three()
    press(model, "j")
    model.take([status(2, "error"), status(0, "waiting")], NOW)
    assert order(model) == ["%2", "%0", "%1"]
    assert model.chosen == ("default", "%1")
    model.take([received(1, ev.PaneRemoved())], NOW)
    assert order(model) == ["%2", "%0"]
    assert model.chosen == ("default", "%0"), "the one that stands where it stood, or above"


def test_until_a_key_is_pressed_the_first_pane_is_the_chosen_one() -> None:
    model = three()
    model.take([status(2, "error")], NOW)
    model.panes(NOW)
    assert model.chosen == ("default", "%2")
    press(model, "?")
    model.take([status(1, "error", at=NOW + 1)], NOW)
    assert order(model)[0] == "%1"
    assert model.chosen == ("default", "%2")


def test_the_view_of_a_pane_and_its_timeline() -> None:
    model = three()
    press(model, "enter")
    assert model.mode == "pane"
    press(model, "enter")
    assert model.mode == "overview"
    press(model, "enter", "t")
    assert model.mode == "timeline"
    press(model, "t")
    assert model.mode == "overview"
    model.take([status(0, "busy"), status(0, "waiting", why="asks", shown="Go?")], NOW)
    assert [(turn.status, turn.why) for turn in model.turns()] == [
        ("waiting", "asks: Go?"),
        ("busy", ""),
    ]


def test_without_a_pane_there_is_nothing_to_open() -> None:
    model = model_of()
    press(model, "enter")
    assert (model.mode, model.message) == ("overview", "there is no pane")
    press(model, "j", "G", "a", "?")
    assert model.mode == "help"


def test_q_leaves_a_view_and_then_ends() -> None:
    model = three()
    assert press(model, "?", "q") is None
    assert model.mode == "overview"
    assert press(model, "enter", "esc") is None
    assert press(model, "q") == Task("quit")


def test_a_pause_stops_the_picture_and_counts() -> None:
    model = three()
    model.take([lines(0, "before")], NOW)
    press(model, " ")
    model.take([status(2, "error"), lines(0, "after"), lines(1, "more")], NOW)
    assert order(model) == ["%0", "%1", "%2"]
    assert model.waiting_events == 3
    assert len(model.all_events()) == 1
    assert model.panes(NOW)[2].status == "unknown"
    press(model, "j")
    assert model.position == 1
    press(model, " ")
    assert order(model) == ["%2", "%0", "%1"]
    assert (model.waiting_events, len(model.all_events())) == (0, 4)


def test_acknowledging_while_paused_does_not_swallow_what_came_since() -> None:
    model = three()
    model.take([status(2, "error")], NOW)
    model.panes(NOW)
    press(model, "g", " ")
    model.take([received(2, ev.PaneError(line="worse", rule="r"))], NOW)
    press(model, "a", " ")
    assert order(model)[0] == "%2"


def test_a_search_in_the_panes() -> None:
    model = three()
    model.take([lines(1, "the needle"), lines(2, "a Needle")], NOW)
    press(model, "/", *"needle", "enter")
    assert (model.chosen, model.message) == (("default", "%1"), "1 of 2")
    press(model, "n")
    assert model.chosen == ("default", "%2")
    press(model, "n")
    assert model.chosen == ("default", "%1")
    press(model, "N")
    assert model.chosen == ("default", "%2")
    press(model, "/", *"nowhere", "enter")
    assert model.message == "not found: nowhere"
    press(model, "esc", "n")
    assert "nothing is searched for" in model.message


def test_a_search_in_the_events() -> None:
    model = three()
    model.pages["events"] = 2
    model.take([lines(0, f"line {n}") for n in range(10)], NOW)
    press(model, "tab", "/", *"line 3", "enter")
    assert model.end == 4
    assert model.events(1)[0] == model.all_events()[3]
    press(model, "G")
    assert model.end is None


def test_a_search_in_a_pane() -> None:
    model = three()
    model.pages["pane"] = 3
    model.see(Sight(("default", "%0"), tuple(f"row {n}" for n in range(20))))
    press(model, "enter", "/", *"row 5", "enter")
    assert model.scroll == 14
    press(model, "G")
    assert model.scroll == 0
    press(model, "k")
    assert model.scroll == 1


def test_the_events_stay_where_they_were_scrolled_to() -> None:
    model = three()
    model.pages["events"] = 2
    model.take([lines(0, f"line {n}") for n in range(10)], NOW)
    press(model, "tab", "k", "k")
    before = model.events(2)
    model.take([lines(0, "new")], NOW)
    assert model.events(2) == before
    press(model, "j", "j", "j")
    assert model.end is None


def test_a_filter_is_written_in_the_language_of_the_command_line() -> None:
    model = three()
    model.take([status(1, "waiting"), lines(0, "x")], NOW)
    press(model, "f", *"--status waiting", "enter")
    assert order(model) == ["%1"]
    assert len(model.all_events()) == 1
    press(model, "f")
    assert model.prompt == Prompt("filter", "--status waiting")
    press(model, "ctrl u", "enter")
    assert len(order(model)) == 3


def test_a_filter_that_is_none_says_why_and_stays_to_be_corrected() -> None:
    model = three()
    press(model, "f", *"--status no", "enter")
    assert "invalid choice: 'no'" in model.message
    assert "waiting" in model.message
    assert model.prompt is not None
    press(model, "esc")
    assert model.wanted == Filter()


def test_an_export_asks_for_a_name_and_offers_one() -> None:
    model = three()
    press(model, "e")
    assert model.prompt is not None
    assert model.prompt.text.startswith("tmuxpulse-")
    assert press(model, "ctrl u", *"x.txt", "enter") == Task("export", "x.txt")
    assert press(model, "e", "esc") is None


def test_an_unknown_key_says_where_the_keys_are() -> None:
    model = three()
    press(model, "z")
    assert model.message == "no such key; ? shows all"
    press(model, "left")
    assert model.message == "that is for a replay"


def test_in_a_replay_keys_steer_it() -> None:
    model = model_of(view(0), replay=True)
    keys = (" ", "left", "right", "<", ">")
    assert [press(model, key) for key in keys] == [
        Task("pause"), Task("seek_back"), Task("seek_on"), Task("slower"), Task("faster"),
    ]  # fmt: skip
    assert model.frozen is None


def test_in_a_replay_times_are_those_of_the_replay() -> None:
    model = model_of(view(0, status="busy", status_since="2020-01-01T00:00:00Z"), replay=True)
    assert model.panes(NOW)[0].since is None
    model.take([status(0, "waiting", at=5.0)], NOW)
    assert model.panes(NOW)[0].since == NOW


def test_what_a_pane_shows_goes_on_with_what_it_prints() -> None:
    model = three()
    assert model.rows() == ()
    model.take([lines(0, "one", "two")], NOW)
    assert model.rows() == ("one", "two")
    model.see(Sight(("default", "%0"), ("$ run", "two", "$ ", ""), 2))
    assert model.rows() == ("$ run", "two", "$ ", "")
    model.take([lines(0, "$ more", "three")], NOW)
    assert model.rows() == ("$ run", "two", "$ more", "three", "")


def test_a_gap_is_told() -> None:
    model = three()
    model.take([Gap(from_seq=1, to_seq=5, dropped=5, only="pane.output")], NOW)
    assert model.all_events()[0].text == "5 events were lost (pane.output)"


def test_what_the_beginning_has_told_is_not_told_again() -> None:
    model = three()
    model.take([lines(0, "old")], NOW, since=1)
    assert model.log.total == 0


KEYS = [
    key for keys in WatchKeysTable().__struct_fields__ for key in getattr(WatchKeysTable(), keys)
]
EVENTS = [lines(0, "x"), status(1, "error"), status(2, "waiting"), received(1, ev.PaneRemoved())]


@settings(max_examples=100)
@given(st.lists(st.sampled_from([*KEYS, "a", "x", " ", "backspace", 0, 1, 2, 3]), max_size=40))
def test_whatever_is_pressed_the_chosen_pane_is_one_that_is_shown(steps) -> None:
    model = three()
    for number, step in enumerate(steps):
        if isinstance(step, int):
            model.take([EVENTS[step]], NOW + number)
        else:
            press(model, step, now=NOW + number)
        panes = model.panes(NOW + number)
        assert model.chosen in {pane.key for pane in panes} or not panes
        assert model.end is None or model.end <= model.total
        model.rows(), model.turns(), model.events(5)
