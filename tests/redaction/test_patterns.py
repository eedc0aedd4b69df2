from __future__ import annotations

import pytest

from tmuxpulse.errors import UsageError
from tmuxpulse.redaction.patterns import LONGEST, LONGEST_ANYWHERE
from tmuxpulse.redaction.redactor import PaneRedactor, Redacted, make_redactor
from tmuxpulse.redaction.syntax import study


def line(pattern: str, text: str) -> str:
    return make_redactor([("mine", pattern)]).redact_line(text).text


def partial(pattern: str, text: str) -> str:
    return PaneRedactor(make_redactor([("mine", pattern)])).redact((), text).partial


def test_a_match_is_masked():
    assert line(r"corp-[a-z0-9]{8}", "key corp-abcd1234, ok") == "key [redacted:mine], ok"


def test_a_group_narrows_what_is_masked():
    assert line(r"ticket (?P<secret>\d+)", "ticket 1234 ok") == "ticket [redacted:mine] ok"
    assert line(r"ticket(?: (?P<secret>\d+))?x", "ticketx ok") == "[redacted:mine] ok"


def test_built_in_rules_stay():
    found = make_redactor([("mine", "corp-[0-9]+")]).redact_line("password=a corp-1")
    assert found == Redacted("password=[redacted:password] [redacted:mine]", 2)


@pytest.mark.parametrize(
    "pattern",
    [r"corp-[a-z0-9]{8}", r"corp-\w+", r"(?i)CORP-\w{8}", r"\bcorp-(?:a|b)\w+", "corp-.{8}",
     r"(?P<secret>corp-\w{8})", r"(?<!x)corp-\w{8}", r"[c]orp-\w{8}", r"c+orp-\w+", r"\w{4}-\w{8}",
     r"(?:corp|firm)-\w{8}", r"(?:c|k)orp-\w{8}"],
)  # fmt: skip
def test_nothing_of_a_secret_is_shown_while_it_is_printed(pattern):
    secret = "corp-abcd1234"
    lead = secret[: len(study(pattern).prefix) - 1] if study(pattern).prefix else ""
    for length in range(1, len(secret) + 1):
        shown = partial(pattern, f"the key {secret[:length]}").removeprefix("the ")
        if length > len(lead):
            assert "corp" not in shown
            assert shown.endswith("[redacted:mine]")
    assert line(pattern, f"the key {secret} ok") == "the key [redacted:mine] ok"


@pytest.mark.parametrize(
    ("pattern", "text", "shown"),
    [
        (r"corp-\w{8}", "bob@host:~$ ", "bob@host:~$ "),
        (r"corp-\w{8}", "corp-a b", "corp-a b"),  # a blank ended it
        ("corp-.{8}", "corp-a b", "[redacted:mine]"),
        (r"\d{16}", "about 10%", "about [redacted:mine]"),
        (r"\d{16}", "about 10% ", "about 10% "),
        (r"\d{16}", "about ten", "about ten"),
        (r"(?:a|b)\d+", "about ten", "about [redacted:mine]"),  # not known how it begins
    ],
)
def test_what_is_held_back_of_an_unfinished_line(pattern, text, shown):
    assert partial(pattern, text) == shown


def test_a_long_secret_is_found_wherever_it_stands():
    for pattern, longest in ((r"corp-\w+", LONGEST), (r"[c]orp-\w+", LONGEST_ANYWHERE)):
        secret = "corp-" + "a" * (longest - 5)
        for before in range(0, 1500, 100):
            text = "- " * (before // 2) + secret + " -"
            assert line(pattern, text) == "- " * (before // 2) + "[redacted:mine] -"


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("corp-(", "not a regular expression"),
        ("corp-*?(?P<secret", "not a regular expression"),
        ("a*", "matches the empty text"),
        ("(?:corp)?", "matches the empty text"),
        ("(a+)+b", "repeats a group"),
        (r"(?:\w+\.)+x", "repeats a group"),
        ("(a|a)+b", "repeats a group"),
        ("(a?){30}b", "repeats a group"),
        ("((a?b?){4}){4}c", "too many"),
        ("a?" * 20 + "a", "too many"),
        ("x" + "(a|b)" * 20, "too many"),
        (r"x\w+\d+\w+y", "too many"),
        (r"\w+\d+", "too many"),
        (r"(a)\1", "refers back"),
        (r"(?P<a>b)(?P=a)", "refers back"),
        (r"\d+ secrets", "can match blanks"),
        ("[^a]{3}", "can match blanks"),
        ("(?x)corp - x", "flag x"),
    ],
)
def test_a_pattern_that_cannot_be_taken_is_refused_by_name(pattern, why):
    with pytest.raises(UsageError, match="redaction rule 'mine': .*" + why):
        make_redactor([("mine", pattern)])


def test_a_name_that_cannot_be_shown_in_a_mask_is_refused():
    with pytest.raises(UsageError, match="a name has"):
        make_redactor([("a]b", "x")])


@pytest.mark.parametrize(
    "pattern",
    [r"(?:[a-z]{2,4}-){3}\d", r"([A-Z0-9]{4}-){3,5}x", r"corp_(?:live|test)_\w+", "[|*]x"],
)
def test_patterns_that_are_fine(pattern):
    assert study(pattern).trouble == ""
    make_redactor([("mine", pattern)])


@pytest.mark.parametrize(
    ("pattern", "prefix", "first"),
    [
        ("corp-x", "corp-x", ""),
        (r"corp\.\d", "corp.", ""),
        ("corp?x", "cor", ""),
        ("cx*", "c", ""),
        ("c*x", "", ""),
        ("c{2}x", "c", ""),
        ("a|b", "", ""),
        ("ab(c|d)", "ab", ""),
        ("(ab)?c", "", ""),
        ("(ab)c", "ab", ""),
        ("(?:ab|c)d", "", ""),
        (r"^\b(?<!x)ab", "ab", ""),
        (r"\d\w", "", r"\d"),
        ("[ab]c", "", "[ab]"),
        (r"\d?c", "", ""),
        (".c", "", "."),
    ],
)
def test_how_a_pattern_begins(pattern, prefix, first):
    known = study(pattern)
    assert (known.prefix, known.first) == (prefix, first)


def test_rows_of_a_screen_know_rules_of_the_user():
    screen = make_redactor([("mine", r"corp-\w{8}")]).screen(["xx corp-", "abcd1234"], 8)
    assert screen.rows == ["xx █████", "████████"]
