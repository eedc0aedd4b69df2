"""Text of others must not steer the user's terminal: shown with an emulator, not by a list."""

from __future__ import annotations

import json
import unicodedata

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.cli.terminal import (
    cells,
    clipped,
    harmless_json,
    padded,
    printable,
    styled,
    wants_colour,
)

SEQUENCES = [
    *("\x1b[2J", "\x1b]0;owned\x07", "\x9b5A", "\x9d2;owned\x9c", "\x1b[?1049h", "\x1b(0"),
    *("\r", "\n", "\b", "\t", "\x0e", "\x1bc", "\x1b[10;10H", "\u202e", "\u2028", "\x85"),
]
HOSTILE = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(SEQUENCES),
    ),
    max_size=12,
).map("".join)


@settings(max_examples=200)
@given(HOSTILE)
def test_nothing_steers_a_terminal(text: str) -> None:
    screen = pyte.Screen(2000, 5)
    before = (set(screen.mode), screen.charset, screen.title)
    pyte.Stream(screen).feed("a|" + printable(text))
    assert screen.cursor.y == 0
    assert (set(screen.mode), screen.charset, screen.title) == before
    assert screen.display[0].startswith("a|")
    assert screen.display[1:] == [" " * 2000] * 4


@settings(max_examples=200)
@given(HOSTILE)
def test_nothing_reorders_or_hides_text(text: str) -> None:
    shown = printable(text)
    assert printable(shown) == shown
    shown.encode()
    for character in shown:
        assert unicodedata.category(character) not in ("Cc", "Zl", "Zp", "Cs")
        assert unicodedata.bidirectional(character) not in ("LRE", "RLO", "RLE", "PDF", "LRI")


@settings(max_examples=200)
@given(st.text())
def test_json_keeps_its_meaning(text: str) -> None:
    shown = harmless_json(json.dumps({"a": text}, ensure_ascii=False))
    assert json.loads(shown) == {"a": text}
    assert printable(shown) == shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("a\tb", "a    b"),
        ("\x1b[1m", "␛[1m"),
        ("\x7f", "␡"),
        ("a\u202eb", "a\ufffdb"),
        ("été 🚀 e\u0301 👩\u200d💻", "été 🚀 e\u0301 👩\u200d💻"),
    ],
)
def test_what_is_shown_instead(text: str, expected: str) -> None:
    assert printable(text) == expected


@pytest.mark.parametrize(
    ("environ", "is_terminal", "refused", "expected"),
    [
        ({}, True, False, True),
        ({}, False, False, False),
        ({}, True, True, False),
        ({"NO_COLOR": "1"}, True, False, False),
        ({"NO_COLOR": ""}, True, False, True),
        ({"CLICOLOR_FORCE": "1"}, False, False, True),
        ({"CLICOLOR_FORCE": "0"}, False, False, False),
        ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, True, False, False),
        ({"TERM": "dumb"}, True, False, False),
    ],
)
def test_colour(environ: dict[str, str], is_terminal: bool, refused: bool, expected: bool) -> None:
    assert wants_colour(environ, is_terminal=is_terminal, refused=refused) is expected


def test_columns() -> None:
    assert cells("東京") == 4
    assert padded("東京", 6) == "東京  "
    assert clipped("東京都", 5) == "東京…"
    assert clipped("abc", 3) == "abc"
    assert clipped("abc", 0) == ""
    assert styled("a", "1", "31") == "\x1b[1;31ma\x1b[0m"
    assert styled("a") == "a"
