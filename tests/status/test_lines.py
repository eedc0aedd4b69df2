"""Which rules are tried on a line: those of which a string is in it, and no others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tmuxpulse.collect.rulebook import load_book
from tmuxpulse.status.lines import _sieve

RULES = load_book().line_rules
NEEDLES = sorted({n for r in RULES for p in (r.after or r.any) for n in p.needles})
pieces = st.one_of(st.sampled_from(NEEDLES), st.text(max_size=4))
texts = st.lists(pieces, max_size=6).map(" ".join)


@given(
    text=texts | texts.map(str.upper),
    opened=st.sets(st.sampled_from([rule.name for rule in RULES]), max_size=2),
)
def test_the_rules_to_try_are_those_that_each_pattern_would_ask_for(text, opened):
    lowered = text.lower()
    expected = [
        rule.name
        for rule in RULES
        if rule.name in opened or any(p.may_match(text, lowered) for p in (rule.after or rule.any))
    ]
    assert [rule.name for rule in _sieve(RULES).pick(text, lowered, opened)] == expected
