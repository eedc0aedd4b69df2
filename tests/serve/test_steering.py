"""Steering a recording that is served: who may, and what it does."""

from __future__ import annotations

import math
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked as settled

from tests.serve.houses import OWNER, TestHouse
from tests.serve.peer import Peer
from tmuxpulse.serve.grants import Grant, Scope
from tmuxpulse.serve.house import Visitor
from tmuxpulse.serve.session import Session


class Tape:
    """A player without a recording."""

    def __init__(self) -> None:
        self.position = 12.34567
        self.duration: float | None = 60.0
        self.speed = 1.0
        self.is_paused = False
        self.is_finished = False
        self.done: list[object] = []

    def pause(self) -> None:
        self.done.append("pause")
        self.is_paused = True

    def resume(self) -> None:
        self.done.append("resume")
        self.is_paused = False

    def change_speed(self, speed: float) -> None:
        self.done.append(("speed", speed))
        self.speed = speed

    def seek(self, seconds: float) -> None:
        self.done.append(("seek", seconds))
        self.position = seconds


def somebody(*scopes: Scope) -> Visitor:
    grant = Grant("token:x", "x", frozenset(scopes))
    return Visitor(peer="p", address="a", is_local=True, grant=grant)


async def asked(
    tape: Tape | None, *requests: dict[str, Any], visitor: Visitor = OWNER
) -> tuple[list[dict[str, Any]], list[str]]:
    """The answers, and what the audit log got."""
    house, peer = TestHouse(player=tape), Peer()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Session(house, visitor, joined=False).run, peer)
        for request in requests:
            peer.say({"action": "replay", "id": 1, **request})
        await settled()
        nursery.cancel_scope.cancel()
    return peer.objects[1:], house.noted.actions


async def test_where_it_is() -> None:
    tape = Tape()
    [found], noted = await asked(tape, {})
    assert found == {
        "type": "replay.state", "id": 1, "position_s": 12.346, "duration_s": 60.0, "speed": 1.0,
        "paused": False, "finished": False, "may_steer": True,
    }  # fmt: skip
    assert tape.done == []
    assert "replay" not in noted


async def test_all_at_once() -> None:
    tape = Tape()
    [found], noted = await asked(tape, {"play": "pause", "seek_s": 5, "speed": 0.5})
    assert tape.done == [("speed", 0.5), ("seek", 5.0), "pause"]
    assert (found["paused"], found["position_s"], found["speed"]) == (True, 5.0, 0.5)
    assert noted.count("replay") == 1
    await asked(tape, {"play": "resume"})
    assert tape.done[-1] == "resume"


async def test_as_fast_as_everybody_follows_is_no_number() -> None:
    tape = Tape()
    tape.speed, tape.duration = math.inf, None
    [found], _ = await asked(tape, {})
    assert (found["speed"], found["duration_s"]) == (None, None)


async def test_who_may_only_read_sees_it_and_steers_nothing() -> None:
    tape = Tape()
    reader = somebody("read", "output")
    [seen, refused], _ = await asked(tape, {}, {"seek_s": 1}, visitor=reader)
    assert (seen["type"], seen["may_steer"]) == ("replay.state", False)
    assert refused["code"] == "FORBIDDEN"
    [unseen], _ = await asked(tape, {}, visitor=somebody("emit"))
    assert unseen["code"] == "FORBIDDEN"
    assert tape.done == []


async def test_a_server_that_watches_tmux_has_none() -> None:
    [refused], _ = await asked(None, {"play": "pause"})
    assert refused["code"] == "UNAVAILABLE"


@pytest.mark.parametrize(
    "wrong", [{"speed": 0}, {"speed": 1e9}, {"seek_s": -1}, {"play": "on"}, {"x": 1}]
)
async def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    tape = Tape()
    [refused], _ = await asked(tape, wrong)
    assert refused["code"] == "INVALID_REQUEST"
    assert tape.done == []
