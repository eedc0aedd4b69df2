from __future__ import annotations

import unicodedata

import pyte
from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.tmux.row import MAX_COLUMNS, Cut, Row
from tmuxpulse.tmux.text import TextStream

COLUMNS = 600
EDITS = st.one_of(
    st.sampled_from(["\r", "\x08", "\x1b[K", "\x1b[1K", "\x1b[2K", "\x1b[J", "\x1b[1J"]),
    st.builds("\x1b[{}{}".format, st.integers(0, 12), st.sampled_from("CDGPX@")),
)
ASCII = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=10)
COMBINING = st.sampled_from(["e\u0301", "a\u0308", "z\u030c"])


def in_a_terminal(data: str) -> str:
    screen = pyte.Screen(COLUMNS, 2)
    pyte.Stream(screen).feed(data)
    row: str = screen.display[0]
    return row


def here(data: str) -> str:
    stream = TextStream()
    stream.feed(data.encode())
    return stream.partial


def same(data: str) -> bool:
    ours = unicodedata.normalize("NFC", here(data).expandtabs())
    theirs = unicodedata.normalize("NFC", in_a_terminal(data))
    return ours.rstrip(" ") == theirs.rstrip(" ")


@settings(max_examples=200)
@given(st.lists(st.one_of(EDITS, EDITS, ASCII, st.just("\t")), max_size=25).map("".join))
def test_editing_a_row_is_as_in_a_terminal(data):
    assert same(data)


@settings(max_examples=100)
@given(st.lists(st.one_of(EDITS, ASCII, COMBINING), max_size=25).map("".join))
def test_editing_combining_characters_is_as_in_a_terminal(data):
    assert same(data)


@settings(max_examples=100)
@given(st.text(st.sampled_from("ab温度🎉\u0301\t "), max_size=30), st.integers(0, 40))
def test_a_row_that_is_only_appended_to_is_its_text(text, cut):
    row = Row(1000, Cut())
    row.put(text[:cut])
    row.put(text[cut:])
    assert row.line == row.text == text
    assert row.appending


@settings(max_examples=100)
@given(st.text(st.sampled_from("abc温度🎉\t "), max_size=20))
def test_to_move_and_come_back_changes_nothing(text):
    row = Row(1000, Cut())
    row.put(text)
    column = row.column
    row.move_to(0)
    row.move_to(column)
    row.put("x")
    assert row.line == text + "x"


def test_a_row_holds_no_more_than_its_limit():
    cut = Cut()
    row = Row(10, cut)
    row.put("x" * 12 + "é")
    assert cut.bytes == 4
    row.move_to(5)
    row.put("é" * 20)
    assert cut.bytes == 14
    assert row.line == "x" * 5 + "é" * 15
    row.move_to(0)
    row.insert(5)
    assert len(row.whole) == 20
    row.move_to(10**9)
    assert row.column == 20
    row.put("温")
    assert cut.bytes == 17


def test_an_edit_leaves_out_what_no_terminal_has():
    cut = Cut()
    row = Row(16384, cut)
    row.put("x" * 5000)
    row.move_to(0)
    assert row.line == "x" * 5000
    row.put("y")
    assert row.line == "y" + "x" * (MAX_COLUMNS - 1)
    assert cut.bytes == 5000 - MAX_COLUMNS


def test_a_cell_holds_no_more_than_its_limit():
    row = Row(10, Cut())
    row.put("ab")
    row.move_to(1)
    row.put("\u0301" * 1000)
    assert len(row.line) < 30
