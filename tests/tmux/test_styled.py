r"""Screens in colour: the text is the plain one, the runs fit it, and no escape passes."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tmuxpulse.styles import PLAIN, Cursor, Run, Screen, Style
from tmuxpulse.tmux.styled import MAX_RUNS, after, parse_screen, parse_styled

LAW = settings(max_examples=200)


@pytest.mark.parametrize(
    ("sgr", "style"),
    [
        ("", PLAIN),
        ("31", Style(fg=1)),
        ("1;94", Style(fg=12, bold=True)),
        ("47;107", Style(bg=15)),
        ("38;5;200", Style(fg=200)),
        ("48:5:7", Style(bg=7)),
        ("38;2;1;2;255;4", Style(fg="#0102ff", underline=True)),
        ("38:2:1:2:255", Style(fg="#0102ff")),
        ("38:2::1:2:255;3", Style(fg="#0102ff", italic=True)),
        ("48:2:1:1:2:255", Style(bg="#0102ff")),
        ("2;3;5;7", Style(dim=True, italic=True, blink=True, reverse=True)),
        ("6;8;9", Style(blink=True, hidden=True, strike=True)),
        ("4:3;58;2;255;0;0", Style(underline=True)),
        ("58:5:9;21", Style(underline=True)),
        ("1;2;22", PLAIN),
        ("4;4:0", PLAIN),
        ("3;4;5;7;8;9;23;24;25;27;28;29", PLAIN),
        ("31;42;39;49", PLAIN),
        ("31;;1", Style(bold=True)),  # nothing is a reset
        # What makes no sense changes nothing, and takes no more than is there.
        ("1;38", Style(bold=True)),
        ("38;5", PLAIN),
        ("38;2;1;2", PLAIN),
        ("38;5;256;1", Style(bold=True)),
        ("38;7;1", Style(bold=True)),
        ("38:9;1", Style(bold=True)),
        ("38:2:1:2;1", Style(bold=True)),
        ("99999999999999999999;12;1", Style(bold=True)),
        ("53;73;200;3", Style(italic=True)),
        (":::", PLAIN),
    ],
)  # fmt: skip
def test_every_form_of_sgr(sgr: str, style: Style) -> None:
    assert after(PLAIN, sgr) == style


def test_a_reset_ends_what_was_there() -> None:
    assert after(Style(fg=3, strike=True), "0") == PLAIN
    assert after(Style(fg=3, strike=True), "0;1") == Style(bold=True)
    assert after(Style(fg=3), "4") == Style(fg=3, underline=True)


def test_styles_go_on_from_row_to_row_as_tmux_prints_them() -> None:
    rows, styles = parse_styled("\x1b[7mone\n two\x1b[0m three\n\x1b[1mfour")
    assert rows == ["one", " two three", "four"]
    assert styles == [
        [Run(0, 3, Style(reverse=True))],
        [Run(0, 4, Style(reverse=True))],
        [Run(0, 4, Style(bold=True))],
    ]


def test_runs_count_characters_and_touching_ones_are_one() -> None:
    rows, styles = parse_styled("日本\x1b[31m語\x1b[1;22m!\x1b[32m?")
    assert rows == ["日本語!?"]
    assert styles == [[Run(2, 2, Style(fg=1)), Run(4, 1, Style(fg=2))]]


def test_blanks_behind_the_text_are_told_only_where_they_look_otherwise() -> None:
    assert parse_styled("a\x1b[44m  \x1b[0m  ") == (["a"], [[Run(1, 2, Style(bg=4))]])
    assert parse_styled("\x1b[1ma   ") == (["a"], [[Run(0, 1, Style(bold=True))]])
    assert parse_styled("a\x1b[1m   ") == (["a"], [[]])


def test_line_drawing_is_unicode() -> None:
    assert parse_styled("\x0elqk\x0f lqk\x0e\n~x") == (["┌─┐ lqk", "·│"], [[], []])


@pytest.mark.parametrize(
    "dropped",
    [
        "\x1b]8;;http://example.org/\x1b\\",
        "\x1b]8;id=1;http://example.org/\x07",
        "\x1b]0;title\x07",
        "\x1b[2J",
        "\x1b[?25l",
        "\x1b[1;1H",
        "\x1bP1$r\x1b\\",
        "\x1b(0",
        "\x1b=",
    ],
)
def test_other_sequences_are_dropped(dropped: str) -> None:
    assert parse_styled(f"a{dropped}\x1b[1mb{dropped}c") == (
        ["abc"],
        [[Run(1, 2, Style(bold=True))]],
    )


def test_a_string_without_an_end_takes_no_further_row() -> None:
    assert parse_styled("a\x1b]8;;http\nb\x1b[\nc\x1b") == (["a", "b", "c"], [[], [], []])


ABOUT = "3 1 0 1 80 2"


def test_what_tells_of_the_screen_stands_at_the_end() -> None:
    assert parse_screen(f"old\n\x1b[1mone\ntwo\n{ABOUT}", cut=True) == Screen(
        rows=["old", "one", "two"],
        styles=[[], [Run(0, 3, Style(bold=True))], [Run(0, 3, Style(bold=True))]],
        above=1,
        cut=True,
        width=80,
        height=2,
        alternate=True,
        cursor=Cursor(row=1, column=3, visible=False),
    )
    assert parse_screen("one\ntwo") == Screen(rows=["one", "two"], styles=[[], []])


def test_more_runs_than_anybody_shows_are_plain() -> None:
    row = "".join(f"\x1b[3{number % 8}mx" for number in range(1000))
    rows, styles = parse_styled("\n".join([row] * 20))
    assert rows == ["x" * 1000] * 20
    assert sum(map(len, styles)) == MAX_RUNS


PIECES = st.sampled_from(
    [
        "\x1b[31m", "\x1b[0m", "\x1b[38;2;1;2;3m", "\x1b[48:5:1m", "\x1b[;m", "\x1b[", "\x1b", "\n",
        "\x1b]8;;x\x1b\\", "\x1b]", "\x07", "\x0e", "\x0f", "日本", "e\u0301", "  ", "abc",
        "\x1b[7m", "\x9b31m", "\u202e", "\r", ABOUT,
    ]
)  # fmt: skip
GARBAGE = st.lists(PIECES | st.text(max_size=4), max_size=30).map("".join)
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@LAW
@given(GARBAGE)
@example("\x1b[38;5m\x1b[1;38;2;1;2mx")
def test_garbage_never_raises_and_nothing_of_it_steers_a_terminal(text: str) -> None:
    rows, styles = parse_styled(text)
    assert len(rows) == len(styles) == text.count("\n") + 1
    assert not any(UNSAFE.search(row) for row in rows)
    for row, runs in zip(rows, styles, strict=True):
        end = 0
        for run in runs:
            assert run.start >= end
            assert run.length > 0
            assert run.style != PLAIN
            end = run.start + run.length
        assert end <= max(len(row), len(text))
        assert not row.endswith(" ")
    screen = parse_screen(text)
    assert len(screen.rows) == len(screen.styles)
    assert 0 <= screen.above <= len(screen.rows)


CELLS = st.tuples(
    st.sampled_from([PLAIN, Style(fg=1), Style(bg="#0a0b0c", bold=True), Style(reverse=True)]),
    st.text("ab 日é", min_size=1, max_size=4),
)
WRITTEN = {
    PLAIN: "\x1b[0m",
    Style(fg=1): "\x1b[0;31m",
    Style(bg="#0a0b0c", bold=True): "\x1b[0;1;48;2;10;11;12m",
    Style(reverse=True): "\x1b[m\x1b[7m",
}


@LAW
@given(st.lists(st.lists(CELLS, max_size=6), min_size=1, max_size=4))
def test_what_is_written_is_read(screen: list[list[tuple[Style, str]]]) -> None:
    text = "\n".join("".join(WRITTEN[style] + part for style, part in row) for row in screen)
    rows, styles = parse_styled(text)
    assert rows == ["".join(part for _, part in row).rstrip(" ") for row in screen]
    for cells, row, runs in zip(screen, rows, styles, strict=True):
        written = [style for style, part in cells for _ in part]
        found = [PLAIN] * len(written)
        for run in runs:
            found[run.start : run.start + run.length] = [run.style] * run.length
        seen = [
            style if style.shows_on_blanks or at < len(row) else PLAIN
            for at, style in enumerate(written)
        ]
        assert found == seen
