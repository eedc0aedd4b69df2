"""Outcomes: which orders were done, and what they answered."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.styles import Cursor, Run, Screen, Style
from tmuxpulse.tmux.outcomes import (
    MAX_OUTPUT_BYTES,
    NO_ANSWER,
    NOT_RUN,
    Outcome,
    OutcomeReader,
    parse,
)
from tmuxpulse.tmux.scripts import INPUT_OFF, PANE_DEAD

NONCE = "0123456789abcdef"
BODY = (
    b"hook\n0123456789abcdef 1 -\n"
    b"$1 @2 %3\n0123456789abcdef 2 +\n"
    b"caf\xc3\xa9 \x1b[31m\n\n x 1 -\n0123456789abcdef 3 +\n"
)
DONE = [
    Outcome(ok=True),
    Outcome(ok=True, output="$1 @2 %3"),
    Outcome(ok=True, output="café \ufffd[31m\n\n x 1 -"),
]


def test_each_order_gets_what_was_printed_before_its_marker() -> None:
    assert parse(BODY, b"", NONCE, 3) == DONE
    assert parse(BODY, b"a hook failed\n", NONCE, 3) == DONE


@settings(max_examples=100)
@given(st.lists(st.integers(0, len(BODY)), max_size=8).map(sorted))
def test_any_chunking_gives_the_same(cuts: list[int]) -> None:
    reader = OutcomeReader(NONCE, 4)
    for start, end in zip([0, *cuts], [*cuts, len(BODY)], strict=True):
        reader.feed(BODY[start:end])
    assert reader.done == 3
    assert reader.finish(b"why\n") == [*DONE, Outcome(ok=False, error="why")]


def test_a_screen_in_colour_comes_with_what_tells_of_it() -> None:
    body = b"old\n\x1b[31mred\n3 0 1 0 80 1\n0123456789abcdef 1 *\n"
    screen = Screen(
        rows=["old", "red"],
        styles=[[], [Run(0, 3, Style(fg=1))]],
        above=1,
        width=80,
        height=1,
        cursor=Cursor(row=0, column=3),
    )
    assert parse(body, b"", NONCE, 1) == [Outcome(ok=True, screen=screen)]


def test_of_a_long_screen_the_end_is_kept_with_what_tells_of_it() -> None:
    rows = b"".join(b"\x1b[3%dmline %06d\n" % (number % 8, number) for number in range(40_000))
    body = rows + b"3 0 1 0 80 24\n" + f"{NONCE} 1 *\n".encode()
    (outcome,) = parse(body, b"", NONCE, 1)
    assert outcome.screen is not None
    assert outcome.screen.cut
    assert outcome.screen.rows[-1] == "line 039999"
    assert outcome.screen.above == len(outcome.screen.rows) - 24
    assert outcome.screen.cursor == Cursor(row=0, column=3)


def test_the_first_without_a_marker_failed_and_the_rest_never_ran() -> None:
    stderr = b"said by a hook\ncan't find pane: %9\n"
    assert parse(BODY, stderr, NONCE, 5)[3:] == [
        Outcome(ok=False, error="can't find pane: %9"),
        Outcome(ok=False, error=NOT_RUN),
    ]
    assert parse(b"", b"", NONCE, 1) == [Outcome(ok=False, error=NO_ANSWER)]


def test_an_error_is_clean_and_short() -> None:
    (outcome,) = parse(b"", b"bad\x1b[2J\t\xff " + b"x" * 999 + b"\n\n", NONCE, 1)
    assert outcome.error.startswith("bad\ufffd[2J \ufffd xxx")
    assert len(outcome.error) == 300


def test_our_own_reasons_are_told_in_words() -> None:
    for option, said in ((PANE_DEAD, "has ended"), (INPUT_OFF, "switched off")):
        (outcome,) = parse(b"", f"invalid option: {option}\n".encode(), NONCE, 1)
        assert said in outcome.error


def test_a_long_output_loses_its_beginning_and_says_so() -> None:
    lines = b"".join(b"line %06d\n" % number for number in range(100_000))
    end = f"{NONCE} 1 +\n".encode()
    (whole,) = parse(lines[-MAX_OUTPUT_BYTES:] + end, b"", NONCE, 1)
    assert "left out" not in whole.output
    for size in (1 << 16, len(lines) + 100):  # in pieces, and at once
        reader = OutcomeReader(NONCE, 1)
        for at in range(0, len(lines + end), size):
            reader.feed((lines + end)[at : at + size])
            assert len(reader._pending) <= 2 * MAX_OUTPUT_BYTES
        (outcome,) = reader.finish(b"")
        note, *kept = outcome.output.split("\n")
        rest = "\n".join(kept) + "\n"
        assert note == f"[{len(lines) - len(rest)} bytes left out]"
        assert lines.endswith(rest.encode())
        assert rest.startswith("line ")
        assert MAX_OUTPUT_BYTES - 12 <= len(rest) <= MAX_OUTPUT_BYTES


def test_one_endless_line_is_cut_too() -> None:
    (outcome,) = parse(b"x" * 300_000 + f"\n{NONCE} 1 +\n".encode(), b"", NONCE, 1)
    note, line = outcome.output.split("\n")
    assert len(line) == MAX_OUTPUT_BYTES - 1
    assert note == f"[{300_001 - MAX_OUTPUT_BYTES} bytes left out]"
