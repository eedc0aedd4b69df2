"""What a program can ask of the three faces, against a scripted server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import trio

import tmuxpulse
from tests.conformance.scripted import ScriptedServer
from tests.imports import imported
from tmuxpulse.client import core
from tmuxpulse.client.async_monitor import AsyncMonitor
from tmuxpulse.errors import (
    EventsMissed,
    RequestError,
    ServerRefused,
    ServerUnavailable,
    TimedOut,
    UsageError,
)
from tmuxpulse.events import AgentStatus, PaneBell
from tmuxpulse.wire import SendText, Target

ROOT = Path(__file__).parents[2]
FACES = ("blocking", "trio", "asyncio")
TREE: dict[str, Any] = {
    "servers": [],
    "sessions": [{"server": "d", "id": "$1", "name": "api", "attached": 0, "windows": []}],
}
HEAR: dict[str, Any] = {"hear": {"action": "subscribe"}}
CONFIRM: dict[str, Any] = {"confirm": {"seq": 0}}
GREET: dict[str, Any] = {"greet": {}}


class Blocking:
    """The blocking face, made to look like the others."""

    def __init__(self, monitor: tmuxpulse.Monitor) -> None:
        self.monitor = monitor

    def events(self, **wanted: Any) -> AsyncIterator[tmuxpulse.Event]:
        found = self.monitor.events(**wanted)

        async def each() -> AsyncIterator[tmuxpulse.Event]:
            for event in found:
                yield event

        return each()

    def history(self, **wanted: Any) -> AsyncIterator[tmuxpulse.Event]:
        async def each() -> AsyncIterator[tmuxpulse.Event]:
            for event in self.monitor.history(**wanted):
                yield event

        return each()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def call(*arguments: Any, **fields: Any) -> Any:
            return getattr(self.monitor, name)(*arguments, **fields)

        return call


@asynccontextmanager
async def _blocking(**options: Any) -> AsyncIterator[Any]:
    with tmuxpulse.connect(**options) as monitor:
        yield Blocking(monitor)


def run(face: str, url: str, scene: Callable[[Any], Any], **options: Any) -> Any:
    """Run a scene, written for an asynchronous face, on any of them."""
    faces: dict[str, Callable[..., AbstractAsyncContextManager[Any]]] = {
        "blocking": _blocking,
        "trio": tmuxpulse.connect_trio,
        "asyncio": tmuxpulse.connect_asyncio,
    }

    async def whole() -> Any:
        async with faces[face](url=url, **options) as monitor:
            return await scene(monitor)

    if face == "trio":
        return trio.run(whole)
    if face == "asyncio":
        return asyncio.run(whole())
    coroutine = whole()  # nothing in it ever waits
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waited")


@pytest.fixture(params=FACES)
def face(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_request_and_its_answer(face: str) -> None:
    explanation = {
        "status": "busy",
        "since": "",
        "reason": "r",
        "rule": "",
        "evidence": "",
        "confidence": 1.0,
        "agent_type": None,
        "pending": None,
        "opinions": [],
        "matched": [],
        "known": [],
    }
    pane = {
        "id": "%1",
        "index": 0,
        "active": True,
        "command": "sh",
        "pid": 1,
        "title": "",
        "path": "/",
        "width": 80,
        "height": 24,
    }
    steps = [
        GREET,
        {"hear": {"action": "snapshot", "target": None}},
        {"say": {"type": "snapshot.data", "id": "$id", "epoch": "e1", "seq": 3, "data": TREE}},
        {"hear": {"action": "command", "command": "send-text", "text": "make", "enter": True}},
        {"say": {"type": "command.result", "id": "$id", "ok": True}},
        {"hear": {"command": "capture", "target": {"session": "api", "pane": 1}, "lines": 5}},
        {"say": {"type": "command.result", "id": "$id", "ok": True, "output": "text"}},
        {"hear": {"command": "kill-pane"}},
        {"say": {"type": "command.result", "id": "$id", "ok": False, "error": "no such pane"}},
        {"hear": {"action": "batch", "key": "k"}},
        {"say": {"type": "batch.result", "id": "$id", "results": [{"ok": True}]}},
        {"hear": {"action": "emit", "event": {"type": "custom.x", "data": {"n": 1}}}},
        {"say": {"type": "emit.accepted", "id": "$id", "seq": 9}},
        {"hear": {"action": "explain", "target": {"pane": "%1"}}},
        {
            "say": {
                "type": "explain.data",
                "id": "$id",
                "epoch": "e1",
                "seq": 9,
                "server": "d",
                "pane": pane,
                "explanation": explanation,
            }
        },
        {"hear": {"action": "snapshot"}},
        {"say": {"type": "error", "id": "$id", "code": "NOT_FOUND", "message": "no such session"}},
        {"hear": {"action": "snapshot"}},
        {"say": {"type": "error", "id": "$id", "code": "FORBIDDEN", "message": "needs `read`"}},
    ]

    async def scene(monitor: Any) -> None:
        tree = await monitor.snapshot()
        assert tree.sessions[0].name == "api"
        assert await monitor.command("send-text", pane="%1", text="make", enter=True) is None
        assert await monitor.command("capture", session="api", pane=1, lines=5) == "text"
        with pytest.raises(RequestError, match="no such pane") as failed:
            await monitor.command("kill-pane", pane="%9")
        assert failed.value.code == "COMMAND_FAILED"
        typed = SendText(text="x", target=Target(pane="%1"))
        [outcome] = await monitor.batch([typed, {"command": "interrupt", "pane": "%1"}], key="k")
        assert outcome.ok
        assert await monitor.emit("custom.x", {"n": 1}, session="api") == 9
        assert (await monitor.explain(pane="%1")).explanation.reason == "r"
        with pytest.raises(RequestError, match="no such session"):
            await monitor.snapshot(session="nope")
        with pytest.raises(ServerRefused, match="needs"):
            await monitor.snapshot()

    with ScriptedServer([{"steps": steps}]) as server:
        run(face, server.url, scene)
    assert [one for one in server.problems if "left in the middle" not in one] == []


def kept(seq: int) -> dict[str, Any]:
    return {"type": "pane.bell", "seq": seq, "timestamp": "t", "data": {}, "epoch": f"e{seq}"}


def test_history_hides_its_pages(face: str) -> None:
    page = {"type": "history.data", "id": "$id"}
    lost = {"epoch": "e0", "first": 5, "last": 9, "count": 5}
    steps = [
        GREET,
        {"hear": {"action": "history", "since": "2026-11-23T08:00:00Z", "newest_first": False}},
        {"say": {**page, "events": [kept(1), kept(2)], "cursor": "c", "lost": [lost]}},
        {"hear": {"action": "history", "cursor": "c"}},
        {"say": {**page, "events": [], "cursor": "d", "complete": False}},
        {"hear": {"action": "history", "cursor": "d"}},
        {"say": {**page, "events": [kept(3)], "cursor": None}},
        {"hear": {"action": "history", "limit": 2}},
        {"say": {**page, "events": [kept(1), kept(2), kept(3)], "cursor": "c"}},
    ]

    async def scene(monitor: Any) -> None:
        since = datetime(2026, 11, 23, 8, tzinfo=timezone.utc)
        found = [event async for event in monitor.history(since=since, types="pane.*")]
        assert [event.seq for event in found] == [4, 1, 2, 3]
        assert isinstance(found[0].data, tmuxpulse.Gap)
        assert [event.epoch for event in found[1:]] == ["e1", "e2", "e3"]
        assert len([event async for event in monitor.history(limit=2)]) == 2

    with ScriptedServer([{"steps": steps}]) as server:
        run(face, server.url, scene)
    assert server.heard[0]["filters"]["types"] == ["pane.*"]


def status(seq: int, now: str) -> dict[str, Any]:
    data = {"status": now, "previous": "busy"}
    return {"type": "agent.status", "seq": seq, "timestamp": "t", "session": "api", "data": data}


def test_wait_for(face: str) -> None:
    gap = {"type": "stream.gap", "from": 5, "to": 9, "dropped": 4}
    state = {"type": "snapshot.data", "epoch": "e1", "seq": 9, "data": TREE}
    unsubscribed = [{"hear": {"action": "unsubscribe"}}]
    steps = [
        *(GREET, HEAR, CONFIRM, {"say": [status(1, "busy"), status(2, "waiting")]}),
        *(*unsubscribed, HEAR, CONFIRM, {"say": [gap, state]}, *unsubscribed, HEAR, CONFIRM),
    ]

    async def scene(monitor: Any) -> None:
        found = await monitor.wait_for(lambda event: event.data.status == "waiting", timeout=20)
        match found.data:
            case AgentStatus(status="waiting", previous=before):
                assert (before, found.session, found.type) == ("busy", "api", "agent.status")
            case _:
                raise AssertionError(found)
        with pytest.raises(EventsMissed, match=r"agent\.status"):
            await monitor.wait_for(types=["agent.status"], timeout=20)
        with pytest.raises(TimedOut, match=r"0\.1 s"):
            await monitor.wait_for(statuses="error", timeout=0.1)

    with ScriptedServer([{"steps": steps}]) as server:
        run(face, server.url, scene)


def test_a_request_that_changes_nothing_is_asked_again_after_a_cut(face: str) -> None:
    first = [GREET, {"hear": {"action": "snapshot"}}, {"cut": True}]
    again = {"type": "snapshot.data", "id": "$id", "epoch": "e1", "seq": 3, "data": TREE}
    second = [GREET, {"hear": {"action": "snapshot"}}, {"say": again}, {"hear": {}}, {"cut": True}]

    async def scene(monitor: Any) -> None:
        assert (await monitor.snapshot()).sessions[0].name == "api"
        with pytest.raises(ServerUnavailable, match="not known"):
            await monitor.command("interrupt", pane="%1")

    with ScriptedServer([{"steps": first}, {"steps": second}, {"refuse": 403}]) as server:
        run(face, server.url, scene)


def test_a_filter_that_the_server_does_not_take(face: str) -> None:
    refusal = {"type": "error", "id": "$id", "code": "INVALID_FILTER", "message": "not a glob"}
    steps = [GREET, HEAR, {"say": refusal}, HEAR, CONFIRM, {"events": {"from": 1, "to": 1}}]

    async def scene(monitor: Any) -> None:
        with pytest.raises(RequestError, match="not a glob"):
            await monitor.wait_for(sessions="x")
        async for event in monitor.events(sessions="y"):
            assert isinstance(event.data, PaneBell)
            break

    with ScriptedServer([{"steps": steps}]) as server:
        run(face, server.url, scene)


def test_without_reconnecting_the_end_is_told_after_all_that_came(face: str) -> None:
    steps = [GREET, HEAR, CONFIRM, {"events": {"from": 1, "to": 3}}, {"close": [1001, "bye"]}]
    seen = []

    async def scene(monitor: Any) -> None:
        async for event in monitor.events():
            seen.append(event.seq)

    with (
        ScriptedServer([{"steps": steps}]) as server,
        pytest.raises(ServerUnavailable, match="bye"),
    ):
        run(face, server.url, scene, reconnect=False)
    assert seen == [1, 2, 3]


def test_a_server_that_falls_silent_is_left(face: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "PATIENCE_SECONDS", 5.0)
    silent = [{"greet": {"heartbeat_s": 0.5}}, HEAR, CONFIRM, {"hear": {"action": "ping"}}]
    resume = {"hear": {"action": "subscribe", "resume": {"epoch": "e1", "seq": 0}}}
    back = [GREET, resume, {"confirm": {"seq": 0, "recovered": True}}]
    states: list[str] = []

    async def scene(monitor: Any) -> None:
        assert (await monitor.wait_for(timeout=20)).seq == 1

    with ScriptedServer(
        [{"steps": silent}, {"steps": [*back, {"events": {"from": 1, "to": 1}}]}]
    ) as server:
        run(face, server.url, scene, on_state=lambda state: states.append(state.name))
    assert server.problems == []
    assert states[:5] == ["connecting", "open", "waiting", "connecting", "open"]


@pytest.mark.parametrize("face", ["trio", "asyncio"])
def test_cancelling_loses_no_event(face: str) -> None:
    batch = [{"events": {"from": at, "to": at}} for at in range(1, 41)]
    paced = [step for one in batch for step in (one, {"pause": 0.002})]

    async def wait(events: Any) -> Any:
        if face == "trio":
            with trio.move_on_after(0.001):
                return await events.__anext__()
            return None
        try:
            return await asyncio.wait_for(events.__anext__(), 0.001)
        except asyncio.TimeoutError:
            return None

    async def scene(monitor: Any) -> None:
        seen: list[int] = []
        async with monitor.events() as events:
            while len(seen) < 40:
                event = await wait(events)
                if event is not None:
                    seen.append(event.seq)
        assert seen == list(range(1, 41))

    with ScriptedServer([{"steps": [GREET, HEAR, CONFIRM, *paced]}]) as server:
        run(face, server.url, scene)


def test_the_page_in_the_docs_knows_every_name() -> None:
    page = (ROOT / "docs" / "reference" / "python.md").read_text()
    names = {*vars(tmuxpulse.Monitor), *tmuxpulse.Gap.__struct_fields__, *tmuxpulse.__all__}
    public = {name for name in names if not name.startswith("_")}
    public -= {"next_event", "AsyncioMonitor", "TrioMonitor", "Monitor"}
    assert {name for name in public if name not in page} == set()


def test_nobody_there(face: str, tmp_path: Path) -> None:
    with pytest.raises(ServerUnavailable, match="tmuxpulse serve"):
        run(face, "ws://127.0.0.1:1/", _nothing)


def test_what_makes_no_sense_is_said_at_once(face: str) -> None:
    async def scene(monitor: Any) -> None:
        for wrong in ({"statuses": "asleep"}, {"types": ["x" * 300]}):
            with pytest.raises(UsageError, match="filter"):
                monitor.events(**wrong)
        for name, fields in (
            ("explode", {}),
            ("send-text", {"txt": "x"}),
            ("capture", {"pane": []}),
        ):
            with pytest.raises(UsageError, match=name):
                await monitor.command(name, **fields)
        with pytest.raises(UsageError):
            await monitor.batch([{"pane": "%1"}])

    with ScriptedServer([{"steps": [GREET]}]) as server:
        run(face, server.url, scene)


async def _nothing(_: Any) -> None:
    raise AssertionError


# --- of one face only ----------------------------------------------------------------------------


def test_blocking_not_in_a_loop() -> None:
    async def connect() -> None:
        with pytest.raises(UsageError, match="connect_asyncio"):
            tmuxpulse.connect()

    asyncio.run(connect())

    async def connect_too() -> None:
        with pytest.raises(UsageError, match="connect_trio"):
            tmuxpulse.connect()

    trio.run(connect_too)


def test_blocking_not_in_two_threads_at_once() -> None:
    caught: list[BaseException] = []
    with (
        ScriptedServer([{"steps": [GREET, HEAR, CONFIRM, {"hear": {"action": "ping"}}]}]) as server,
        tmuxpulse.connect(url=server.url) as monitor,
    ):
        events = monitor.events()
        began = threading.Event()

        def wait() -> None:
            began.set()
            with pytest.raises(TimedOut):
                events.next(timeout=1)

        while not caught:  # or this thread had no turn while the other one waited
            began.clear()
            thread = threading.Thread(target=wait)
            thread.start()
            began.wait()
            while thread.is_alive() and not caught:
                try:
                    if monitor._lock.locked():
                        monitor.snapshot()
                except UsageError as error:
                    caught.append(error)
            thread.join()
    assert "another thread" in str(caught[0])


def test_blocking_gives_up_in_time() -> None:
    with (
        ScriptedServer([{"steps": [GREET, {"hear": {"action": "snapshot"}}]}]) as server,
        tmuxpulse.connect(url=server.url) as monitor,
    ):
        monitor._timeout = 0.1  # only now: to come in may take longer
        with pytest.raises(TimedOut, match=r"0\.1 s"):
            monitor.snapshot()
        with pytest.raises(TimedOut):
            monitor.events()
    with pytest.raises(UsageError, match="closed"):
        monitor.snapshot()


@pytest.mark.parametrize("face", ["trio", "asyncio"])
def test_not_in_another_loop(face: str) -> None:
    monitors: list[AsyncMonitor] = []

    async def scene(monitor: AsyncMonitor) -> None:
        monitors.append(monitor)

    with ScriptedServer([{"steps": [GREET]}]) as server:
        run(face, server.url, scene)
    for here in (trio.run, lambda call: asyncio.run(call())):
        with pytest.raises(UsageError, match="belongs to another"):
            here(monitors[0].snapshot)


@pytest.mark.parametrize("face", ["trio", "asyncio"])
def test_events_are_for_one_task(face: str) -> None:
    async def scene(monitor: AsyncMonitor) -> None:
        async with monitor.events() as events:
            events._subscription.is_waiting = True  # as if another task did
            with pytest.raises(UsageError, match="another task"):
                await events.__anext__()

    with ScriptedServer([{"steps": [GREET, HEAR, CONFIRM]}]) as server:
        run(face, server.url, scene)


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("import tmuxpulse; tmuxpulse.__version__", set()),
        ("import tmuxpulse; tmuxpulse.connect", {"msgspec", "wsproto", "h11"}),
        ("import tmuxpulse; tmuxpulse.connect_asyncio", {"msgspec", "wsproto", "h11"}),
        ("import tmuxpulse.client", set()),
    ],
)
def test_what_an_import_costs(code: str, allowed: set[str]) -> None:
    loaded = imported(code)
    tops = {name.partition(".")[0] for name in loaded}
    heavy = {"trio", "libtmux", "trio_websocket", "psutil", "wcwidth", "platformdirs", "ssl"}
    if "asyncio" in code:
        heavy.remove("ssl")  # asyncio itself wants it
    else:
        heavy.add("asyncio")
    assert tops & heavy == set()
    assert tops & {"msgspec", "wsproto", "h11"} <= allowed
    rooms = {name.split(".")[1] for name in loaded if name.startswith("tmuxpulse.")}
    assert rooms <= {"client", "wire", "events", "styles", "filters", "errors"}
