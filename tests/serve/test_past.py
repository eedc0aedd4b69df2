"""What was kept, over a connection: pages of it, and a resume that goes past a restart."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.serve.houses import NEIGHBOUR, OWNER, TestHouse
from tests.serve.peer import Peer
from tmuxpulse.events import Event, PaneError, PaneOutput, Place, SessionCreated
from tmuxpulse.history.history import History
from tmuxpulse.history.retention import Retention
from tmuxpulse.hub.hub import Hub
from tmuxpulse.serve.grants import Grant
from tmuxpulse.serve.house import Visitor
from tmuxpulse.serve.past import Past, eyes_of
from tmuxpulse.serve.session import Session
from tmuxpulse.serve.sights import Sight


@pytest.fixture(autouse=True)
def private(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)


KEEP = Retention(days=30, max_bytes=1 << 30)


def place(session: str = "api", pane: int = 1) -> Place:
    return Place(
        server="default", session=session, session_id=f"${len(session)}", window=0,
        window_id="@1", window_name="w", pane=pane, pane_id=f"%{pane}",
    )  # fmt: skip


def error(line: str, **where: Any) -> Event:
    return Event(place(**where), PaneError(line=line, rule="r"))


def printed(line: str, **where: Any) -> Event:
    return Event(place(**where), PaneOutput(mode="append", lines=(line,)))


class Run:
    """One run of a server with a history."""

    def __init__(self, hub: Hub, house: TestHouse, nursery: trio.Nursery) -> None:
        self.hub = hub
        self.house = house
        self._nursery = nursery

    def publish(self, *events: Event) -> None:
        self.hub.publish(*events)
        self.hub.flush()

    def connect(self, visitor: Visitor = OWNER) -> Peer:
        peer = Peer()
        session = Session(self.house, visitor, joined=False)
        self._nursery.start_soon(session.run, peer)
        return peer


@asynccontextmanager
async def run(directory: Path, *, output: bool = False, ring: int = 20_000) -> AsyncIterator[Run]:
    hub = Hub(ring_events=ring)
    with History.open(directory / "history.db", hub.epoch, output=output, keep=KEEP) as history:
        history._reader._seconds = 60.0  # how fast the machine is, is not tested
        hub.keeper = history
        house = TestHouse(hub, past=Past(history))
        async with trio.open_nursery() as nursery:
            yield Run(hub, house, nursery)
            nursery.cancel_scope.cancel()


async def asked(peer: Peer, **fields: Any) -> dict[str, Any]:
    before = peer.types.count("history.data")
    peer.say({"action": "history", "id": 7, **fields})
    return await peer.until("history.data", before + 1)


async def test_pages_follow_each_other_and_end(tmp_path: Path) -> None:
    async with run(tmp_path) as now:
        now.publish(*[error(f"line {n}") for n in range(5)])
        peer = now.connect()
        first = await asked(peer, limit=3)
        assert first["id"] == 7
        assert [one["seq"] for one in first["events"]] == [5, 4, 3]
        assert {one["epoch"] for one in first["events"]} == {now.hub.epoch}
        second = await asked(peer, limit=3, cursor=first["cursor"])
        assert [one["seq"] for one in second["events"]] == [2, 1]
        assert (second["cursor"], second["complete"], second["lost"]) == (None, True, [])
        oldest = await asked(peer, limit=1, newest_first=False)
        assert [one["data"]["line"] for one in oldest["events"]] == ["line 0"]


async def test_filters_text_and_times_narrow(tmp_path: Path) -> None:
    async with run(tmp_path, output=True) as now:
        now.publish(error("Disk Full"), printed("disk full, too"), error("other", session="web"))
        peer = now.connect()
        by_type = await asked(peer, filters={"types": ["pane.error"]})
        assert len(by_type["events"]) == 2
        by_text = await asked(peer, contains="disk full")
        assert len(by_text["events"]) == 2
        by_session = await asked(peer, filters={"sessions": ["web"]})
        assert len(by_session["events"]) == 1
        assert (await asked(peer, until="2001-01-01T00:00:00Z"))["events"] == []
        assert len((await asked(peer, since="2001-01-01T00:00:00+02:00"))["events"]) == 3


async def test_context_is_what_the_same_pane_printed(tmp_path: Path) -> None:
    async with run(tmp_path, output=True) as now:
        now.publish(
            printed("before"), printed("elsewhere", pane=2), error("bad"), printed("after"),
            Event(Place(server="default", session="s", session_id="$9"),
                  SessionCreated(id="$9", name="s")),
        )  # fmt: skip
        found = await asked(now.connect(), context=1, newest_first=False)
        said = [
            [[one["data"]["lines"][0] for one in side] for side in (at["before"], at["after"])]
            for at in found["context"]
        ]
        assert said == [
            [[], ["after"]], [[], []], [["before"], ["after"]], [["before"], []], [[], []],
        ]  # fmt: skip


BAD: list[tuple[dict[str, Any], str]] = [
    ({"limit": 0}, "INVALID_REQUEST"),
    ({"limit": 1001}, "INVALID_REQUEST"),
    ({"context": 11}, "INVALID_REQUEST"),
    ({"context": 1, "limit": 101}, "INVALID_REQUEST"),
    ({"since": "yesterday"}, "INVALID_REQUEST"),
    ({"since": "2026-11-23T09:00:00"}, "INVALID_REQUEST"),
    ({"filters": {"types": [""]}}, "INVALID_FILTER"),
    ({"cursor": "AAAA"}, "CURSOR_EXPIRED"),
    ({"contains": "x" * 300}, "INVALID_REQUEST"),
]


async def test_a_bad_question_is_refused_and_the_next_is_answered(tmp_path: Path) -> None:
    async with run(tmp_path) as now:
        peer = now.connect()
        for number, (fields, code) in enumerate(BAD, 1):
            peer.say({"action": "history", **fields})
            assert (await peer.until("error", number))["code"] == code
        assert (await asked(peer))["events"] == []


async def test_where_nothing_is_kept_that_is_said() -> None:
    house = TestHouse()
    peer = Peer()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Session(house, OWNER, joined=False).run, peer)
        peer.say({"action": "history"})
        refused = await peer.until("error")
        assert (refused["code"], "enabled = true" in refused["message"]) == ("UNAVAILABLE", True)
        nursery.cancel_scope.cancel()


async def test_who_sees_less_of_the_present_sees_no_more_of_the_past(tmp_path: Path) -> None:
    async with run(tmp_path, output=True) as now:
        now.publish(error("HIDDEN", session="web"), printed("HIDDEN"), error("HIDDEN"))
        now.house.tokens.add("narrow", "read", sessions=("api*",))
        visitor = Visitor(
            peer="p", address="a", is_local=True, grant=now.house.tokens.grants["narrow"]
        )
        found = await asked(now.connect(visitor))
        assert "HIDDEN" not in json.dumps(found)
        (only,) = found["events"]
        assert (only["type"], only["seq"], only["epoch"]) == ("pane.error", 0, "")
        assert (await asked(now.connect(visitor), contains="HIDDEN"))["events"] == []


async def test_without_read_there_is_no_past(tmp_path: Path) -> None:
    async with run(tmp_path) as now:
        grant = Grant("token:x", "x", frozenset({"emit"}))
        peer = now.connect(Visitor(peer="p", address="a", is_local=True, grant=grant))
        peer.say({"action": "history"})
        assert (await peer.until("error"))["code"] == "FORBIDDEN"


# --- resume ------------------------------------------------------------------------------------


def resume(epoch: str, seq: int, **more: Any) -> dict[str, Any]:
    return {"action": "subscribe", "id": 1, "resume": {"epoch": epoch, "seq": seq}, **more}


async def test_a_resume_goes_past_a_restart_and_on_into_the_present(tmp_path: Path) -> None:
    async with run(tmp_path) as before:
        before.publish(error("one"), error("two"), printed("three"), error("four"))
        old = before.hub.epoch
    async with run(tmp_path) as now:
        now.publish(error("five"))
        peer = now.connect()
        peer.say(resume(old, 1))
        await peer.until("pane.error", 3)
        now.publish(error("six"))
        await peer.until("pane.error", 4)
        confirmed, *rest = peer.objects[1:]
        assert (confirmed["recovered"], confirmed["epoch"], confirmed["seq"]) == (True, old, 1)
        assert [(one["type"], one.get("seq")) for one in rest if one["type"] != "stream.gap"] == [
            ("pane.error", 2), ("pane.error", 4), ("stream.epoch", None), ("pane.error", 1),
            ("pane.error", 2),
        ]  # fmt: skip
        gaps = [one for one in rest if one["type"] == "stream.gap"]
        assert [(one["only"], one["from"], one["to"], one["reason"]) for one in gaps] == [
            ("pane.output", 2, 4, "history"), ("system.stats", 2, 4, "history"),
            ("pane.output", 1, 1, "history"), ("system.stats", 1, 1, "history"),
        ]  # fmt: skip
        (epoch,) = [one for one in rest if one["type"] == "stream.epoch"]
        assert (epoch["epoch"], epoch["previous"]) == (now.hub.epoch, old)


async def test_what_the_ring_has_lost_the_history_still_has(tmp_path: Path) -> None:
    async with run(tmp_path, ring=4) as now:
        now.publish(*[error(str(n)) for n in range(10)])
        peer = now.connect()
        peer.say(resume(now.hub.epoch, 2, filters={"types": ["pane.error"]}))
        await peer.until("pane.error", 8)
        assert peer.seqs == list(range(3, 11))
        assert "stream.epoch" not in peer.types


async def test_a_second_subscription_does_not_repeat_the_past(tmp_path: Path) -> None:
    async with run(tmp_path) as before:
        before.publish(error("one"), error("two"), error("three", session="web"))
        old = before.hub.epoch
    async with run(tmp_path) as now:
        now.publish(error("four"))
        peer = now.connect()
        peer.say(resume(old, 1, filters={"sessions": ["api"]}))
        peer.say(resume(old, 0, filters={"types": ["pane.*"]}))
        await peer.until("subscription.confirmed", 2)
        await peer.until("pane.error", 4)
        lines = [one["data"]["line"] for one in peer.objects if one["type"] == "pane.error"]
        assert sorted(lines) == ["four", "one", "three", "two"]


@pytest.mark.parametrize("position", [("nobody", 1), ("mine", 99)])
async def test_what_is_not_kept_is_a_reset(tmp_path: Path, position: tuple[str, int]) -> None:
    async with run(tmp_path) as now:
        now.publish(error("one"))
        epoch = now.hub.epoch if position[0] == "mine" else position[0]
        peer = now.connect()
        peer.say(resume(epoch, position[1]))
        await peer.until("snapshot.data")
        assert peer.types[1:] == ["subscription.confirmed", "stream.reset", "snapshot.data"]
        assert peer.objects[1]["recovered"] is False


async def test_a_narrowed_stream_begins_anew_after_a_restart(tmp_path: Path) -> None:
    """Its numbers are its own, and those of the run before are gone."""
    grant = Grant("token:x", "x", frozenset({"read", "output"}), ("api*",))
    narrow = Visitor(peer="p", address="a", is_local=True, grant=grant)
    async with run(tmp_path) as before:
        before.publish(error("one"), error("HIDDEN", session="web"))
        old = before.hub.epoch
    async with run(tmp_path) as now:
        peer = now.connect(narrow)
        peer.say(resume(old, 0))
        await peer.until("snapshot.data")
        assert "HIDDEN" not in str(peer.messages)
        assert peer.types[1:] == ["subscription.confirmed", "stream.reset", "snapshot.data"]


def test_eyes_are_those_of_the_sight() -> None:
    assert eyes_of(Sight()).see_everything
    assert not eyes_of(Sight(output=False)).see_everything
    assert NEIGHBOUR.grant is None
