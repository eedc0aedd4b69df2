"""A server that is killed, or whose disk is full: what anybody was told is in the history."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tmuxpulse.filters import EVERYTHING
from tmuxpulse.history.files import boot_id
from tmuxpulse.history.history import settle
from tmuxpulse.history.query import Query
from tmuxpulse.history.reader import Reader
from tmuxpulse.history.replay import replay

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("TMUXPULSE_KILLS", "10"))

# Publishes as fast as it can in bunches, keeps each, and tells its number only then: what stands on
# the pipe is what a client had received. Everything else is as in a server.
CHILD = """
import os, resource, sys
from pathlib import Path
import trio
from tmuxpulse.events import Event, PaneError, PaneOutput, Place
from tmuxpulse.history.history import History
from tmuxpulse.history.retention import Retention
from tmuxpulse.hub.hub import Hub
from tmuxpulse.hub.stream import Encoded

database, limit = Path(sys.argv[1]), int(sys.argv[2])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
place = Place(server="default", session="s", session_id="$1", window=0, window_id="@1",
              pane=0, pane_id="%0")


async def main():
    hub = Hub()
    said = lambda text: print("SAID", text, file=sys.stderr, flush=True)
    recovered = lambda lost: print("RECOVERED", lost, file=sys.stderr, flush=True)
    with History.open(database, hub.epoch, output=True, keep=Retention(days=30, max_bytes=1 << 30),
                      on_trouble=said, on_recovered=recovered) as history:
        async with trio.open_nursery() as nursery:
            await nursery.start(history.run)
            os.write(1, f"EPOCH {hub.epoch}\\n".encode())
            while True:
                before = hub.seq
                for n in range(5):
                    data = PaneOutput(mode="append", lines=(f"line {hub.seq} of some length",))
                    hub.publish(Event(place, data if n else PaneError(line="bad", rule="r")))
                bunch = [one for one in hub.ring.since(before, newest=hub.seq)]
                history.keep(bunch)
                os.write(1, f"{hub.seq}\\n".encode())
                await trio.sleep(0.001)

trio.run(main)
"""


def start(database: Path, limit: int = 0) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(database), str(limit)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def received(child: subprocess.Popen[bytes], seconds: float) -> tuple[str, int]:
    """Read for a while, kill, read the rest: the epoch and the last number that came."""
    assert child.stdout is not None
    epoch = child.stdout.readline().split()[1].decode()
    until = time.monotonic() + seconds
    last = 0
    while time.monotonic() < until:
        last = int(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    out, err = child.communicate(timeout=10)
    assert err == b""
    complete = [line for line in out.split(b"\n")[:-1] if line]
    return epoch, int(complete[-1]) if complete else last


@pytest.mark.timeout(60 + 10 * KILLS)
def test_everything_that_was_told_before_a_kill_is_in_the_history(tmp_path):
    tmp_path.chmod(0o700)
    database = tmp_path / "history.db"
    chance = random.Random(KILLS)
    told = [received(start(database), chance.uniform(0.05, 1.5)) for _ in range(KILLS)]
    assert settle(database) == ""
    assert not list(tmp_path.glob("*.damaged-*"))
    reader = Reader(database, seconds=30)
    for epoch, last in told:
        with reader.reading() as asking:
            (no,) = asking.connection.execute(
                "SELECT no FROM epochs WHERE epoch = ?", (epoch,)
            ).fetchone()
            seqs = [
                one & (1 << 40) - 1
                for (one,) in asking.connection.execute(
                    "SELECT id FROM events WHERE id BETWEEN ? AND ? ORDER BY id",
                    (no << 40, (no << 40) + (1 << 39)),
                )
            ]
            assert seqs == list(range(1, len(seqs) + 1))
            assert len(seqs) >= last > 0
            assert asking.connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
    epoch, last = told[-2]
    with reader.reading() as asking:
        segments = replay(asking, epoch, last - 1, [EVERYTHING], current="", most_events=10**6)
    assert not isinstance(segments, str)
    assert [one.epoch for one in segments] == [one for one, _ in told[-2:]]
    assert segments[0].events[0].numbered.seq == last
    assert not any("pane.output" in one.lacks for one in segments)
    reader.close()
    assert boot_id() or sys.platform != "linux"


def test_a_full_disk_stops_the_history_and_not_the_server(tmp_path):
    tmp_path.chmod(0o700)
    database = tmp_path / "history.db"
    child = start(database, limit=400_000)
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.readline()
    said = b""
    last = 0
    os.set_blocking(child.stderr.fileno(), False)
    until = time.monotonic() + 30
    while time.monotonic() < until and b"SAID" not in said:
        last = int(child.stdout.readline())
        said += child.stderr.read() or b""
    for _ in range(500):  # it goes on all the same
        last = int(child.stdout.readline())
    assert b"history is not being kept" in said
    assert last > 500
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=10)
    assert settle(database) == ""  # without the limit
    reader = Reader(database)
    page = reader.page(Query(newest_first=False, limit=1000))
    assert [one.numbered.seq for one in page.events[:5]] == [1, 2, 3, 4, 5]
    with reader.reading() as asking:  # killed while it lost events: it cannot promise the rest
        epoch = page.events[0].epoch
        assert replay(asking, epoch, 1, [EVERYTHING], current="", most_events=10**6) == "expired"
    reader.close()
