"""Filters: what each field admits, and the bounds on them."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.errors import RequestError
from tmuxpulse.events import (
    AgentStatus,
    Event,
    PaneBell,
    PaneError,
    PaneOutput,
    Place,
    ServerDown,
    SessionRemoved,
    WindowRenamed,
)
from tmuxpulse.filters import (
    EVERYTHING,
    MAX_PATTERN_LENGTH,
    MAX_PATTERNS,
    Filter,
    check_filter,
    compile_filters,
    text_of,
)

PLACE = Place(
    server="default",
    session="ai-chat",
    session_id="$3",
    window=0,
    window_id="@7",
    window_name="shell",
    pane=1,
    pane_id="%12",
    linked_sessions=("other",),
)
OUTPUT = Event(PLACE, PaneOutput(mode="append", lines=("Hello World",), partial="$ "))
SCREEN = Event(PLACE, PaneOutput(mode="screen", rows={"3": "Straße"}))
WAITING = Event(PLACE, AgentStatus(status="waiting", previous="busy"))
FAILED = Event(PLACE, AgentStatus(status="error", previous="busy"))
ERROR = Event(PLACE, PaneError(line="boom", rule="r"))
RENAMED = Event(
    Place(session="ai-chat", session_id="$3", window=0, window_id="@7", window_name="new"),
    WindowRenamed(name="new", previous="old"),
)
REMOVED = Event(Place(session="ai-chat", session_id="$3"), SessionRemoved())
DOWN = Event(Place(server="default"), ServerDown(reason="killed"))
ALL = [OUTPUT, SCREEN, WAITING, FAILED, ERROR, RENAMED, REMOVED, DOWN]

CASES: list[tuple[Filter, list[Event]]] = [
    (EVERYTHING, ALL),
    (Filter(types=("pane.*",)), [OUTPUT, SCREEN, ERROR]),
    (Filter(types=("pane.error", "session.removed")), [ERROR, REMOVED]),
    (Filter(types=("PANE.*",)), []),
    (Filter(sessions=("ai-*",)), ALL),
    (Filter(sessions=("$3",)), ALL),
    (Filter(sessions=("other",)), [OUTPUT, SCREEN, WAITING, FAILED, ERROR, DOWN]),
    (Filter(sessions=("nobody",)), [DOWN]),
    (Filter(windows=("@7",)), [OUTPUT, SCREEN, WAITING, FAILED, ERROR, RENAMED, DOWN]),
    (Filter(windows=("ai-chat:0",)), [OUTPUT, SCREEN, WAITING, FAILED, ERROR, RENAMED, DOWN]),
    (Filter(windows=("new",)), [RENAMED, DOWN]),
    (Filter(panes=("%12",)), [OUTPUT, SCREEN, WAITING, FAILED, ERROR, DOWN]),
    (Filter(panes=("ai-chat:0.1",)), [OUTPUT, SCREEN, WAITING, FAILED, ERROR, DOWN]),
    (Filter(panes=("1", "2")), [OUTPUT, SCREEN, WAITING, FAILED, ERROR, DOWN]),
    (Filter(panes=("2",)), [DOWN]),
    (Filter(statuses=("waiting",)), [WAITING, DOWN]),
    (Filter(severity=("error",)), [FAILED, ERROR]),
    (Filter(severity=("warning",)), [WAITING, DOWN]),
    (Filter(contains=("WORLD",)), [OUTPUT, DOWN]),
    (Filter(contains=("strasse",)), [SCREEN, DOWN]),
    (Filter(types=("pane.*",), contains=("boom", "hello")), [OUTPUT, ERROR]),
    (Filter(types=("pane.*",), sessions=("x",)), []),
]


@pytest.mark.parametrize(("wanted", "admitted"), CASES)
def test_what_a_filter_admits(wanted: Filter, admitted: list[Event]) -> None:
    check_filter(wanted)
    admits = compile_filters([wanted])
    assert [event for event in ALL if admits(event)] == admitted


def test_several_filters_admit_what_any_of_them_does() -> None:
    admits = compile_filters([Filter(types=("pane.error",)), Filter(statuses=("waiting",))])
    assert [event for event in ALL if admits(event)] == [WAITING, ERROR, DOWN]
    assert not compile_filters([])(OUTPUT)


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
globs = st.text(st.sampled_from("ab*?[]!^-|&~\\(.)"), min_size=1, max_size=10)


@settings(max_examples=200)
@given(st.lists(globs, min_size=1, max_size=4), st.lists(names | st.text("ab", min_size=1)))
def test_globs_are_those_of_the_shell_whatever_they_hold(
    patterns: list[str], found: list[str]
) -> None:
    wanted = Filter(sessions=tuple(patterns))
    check_filter(wanted)
    admits = compile_filters([wanted])
    for name in found:
        expected = any(fnmatchcase(name, pattern) for pattern in patterns)
        for _ in range(2):  # the second answer is a remembered one
            assert admits(Event(Place(session=name), SessionRemoved())) == expected


def test_remembered_names_are_bounded() -> None:
    admits = compile_filters([Filter(sessions=("s1*",))])
    found = [admits(Event(Place(session=f"s{n}"), PaneBell())) for n in range(3000)]
    assert found == [str(n).startswith("1") for n in range(3000)]


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(types=("",)),
        Filter(panes=("x" * (MAX_PATTERN_LENGTH + 1),)),
        Filter(contains=("x",) * (MAX_PATTERNS + 1)),
    ],
)
def test_a_filter_out_of_bounds_is_refused_by_field(wanted: Filter) -> None:
    with pytest.raises(RequestError, match=r"filters\.(types|panes|contains)") as refused:
        check_filter(wanted)
    assert refused.value.code == "INVALID_FILTER"


def test_the_text_of_an_event_is_what_a_person_could_read() -> None:
    assert text_of(OUTPUT.data) == "Hello World\n$ "
    assert text_of(RENAMED.data) == "new\nold"
