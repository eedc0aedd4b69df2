"""What a narrowed grant sees: all of its own, in its own stream, and nothing that tells of more."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources import Told, now
from tests.tmux.states import SESSIONS, states
from tmuxpulse import events as ev
from tmuxpulse.collect.views import session_views
from tmuxpulse.filters import EVERYTHING as ALL
from tmuxpulse.filters import Filter
from tmuxpulse.hub.hub import Hub
from tmuxpulse.serve import sights as sights_module
from tmuxpulse.serve.grants import Grant, Scope
from tmuxpulse.serve.sights import (
    EVERYTHING,
    STRUCTURAL,
    Sight,
    Sights,
    TooManySights,
    narrow_tree,
    project,
    sight_of,
    without_output,
)
from tmuxpulse.tmux.apply import apply
from tmuxpulse.tmux.diff import diff
from tmuxpulse.tmux.state import EMPTY, Atlas, Session, State
from tmuxpulse.wire import ServerView, Tree

API = Sight(output=True, sessions=("api-*",))
MARK = "HIDDEN"


def seen(name: str) -> bool:
    return name.startswith("api-")


def marked(state: State, visible: set[str]) -> State:
    """Name sessions by whether they are seen, and mark whatever only unseen ones show."""
    names = {key: f"api-{key}" if key in visible else f"{MARK}{key}" for key in state.sessions}
    shown = {link.window_id for key, link in state.links.items() if key.session_id in visible}
    windows = {
        key: one if key in shown else msgspec.structs.replace(one, name=MARK, layout=MARK)
        for key, one in state.windows.items()
    }
    panes = {
        key: one
        if one.window_id in shown
        else msgspec.structs.replace(one, title=MARK, path=MARK, command=MARK)
        for key, one in state.panes.items()
    }
    return State(
        {key: Session(key, name) for key, name in names.items()},
        windows,
        state.links,
        panes,
        state.clients,
    )


@settings(max_examples=200)
@given(
    st.lists(st.tuples(states(), st.sets(st.sampled_from(SESSIONS))), min_size=1, max_size=5),
    st.integers(0, 4),
)
def test_a_sight_follows_its_own_part_and_hears_of_nothing_else(
    history: list[tuple[State, set[str]]], opened_at: int
) -> None:
    """Whenever it begins to look, and whatever is renamed, linked or moved in and out of it."""
    whole = Hub()
    sights = Sights(whole)
    narrow: Hub | None = None
    state = begin = EMPTY
    for step, (drawn, visible) in enumerate(history):
        if step == opened_at:
            narrow, begin = sights.hub_of(API), project(state, seen)
        after = marked(drawn, visible)
        whole.publish(*diff(state, after, "default"))
        state = after
        atlas = Atlas(state, "default")
        for pane_id in state.panes:
            text = "printed" if pane_id in project(state, seen).panes else MARK
            output = ev.PaneOutput(mode="append", lines=(text,))
            whole.publish(ev.Event(atlas.pane(pane_id), output))
        if narrow is not None:
            kept = narrow.ring.since(0, newest=narrow.seq, admits=lambda _: True)
            assert kept is not None
            assert apply(begin, [one.numbered.event for one in kept]) == project(state, seen)
            assert not [one.line for one in kept if MARK.encode() in one.line]
            assert [one.numbered.seq for one in kept] == list(range(1, narrow.seq + 1))
            printed = [one for one in kept if isinstance(one.numbered.event.data, ev.PaneOutput)]
            panes = {one.numbered.event.place.pane_id for one in printed}
            assert panes >= set(project(state, seen).panes)


@settings(max_examples=100)
@given(states(), st.sets(st.sampled_from(SESSIONS)))
def test_a_snapshot_shows_what_is_seen(drawn: State, visible: set[str]) -> None:
    state = marked(drawn, visible)
    server = ServerView(name="default", socket="/s", up=True)
    tree = Tree(servers=[server], sessions=session_views("default", state, now("x")))
    narrowed = narrow_tree(tree, API)
    assert narrowed.sessions == session_views("default", project(state, seen), now("x"))
    assert MARK not in repr(narrowed)


def test_every_event_type_was_thought_of() -> None:
    """A new type has to be put into one of these, or a sight may show too much of it."""
    harmless = {
        *(ev.ServerUp, ev.ServerDown, ev.ServerGoodbye, ev.CollectorTrouble),
        *(ev.PaneBell, ev.PaneProgress, ev.PaneSilence, ev.SystemStats),
    }
    blanked = {
        *(ev.PaneOutput, ev.PaneBytes, ev.PaneError, ev.PaneWarning, ev.PaneNotification),
        *(ev.PaneTitle, ev.CommandStarted, ev.CommandFinished, ev.AgentStatus, ev.PaneCreated),
    }
    assert set(ev.DATA_TYPES) == harmless | blanked | STRUCTURAL


SECRET = "tell-nobody"
PRINTED: list[ev.Data] = [
    ev.PaneOutput(mode="append", lines=(SECRET,), partial=SECRET, rows={"0": SECRET}),
    ev.PaneBytes(data=SECRET.encode(), columns=80, rows=24),
    ev.PaneError(line=SECRET, rule="r"),
    ev.PaneWarning(line=SECRET, rule="r"),
    ev.PaneNotification(title=SECRET, body=SECRET),
    ev.PaneTitle(title=SECRET, previous=SECRET),
    ev.CommandStarted(command_line=SECRET),
    ev.CommandFinished(exit_status=0, command_line=SECRET),
    ev.AgentStatus(status="waiting", previous="busy", evidence=SECRET),
    ev.PaneCreated(
        id="%1", index=0, active=True, command="sh", pid=1, title=SECRET, path="/", width=1,
        height=1, last_line=SECRET,
    ),
]  # fmt: skip


@pytest.mark.parametrize("data", PRINTED, ids=lambda data: data.type)
def test_without_output_nothing_printed_is_in_an_event(data: ev.Data) -> None:
    assert SECRET not in repr(without_output(ev.Event(ev.Place(session="a"), data)))


def test_a_silent_sight_hears_of_structure_and_not_of_lines() -> None:
    whole = Hub()
    silent = Sights(whole).hub_of(Sight(output=False))
    place = ev.Place(server="default", session="a", session_id="$0")
    whole.publish(ev.Event(place, ev.SessionCreated(id="$0", name="a")))
    whole.publish(ev.Event(place, ev.PaneOutput(mode="append", lines=(SECRET,))))
    whole.publish(ev.Event(place, ev.PaneBell()))
    kept = silent.ring.since(0, newest=silent.seq, admits=lambda _: True)
    assert kept is not None
    assert [one.numbered.event.type for one in kept] == ["session.created", "pane.bell"]


def test_what_concerns_no_session_is_told_without_its_text() -> None:
    whole = Hub()
    narrow = Sights(whole).hub_of(API)
    whole.publish(
        ev.Event(ev.Place(server="default"), ev.ServerDown(reason="it ended")),
        ev.Event(
            ev.Place(server="default"), ev.CollectorTrouble(message=f"pane of {MARK}", retry_s=1)
        ),
        ev.Event(ev.Place(), ev.Custom(name="custom.x", data={"about": MARK})),
        ev.Event(ev.Place(session=MARK), ev.Custom(name="custom.x", data={})),
        ev.Event(ev.Place(session="api-1", pane=3), ev.Custom(name="custom.mine", data={})),
    )
    kept = narrow.ring.since(0, newest=narrow.seq, admits=lambda _: True)
    assert kept is not None
    types = [one.numbered.event.type for one in kept]
    assert types == ["server.down", "server.trouble", "custom.mine"]
    assert not [one for one in kept if MARK.encode() in one.line]


def test_a_mistake_in_a_publication_harms_no_stream(caplog: pytest.LogCaptureFixture) -> None:
    whole = Hub()
    narrow = Sights(whole).hub_of(API)
    whole.publish(ev.Event(ev.Place(pane_id="%9"), ev.PaneRemoved()))
    assert "do not fit" in caplog.text
    whole.publish(ev.Event(ev.Place(server="s"), ev.ServerDown(reason="")))
    assert narrow.seq == 1


def test_equal_grants_share_a_stream_and_all_of_them_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sights_module, "MAX_SIGHTS", 2)
    whole = Hub()
    sights = Sights(whole)
    assert sights.hub_of(EVERYTHING) is whole
    scopes: frozenset[Scope] = frozenset({"read", "output"})
    one = sight_of(Grant("token:a", "a", scopes, ("b", "a", "b")))
    other = sight_of(Grant("token:b", "b", scopes, ("a", "b")))
    assert one == other
    first = sights.hub_of(one)
    assert sights.hub_of(other) is first
    assert sights.is_elsewhere(first.epoch)
    with first.reader() as reader:
        first.move(reader, frozenset({ALL}))
        second = sights.hub_of(Sight(sessions=("x",)))
        third = sights.hub_of(Sight(sessions=("y",)))  # nobody reads the second any more
        assert not sights.is_elsewhere(second.epoch)
        assert sights.hub_of(one) is first
        with third.reader() as busy:
            third.move(busy, frozenset({ALL}))
            with pytest.raises(TooManySights):
                sights.hub_of(Sight(sessions=("z",)))


def test_its_snapshot_is_taken_from_the_whole() -> None:
    whole = Hub()
    narrow = Sights(whole).hub_of(API)
    server = ServerView(name="default", socket="/s", up=True)
    with whole.source("default", Told(lambda: (server, []))):
        assert narrow.snapshot() == Tree(servers=[server], sessions=[])


def test_what_is_made_on_request_is_made_for_narrowed_readers_too() -> None:
    """For those who may read it: nobody makes bytes for a reader without `output`."""
    whole = Hub()
    sights = Sights(whole)
    raw = frozenset({Filter(types=("pane.bytes", "system.*"))})
    silent = sights.hub_of(Sight(output=False))
    narrow = sights.hub_of(API)
    assert not whole.wants("system.stats")
    with silent.reader() as deaf, narrow.reader() as reader:
        silent.move(deaf, raw)
        assert (whole.wants("pane.bytes"), whole.wants("system.stats")) == (False, True)
        narrow.move(reader, raw)
        assert whole.wants("pane.bytes")
    assert not whole.wants("pane.bytes")


def test_only_the_use_of_panes_that_are_seen_is_told() -> None:
    whole = Hub()
    narrow = Sights(whole).hub_of(API)
    stats = [
        ev.PaneStats(pane_id=pane, cpu_percent=1.0, memory_bytes=1, processes=1)
        for pane in ("%1", "%2")
    ]
    pane = ev.PaneCreated(
        id="%1", index=0, active=True, command="sh", pid=1, title="", path="/", width=1, height=1
    )
    place = ev.Place(
        server="default", session="api-1", session_id="$0", window=0, window_id="@0",
        window_name="w", pane=0, pane_id="%1",
    )  # fmt: skip
    window = ev.WindowCreated(id="@0", index=0, name="w", active=True, layout="")
    whole.publish(
        ev.Event(place, ev.SessionCreated(id="$0", name="api-1")),
        ev.Event(place, window),
        ev.Event(place, pane),
        ev.Event(ev.Place(server="default"), ev.SystemStats(panes=tuple(stats))),
    )
    (last,) = narrow.last(frozenset({ALL}), 1).events
    assert last.numbered.event.data == ev.SystemStats(panes=(stats[0],))
