"""The corpus is what it says it is, and the rules read the part that they were written from.

How well they read the other part is `bench/bench_status.py`'s matter.
"""

from __future__ import annotations

import hashlib
import re

import pytest

from tests.status.corpus import Case, frames, read, replay
from tmuxpulse.status.book import Book
from tmuxpulse.status.rules import load
from tmuxpulse.status.shipped import shipped

LEAST = 300
HELD_OUT_OF_TEN = 3
RIGHTLY = 0.99
FOREIGN = re.compile(r"/root\b|/work\b|/tmp/pytest|\bvm:")


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    return read()


@pytest.fixture(scope="module")
def book() -> Book:
    families, problems = load(shipped())
    assert not problems
    return Book(families)


def test_there_are_enough_and_a_third_resembles_something_else(cases: dict[str, Case]) -> None:
    assert len(cases) >= LEAST
    assert sum(bool(case.lookalike) for case in cases.values()) * 3 >= len(cases)
    for status in ("busy", "ready", "waiting", "error"):
        for part in ("train", "held-out"):
            assert any(case.status == status and case.split == part for case in cases.values())


def test_each_case_can_be_made_anew_and_is_of_no_machine(cases: dict[str, Case]) -> None:
    for name, case in cases.items():
        assert case.command, name
        assert case.version, name
        assert len(case.screen) <= case.height, name
        assert 0 <= case.cursor_row < case.height, name
        assert not FOREIGN.search(case.rows), name
        assert case.split == split(name.partition("/")[2]), name
        assert all(any(line in row for row in case.screen) for line in case.errors), name
        assert frames(cases, name)


def test_the_part_that_rules_were_written_from_is_read_rightly(
    cases: dict[str, Case], book: Book
) -> None:
    wrong = [
        f"{name}: {case.status}, told {pane.announced.status} by {pane.announced.rule}"
        for name, case in cases.items()
        if case.split == "train"
        and (pane := replay(book, frames(cases, name))[0]).announced.status != case.status
    ]
    count = sum(case.split == "train" for case in cases.values())
    assert len(wrong) <= count * (1 - RIGHTLY), "\n".join(wrong)


def split(name: str) -> str:
    """Whether rules may be written from a case: by the hash of its name, so that nobody chooses."""
    number = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
    return "held-out" if number % 10 < HELD_OUT_OF_TEN else "train"
