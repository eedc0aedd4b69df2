"""Panes by name, and the events of a feed: what `wait` makes of them."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import trio

from tests.cli.test_conditions import VIEW
from tmuxpulse.cli import wait as wait_command
from tmuxpulse.cli.conditions import parse
from tmuxpulse.cli.main import main
from tmuxpulse.cli.waiting import Wait, Wanted, targets_of
from tmuxpulse.client.incoming import Incoming, Received
from tmuxpulse.errors import UsageError
from tmuxpulse.events import (
    AgentStatus,
    Data,
    Event,
    PaneCreated,
    PaneOutput,
    PaneRemoved,
    Place,
    SessionRenamed,
)
from tmuxpulse.wire import (
    Gap,
    Numbered,
    PaneView,
    ServerView,
    SessionView,
    SnapshotData,
    Target,
    Tree,
    WindowView,
)

SERVER = ServerView(name="default", socket="/s", up=True)


def view(pane_id: str, status: str = "busy", index: int = 0) -> PaneView:
    active = index == 0
    return msgspec.structs.replace(VIEW, id=pane_id, status=status, index=index, active=active)


def tree(**sessions: list[PaneView]) -> Tree:
    """Sessions by name, each with one window with these panes."""
    views = [
        SessionView(
            server="default",
            id=f"${number}",
            name=name,
            attached=0,
            windows=[
                WindowView(
                    id=f"@{number}", index=0, name=f"w-{name}", active=True, layout="", panes=panes
                )
            ],
        )
        for number, (name, panes) in enumerate(sessions.items())
    ]
    return Tree(servers=[SERVER], sessions=views)


def state(seq: int = 10, **sessions: list[PaneView]) -> SnapshotData:
    return SnapshotData(epoch="e", seq=seq, data=tree(**sessions))


def place(pane_id: str, session: str = "build", index: int = 0) -> Place:
    return Place(
        server="default",
        session=session,
        session_id="$9",
        window=0,
        window_id="@9",
        window_name=f"w-{session}",
        pane=index,
        pane_id=pane_id,
    )


def received(seq: int, data: Data, pane_id: str = "%1", session: str = "build") -> Received:
    return Received(Numbered(seq, "t", Event(place(pane_id, session), data)), b"")


def status(name: str) -> AgentStatus:
    return AgentStatus(status=name, previous="busy")  # type: ignore[arg-type]


def made(pane_id: str, *, active: bool = True, command: str = "sh") -> PaneCreated:
    return PaneCreated(
        id=pane_id,
        index=0,
        active=active,
        command=command,
        pid=1,
        title="",
        path="/",
        width=80,
        height=24,
    )


class Script:
    """A feed that gives what it was given, at its time."""

    def __init__(self, beginning: SnapshotData, *items: tuple[float, Incoming]) -> None:
        self.beginning = beginning
        self.later = beginning
        self.looks = 0
        self._items = list(items)

    async def receive(self) -> list[Incoming]:
        if not self._items:
            await trio.sleep_forever()
        await trio.sleep_until(self._items[0][0])
        return [self._items.pop(0)[1]]

    async def look_again(self) -> SnapshotData:
        self.looks += 1
        await trio.lowlevel.checkpoint()
        return self.later


async def waited(
    script: Script,
    condition: str,
    *panes: str,
    every: bool = False,
    missing_ok: bool = False,
    seconds: float = 1000.0,
) -> Wait:
    wanted = Wanted(condition=parse(condition), every=every, missing_ok=missing_ok)
    found = Wait(wanted, targets_of(panes, None, {}), trio.current_time())
    with trio.move_on_after(seconds):
        await found.run(script, script.look_again)
    return found


async def test_what_is_so_already(autojump_clock):
    found = await waited(Script(state(build=[view("%1")])), "status == busy", "build")
    assert found.holds
    assert trio.current_time() == 0
    result = found.panes[0].result()
    assert (result.pane, result.session, result.by) == ("%1", "build", "state")


async def test_events_that_the_state_holds_already_are_not_seen_again(autojump_clock):
    script = Script(
        state(10, build=[view("%1")]),
        (1, received(9, status("ready"))),
        (2, received(11, PaneOutput(mode="append", lines=("x",)))),
        (3, received(12, status("error"))),
    )
    found = await waited(script, "status in (ready, error)", "build")
    assert (found.holds, trio.current_time()) == (True, 3)


async def test_another_panes_events_do_not_count(autojump_clock):
    script = Script(
        state(build=[view("%1"), view("%2", index=1)]),
        (1, received(11, status("ready"), "%2")),
        (2, received(12, status("ready"), "%1")),
    )
    assert (await waited(script, "status == ready", "build:0.0")).holds
    assert trio.current_time() == 2


@pytest.mark.parametrize(("every", "at"), [(False, 1), (True, 5)])
async def test_any_and_all(every, at, autojump_clock):
    script = Script(
        state(a=[view("%1")], b=[view("%2")]),
        (1, received(11, status("ready"), "%1")),
        (2, received(12, status("busy"), "%1")),
        (3, received(13, status("ready"), "%2")),
        (5, received(14, status("ready"), "%1")),
    )
    found = await waited(script, "status == ready", "a", "b", every=every)
    assert (found.holds, trio.current_time()) == (True, at)


async def test_a_pane_that_is_not_there(autojump_clock):
    found = await waited(Script(state(a=[view("%1")])), "status == ready", "b")
    assert (found.holds, found.missing) == (False, ["b"])


async def test_of_several_any_that_is_left_will_do(autojump_clock):
    script = Script(
        state(a=[view("%1")], b=[view("%2")]),
        (1, received(11, PaneRemoved(), "%1")),
        (2, received(12, status("ready"), "%2")),
    )
    assert (await waited(script, "status == ready", "a", "b")).holds


async def test_a_pane_that_goes_away(autojump_clock):
    for every in (True, False):
        script = Script(
            state(a=[view("%1")], b=[view("%2")]),
            (trio.current_time() + 1, received(11, PaneRemoved(), "%1")),
        )
        names = ("a", "b") if every else ("a",)
        found = await waited(script, "status == ready", *names, every=every)
        assert found.missing == ["a"]


async def test_a_pane_that_comes_with_its_first_words(autojump_clock):
    script = Script(
        state(a=[view("%1")]),
        (1, received(11, made("%7", active=False), "%7", "late")),
        (1, received(12, made("%8"), "%8", "late")),
        (1, received(13, PaneOutput(mode="append", lines=("hello",)), "%8", "late")),
    )
    found = await waited(script, "output ~ /hello/", "late", missing_ok=True)
    assert found.holds
    assert found.panes[0].result().pane == "%8"
    assert script.looks == 0


async def test_a_session_that_gets_the_name(autojump_clock):
    renamed = SessionRenamed(name="b", previous="a")
    script = Script(state(a=[view("%1", "ready")]), (1, received(11, renamed, "%1", "b")))
    script.later = state(11, b=[view("%1", "ready")])
    assert (await waited(script, "exists and status == ready", "b")).holds
    assert script.looks == 1


async def test_gone(autojump_clock):
    script = Script(state(a=[view("%1")]), (1, received(11, PaneRemoved(), "%1", "a")))
    assert (await waited(script, "gone", "a")).holds
    assert trio.current_time() == 1


async def test_idle_holds_by_time_alone(autojump_clock):
    script = Script(
        state(a=[view("%1")]), (3, received(11, PaneOutput(mode="append", partial="x"), "%1", "a"))
    )
    assert (await waited(script, "idle 5s", "a")).holds
    assert trio.current_time() == 8


async def test_after_a_gap_the_state_counts(autojump_clock, capsys):
    script = Script(
        state(a=[view("%1")]),
        (1, Gap(from_seq=11, to_seq=20, dropped=10)),
        (1, state(20, a=[view("%1", "ready")])),
    )
    assert (await waited(script, "status == ready", "a")).holds
    assert capsys.readouterr().err == ""
    script = Script(state(a=[view("%1")]), (2, Gap(from_seq=11, to_seq=20, dropped=10)))
    found = await waited(script, "output ~ /x/", "a", seconds=9)
    assert not found.holds
    assert "missed" in capsys.readouterr().err


async def test_a_name_that_fits_several(autojump_clock):
    both = state(a=[view("%1"), view("%2", index=0)])
    with pytest.raises(UsageError, match="2 panes"):
        await waited(Script(both), "exists", "a")


def test_what_a_name_may_mean() -> None:
    found = targets_of(["%3", "a:1.2", "a"], "default", {})
    assert found == [
        ("%3", [Target(server="default", pane="%3")]),
        ("a:1.2", [Target(server="default", session="a", window=1, pane=2)]),
        ("a", [Target(server="default", session="a"), Target(server="default", window="a")]),
    ]
    inside = {"TMUX": "/x/work,1,0", "TMUX_PANE": "%4"}
    assert targets_of([], None, inside)[0][0] == "%4"
    for wrong in (["a.b"], ["x"] * 65):
        with pytest.raises(UsageError):
            targets_of(wrong, None, {})
    with pytest.raises(UsageError, match="--pane"):
        targets_of([], None, {})


async def test_a_window_is_found_by_its_name(autojump_clock):
    found = await waited(Script(state(a=[view("%1")])), "exists", "w-a")
    assert found.holds


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["status = x", "--pane", "a"], "column 8"),
        (["exists", "--pane", "a", "--timeout", "soon"], "--timeout"),
        (["exists"], "--pane"),
        (["exists", "--any", "--all", "--pane", "a"], "not allowed"),
    ],
)
def test_what_is_wrong_is_usage(
    arguments: list[str], says: str, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    assert main(["wait", *arguments]) == 2
    assert says in capsys.readouterr().err


async def test_what_json_says(autojump_clock, capsys, monkeypatch):
    @asynccontextmanager
    async def open_feed(*_: object):
        yield Script(state(a=[view("%1")]), (2, received(11, status("ready"), "%1", "a")))

    monkeypatch.setattr(wait_command, "open_feed", open_feed)
    for condition, timeout, code in (
        ("status == ready", None, 0),
        ("status == error", 1.0, wait_command.TIMED_OUT),
    ):
        wanted = Wanted(condition=parse(condition))
        targets = targets_of(["a", "b"], None, {})
        found = await wait_command.wait(
            None,  # type: ignore[arg-type]  # no source is asked
            wanted,
            targets,
            timeout=timeout,
            as_json=True,
        )
        assert found == code
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["held"] is True
    assert [one["target"] for one in first["panes"]] == ["a"]
    assert first["panes"][0]["by"] == "agent.status"
    assert first["seconds"] == 2.0
    assert second["held"] is False
    assert [one["target"] for one in second["panes"]] == ["a", "b"]
