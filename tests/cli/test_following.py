"""A feed that goes on, with servers that come and go by script instead of real ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tmuxpulse.cli import following
from tmuxpulse.cli.feed import Feed, FeedEnded, ServerFeed, Source
from tmuxpulse.cli.following import GRACE_SECONDS, MOST_RETRY_SECONDS, SERVER_LOOK_SECONDS, follow
from tmuxpulse.config.settings import CollectSettings
from tmuxpulse.errors import ServerRefused, ServerUnavailable
from tmuxpulse.filters import EVERYTHING
from tmuxpulse.wire import Position, Reset, SnapshotData, Tree

BEGINNING = SnapshotData(epoch="e", seq=7, data=Tree(servers=[], sessions=[]))
GONE = ServerUnavailable("it went away")


def served(**fields: Any) -> ServerFeed:
    return ServerFeed(None, BEGINNING, None, **fields)  # type: ignore[arg-type]  # never asked


class Ours:
    beginning = BEGINNING


class World:
    """What `open_feed` gives, one after the other: a feed, or why there is none."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *script: object) -> None:
        self.script = list(script)
        self.resumes: list[Position | None] = []
        self.opened_at: list[float] = []
        self.said: list[str] = []
        self.read_with: list[Reset | None] = []
        self.there = trio.Event()
        monkeypatch.setattr(following, "open_feed", self.open_feed)

    @asynccontextmanager
    async def open_feed(
        self, _source: Source, *_wanted: object, resume: Position | None, collector: object
    ) -> AsyncIterator[Any]:
        assert collector is None
        await trio.lowlevel.checkpoint()
        self.resumes.append(resume)
        self.opened_at.append(trio.current_time())
        found = self.script.pop(0)
        if isinstance(found, Exception):
            raise found
        yield found

    async def read(self, feed: Feed, reset: Reset | None) -> None:
        self.read_with.append(reset)
        if not self.script:
            return
        if not isinstance(feed, ServerFeed):
            await trio.sleep_forever()
        await trio.sleep(1)
        raise GONE

    def lost(self, error: Exception) -> None:
        self.said.append(str(error))

    def back(self, feed: object) -> None:
        self.said.append("served" if isinstance(feed, ServerFeed) else "ours")

    async def follow(self, source: Source) -> None:
        await follow(source, EVERYTHING, self.read, self)


def at(url: str | None = "http://x", unix_socket: str = "") -> Source:
    return Source(url=url, unix_socket=unix_socket, collect=CollectSettings(runtime_dir=""))


async def test_it_goes_on_after_the_last_event(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    here = Position(epoch="e", seq=7)
    world = World(monkeypatch, served(), GONE, served(resume=here))
    await world.follow(at())
    assert world.resumes == [None, here, here]
    assert world.read_with == [None, None]
    assert world.said == ["it went away", "it went away", "served"]


async def test_what_does_not_go_on_is_told(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    here = Position(epoch="e", seq=7)
    late = Reset(reason="expired")
    world = World(monkeypatch, served(), served(), served(resume=here, reset=late))
    await world.follow(at())
    assert world.read_with == [None, Reset(reason="epoch"), late]


async def test_an_address_is_tried_less_and_less_often(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    world = World(monkeypatch, served(), *[GONE] * 8, served(), served())
    await world.follow(at())
    pauses = [b - a for a, b in zip(world.opened_at, world.opened_at[1:], strict=False)]
    assert pauses[0] == 1.5  # it was read for a second
    assert pauses[1:6] == [1.0, 2.0, 4.0, 8.0, MOST_RETRY_SECONDS]
    assert pauses[-1] == 1.5


async def test_one_that_was_never_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, GONE)
    with pytest.raises(ServerUnavailable):
        await world.follow(at())
    assert world.said == []


async def test_one_that_refuses_is_an_error_at_any_time(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    world = World(monkeypatch, served(), ServerRefused("no", code="AUTH_FAILED"))
    with pytest.raises(ServerRefused):
        await world.follow(at())


async def test_a_feed_that_ends_by_itself_is_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, Ours())

    async def read(feed: Feed, reset: Reset | None) -> None:
        assert (feed.beginning, reset) == (BEGINNING, None)
        with pytest.raises(FeedEnded):
            raise FeedEnded

    await follow(at(None), EVERYTHING, read, world)
    assert world.script == []


async def test_without_its_server_it_watches_itself_until_there_is_one(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    world = World(monkeypatch, served(), Ours(), served())
    there = True
    monkeypatch.setattr(Source, "has_server", property(lambda _: there))

    async def come_and_go() -> None:
        nonlocal there
        await trio.sleep(0.5)
        there = False
        await trio.sleep(0.5 + GRACE_SECONDS + 1)
        there = True

    async with trio.open_nursery() as nursery:
        nursery.start_soon(come_and_go)
        await world.follow(at(None, "/s"))
    assert world.said == ["it went away", "ours", "served"]
    assert world.read_with == [None, Reset(reason="epoch"), Reset(reason="epoch")]
    assert world.resumes == [None, Position(epoch="e", seq=7), None]
    served_at, ours_at, again_at = world.opened_at
    assert ours_at - served_at == 1 + GRACE_SECONDS
    assert again_at - ours_at <= 1 + 2 * SERVER_LOOK_SECONDS


async def test_a_server_that_watches_others_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    world = World(monkeypatch, served(), Ours(), GONE)
    monkeypatch.setattr(Source, "has_server", property(lambda _: True))
    with trio.move_on_after(100) as scope:
        await world.follow(at(None, "/s"))
    assert scope.cancelled_caught
    assert world.said == ["it went away", "ours"]
