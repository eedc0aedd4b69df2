from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.errors import ListingBroken
from tmuxpulse.tmux.listing import Tick, TickParser, begin_command, end_command

NONCE = "0123456789ab"


def tick(number: int, body: str = "") -> bytes:
    return f"{NONCE}B {number}\n{body}{NONCE}E {number}\n".encode()


def feed(data: bytes, cuts: list[int] | None = None) -> tuple[list[Tick], int]:
    parser = TickParser(NONCE)
    found: list[Tick] = []
    edges = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts or [])})
    for start, end in pairwise(edges):
        found += parser.feed(data[start:end])
    return found, parser.dropped


def test_ticks_of_rows():
    assert feed(tick(1, "a\nb\n") + tick(2)) == ([Tick(1, b"a\nb\n"), Tick(2, b"")], 0)


@pytest.mark.parametrize(
    "torn",
    [
        f"{NONCE}E 1\n",  # no begin
        f"{NONCE}B 1\na\n{NONCE}E 2\n",  # another's end
        f"{NONCE}B x\na\n{NONCE}E x\n",  # no number
        f"rows of a lost tick\n{NONCE}E 1\n",
    ],
)
def test_a_torn_tick_is_dropped_whole(torn):
    assert feed(torn.encode() + tick(7, "a\n")) == ([Tick(7, b"a\n")], 1)


def test_a_tick_without_its_end_goes_when_the_next_one_begins():
    data = f"{NONCE}B 1\nhalf a li".encode() + b"\n" + tick(2, "a\n")
    assert feed(data) == ([Tick(2, b"a\n")], 0)


def test_marks_inside_a_line_are_no_marks():
    body = f"x{NONCE}E 1\n {NONCE}B 1\n"
    assert feed(tick(1, body)) == ([Tick(1, body.encode())], 0)


@settings(max_examples=200)
@given(
    st.lists(
        st.one_of(
            st.builds(tick, st.integers(0, 99), st.sampled_from(["", "a\n", "b\nc\n"])),
            st.sampled_from([b"noise\n", f"{NONCE}E 1\n".encode(), f"{NONCE}B 5\n".encode()]),
            st.binary(max_size=5),
        ),
        max_size=8,
    ).map(b"".join),
    st.lists(st.integers(0, 300), max_size=20),
)
def test_any_chunking_gives_the_same(data, cuts):
    assert feed(data, cuts) == feed(data)


def test_what_never_ends_is_an_error_not_a_leak():
    parser = TickParser(NONCE, max_tick_bytes=1000)
    parser.feed(b"x" * 900)
    with pytest.raises(ListingBroken, match="1000"):
        parser.feed(b"x" * 200)


def test_nothing_is_searched_twice():
    parser = TickParser(NONCE)
    for _ in range(1000):
        parser.feed(b"0123456789" * 10)
        assert len(parser._buffer) - parser._searched < 40


def test_the_commands_make_the_marks():
    assert begin_command(NONCE, 3) == f"display-message -p '{NONCE}B 3'"
    assert end_command(NONCE, 3) == f"display-message -p '{NONCE}E 3'"
