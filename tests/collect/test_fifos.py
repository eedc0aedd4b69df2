from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tmuxpulse.collect.command import Identity
from tmuxpulse.collect.fifos import FifoDir, leftover_fifos, probe
from tmuxpulse.errors import UsageError

ME = Identity(pid=os.getpid(), start_time=5, version="3.3a")
GONE = Identity(pid=2**22 + 1, start_time=5, version="3.3a")  # beyond what the kernel gives out


def test_a_fifo_tells_nobody_there_quiet_and_data(tmp_path):
    fifos = FifoDir(str(tmp_path))
    fifo = fifos.fifo(ME, "%3")
    assert probe(fifo.fd) == b""
    writer = os.open(fifo.path, os.O_WRONLY)
    assert probe(fifo.fd) is None
    os.write(writer, b"abc")
    assert probe(fifo.fd) == b"abc"
    os.close(writer)
    assert probe(fifo.fd) == b""
    fifo.close()
    fifos.close()
    assert list((tmp_path / "pipes").iterdir()) == []


def test_a_live_runs_directory_is_no_leftover(tmp_path):
    one, two = FifoDir(str(tmp_path)), FifoDir(str(tmp_path))
    assert one.leftovers() == two.leftovers() == []
    two.close()
    one.close()


def test_a_run_that_begins_is_no_leftover_to_another_that_begins(tmp_path):
    def come_and_go(_: int) -> bool:
        run = FifoDir(str(tmp_path))
        run.sweep()
        is_there = run.fifo(ME, "%3").path.exists()
        run.close()
        return is_there

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(come_and_go, range(400)))
    assert list((tmp_path / "pipes").iterdir()) == []


def test_a_killed_runs_fifos_are_found_and_those_of_dead_servers_swept(tmp_path):
    killed = FifoDir(str(tmp_path))
    fifos = [killed.fifo(ME, "%3"), killed.fifo(ME, "%12"), killed.fifo(GONE, "%3")]
    os.close(killed._lock)  # what the kernel does when a process is killed
    run = FifoDir(str(tmp_path))
    assert run.leftovers() == [killed.path]
    found = sorted(leftover_fifos(killed.path, ME))
    assert [pane for pane, _ in found] == ["%12", "%3"]
    run.sweep()
    assert [pane for pane, _ in sorted(leftover_fifos(killed.path, ME))] == ["%12", "%3"]
    assert list(leftover_fifos(killed.path, GONE)) == []
    for _, path in found:
        path.unlink()
    run.sweep()
    assert not killed.path.exists()
    run.close()
    for fifo in fifos:
        os.close(fifo.fd)


def test_garbage_in_the_directory_hurts_nobody(tmp_path):
    pipes = tmp_path / "pipes"
    (pipes / "not-a-run").mkdir(parents=True)
    (pipes / "a-file").write_text("x")
    run = FifoDir(str(tmp_path))
    run.sweep()
    assert run.leftovers() == []
    run.close()
    assert (pipes / "a-file").exists()


@pytest.mark.parametrize("name", ["a b", "a'b", "a#{x}", "a%H", "ü"])
def test_a_directory_that_three_languages_would_have_to_quote_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match="TMUXPULSE_RUNTIME_DIR"):
        FifoDir(str(Path(tmp_path) / name))
