"""Until a token comes, and what it then allows."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from tests.serve.houses import NEIGHBOUR, OWNER, STRANGER, TestHouse
from tests.serve.peer import Peer
from tests.sources import Told
from tmuxpulse.config.settings import LimitsTable, WriteChoice
from tmuxpulse.events import Event, PaneOutput, Place, SessionCreated
from tmuxpulse.serve.entrance import MAX_REQUESTS
from tmuxpulse.serve.failures import SLOW_SECONDS
from tmuxpulse.serve.grants import Scope
from tmuxpulse.serve.house import Visitor
from tmuxpulse.serve.session import Session
from tmuxpulse.wire import ServerView, SessionView

settled = trio.testing.wait_all_tasks_blocked
COMMAND = {"action": "command", "target": {"pane": "%1"}}
SUBSCRIBE = {"action": "subscribe", "snapshot": True}


class Visit:
    """One connection to a house, and how it ended."""

    def __init__(self, house: TestHouse) -> None:
        self.house = house
        self.peer = Peer()
        self.code: int | None = None
        self.admitted = 0
        self.ended = trio.Event()


@asynccontextmanager
async def visit(
    house: TestHouse | None = None, visitor: Visitor = STRANGER
) -> AsyncIterator[Visit]:
    house = TestHouse() if house is None else house
    one = Visit(house)

    def count() -> None:
        one.admitted += 1

    session = Session(house, visitor, joined=True, on_admitted=count)

    async def run() -> None:
        one.code = await session.run(one.peer)
        one.ended.set()

    def state() -> tuple[ServerView, list[SessionView]]:
        sessions = [
            SessionView(server="default", id=f"${n}", name=name, attached=0, windows=[])
            for n, name in enumerate(("api-1", "web"))
        ]
        return ServerView(name="default", socket="/s", up=True), sessions

    with ExitStack() as stack:
        if not house.hub.sources:
            stack.enter_context(house.hub.source("default", Told(state)))
        async with trio.open_nursery() as nursery:
            await nursery.start(house.hub.run)
            nursery.start_soon(run)
            await settled()
            yield one
            nursery.cancel_scope.cancel()


def created(name: str, number: int) -> Event:
    place = Place(server="default", session=name, session_id=f"${number}")
    return Event(place, SessionCreated(id=f"${number}", name=name))


def printed(session: str) -> Event:
    place = Place(server="default", session=session)
    return Event(place, PaneOutput(mode="append", lines=("text",)))


async def test_before_a_token_there_is_nothing_to_learn(autojump_clock: MockClock) -> None:
    async with visit() as one:
        one.house.hub.publish(*[printed("web")] * 7)
        one.peer.say(SUBSCRIBE, {"action": "snapshot"}, {"action": "ping", "id": 5}, "junk")
        await settled()
        greeting, *answers = one.peer.objects
        assert (greeting["epoch"], greeting["seq"]) == ("", 0)
        assert greeting["auth"] == {"required": True}
        kinds = [(answer["type"], answer.get("code")) for answer in answers]
        assert kinds == [
            ("error", "AUTH_REQUIRED"),
            ("error", "AUTH_REQUIRED"),
            ("pong", None),
            ("error", "INVALID_JSON"),
        ]
        await trio.sleep(6)
        assert one.code == 4502
        assert one.peer.close == (4502, "no token came in time")


async def test_a_token_lets_in_as_far_as_it_says() -> None:
    async with visit() as one:
        one.house.tokens.add("good", "read", sessions=("api-*",))
        one.peer.say({"action": "auth", "token": "good", "id": 1}, SUBSCRIBE)
        await settled()
        _, welcome, confirmed, snapshot = one.peer.objects
        assert (welcome["success"], welcome["id"]) == (True, 1)
        assert (welcome["permissions"], welcome["sessions"]) == (["read"], ["api-*"])
        assert welcome["epoch"] == confirmed["epoch"] != one.house.hub.epoch
        assert [session["name"] for session in snapshot["data"]["sessions"]] == ["api-1"]
        one.house.hub.publish(created("api-1", 0), created("web", 1), printed("api-1"))
        await settled()
        assert [(event["type"], event["seq"]) for event in one.peer.objects[4:]] == [
            ("session.created", 1)
        ]
        assert one.admitted == 1
        assert "web" not in str(one.peer.objects)


async def test_a_wrong_token_is_told_so_and_let_go() -> None:
    async with visit() as one:
        one.peer.say({"action": "auth", "token": "tp_canary", "id": 1})
        await settled()
        refusal = one.peer.objects[1]
        assert (refusal["type"], refusal["success"], refusal["id"]) == ("auth.response", False, 1)
        assert refusal["permissions"] == []
        assert one.peer.close == (4500, "that token is not good")
        assert "canary" not in str((one.peer.objects, one.house.noted.entries))
        assert one.house.noted.actions == ["login.failed"]


async def test_an_enormous_token_is_a_wrong_one() -> None:
    async with visit() as one:
        one.peer.say({"action": "auth", "token": "x" * 60_000})
        await settled()
        assert one.code == 4500


async def test_who_talks_on_without_a_token_is_let_go() -> None:
    async with visit() as one:
        one.peer.say(*[{"action": "ping"}] * (MAX_REQUESTS + 1))
        await settled()
        assert one.code == 4502


async def test_bytes_before_a_token_are_not_understood() -> None:
    async with visit() as one:
        one.peer.say(b"\x00")
        await settled()
        assert one.code == 1003


async def test_ten_thousand_wrong_tokens_and_a_right_one_still_gets_in(
    autojump_clock: MockClock,
) -> None:
    house = TestHouse()
    house.tokens.add("good", "read")

    async def guess(number: int) -> None:
        async with visit(house) as one:
            one.peer.say({"action": "auth", "token": f"wrong {number}"})
            await one.ended.wait()
            assert one.code == 4500

    for at in range(0, 10_000, 500):
        async with trio.open_nursery() as nursery:
            for number in range(at, at + 500):
                nursery.start_soon(guess, number)
            before = trio.current_time()
            async with visit(house) as right:
                right.peer.say({"action": "auth", "token": "good"})
                while len(right.peer.objects) < 2:
                    await trio.lowlevel.checkpoint()
                assert right.peer.objects[1]["success"] is True
                assert trio.current_time() == before  # at once
    assert house.noted.actions.count("login.failed") == 10_000


async def test_answers_to_guesses_become_slow(autojump_clock: MockClock) -> None:
    house = TestHouse(limits=LimitsTable(login_failures_per_minute=3))
    waits = []
    for _ in range(5):
        began = trio.current_time()
        async with visit(house) as one:
            one.peer.say({"action": "auth", "token": "wrong"})
            await one.ended.wait()
            assert one.admitted  # it does not count as one that may come in
        waits.append(trio.current_time() - began >= SLOW_SECONDS)
    assert waits == [False, False, False, True, True]


async def test_a_ticket_is_exchanged_once(autojump_clock: MockClock) -> None:
    house = TestHouse()
    async with visit(house, OWNER) as owner:
        owner.peer.say({"action": "ticket", "id": 3})
        await settled()
        issued = owner.peer.objects[1]
        assert issued["type"] == "ticket.issued"
        assert issued["url"] == "http://127.0.0.1:8765/"
        assert issued["expires_at"] == "1970-01-01T00:01:00.000Z"
    async with visit(house, NEIGHBOUR) as page:
        page.peer.say({"action": "auth", "token": issued["token"]})
        await settled()
        welcome = page.peer.objects[1]
        assert welcome["success"] is True
        assert welcome["permissions"] == ["emit", "output", "read"]
    for token, success in ((issued["token"], False), (welcome["token"], True)):
        async with visit(house, NEIGHBOUR) as again:
            again.peer.say({"action": "auth", "token": token})
            await settled()
            assert again.peer.objects[1]["success"] is success
            assert again.peer.objects[1]["token"] is None
    assert "ticket.issued" in house.noted.actions
    assert issued["token"] not in str(house.noted.entries)


@pytest.mark.parametrize(
    ("scopes", "request_", "needed"),
    [
        (("output",), SUBSCRIBE, "read"),
        (("emit",), {"action": "snapshot"}, "read"),
        (("read", "output", "write", "emit"), {"action": "ticket"}, "admin"),
        (("output",), {"action": "command", "command": "status", "target": {"pane": "%1"}}, "read"),
        (
            ("read",),
            {"action": "command", "command": "capture", "target": {"pane": "%1"}},
            "output",
        ),
        (
            ("read", "output"),
            {"action": "command", "command": "interrupt", "target": {"pane": "%1"}},
            "write",
        ),
    ],
)
async def test_what_a_scope_does_not_grant_is_forbidden(
    scopes: tuple[Scope, ...], request_: dict[str, object], needed: str
) -> None:
    async with visit() as one:
        one.house.tokens.add("good", *scopes)
        one.peer.say({"action": "auth", "token": "good"}, {**request_, "id": 9})
        await settled()
        error = one.peer.objects[-1]
        assert (error["type"], error["code"], error["id"]) == ("error", "FORBIDDEN", 9)
        assert f"`{needed}`" in error["message"]


@pytest.mark.parametrize(
    ("write", "visitor", "allowed"),
    [
        ("never", NEIGHBOUR, False),
        ("local", NEIGHBOUR, True),
        ("local", STRANGER, False),
        ("anywhere", STRANGER, True),
    ],
)
async def test_write_needs_the_settings_and_the_token(
    write: WriteChoice, visitor: Visitor, allowed: bool
) -> None:
    async with visit(TestHouse(write=write), visitor) as one:
        one.house.tokens.add("writes", "read", "write")
        one.peer.say(
            {"action": "auth", "token": "writes"},
            {"action": "command", "command": "rename", "target": {"session": "web"}, "name": "x"},
        )
        await settled()
        _, welcome, answer = one.peer.objects
        assert ("write" in welcome["permissions"]) is allowed
        assert answer["type"] == ("command.result" if allowed else "error")


async def test_another_token_on_the_same_connection_changes_nothing() -> None:
    async with visit() as one:
        one.house.tokens.add("good", "read")
        one.house.tokens.add("better", "read", "output")
        one.peer.say(
            {"action": "auth", "token": "good"},
            {"action": "auth", "token": "good"},
            {"action": "auth", "token": "better"},
            {"action": "auth", "token": "wrong"},
        )
        await settled()
        _, first, again, *refused = one.peer.objects
        assert (first["success"], again["success"]) == (True, True)
        assert [answer["code"] for answer in refused] == ["AUTH_FAILED"] * 2


async def test_a_resume_from_a_stream_that_one_may_not_read_is_refused_for_its_scope() -> None:
    async with visit() as one:
        one.house.tokens.add("good", "read", "output", sessions=("api-*",))
        resume = {"epoch": one.house.hub.epoch, "seq": 0}
        one.peer.say(
            {"action": "auth", "token": "good"},
            {"action": "subscribe", "resume": resume},
            {"action": "subscribe", "resume": {"epoch": "other", "seq": 0}},
        )
        await settled()
        resets = [one["reason"] for one in one.peer.objects if one["type"] == "stream.reset"]
        assert resets == ["scope", "epoch"]


async def test_who_asks_too_much_too_often_is_let_go(autojump_clock: MockClock) -> None:
    house = TestHouse(limits=LimitsTable(messages_per_second=10))
    async with visit(house, OWNER) as one:
        one.peer.say(*[{"action": "ping", "id": n} for n in range(30)])
        await settled()
        refused = [answer for answer in one.peer.objects if answer["type"] == "error"]
        assert {answer["code"] for answer in refused} == {"RATE_LIMIT"}
        assert len(refused) == 20
        assert all(answer["retryable"] and answer["retry_after"] > 0 for answer in refused)
        await trio.sleep(refused[-1]["retry_after"])
        one.peer.say({"action": "ping", "id": "later"})
        await settled()
        assert one.peer.objects[-1]["id"] == "later"
        one.peer.say(*[{"action": "ping"}] * 300)
        await settled()
        assert one.code == 4003


async def test_bytes_are_counted_too(autojump_clock: MockClock) -> None:
    house = TestHouse(limits=LimitsTable(bytes_per_second=2048))
    async with visit(house, OWNER) as one:
        long = {"action": "ping", "id": "x" * 200}
        one.peer.say(*[long] * 20)
        await settled()
        codes = [answer.get("code") for answer in one.peer.objects[1:]]
        fits = 2048 // len(json.dumps(long))
        assert codes == [None] * fits + ["RATE_LIMIT"] * (20 - fits)


async def test_an_ending_before_a_token_is_kept(autojump_clock: MockClock) -> None:
    house = TestHouse()
    peer = Peer()
    session = Session(house, STRANGER, joined=True)
    async with trio.open_nursery() as nursery:
        codes: list[int] = []

        async def run() -> None:
            codes.append(await session.run(peer))

        nursery.start_soon(run)
        await settled()
        session.end(1001, "the server is shutting down", flush=True)
    assert codes == [1001]
    assert peer.close == (1001, "the server is shutting down")
