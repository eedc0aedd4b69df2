"""Real processes of our own; and those that vanish, or cannot be seen."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from tmuxpulse.collect import processes
from tmuxpulse.collect.processes import look, tree
from tmuxpulse.collect.stats import Meter

NOBODY = 2**22 + 7  # above the largest id of a process


@pytest.fixture
def family() -> Iterator[subprocess.Popen[bytes]]:
    """A shell with a child that has a child."""
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    process = subprocess.Popen(
        ["sh", "-c", f'{sys.executable} -c "{code}"; true'],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    while len(psutil.Process(process.pid).children(recursive=True)) < 2:  # it starts
        assert process.poll() is None
    yield process
    os.killpg(process.pid, 9)
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


def test_a_family(family: subprocess.Popen[bytes]) -> None:
    found = look({"%1": family.pid, "%2": NOBODY})
    assert list(found) == ["%1"]
    assert len(found["%1"].children) == 2
    assert all(child.name.startswith("python") for child in found["%1"].children)
    assert all(child.state in "RSD" for child in found["%1"].children)
    assert found["%1"].program == ""


@pytest.mark.parametrize("quick", [True, False])
def test_both_ways_to_the_children_agree(
    family: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, *, quick: bool
) -> None:
    monkeypatch.setattr(processes, "_tells_children", lambda _: quick)
    root = psutil.Process(family.pid)
    pids = [process.pid for process in tree(root)]
    assert pids[0] == family.pid
    assert set(pids[1:]) == {child.pid for child in root.children(recursive=True)}


def test_processes_that_vanish_in_between_are_left_out(
    family: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = processes._children  # what the system answers
    monkeypatch.setattr(processes, "_children", lambda pid: [NOBODY, *real(pid)])
    assert len(look({"%1": family.pid})["%1"].children) == 2

    def gone(pid: int) -> bool:
        raise FileNotFoundError(pid)

    monkeypatch.setattr(processes, "_is_in_foreground", gone)
    assert look({"%1": family.pid})["%1"].children == ()


def test_without_psutil_nothing_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert look({"%1": os.getpid()}) == {}
    assert Meter().measure({"%1": os.getpid()}) == ()


def test_what_is_used(family: subprocess.Popen[bytes]) -> None:
    now = 0.0
    meter = Meter(clock=lambda: now)
    (first,) = meter.measure({"%1": family.pid, "%2": NOBODY})
    assert (first.pane_id, first.processes, first.cpu_percent) == ("%1", 3, 0.0)
    assert first.memory_bytes > 1 << 20
    now = 10.0
    (second,) = meter.measure({"%1": family.pid})
    assert 0 <= second.cpu_percent < 50


def test_a_process_that_works_is_measured() -> None:
    now = 0.0
    meter = Meter(clock=lambda: now)
    meter.measure({"%1": os.getpid()})
    before = psutil.Process().cpu_times().user
    while psutil.Process().cpu_times().user < before + 0.2:
        sum(range(1000))
    now = 1.0
    (found,) = meter.measure({"%1": os.getpid()})
    assert found.cpu_percent >= 20
