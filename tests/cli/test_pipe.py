"""The pipe: its lines, what it remembers, and its conversation with a session that is cut."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tmuxpulse.cli.conversation import Conversation, may_repeat
from tmuxpulse.cli.in_process import Here
from tmuxpulse.cli.output import Output
from tmuxpulse.cli.pipe import talk
from tmuxpulse.cli.pipe_output import MAX_WAITING_BYTES, PipeOutput
from tmuxpulse.cli.request_lines import Line, LineSplitter
from tmuxpulse.cli.resuming import Ledger, whole
from tmuxpulse.errors import ServerUnavailable
from tmuxpulse.events import Custom, Event, Place
from tmuxpulse.filters import Filter
from tmuxpulse.hub.hub import Hub
from tmuxpulse.serve.access import Access
from tmuxpulse.serve.grants import owner
from tmuxpulse.serve.house import House, Visitor
from tmuxpulse.serve.session import Session
from tmuxpulse.serve.tickets import Tickets
from tmuxpulse.wire import (
    Position,
    SnapshotData,
    Subscribe,
    SubscriptionConfirmed,
    decode_request,
)

# --- lines ------------------------------------------------------------------------------------


@settings(max_examples=100)
@given(st.binary(max_size=60), st.lists(st.integers(1, 9), max_size=20))
def test_lines_do_not_depend_on_how_they_come(data: bytes, sizes: list[int]) -> None:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    pieces.append(data[at:])

    def split(pieces: list[bytes]) -> list[Line]:
        splitter = LineSplitter(8)
        found = [line for piece in pieces for line in splitter.feed(piece)]
        return [*found, *splitter.finish()]

    found = split(pieces)
    assert found == split([data])
    texts = data.split(b"\n")
    for line in found:
        text = texts[line.number - 1]
        assert line.text == (text if len(text) <= 8 else None)
    numbers = {line.number for line in found}
    assert all(number in numbers for number, text in enumerate(texts, 1) if text.strip())


# --- a server in this process, and cuts ---------------------------------------------------------


class NoTokens:
    problem = ""

    def check(self, _text: str, _now: float) -> None:
        return None

    def grant(self, _token_id: str, _now: float) -> None:
        return None

    def has_live(self, _now: float) -> bool:
        return False

    def refresh(self) -> bool:
        return False


class NoRecords:
    def record(self, action: str, *, who: str, **fields: object) -> None:
        pass

    def record_look(self, *, who: str, **fields: object) -> None:
        pass

    def record_failure(self, peer: str, why: str) -> None:
        pass


class Frail:
    """A connection that loses the message after so many, and breaks."""

    def __init__(self, here: Here, messages: float) -> None:
        self.where = here.where
        self.here = here
        self.messages = messages

    async def send(self, message: str) -> None:
        await self.here.send(message)

    async def receive(self) -> bytes:
        message = await self.here.receive()
        if self.messages <= 0:
            raise ServerUnavailable("cut")
        self.messages -= 1
        return message


class Stage:
    """A hub, and a pipe that talks to sessions of it.

    Attributes:
        said: what came out.
        lives: after how many messages each connection ends; then they stay.
    """

    def __init__(self, *lives: int) -> None:
        self.hub = Hub()
        self.house = House(
            self.hub, access=Access(NoTokens(), Tickets()), audit=NoRecords(), write="local"
        )
        self.lives = list(lives)
        self.to_pipe, self.lines = trio.open_memory_channel[Line](100)
        self.number = 0

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Frail]:
        here = Here()
        visitor = Visitor(peer="t", address="t", is_local=True, grant=owner())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Session(self.house, visitor, joined=True).run, here)
            yield Frail(here, self.lives.pop(0) if self.lives else float("inf"))
            nursery.cancel_scope.cancel()

    def say(self, **request: object) -> None:
        self.raw(json.dumps(request).encode())

    def raw(self, text: bytes | None) -> None:
        self.number += 1
        self.to_pipe.send_nowait(Line(self.number, text))

    def publish(self, name: str) -> None:
        self.hub.publish(Event(Place(), Custom(name=f"custom.{name}", data={})))
        self.hub.flush()


class Heard:
    """Takes the place of standard output.

    Attributes:
        lines: what was written, as objects.
        gate: nothing is written before it is set.
    """

    is_terminal = False

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.gate = trio.Event()
        self.gate.set()

    async def write(self, data: bytes) -> None:
        await self.gate.wait()
        assert data.endswith(b"\n")
        self.lines += [json.loads(line) for line in data.splitlines()]
        await trio.lowlevel.checkpoint()

    async def wait_closed(self) -> None:
        await trio.sleep_forever()

    def types(self) -> list[str]:
        return [line["type"] for line in self.lines]


@asynccontextmanager
async def talking(
    place: Stage, *, reconnect: bool = False, follow: bool = False
) -> AsyncIterator[Heard]:
    heard = Heard()
    async with trio.open_nursery() as nursery:
        await nursery.start(place.hub.run)

        async def pipe() -> None:
            code = await talk(
                place.connect,
                place.lines,
                heard,  # type: ignore[arg-type]  # as much of an Output as is used
                reconnect=reconnect,
                follow=follow,
            )
            assert code == 0
            nursery.cancel_scope.cancel()

        nursery.start_soon(pipe)
        yield heard
        if not follow:
            place.to_pipe.close()
            await trio.sleep_forever()
        nursery.cancel_scope.cancel()


async def settle(seconds: float = 60.0) -> None:
    await trio.sleep(seconds)
    await trio.testing.wait_all_tasks_blocked()


async def test_replies_come_in_the_order_of_the_lines_with_their_ids(autojump_clock):
    place = Stage()
    async with talking(place) as heard:
        place.say(action="ping", id="a")
        place.raw(b"\xff")
        place.raw(b"[]")
        place.raw(None)
        place.say(action="fly", id=3)
        place.say(action="subscribe", filters={"nonsense": 1})
        place.say(action="history", id=7)
        place.say(action="ping")
    assert [(one["type"], one["id"], one.get("line")) for one in heard.lines] == [
        ("pong", "a", None),
        ("error", None, 2),
        ("error", None, 3),
        ("error", None, 4),
        ("error", 3, 5),
        ("error", None, 6),
        ("error", 7, 7),
        ("pong", None, None),
    ]
    codes = [one["code"] for one in heard.lines if one["type"] == "error"]
    assert codes == [
        *("INVALID_JSON", "INVALID_REQUEST", "TOO_LARGE", "UNKNOWN_ACTION", "INVALID_FILTER"),
        "UNAVAILABLE",
    ]


async def test_the_past_that_was_asked_for_comes_before_the_end(autojump_clock):
    place = Stage()
    for number in range(20):
        place.publish(f"n{number}")
    async with talking(place) as heard:
        place.say(action="subscribe", last=5, snapshot=True)
    assert heard.types() == [
        "subscription.confirmed",
        *(f"custom.n{number}" for number in range(15, 20)),
        "snapshot.data",
    ]


async def test_more_requests_than_the_server_takes_at_once(autojump_clock):
    place = Stage()
    async with talking(place) as heard:
        for _ in range(100):
            place.say(action="ping")
        await settle()
        for number in range(90):
            place.say(action="ping", id=number)
    assert heard.types() == ["pong"] * 190


async def test_names_of_subscriptions_stay_after_a_cut(autojump_clock):
    place = Stage(8)  # the greeting, four replies, two events
    async with talking(place, reconnect=True, follow=True) as heard:
        for name in ("a", "b", "c"):
            place.say(action="subscribe", filters={"types": [f"custom.{name}"]})
        place.say(action="unsubscribe", subscription="s-1")
        await settle()
        place.publish("b")
        await settle()
        for name in ("a", "c", "b", "b"):
            place.publish(name)
        await settle()
        assert heard.types().count("pipe.cut") == 1
        place.say(action="unsubscribe", subscription="s-2")
        await settle()
        assert heard.lines[-1]["type"] == "unsubscribe.confirmed"
        assert heard.lines[-1]["subscriptions"] == ["s-3"]
        place.publish("b")
        place.publish("c")
        await settle()
    kinds = [one for one in heard.types() if one.startswith(("custom", "pipe"))]
    assert [one for one in kinds if one.startswith("custom")] == [
        *("custom.b", "custom.c", "custom.b", "custom.b", "custom.c")
    ]
    opened = next(one for one in heard.lines if one["type"] == "pipe.open")
    assert opened["subscriptions"] == ["s-2", "s-3"]


@settings(max_examples=60)
@given(
    lives=st.lists(st.integers(1, 12), max_size=6),
    wanted=st.lists(
        st.sampled_from([(), ("custom.a",), ("custom.[ab]",), ("custom.c", "custom.a")]),
        min_size=1,
        max_size=3,
    ),
    bursts=st.lists(st.text("abcd", min_size=1, max_size=6), max_size=8),
)
def test_through_any_cuts_each_event_comes_once_and_in_order(lives, wanted, bursts):
    async def run() -> None:
        place = Stage(*lives)
        async with talking(place, reconnect=True, follow=True) as heard:
            for types in wanted:
                place.say(action="subscribe", filters={"types": list(types)})
            await settle()
            expected = []
            admits = {kind for types in wanted for kind in types}
            for burst in bursts:
                for name in burst:
                    place.publish(name)
                    kind = f"custom.{name}"
                    if () in wanted or kind in admits or ("custom.[ab]" in admits and name in "ab"):
                        expected.append(kind)
                await settle()
            events = [one for one in heard.lines if one["type"].startswith("custom.")]
            assert [one["type"] for one in events] == expected
            numbers = [one["seq"] for one in events]
            assert numbers == sorted(set(numbers))
            assert heard.types().count("pipe.cut") >= heard.types().count("pipe.open")
            assert "error" not in heard.types()

    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))


# A cut after all of a past, and before anything behind it.
@example(
    lives=[7],
    before="",
    first={},
    second={"last": 4},
    types=(["custom.a"], []),
    bursts=["ba"],
)
@settings(max_examples=60)
@given(
    lives=st.lists(st.integers(1, 9), max_size=6),
    before=st.text("abc", max_size=8),
    first=st.sampled_from([{}, {"last": 3}, {"snapshot": True}]),
    second=st.sampled_from([{}, {"last": 4}, {"resume": 0}, {"resume": 2}, {"snapshot": True}]),
    types=st.sampled_from([(["custom.a"], []), ([], ["custom.b"]), (["custom.a"], ["custom.b"])]),
    bursts=st.lists(st.text("abc", min_size=1, max_size=6), max_size=6),
)
def test_a_past_that_is_asked_for_comes_once_through_any_cuts(
    *, lives, before, first, second, types, bursts
):
    async def run() -> None:
        place = Stage(*lives)
        for name in before:
            place.publish(name)
        async with talking(place, reconnect=True, follow=True) as heard:
            place.say(action="subscribe", filters={"types": types[0]}, **first)
            await settle()
            asked = dict(second)
            past = set()
            if "resume" in second:
                seq = min(second["resume"], place.hub.seq)
                asked["resume"] = {"epoch": place.hub.epoch, "seq": seq}
                past = {
                    number
                    for number, name in enumerate(before, 1)
                    if number > seq and (not types[1] or f"custom.{name}" in types[1])
                }
            place.say(action="subscribe", filters={"types": types[1]}, **asked)
            await settle()
            since = place.hub.seq
            expected = []
            for burst in bursts:
                for name in burst:
                    place.publish(name)
                    if any(not kinds or f"custom.{name}" in kinds for kinds in types):
                        expected.append(place.hub.seq)
                await settle()
            seqs = [one["seq"] for one in heard.lines if one["type"].startswith("custom.")]
            assert len(seqs) == len(set(seqs))
            assert [seq for seq in seqs if seq > since] == expected
            assert past <= set(seqs)
            if "snapshot" in first or "snapshot" in second:
                assert "snapshot.data" in heard.types()

    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))


async def test_a_request_waits_through_several_cuts(autojump_clock):
    place = Stage(2, 1, 1, 1)
    async with talking(place, reconnect=True) as heard:
        place.say(action="subscribe", filters={"types": ["custom.a"]})
        place.say(action="subscribe")
        place.say(action="ping")
    assert heard.types().count("pipe.cut") == 4
    assert heard.types()[-3:] == ["pipe.open", "subscription.confirmed", "pong"]


async def test_a_state_that_was_lost_with_the_connection_is_asked_for_again(autojump_clock):
    place = Stage()
    ledger = Ledger()
    asked = Subscribe(snapshot=True)
    confirmed = SubscriptionConfirmed(
        subscription="s-1", subscriptions=["s-1"], filters=Filter(), epoch="e", seq=4
    )
    ledger.confirmed(asked, confirmed)
    ledger.cut()
    (step,) = ledger.steps()
    assert step.request == Subscribe(resume=Position(epoch="e", seq=4), snapshot=True)
    ledger.restored(step, confirmed)
    ledger.take(SnapshotData(epoch="e", seq=5, data=place.hub.snapshot()))
    ledger.cut()
    (step,) = ledger.steps()
    assert step.request == Subscribe(resume=Position(epoch="e", seq=5))


async def test_what_may_not_be_done_twice_is_not_asked_again(autojump_clock):
    place = Stage(1, 1)
    heard = Heard()
    async with trio.open_nursery() as nursery:
        await nursery.start(place.hub.run)
        queue = PipeOutput(heard)  # type: ignore[arg-type]
        nursery.start_soon(queue.run)
        conversation = Conversation(place.connect, queue, reconnect=True)
        place.lives = [1]
        place.say(action="emit", event={"type": "custom.x"})
        place.say(action="ping")
        place.to_pipe.close()
        await conversation.run(place.lines, follow=False)
        nursery.cancel_scope.cancel()
    assert heard.types() == ["pipe.cut", "error", "pipe.open", "pong"] or heard.types() == [
        *("pipe.cut", "pipe.open", "error", "pong")
    ]
    error = next(one for one in heard.lines if one["type"] == "error")
    assert (error["code"], error["line"]) == ("UNAVAILABLE", 1)


@pytest.mark.parametrize(
    ("request_text", "may"),
    [
        ('{"action":"snapshot"}', True),
        ('{"action":"subscribe"}', True),
        ('{"action":"emit","event":{"type":"custom.x"}}', False),
        ('{"action":"command","command":"interrupt"}', False),
        ('{"action":"command","command":"interrupt","key":"k"}', True),
        ('{"action":"command","command":"capture"}', True),
        ('{"action":"batch","commands":[]}', False),
        ('{"action":"batch","commands":[],"key":"k"}', True),
    ],
)
def test_what_may_be_repeated(request_text: str, may: bool) -> None:
    assert may_repeat(decode_request(request_text)) is may


async def test_without_reconnect_the_first_cut_is_the_end(autojump_clock):
    place = Stage(2)
    heard = Heard()
    async with trio.open_nursery() as nursery:
        await nursery.start(place.hub.run)
        place.say(action="subscribe")
        with pytest.raises(ServerUnavailable):
            await talk(place.connect, place.lines, heard, follow=True)  # type: ignore[arg-type]
        nursery.cancel_scope.cancel()
    assert heard.types() == ["subscription.confirmed", "pipe.cut"]
    assert heard.lines[-1]["again_s"] is None


async def test_a_slow_reader_gets_a_gap_and_not_our_memory(autojump_clock):
    place = Stage()
    async with talking(place, follow=True) as heard:
        place.say(action="subscribe")
        await settle()
        heard.gate = trio.Event()
        text = "x" * 10_000
        for _ in range(3000):
            place.hub.publish(Event(Place(), Custom(name="custom.big", data={"t": text})))
            place.hub.flush()
            await trio.testing.wait_all_tasks_blocked()
        heard.gate.set()
        await settle()
        assert "stream.gap" in heard.types()
        gap = next(one for one in heard.lines if one["type"] == "stream.gap")
        assert heard.types().count("custom.big") + gap["dropped"] == 3000


async def test_the_queue_is_bounded(autojump_clock):
    heard = Heard()
    heard.gate = trio.Event()
    queue = PipeOutput(heard)  # type: ignore[arg-type]
    line = b'"%s"' % (b"x" * 1000)
    put = 0

    async def fill() -> None:
        nonlocal put
        while True:
            await queue.put([line])
            put += 1
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(queue.run)
        nursery.start_soon(fill)
        await settle()
        assert queue.is_stuck
        assert put <= 2 * (MAX_WAITING_BYTES // len(line) + 2)
        nursery.cancel_scope.cancel()


async def test_a_silent_server_is_given_up(autojump_clock):
    class Dumb:
        where = "the server"

        def __init__(self) -> None:
            self.asked: list[str] = []

        async def send(self, message: str) -> None:
            await trio.lowlevel.checkpoint()
            self.asked.append(message)

        async def receive(self) -> bytes:
            if self.asked or self.greeted:
                await trio.sleep_forever()
            self.greeted = True
            greeting = {
                "type": "connection.established",
                "client_id": "c",
                "timestamp": "t",
                "server": {"version": "1"},
                "epoch": "e",
                "seq": 0,
                "auth": {"required": False},
                "heartbeat_s": 25,
            }
            return json.dumps(greeting).encode()

        greeted = False

    dumb = Dumb()

    @asynccontextmanager
    async def connect() -> AsyncIterator[Dumb]:
        yield dumb

    send, lines = trio.open_memory_channel[Line](1)
    heard = Heard()
    with pytest.raises(ServerUnavailable, match="silent"):
        await talk(connect, lines, heard, follow=True)  # type: ignore[arg-type]
    assert trio.current_time() == pytest.approx(35, abs=1)
    assert [json.loads(one)["action"] for one in dumb.asked] == ["ping"]
    send.close()


def test_a_filter_of_all_admits_what_is_made_on_request_too() -> None:
    assert whole([Filter(types=("custom.a",)), Filter(sessions=("x",))]) == Filter()
    assert whole([Filter(types=("pane.bytes",)), Filter()]) == Filter(types=("*", "pane.bytes"))


# --- output -------------------------------------------------------------------------------------


@pytest.fixture
def pipe_ends() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    os.close(write)


async def test_a_reader_that_leaves_is_a_silent_end(pipe_ends):
    read, write = pipe_ends
    place = Stage()
    async with trio.open_nursery() as nursery:
        await nursery.start(place.hub.run)
        os.close(read)
        place.say(action="ping")
        assert await talk(place.connect, place.lines, Output(write), follow=True) == 0
        nursery.cancel_scope.cancel()
