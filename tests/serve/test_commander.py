"""Commands: which pane is meant, who may, once per key, within a deadline."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from tests.serve.houses import Noted
from tests.sources import Behaviour, Told
from tmuxpulse.errors import RequestError, TmuxTimeout, TmuxUnavailable
from tmuxpulse.hub.hub import Hub
from tmuxpulse.serve.commander import MAX_RUNNING, Caller, Commander
from tmuxpulse.serve.grants import SCOPES
from tmuxpulse.serve.repeats import KEPT_SECONDS, MAX_KEPT, Repeats
from tmuxpulse.tmux import orders
from tmuxpulse.tmux.outcomes import Outcome
from tmuxpulse.wire import (
    AnyCommand,
    Batch,
    BatchResult,
    Capture,
    CommandResult,
    Interrupt,
    KillPane,
    NewWindow,
    PaneStatus,
    PaneView,
    Rename,
    Select,
    SendKeys,
    SendText,
    ServerView,
    SessionView,
    Split,
    Target,
    WindowView,
)

settled = trio.testing.wait_all_tasks_blocked
ALL = Caller(subject="token:a", client_id="c-1", scopes=frozenset(SCOPES))


def pane(number: int, index: int, *, active: bool) -> PaneView:
    return PaneView(
        id=f"%{number}", index=index, active=active, command="sh", pid=1, title="", path="/",
        width=80, height=24,
    )  # fmt: skip


def window(number: int, index: int, *panes: PaneView, active: bool = False) -> WindowView:
    return WindowView(
        id=f"@{number}", index=index, name=f"w{number}", active=active, layout="", panes=list(panes)
    )


LINKED = window(3, 7, pane(5, 0, active=True))
SESSIONS = [
    SessionView(
        server="default",
        id="$0",
        name="api",
        attached=0,
        windows=[
            window(1, 0, pane(1, 0, active=True), pane(2, 1, active=False)),
            window(2, 1, pane(3, 0, active=False), pane(4, 1, active=True), active=True),
            LINKED,
        ],
    ),
    SessionView(server="default", id="$1", name="web", attached=0, windows=[LINKED]),
]


def view_of(name: str) -> tuple[ServerView, list[SessionView]]:
    sessions = [msgspec.structs.replace(one, server=name) for one in SESSIONS]
    return ServerView(name=name, socket=f"/{name}", up=True), sessions


class World:
    """A hub with one or two tmux servers, and who commands them."""

    def __init__(self, *, servers: tuple[str, ...] = ("default",)) -> None:
        self.hub = Hub()
        self.noted = Noted()
        self.told = {name: Told(partial(view_of, name)) for name in servers}
        self.hub._sources.update(self.told)
        self.commander = Commander(self.hub.sources, self.noted)

    @property
    def performed(self) -> list[orders.Order]:
        return [order for run in self.told["default"].performed for order in run]

    async def run(self, request: AnyCommand | Batch, caller: Caller = ALL) -> object:
        return await self.commander.run(request, caller, self.hub)


BY_ID = Target(pane="%2")
GONE = Target(pane="%77")


@pytest.mark.parametrize(
    ("command", "order"),
    [
        (SendText(target=BY_ID, text="ls", enter=True), orders.SendText("%2", "ls", enter=True)),
        (SendKeys(target=BY_ID, keys=["C-c", "Up"]), orders.SendKeys("%2", ("C-c", "Up"))),
        (Interrupt(target=BY_ID), orders.Interrupt("%2")),
        (KillPane(target=BY_ID), orders.KillPane("%2")),
        (Capture(target=BY_ID, lines=10), orders.Capture("%2", lines=10)),
        (Capture(target=BY_ID, styled=True), orders.Capture("%2", styled=True)),
        (Split(target=BY_ID, direction="right"), orders.Split("%2", horizontal=True)),
        (Split(target=BY_ID, path="/tmp"), orders.Split("%2", horizontal=False, path="/tmp")),
        (Select(target=BY_ID), orders.Select(pane_id="%2")),
        (
            Select(target=Target(session="web", window=7)),
            orders.Select(window_id="@3", session_id="$1"),
        ),
        (Rename(target=Target(session="api"), name="x"), orders.RenameSession("$0", "x")),
        (Rename(target=Target(session="api", window=1), name="x"), orders.RenameWindow("@2", "x")),
        (Rename(target=Target(window="w1"), name="x"), orders.RenameWindow("@1", "x")),
        (NewWindow(target=Target(session="$1"), name="n"), orders.NewWindow("$1", name="n")),
        # Without a pane the active one, without a window the current one.
        (Interrupt(target=Target(session="api")), orders.Interrupt("%4")),
        (Interrupt(target=Target(session="api", window=0)), orders.Interrupt("%1")),
        (Interrupt(target=Target(session="api", pane=0)), orders.Interrupt("%3")),
        (Interrupt(target=Target(session="api", window="w1", pane="1")), orders.Interrupt("%2")),
        (Interrupt(target=Target(window="@3")), orders.Interrupt("%5")),  # shown by two, is one
    ],
)
async def test_what_is_meant_is_what_is_done(command: AnyCommand, order: orders.Order) -> None:
    world = World()
    answer = await world.run(msgspec.structs.replace(command, id=4))
    assert world.performed == [order]
    assert isinstance(answer, CommandResult)
    assert (answer.ok, answer.id) == (True, 4)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (Interrupt(), "INVALID_REQUEST"),
        (Interrupt(target=Target(server="default")), "INVALID_REQUEST"),
        (Interrupt(target=GONE), "NOT_FOUND"),
        (Interrupt(target=Target(server="other", pane="%1")), "NOT_FOUND"),
        (Interrupt(target=Target(window=7, pane="%1")), "NOT_FOUND"),
        (KillPane(target=Target(session="api")), "INVALID_REQUEST"),
        (SendText(target=BY_ID, text="\x1b"), "INVALID_REQUEST"),
        (SendKeys(target=BY_ID, keys=["kill-server"]), "INVALID_REQUEST"),
        (SendKeys(target=BY_ID, keys=[]), "INVALID_REQUEST"),
        (Interrupt(target=BY_ID, deadline_s=0), "INVALID_REQUEST"),
        (Interrupt(target=BY_ID, deadline_s=float("inf")), "INVALID_REQUEST"),
        (Interrupt(target=BY_ID, deadline_s=float("nan")), "INVALID_REQUEST"),
        (Interrupt(target=BY_ID, key=""), "INVALID_REQUEST"),
        (Interrupt(target=BY_ID, key="x" * 200), "INVALID_REQUEST"),
        (Batch(commands=[]), "INVALID_REQUEST"),
        (Batch(commands=[Interrupt(target=BY_ID)] * 65), "INVALID_REQUEST"),
        (Batch(commands=[Interrupt(target=BY_ID, key="k")]), "INVALID_REQUEST"),
        (
            Batch(commands=[Interrupt(target=BY_ID), Interrupt(target=Target(pane="%9"))]),
            "NOT_FOUND",
        ),
    ],
)
async def test_what_is_refused_is_not_done(command: AnyCommand | Batch, code: str) -> None:
    world = World()
    with pytest.raises(RequestError) as refused:
        await world.run(command)
    assert refused.value.code == code
    assert world.performed == []
    assert world.noted.entries == []


async def test_of_two_servers_one_has_to_be_named() -> None:
    world = World(servers=("default", "work"))
    with pytest.raises(RequestError, match=r"default %2, work %2.*say which"):
        await world.run(Interrupt(target=BY_ID))
    await world.run(Interrupt(target=Target(server="work", pane="%2")))
    assert world.told["work"].performed == [[orders.Interrupt("%2")]]
    both: list[AnyCommand] = [
        Interrupt(target=Target(server=name, pane="%2")) for name in ("default", "work")
    ]
    with pytest.raises(RequestError, match="one tmux server"):
        await world.run(Batch(commands=both))


async def test_a_batch_is_one_run_and_ends_at_its_first_failure() -> None:
    world = World()
    world.told["default"].behave = _fails_at(2)
    answer = await world.run(
        Batch(
            id="b",
            commands=[
                PaneStatus(target=BY_ID),
                SendText(target=BY_ID, text="a"),
                Interrupt(target=BY_ID),
                PaneStatus(target=BY_ID),
                Interrupt(target=BY_ID),
            ],
        )
    )
    assert isinstance(answer, BatchResult)
    assert answer.id == "b"
    assert [one.ok for one in answer.results] == [True, True, False, False, False]
    assert answer.results[0].output["id"] == "%2"
    assert answer.results[2].error == "can't find pane"
    assert "not run" in str(answer.results[4].error)


def _fails_at(number: int) -> Behaviour:
    async def perform(wanted: Sequence[orders.Order], seconds: float) -> list[Outcome]:
        assert seconds > 0
        return [
            Outcome(ok=True)
            if at < number
            else Outcome(ok=False, error="can't find pane" if at == number else "not run")
            for at in range(1, len(wanted) + 1)
        ]

    return perform


async def test_what_was_made_can_be_named_at_once(autojump_clock: MockClock) -> None:
    """The answer waits for the state; but not for ever."""
    world = World()
    told = world.told["default"]
    for pane_id, waits in (("%5", False), ("%99", True)):
        told.outcome = Outcome(ok=True, output=f"$0 @3 {pane_id}")
        began = trio.current_time()
        await world.run(NewWindow(target=Target(session="api")))
        assert (trio.current_time() - began >= 1) is waits


async def test_the_state_answers_a_status_and_tmux_is_not_asked() -> None:
    world = World()
    answer = await world.run(PaneStatus(target=Target(session="api")))
    assert isinstance(answer, CommandResult)
    assert answer.output["id"] == "%4"
    assert world.told["default"].performed == []


async def test_scopes_are_asked_for_each_command_of_a_batch() -> None:
    world = World()
    reader = Caller(
        subject="t", client_id="c", scopes=frozenset({"read", "output"}), why_not="commands are off"
    )
    await world.run(Batch(commands=[PaneStatus(target=BY_ID), Capture(target=BY_ID)]), reader)
    with pytest.raises(RequestError, match="interrupt needs `write`: commands are off"):
        await world.run(Batch(commands=[PaneStatus(target=BY_ID), Interrupt(target=BY_ID)]), reader)


async def test_each_command_is_written_down_and_nothing_that_was_typed() -> None:
    world = World()
    await world.run(SendText(target=BY_ID, text="canary", enter=True))
    await world.run(SendKeys(target=BY_ID, keys=["c", "a", "n"]))
    (_, text), (_, keys) = world.noted.entries
    assert text == {
        "who": "token:a",
        "client": "c-1",
        "command": "send-text",
        "server": "default",
        "target": "%2",
        "ok": True,
        "characters": 6,
    }
    assert keys["keys"] == 3
    assert "canary" not in str(world.noted.entries)


async def test_trouble_with_tmux_is_told() -> None:
    world = World()

    async def away(wanted: Sequence[orders.Order], seconds: float) -> list[Outcome]:
        raise TmuxUnavailable("no tmux server on /s", socket="/s")

    async def hangs(wanted: Sequence[orders.Order], seconds: float) -> list[Outcome]:
        raise TmuxTimeout("no answer", seconds=seconds)

    world.told["default"].behave = away
    with pytest.raises(RequestError) as refused:
        await world.run(Interrupt(target=BY_ID, key="k"))
    assert (refused.value.code, refused.value.retryable) == ("UNAVAILABLE", True)
    world.told["default"].behave = hangs
    answer = await world.run(Interrupt(target=BY_ID, key="k"))
    assert isinstance(answer, CommandResult)
    assert "may have been done" in str(answer.error)
    del world.hub._sources["default"]
    world.hub._sources["other"] = Told(world.told["default"].view)  # its source is gone, not it
    with pytest.raises(RequestError, match="not watched"):
        await world.run(Interrupt(target=BY_ID))


async def test_what_is_not_begun_by_its_deadline_never_is(autojump_clock: MockClock) -> None:
    world = World()
    go = trio.Event()

    async def slow(wanted: Sequence[orders.Order], seconds: float) -> list[Outcome]:
        world.told["default"].performed.append(list(wanted))
        await go.wait()
        return [Outcome(ok=True)]

    world.told["default"].behave = slow
    async with trio.open_nursery() as nursery:
        for _ in range(MAX_RUNNING):
            nursery.start_soon(world.run, Interrupt(target=BY_ID, deadline_s=60))
        await settled()
        began = trio.current_time()
        with pytest.raises(RequestError, match="before it was begun"):
            await world.run(KillPane(target=BY_ID, deadline_s=2))
        assert trio.current_time() - began == pytest.approx(2)
        go.set()
    assert orders.KillPane("%2") not in world.performed


# --- once per key ---------------------------------------------------------------------------


async def test_a_repeat_is_answered_and_not_done_again() -> None:
    world = World()
    request = SendText(id=1, target=BY_ID, text="rm", key="k")
    first = await world.run(request)
    again = await world.run(msgspec.structs.replace(request, id=2))
    assert len(world.performed) == 1
    assert isinstance(first, CommandResult)
    assert again == msgspec.structs.replace(first, id=2)
    await world.run(request, msgspec.structs.replace(ALL, subject="token:b"))  # another's key
    assert len(world.performed) == 2
    with pytest.raises(RequestError, match="another request"):
        await world.run(SendText(target=BY_ID, text="other", key="k"))


async def test_a_repeat_waits_for_the_first() -> None:
    world = World()
    go = trio.Event()

    async def slow(wanted: Sequence[orders.Order], seconds: float) -> list[Outcome]:
        await go.wait()
        world.told["default"].performed.append(list(wanted))
        return [Outcome(ok=True)]

    world.told["default"].behave = slow
    answers: list[object] = []

    async def run() -> None:
        answers.append(await world.run(Interrupt(target=BY_ID, key="k")))

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(run)
        await settled()
        go.set()
    assert len(world.performed) == 1
    assert len(answers) == 5


async def test_what_was_cut_short_is_not_done_again() -> None:
    world = World()

    async def hang(wanted: Sequence[orders.Order], seconds: float) -> list[Outcome]:
        world.told["default"].performed.append(list(wanted))
        await trio.sleep_forever()
        raise AssertionError

    world.told["default"].behave = hang
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.run, Interrupt(target=BY_ID, key="k"))
        await settled()
        nursery.cancel_scope.cancel()  # its connection broke
    answer = await world.run(Interrupt(target=BY_ID, key="k"))
    assert isinstance(answer, CommandResult)
    assert (answer.ok, len(world.performed)) == (False, 1)
    assert "may have been done" in str(answer.error)


async def test_keys_are_forgotten_after_a_while_and_in_number(autojump_clock: MockClock) -> None:
    repeats = Repeats()
    done = 0

    async def run() -> CommandResult:
        nonlocal done
        done += 1
        return CommandResult(ok=True)

    unknown = CommandResult(ok=False)
    for number in range(MAX_KEPT * 2):
        request = Interrupt(target=BY_ID, key=str(number))
        await repeats.once("a", request, run, unknown)
    assert len(repeats._kept) <= MAX_KEPT + 1
    last = Interrupt(target=BY_ID, key=str(MAX_KEPT * 2 - 1))
    await repeats.once("a", last, run, unknown)
    assert done == MAX_KEPT * 2
    await trio.sleep(KEPT_SECONDS + 1)
    await repeats.once("a", last, run, unknown)
    assert done == MAX_KEPT * 2 + 1
