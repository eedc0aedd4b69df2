"""What is told of calls; and that the host's calls are what they were."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import types
from collections.abc import Callable
from typing import Any

import pytest
import trio

from tmuxpulse.hooks import emits, instrument, report
from tmuxpulse.hooks.teller import Item, Teller


class Ears(Teller):
    """Keeps what it is told; no thread, no server."""

    def __init__(self) -> None:
        super().__init__()
        self.items: list[Item] = []
        self.silent = False

    @property
    def is_quiet(self) -> bool:
        return self.silent

    def tell(self, item: Item) -> None:
        self.items.append(item)

    @property
    def types(self) -> list[str]:
        return [item.event_type for item in self.items]

    def only(self) -> Item:
        (item,) = self.items
        return item


@pytest.fixture
def ears(monkeypatch: pytest.MonkeyPatch) -> Ears:
    monkeypatch.delenv("TMUXPULSE_EVENTS", raising=False)
    found = Ears()
    monkeypatch.setattr(report, "TELLER", found)
    return found


def test_a_call_is_told_with_how_it_ended_and_how_long_it_took(ears: Ears) -> None:
    @emits("task.assigned")
    def assign(task: str, *, agent: str = "a") -> str:
        """Assign."""
        return f"{task} to {agent}"

    assert assign("secret", agent="b") == "secret to b"
    item = ears.only()
    assert item.event_type == "custom.task.assigned"
    assert item.data.pop("duration_s") >= 0
    qualname = "test_a_call_is_told_with_how_it_ended_and_how_long_it_took.<locals>.assign"
    assert item.data == {"call": qualname, "outcome": "returned"}
    assert item.place == {}
    assert (assign.__name__, assign.__doc__) == ("assign", "Assign.")
    assert str(inspect.signature(assign)) == "(task: 'str', *, agent: 'str' = 'a') -> 'str'"


def test_what_is_raised_is_raised(ears: Ears) -> None:
    error = ValueError("secret")

    @emits("custom.x")
    def fail() -> None:
        raise error

    with pytest.raises(ValueError, match="secret") as caught:
        fail()
    assert caught.value is error
    data = ears.only().data
    assert (data["outcome"], data["error"]) == ("raised", "ValueError")
    assert "secret" not in str(data)


@pytest.mark.parametrize("end", [SystemExit, KeyboardInterrupt])
def test_an_end_of_the_program_is_not_held_up(ears: Ears, end: type[BaseException]) -> None:
    @emits("x")
    def leave() -> None:
        raise end

    with pytest.raises(end):
        leave()
    assert ears.only().data["outcome"] == "raised"


def test_arguments_are_told_by_name_only(ears: Ears) -> None:
    @emits("x", arguments=["task", "times", "missing"])
    def assign(agent: str, task: Any, times: int = 2, *more: str, **others: str) -> None:
        pass

    assign("a", "t")
    assign("a", task="t", times=3, other="secret")
    assign("a", "t", 4, "more")
    assert [item.data["arguments"] for item in ears.items] == [
        {"task": "t", "times": 2},
        {"task": "t", "times": 3},
        {"task": "t", "times": 4},
    ]


def test_what_is_told_of_an_argument_can_be_picked(ears: Ears) -> None:
    def wrong(_: object) -> str:
        raise LookupError("secret")

    @emits("x", arguments={"task": lambda task: task["id"], "agent": wrong})
    def assign(task: dict[str, int], agent: str) -> None:
        task.clear()

    assign({"id": 3}, "a")
    assert ears.only().data["arguments"] == {"task": 3, "agent": "<LookupError>"}


def test_where_it_happened_can_be_in_the_arguments(ears: Ears) -> None:
    @emits("x", place={"session": "name", "window": "index", "odd": "name"})
    def send(name: object, index: object = 0) -> None:
        pass

    send("api")
    send("api", 2)
    send(object(), "w")
    send(3)
    assert [item.place for item in ears.items] == [
        {"session": "api", "window": 0},
        {"session": "api", "window": 2},
        {"window": "w"},
        {"window": 0},
    ]


async def test_a_coroutine_is_told_when_it_has_ended(ears: Ears) -> None:
    @emits("x", arguments="n")
    async def work(n: int) -> int:
        await trio.lowlevel.checkpoint()
        return n + 1

    assert inspect.iscoroutinefunction(work)
    waiting = work(1)
    assert ears.items == []
    assert await waiting == 2
    assert ears.only().data["arguments"] == {"n": 1}


async def test_a_cancelled_coroutine_is_cancelled(ears: Ears) -> None:
    @emits("x")
    async def work() -> None:
        await trio.sleep_forever()

    with trio.CancelScope() as scope:
        scope.cancel()
        await work()
    assert scope.cancelled_caught
    assert ears.only().data["outcome"] == "cancelled"


def test_a_cancelled_task_of_asyncio_is_cancelled(ears: Ears) -> None:
    @emits("x")
    async def work() -> None:
        await asyncio.sleep(1000)

    async def main() -> None:
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert ears.only().data["outcome"] == "cancelled"


class Orchestrator:
    def __init__(self) -> None:
        self.started: list[str] = []

    def start(self, name: str) -> int:
        self.started.append(name)
        return len(self.started)

    @classmethod
    def made(cls) -> Orchestrator:
        return cls()

    @staticmethod
    def add(a: int, b: int) -> int:
        return a + b

    async def stop(self) -> str:
        return "stopped"

    @property
    def count(self) -> int:
        return len(self.started)

    class Inner:
        pass


class Other(Orchestrator):
    pass


def test_a_class_is_instrumented_and_put_back(ears: Ears) -> None:
    undo = instrument(Orchestrator, ["start", "made", "add", "stop"], arguments=["name", "a"])
    it = Orchestrator.made()
    assert isinstance(it, Orchestrator)
    assert (it.start("x"), it.add(1, 2), Orchestrator.add(3, 4)) == (1, 3, 7)
    assert asyncio.run(it.stop()) == "stopped"
    names = ["made", "start", "add", "add", "stop"]
    assert ears.types == [f"custom.Orchestrator.{name}" for name in names]
    assert [one.data.get("arguments") for one in ears.items] == [
        None, {"name": "x"}, {"a": 1}, {"a": 3}, None,
    ]  # fmt: skip
    undo()
    it.start("y")
    Orchestrator.add(1, 1)
    assert len(ears.items) == 5


def test_a_method_that_is_inherited_is_put_back_too(ears: Ears) -> None:
    undo = instrument(Other, {"start": "other.start"})
    assert Other().start("x") == 1
    Orchestrator().start("y")
    undo()
    assert "start" not in Other.__dict__
    assert ears.types == ["custom.other.start"]


def test_an_object_and_a_module_are_instrumented(ears: Ears) -> None:
    it, another = Orchestrator(), Orchestrator()
    module = types.ModuleType("pkg.tasks")
    vars(module)["run"] = lambda: 5
    undos = [instrument(it, "start"), instrument(module, ["run"])]
    it.start("x")
    another.start("x")
    assert module.run() == 5
    assert ears.types == ["custom.Orchestrator.start", "custom.tasks.run"]
    for undo in undos:
        undo()
    assert "start" not in vars(it)
    assert module.run() == 5
    assert len(ears.items) == 2


def test_what_is_told_of_already_is_told_once(ears: Ears) -> None:
    it = Orchestrator()
    instrument(it, ["start"])
    instrument(it, ["start"])
    emits("x")(it.start)("a")
    assert len(ears.items) == 1


class Slots:
    __slots__ = ()

    def work(self) -> None:
        pass


class Hostile:
    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(name)


@pytest.mark.parametrize(
    ("make", "methods"),  # pytest asks what it is given
    [
        (lambda: Orchestrator, ["nothing", "count", "Inner", "__doc__"]),
        (Slots, ["work"]),
        (Hostile, ["work"]),
        (lambda: int, ["bit_length"]),
        (lambda: None, ["x"]),
        (lambda: Orchestrator, 7),
        (lambda: Orchestrator, {"start": 7, "add": "no spaces"}),
    ],
)
def test_what_cannot_be_instrumented_is_left_with_a_warning(
    make: Callable[[], Any], methods: Any, ears: Ears, caplog: pytest.LogCaptureFixture
) -> None:
    before = dict(vars(Orchestrator))
    undo = instrument(make(), methods)
    assert {one.levelno for one in caplog.records} == {logging.WARNING}
    undo()
    assert dict(vars(Orchestrator)) == before


@pytest.mark.parametrize("event_type", ["", "a b", "custom.", "x" * 200, 7, None, "ä"])
def test_a_type_that_is_none_leaves_the_function(
    event_type: Any, ears: Ears, caplog: pytest.LogCaptureFixture
) -> None:
    def work() -> int:
        return 1

    assert emits(event_type)(work) is work
    assert "is not told of" in caplog.text


@pytest.mark.parametrize("function", [Orchestrator, 7, None, "text"])
def test_what_is_no_function_is_left(function: Any, ears: Ears) -> None:
    assert emits("x")(function) is function


@pytest.mark.parametrize(
    "function", [functools.partial(lambda _, b: b, 1), functools.lru_cache(lambda b: b), len, min]
)
def test_odd_functions_work(function: Any, ears: Ears) -> None:
    told = emits("x", arguments=["b"])(function)
    assert told((5,)) == function((5,))
    assert len(ears.items) == 1


def test_arguments_that_do_not_fit_are_the_hosts_error(ears: Ears) -> None:
    @emits("x", arguments=["a"])
    def work(a: int) -> int:
        return a

    with pytest.raises(TypeError, match="work"):
        work()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="work"):
        work(1, 2)  # type: ignore[call-arg]


def test_hostile_arguments_are_the_hosts_matter(ears: Ears) -> None:
    @emits("x", arguments=["a"], place={"session": "a"})
    def work(a: Any) -> Any:
        return a

    it = Hostile()
    assert work(it) is it
    assert ears.only().data["arguments"] == {"a": f"<{__name__}.Hostile>"}
    assert ears.only().place == {}


def test_deep_in_the_stack_nothing_is_raised(ears: Ears) -> None:
    deepest = 0

    @emits("x", arguments=["n"])
    def dive(n: int) -> None:
        nonlocal deepest
        deepest = n
        dive(n + 1)

    with pytest.raises(RecursionError):
        dive(0)
    assert deepest > 10


def test_where_nobody_hears_nothing_is_read(ears: Ears) -> None:
    ears.silent = True
    read: list[object] = []

    @emits("x", arguments={"a": read.append})
    def work(a: int) -> int:
        return a

    assert work(3) == 3
    assert (read, ears.items, ears.counts().unheard) == ([], [], 1)


@pytest.mark.parametrize("value", ["0", "false", "NO", "off"])
def test_off_is_off(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMUXPULSE_EVENTS", value)

    def work() -> None:
        pass

    assert emits("x")(work) is work
    before = vars(Orchestrator)["start"]
    instrument(Orchestrator, ["start"])()
    assert vars(Orchestrator)["start"] is before
