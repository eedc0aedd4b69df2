"""Terminal bytes without their secrets: nothing else changes, however they are cut."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.redaction.raw import MAX_STRING, RawRedactor
from tmuxpulse.redaction.redactor import Redactor
from tmuxpulse.redaction.spans import BLOCK

SECRET = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF3gH6"
HARMLESS = st.sampled_from(
    [
        b"hello ", b"\x1b[31mred\x1b[0m", b"\r\n", b"\x1b[2J\x1b[H", b"\x1b]0;a title\x07", b"\t",
        "日本語 ✻ é".encode(), b"\xff\xfe", b"\x1b[?1049h", b"\x08 \x08", b"\x1b(B", b"\x1bM",
        b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", b"\x1bP1$r0m\x1b\\", b"50%\r60%\r",
        b"\x00\x0f",
        b"password: ", b"token", b"=", b"\x1b", b"\x1b[", b"\x1b]0;unfinished", b"\x1b[3",
    ]
)  # fmt: skip


def through(data: bytes, cuts: list[int], redactor: Redactor | None = None) -> bytes:
    raw = RawRedactor(redactor or Redactor())
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    out = [raw.feed(data[a:b]) for a, b in pairwise(places)]
    return b"".join([*out, raw.flush()])


@settings(max_examples=200)
@given(st.lists(HARMLESS, max_size=12), st.lists(st.integers(0, 500), max_size=6))
def test_without_rules_bytes_pass_as_they_are(pieces: list[bytes], cuts: list[int]) -> None:
    data = b"".join(pieces)
    found = through(data, cuts, Redactor(()))
    # A sequence that never ends is held, and a string that another one breaks off goes.
    assert plain(data).startswith(plain(found))
    whole = data + b"\x1b\\\r\n"
    assert plain(through(whole, cuts, Redactor(()))) == plain(whole)


def plain(data: bytes) -> str:
    """What is left when strings that were broken off are gone."""
    text = data.decode("utf-8", "surrogateescape")
    return re.sub(r"\x1b[\]PX^_k][^\x07\x1b]*(?=\x1b(?!\\))", "", text)


@settings(max_examples=200)
@given(
    st.lists(HARMLESS.filter(lambda piece: b"\x1b]0;unf" not in piece), max_size=4),
    st.lists(st.integers(0, 500), max_size=8),
    st.integers(0, len(SECRET)),
)
def test_a_secret_never_comes_out_however_it_is_cut(
    pieces: list[bytes], cuts: list[int], colour_at: int
) -> None:
    secret = SECRET[:colour_at].encode() + b"\x1b[1m" + SECRET[colour_at:].encode()
    before = b"".join(pieces).rstrip(b"\x1b[3")
    data = before + b"\r\nkey " + secret + b" after\r\n"
    found = re.sub(r"\x1b\[[0-9;]*m", "", through(data, cuts).decode("utf-8", "replace"))
    for at in range(len(SECRET) - 5):
        assert SECRET[at : at + 6] not in found
    assert found.endswith(" after\r\n")
    assert BLOCK * 30 in found


@pytest.mark.parametrize("size", range(1, 60))
def test_with_a_flush_after_every_piece_too(size: int) -> None:
    raw = RawRedactor(Redactor())
    data = f"export TOKEN={SECRET}\r\n".encode()
    found = b""
    for at in range(0, len(data), size):
        found += raw.feed(data[at : at + size]) + raw.flush()
    text = found.decode()
    for at in range(4, len(SECRET) - 5):
        assert SECRET[at : at + 6] not in text


def test_columns_stay() -> None:
    found = through(f"a {SECRET} b".encode(), []).decode()
    assert len(found) == len(SECRET) + 4
    assert found.startswith("a ")
    assert found.endswith(" b")


def test_a_title_with_a_secret_goes_as_a_whole() -> None:
    assert through(f"x\x1b]0;{SECRET}\x07y".encode(), [9]) == b"xy"
    assert through(b"x\x1b]0;fine\x07y", [4]) == b"x\x1b]0;fine\x07y"


def test_what_cannot_become_a_secret_is_not_held() -> None:
    raw = RawRedactor(Redactor())
    assert raw.feed(b"hello") == b"hello"
    assert raw.feed(b" \x1b[31m") == b" \x1b[31m"
    assert raw.feed("é".encode()[:1]) == b""
    assert raw.feed("é".encode()[1:]) == "é".encode()


def test_a_private_key_over_many_lines_is_masked() -> None:
    lines = ["-----BEGIN OPENSSH PRIVATE KEY-----", *["b3BlbnNzaC1rZXktdjEAAAAABG5vbmU" * 2] * 4]
    data = "\r\n".join([*lines, "-----END OPENSSH PRIVATE KEY-----", "done", ""]).encode()
    found = through(data, [50, 90]).decode()
    assert "b3BlbnNz" not in found
    assert found.endswith("done\r\n")


def test_memory_is_bounded() -> None:
    raw = RawRedactor(Redactor())
    for _ in range(20):
        raw.feed(b"\x1b]0;" + b"x" * MAX_STRING)
    assert raw.feed(b"\x07after") == b"after"
    out = b"".join(raw.feed(b"y" * 10_000) for _ in range(20)) + raw.flush()
    assert out == b"y" * 200_000
    assert len(raw._text) < 20_000  # what is to be bounded
