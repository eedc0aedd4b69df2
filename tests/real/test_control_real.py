"""What only the control engine does: pauses, clients moved or killed, programs that hang."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from tests.real.harness import (
    PrivateServer,
    RecordingSink,
    children,
    eventually,
    private_server,
)
from tmuxpulse.collect import connection as connection_module
from tmuxpulse.collect.command import Identity, Tmux
from tmuxpulse.collect.connection import Connection
from tmuxpulse.collect.control import ControlEngine, is_mended
from tmuxpulse.errors import (
    ControlBroken,
    TmuxCommandFailed,
    TmuxNotFound,
    TmuxTimeout,
    TmuxTooOld,
    TmuxUnavailable,
)
from tmuxpulse.tmux.notifications import Notification


@pytest.fixture
def server() -> Iterator[PrivateServer]:
    with private_server() as lent:
        yield lent


async def attached(server: PrivateServer) -> dict[str, str]:
    """Our clients by session."""
    rows = (await server.run("list-clients", "-F", "#{session_name} #{client_name}")).splitlines()
    return dict(row.split(" ", 1) for row in rows)


async def watch(nursery: trio.Nursery, server: PrivateServer, sessions: int) -> RecordingSink:
    """Start the engine; return when each session has its client and each pane streams."""
    sink = RecordingSink()
    await nursery.start(ControlEngine(server.tmux, await server.identity()).run, sink)

    async def complete() -> bool:
        return len(await attached(server)) == sessions

    await eventually(complete)
    await sink.wait_for(lambda sink: sink.streaming == sink.panes())
    return sink


async def test_a_paused_pane_is_continued(server: PrivateServer) -> None:
    await server.new_session("one")
    async with trio.open_nursery() as nursery:
        sink = await watch(nursery, server, 1)
        (client,) = (await attached(server)).values()
        await server.run("refresh-client", "-t", client, "-A", "%0:pause")
        await sink.wait_for(lambda sink: sink.said == [("%0", True), ("%0", False), ("%0", True)])
        await server.run("send-keys", "-t", "%0", "-l", "again")
        await sink.wait_for(lambda sink: sink.outputs["%0"] == b"again")
        nursery.cancel_scope.cancel()


async def test_a_client_that_tmux_moved_is_let_go(server: PrivateServer) -> None:
    await server.new_session("one")
    await server.new_session("two")
    await server.run("set-option", "-g", "detach-on-destroy", "off")
    async with trio.open_nursery() as nursery:
        sink = await watch(nursery, server, 2)
        theirs = (await attached(server))["two"]
        await server.run("kill-session", "-t", "one")

        async def only_one() -> bool:
            return await server.run("list-clients", "-F", "#{client_name}") == theirs

        await eventually(only_one)
        await server.run("send-keys", "-t", "%1", "-l", "once")
        await sink.wait_for(lambda sink: len(sink.outputs["%1"]) >= len(b"once"))
        assert sink.outputs["%1"] == b"once"
        assert ("%1", False) not in sink.said
        nursery.cancel_scope.cancel()


async def test_a_client_that_somebody_switched_comes_back(server: PrivateServer) -> None:
    await server.new_session("one")
    await server.new_session("two")
    async with trio.open_nursery() as nursery:
        sink = await watch(nursery, server, 2)
        ours = await attached(server)
        await server.run("switch-client", "-c", ours["one"], "-t", "two")
        await sink.wait_for(lambda sink: ("%0", False) in sink.said)
        await sink.wait_for(lambda sink: sink.streaming == {"%0", "%1"})
        now = await attached(server)
        assert now["two"] == ours["two"]
        assert now["one"] != ours["one"]
        nursery.cancel_scope.cancel()


async def test_our_clients_disturb_as_little_as_they_can(server: PrivateServer) -> None:
    await server.new_session("one")
    async with trio.open_nursery() as nursery:
        await watch(nursery, server, 1)
        flags = await server.run("list-clients", "-F", "#{client_flags}")
        assert {"ignore-size", "read-only", "pause-after=1"} <= set(flags.split(","))
        nursery.cancel_scope.cancel()


async def test_a_linked_window_is_heard_through_the_client_that_remains(
    server: PrivateServer,
) -> None:
    await server.new_session("one")
    await server.new_session("two")
    await server.run("link-window", "-d", "-s", "one:0", "-t", "two:7")
    async with trio.open_nursery() as nursery:
        sink = await watch(nursery, server, 2)
        await server.run("kill-session", "-t", "one")
        await sink.wait_for(lambda sink: sink.sessions() == {"two"})

        async def heard() -> bool:
            await server.run("send-keys", "-t", "%0", "-l", "x")
            return bool(sink.outputs["%0"])

        await eventually(heard)
        # Either client may have been the one that heard it. If it was the one that went, the change
        # may have lost something, so it is said.
        said = [on for pane, on in sink.said if pane == "%0"]
        assert said in ([True], [True, False, True])
        assert set(sink.outputs["%0"]) == set(b"x")
        nursery.cancel_scope.cancel()


async def test_a_killed_client_is_replaced(server: PrivateServer) -> None:
    await server.new_session("one")
    before = children()
    async with trio.open_nursery() as nursery:
        sink = await watch(nursery, server, 1)
        (client,) = children() - before
        os.kill(client, signal.SIGKILL)
        await sink.wait_for(lambda sink: sink.said == [("%0", True), ("%0", False), ("%0", True)])
        assert sink.clients() == []
        nursery.cancel_scope.cancel()
    assert children() == before


async def test_a_release_without_the_flags_is_refused() -> None:
    old = ControlEngine(Tmux("tmux", "/nowhere"), Identity(1, 1, "3.1c"))
    with pytest.raises(TmuxTooOld):
        await old.run(RecordingSink())


@pytest.mark.parametrize(
    ("version", "mended"),
    [("3.2", False), ("3.3a", False), ("3.7c", False), ("3.8", True), ("master", True)],
)
def test_control_mode_is_safe_only_after_the_last_crashing_release(
    version: str, mended: bool
) -> None:
    assert is_mended(Identity(1, 1, version).release) is mended


# --- one client, with programs that are not tmux -----------------------------------------------


class Heard(list[Notification]):
    """Collects notifications."""


async def listen(program: Path | str, heard: Heard) -> None:
    before = children()
    try:
        await Connection(Tmux(str(program), "/nowhere"), "$0", heard.append).listen(lambda: None)
    finally:
        assert children() == before


def script(tmp_path: Path, body: str) -> Path:
    path = tmp_path / "not-tmux"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o700)
    return path


async def test_a_program_that_says_nothing_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(connection_module, "END_SECONDS", 0.1)
    with pytest.raises(TmuxTimeout):
        await listen(script(tmp_path, "exec sleep 60"), Heard())


async def test_a_refusal_says_why(tmp_path: Path) -> None:
    said = "%begin 1 1 0\\nno such session\\n%error 1 1 0\\n%exit\\n".replace("%", "%%")
    with pytest.raises(TmuxCommandFailed, match="no such session"):
        await listen(script(tmp_path, f"read hello; printf '{said}'"), Heard())


async def test_an_answer_nobody_asked_for_breaks_it(tmp_path: Path) -> None:
    block = "echo %begin 1 1 1; echo %end 1 1 1"
    with pytest.raises(ControlBroken):
        await listen(script(tmp_path, f"read hello; {block}; {block}; cat >/dev/null"), Heard())


async def test_what_was_heard_before_a_break_is_told(tmp_path: Path) -> None:
    heard = Heard()
    with pytest.raises(ControlBroken):
        await listen(
            script(tmp_path, "printf '%%window-add @1\\n%%end 1 1 1\\n'; cat >/dev/null"), heard
        )
    assert len(heard) == 1


async def test_a_missing_program_is_named() -> None:
    with pytest.raises(TmuxNotFound):
        await listen("/nowhere/tmux", Heard())


async def test_commands_over_a_client(server: PrivateServer) -> None:
    await server.new_session("one")
    client = Connection(server.tmux, "$0", Heard().append)
    assert not client.ready
    with pytest.raises(TmuxUnavailable):
        await client.run(["list-windows"])
    ready = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.listen, ready.set)
        await ready.wait()
        # More than the pipe to the client holds, and one answer given up on in between.
        with trio.move_on_after(0):
            await client.run(["display-message -p given-up"])
        many = [f"display-message -p '{number} {'x' * 200}'" for number in range(1000)]
        answer = await client.run(many)
        assert [line.split()[0] for line in answer.splitlines()] == [
            b"%d" % number for number in range(1000)
        ]
        assert await client.run(["nonsense", "display-message -p next"]) == b"next\n"
        with pytest.raises(TmuxCommandFailed, match="unknown command"):
            await client.run(["nonsense"], check=True)
        client.close()
    assert not client.ready
    with pytest.raises(TmuxUnavailable):
        await client.run(["list-windows"])


async def test_whoever_waits_when_a_client_ends_is_told(tmp_path: Path) -> None:
    leaving = script(tmp_path, "read hello; printf '%%begin 1 1 1\\n%%end 1 1 1\\n'; read more")
    client = Connection(Tmux(str(leaving), "/nowhere"), "$0", Heard().append)
    ready = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.listen, ready.set)
        await ready.wait()
        with pytest.raises(TmuxUnavailable):
            await client.run(["list-windows"])
