"""`watch` with a collector of ours instead of tmux, and a pipe or a terminal to read from."""

from __future__ import annotations

import json
import os
import pty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.sources import Told
from tmuxpulse.cli.embedded import open_embedded
from tmuxpulse.cli.feed import Source, names_of, open_feed
from tmuxpulse.cli.output import Output
from tmuxpulse.cli.running import run_async
from tmuxpulse.cli.watch import WatchOptions, print_feed
from tmuxpulse.client.incoming import Incoming, Received
from tmuxpulse.config.settings import CollectSettings
from tmuxpulse.errors import ServerUnavailable, TmuxNotFound
from tmuxpulse.events import Event, PaneBell, PaneOutput, Place, ServerUp, SessionCreated
from tmuxpulse.filters import EVERYTHING, Filter
from tmuxpulse.hub.hub import Hub
from tmuxpulse.hub.stream import Batch
from tmuxpulse.wire import Gap, ServerView, SessionView, SnapshotData, Tree

SETTINGS = CollectSettings(runtime_dir="/nowhere")
PLACE = Place(server="default", session="a", window=0, pane=0, pane_id="%0")
SERVER = ServerView(name="default", socket="/s", up=True)
UP = ServerUp(pid=1, version="3.3a", start_time=1, socket="/s", engine="pipe")


def state() -> tuple[ServerView, list[SessionView]]:
    return SERVER, [SessionView(server="default", id="$0", name="a", attached=0, windows=[])]


def line(text: str) -> Event:
    return Event(PLACE, PaneOutput(mode="append", lines=(text,)))


class FakeTmux:
    """A collector that finds a session at its first look, and then what it is told."""

    def __init__(self) -> None:
        self.hub: Hub | None = None
        self.left = False

    async def __call__(
        self, hub: Hub, settings: CollectSettings, *, task_status: trio.TaskStatus[None]
    ) -> None:
        assert settings == SETTINGS
        with hub.source("default", Told(state)):
            hub.publish(Event(Place(server="default"), UP))
            hub.publish(Event(PLACE, SessionCreated(id="$0", name="a")))
            self.hub = hub
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                self.left = True

    def print(self, text: str) -> None:
        assert self.hub is not None
        self.hub.publish(line(text))


class Reader:
    """The other end of an output."""

    def __init__(self, read: int, write: int) -> None:
        self.output = Output(write)
        self._read = trio.lowlevel.FdStream(read)
        self._seen = b""

    async def line(self) -> str:
        with trio.fail_after(60):
            while b"\n" not in self._seen:
                self._seen += await self._read.receive_some()
        found, _, self._seen = self._seen.partition(b"\n")
        return found.decode().rstrip("\r")

    def close(self) -> None:
        self._read.close()


@contextmanager
def piped() -> Iterator[Reader]:
    read, write = os.pipe()
    reader = Reader(read, write)
    try:
        yield reader
    finally:
        os.close(write)
        reader.close()


async def reading(
    options: WatchOptions, act: Callable[[FakeTmux, Reader], Any], wanted: Filter = EVERYTHING
) -> None:
    """Print what a fake tmux does, while `act` makes it do things and reads."""
    tmux = FakeTmux()
    with piped() as reader:
        async with (
            open_embedded(SETTINGS, wanted, collector=tmux) as feed,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(print_feed, feed, reader.output, options)
            await act(tmux, reader)
            nursery.cancel_scope.cancel()
    assert tmux.left


async def test_json_is_the_events_themselves_from_the_first_one_on() -> None:
    async def act(tmux: FakeTmux, reader: Reader) -> None:
        up, created = json.loads(await reader.line()), json.loads(await reader.line())
        assert (up["type"], up["seq"]) == ("server.up", 1)
        assert (created["type"], created["data"]["name"]) == ("session.created", "a")
        tmux.print("hello")
        event = json.loads(await reader.line())
        assert event["data"]["lines"] == ["hello"]
        assert event["session"] == "a"

    await reading(WatchOptions(json=True), act)


async def test_json_with_a_snapshot_begins_with_it_and_repeats_nothing() -> None:
    async def act(tmux: FakeTmux, reader: Reader) -> None:
        snapshot = json.loads(await reader.line())
        assert snapshot["type"] == "snapshot.data"
        assert [one["name"] for one in snapshot["data"]["sessions"]] == ["a"]
        tmux.print("hello")
        event = json.loads(await reader.line())
        assert event["seq"] == snapshot["seq"] + 1

    await reading(WatchOptions(json=True, snapshot=True), act)


async def test_lines_leave_out_what_was_there_before() -> None:
    async def act(tmux: FakeTmux, reader: Reader) -> None:
        assert "server.up" in await reader.line()
        tmux.print("hello")
        row = await reader.line()
        assert row.endswith("a:0.0         pane.output        hello")

    await reading(WatchOptions(), act)


async def test_a_prompt_is_shown_although_nothing_else_happens() -> None:
    async def act(tmux: FakeTmux, reader: Reader) -> None:
        await reader.line()
        assert tmux.hub is not None
        tmux.hub.publish(Event(PLACE, PaneOutput(mode="append", partial="Deploy? ")))
        assert "Deploy?" in await reader.line()

    await reading(WatchOptions(), act)


async def test_filters_hold() -> None:
    async def act(tmux: FakeTmux, reader: Reader) -> None:
        assert tmux.hub is not None
        tmux.print("hello")
        tmux.hub.publish(Event(PLACE, PaneBell()))
        assert json.loads(await reader.line())["type"] == "pane.bell"

    await reading(WatchOptions(json=True), act, Filter(types=("pane.bell",)))


class ListedFeed:
    """A feed that gives what it is made of, then ends."""

    def __init__(self, *batches: list[Incoming]) -> None:
        self.beginning = SnapshotData(epoch="e", seq=0, data=Tree(servers=[], sessions=[]))
        self._batches = list(batches)

    async def receive(self) -> list[Incoming]:
        await trio.lowlevel.checkpoint()
        if not self._batches:
            raise ServerUnavailable("over")
        return self._batches.pop(0)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (WatchOptions(json=True), ["stream.gap"]),
        (WatchOptions(json=True, snapshot=True), ["snapshot.data", "stream.gap", "snapshot.data"]),
    ],
)
async def test_a_gap_is_told_in_json(options: WatchOptions, expected: list[str]) -> None:
    state = SnapshotData(epoch="e", seq=9, data=Tree(servers=[], sessions=[]))
    feed = ListedFeed([Gap(from_seq=1, to_seq=9, dropped=9), state])
    with piped() as reader:
        with pytest.raises(ServerUnavailable):
            await print_feed(feed, reader.output, options)
        found = [json.loads(await reader.line())["type"] for _ in expected]
    assert found == expected


async def test_a_gap_is_told_in_lines() -> None:
    with piped() as reader:
        feed = ListedFeed([Gap(from_seq=1, to_seq=9, dropped=9)])
        with pytest.raises(ServerUnavailable):
            await print_feed(feed, reader.output, WatchOptions())
        assert "9 events were lost" in await reader.line()


async def test_json_on_a_terminal_does_no_harm() -> None:
    hub = Hub()
    with hub.reader() as events:
        hub.move(events, frozenset({EVERYTHING}))
        hub.publish(line("\x9b2J\u202e"))
        hub.flush()
        batch = await events.receive()
    assert isinstance(batch, Batch)
    event = batch.events[0]
    master, slave = pty.openpty()
    reader = Reader(master, slave)
    assert reader.output.is_terminal
    feed = ListedFeed([Received(event.numbered, event.line)])
    with pytest.raises(ServerUnavailable):
        await print_feed(feed, reader.output, WatchOptions(json=True))
    text = await reader.line()
    assert "\x9b" not in text
    assert json.loads(text)["data"]["lines"] == ["\x9b2J\u202e"]
    reader.close()
    os.close(slave)


async def test_a_closed_pipe_is_noticed_without_writing() -> None:
    read, write = os.pipe()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Output(write).wait_closed)
        await trio.testing.wait_all_tasks_blocked(0.01)
        os.close(read)
    with pytest.raises(BrokenPipeError):
        await Output(write).write(b"x")
    os.close(write)


async def test_a_write_that_waits_stops_nobody() -> None:
    read, write = os.pipe()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Output(write).write, b"x" * (1 << 20))
        await trio.lowlevel.wait_readable(read)  # it has begun, and waits for a reader
        nursery.cancel_scope.cancel()
    assert nursery.cancel_scope.cancelled_caught
    os.close(read)
    os.close(write)


async def test_a_collector_that_fails_is_told_as_itself() -> None:
    async def collector(
        hub: Hub, settings: CollectSettings, *, task_status: trio.TaskStatus[None]
    ) -> None:
        raise TmuxNotFound("none")

    with pytest.raises(TmuxNotFound):
        async with open_embedded(SETTINGS, EVERYTHING, collector=collector):
            raise AssertionError


async def test_a_collector_that_never_looks_does_not_stop_the_start(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def collector(
        hub: Hub, settings: CollectSettings, *, task_status: trio.TaskStatus[None]
    ) -> None:
        await trio.sleep_forever()

    async with open_embedded(SETTINGS, EVERYTHING, collector=collector) as feed:
        assert feed.beginning.data.sessions == []
    assert autojump_clock.current_time() < 10


async def test_without_a_server_the_feed_is_our_own(tmp_path: Path) -> None:
    tmux = FakeTmux()
    source = Source(url=None, unix_socket=str(tmp_path / "none"), collect=SETTINGS)
    assert not source.has_server
    async with open_feed(source, EVERYTHING, collector=tmux) as feed:
        assert [one.name for one in feed.beginning.data.sessions] == ["a"]
    assert tmux.left


async def test_a_server_that_was_named_has_to_be_there() -> None:
    source = Source(url="ws://127.0.0.1:1/", unix_socket="", collect=SETTINGS)
    with pytest.raises(ServerUnavailable):
        async with open_feed(source, EVERYTHING):
            raise AssertionError


def test_names_of_sockets() -> None:
    tree = Tree(servers=[SERVER], sessions=[])
    assert names_of(tree, ("/s",)) == frozenset({"default"})
    assert names_of(tree, ("/s", "/t")) is None


def test_an_error_in_a_command_comes_out_as_itself() -> None:
    async def command() -> int:
        async with trio.open_nursery():
            raise TmuxNotFound("none")

    with pytest.raises(TmuxNotFound):
        run_async(command)


def test_a_signal_ends_a_command_after_it_cleaned_up() -> None:
    cleaned = []

    async def command() -> int:
        try:
            os.kill(os.getpid(), 2)
            await trio.sleep(60)
        finally:
            cleaned.append(True)
        return 0

    assert run_async(command) == 130
    assert cleaned
