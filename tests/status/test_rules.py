"""Rule files: what a broken one says, and how a user's file changes a shipped one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.status.screens import screen
from tmuxpulse.status.book import Book
from tmuxpulse.status.rules import MAX_FILE_CHARACTERS, load

SHIPPED = """
version = 1
family = "foo"

[program]
commands = ["foo", "foo-*"]

[[rule]]
name = "asks"
state = "waiting"
reason = "asks"
any = ['really\\?']

[[rule]]
name = "done"
state = "ready"
any = ['^done']

[[line]]
name = "bad"
any = ['^bad: ']
"""


RULE = "version=1\nfamily='x'\n[[rule]]\nname='a'\nstate='busy'\nany=['a']\n"


def names(hits):
    return [hit.rule.name for hit in hits]


def look(families, text, command="foo"):
    return Book(families).look(screen(text), (command,)).hits


def test_a_file_makes_a_family():
    families, complaints = load([("foo.toml", SHIPPED)])
    assert complaints == ()
    assert [(f.name, len(f.rules), len(f.lines)) for f in families] == [("foo", 2, 1)]
    assert names(look(families, "really?")) == ["foo.asks"]
    assert names(look(families, "really?", "foo-1")) == ["foo.asks"]
    assert names(look(families, "really?", "bar")) == []


def test_a_later_file_changes_what_it_says_and_keeps_the_rest():
    own = """
version = 1
family = "foo"

[[rule]]
name = "asks"
priority = 99
dwell = 2

[[rule]]
name = "done"
enabled = false

[[rule]]
name = "new"
state = "busy"
any = ['^busy']
"""
    families, complaints = load([("foo.toml", SHIPPED)], [("mine.toml", own)])
    assert complaints == ()
    rules = {rule.name: rule for rule in families[0].rules}
    assert set(rules) == {"foo.asks", "foo.new"}
    asks = rules["foo.asks"]
    assert (asks.priority, asks.dwell, asks.state, asks.reason) == (99, 2.0, "waiting", "asks")
    assert families[0].commands == ("foo", "foo-*")


@pytest.mark.parametrize(
    ("own", "line", "part"),
    [
        ("version = 1\nfamily = \n", 2, "not TOML"),
        ("version = 2\nfamily = 'x'\n", 1, "version is 2"),
        ("version = 1\nfamily = 'X y'\n", 2, "family's name"),
        ("version = 1\n", 1, "family"),
        ("version = 1\nfamily = 'x'\ncolour = 1\n", 3, "colour"),
        ("version=1\nfamily='x'\n[[rule]]\nname='a'\nany=['a']\n", 4, "says no state"),
        ("version=1\nfamily='x'\n[[rule]]\nname='a'\nstate='busy'\n", 4, "neither all nor any"),
        ("version=1\nfamily='x'\n[[rule]]\nname='a'\nstate='good'\nany=['a']\n", 5, "good"),
        (
            RULE + "[[rule]]\nname='b'\nstate='busy'\n# hm\nany=['(a+)+b']\n",
            11,
            "refused",
        ),
        ("version=1\nfamily='x'\n[[line]]\nname='a'\nany=['(']\n", 5, "no regular expression"),
        ("version=1\nfamily='x'\n[[line]]\nname='a'\n", 4, "has no any"),
        ("version=1\nfamily='x'\n[program]\ntitles=['a*a*']\n", 4, "refused"),
        (
            "version=1\nfamily='x'\n[[rule]]\nname='a'\nstate='busy'\nregion='top'\nany=['a']\n",
            6,
            "a region is",
        ),
        (
            "version=1\nfamily='x'\n[[rule]]\nname='a'\nstate='busy'\nany=['a']\ndwell=0.0\n",
            7,
            "dwell",
        ),
        (
            "version=1\nfamily='x'\n[[rule]]\nname='a'\nstate='busy'\nany=['a']\nconfidence=2.0\n",
            7,
            "confidence",
        ),
        (
            RULE + "[[rule]]\nname='a'\nstate='busy'\nany=['a']\n",
            8,
            "two rules",
        ),
        ("x" * (MAX_FILE_CHARACTERS + 1), 1, "more than"),
    ],
)
def test_a_broken_file_names_its_line_and_is_skipped(own, line, part):
    families, complaints = load([("foo.toml", SHIPPED)], [("mine.toml", own)])
    assert [(c.file, c.line) for c in complaints] == [("mine.toml", line)]
    assert part in complaints[0].message
    assert [f.name for f in families] == ["foo"]
    assert names(look(families, "really?")) == ["foo.asks"]


def test_a_file_after_a_broken_one_is_read():
    good = "version=1\nfamily='y'\n[[rule]]\nname='a'\nstate='busy'\nany=['^a']\n"
    families, complaints = load([], [("bad.toml", "!"), ("good.toml", good)])
    assert [c.file for c in complaints] == ["bad.toml"]
    assert [f.name for f in families] == ["y"]


def test_a_broken_change_leaves_the_family_as_it_was():
    own = "version=1\nfamily='foo'\n[[rule]]\nname='asks'\nany=['(x+)+y']\n"
    families, complaints = load([("foo.toml", SHIPPED)], [("mine.toml", own)])
    assert len(complaints) == 1
    assert names(look(families, "really?")) == ["foo.asks"]


@settings(max_examples=200)
@given(st.text(max_size=200) | st.text("version=1\nfamily'x[]rule\"", max_size=80))
def test_garbage_is_a_complaint_and_never_raises(text):
    families, complaints = load([], [("mine.toml", text)])
    assert len(families) + len(complaints) == 1
    assert all(c.line >= 1 and c.message for c in complaints)


def test_the_lowest_row_counts_among_equals():
    rule = "[[rule]]\nname='{}'\nstate='{}'\nregion='screen'\nany=['{}']\n"
    text = "version=1\nfamily='x'\n"
    text += rule.format("bad", "error", "^Found [1-9]") + rule.format("good", "ready", "^Found 0")
    families, _ = load([("x.toml", text)])
    assert names(look(families, "Found 2\nFound 0")) == ["x.good", "x.bad"]
    assert names(look(families, "Found 0\nFound 2")) == ["x.bad", "x.good"]


def test_the_title_can_tell_the_program():
    text = SHIPPED.replace("[program]", "[program]\ntitles = ['^FOO ']")
    families, _ = load([("foo.toml", text)])
    assert names(Book(families).look(screen("really?"), ("node",), "FOO x").hits) == ["foo.asks"]
    assert names(Book(families).look(screen("really?"), ("node",), "x").hits) == []


def test_an_interpreter_is_taken_for_the_program_that_its_screen_shows():
    text = SHIPPED.replace("[program]", "[program]\nhosts = ['node']\nshows = ['^Welcome to foo']")
    families, _ = load([("foo.toml", text)])
    assert names(look(families, "Welcome to foo\nreally?", "node")) == ["foo.asks"]
    assert names(look(families, "Welcome to bar\nreally?", "node")) == []
    assert names(look(families, "Welcome to foo\nreally?", "ruby")) == []
