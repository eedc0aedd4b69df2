"""The picture: exactly as large as asked for, and with what matters in it."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tui.made import NOW, lines, model_of, press, received, status, view
from tmuxpulse import events as ev
from tmuxpulse.cli.screen.cells import text_of, width
from tmuxpulse.cli.screen.model import Model, Sight
from tmuxpulse.cli.screen.paint import Player, paint
from tmuxpulse.config.settings import WatchTable
from tmuxpulse.styles import Run, Style

HOSTILE = "\x1b[2J\x1b]0;x\x07 世界 👩‍👧 \u202eabc e\u0301\t"


def shown(model: Model, size=(80, 24), **options) -> list[str]:
    return [text_of(row) for row in paint(model, size, NOW, **options).rows]


def busy_model() -> Model:
    model = model_of(view(0, command=HOSTILE, title=HOSTILE, path=HOSTILE), view(1), view(2))
    model.take(
        [
            status(0, "waiting", at=NOW - 75, why="asks", shown=HOSTILE),
            status(1, "error", shown="boom"),
            lines(2, HOSTILE, "plain"),
            received(1, ev.PaneError(line=HOSTILE, rule="r")),
            received(2, ev.Custom(name="custom.x", data={"a": HOSTILE})),
        ],
        NOW,
    )
    styles = [[Run(0, 4, Style(fg=1)), Run(6, 30, Style(bg=2))], [Run(3, 200, Style(bg="#123456"))]]
    model.see(Sight(("default", "%0"), (HOSTILE, "b", ""), 0, styles))
    return model


@settings(max_examples=100)
@given(
    st.integers(1, 130),
    st.integers(1, 50),
    st.lists(
        st.sampled_from(["j", "k", "enter", "t", "?", "tab", " ", "/", "f", "e", "x", "esc", "G"]),
        max_size=6,
    ),
)
def test_every_picture_has_exactly_its_size_and_steers_nothing(columns, rows, keys) -> None:
    model = busy_model()
    press(model, *keys)
    picture = paint(model, (columns, rows), NOW)
    texts = [text_of(row) for row in picture.rows]
    assert len(texts) == rows
    assert {width(text) for text in texts} == {columns}
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e]", "".join(texts))
    if picture.cursor is not None:
        assert 0 <= picture.cursor[0] < columns
        assert picture.cursor[1] == rows - 1


@pytest.mark.parametrize("size", [(80, 24), (300, 100), (40, 8)])
def test_it_counts_and_lists_and_tells_the_question(size) -> None:
    model = model_of(view(0), view(1))
    model.take([status(1, "waiting", at=NOW - 75, shown="Deploy?"), lines(0, "hello")], NOW)
    texts = shown(model, size)
    assert "0 failed 1 waiting" in texts[0]
    assert re.match(r"[ ▌]●.* 1m +work:0.1", texts[2])
    assert "Deploy?"[:4] in texts[2]
    assert any("hello" in text for text in texts[3:])


def test_the_screen_of_the_chosen_pane_stands_beside_the_list() -> None:
    model = model_of(view(0), view(1))
    model.see(Sight(("default", "%0"), ("what it shows", "", "")))
    texts = shown(model)
    assert "│ work:0.0  sh" in texts[1]
    assert texts[2].partition("│")[2].startswith("what it shows")
    assert "│" not in shown(model, (60, 24))[1], "no room for it"


def test_a_terminal_that_is_too_small_is_told_so() -> None:
    text = "".join(shown(model_of(view(0)), (30, 5)))
    assert "30x5 is too small: 40x8 or more" in text


def test_a_pause_a_filter_a_problem_and_a_replay_are_in_the_head() -> None:
    model = model_of(view(0))
    press(model, "f", *"--session work", "enter", " ")
    model.take([lines(0, "x")], NOW)
    model.problem = "the server ended; trying again"
    head = shown(model, (200, 24), player=Player(75.0, math.inf, "plays"))[0]
    for text in (
        "PAUSED, 1 events wait",
        "filter --session work",
        "the server ended",
        "replay 1:15",
    ):
        assert text in head


def test_views_of_one_pane() -> None:
    model = model_of(view(0))
    model.take(
        [status(0, "busy", at=NOW - 100), status(0, "waiting", at=NOW - 40, why="asks")], NOW
    )
    model.see(Sight(("default", "%0"), tuple(f"row {n}" for n in range(50))))
    press(model, "enter")
    texts = shown(model)
    assert "work:0.0  sh  80x24  /src" in texts[1]
    assert "waiting for 40 s  asks" in texts[2]
    assert texts[-2].strip() == "row 49"
    press(model, "k", "k")
    assert shown(model)[-2].strip() == "row 47"
    assert "(2 rows below)" in shown(model)[1]
    press(model, "t")
    assert re.search(r"waiting +40 s +asks", shown(model)[2])
    assert re.search(r"busy +1 m 0 s", shown(model)[3])
    press(model, "?")
    assert any(re.match(r" ↑ k +move up", text) for text in shown(model))


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_the_keys_that_help_and_end_are_always_told(columns: int) -> None:
    foot = shown(model_of(view(0)), (columns, 24))[-1]
    assert re.search(r"\? help +q quit", foot)
    assert foot.startswith("Enter open")
    assert "…" not in foot
    assert ("e export" in foot) == (columns == 120)


def test_an_event_that_says_nothing_is_told_by_its_type() -> None:
    model = model_of(view(0))
    model.take([received(0, ev.PaneBell())], NOW)
    for columns in (80, 140):
        (row,) = [row for row in shown(model, (columns, 24)) if "pane.bell" in row]
        assert row.count("pane.bell") == 1


def test_matches_of_a_search_are_marked() -> None:
    model = model_of(view(0))
    model.take([lines(0, "find the needle")], NOW)
    press(model, "/", *"needle", "enter")
    rows = paint(model, (120, 24), NOW).rows
    assert sum(segment == ("match", "needle") for row in rows for segment in row) >= 2


def test_what_was_acknowledged_looks_idle() -> None:
    model = model_of(view(0))
    model.take([status(0, "error", shown="boom")], NOW)
    assert "✗ failed" in shown(model, (130, 24))[2]
    press(model, "a")
    assert "✓ failed" in shown(model, (130, 24))[2]


def test_columns_are_those_of_the_settings() -> None:
    model = model_of(view(0, title="the title"))
    model.take([received(0, ev.PaneError(line="x", rule="r"))] * 3, NOW)
    look = WatchTable(columns=("errors", "title", "size", "path"))
    texts = shown(model, (130, 24), look=look)
    assert re.match(r" ERR +TITLE +SIZE +PATH", texts[1])
    assert re.match(r"▌3 +the title +80x24 +/src", texts[2])
    assert len(shown(model, (130, 24), look=WatchTable(columns=()))) == 24


def test_areas_are_where_things_are() -> None:
    model = model_of(*[view(n) for n in range(50)])
    press(model, "G")
    picture = paint(model, (80, 24), NOW)
    panes = next(area for area in picture.areas if area.name == "panes")
    for row in range(panes.top, panes.bottom):
        assert f"work:0.{panes.first + row - panes.top} " in text_of(picture.rows[row])


def test_without_panes_it_says_why() -> None:
    assert any("no panes yet" in text for text in shown(model_of()))
    model = model_of(view(0))
    press(model, "f", *"--session none", "enter")
    assert any("no pane is admitted" in text for text in shown(model))
