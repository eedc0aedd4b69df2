"""Screens read in one go: told apart, whatever they show."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.collect.screens import Shown, cursor_format, parse_screens, screen_commands

NONCE = "0123456789ab"


def test_a_pane_that_is_gone_has_no_rows() -> None:
    body = f"{NONCE}S 1\none\n\n{NONCE}S 2\n{NONCE}S 3\nthree\n".encode()
    assert parse_screens(body, NONCE) == {
        "%1": Shown(rows=["one", ""]),
        "%3": Shown(rows=["three"]),
    }


def test_the_cursor_comes_with_the_screen() -> None:
    body = f"{NONCE}S 1\n{NONCE}C 3 1 1 80 24\none\n\n{NONCE}S 2\n{NONCE}C     \n".encode()
    assert parse_screens(body, NONCE) == {
        "%1": Shown(
            rows=["one", ""], cursor_row=1, cursor_column=3, alternate=True, width=80, height=24
        )
    }


def test_rows_are_clean_and_end_with_their_last_character() -> None:
    body = f"{NONCE}S 1\n  a\x1b[0m \xe9  \n".encode("latin-1")
    assert parse_screens(body, NONCE) == {"%1": Shown(rows=["  a\ufffd[0m \ufffd"])}


def test_each_pane_is_marked_and_captured() -> None:
    assert screen_commands(["%7"], NONCE) == [
        f"display-message -p '{NONCE}S 7'",
        f"display-message -p -t '%7' '{cursor_format(NONCE)}'",
        "capture-pane -p -t '%7'",
    ]


ROWS = st.lists(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=8), min_size=1, max_size=5
)


@settings(max_examples=100)
@given(st.dictionaries(st.integers(0, 99), ROWS))
def test_what_is_shown_is_read(screens: dict[int, list[str]]) -> None:
    body = "".join(
        f"{NONCE}S {number}\n" + "".join(f"{line}\n" for line in rows)
        for number, rows in screens.items()
    )
    expected = {f"%{number}": Shown(rows=rows) for number, rows in screens.items()}
    assert parse_screens(body.encode(), NONCE) == expected
