"""A connection's conversation, without a network: order, consistency, bounds, endings."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from tests.serve.houses import OWNER, TestHouse
from tests.serve.peer import Peer
from tests.sources import Told
from tmuxpulse import wire
from tmuxpulse.events import Event, PaneBell, PaneTitle, Place
from tmuxpulse.hub import stream
from tmuxpulse.hub.hub import Hub
from tmuxpulse.hub.stream import Batch
from tmuxpulse.serve.house import Visitor
from tmuxpulse.serve.outbox import MAX_QUEUED_ITEMS
from tmuxpulse.serve.session import Session
from tmuxpulse.serve.subscriptions import MAX_SUBSCRIPTIONS
from tmuxpulse.styles import Cursor, Run, Screen, Style
from tmuxpulse.tmux.outcomes import Outcome
from tmuxpulse.wire import PaneView, ServerView, SessionView, WindowView

settled = trio.testing.wait_all_tasks_blocked


def bell(session: str = "a") -> Event:
    return Event(Place(session=session), PaneBell())


def title(text: str = "t") -> Event:
    return Event(Place(session="a"), PaneTitle(title=text, previous=""))


class World:
    """A tmux server whose state is one number: the events so far, as the session's `attached`."""

    def __init__(self, hub: Hub | None = None) -> None:
        self.house = TestHouse(hub)
        self.hub = self.house.hub
        self.source = Told(self.state)
        self.count = 0

    def session(self, *, joined: bool = True, visitor: Visitor = OWNER) -> Session:
        return Session(self.house, visitor, joined=joined)

    def publish(self, *events: Event) -> None:
        self.count += len(events)
        self.hub.publish(*events)

    def state(self) -> tuple[ServerView, list[SessionView]]:
        pane = PaneView(
            id="%1",
            index=0,
            active=True,
            command="sh",
            pid=1,
            title="",
            path="/",
            width=80,
            height=24,
        )
        windows = [
            WindowView(id=f"@{n}", index=n, name=f"w{n}", active=n == 0, layout="", panes=[pane])
            for n in range(2)
        ]
        return (
            ServerView(name="default", socket="/s", up=True),
            [
                SessionView(
                    server="default", id="$0", name="a", attached=self.count, windows=windows
                ),
                SessionView(server="default", id="$1", name="b", attached=0, windows=[]),
            ],
        )


@asynccontextmanager
async def conversation(
    world: World | None = None, *, joined: bool = True
) -> AsyncIterator[tuple[World, Peer, Session]]:
    world = World() if world is None else world
    peer = Peer()
    session = world.session(joined=joined)
    with world.hub.source("default", world.source):
        async with trio.open_nursery() as nursery:
            await nursery.start(world.hub.run)
            nursery.start_soon(session.run, peer)
            await settled()
            yield world, peer, session
            nursery.cancel_scope.cancel()


async def test_the_server_speaks_first() -> None:
    async with conversation() as (world, peer, _):
        (greeting,) = peer.objects
        assert greeting["type"] == "connection.established"
        assert greeting["epoch"] == world.hub.epoch
        assert greeting["auth"] == {"required": False}


async def test_each_request_has_its_reply_and_its_id() -> None:
    async with conversation() as (_, peer, _session):
        peer.say(
            {"action": "ping", "id": 1},
            {"action": "auth", "token": "x", "id": "two"},
            {"action": "subscribe", "id": 3, "filters": {"types": ["pane.*"]}},
            {"action": "unsubscribe", "subscription": "s-1", "id": 4},
            {"action": "snapshot", "id": 5},
        )
        await settled()
        replies = peer.objects[1:]
        assert [(one["type"], one["id"]) for one in replies] == [
            ("pong", 1),
            ("auth.response", "two"),
            ("subscription.confirmed", 3),
            ("unsubscribe.confirmed", 4),
            ("snapshot.data", 5),
        ]
        assert replies[1]["permissions"] == ["admin", "emit", "output", "read"]
        assert replies[2]["filters"]["types"] == ["pane.*"]


BAD: list[tuple[object, str]] = [
    ("", "INVALID_JSON"),
    ("{", "INVALID_JSON"),
    ('{"action":"ping","x":' + "[" * 20_000, "INVALID_REQUEST"),
    ({"action": "ping", "more": 1}, "INVALID_REQUEST"),
    ({"action": "command", "command": "x"}, "UNKNOWN_ACTION"),
    ('{"action":"ping","id":1,"id":2}', "INVALID_REQUEST"),
    ('{"action":"subscribe","filters":{"types":[],"types":["x"]}}', "INVALID_REQUEST"),
    ({"action": "subscribe", "filters": {"types": [""]}}, "INVALID_FILTER"),
    ({"action": "subscribe", "filters": {"color": []}}, "INVALID_FILTER"),
    ({"action": "subscribe", "last": -1}, "INVALID_REQUEST"),
    ({"action": "subscribe", "last": 1, "resume": {"epoch": "", "seq": 0}}, "INVALID_REQUEST"),
    ({"action": "unsubscribe", "subscription": "s-9"}, "NOT_FOUND"),
    ({"action": "unsubscribe", "filters": {"types": ["x"]}}, "NOT_FOUND"),
    ({"action": "unsubscribe", "subscription": "s-1", "filters": {}}, "INVALID_REQUEST"),
    ({"action": "snapshot", "target": {"session": "nobody"}}, "NOT_FOUND"),
]


async def test_bad_requests_get_errors_and_the_connection_lives_on() -> None:
    async with conversation() as (_, peer, _session):
        peer.say(*(request for request, _ in BAD), {"action": "ping", "id": "alive"})
        await settled()
        *errors, pong = peer.objects[1:]
        assert [one["code"] for one in errors] == [code for _, code in BAD]
        assert {one["type"] for one in errors} == {"error"}
        assert pong["id"] == "alive"


async def test_nothing_is_sent_that_was_not_subscribed() -> None:
    async with conversation() as (world, peer, _session):
        world.publish(bell())
        await settled()
        assert len(peer.objects) == 1


async def test_a_subscription_its_snapshot_and_what_follows_are_one_moment() -> None:
    """Events published before and after, in every pass of the loop around the request."""
    async with conversation() as (world, peer, _session):
        async with trio.open_nursery() as nursery:

            async def publish() -> None:
                for _ in range(50):
                    world.publish(bell(), title())
                    await trio.lowlevel.checkpoint()

            nursery.start_soon(publish)
            for n in range(20):
                await trio.lowlevel.checkpoint()
                peer.say({"action": "subscribe", "snapshot": True})
                if n % 3 == 2:
                    peer.say({"action": "unsubscribe"})
                if n % 5 == 4:
                    peer.say({"action": "snapshot"})
        await settled()
        position = None
        for one in peer.objects[1:]:
            kind = one["type"]
            if kind == "snapshot.data":
                assert one["data"]["sessions"][0]["attached"] == one["seq"]
                assert position in (None, one["seq"])
                position = one["seq"] if position is not None else None
            elif kind == "subscription.confirmed":
                assert position in (None, one["seq"])
                position = one["seq"]
            elif kind == "unsubscribe.confirmed":
                position = None
            else:
                assert position is not None
                assert one["seq"] == position + 1
                position += 1
        assert position == world.count


async def test_what_was_published_comes_before_the_snapshot_that_holds_it() -> None:
    world, peer = World(), Peer()
    session = world.session()
    async with trio.open_nursery() as nursery:  # nobody runs the hub: only requests hand out
        nursery.start_soon(session.run, peer)
        peer.say({"action": "subscribe"})
        await settled()
        world.publish(bell())
        peer.say({"action": "snapshot"})
        await settled()
        assert peer.types[2:] == ["pane.bell", "snapshot.data"]
        nursery.cancel_scope.cancel()


async def test_overlapping_subscriptions_bring_an_event_once() -> None:
    async with conversation() as (world, peer, _session):
        peer.say(
            {"action": "subscribe"},
            {"action": "subscribe", "filters": {"types": ["pane.*"]}},
            {"action": "subscribe", "filters": {"sessions": ["a"]}},
        )
        await settled()
        world.publish(bell(), title())
        await settled()
        assert peer.seqs == [1, 2]
        peer.say({"action": "unsubscribe", "subscription": "s-1"})
        peer.say({"action": "unsubscribe", "filters": {"sessions": ["a"]}})
        await settled()
        assert peer.objects[-1]["subscriptions"] == ["s-2"]
        world.publish(bell("b"))
        peer.say({"action": "unsubscribe"})
        await settled()
        world.publish(bell())
        await settled()
        assert peer.seqs == [1, 2, 3]


async def test_a_resume_brings_everything_since_and_then_goes_on() -> None:
    world = World()
    world.publish(*[bell(), title()] * 5)
    async with conversation(world) as (_, peer, _session):
        peer.say(
            {
                "action": "subscribe",
                "resume": {"epoch": world.hub.epoch, "seq": 4},
                "filters": {"types": ["pane.bell"]},
                "snapshot": True,
            }
        )
        await settled()
        world.publish(bell())
        await settled()
        assert peer.seqs == [5, 7, 9, 11]
        confirmed, *_, snapshot, _last = peer.objects[1:]
        assert (confirmed["recovered"], confirmed["seq"]) == (True, 4)
        assert (snapshot["type"], snapshot["seq"]) == ("snapshot.data", 10)


@pytest.mark.parametrize(
    ("epoch", "seq", "reason"), [("other", 4, "epoch"), (None, 2, "expired"), (None, 99, "expired")]
)
async def test_a_refused_resume_is_a_reset_and_a_snapshot(
    epoch: str | None, seq: int, reason: str
) -> None:
    world = World(Hub(clock=lambda: 0.0, ring_events=5))
    world.publish(*[bell()] * 10)
    async with conversation(world) as (_, peer, _session):
        peer.say({"action": "subscribe", "resume": {"epoch": epoch or world.hub.epoch, "seq": seq}})
        await settled()
        world.publish(bell())
        await settled()
        confirmed, reset, snapshot, event = peer.objects[1:]
        assert (confirmed["recovered"], confirmed["seq"]) == (False, 10)
        assert reset == {"type": "stream.reset", "reason": reason}
        assert snapshot["data"]["sessions"][0]["attached"] == snapshot["seq"] == 10
        assert event["seq"] == 11


async def test_the_last_events_come_first_and_none_twice() -> None:
    world = World()
    world.publish(*[bell()] * 6)
    async with conversation(world) as (_, peer, _session):
        peer.say({"action": "subscribe", "last": 2, "snapshot": True})
        await settled()
        assert peer.types[1:] == [
            "subscription.confirmed",
            "pane.bell",
            "pane.bell",
            "snapshot.data",
        ]
        world.publish(bell(), title())
        await settled()
        peer.say({"action": "subscribe", "last": 9, "filters": {"types": ["pane.bell"]}})
        await settled()
        assert peer.seqs == [5, 6, 7, 8, 1, 2, 3, 4, 5, 6]  # 7 had come by the first subscription


async def test_a_snapshot_of_a_part() -> None:
    async with conversation() as (world, peer, _session):
        world.source.outcome = Outcome(ok=True, output="one\ntwo")
        peer.say(
            {
                "action": "snapshot",
                "id": 1,
                "target": {"session": "$0", "window": 1, "pane": "%1"},
            },
            {"action": "snapshot", "id": 2, "target": {"session": "b"}},
        )
        await settled()
        replies = {one["id"]: one["data"]["sessions"] for one in peer.objects[1:]}
        assert [[w["id"] for w in s["windows"]] for s in replies[1]] == [["@1"]]
        assert [one["name"] for one in replies[2]] == ["b"]
        # What a pane shows now comes along when it is asked for by name.
        assert replies[1][0]["windows"][0]["panes"][0]["screen"] == ["one", "two"]
        assert "screen" not in replies[1][0]["windows"][0]


async def test_a_screen_in_colour_is_text_and_beside_it_what_is_styled() -> None:
    async with conversation() as (world, peer, _session):
        shown = Screen(
            rows=["one", "two"],
            styles=[[Run(0, 3, Style(fg=1, bold=True))], []],
            cursor=Cursor(row=1, column=3),
        )
        world.source.outcome = Outcome(ok=True, screen=shown)
        target = {"session": "$0", "window": 1, "pane": "%1"}
        peer.say(
            {"action": "snapshot", "id": 1, "styled": True, "target": target},
            {"action": "command", "command": "capture", "id": 2, "styled": True, "target": target},
        )
        await settled()
        snapshot, result = peer.objects[1:]
        (pane,) = snapshot["data"]["sessions"][0]["windows"][0]["panes"]
        assert pane["screen"] == ["one", "two"]
        assert pane["styles"] == [[[0, 3, {"fg": 1, "bold": True}]], []]
        assert pane["cursor"] == {"row": 1, "column": 3, "visible": True}
        assert result["output"] == {
            "rows": ["one", "two"],
            "styles": [[[0, 3, {"fg": 1, "bold": True}]], []],
            "above": 0, "cut": False, "width": 0, "height": 0, "alternate": False,
            "cursor": {"row": 1, "column": 3, "visible": True},
        }  # fmt: skip
        decoded = wire.decode_message(json.dumps(snapshot))
        assert isinstance(decoded, wire.SnapshotData)
        found = decoded.data.sessions[0].windows[0].panes[0]
        assert (found.screen, found.styles, found.cursor) == (
            shown.rows, shown.styles, shown.cursor,
        )  # fmt: skip


async def test_plain_clients_get_one_object_a_message_others_get_them_joined() -> None:
    for joined in (False, True):
        async with conversation(joined=joined) as (world, peer, _session):
            peer.say({"action": "subscribe"})
            await settled()
            before = len(peer.messages)
            world.publish(*[bell()] * 5)
            await settled()
            assert len(peer.messages) - before == (1 if joined else 5)
            assert peer.seqs == [1, 2, 3, 4, 5]


async def test_joined_messages_are_bounded() -> None:
    async with conversation() as (world, peer, _session):
        peer.say({"action": "subscribe"})
        await settled()
        peer.block()
        for _ in range(100):
            world.publish(*[title("x" * 500)] * 10)
            world.hub.flush()
        peer.taking.set()
        await settled()
        assert peer.seqs == list(range(1, 1001))
        sizes = [len(message) for message in peer.messages]
        assert max(sizes) <= stream.MESSAGE_CHARACTERS
        assert len(sizes) < 20


async def test_who_is_slow_gets_a_gap_a_snapshot_and_the_rest() -> None:
    async with conversation() as (world, peer, _session):
        peer.say({"action": "subscribe"})
        await settled()
        peer.block()
        for _ in range(600):
            world.publish(title("x" * 10_000))
            await settled()
        peer.taking.set()
        await settled()
        world.publish(title())
        await settled()
        kinds = [kind for kind, _ in itertools.groupby(peer.types[2:])]
        assert kinds == [
            "pane.title",
            "stream.lag",
            "pane.title",
            "stream.gap",
            "snapshot.data",
            "pane.title",
        ]
        gap = next(one for one in peer.objects if one["type"] == "stream.gap")
        snapshot = next(one for one in peer.objects if one["type"] == "snapshot.data")
        assert peer.seqs == [*range(1, gap["from"]), 601]
        assert gap["to"] == snapshot["seq"] == snapshot["data"]["sessions"][0]["attached"] == 600
        assert gap["dropped"] == 600 - gap["from"] + 1


async def test_a_reader_whose_filters_let_nothing_through_is_told_how_far_the_stream_is() -> None:
    async with conversation() as (world, peer, session):
        session.mark()
        peer.say({"action": "subscribe", "filters": {"types": ["session.*"]}})
        await settled()
        session.mark()  # nothing new
        world.publish(*[bell()] * 5)
        session.mark()
        session.mark()
        await settled()
        marks = [one for one in peer.objects if one["type"] == "stream.mark"]
        assert [one["seq"] for one in marks] == [5]
        resume = {"epoch": world.hub.epoch, "seq": 5}
        peer.say({"action": "unsubscribe"}, {"action": "subscribe", "resume": resume})
        await settled()
        assert peer.objects[-1]["recovered"] is True


async def test_a_request_while_behind_is_answered_after_the_gap() -> None:
    async with conversation() as (world, peer, _session):
        peer.say({"action": "subscribe"})
        await settled()
        peer.block()
        for _ in range(500):
            world.publish(title("x" * 10_000))
            await settled()
        peer.say({"action": "subscribe", "snapshot": True})
        await settled()
        world.publish(bell())
        peer.taking.set()
        await settled()
        kinds = [kind for kind, _ in itertools.groupby(peer.types[2:])]
        assert kinds == [
            "pane.title",
            "stream.lag",
            "pane.title",
            "stream.gap",
            "snapshot.data",
            "subscription.confirmed",
            "snapshot.data",
            "pane.bell",
        ]
        assert peer.seqs[-1] == 501


async def test_who_sends_requests_and_reads_nothing_is_not_heard_further() -> None:
    async with conversation() as (_, peer, _session):
        peer.block()
        peer.say(*[{"action": "ping"}] * 99)
        await settled()
        assert peer._incoming.statistics().current_buffer_used >= 99 - MAX_QUEUED_ITEMS - 2
        peer.taking.set()
        await settled()
        assert peer.types == ["connection.established", *["pong"] * 99]


async def test_too_many_requests_are_refused_with_a_time_to_wait(autojump_clock: MockClock) -> None:
    async with conversation() as (_, peer, _session):
        peer.say(*[{"action": "ping"}] * 100, {"action": "ping", "id": "over"})
        await settled()
        refused = peer.objects[-1]
        assert (refused["code"], refused["id"]) == ("RATE_LIMIT", "over")
        assert refused["retryable"]
        assert 0 < refused["retry_after"] <= 0.01
        await trio.sleep(0.05)
        peer.say({"action": "ping"})
        await settled()
        assert peer.types[-1] == "pong"


async def test_subscriptions_are_bounded() -> None:
    async with conversation() as (_, peer, _session):
        peer.say(*[{"action": "subscribe"}] * (MAX_SUBSCRIPTIONS + 1))
        await settled()
        assert peer.types[-1] == "error"
        assert peer.types.count("subscription.confirmed") == MAX_SUBSCRIPTIONS


async def run_to_end(
    act: Callable[[World, Peer, Session], None], *, joined: bool = True
) -> tuple[int, Peer]:
    world, peer = World(), Peer()
    session = world.session(joined=joined)
    codes: list[int] = []

    async def run() -> None:
        codes.append(await session.run(peer))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        await settled()
        peer.say({"action": "subscribe"})
        await settled()
        act(world, peer, session)
    assert world.hub._groups == {}
    return codes[0], peer


async def test_binary_is_closed_with_1003() -> None:
    code, peer = await run_to_end(lambda _w, peer, _s: peer.say(b"\x00"))
    assert code == 1003
    assert peer.close == (1003, "text messages only")


async def test_the_client_may_leave_with_or_without_a_word() -> None:
    assert (await run_to_end(lambda _w, peer, _s: peer.leave(1000)))[0] == 1000
    assert (await run_to_end(lambda _w, peer, _s: peer.leave(None)))[0] == 1006


async def test_a_shutdown_flushes_says_goodbye_and_closes_with_1001() -> None:
    def shut_down(world: World, _peer: Peer, session: Session) -> None:
        world.publish(bell(), bell())
        session.end(1001, "the server is shutting down", flush=True)
        session.end(1003, "too late")

    code, peer = await run_to_end(shut_down)
    assert code == 1001
    assert peer.close == (1001, "the server is shutting down")
    *_, goodbye = peer.objects
    assert peer.types[2:] == ["pane.bell", "pane.bell", "server.goodbye"]
    assert goodbye["seq"] == 2
    assert goodbye["data"] == {"code": 1001, "reason": "the server is shutting down"}


async def test_the_goodbye_is_the_last_word() -> None:
    def shut_down(world: World, peer: Peer, session: Session) -> None:
        peer.block()
        session.end(1001, "bye", flush=True)

        async def later() -> None:
            await settled()
            world.publish(bell())
            world.hub.flush()
            peer.say({"action": "ping"})
            await settled()
            peer.taking.set()

        trio.lowlevel.spawn_system_task(later)

    _, peer = await run_to_end(shut_down)
    assert peer.types[2:] == ["server.goodbye"]


async def test_a_session_that_ends_before_it_begins() -> None:
    world, peer = World(), Peer()
    session = world.session()
    session.end(1009, "too large")
    assert await session.run(peer) == 1009
    assert peer.types == []


class SlowShortcut:
    """Takes the first bytes of a batch at once, and the rest when flushed."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.rest: list[str] = []
        self.willing = True
        self.whole = False  # or all of it at once

    @property
    def pending(self) -> bool:
        return bool(self.rest)

    def send(self, batch: Batch) -> bool:
        if not self.willing or self.rest:
            return False
        if self.whole:
            self.peer.messages += batch.messages
        else:
            self.rest = list(batch.messages)
        return True

    async def ping(self) -> None:
        raise AssertionError("nobody asked for it")

    async def flush(self) -> None:
        await trio.lowlevel.checkpoint()
        self.peer.messages += self.rest
        self.rest = []


async def test_a_shortcut_keeps_the_order() -> None:
    world, peer = World(), Peer()
    shortcut = SlowShortcut(peer)
    session = world.session()
    async with trio.open_nursery() as nursery:
        await nursery.start(world.hub.run)
        nursery.start_soon(session.run, peer, shortcut)
        await settled()
        peer.say({"action": "subscribe"})
        await settled()
        for n in range(60):
            shortcut.willing = n % 4 != 0
            shortcut.whole = n % 11 > 5
            world.publish(bell())
            world.hub.flush()
            if n % 7 == 0:
                peer.say({"action": "snapshot"})
            if n % 3 == 0:
                await trio.lowlevel.checkpoint()
            if n % 5 == 0:
                await settled()
        await settled()
        assert peer.seqs == list(range(1, 61))
        seen = 0
        for one in peer.objects[2:]:
            if one["type"] == "snapshot.data":
                assert one["seq"] == seen
            else:
                seen = one["seq"]
        nursery.cancel_scope.cancel()


async def test_a_shortcut_is_not_taken_past_what_is_being_sent() -> None:
    world, peer = World(), Peer()
    shortcut = SlowShortcut(peer)
    session = world.session()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(session.run, peer, shortcut)
        peer.say({"action": "subscribe"})
        await settled()
        peer.block()
        shortcut.whole = True
        for willing in (False, True):
            shortcut.willing = willing
            world.publish(bell())
            world.hub.flush()
            await settled()
        peer.taking.set()
        await settled()
        assert peer.seqs == [1, 2]
        nursery.cancel_scope.cancel()


async def test_what_a_shortcut_did_not_take_at_once_follows_by_itself() -> None:
    """Not with the next event, which may never come."""
    world, peer = World(), Peer()
    shortcut = SlowShortcut(peer)
    session = world.session()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(session.run, peer, shortcut)
        peer.say({"action": "subscribe"})
        await settled()
        world.publish(bell())
        world.hub.flush()
        await settled()
        assert peer.seqs == [1]
        nursery.cancel_scope.cancel()
