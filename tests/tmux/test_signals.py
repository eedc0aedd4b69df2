from __future__ import annotations

import base64

import pytest

from tmuxpulse.tmux.signals import (
    MAX_SIGNAL_CHARACTERS,
    Bell,
    CommandEnd,
    CommandInput,
    CommandStart,
    Notification,
    Progress,
    Prompt,
    Signal,
    Strings,
    Title,
)
from tmuxpulse.tmux.text import TextStream


def osc(*payloads: str) -> list[Signal]:
    strings = Strings()
    return [signal for payload in payloads for signal in strings.osc(payload)]


def stream(data: bytes) -> list[Signal]:
    one = TextStream()
    one.feed(data)
    return list(one.take().signals)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("0;both", Title("both")),
        ("2;a;b ✳", Title("a;b ✳")),
        ("2;", Title("")),
        ("0;tab\tline\r\nbell\x07\x7f\u202e", Title("tab line bell")),
        ("133;A", Prompt()),
        ("133;A;aid=5;cl=line", Prompt()),
        ("133;B", CommandInput()),
        ("133;C", CommandStart(None)),
        ("133;C;cmdline_url=ls%20-l%3B%0Apwd", CommandStart("ls -l; pwd")),
        ("133;C;cmdline=echo\\ a\\;\\ b", CommandStart("echo a; b")),
        ("133;C;cmdline=ls", CommandStart("ls")),
        ("133;C;cmdline=an 'open quote", CommandStart("an 'open quote")),
        ("133;C;cmdline=two words", CommandStart("two words")),
        ("133;D", CommandEnd(None)),
        ("133;D;0", CommandEnd(0)),
        ("133;D;130;aid=5", CommandEnd(130)),
        ("133;D;-1", CommandEnd(-1)),
        ("133;D;;err=x", CommandEnd(None)),
        ("133;D;many", CommandEnd(None)),
        ("9;Build done", Notification("", "Build done")),
        ("9;4 tests failed", Notification("", "4 tests failed")),
        ("777;notify;Title;a;b", Notification("Title", "a;b")),
        ("777;notify;Title", Notification("Title", "")),
        ("99;;Hello", Notification("Hello", "")),
        ("99;i=1:p=body;text", Notification("", "text")),
        ("9;4;0", Progress("none", None)),
        ("9;4;0;100", Progress("none", None)),
        ("9;4;1;42", Progress("normal", 42)),
        ("9;4;1;999", Progress("normal", 100)),
        ("9;4;2", Progress("error", None)),
        ("9;4;2;50", Progress("error", 50)),
        ("9;4;3", Progress("busy", None)),
        ("9;4;4;7", Progress("paused", 7)),
    ],
)
def test_a_string_gives_a_signal(payload, expected):
    assert osc(payload) == [expected]


@pytest.mark.parametrize(
    "payload",
    [
        *("", "1;icon", "7;file://host/", "52;c;aGk=", "133;A;k=s", "133;P;k=i", "133", "1337;x=y"),
        *("9;1;500", "9;9;/tmp", "9;12", "9;4;5", "9;4", "777;other;x", "99;p=close;x", "99;p=?;"),
    ],
)
def test_other_strings_give_none(payload):
    assert osc(payload) == []


def test_a_notification_in_pieces():
    encoded = base64.b64encode("Grüße".encode()).decode().rstrip("=")
    assert osc("99;i=1:d=0;Hel", "99;i=1:d=0;lo", f"99;i=1:p=body:e=1;{encoded}") == [
        Notification("Hello", "Grüße")
    ]
    assert osc("99;i=1:d=0;lost", "99;i=2;Other") == [Notification("Other", "")]
    assert osc("99;e=1;not base64!") == [Notification("not base64!", "")]


def test_texts_are_bounded():
    long = "x" * 10_000
    assert osc(f"0;{long}") == [Title("x" * MAX_SIGNAL_CHARACTERS)]
    (signal,) = osc(*[f"99;d=0;{long}"] * 3, f"99;p=body;{long}")
    assert signal == Notification("x" * MAX_SIGNAL_CHARACTERS, "x" * MAX_SIGNAL_CHARACTERS)


def test_a_bell_is_one_only_outside_of_strings():
    assert stream(b"a\x07b\x1b[\x071m") == [Bell(), Bell()]
    assert stream(b"\x1b]0;t\x07\x1b]8;;u\x07\x1b]8;;\x07\x1bP\x07\x1b\\\x1b_\x07\x1b\\") == [
        Title("t")
    ]
    assert stream(b"\x1b]0;t\x18\x07") == [Bell()]


def test_any_escape_ends_an_osc():
    assert stream(b"\x1b]0;t\x1b[31m\x07") == [Title("t"), Bell()]
    assert stream("\x1b]0;t\x9c\x07".encode()) == [Title("t"), Bell()]


def test_tmux_passthrough_is_looked_into():
    assert stream(b"\x1bPtmux;\x1b\x1b]9;hi\x07\x1b\\") == [Notification("", "hi")]
    assert stream(b"\x1bPtmux;\x1b\x1b]777;notify;a;b\x1b\x1b\\\x1b\\") == [Notification("a", "b")]
    assert stream(b"\x1bPtmux;\x07\x1b\x1b[31m\x1b\\") == []
    assert stream(b"\x1bPq\x1b\x1b]9;no\x07\x1b\\") == []


def test_split_anywhere():
    data = b"\x1b]133;A\x07\x1b]2;a title\x1b\\\x1bPtmux;\x1b\x1b]9;hi\x07\x1b\\\x07"
    one = TextStream()
    for byte in data:
        one.feed(bytes((byte,)))
    assert list(one.take().signals) == stream(data)
    assert len(stream(data)) == 4
