"""What is switched off answers that it is, and how it is turned on."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from tests.serve.houses import NEIGHBOUR, OWNER
from tests.serve.peer import Peer
from tests.serve.test_session import World, settled
from tmuxpulse.config.features import FEATURES, why_off
from tmuxpulse.serve.house import Visitor

TARGET = {"session": "a", "window": 0, "pane": "%1"}
CAPTURE = {"action": "command", "command": "capture", "target": TARGET}
ASKED: list[tuple[str, dict[str, Any]]] = [
    ("page", {"action": "ticket"}),
    ("commands", CAPTURE),
    ("commands", {"action": "batch", "commands": [CAPTURE]}),
    ("emit", {"action": "emit", "event": {"type": "custom.x"}}),
    ("status", {"action": "explain", "target": TARGET}),
    ("status", {"action": "subscribe", "filters": {"types": ["agent.status"]}}),
    ("status", {"action": "subscribe", "filters": {"statuses": ["waiting"]}}),
    (
        "status",
        {"action": "emit", "event": {**TARGET, "type": "agent.status", "data": {"status": "busy"}}},
    ),
    ("stats", {"action": "subscribe", "filters": {"types": ["system.stats"]}}),
    ("recording", {"action": "subscribe", "filters": {"types": ["pane.bytes"]}}),
]


async def answers(
    world: World, *requests: dict[str, Any], visitor: Visitor = OWNER
) -> list[dict[str, Any]]:
    peer = Peer()
    with world.hub.source("default", world.source):
        async with trio.open_nursery() as nursery:
            await nursery.start(world.hub.run)
            nursery.start_soon(world.session(visitor=visitor).run, peer)
            await settled()
            for request in requests:
                peer.say(request)
                await settled()
            nursery.cancel_scope.cancel()
    return peer.objects


@pytest.mark.parametrize(("feature", "request_"), ASKED)
async def test_what_is_off_is_refused_with_what_to_do(
    feature: str, request_: dict[str, Any]
) -> None:
    world = World()
    world.house._features[feature] = False
    refused = (await answers(world, {**request_, "id": 7}))[-1]
    assert (refused["type"], refused["id"]) == ("error", 7)
    assert (refused["code"], refused["message"]) == ("UNAVAILABLE", why_off(feature))
    world.house._features[feature] = True
    taken = (await answers(world, {**request_, "id": 7}))[-1]
    assert taken.get("code") != "UNAVAILABLE"


@pytest.mark.parametrize("types", [["agent.*", "system.*"], ["agent.status", "pane.title"], []])
async def test_who_wants_something_else_too_gets_that(types: list[str]) -> None:
    world = World()
    world.house._features |= {"status": False, "stats": False}
    wanted = {"action": "subscribe", "filters": {"types": types}}
    assert (await answers(world, wanted))[-1]["type"] == "subscription.confirmed"


async def test_who_wants_nothing_but_what_is_off_waits_in_vain() -> None:
    world = World()
    wanted = {"action": "subscribe", "filters": {"types": ["agent.status", "system.stats"]}}
    world.house._features |= {"status": False}
    assert (await answers(world, wanted))[-1]["type"] == "subscription.confirmed"
    world.house._features |= {"stats": False}
    assert (await answers(world, wanted))[-1]["code"] == "UNAVAILABLE"


async def test_without_commands_a_snapshot_has_no_screen() -> None:
    world = World()
    asked = {"action": "snapshot", "target": TARGET, "id": 1}
    await answers(world, asked)
    assert len(world.source.performed) == 1
    world.house.switch({"commands": False})
    pane = (await answers(world, asked))[-1]["data"]["sessions"][0]["windows"][0]["panes"][0]
    assert "screen" not in pane
    assert len(world.source.performed) == 1


async def test_the_greeting_tells_what_is_on() -> None:
    world = World()
    world.house._features = dict.fromkeys(FEATURES, True)
    world.house.switch({"emit": False, "audit": False})  # what waits for a start stays
    (greeting,) = await answers(world)
    expected = {**dict.fromkeys(FEATURES, True), "emit": False, "write": False}
    assert greeting["features"] == expected


async def test_nobody_learns_it_before_a_token() -> None:
    world = World()
    world.house._features = {"emit": True}
    world.house.tokens.add("good", "read")
    greeting, welcome = await answers(world, {"action": "auth", "token": "good"}, visitor=NEIGHBOUR)
    assert greeting["features"] == {}
    assert welcome["features"] == {"emit": True, "write": False}


def test_without_commands_nobody_types() -> None:
    house = World().house
    house.write = "anywhere"
    assert house.features["write"] is True
    house.switch({"commands": False})
    assert house.features["write"] is False
