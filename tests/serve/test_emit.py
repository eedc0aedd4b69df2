"""What clients tell: their own events, and reports about panes."""

from __future__ import annotations

from typing import Any

import pytest
import trio
import trio.testing

from tests.serve.houses import OWNER
from tests.serve.peer import Peer
from tests.serve.test_session import World, settled
from tmuxpulse.events import Custom
from tmuxpulse.filters import EVERYTHING
from tmuxpulse.serve.emit import place_of
from tmuxpulse.serve.grants import Grant
from tmuxpulse.serve.house import Visitor
from tmuxpulse.tmux.reports import Report
from tmuxpulse.wire import PaneExplanation


async def told(
    event: dict[str, Any], visitor: Visitor = OWNER, world: World | None = None
) -> tuple[dict[str, Any], World]:
    world = World() if world is None else world
    peer = Peer()
    with world.hub.source("default", world.source):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(world.session(visitor=visitor).run, peer)
            peer.say({"action": "emit", "id": 3, "event": event})
            await settled()
            nursery.cancel_scope.cancel()
    return peer.objects[-1], world


def published(world: World) -> list[Any]:
    return [one.numbered.event for one in world.hub.last(frozenset({EVERYTHING}), 10).events]


async def test_an_event_of_ones_own_is_published_where_it_happened() -> None:
    answer, world = await told(
        {"type": "custom.task", "pane": "%1", "session": "a", "data": {"n": 1}}
    )
    assert answer == {"type": "emit.accepted", "id": 3, "seq": 1}
    (published_event,) = published(world)
    place = published_event.place
    assert published_event.data == Custom(name="custom.task", data={"n": 1})
    assert (place.session, place.window, place.pane_id) == ("a", 0, "%1")


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ({}, (None, None, None)),
        ({"session": "b"}, ("b", None, None)),
        ({"session": "$1"}, ("b", None, None)),
        ({"session": "a", "window": 1}, ("a", 1, None)),
        ({"session": "a", "window": 0, "pane": 0}, ("a", 0, 0)),
    ],
)
async def test_where(where: dict[str, Any], place: tuple[Any, ...]) -> None:
    _, world = await told({"type": "custom.x", **where})
    (event,) = published(world)
    assert (event.place.session, event.place.window, event.place.pane) == place


BAD: list[tuple[dict[str, Any], str]] = [
    ({"type": "pane.output"}, "INVALID_REQUEST"),
    ({"type": "custom."}, "INVALID_REQUEST"),
    ({"type": "custom.a b"}, "INVALID_REQUEST"),
    ({"type": "custom.\nx"}, "INVALID_REQUEST"),
    ({"type": "custom." + "x" * 200}, "INVALID_REQUEST"),
    ({"type": "custom.x", "data": {"long": "x" * 20_000}}, "TOO_LARGE"),
    ({"type": "custom.x", "data": []}, "INVALID_REQUEST"),
    ({"type": "custom.x", "more": 1}, "INVALID_REQUEST"),
    ({"type": "custom.x", "session": "nobody"}, "NOT_FOUND"),
    ({"type": "agent.status", "data": {"status": "busy"}}, "INVALID_REQUEST"),
    ({"type": "agent.status", "session": "a", "data": {"status": "busy"}}, "INVALID_REQUEST"),
    ({"type": "agent.status", "pane": "%1", "data": {}}, "INVALID_REQUEST"),
    ({"type": "agent.status", "pane": "%1", "data": {"status": "fine"}}, "INVALID_REQUEST"),
    ({"type": "agent.status", "pane": "%9", "data": {"status": "busy"}}, "NOT_FOUND"),
]


@pytest.mark.parametrize(("event", "code"), BAD)
async def test_nonsense_is_refused_and_nothing_is_published(
    event: dict[str, Any], code: str
) -> None:
    answer, world = await told(event)
    assert (answer["type"], answer["code"]) == ("error", code)
    assert published(world) == []
    assert world.source.reports == []


async def test_a_report_goes_to_who_watches_the_pane() -> None:
    answer, world = await told(
        {
            "type": "agent.status",
            "session": "a",
            "window": 0,
            "pane": "%1",
            "data": {"status": "waiting", "reason": "asks", "agent_type": "x", "source": "hook"},
        }
    )
    assert answer["type"] == "emit.accepted"
    report = Report(status="waiting", reason="asks", agent_type="x", source="hook")
    assert world.source.reports == [("%1", report)]
    assert published(world) == []  # what it means is decided there


async def test_a_token_for_some_sessions_tells_of_those() -> None:
    grant = Grant("token:x", "x", frozenset({"emit"}), ("b",))
    visitor = Visitor(peer="p", address="a", is_local=True, grant=grant)
    world = World()
    assert (await told({"type": "custom.x"}, visitor, world))[0]["code"] == "INVALID_REQUEST"
    hidden = {"type": "custom.x", "session": "a"}
    assert (await told(hidden, visitor, world))[0]["code"] == "NOT_FOUND"
    assert (await told({"type": "custom.x", "session": "b"}, visitor, world))[0]["type"] == (
        "emit.accepted"
    )


async def test_without_emit_nothing_is_told() -> None:
    grant = Grant("token:x", "x", frozenset({"read", "write", "output"}))
    visitor = Visitor(peer="p", address="a", is_local=True, grant=grant)
    assert (await told({"type": "custom.x"}, visitor))[0]["code"] == "FORBIDDEN"


EXPLANATION = PaneExplanation(
    status="busy", since="", reason="it runs", rule="r", evidence="SECRET", confidence=1.0,
    agent_type=None, pending=None, opinions=[], matched=[], known=[],
)  # fmt: skip


async def test_explain_says_why_and_shows_texts_to_who_may_read_them() -> None:
    world = World()
    world.source.explanation = EXPLANATION
    silent = Grant("token:x", "x", frozenset({"read"}))
    for visitor, text in (
        (OWNER, "SECRET"),
        (Visitor(peer="p", address="a", is_local=True, grant=silent), ""),
    ):
        peer = Peer()
        with world.hub.source("default", world.source):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(world.session(visitor=visitor).run, peer)
                where = {"session": "a", "window": 0, "pane": 0}
                peer.say({"action": "explain", "id": 1, "target": where})
                peer.say({"action": "explain", "id": 2, "target": {"pane": "%7"}})
                await settled()
                nursery.cancel_scope.cancel()
        found, refused = peer.objects[1:]
        assert (found["pane"]["id"], found["explanation"]["evidence"]) == ("%1", text)
        assert (refused["id"], refused["code"]) == (2, "NOT_FOUND")


async def test_health_is_for_who_runs_the_server() -> None:
    world = World()
    peer = Peer()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.session().run, peer)
        peer.say({"action": "health", "id": 1})
        await settled()
        nursery.cancel_scope.cancel()
    health = peer.objects[-1]
    assert (health["type"], health["problems"], health["features"]) == (
        "health.data", {}, {"write": False},
    )  # fmt: skip


def test_a_place_is_in_the_first_session_that_shows_it() -> None:
    world = World()
    with world.hub.source("default", world.source):
        place = place_of(world.hub.snapshot(), "default", window_id="@1")
    assert (place.session, place.window, place.pane_id) == ("a", 1, None)
