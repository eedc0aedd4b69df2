"""Runs stay on the text that they belong to, whatever takes a part's place."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.styles import PLAIN, Run, Style, replaced

RED, BLUE = Style(fg=1), Style(fg="#0000ff", bold=True)


def test_a_run_is_short_on_the_wire() -> None:
    assert msgspec.json.encode(Run(3, 5, BLUE)) == b'[3,5,{"fg":"#0000ff","bold":true}]'
    assert msgspec.json.decode(b'[3,5,{"fg":1}]', type=Run) == Run(3, 5, RED)
    assert msgspec.json.encode(PLAIN) == b"{}"


def test_a_mask_has_the_style_that_its_text_began_with() -> None:
    runs = [Run(0, 2, RED), Run(2, 4, BLUE), Run(6, 2, RED), Run(9, 1, BLUE)]
    assert replaced(runs, []) == runs
    assert replaced(runs, [(3, 7, 8)]) == [
        Run(0, 2, RED), Run(2, 9, BLUE), Run(11, 1, RED), Run(13, 1, BLUE),
    ]  # fmt: skip
    assert replaced([Run(4, 2, RED)], [(3, 7, 4)]) == []


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 5), st.integers(0, 8)), max_size=8),
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6)), max_size=8),
)
def test_what_is_outside_of_masks_keeps_its_style(
    parts: list[tuple[bool, int, int]], sizes: list[tuple[int, int]]
) -> None:
    before: list[int | None] = []  # of each character its place in the text afterwards
    after = 0
    masks = []
    for is_masked, length, instead in parts:
        if is_masked:
            masks.append((len(before), len(before) + length, instead))
            before += [None] * length
            after += instead
        else:
            before += range(after, after + length)
            after += length
    runs, at = [], 0
    for number, (space, length) in enumerate(sizes):
        runs.append(Run(at + space, length, Style(fg=number)))
        at += space + length
    found = replaced(runs, masks)
    last = 0
    for run in found:  # in order, none empty, none over another
        assert run.start >= last
        assert run.length > 0
        last = run.start + run.length
    shown = {at: run.style for run in found for at in range(run.start, run.start + run.length)}
    for run in runs:
        for place in range(run.start, min(run.start + run.length, len(before))):
            moved = before[place]
            if moved is not None:
                assert shown.get(moved) == run.style
