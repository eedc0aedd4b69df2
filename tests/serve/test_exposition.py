"""Metrics as text, read back by the client library of those who made the format."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from tmuxpulse.serve.exposition import Family, Sample, counter, gauge, render, summary

# The parser strips its lines, and splits them where Python's `splitlines` does not in the format.
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp", "Zs", "Cs"]))
LABELS = st.one_of(TEXT, st.sampled_from(['a"b', "a\\", "\\n", "a\nb", 'x",y="z', "{}", "a b"]))
NUMBERS = st.one_of(st.integers(0, 2**53), st.floats(0, 1e300))


@given(TEXT, st.dictionaries(LABELS, NUMBERS, min_size=1), NUMBERS)
def test_what_is_told_is_what_a_stranger_reads(
    help_text: str, by_label: dict[str, float], value: float
) -> None:
    told = render(
        [counter("a_total", help_text, by_label, "kind"), gauge("b_bytes", help_text, value)]
    )
    first, second = text_string_to_metric_families(told.decode())
    assert (first.name, first.type, second.name, second.type) == (
        "a",
        "counter",
        "b_bytes",
        "gauge",
    )
    assert {one.labels["kind"]: one.value for one in first.samples} == by_label
    assert [one.value for one in second.samples] == [value]
    assert [one.labels for one in second.samples] == [{}]


def test_a_summary_has_its_count_and_its_sum() -> None:
    (found,) = text_string_to_metric_families(
        render([summary("list_seconds", "Lists.", count=3, total=0.25)]).decode()
    )
    assert found.type == "summary"
    assert {one.name: one.value for one in found.samples} == {
        "list_seconds_count": 3,
        "list_seconds_sum": 0.25,
    }


def test_a_help_text_is_one_line() -> None:
    told = render([gauge("a", "one\ntwo\\three", 1)])
    assert told == b"# HELP a one\\ntwo\\\\three\n# TYPE a gauge\na 1\n"


def test_a_family_without_samples_is_told() -> None:
    assert render([counter("a_total", "None yet.", {}, "code")]).count(b"\n") == 2


@pytest.mark.parametrize(
    "wrong",
    [
        Family("a", "counter", "", (Sample(1),)),
        Family("a_total", "gauge", "", (Sample(1),)),
        Family("a b", "gauge", "", (Sample(1),)),
        Family('a{b="c"}', "gauge", "", (Sample(math.inf),)),
    ],
)
def test_a_wrong_name_is_a_mistake_of_ours(wrong: Family) -> None:
    with pytest.raises(ValueError, match=wrong.name.split("{")[0].split("_")[0]):
        render([wrong])
