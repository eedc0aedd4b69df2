"""Patterns that could take long are refused, and those that are not find what `re` finds."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.status.pattern import Pattern, PatternRefused


@pytest.mark.parametrize(
    "text",
    [
        "(a+)+b",
        "(a|a)*b",
        "(a|ab)+c",
        "([a-z]+)*$",
        r"(\w+\s?)*$",
        "(?:a{0,50}){0,50}b",
        "a*a*b",
        r"\s+\s+x",
        ".*.*",
        ".*x.*y",
        r"^\s*\w*\s*=",
        "(?:a?){30}a{30}",
        "x(?=a+)b",
        r"(a)\1",
        "(?P<a>x)(?P=a)",
        "(?i)x",
        r"\Ax",
        "(",
        "[a",
        "a{2}{3}{",
        "x" * 1001,
        "(" * 30 + "a" + ")" * 30,
    ],
)
def test_refused(text):
    with pytest.raises(PatternRefused):
        Pattern(text).check()


@pytest.mark.parametrize(
    "text",
    [
        r"error: .*x",
        r"\d+ errors?",
        r"^.*foo.*$",
        r"^[\w.-]{1,40}@[\w.-]{1,60}[: ][^$#%>]{0,100}[$#%>] \S",
        r"(?:ab|cd){1,3}x",
        r"(?<!x)y(?! z)",
        "(?P<shown>a.{0,80})$",
        "[]a]b[^]]",
        r"a{,3}b",
        "\u276f (?:yes|no)",
        "",
    ],
)
def test_accepted(text):
    Pattern(text).check()


@pytest.mark.parametrize(
    ("text", "needles"),
    [
        ("error: x", ("error: x",)),
        ("(?:fatal|error): ", ("error", "fatal")),
        (r"^make: \*\*\* ", ("make: *** ",)),
        (r"\d+", ()),
        ("a?b", ("b",)),
        ("(?:foo)?", ()),
        ("foo|b*", ()),
        (r"\bno\b way", ("no way",)),
        ("colou?r", ("colo",)),
    ],
)
def test_needles(text, needles):
    assert Pattern(text).needles == needles


def test_needles_without_regard_to_capitals():
    pattern = Pattern("PassWord", ignore_case=True)
    assert pattern.needles == ("password",)
    assert pattern.may_match("PASSWORD:", "password:")
    assert Pattern("STRA\u00dfE", ignore_case=True).needles == ()


def atoms():
    return st.sampled_from(["a", "b", ".", r"\d", "[ab]", "[^a]", r"\w", "-", r"\.", r"\b", "ab"])


def patterns():
    return st.recursive(
        atoms(),
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=4).map("".join),
            st.lists(inner, min_size=2, max_size=3).map(lambda x: "(?:" + "|".join(x) + ")"),
            st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "*?"])).map(
                lambda x: f"(?:{x[0]}){x[1]}"
            ),
        ),
        max_leaves=8,
    )


@settings(max_examples=200)
@given(patterns(), st.text("ab1-. ", max_size=30), st.booleans())
def test_what_matches_has_a_needle(text, row, ignore_case):
    pattern = Pattern(text, ignore_case=ignore_case)
    try:
        pattern.check()
    except PatternRefused:
        return
    if re.search(text, row, re.IGNORECASE if ignore_case else 0):
        assert pattern.may_match(row, row.lower())


@pytest.mark.parametrize("unit", ["a", "ab", "1", "- ", "a1 "])
@settings(max_examples=100)
@given(text=patterns())
def test_what_is_accepted_ends(unit, text):
    """Exponential patterns would not come to an end here; the test's time limit is the judge."""
    pattern = Pattern(text + "!")
    try:
        pattern.check()
    except PatternRefused:
        return
    assert pattern.search((unit * 500)[:500]) is None
