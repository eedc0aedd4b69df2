"""What holds for any evidence at any time."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from math import isnan

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.status.screens import book, screen
from tmuxpulse import events as ev
from tmuxpulse.status.evidence import (
    Exited,
    Output,
    Process,
    Processes,
    Report,
    Resized,
    Screen,
    Signals,
)
from tmuxpulse.status.lines import MAX_EVENTS
from tmuxpulse.status.pane import PaneStatus
from tmuxpulse.status.rules import DWELL_SECONDS
from tmuxpulse.tmux.signals import Bell, CommandEnd, CommandStart, Progress, Prompt, Title

TEXTS = [
    "u@h:~$ ‸",
    "u@h:~$ make\nmake: *** [x] Error 1\nu@h:~$ ‸",
    "u@h:~$ sleep 5",
    "Password: ‸",
    "Continue? [y/N] ‸",
    "Server listening on http://localhost:3000",
    "✻ Pondering… (12s · esc to interrupt)\n\u276f ",
    "● Done\n\u276f ",
    "Do you want to proceed?\n\u276f 1. Yes\n  2. No",
    " Select model\n \u276f 1. Default",
    "a\nb\n:‸",
    "",
]
TITLES = ["", "⠂ Fix", "✳ Fix", "Action Required", "bash"]
COMMANDS = ["bash", "claude", "make", "ssh", "vim", "", "codex", "-zsh"]
STATUSES = ["busy", "ready", "waiting", "error", "unknown"]

signals = st.sampled_from(
    [
        Prompt(),
        CommandStart("make"),
        CommandStart(None),
        CommandEnd(0),
        CommandEnd(2),
        Bell(),
        Progress("normal", 5),
        Progress("none"),
        *map(Title, TITLES),
    ]
)
processes = st.lists(
    st.builds(
        Process,
        pid=st.integers(1, 4),
        name=st.sampled_from(["make", "node", "bash"]),
        cpu_seconds=st.floats(0, 9),
        state=st.sampled_from(["R", "S", "T", ""]),
        foreground=st.booleans(),
    ),
    max_size=2,
)


def evidence(at: float):
    return st.one_of(
        st.builds(lambda text: screen(text, at=at), st.sampled_from(TEXTS)),
        st.builds(
            Report,
            at=st.just(at),
            status=st.sampled_from(STATUSES),
            agent_type=st.sampled_from([None, "claude"]),
        ),
        st.builds(lambda x: Signals(at=at, signals=tuple(x)), st.lists(signals, max_size=3)),
        st.builds(
            lambda command, children: Processes(
                at=at, command=command, children=None if children is None else tuple(children)
            ),
            st.sampled_from(COMMANDS),
            st.none() | processes,
        ),
        st.builds(
            Output,
            at=st.just(at),
            bytes=st.integers(0, 5000),
            lines=st.lists(st.sampled_from(TEXTS), max_size=2).map(tuple),
            partial=st.sampled_from(["", "u@h:~$ ", "Password: "]),
            appends=st.booleans(),
        ),
        st.just(Resized(at=at)),
        st.builds(Exited, at=st.just(at), exit_status=st.sampled_from([None, 0, 1])),
    )


EVIDENCE = st.lists(evidence(0.0), max_size=4)


@st.composite
def stories(draw):
    """Times that rise, and what was seen at each of them."""
    now, story = 0.0, []
    for _ in range(draw(st.integers(1, 6))):
        now += draw(st.sampled_from([0.01, 0.1, 0.3, 1.0, 2.5, 70.0]))
        seen = draw(EVIDENCE)
        story.append((now, [msgspec.structs.replace(item, at=now) for item in seen]))
    return story


def told(status: PaneStatus, story, *, until: float = 100.0) -> list[tuple[float, ev.Data]]:
    """Live through a story, asking the pane whenever it wants to be asked."""
    events: list[tuple[float, ev.Data]] = []

    def wait(end: float) -> None:
        for _ in range(1000):
            due = status.due
            if due is None or due >= end:
                return
            events.extend((due, event) for event in status.tick(due))
        raise AssertionError("it wants to be asked without end")

    for now, items in story:
        wait(now)
        for item in items:
            events += ((now, event) for event in status.saw(item, now))
        events += ((now, event) for event in status.tick(now))
    wait((story[-1][0] if story else 0.0) + until)
    return events


@st.composite
def busy_stories(draw):
    """A program that prints again and again, with other things in between.

    Those come a moment after a print: else a pane that was just judged would make them wait for
    their turn, and one that was not would not.
    """
    now = 0.0
    story = [(now, [Processes(at=now, command=draw(st.sampled_from(COMMANDS)))])]
    for _ in range(draw(st.integers(5, 30))):
        if draw(st.integers(0, 7)) == 0:
            now += 0.5
            seen = [msgspec.structs.replace(item, at=now) for item in draw(EVIDENCE)]
        else:
            now += draw(st.sampled_from([0.025, 0.03, 0.1, 0.2, 0.5, 1.9, 2.1]))
            seen = [Output(at=now, bytes=draw(st.sampled_from([10, 300, 500])), appends=False)]
        story.append((now, seen))
    return story


class EverJudging(PaneStatus):
    """One that judges after each piece of evidence, as if each could change anything."""

    def _is_more_of_the_same(self, _evidence, _now):
        return False


@settings(max_examples=150)
@given(busy_stories())
def test_output_that_is_not_judged_would_have_changed_nothing(story):
    found = [
        [
            (at, event.status, event.rule, event.agent_type)
            for at, event in statuses(told(one, story))
        ]
        for one in (PaneStatus(book()), EverJudging(book()))
    ]
    assert found[0] == found[1]


def test_output_without_end_is_judged_once(monkeypatch):
    judged: list[float] = []
    real = PaneStatus._judge

    def judge(status: PaneStatus, now: float) -> None:
        judged.append(now)
        real(status, now)

    monkeypatch.setattr(PaneStatus, "_judge", judge)
    status = PaneStatus(book())
    told(status, [(0.0, [Processes(at=0.0, command="make")])])
    judged.clear()
    outputs = [(at / 20, [Output(at=at / 20, bytes=80, appends=False)]) for at in range(2001, 2601)]
    told(status, outputs, until=1.0)
    assert len(judged) <= 4  # until it is known that it prints steadily


def statuses(events) -> list[tuple[float, ev.AgentStatus]]:
    return [(at, event) for at, event in events if isinstance(event, ev.AgentStatus)]


@settings(max_examples=50)
@given(stories(), st.randoms(use_true_random=False))
def test_the_order_of_what_is_seen_at_once_does_not_matter(story, random):
    def one_of_each_kind(items):
        return list({type(item): item for item in items}.values())

    story = [(now, one_of_each_kind(items)) for now, items in story]
    shuffled = [(now, random.sample(items, len(items))) for now, items in story]
    one, other = PaneStatus(book()), PaneStatus(book())
    assert statuses(told(one, story)) == statuses(told(other, shuffled))
    assert one.announced == other.announced


@settings(max_examples=50)
@given(stories())
def test_nothing_flaps(story):
    announced = statuses(told(PaneStatus(book()), story))
    shortest = min(0.1, *DWELL_SECONDS.values())
    for (before, one), (after, other) in pairwise(announced):
        assert after - before >= shortest - 1e-9
        assert other.previous == one.status


@settings(max_examples=40)
@given(stories())
def test_what_holds_began_before_it_was_told(story):
    status = PaneStatus(book(), wall_offset=0.0)
    for at, event in statuses(told(status, story)):
        since = datetime.fromisoformat(event.since.replace("Z", "+00:00")).timestamp()
        assert since <= at + 0.001


@settings(max_examples=40)
@given(stories())
def test_the_same_screen_again_announces_nothing(story):
    status = PaneStatus(book(), silence_seconds=None)
    told(status, story)
    shown = status._facts.screen
    if shown is None:
        return
    end = story[-1][0] + 100.0
    again = msgspec.structs.replace(shown, at=end)
    if status._facts.tail_at > shown.at:
        return  # what was printed since is shown, and not that screen
    assert statuses(told(status, [(end, [again])])) == []


# 2.01 - 0.01 is less than 2: what was no activity any more by one sum was so by the other.
ROUNDED = [
    (
        0.01,
        [
            Screen(
                at=0.01,
                rows=("u@h:~$",),
                cursor_row=0,
                cursor_column=7,
                alternate=False,
                width=80,
                height=24,
            ),
            Processes(at=0.01, command="claude"),
            Output(at=0.01, bytes=400, appends=False),
        ],
    )
]


@settings(max_examples=40)
@given(stories())
@example(ROUNDED)
def test_explain_agrees_with_what_is_announced(story):
    status = PaneStatus(book())
    told(status, story)
    found = status.explain(status._now)
    assert found.announced == found.verdict == status.announced
    assert found.opinions[0].outcome == "won"
    assert all(opinion.age >= 0 for opinion in found.opinions)
    winner = found.opinions[0].claim
    assert winner.status in ("keep", found.announced.status)


@settings(max_examples=40)
@given(stories(), st.lists(st.floats(), max_size=5))
def test_time_never_goes_back(story, times):
    status = PaneStatus(book())
    told(status, story)
    now = status._now
    for time in times:
        if isnan(time) or time < 1e12:  # what is no number, or the past
            status.tick(min(time, now))
            status.saw(Resized(at=time), min(time, now))
            assert status._now == now
    assert status.announced.since <= now


garbage = st.text(max_size=60) | st.text("\x00\x1b[]()$#%>\u276f?:\u202e漢é\u0301 ", max_size=60)


@settings(max_examples=200)
@given(
    rows=st.lists(garbage, max_size=8).map(tuple),
    cursor=st.none() | st.tuples(st.integers(-3, 300), st.integers(-3, 900)),
    width=st.integers(-1, 90),
    command=garbage,
    title=garbage,
)
def test_garbage_never_raises(rows, cursor, width, command, title):
    shown = Screen(
        at=1.0,
        rows=rows,
        cursor_row=cursor[0] if cursor else None,
        cursor_column=cursor[1] if cursor else None,
        width=width,
    )
    children = (Process(pid=1, name=title, foreground=True),)
    story = [
        (1.0, [Processes(at=1.0, command=command), shown]),
        (2.0, [Signals(at=2.0, signals=(Title(title), CommandStart(command), CommandEnd(-1)))]),
        (3.0, [Output(at=3.0, bytes=-1, lines=rows, partial=title)]),
        (4.0, [Processes(at=4.0, command="", program=title, children=children), shown]),
    ]
    status = PaneStatus(book())
    told(status, story)
    status.explain(9.0)


@pytest.mark.parametrize("size", [(300, 10), (10, 5000), (1000, 1000)])
def test_a_screen_of_any_size_is_bounded(size):
    rows, cells = size
    shown = Screen(
        at=0.0, rows=("x" * cells,) * rows, cursor_row=rows - 1, cursor_column=cells, width=cells
    )
    status = PaneStatus(book())
    told(status, [(0.0, [Processes(at=0.0, command="bash"), shown])])


def test_a_flood_of_errors_is_bounded():
    lines = tuple(f"make: *** [{n}.o] Error 1" for n in range(9000))
    events = PaneStatus(book()).saw(Output(at=0.0, bytes=9, lines=lines), 0.0)
    assert len(events) == MAX_EVENTS
