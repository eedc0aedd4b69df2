"""A pane's own colours: on the text they belong to, in whatever colours the terminal has."""

from __future__ import annotations

import re
from typing import Any

import pytest
import urwid
from hypothesis import example, given, settings
from hypothesis import strategies as st
from urwid.display.raw import Screen

from tests.tui.made import NOW, lines, model_of, press, view
from tmuxpulse.cli.screen.cells import Row, harmless, text_of
from tmuxpulse.cli.screen.coloured import Line, lines_of, mark_row, row_of, shown_lines
from tmuxpulse.cli.screen.looks import spec_of
from tmuxpulse.cli.screen.model import Sight
from tmuxpulse.cli.screen.paint import paint
from tmuxpulse.styles import Run, Style

LAW = settings(max_examples=150)
RED, BAR = Style(fg=1), Style(bg=4)
TEXTS = st.text(st.sampled_from("ab 日é\u0301\x1b\u202e👩\u200d"), max_size=12)


@st.composite
def coloured_lines(draw: st.DrawFn) -> Line:
    runs, at = [], 0
    for space, length, style in draw(
        st.lists(
            st.tuples(st.integers(0, 3), st.integers(1, 5), st.sampled_from([RED, BAR])),
            max_size=4,
        )
    ):
        runs.append(Run(at + space, length, style))
        at += space + length
    return Line(draw(TEXTS), tuple(runs))


def test_runs_become_segments_and_blanks_behind_the_text_are_there() -> None:
    line = Line("one two", (Run(0, 3, RED), Run(8, 2, BAR)))
    assert row_of(line) == [(RED, "one"), ("", " two "), (BAR, "  ")]
    assert row_of(Line("a", (Run(1, 2, BAR),))) == [("", "a"), (BAR, "  ")]
    assert row_of(Line("日本語", (Run(1, 1, RED),))) == [("", "日"), (RED, "本"), ("", "語")]
    assert row_of(Line("a 日", (Run(2, 1, Style(hidden=True)),)))[1][1] == "  "


@LAW
@given(coloured_lines())
def test_the_text_is_what_it_was(line: Line) -> None:
    text = text_of(row_of(line))
    assert text.rstrip() == harmless(line.text).rstrip()


@LAW
@given(coloured_lines(), st.sampled_from(["a", "ab", "b 日", "", "é"]))
def test_a_mark_changes_styles_only(line: Line, needle: str) -> None:
    row = row_of(line)
    marked = mark_row(row, needle, "match")
    assert text_of(marked) == text_of(row)
    found = "".join(text for style, text in marked if style == "match")
    assert len(found) == len(needle) * text_of(row).count(needle) if needle else not found


def test_a_match_over_a_border_of_colours_is_marked() -> None:
    row: Row = [("", "say he"), (RED, "llo"), ("", " hello")]
    assert mark_row(row, "hello", "match") == [
        ("", "say "), ("match", "he"), ("match", "llo"), ("", " "), ("match", "hello"),
    ]  # fmt: skip


def test_a_bar_without_text_is_no_blank_line() -> None:
    assert lines_of(["a", ""], [()]) == [Line("a"), Line("")]
    assert shown_lines([Line("a"), Line("", (Run(0, 9, BAR),)), Line(" ")])[1:] == [
        Line("", (Run(0, 9, BAR),))
    ]


COLOURS = st.none() | st.integers(0, 255) | st.sampled_from(["#000000", "#12ab9f", "#ffffff"])
STYLES = st.builds(
    Style, fg=COLOURS, bg=COLOURS, **{
        name: st.booleans()
        for name in ("bold", "dim", "italic", "underline", "blink", "reverse", "hidden", "strike")
    }
)  # fmt: skip


def kinds_of_colour(escape: str) -> set[str]:
    """How the colours of an SGR sequence are given: ``2`` in full, ``5`` by their number."""
    found = set()
    codes = iter(re.findall(r"\d+", escape))
    for code in codes:
        if code in ("38", "48"):
            kind = next(codes)
            found.add(kind)
            for _ in range({"2": 3, "5": 1}[kind]):
                next(codes)
    return found


@LAW
@example(Style(fg=238, dim=True), 256)
@given(STYLES, st.sampled_from([1, 16, 88, 256, 1 << 24]))
def test_every_style_can_be_drawn_on_every_terminal(style: Style, depth: Any) -> None:
    screen = Screen()
    screen.set_terminal_properties(colors=depth)
    foreground, background, colours = spec_of(style, depth)
    escape = screen._attrspec_to_escape(urwid.AttrSpec(foreground, background, colours))
    assert escape.startswith("\x1b[0;")
    kinds = kinds_of_colour(escape)
    assert ("2" in kinds) <= (depth > 256)
    assert ("5" in kinds) <= (depth >= 256)
    if depth == 1:
        assert escape.startswith("\x1b[0;39;")
        assert escape.endswith("49m")


@pytest.mark.parametrize(
    ("style", "depth", "spec"),
    [
        (Style(fg=1, bg=12, bold=True), 16, ("dark red,bold", "light blue", 16)),
        (Style(fg=9), 256, ("light red", "default", 256)),  # the terminal's own, by its name
        (Style(fg=196), 16, ("light red", "default", 16)),
        (Style(fg=244), 16, ("dark gray", "default", 16)),
        (Style(fg=196), 256, ("h196", "default", 256)),
        (Style(fg="#0102ff"), 16, ("dark blue", "default", 16)),
        (Style(fg="#0102ff", bg=3), 1 << 24, ("#0102ff", "brown", 1 << 24)),
        (Style(fg=20, dim=True, strike=True), 1, ("faint,strikethrough", "", 1)),
    ],
)
def test_colours_as_the_terminal_has_them(style: Style, depth: int, spec: object) -> None:
    assert spec_of(style, depth) == spec


def test_the_chosen_pane_is_in_colour_beside_the_list_and_alone() -> None:
    model = model_of(view(0))
    model.see(Sight(("default", "%0"), ("FAIL one", "two"), 0, [[Run(0, 4, RED)], []]))
    assert (RED, "FAIL") in [
        segment for row in paint(model, (100, 24), NOW).rows for segment in row
    ]
    press(model, "enter")
    assert paint(model, (100, 24), NOW).rows[3][:2] == [(RED, "FAIL"), ("", " one")]
    # What it printed since then is plain, until it is looked at again.
    model.take([lines(0, "three")], NOW)
    shown = [text_of(row).strip() for row in paint(model, (100, 24), NOW).rows[3:6]]
    assert shown[:2] == ["FAIL one", "three"]
    assert paint(model, (100, 24), NOW).rows[3][0] == (RED, "FAIL")
