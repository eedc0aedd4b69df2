"""The live state and a list of tmux's make the same sessions, windows and panes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources import now
from tests.tmux.states import states
from tmuxpulse.collect.views import session_views
from tmuxpulse.compat.world import PaneInfo, World, from_state, from_views, name_of
from tmuxpulse.tmux.state import State


@settings(max_examples=60)
@given(states())
def test_both_sources_say_the_same(state: State) -> None:
    live = from_views(session_views("default", state, now()))
    listed = from_state(state)
    names = [session.name for session in state.sessions.values()]
    if len(set(names)) == len(names):  # tmux has each name once
        assert live == listed
        assert list(live.sessions) == list(listed.sessions) == sorted(names, key=str.encode)


def pane(session: str, window: int, index: int, pane_id: str, *, active: bool = False) -> PaneInfo:
    return PaneInfo(
        session=session,
        window=window,
        index=index,
        id=pane_id,
        active=active,
        current_command="sh",
        current_path="/",
        title="",
        pid=1,
        width=80,
        height=24,
    )


WORLD = World(
    panes=[
        pane("api", 0, 0, "%0"),
        pane("api", 0, 1, "%1", active=True),
        pane("api", 10, 0, "%2", active=True),
        pane("api-2", 0, 3, "%3", active=True),
        pane("1", 0, 0, "%4", active=True),
        pane("ä b", 0, 0, "%5", active=True),
    ]
)


@pytest.mark.parametrize(
    ("target", "pane_id"),
    [
        ("api:0", "%1"),
        ("api:0.0", "%0"),
        ("api:0.1", "%1"),
        ("api:10", "%2"),
        ("api-2:0", "%3"),
        ("1:0.0", "%4"),
        ("ä b:0", "%5"),
        ("%2", "%2"),
        # What is not there, or what only tmux knows the meaning of.
        ("%9", None),
        ("api:1", None),
        ("api:0.7", None),
        ("ap:0", None),
        ("=api:0", None),
        ("$0:0", None),
        ("@1", None),
        ("api", None),
        ("api:", None),
        ("api:shell", None),
        ("api:0.", None),
        ("api:٣", None),
        ("{last}", None),
        (":0", None),
        ("", None),
        ("api:0\n", None),
    ],
)
def test_what_a_target_means(target: str, pane_id: str | None) -> None:
    assert WORLD.pane_id(target) == pane_id


@given(st.text(max_size=20))
def test_any_target_means_a_pane_or_nothing(target: str) -> None:
    assert WORLD.pane_id(target) in {None, "%0", "%1", "%2", "%3", "%4", "%5"}


def test_targets_have_one_name() -> None:
    assert name_of(("api", 0)) == name_of(("api", "0")) == name_of("api:0") == "api:0"
    assert name_of(("api", 0, 1)) == "api:0.1"
