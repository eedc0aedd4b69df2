"""How a dead pane's program ended, from real processes that nobody has waited for."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.collect.test_watch import listing, row
from tmuxpulse.collect.deaths import STATUS_SECONDS, Deaths, told, zombie_status

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="Linux tells of it")


@contextmanager
def zombie(command: str) -> Iterator[int]:
    """A process that has ended, and that its parent has not waited for."""
    with subprocess.Popen(["/bin/sh", "-c", command]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        yield process.pid


@needs_proc
@pytest.mark.parametrize(
    ("command", "status", "by"),
    [
        ("exit 0", 0, None),
        ("exit 7", 7, None),
        ("exit 255", 255, None),
        ("kill -9 $$", None, str(int(signal.SIGKILL))),
        ("kill -15 $$", None, str(int(signal.SIGTERM))),
    ],
)
def test_a_zombie_tells_how_it_ended(command, status, by):
    with zombie(command) as pid:
        found = told(row(pane_dead=True, pane_pid=pid))
    assert (found.pane_dead_status, found.pane_dead_signal) == (status, by)


def test_who_runs_or_is_gone_tells_nothing(tmp_path):
    alive = row(pane_dead=True, pane_pid=os.getpid())
    assert told(alive) is alive
    assert told(alive, tmp_path) is alive


@needs_proc
async def test_a_death_that_the_kernel_tells_of_is_not_held_back(autojump_clock):
    deaths = Deaths()
    with zombie("exit 3") as pid:
        dead = row(pane_dead=True, pane_pid=pid)
        shown = deaths.hold(listing(row(), dead))
        assert [one.pane_dead_status for one in shown.panes] == [None, 3]
        assert [one.pane_dead for one in shown.panes] == [False, True]


async def test_a_death_that_nobody_tells_of_is_held_back_for_a_moment(autojump_clock):
    deaths = Deaths()
    dead = row(pane_dead=True, pane_pid=os.getpid())
    assert deaths.hold(listing(dead)).panes[0].pane_dead is False
    await trio.sleep(STATUS_SECONDS)
    assert deaths.hold(listing(dead)).panes == (dead,)
    known = msgspec.structs.replace(dead, pane_dead_status=0)
    assert deaths.hold(listing(known)).panes == (known,)


@needs_proc
def test_the_lines_of_the_kernel():
    with zombie("exit 5") as pid:
        line = Path(f"/proc/{pid}/stat").read_bytes()
    assert zombie_status(line) == 5 << 8
    assert zombie_status(line.replace(b"(sh)", b"(a) Z 1 (\n)")) == 5 << 8
    assert zombie_status(line.replace(b" Z ", b" R ")) is None
    assert zombie_status(line[: len(line) // 2]) is None
    assert zombie_status(Path(f"/proc/{os.getpid()}/stat").read_bytes()) is None


@given(st.binary(max_size=300))
def test_garbage_is_nothing(stat):
    assert zombie_status(stat) is None or isinstance(zombie_status(stat), int)
