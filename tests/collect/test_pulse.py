"""When a list is due, with a clock that jumps and files of our own in the place of `/proc`."""

from __future__ import annotations

import os

import pytest
import trio
import trio.testing

from tmuxpulse.collect import pulse as module
from tmuxpulse.collect.pulse import (
    CREDIT_SECONDS,
    DUTY,
    IDLE_SECONDS,
    LIKELY_SECONDS,
    LOOK_SECONDS,
    REFRESH_SECONDS,
    SAVED_SECONDS,
    SOON_LOOK_SECONDS,
    Pulse,
)


@pytest.fixture
def signs(tmp_path, monkeypatch):
    """Files for the two signs; `signs("ran", "2")` changes one."""

    def write(name, text):
        (tmp_path / name).write_text(text)

    write("ran", "1 1 1\n")
    write("terminals", "4\n")
    real = module._open
    names = {"/proc/7/schedstat": "ran", "/proc/sys/kernel/pty/nr": "terminals"}
    monkeypatch.setattr(module, "_open", lambda path: real(str(tmp_path / names[path])))
    return write


async def listed(pulse, seconds):
    pulse.begin()
    await trio.sleep(seconds)
    pulse.end()
    return trio.current_time()


async def test_a_quiet_server_is_listed_once_in_a_while(signs, autojump_clock):
    pulse = Pulse(7)
    ended = await listed(pulse, 0.001)
    await pulse.wait()
    assert trio.current_time() - ended == pytest.approx(IDLE_SECONDS, abs=LOOK_SECONDS)
    pulse.close()


async def test_a_server_that_ran_is_listed_whole_after_a_while(signs, autojump_clock):
    pulse = Pulse(7)
    ended = await listed(pulse, 0.001)
    signs("ran", "1 2 2\n")
    assert await pulse.wait() is False
    pulse.begin(whole=False)  # and it turns out that nothing changed but perhaps a pane's inside
    pulse.end()
    assert await pulse.wait() is True
    assert trio.current_time() - ended == pytest.approx(REFRESH_SECONDS, abs=LOOK_SECONDS)
    pulse.close()


async def test_a_server_that_ran_is_listed_soon(signs, autojump_clock):
    pulse = Pulse(7)
    await listed(pulse, 0.0001)
    await trio.sleep(0.1)
    signs("ran", "2 2 2\n")
    began = trio.current_time()
    await pulse.wait()
    assert trio.current_time() - began <= LOOK_SECONDS * 1.01
    pulse.close()


async def noticed(pulse, signs, ran):
    """How long it takes to notice that the server ran just after a look."""
    async with trio.open_nursery() as nursery:
        began = trio.current_time()
        nursery.start_soon(pulse.wait)
        await trio.testing.wait_all_tasks_blocked()
        signs("ran", f"{ran} 2 2\n")
    return trio.current_time() - began


async def test_after_a_change_the_next_one_is_noticed_sooner(signs, autojump_clock):
    pulse = Pulse(7)
    await listed(pulse, 0.0001)
    await trio.sleep(0.1)
    assert await noticed(pulse, signs, 2) == pytest.approx(LOOK_SECONDS)
    pulse.changed()
    await listed(pulse, 0.0001)
    assert await noticed(pulse, signs, 3) == pytest.approx(SOON_LOOK_SECONDS)
    await trio.sleep(LIKELY_SECONDS)
    await listed(pulse, 0.0001)
    assert await noticed(pulse, signs, 4) == pytest.approx(LOOK_SECONDS)
    pulse.close()


async def spend(pulse, signs, before, seconds):
    """A list that costs `seconds` of the server's processor time, after `before` of it."""
    signs("ran", f"{before * 10**9} 1 1\n")
    pulse.begin()
    signs("ran", f"{before * 10**9 + int(seconds * 1e9)} 1 2\n")
    pulse.end()
    return trio.current_time()


async def test_a_busy_server_is_not_made_busier_than_the_duty(signs, autojump_clock):
    pulse = Pulse(7)
    ended = await spend(pulse, signs, 1, SAVED_SECONDS + 0.006)
    signs("ran", "9000000000 2 9999\n")
    await pulse.wait()
    assert 0.006 / DUTY <= trio.current_time() - ended <= 0.006 / DUTY + 2 * LOOK_SECONDS
    pulse.close()


async def test_a_hint_and_a_new_terminal_do_not_wait_for_that(signs, autojump_clock):
    pulse = Pulse(7)
    ended = await spend(pulse, signs, 1, SAVED_SECONDS + 0.006)
    pulse.hint()
    await pulse.wait()
    assert trio.current_time() == ended
    ended = await spend(pulse, signs, 2, 0.006)
    signs("terminals", "5\n")
    await pulse.wait()
    assert trio.current_time() - ended <= LOOK_SECONDS * 1.01
    pulse.close()


async def test_hints_without_end_have_a_limit_too(signs, autojump_clock):
    pulse = Pulse(7)
    ended = await spend(pulse, signs, 1, SAVED_SECONDS + CREDIT_SECONDS + 0.006)
    pulse.hint()
    await pulse.wait()
    assert trio.current_time() - ended == pytest.approx(0.006 / DUTY, abs=LOOK_SECONDS * 1.01)
    pulse.close()


async def test_a_hint_during_a_list_asks_for_the_next_one(signs, autojump_clock):
    pulse = Pulse(7)
    pulse.begin()
    pulse.hint()
    pulse.end()
    began = trio.current_time()
    await pulse.wait()
    assert trio.current_time() - began < LOOK_SECONDS
    pulse.close()


async def test_what_a_list_itself_woke_is_no_sign(signs, autojump_clock):
    pulse = Pulse(7)
    pulse.begin()
    signs("ran", "3 3 3\n")
    pulse.end()
    ended = trio.current_time()
    await pulse.wait()
    assert trio.current_time() - ended >= REFRESH_SECONDS * 0.99
    pulse.close()


@pytest.mark.parametrize("content", ["0 0 0\n", ""])
async def test_where_the_kernel_does_not_count_lists_are_timed(signs, autojump_clock, content):
    signs("ran", content)
    pulse = Pulse(7)
    ended = await listed(pulse, 0.001)
    await pulse.wait()
    assert trio.current_time() - ended == pytest.approx(module.TIMED_SECONDS, abs=LOOK_SECONDS)
    pulse.close()


async def test_closing_twice_is_once(signs):
    pulse = Pulse(7)
    count = len(os.listdir("/proc/self/fd"))
    pulse.close()
    pulse.close()
    assert len(os.listdir("/proc/self/fd")) == count - 2
