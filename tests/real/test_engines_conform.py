"""One test for all engines: whichever way tmux is watched, the same facts come in."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
import trio

from tests.real.harness import (
    WAIT_SECONDS,
    PrivateServer,
    RecordingSink,
    children,
    eventually,
    private_server,
)
from tmuxpulse.collect import pipe as pipe_module
from tmuxpulse.collect.control import ControlEngine
from tmuxpulse.collect.engine import Engine
from tmuxpulse.collect.groups import one_tmux_error
from tmuxpulse.collect.pipe import PipeEngine
from tmuxpulse.collect.poll import PollEngine
from tmuxpulse.collect.sockets import is_alive
from tmuxpulse.errors import TmuxUnavailable

STREAMING = ("control", "pipe")
ALL = (*STREAMING, "poll")

COUNT = "i=1; while [ $i -le 200 ]; do echo line-$i; i=$((i+1)); done"
COUNTED = b"".join(b"line-%d\r\n" % number for number in range(1, 201))


@pytest.fixture
def server() -> Iterator[PrivateServer]:
    with private_server() as lent:
        yield lent


async def make(name: str, server: PrivateServer) -> Engine:
    identity = await server.identity()
    if name == "control":
        return ControlEngine(server.tmux, identity)
    if name == "pipe":
        return PipeEngine(server.tmux, identity, runtime_dir=str(server.directory / "run"))
    return PollEngine(server.tmux, identity, interval_seconds=0.1)


async def settled(name: str, server: PrivateServer) -> None:
    """Wait until every session has its control client.

    Whatever tmux 3.3a announces while one is about to attach can crash it (a `new-session` 1 time
    in 25, a `kill-session` 2 times): that is tmux's, and no engine can help it.
    """

    async def all_attached() -> bool:
        clients = await server.run("list-clients", "-F", "#{session_id}")
        sessions = await server.run("list-sessions", "-F", "#{session_id}")
        return set(clients.split()) == set(sessions.split())

    if name == "control":
        await eventually(all_attached)


@asynccontextmanager
async def watched(name: str, server: PrivateServer) -> AsyncIterator[tuple[RecordingSink, Engine]]:
    """An engine at work, from its first listing on; cancelled at the end."""
    engine = await make(name, server)
    sink = RecordingSink()
    async with trio.open_nursery() as nursery:
        await nursery.start(engine.run, sink)
        assert sink.listings >= 1
        await settled(name, server)
        yield sink, engine
        nursery.cancel_scope.cancel()


async def streaming(sink: RecordingSink, *panes: str) -> None:
    await sink.wait_for(lambda sink: set(panes) <= sink.streaming)


# --- structure ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
async def test_the_first_listing_is_whole(
    name: str, server: PrivateServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")  # names come whole in any locale
    await server.new_session("one")
    await server.run("rename-window", "-t", "one:", "first")
    await server.run("new-window", "-d", "-t", "one:", "-n", "héllo 🚀", "cat")
    await server.run("split-window", "-d", "-t", "one:1", "cat")
    await server.new_session("two")
    async with watched(name, server) as (sink, _):
        assert sink.sessions() == {"one", "two"}
        assert sink.windows("one") == {0: "first", 1: "héllo 🚀"}
        assert sink.panes("one") == {"%0", "%1", "%2"}
        assert sink.clients() == []
        assert sink.row("%0").pane_width == 80


@pytest.mark.parametrize("name", ALL)
async def test_what_is_made_is_told(name: str, server: PrivateServer) -> None:
    await server.new_session("one")
    await server.new_session("far")
    async with watched(name, server) as (sink, _):
        await server.new_session("two")
        await sink.wait_for(lambda sink: sink.sessions() == {"one", "far", "two"})
        await settled(name, server)
        window = await server.run("new-window", "-d", "-P", "-F", "#{pane_id}", "-t", "one:", "cat")
        await sink.wait_for(lambda sink: window in sink.panes("one"))
        # Where no client of that session looks, control mode does not announce it.
        split = await server.run("split-window", "-d", "-P", "-F", "#{pane_id}", "-t", "far:")
        await sink.wait_for(lambda sink: split in sink.panes("far"))
        young = await server.run("split-window", "-d", "-P", "-F", "#{pane_id}", "-t", "two:")
        await sink.wait_for(lambda sink: young in sink.panes("two"))


@pytest.mark.parametrize("name", ALL)
async def test_new_names_are_told(name: str, server: PrivateServer) -> None:
    await server.new_session("one")
    async with watched(name, server) as (sink, _):
        await server.run("rename-session", "-t", "one", "a 'b' c")
        await sink.wait_for(lambda sink: sink.sessions() == {"a 'b' c"})
        await server.run("rename-window", "-t", "%0", "fresh\tname")
        await sink.wait_for(lambda sink: sink.row("%0").window_name.startswith("fresh"))


@pytest.mark.parametrize("name", ALL)
async def test_what_is_killed_is_told(name: str, server: PrivateServer) -> None:
    await server.new_session("one")
    await server.run("split-window", "-d", "-t", "one:0", "cat")
    await server.run("new-window", "-d", "-t", "one:", "cat")
    await server.new_session("two")
    async with watched(name, server) as (sink, _):
        assert sink.panes() == {"%0", "%1", "%2", "%3"}
        await server.run("kill-pane", "-t", "%1")
        await sink.wait_for(lambda sink: sink.panes() == {"%0", "%2", "%3"})
        await server.run("kill-window", "-t", "one:1")
        await sink.wait_for(lambda sink: sink.panes() == {"%0", "%3"})
        await server.run("kill-session", "-t", "two")
        await sink.wait_for(lambda sink: sink.panes() == {"%0"})


@pytest.mark.parametrize("name", ALL)
async def test_a_window_can_be_in_several_sessions(name: str, server: PrivateServer) -> None:
    await server.new_session("one")
    await server.new_session("two")
    async with watched(name, server) as (sink, _):
        await server.run("link-window", "-d", "-s", "one:0", "-t", "two:7")
        await sink.wait_for(lambda sink: sink.panes("two") == {"%0", "%1"})
        assert set(sink.windows("two")) == {0, 7}
        await server.run("new-session", "-d", "-s", "three", "-t", "two")
        await sink.wait_for(lambda sink: sink.panes("three") == {"%0", "%1"})
        await settled(name, server)
        await server.run("kill-session", "-t", "one")
        await sink.wait_for(lambda sink: sink.sessions() == {"two", "three"})
        assert sink.panes("two") == {"%0", "%1"}


@pytest.mark.parametrize("name", ALL)
async def test_moves_and_sizes_are_told(name: str, server: PrivateServer) -> None:
    await server.new_session("one")
    await server.run("new-window", "-d", "-t", "one:", "cat")
    await server.new_session("two")
    async with watched(name, server) as (sink, _):
        await server.run("move-window", "-d", "-s", "one:1", "-t", "two:5")
        await sink.wait_for(lambda sink: set(sink.windows("two")) == {0, 5})
        assert sink.panes("one") == {"%0"}
        await server.run("resize-window", "-t", "two:5", "-x", "100", "-y", "30")
        await sink.wait_for(lambda sink: sink.row("%1").pane_width == 100)
        assert sink.row("%0").pane_width == 80


@pytest.mark.parametrize("name", ALL)
async def test_other_clients_are_told_and_ours_are_not(name: str, server: PrivateServer) -> None:
    await server.new_session("one")
    async with watched(name, server) as (sink, _):
        if name in STREAMING:
            await streaming(sink, "%0")
        assert sink.clients() == []
        attach = server.tmux.argv("-C", "attach-session", "-t", "one")
        theirs = await trio.lowlevel.open_process(
            attach, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        await sink.wait_for(lambda sink: sink.clients() == [f"client-{theirs.pid}*"])
        assert theirs.stdin is not None
        await theirs.stdin.aclose()
        await sink.wait_for(lambda sink: sink.clients() == [])
        await theirs.wait()


@pytest.mark.parametrize("name", ALL)
async def test_goes_on_when_every_client_is_detached(name: str, server: PrivateServer) -> None:
    await server.new_session("one")
    async with watched(name, server) as (sink, _):
        if name in STREAMING:
            await streaming(sink, "%0")
        if name == "control":
            await server.run("detach-client", "-s", "one")
        await server.run("new-window", "-d", "-t", "one:", "cat")
        await sink.wait_for(lambda sink: sink.panes("one") == {"%0", "%1"})
        if name in STREAMING:
            await streaming(sink, "%0", "%1")


@pytest.mark.parametrize("name", ALL)
async def test_a_server_without_sessions_is_watched(name: str, server: PrivateServer) -> None:
    await server.new_session("one")
    await server.run("set-option", "-g", "exit-empty", "off")
    async with watched(name, server) as (sink, _):
        await settled(name, server)
        await server.run("kill-session", "-t", "one")
        await sink.wait_for(lambda sink: sink.last.panes == ())
        await server.new_session("two")
        await sink.wait_for(lambda sink: sink.sessions() == {"two"})
        await settled(name, server)


# --- output ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STREAMING)
async def test_output_comes_once_and_in_order(name: str, server: PrivateServer) -> None:
    await server.new_session("one", f"read go; {COUNT}; exec cat")
    await server.new_session("two")
    await server.run("link-window", "-d", "-s", "one:0", "-t", "two:7")
    await server.run("new-session", "-d", "-s", "three", "-t", "two")
    async with watched(name, server) as (sink, _):
        await streaming(sink, "%0", "%1")
        await server.run("send-keys", "-t", "%0", "Enter")
        await sink.wait_for(lambda sink: sink.outputs["%0"].endswith(b"line-200\r\n"))
        assert bytes(sink.outputs["%0"]) == b"\r\n" + COUNTED
        assert sink.outputs["%1"] == b""


@pytest.mark.parametrize("name", STREAMING)
async def test_a_new_window_is_heard_from_its_first_line(name: str, server: PrivateServer) -> None:
    await server.new_session("one")
    async with watched(name, server) as (sink, _):
        await streaming(sink, "%0")
        await server.run("new-window", "-d", "-t", "one:", f"{COUNT}; exec cat")
        await sink.wait_for(lambda sink: sink.outputs["%1"].endswith(b"line-200\r\n"))
        assert bytes(sink.outputs["%1"]) == COUNTED


@pytest.mark.parametrize("name", STREAMING)
async def test_a_moved_window_is_heard_again(name: str, server: PrivateServer) -> None:
    await server.new_session("one")
    await server.run("new-window", "-d", "-t", "one:", "cat")
    await server.new_session("two")
    async with watched(name, server) as (sink, _):
        await streaming(sink, "%1")
        await server.run("move-window", "-d", "-s", "one:1", "-t", "two:5")
        await sink.wait_for(lambda sink: "%1" in sink.panes("two"))
        await streaming(sink, "%1")
        await server.run("send-keys", "-t", "%1", "-l", "moved")
        await sink.wait_for(lambda sink: sink.outputs["%1"] == b"moved")


@pytest.mark.parametrize("name", STREAMING)
async def test_what_a_pane_says_last_is_a_beginning(
    name: str, server: PrivateServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it through a pipe; tmux may drop the end on its way to a control client."""
    # On a busy machine a pipe may end long after its pane.
    monkeypatch.setattr(pipe_module, "LAST_WORDS_SECONDS", WAIT_SECONDS)
    await server.new_session("one")
    await server.run("new-window", "-d", "-t", "one:", "read go; printf last; exit")
    async with watched(name, server) as (sink, _):
        await streaming(sink, "%1")
        await server.run("send-keys", "-t", "%1", "Enter")
        await sink.wait_for(lambda sink: sink.panes() == {"%0"})
        said = bytes(sink.outputs["%1"])
        assert said == b"\r\nlast" if name == "pipe" else b"\r\nlast".startswith(said)


@pytest.mark.parametrize("name", ALL)
async def test_screens_can_be_read(name: str, server: PrivateServer) -> None:
    await server.new_session("one", "printf 'a  b  \\n\\nçé🚀\\n'; exec cat")
    await server.run("split-window", "-d", "-t", "%0", "printf 'second\\n'; exec cat")
    await server.run("split-window", "-d", "-t", "%0", "cat")
    async with watched(name, server) as (_, engine):

        async def both_shown() -> bool:
            screens = await engine.capture(["%0", "%1"])
            return all(any(shown.rows) for shown in screens.values())

        await eventually(both_shown)
        await server.run("kill-pane", "-t", "%2")
        screens = await engine.capture(["%0", "%2", "%1", "%99"])
        assert set(screens) == {"%0", "%1"}
        shown = screens["%0"]
        assert shown.rows[:3] == ["a  b", "", "çé🚀"]
        assert (shown.cursor_row, shown.cursor_column, shown.alternate) == (3, 0, False)
        assert (shown.width, shown.height) == (80, len(shown.rows))
        assert screens["%1"].rows[0] == "second"
        assert not any(shown.rows[3:])
        assert await engine.capture([]) == {}
        assert await engine.capture(["%99"]) == {}


async def back_to(before: object) -> None:
    """Wait until there are those child processes only: a run of libtmux cannot be interrupted."""

    async def gone() -> bool:
        return children() == before

    await eventually(gone)


# --- the end -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
async def test_returns_when_the_server_is_killed(name: str, server: PrivateServer) -> None:
    await server.new_session("one")
    before = children()
    engine = await make(name, server)
    sink = RecordingSink()
    with trio.fail_after(WAIT_SECONDS):
        async with trio.open_nursery() as nursery:
            await nursery.start(engine.run, sink)
            await settled(name, server)
            server.kill()
    assert children() == before


@pytest.mark.parametrize("name", ALL)
async def test_returns_when_another_server_took_its_place(name: str, server: PrivateServer) -> None:
    await server.new_session("one")
    engine = await make(name, server)
    sink = RecordingSink()

    async def gone() -> bool:
        return not is_alive(server.tmux.socket)

    with trio.fail_after(WAIT_SECONDS):
        async with trio.open_nursery() as nursery:
            await nursery.start(engine.run, sink)
            await settled(name, server)
            server.kill()  # one that ends in order turns clients away first
            await eventually(gone)
            await server.new_session("other")
    assert sink.sessions() != {"other"}


@pytest.mark.parametrize("name", ALL)
async def test_nothing_is_left_behind(name: str, server: PrivateServer) -> None:
    await server.new_session("one")
    await server.new_session("two")
    before = children()
    async with watched(name, server) as (sink, _):
        if name in STREAMING:
            await streaming(sink, "%0", "%1")
    await back_to(before)
    assert await server.run("list-clients") == ""
    assert await server.run("list-sessions", "-F", "#{session_attached}") == "0\n0"
    assert await server.run("list-panes", "-a", "-F", "#{pane_pipe}") == "0\n0"
    assert await server.run("list-windows", "-a", "-F", "#{window_width}") == "80\n80"


@pytest.mark.parametrize("name", ALL)
async def test_nothing_is_left_behind_in_a_flood(name: str, server: PrivateServer) -> None:
    await server.new_session("one", "read go; exec yes")
    before = children()
    async with watched(name, server) as (sink, _):
        if name in STREAMING:
            await streaming(sink, "%0")
        await server.run("send-keys", "-t", "%0", "Enter")
        if name in STREAMING:
            await sink.wait_for(lambda sink: len(sink.outputs["%0"]) > 100_000)
        sessions = {"one"}
        if name != "control":  # a client that attaches in a flood can end the tmux server (3.3a)
            await server.new_session("two")
            sessions.add("two")
        await sink.wait_for(lambda sink: sink.sessions() == sessions)
        await settled(name, server)
    await back_to(before)
    assert await server.run("list-clients") == ""
    pipes = await server.run("list-panes", "-a", "-F", "#{pane_pipe}")
    assert pipes.split() == ["0"] * len(sessions)
    await server.end()


@pytest.mark.parametrize("name", ALL)
async def test_says_so_when_it_cannot_begin(name: str, server: PrivateServer) -> None:
    await server.new_session("one")
    engine = await make(name, server)
    await server.end()
    with pytest.raises(TmuxUnavailable), one_tmux_error():
        await engine.run(RecordingSink())


@pytest.mark.parametrize("name", ALL)
async def test_another_server_is_not_taken_for_ours(name: str, server: PrivateServer) -> None:
    await server.new_session("one")
    engine = await make(name, server)
    sink = RecordingSink()
    await server.end()
    await server.new_session("other")
    with pytest.raises(TmuxUnavailable), one_tmux_error():
        await engine.run(sink)
    assert sink.listings == 0
