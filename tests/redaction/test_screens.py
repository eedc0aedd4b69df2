from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.redaction.canaries import CANARIES, KEPT
from tmuxpulse.redaction.redactor import Redacted, Redactor
from tmuxpulse.redaction.spans import BLOCK, cells

REDACTOR = Redactor()
KEY = "A1b2C3d4/+" * 6 + "wxyz"


def wrapped(text: str, width: int) -> list[str]:
    return [text[at : at + width].rstrip() for at in range(0, len(text), width)] or [""]


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.line)
@pytest.mark.parametrize("width", [7, 20, 41])
def test_a_secret_that_wraps_is_masked_in_each_row(canary, width):
    rows = wrapped(canary.line, width)
    screen = REDACTOR.screen(["$ x", *rows], width)
    for shown, row in zip(screen.rows[1:], rows, strict=True):
        assert len(shown) == len(row)
    hidden = "".join(row.ljust(width) for row in screen.rows[1:])
    assert hidden.startswith(canary.before)
    body = hidden[len(canary.before) : len(canary.before) + len(canary.secret)]
    # Where a row ends in a blank, that is not told from one that is not full.
    if not any(len(row) < width for row in rows[:-1]):
        assert set(body) == {BLOCK}
    assert screen.counts[0] == 0
    assert screen.counts == [0, *(int(BLOCK in row) for row in screen.rows[1:])]


@pytest.mark.parametrize("line", KEPT)
def test_what_only_looks_like_a_secret_stays(line):
    rows = [line.replace(BLOCK, "#"), "$ ls"]
    assert REDACTOR.screen(rows, 200).rows == rows


def test_a_row_that_is_full_but_ends_there_hides_no_secret_in_the_next():
    assert REDACTOR.screen(["abcdef", "AKIAIOSFODNN7EXAMPLE"], 6).rows == [
        "abcdef",
        "AKIA" + BLOCK * 16,
    ]


def test_without_a_width_the_widest_row_is_full():
    before = "." * 40
    rows = ["xxx", f"{before} password=hun", "ter2", "x"]
    assert REDACTOR.screen(rows).rows == ["xxx", f"{before} password=███", "████", "x"]
    assert REDACTOR.screen(rows, 80).rows == ["xxx", f"{before} password=███", "ter2", "x"]


def test_a_key_on_a_screen_that_is_narrower():
    begin, end = "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"
    rows = ["$ cat", begin, KEY[:40], KEY[40:], KEY[:40], KEY[40:], end, "$ ls"]
    screen = REDACTOR.screen(rows, 40)
    blots = [BLOCK * 40, BLOCK * 24] * 2
    assert screen.rows == ["$ cat", begin, *blots, end, "$ ls"]
    assert sum(screen.counts) == 4


def test_a_key_whose_begin_has_left_the_screen():
    assert REDACTOR.screen([KEY, KEY, "$ ls", KEY], 80).rows == [
        BLOCK * 64,
        BLOCK * 64,
        "$ ls",
        KEY,
    ]


def test_wide_characters_keep_their_columns():
    (row,) = REDACTOR.screen(["password=密码1 x"], 80).rows
    assert row == "password=█████ x"
    rows = REDACTOR.screen(["温度 password=a", "bc1"], 15).rows
    assert rows == ["温度 password=█", "███"]


def test_an_empty_screen():
    assert REDACTOR.screen([], 80).rows == []
    assert REDACTOR.screen(["", ""], 80).rows == ["", ""]


def test_what_was_captured_keeps_its_shape():
    found = REDACTOR.redact_text("$ env\nTOKEN=abc\n$ ")
    assert found == Redacted("$ env\nTOKEN=███\n$ ", 1)


PIECES = st.sampled_from(
    [
        *(canary.line for canary in CANARIES),
        *(canary.secret for canary in CANARIES),
        *KEPT,
        "密",
        BLOCK,
    ]
)
text = st.lists(PIECES | st.text("ab1 :='@密ü█", max_size=5)).map(
    lambda parts: "".join(parts).replace("\n", "")
)


@settings(max_examples=150)
@given(text, st.integers(1, 90))
def test_a_masked_screen_has_its_shape_and_stays_masked(text, width):
    rows = wrapped(text, width)
    once = REDACTOR.screen(rows, width)
    assert [cells(row) for row in once.rows] == [cells(row) for row in rows]
    for shown, count in zip(once.rows, once.counts, strict=True):
        assert count == 0 or BLOCK in shown
    assert len(once.counts) == len(rows)
