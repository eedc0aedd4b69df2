"""Nothing that is shown tells of a session that is not seen."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.history import made
from tests.history.made import place
from tmuxpulse import events as ev
from tmuxpulse.filters import compile_globs
from tmuxpulse.history.eyes import Eyes, shown

API = Eyes(sees=compile_globs(("api*",)))
HIDDEN = "hidden-name"


@pytest.mark.parametrize(
    "event",
    [
        ev.Event(place(HIDDEN), ev.PaneBell()),
        ev.Event(place("api"), ev.SessionRenamed(name="api", previous=HIDDEN)),
        ev.Event(place(HIDDEN), ev.SessionRenamed(name=HIDDEN, previous="api")),
        ev.Event(place(HIDDEN, linked_sessions=("api",)), ev.WindowRenamed(name="a", previous="")),
        ev.Event(place(None), ev.Custom(name="custom.x", data={})),
    ],
)
def test_what_is_of_another_session_is_not_shown(event):
    assert shown(event, API) is None


@pytest.mark.parametrize(
    "event",
    [
        ev.Event(place("api", linked_sessions=(HIDDEN,)), ev.PaneBell()),
        ev.Event(place(HIDDEN, linked_sessions=("api", "x")), ev.PaneBell()),
        ev.Event(place(None), ev.CollectorTrouble(message=HIDDEN, retry_s=1)),
        ev.Event(
            place("api"),
            ev.PaneMoved(
                index=0, previous=0, window_id="@1", previous_window_id=HIDDEN, active=True
            ),
        ),
    ],
)
def test_what_is_shown_does_not_name_it(event):
    found = shown(event, API)
    assert found is not None
    assert HIDDEN.encode() not in msgspec.json.encode((found.place, found.data))


@given(made.events, st.sampled_from(("api", "web")))
def test_every_name_of_a_session_that_is_shown_is_seen(event, name):
    found = shown(event, Eyes(sees=lambda session: session == name))
    if found is not None and found.place.session is not None:
        assert {found.place.session, *found.place.linked_sessions} == {name}


@given(made.events)
def test_who_sees_everything_is_shown_the_event(event):
    assert shown(event, Eyes()) is event
