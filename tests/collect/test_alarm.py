"""Moments to wait for."""

from __future__ import annotations

import math

import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from tmuxpulse.collect.alarm import Alarm, Timetable


async def test_it_rings_when_it_was_set_for(autojump_clock: trio.testing.MockClock) -> None:
    alarm = Alarm()
    alarm.set(3.0)
    alarm.set(5.0)
    await alarm.wait()
    assert trio.current_time() == 3.0


async def test_it_is_brought_forward_while_somebody_waits(
    autojump_clock: trio.testing.MockClock,
) -> None:
    alarm = Alarm()
    rung: list[float] = []

    async def wait() -> None:
        for _ in range(2):
            await alarm.wait()
            rung.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        alarm.set(60.0)
        await trio.sleep(1)
        alarm.set(2.0)
        await trio.sleep(10)
        assert rung == [2.0]
        alarm.set(5.0)  # that has been
        await trio.testing.wait_all_tasks_blocked()
        assert rung == [2.0, 11.0]


async def test_unset_it_wakes_nobody(autojump_clock: trio.testing.MockClock) -> None:
    with trio.move_on_after(10_000) as scope:
        await Alarm().wait()
    assert scope.cancelled_caught


def test_a_timetable_gives_what_is_due_and_only_that() -> None:
    """Whatever is set, put off and taken away, each name comes once when its last moment has."""

    @given(st.lists(st.tuples(st.sampled_from("abc"), st.one_of(st.none(), st.integers(0, 9)))))
    def law(moves: list[tuple[str, int | None]]) -> None:
        trio.run(told_in_order, moves, clock=trio.testing.MockClock())

    law()


async def told_in_order(moves: list[tuple[str, int | None]]) -> None:
    table, model = Timetable(), dict[str, float]()
    for number, (name, at) in enumerate(moves):
        now = float(number // 3)  # three moves in each second
        if number % 3 == 0:
            due = {key: when for key, when in model.items() if when <= now}
            found = table.due(now)
            assert set(found) == due.keys()
            assert len(found) == len(due)
            for key in due:
                del model[key]
        if at is None:
            table.unset(name)
            model.pop(name, None)
        else:
            table.set(name, float(at))
            model[name] = float(at)
        assert table[name] == model.get(name, math.inf)


async def test_a_timetable_waits_for_the_first_moment_that_holds(
    autojump_clock: trio.testing.MockClock,
) -> None:
    table = Timetable()
    table.set("a", 3.0)
    table.set("b", 5.0)
    table.set("a", 60.0)
    found: list[str] = []
    while not found:
        await table.wait()
        found = table.due(trio.current_time())
    assert (found, trio.current_time()) == (["b"], 5.0)
    await table.wait()
    assert table.due(trio.current_time()) == ["a"]
    assert trio.current_time() == 60.0
