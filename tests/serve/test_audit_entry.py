"""What may stand in an entry."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.serve.audit_chain import CURRENT, Piece, link_of
from tmuxpulse.serve.audit_entry import MAX_BODY_BYTES, MAX_LINE_BYTES, body, line, masked

SECRET = "Zk3-q8yTTa0wXyz_vErY0sEcReT0vErY0sEcReT0abc"
TOKEN = f"tp_abcdefgh2345_{SECRET}"


class Odd:
    def __repr__(self) -> str:
        return TOKEN

    __str__ = __repr__


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
    | st.builds(Odd),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)  # fmt: skip


def entry(**fields: object) -> dict[str, object]:
    found = json.loads(line(1, body(0.0, "did", "owner", fields), ""))
    assert isinstance(found, dict)
    return found


@settings(max_examples=100)
@given(st.text(), st.text(), st.dictionaries(st.text(), anything, max_size=30))
def test_whatever_it_holds_it_is_one_bounded_line_of_plain_ascii(action, who, fields):
    made = line(2**53, body(1.5, action, who, fields), "f" * 64)
    assert len(made) <= MAX_LINE_BYTES
    assert all(32 <= byte < 127 for byte in made[:-1])
    assert made.endswith(b"\n")
    link = link_of(Piece(CURRENT, 1, made))
    assert link is not None
    assert (link.n, link.prev) == (2**53, "f" * 64)


def test_values_stay_what_they_are() -> None:
    found = entry(
        peer="127.0.0.1", code=1000, ok=True, share=0.5, types=["pane.*"], name="grün\x1b"
    )
    assert found == {
        "n": 1, "time": "1970-01-01T00:00:00.000Z", "action": "did", "who": "owner",
        "peer": "127.0.0.1", "code": 1000, "ok": True, "share": 0.5, "types": ["pane.*"],
        "name": "grün\x1b", "prev": "",
    }  # fmt: skip


def test_what_is_long_is_cut() -> None:
    found = entry(text="a" * 300, items=["b" * 300] * 50, much="c" * 10_000_000)
    assert found["text"] == "a" * 255 + "…"
    assert found["items"] == ["b" * 255 + "…"] * 16
    assert len(str(found["much"])) == 256


def test_much_of_it_is_cut_shorter_and_in_the_end_left_out() -> None:
    much = {f"f{number}": ["\U0001f600" * 300] * 16 for number in range(24)}
    found = body(0.0, "did", "owner", much)
    assert len(found) <= MAX_BODY_BYTES
    assert json.loads(b"{%b}" % found)["cut"] is True
    some = entry(**{f"f{number}": "ü" * 256 for number in range(10)})
    assert some["f9"] == "ü" * 63 + "…"


@pytest.mark.parametrize("name", ["n", "time", "action", "who", "prev"])
def test_a_field_cannot_pose_as_one_of_the_chain(name: str) -> None:
    made = line(1, body(0.0, "did", "owner", {name: "x"}), "")
    assert made.count(b'"%b":' % name.encode()) == 1
    assert json.loads(made)[f"{name}_"] == "x"


ODD = [float("inf"), float("nan"), 10**5000, -(2**60), None, b"x", Odd()]


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
def test_what_no_reader_takes_becomes_a_word(value: object) -> None:
    assert isinstance(entry(value=value)["value"], str)


@settings(max_examples=200)
@given(
    st.text(max_size=300), st.text(max_size=20), st.sampled_from(["who", "value", "list", "name"])
)
def test_a_token_is_never_written(before, after, place):
    text = before + TOKEN + after
    fields: dict[str, object] = {
        "who": {}, "value": {"v": text}, "list": {"v": ["x", text]}, "name": {text: 1},
    }[place]  # fmt: skip
    made = body(0.0, text, text if place == "who" else "owner", fields)
    pieces = {SECRET[at : at + 12] for at in range(len(SECRET) - 12)}
    assert not any(piece.encode() in made for piece in pieces)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tp_ab2_x", "tp_ab2_***"),
        ("Bearer tp_ab2_x-Y_z!", "Bearer tp_ab2_***!"),
        (f"http{TOKEN}", "httptp_abcdefgh2345_***"),
        ("http_status_code", "http_status_code"),
        ("tp_", "tp_"),
        ("token:abcdefgh2345", "token:abcdefgh2345"),
    ],
)
def test_only_the_secret_is_masked(text: str, expected: str) -> None:
    assert masked(text) == expected


def test_masking_takes_time_in_proportion() -> None:
    found = body(0.0, "did", "owner", {"v": "tp_a" * 100_000, "w": "tp_aaaa_" * 100_000})
    assert not re.search(rb"tp_a{4}_[a-z]", found)


def test_control_characters_are_escapes() -> None:
    assert b'"v":"\\u001b\\u007f\\u009b\\u202e"' in body(0.0, "a", "b", {"v": "\x1b\x7f\x9b\u202e"})
