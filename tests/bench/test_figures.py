"""Arithmetic on results, two results beside each other, and plots of them."""

from __future__ import annotations

import math
from typing import Any
from xml.etree import ElementTree as ET

import compare
import growth_pages
import pytest
from figures import HIGHER, LOWER, dig, direction, find, fit, leaves
from hypothesis import given
from hypothesis import strategies as st
from plot import Panel, Series, draw, ticks

numbers = st.floats(-1e6, 1e6)
amounts = st.floats(0, 1e9)


@given(start=numbers, rise=st.floats(-1e3, 1e3), xs=st.sets(st.integers(0, 1000), min_size=2))
def test_a_line_is_found_again(start, rise, xs):
    found_start, found_rise = fit([(x, start + rise * x) for x in xs])
    assert found_rise == pytest.approx(rise, abs=1e-4)
    assert found_start == pytest.approx(start, abs=0.1)


def test_a_line_through_one_place_is_level():
    assert fit([]) == (0.0, 0.0)
    assert fit([(2, 3.0), (2, 5.0)]) == (4.0, 0.0)


def test_what_is_not_there_is_none():
    assert dig({"a": {"b": 1}}, "a", "b") == 1
    assert dig({"a": 3}, "a", "b") is None
    assert find([{"x": 1, "y": 2}, {"x": 1, "y": 3}], x=1, y=3) == {"x": 1, "y": 3}
    assert find(None, x=1) is None


def test_figures_are_named_by_labels():
    data = {"cells": [{"name": "quiet", "print": {"p50_ms": 1.5, "ok": True}}, 7]}
    assert list(leaves(data)) == [("cells / name quiet / print / p50_ms", 1.5), ("cells / 1", 7.0)]


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("latency / print / p50_ms", LOWER),
        ("fanout / deliveries_per_cpu_second", HIGHER),
        ("footprint / idle / together_percent", LOWER),
        ("growth / panes / wall_s", 0),
        ("hub / seconds", 0),
        ("latency / print / n", 0),
    ],
)
def test_which_way_is_better(name, way):
    assert direction(name) == way


def result(milliseconds: float, rate: float) -> dict[str, Any]:
    results = {"p50_ms": milliseconds, "events_per_second": rate, "n": milliseconds}
    return {"benchmarks": {"one": {"output": {"results": results}}}}


def test_worse_is_worse_in_either_direction():
    changes = compare.compare(result(10, 100), result(20, 25))
    assert [(one.name, one.worse) for one in changes] == [
        ("one / events_per_second", 4.0),
        ("one / p50_ms", 2.0),
    ]
    text = compare.render(changes, share=0.1)
    assert text.count("worse") == 2
    better = compare.compare(result(20, 25), result(10, 100))
    assert compare.render(better, share=0.1).count("better") == 2


def test_what_hardly_changed_is_not_shown():
    changes = compare.compare(result(10, 100), result(10.5, 100))
    assert "none changed by more than 10%" in compare.render(changes, share=0.1)
    assert compare.compare(result(0.1, 0), result(0.4, 0))[0].name == "one / events_per_second"


def test_a_failed_section_has_no_figures():
    failed = {"benchmarks": {"one": {"output": None}}}
    assert compare.compare(failed, result(1, 1)) == []


@given(amounts)
def test_ticks_reach_the_most(most):
    found = ticks(most)
    assert found[0] == 0.0
    assert found[-1] >= most * 0.999 - 1e-12
    assert 2 <= len(found) <= 7
    assert all(math.isfinite(one) for one in found)


@given(st.lists(st.tuples(amounts, amounts), max_size=8), st.text(max_size=20))
def test_any_plot_is_well_formed_and_inside(points, title):
    title = "".join(one for one in title if one.isprintable())
    document = ET.fromstring(draw([Panel(title, "x", [Series("a", sorted(points))])]))
    width, height = float(document.get("width", 0)), float(document.get("height", 0))
    circles = document.findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) == len(points)
    for one in circles:
        assert 0 <= float(one.get("cx", -1)) <= width
        assert 0 <= float(one.get("cy", -1)) <= height


def test_how_cost_grows_is_told_for_what_was_measured():
    step = {
        "tmuxpulse_percent": 1.0, "tmux_percent": 0.5, "helpers_percent": 0.1, "rss_mb": 40.0,
    }  # fmt: skip
    line = {"start": 1.0, "slope": 0.01}
    model = {
        "tmuxpulse_percent": line, "tmux_percent": line, "rss_mb": line, "one core ends at": 990,
    }  # fmt: skip
    growth = {"panes": [{"panes": 10, **step}, {"panes": 50, **step}], "model": {"panes": model}}
    assert list(growth_pages.drawings(growth)) == ["panes"]
    text = growth_pages.text(growth, "quick")
    assert "](quick-panes.svg)" in text
    assert "1.00 + 1.000 for 100" in text
    assert "| 990 |" in text
    assert "rate" not in text
    model["one core ends at"] = 910_734  # by a slope that is no more than noise
    assert "| beyond 1,000 |" in growth_pages.text(growth, "quick")
