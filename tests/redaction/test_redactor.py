from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.redaction.canaries import CANARIES, KEPT, Canary
from tmuxpulse.redaction.redactor import PaneRedactor, Redacted, Redactor
from tmuxpulse.redaction.rules import BUILT_IN
from tmuxpulse.redaction.scanner import LONG_LINE

LAWS = settings(max_examples=200)
REDACTOR = Redactor()


def partial(text: str) -> str:
    return PaneRedactor(REDACTOR).redact((), text).partial


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.line)
def test_a_secret_is_masked_and_what_leads_it_stays(canary):
    found = REDACTOR.redact_line(canary.line)
    assert canary.secret not in found.text
    assert found.text.startswith(canary.before + "[redacted:")
    assert found.text.endswith("]" + canary.after) or canary.before.endswith("ookie: ")
    assert found.count == 1


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.line)
def test_no_character_of_a_secret_is_shown_while_it_is_printed(canary):
    for length in range(len(canary.secret)):
        shown = partial(canary.before + canary.secret[: length + 1])
        assert shown.startswith(canary.before)
        assert shown[len(canary.before) :].count("[redacted:") == 1
        assert shown.endswith("]")
        assert shown[len(canary.before) :].startswith("[redacted:")


@pytest.mark.parametrize("line", KEPT)
def test_what_only_looks_like_a_secret_stays(line):
    assert REDACTOR.redact_line(line) == Redacted(line, 0)


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.line)
def test_the_mask_of_a_secret_is_no_secret(canary):
    once = REDACTOR.redact_line(canary.line).text
    assert REDACTOR.redact_line(once) == Redacted(once, 0)
    half = partial(canary.before + canary.secret[:3])
    assert partial(half) == half


@pytest.mark.parametrize("line", ["x --db-password = hunter2", "x --token : a1b2c3d4e5"])
def test_a_masked_value_is_not_taken_for_that_of_an_option(line):
    once = REDACTOR.redact_line(line)
    assert once.count == 1
    assert REDACTOR.redact_line(once.text) == Redacted(once.text, 0)


def test_several_secrets_in_a_line_are_counted():
    found = REDACTOR.redact_line("a password=hunter2 ghp_0123456789abcdefghij b://u:pw@h/ c")
    assert found == Redacted(
        "a password=[redacted:password] ghp_[redacted:github] b://u:[redacted:url-password]@h/ c", 3
    )


def test_a_secret_within_a_secret_is_one():
    found = REDACTOR.redact_line("token=ghp_0123456789abcdefghij;password=x")
    assert found == Redacted("token=[redacted:token];password=[redacted:password]", 2)


def test_a_long_line_may_have_been_cut_within_a_secret():
    line = "x " * (LONG_LINE // 2)
    assert REDACTOR.redact_line(line + "http://bob:80").text.endswith("[redacted:url-password]")
    assert REDACTOR.redact_line("x http://bob:80").count == 0


def test_letters_that_grow_in_lower_case_do_not_shift_what_is_masked():
    found = REDACTOR.redact_line("İİİ PASSWORD=hunter2 İ")
    assert found.text == "İİİ PASSWORD=[redacted:password] İ"


def test_without_rules_nothing_is_masked():
    none = Redactor(())
    key = ("-----BEGIN PRIVATE KEY-----", "A1b2" * 16)
    assert none.redact_line("password=hunter2").count == 0
    assert PaneRedactor(none).redact(key, "A1b2" * 16).count == 0
    assert none.screen(key).counts == [0, 0]


def test_text_without_a_lead_is_the_same_object():
    lines = ("[ 1/9] cc -c a.c", "", "ok " * 100)
    shown = PaneRedactor(REDACTOR).redact(lines, "$ make")
    assert shown.lines is lines
    assert shown.partial == "$ make"
    assert shown.count == 0


def test_needles_are_what_the_scanner_takes_them_for():
    for rule in BUILT_IN:
        assert rule.needle
        assert rule.needle == rule.needle.lower() or any(map(str.isupper, rule.needle))


PIECES = st.sampled_from([
    *(canary.line for canary in CANARIES),
    *(canary.before for canary in CANARIES),
    *(canary.secret for canary in CANARIES),
    *KEPT,
    "[redacted:x]", "█", " ", "=", ":", '"', "'", "@", "://", "\\", "İ", "--BEGIN PRIVATE KEY-----",
])  # fmt: skip
texts = st.one_of(st.text(max_size=60), st.lists(PIECES | st.text(max_size=4)).map("".join)).map(
    lambda text: text.replace("\n", "")
)


@LAWS
@given(texts)
def test_what_is_redacted_stays_so(text):
    once = REDACTOR.redact_line(text).text
    assert REDACTOR.redact_line(once) == Redacted(once, 0)


@LAWS
@given(texts)
def test_an_unfinished_line_that_is_redacted_stays_so(text):
    once = partial(text)
    assert partial(once) == once


@LAWS
@given(st.lists(texts, max_size=12), st.data())
def test_lines_are_the_same_however_they_are_taken(lines, data):
    whole = PaneRedactor(REDACTOR).redact(tuple(lines), "")
    pane = PaneRedactor(REDACTOR)
    found: list[str] = []
    count = 0
    rest = lines
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        unfinished = rest[size][:3] if size < len(rest) else ""
        shown = pane.redact(tuple(rest[:size]), unfinished)
        found += shown.lines
        count += len(shown.lines)
        rest = rest[size:]
    assert tuple(found) == whole.lines
    assert count == len(lines)


HOSTILE = [
    "password=", 'password="', "password: '", "token:", "token", "secret secret_key", "://",
    "://a:", "://a:b@", "http://a:1", "eyJ", "eyJ.", "eyJaaaaaa.", "a", "=", "-", "-----",
    "PRIVATE KEY-----", "PRIVATE KEY----", "-----BEGIN PRIVATE KEY-----", "-----END ",
    "Authorization: Bearer ", "authorization:", "cookie:", "Cookie: a", "ghp_", "sk-", "-sk-",
    "SG.", "SK0", "AKIA", "ASIA", "tp_a_", "tp_", "--password ", "--token --token", "passw", "key=",
    "api_key:", "bearer ", "[redacted:x]", "[redacted:x]password=", "password=a&b=", "password=&",
    "password=$(", "password=...", "password=x" , '\\"', 'password=\\"', "?sig=", ".", "é", "█",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("end", ["", " ."])
def test_the_work_on_a_hostile_line_grows_with_its_length_and_no_faster(piece, end):
    def steps(length: int) -> int:
        redactor = Redactor()
        text = (piece * (length // len(piece) + 1))[:length] + end
        redactor.redact_line(text)
        return redactor.scanner.steps

    # A constant for what differs because of the last, unfinished piece.
    assert steps(16_000) <= 2 * steps(8_000) + 1000
    assert steps(16_000) <= 12 * 16_000


def test_a_canary_is_what_it_says():
    assert Canary("a", "b", "c").line == "abc"


def test_the_reference_names_every_mask():
    text = (Path(__file__).parents[2] / "docs/reference/redaction.md").read_text()
    for rule in BUILT_IN:
        assert f"| `{rule.name}` |" in text
