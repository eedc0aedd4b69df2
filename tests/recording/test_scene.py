"""The state that a recording shows: the same as that of what was recorded."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recording.made import PLACE, tree
from tests.sources import now
from tests.tmux.states import states
from tmuxpulse import events as ev
from tmuxpulse.collect.views import session_views
from tmuxpulse.recording.scene import Scene, between, state_of
from tmuxpulse.tmux.diff import diff
from tmuxpulse.tmux.state import EMPTY, State
from tmuxpulse.wire import ServerView, Tree

SERVER = ServerView(name="default", socket="/s", up=True)


def tree_of(state: State) -> Tree:
    return Tree(servers=[SERVER], sessions=session_views("default", state, now()))


def structure(scene: Scene) -> object:
    """What can be seen of it: clients have no names in a snapshot."""
    return scene.views("default")[1] if "default" in scene.servers else []


@settings(max_examples=150)
@given(st.lists(states(), min_size=2, max_size=5))
def test_a_snapshot_and_events_are_the_state(history: list[State]) -> None:
    scene = Scene()
    scene.begin(tree_of(history[0]))
    for before, after in zip(history, history[1:]):  # noqa: B905, RUF007  # Python 3.10
        for event in diff(before, after, "default"):
            scene.follow(event)
        assert structure(scene) == session_views("default", after, now())


@settings(max_examples=150)
@given(states(), states())
def test_a_jump_is_told_by_events(one: State, other: State) -> None:
    here, there = Scene(), Scene()
    here.begin(tree_of(one))
    there.begin(tree_of(other))
    follower = here.copy()
    for event in between(here, there):
        follower.follow(event)
    assert structure(follower) == structure(there)
    assert structure(here) == session_views("default", one, now())


def test_a_jump_to_where_there_is_no_server() -> None:
    here, there = Scene(), Scene()
    here.begin(tree("a"))
    types = [event.type for event in between(here, there)]
    assert types[-1] == "server.down"
    assert "session.removed" in types
    assert [event.type for event in between(there, here)][:2] == ["server.up", "session.created"]


def test_clients_of_the_beginning_leave() -> None:
    scene = Scene()
    scene.begin(tree("a", attached=2))
    place = ev.Place(server="default", session="a", session_id="$1")
    scene.follow(ev.Event(place, ev.SessionDetached(client="/dev/pts/9", attached=1)))
    assert scene.views("default")[1][0].attached == 1
    scene.follow(ev.Event(place, ev.SessionAttached(client="/dev/pts/8", attached=2)))
    scene.follow(ev.Event(place, ev.SessionDetached(client="/dev/pts/8", attached=1)))
    assert scene.views("default")[1][0].attached == 1


def test_last_line_and_status_are_those_of_the_events() -> None:
    scene = Scene()
    scene.begin(tree("api"))
    scene.follow(ev.Event(PLACE, ev.PaneOutput(mode="append", lines=("one", "two"))))
    status = ev.AgentStatus(status="waiting", previous="busy")
    scene.follow(ev.Event(PLACE, status))
    shown = scene.views("default")[1][0].windows[0].panes[0]
    assert (shown.last_line, shown.status) == ("two", "waiting")
    scene.follow(ev.Event(PLACE, ev.PaneRemoved()))
    assert scene.views("default")[1][0].windows[0].panes == []


def test_what_does_not_fit_changes_nothing() -> None:
    scene = Scene()
    scene.begin(tree("a"))
    before = structure(scene)
    nowhere = ev.Place(server="default", session="x", session_id="$9", window=3, window_id="@9",
                       pane=0, pane_id="%9")  # fmt: skip
    scene.follow(ev.Event(nowhere, ev.PaneRemoved()))
    scene.follow(ev.Event(ev.Place(), ev.CollectorTrouble(message="x", retry_s=None)))
    assert structure(scene) == before
    scene.follow(ev.Event(ev.Place(server="default"), ev.ServerDown(reason="x")))
    assert scene.views("default")[0].up is False


def test_a_state_is_made_of_a_snapshot() -> None:
    assert state_of(tree(), "default") == EMPTY
    assert set(state_of(tree("a", "b"), "default").panes) == {"%1", "%2"}
