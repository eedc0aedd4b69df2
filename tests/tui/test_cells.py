"""Texts in cells: harmless, and of exactly the width."""

from __future__ import annotations

import re

import pytest
import urwid
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tmuxpulse.cli.screen.cells import cut, fit, fit_row, harmless, marked, text_of, width

TEXTS = st.text(
    st.one_of(st.characters(), st.sampled_from("\x1b\x9b\t世👩‍👩‍👧🏽🇩🇪e\u0301\ufe0f\u202e")),
    max_size=30,
)


@settings(max_examples=100)
@given(TEXTS, st.integers(0, 20))
def test_a_text_fits_exactly_as_the_library_measures_and_steers_nothing(text, cells) -> None:
    shown = fit(text, cells)
    assert width(shown) == cells
    assert urwid.calc_width(shown, 0, len(shown)) == cells
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown)


@settings(max_examples=100)
@given(
    row=st.lists(st.tuples(st.sampled_from(["a", "b"]), TEXTS.map(harmless)), max_size=4),
    cells=st.integers(0, 30),
)
@example(row=[("a", "\U00011a990")], cells=1)  # a mark without a letter before it
def test_a_row_of_plain_segments_fits_exactly(row, cells) -> None:
    shown = fit_row(row, cells)
    assert sum(width(text) for _, text in shown) == cells


def test_what_is_cut_ends_with_an_ellipsis() -> None:
    assert fit("abcdef", 4) == "abc…"
    assert fit("世界世界", 4) == "世… "
    assert fit("ab", 4) == "ab  "
    assert cut("世界", 3) == "世"


def test_joiners_of_emoji_are_left_out() -> None:
    assert harmless("👩‍👧") == "👩👧"
    assert harmless("a\tb\x1b[31m") == "a    b␛[31m"


@pytest.mark.parametrize(
    ("text", "needle", "hits"), [("Error: error", "error", 2), ("a.b", ".", 1), ("abc", "", 0)]
)
def test_what_is_searched_for_is_marked_and_nothing_is_lost(text, needle, hits) -> None:
    row = marked(text, needle, "s", "m")
    assert text_of(row) == text
    assert sum(style == "m" for style, _ in row) == hits
