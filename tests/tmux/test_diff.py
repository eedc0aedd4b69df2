from __future__ import annotations

from itertools import pairwise

import msgspec
from hypothesis import given, settings

from tests.tmux.states import states
from tmuxpulse import events as ev
from tmuxpulse.tmux.apply import apply
from tmuxpulse.tmux.diff import diff
from tmuxpulse.tmux.state import EMPTY, Client, Link, LinkKey, Pane, Session, State, Window

PANE = Pane("%0", "@0", 0, True, "sh", 9, "", "/", 80, 24)
ONE = State(
    {"$0": Session("$0", "main")},
    {"@0": Window("@0", "sh", "layout", False)},
    {LinkKey("$0", 0): Link("@0", True)},
    {"%0": PANE},
)


def types(before: State, after: State) -> list[str]:
    assert apply(before, diff(before, after, "default")) == after
    return [event.type for event in diff(before, after, "default")]


def with_(state: State, **fields: object) -> State:
    return msgspec.structs.replace(state, **fields)


def pane(state: State, **fields: object) -> State:
    return with_(state, panes={**state.panes, "%0": msgspec.structs.replace(PANE, **fields)})


@settings(max_examples=300)
@given(states(), states())
def test_following_the_events_gives_the_state(before, after):
    assert apply(before, diff(before, after, "s")) == after


@settings(max_examples=100)
@given(states())
def test_nothing_happened_between_equals(state):
    assert diff(state, state, "s") == []
    assert diff(state, msgspec.structs.replace(state), "s") == []


@settings(max_examples=200)
@given(states(), states())
def test_places_name_what_is_there(before, after):
    for event in diff(before, after, "s"):
        gone = event.type.endswith((".removed", ".detached"))
        # A pane that ends is told where it was; one that stays, where it is.
        old = gone or (event.type == "pane.exited" and event.place.pane_id not in after.panes)
        state, place = (before if old else after), event.place
        assert place.server == "s"
        assert state.sessions[str(place.session_id)].name == place.session
        if place.window_id is not None:
            assert state.windows[place.window_id].name == place.window_name
            key = LinkKey(str(place.session_id), place.window if place.window is not None else -1)
            assert state.links[key].window_id == place.window_id
        if place.pane_id is not None:
            assert state.panes[place.pane_id].index == place.pane
            assert state.panes[place.pane_id].window_id == place.window_id


@settings(max_examples=200)
@given(states(), states())
def test_parents_come_before_children_and_go_after_them(before, after):
    seen = [(event.type, event.place) for event in diff(before, after, "s")]
    kinds = [kind for kind, _ in seen]
    for order in (
        ["pane.removed", "window.removed", "session.removed"],
        ["session.removed", "session.created", "window.created", "pane.created"],
    ):
        at = [[index for index, kind in enumerate(kinds) if kind == one] for one in order]
        flat = [(min(found), max(found)) for found in at if found]
        for (_, last), (first, _) in pairwise(flat):
            assert last < first


def test_everything_appears_and_goes():
    assert types(EMPTY, ONE) == ["session.created", "window.created", "pane.created"]
    assert types(ONE, EMPTY) == [
        "pane.exited",
        "pane.removed",
        "window.removed",
        "session.removed",
    ]


def test_names():
    renamed = with_(
        ONE,
        sessions={"$0": Session("$0", "other")},
        windows={"@0": Window("@0", "vim", "layout", False)},
    )
    assert types(ONE, renamed) == ["session.renamed", "window.renamed"]
    assert diff(ONE, renamed, "s")[0].data == ev.SessionRenamed(name="other", previous="main")


def test_a_window_linked_into_a_second_session():
    linked = with_(
        ONE,
        sessions={**ONE.sessions, "$1": Session("$1", "second")},
        links={**ONE.links, LinkKey("$1", 4): Link("@0", True)},
    )
    assert types(ONE, linked) == ["session.created", "window.created"]
    changed = pane(linked, title="t")
    (event,) = diff(linked, changed, "s")
    assert (event.place.session, event.place.linked_sessions) == ("main", ("second",))
    assert types(linked, ONE) == ["window.removed", "session.removed"]


def test_windows_trade_places():
    two = with_(
        ONE,
        windows={**ONE.windows, "@1": Window("@1", "b", "l", False)},
        links={**ONE.links, LinkKey("$0", 1): Link("@1", False)},
    )
    swapped = with_(
        two, links={LinkKey("$0", 0): Link("@1", False), LinkKey("$0", 1): Link("@0", True)}
    )
    assert types(two, swapped) == ["window.moved", "window.moved"]
    other = with_(
        two, links={LinkKey("$0", 0): Link("@0", False), LinkKey("$0", 1): Link("@1", True)}
    )
    (event,) = diff(two, other, "s")
    assert event.data == ev.WindowActivated(previous=0)


def test_a_pane_breaks_out_into_a_window_of_its_own():
    two = with_(ONE, panes={**ONE.panes, "%1": Pane("%1", "@0", 1, False, "a", 1, "", "", 1, 1)})
    broken = with_(
        two,
        windows={**two.windows, "@1": Window("@1", "a", "l", False)},
        links={**two.links, LinkKey("$0", 1): Link("@1", False)},
        panes={**two.panes, "%1": Pane("%1", "@1", 0, True, "a", 1, "", "", 1, 1)},
    )
    assert types(two, broken) == ["window.created", "pane.moved"]


def test_what_a_pane_does():
    assert types(ONE, pane(ONE, command="vim")) == ["pane.command"]
    assert types(ONE, pane(ONE, width=40)) == ["pane.resized"]
    assert types(ONE, pane(ONE, title="x", path="/tmp")) == ["pane.title", "pane.path"]
    dead = pane(ONE, dead=True)
    told = pane(ONE, dead=True, exit_status=3)
    assert types(ONE, dead) == ["pane.exited"]
    assert types(dead, told) == ["pane.exited"]
    assert types(told, pane(ONE, pid=10)) == ["pane.command"]
    assert types(told, EMPTY)[0] == "pane.removed"


def test_a_client_changes_its_session():
    two = with_(
        ONE,
        sessions={**ONE.sessions, "$1": Session("$1", "b")},
        links={**ONE.links, LinkKey("$1", 0): Link("@0", True)},
    )
    here = with_(two, clients={"tty": Client("tty", "$0", False)})
    there = with_(two, clients={"tty": Client("tty", "$1", False)})
    assert types(here, there) == ["session.detached", "session.attached"]


def test_events_about_other_things_change_nothing():
    other = ev.Event(ev.Place(pane_id="%0"), ev.PaneBell())
    assert apply(ONE, [other, ev.Event(ev.Place(), ev.ServerDown(reason=""))]) == ONE
