"""One moment to wait for."""

from __future__ import annotations

import trio
import trio.testing

from tmuxpulse.collect.alarm import Alarm


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
