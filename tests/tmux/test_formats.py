from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.errors import ListingBroken
from tmuxpulse.tmux.formats import (
    KNOWN_CHARACTERS,
    MAX_TEXT,
    clean,
    client_format,
    listing_commands,
    pane_format,
    parse_listing,
)

NONCE = "0123456789ab"
PLAIN = "$1\t@2\t%3\t4\t5\t1\t0\t0\t0\t1\t0\t99\t80\t24\t\t\t1700000000\tb25d,80x24,0,0,3"


def row(*texts: str, plain: str = PLAIN) -> bytes:
    return f"{NONCE}P\t{plain}{NONCE}{NONCE.join(texts)}{NONCE}.\n".encode(
        "utf-8", "surrogateescape"
    )


def test_a_row_and_a_client():
    client = f"{NONCE}C\t$1\t0{NONCE}/dev/pts/3{NONCE}.\n".encode()
    listing = parse_listing(client + row("main", "sh", "title", "vim", "/tmp"), NONCE)
    (pane,) = listing.panes
    assert (pane.session_id, pane.window_id, pane.pane_id) == ("$1", "@2", "%3")
    assert (pane.window_index, pane.pane_index, pane.pane_pid) == (4, 5, 99)
    assert (pane.window_active, pane.pane_active, pane.pane_pipe) == (True, False, True)
    assert (pane.pane_dead_status, pane.pane_dead_signal) == (None, None)
    assert (pane.session_name, pane.pane_current_path) == ("main", "/tmp")
    assert pane.session_created == 1_700_000_000
    assert [(one.name, one.session_id, one.control) for one in listing.clients] == [
        ("/dev/pts/3", "$1", False)
    ]


@pytest.mark.parametrize(
    "text",
    ["", "a\tb", "a\nb", "'\"", "#{pane_id}", "🙂 ü", "\n\n", "fedcba987654", f"{NONCE[:-1]}P\t"],
)
def test_hostile_texts_survive(text):
    (pane,) = parse_listing(row(text, text, text, text, text), NONCE).panes
    assert pane.pane_current_path == pane.pane_current_command == pane.session_name == text


def test_invalid_utf8_and_what_steers_a_terminal_is_replaced():
    (pane,) = parse_listing(row("\udcff", "\x1b[31m", "\x9b", "\u202e", "a\rb"), NONCE).panes
    assert pane.session_name == "\ufffd"
    assert pane.window_name == "\ufffd[31m"
    assert (pane.pane_title, pane.pane_current_command) == ("\ufffd", "\ufffd")
    assert pane.pane_current_path == "a\ufffdb"
    assert clean("x" * 5000) == "x" * MAX_TEXT


@settings(max_examples=200)
@given(st.lists(st.lists(st.text(), min_size=5, max_size=5), max_size=4))
def test_rows_are_as_many_as_were_written(texts):
    assume = [all(NONCE not in text for text in one) for one in texts]
    body = b"".join(row(*[t.encode("utf-8", "replace").decode() for t in one]) for one in texts)
    listing = parse_listing(body, NONCE)
    assert all(assume)
    assert len(listing.panes) == len(texts)
    for pane, one in zip(listing.panes, texts, strict=True):
        assert pane.session_name == clean(one[0].encode("utf-8", "replace").decode())


@settings(max_examples=200)
@given(st.binary(max_size=200), st.integers(0, 200), st.integers(0, 200))
def test_garbage_is_refused_whole(noise, start, length):
    whole = row("a", "b", "c", "d", "e") * 2
    for body in (noise, whole[:start] + noise + whole[start + length :]):
        try:
            parse_listing(body, NONCE)
        except ListingBroken:
            continue


@pytest.mark.parametrize(
    "body",
    [
        b"no rows\n",
        row("a", "b", "c", "d"),
        row("a", "b", "c", "d", "e", plain="$1\t@2"),
        row("a", "b", "c", "d", "e", plain=PLAIN.replace("99", "many")),
        row("a", "b", "c", "d", "e")[:-3],
    ],
)
def test_a_row_that_does_not_fit_refuses_the_listing(body):
    with pytest.raises(ListingBroken):
        parse_listing(body, NONCE)


def test_what_is_remembered_of_rows_is_bounded():
    long = parse_listing(row("n", "n", "t" * KNOWN_CHARACTERS, "c", "p"), NONCE).panes
    again = parse_listing(row("n", "n", "t" * KNOWN_CHARACTERS, "c", "p"), NONCE).panes
    assert long == again
    assert long[0] is not again[0]
    short = row("n", "n", "t", "c", "p")
    assert parse_listing(short, NONCE).panes[0] is parse_listing(short, NONCE).panes[0]


def test_nothing_is_an_empty_server():
    assert parse_listing(b"", NONCE).panes == ()


def test_the_formats_can_stand_in_single_quotes():
    for made in (pane_format(NONCE), client_format(NONCE)):
        assert "'" not in made
        assert "\n" not in made
    assert len(listing_commands(NONCE)) == 2
