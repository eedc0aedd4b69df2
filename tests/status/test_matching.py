"""What is looked for first takes no rule away: all that match come through the sieve."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.status.screens import screen
from tests.status.test_examples import FILES_READ
from tmuxpulse.status.matching import Bound, Sieve, match
from tmuxpulse.status.pattern import Pattern
from tmuxpulse.status.rules import load
from tmuxpulse.status.shipped import shipped
from tmuxpulse.status.view import Region, View

ROWS = sorted(
    {
        row
        for file in FILES_READ.values()
        for case in file.rule
        for text in case.yes
        for row in text.split("\n")
    }
)
RULES = [
    Bound(rule, family)
    for family in load(shipped())[0]
    for rule in family.rules
    if rule.region not in ("title", "notification")
]
SIEVE = Sieve(RULES)


def without_sieve(rules, region):
    return [hit for one in rules if (hit := match(one, region, one.rule.any))]


def with_sieve(sieve, region):
    return [hit for one, some in sieve.through(region).items() if (hit := match(one, region, some))]


def by_name(hits):
    return sorted(hits, key=lambda hit: (hit.rule.name, hit.row))


@settings(max_examples=60)
@given(st.lists(st.sampled_from(ROWS), max_size=12))
def test_rules_that_match_come_through(rows):
    region = View(screen("\n".join(rows))).region("screen", 0, None)
    assert by_name(with_sieve(SIEVE, region)) == by_name(without_sieve(RULES, region))


def made(number=0, every=(), some=(), none=()):
    rule = msgspec.structs.replace(
        RULES[0].rule, name=f"x.{number}", all=every, any=some, none=none
    )
    return Bound(rule, RULES[0].family)


WORDS = ["alpha", "alphabet", "phab", "beta", "GAMMA", "gam", "ab.{0,3}be", "x"]
PATTERNS = st.builds(
    lambda text, ignore_case: Pattern(text, ignore_case=ignore_case),
    st.sampled_from(WORDS),
    st.booleans(),
)
SOME = st.lists(PATTERNS, max_size=3).map(tuple)
PARTS = st.tuples(SOME, SOME, SOME).filter(lambda parts: parts[0] or parts[1])


@given(
    st.lists(PARTS, max_size=6),
    st.lists(st.text("alphbetGAMMAgmx ", max_size=12) | st.sampled_from(WORDS), max_size=4),
)
def test_any_rules_that_match_come_through(parts, rows):
    rules = [made(number, *of_one) for number, of_one in enumerate(parts)]
    region = Region(rows)
    assert by_name(with_sieve(Sieve(rules), region)) == by_name(without_sieve(rules, region))


def test_what_shows_a_rule_is_the_lowest_row():
    one = made(some=(Pattern("alpha"), Pattern("beta")))
    region = Region(["beta 1", "alpha 2", "beta 3", "none"], 5)
    (hit,) = with_sieve(Sieve([one]), region)
    assert (hit.row, hit.evidence) == (7, "beta 3")
