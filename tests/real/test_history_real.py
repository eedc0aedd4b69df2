"""A server that is killed, or whose disk is full: what anybody was told is in the history."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.real.loaded import LoadedServer, kill
from tmuxpulse.filters import EVERYTHING
from tmuxpulse.history.files import boot_id
from tmuxpulse.history.history import settle
from tmuxpulse.history.query import Query
from tmuxpulse.history.reader import Reader
from tmuxpulse.history.replay import replay

KILLS = int(os.environ.get("TMUXPULSE_KILLS", "50"))

PAGE = {"action": "history", "filters": {"types": ["pane.*"]}, "limit": 1000}


def received(place: LoadedServer, seconds: float) -> tuple[str, list[dict[str, Any]]]:
    """Subscribe for a while, kill the server, read the rest: its epoch, and what came of it."""
    child = place.start()
    found: list[dict[str, Any]] = []
    with place.connect() as client:
        epoch = json.loads(client.recv())["epoch"]
        client.send(json.dumps({"action": "subscribe"}))
        until: float | None = None  # from the second event on: a busy machine is late with them
        while until is None or time.monotonic() < until:
            found.append(json.loads(client.recv()))
            if until is None and sum(one["type"].startswith("pane.") for one in found) == 2:
                until = time.monotonic() + seconds
        child.send_signal(signal.SIGKILL)
        with suppress(ConnectionClosed):
            while True:
                found.append(json.loads(client.recv(timeout=60)))
    assert kill(child) == b""
    return epoch, [one for one in found if one["type"].startswith("pane.")]


@pytest.mark.timeout(600 + 10 * KILLS)
def test_everything_that_a_client_got_before_a_kill_is_in_the_history(tmp_path):
    place = LoadedServer(tmp_path)
    chance = random.Random(KILLS)
    told = [received(place, chance.uniform(0.02, 0.5)) for _ in range(KILLS)]
    # The client that was cut off last comes back to a new run, and goes on where it was.
    child = place.start()
    epoch, got = told[-1]
    with place.connect() as client:
        client.recv()
        resume = {"epoch": epoch, "seq": got[-2]["seq"]}
        client.send(json.dumps({"action": "subscribe", "resume": resume}))
        confirmed = json.loads(client.recv())
        assert confirmed["recovered"] is True
        again = json.loads(client.recv())
        while not again["type"].startswith("pane."):
            again = json.loads(client.recv())
        assert again == got[-1]
        while json.loads(client.recv())["type"] != "stream.epoch":
            pass
        assert json.loads(client.recv())["type"] == "stream.gap"  # samples are not kept
        assert json.loads(client.recv())["seq"] == 1
    assert kill(child) == b""

    assert settle(place.database, place.journal) == ""
    assert not list(place.database.parent.glob("*.damaged-*"))
    reader = Reader(place.database, seconds=30)
    for epoch, got in told:
        with reader.reading() as asking:
            assert asking.connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
            segments = replay(asking, epoch, 0, [EVERYTHING], current="", most_events=10**7,
                              most_bytes=1 << 40)  # fmt: skip
        assert not isinstance(segments, str)
        assert segments[0].epoch == epoch
        lines = {one.numbered.seq: one.line for one in segments[0].events}
        assert list(lines) == list(range(1, len(lines) + 1))
        assert got
        assert all(json.loads(lines[one["seq"]]) == one for one in got)
    reader.close()
    assert boot_id() or sys.platform != "linux"


def test_a_full_disk_stops_the_history_and_not_the_server(tmp_path):
    place = LoadedServer(tmp_path)
    child = place.start(limit=400_000)
    with place.connect() as client:
        client.recv()
        request = {"action": "subscribe", "filters": {"types": ["server.*"]}, "last": 10}
        client.send(json.dumps(request))  # it may have been said before
        trouble = json.loads(client.recv())
        while trouble["type"] != "server.trouble":
            trouble = json.loads(client.recv())
        assert "history is not being kept" in trouble["data"]["message"]
        client.send(json.dumps({"action": "health", "id": 1}))
        health = json.loads(client.recv())
        while health["type"] != "health.data":
            health = json.loads(client.recv())
        assert "history" in health["problems"]
        client.send(json.dumps({"action": "subscribe", "last": 1}))
        for _ in range(500):  # it goes on all the same
            last = json.loads(client.recv())
        assert last["seq"] > 0
    assert b"history is not being kept" in kill(child)
    journal = place.journal
    assert settle(place.database, journal) == ""  # without the limit
    reader = Reader(place.database)
    page = reader.page(Query(newest_first=False, limit=1000))
    assert [one.numbered.seq for one in page.events[:5]] == [1, 2, 3, 4, 5]
    with reader.reading() as asking:  # killed while it lost events: it cannot promise the rest
        epoch = page.events[0].epoch
        assert replay(asking, epoch, 1, [EVERYTHING], current="", most_events=10**6) == "expired"
    reader.close()


def test_a_damaged_database_is_set_aside_and_the_server_runs(tmp_path):
    place = LoadedServer(tmp_path)
    place.database.parent.mkdir(mode=0o700)
    place.database.write_bytes(b"no database" * 1000)
    place.database.chmod(0o600)
    child = place.start()
    with place.connect() as client:
        client.recv()
        client.send(json.dumps(PAGE))
        assert json.loads(client.recv())["events"]
    assert b"damaged" in kill(child)
    (aside,) = place.database.parent.glob("*.damaged-*.db")
    assert aside.read_bytes().startswith(b"no database")


def test_an_orderly_end_is_the_end_of_a_run(tmp_path):
    place = LoadedServer(tmp_path)
    child = place.start()
    with place.connect() as client:
        epoch = json.loads(client.recv())["epoch"]
        client.send(json.dumps({"action": "subscribe"}))
        last = 0
        while not last:  # it has heard, before it is told to end
            found = json.loads(client.recv())
            last = found["seq"] if found["type"].startswith("pane.") else 0
        child.send_signal(signal.SIGTERM)
        with suppress(ConnectionClosed):
            while True:
                found = json.loads(client.recv(timeout=60))
                if found["type"].startswith("pane."):
                    last = found["seq"]
    assert child.wait(timeout=60) == 0  # before its stdin ends, which would end it, too
    assert child.communicate()[1] == b""
    assert not list((place.journal).iterdir())
    reader = Reader(place.database, seconds=30)
    with reader.reading() as asking:
        ended, last_seq, torn = asking.connection.execute(
            "SELECT ended, last_seq, torn FROM epochs WHERE epoch = ?", (epoch,)
        ).fetchone()
    assert (ended is not None, torn) == (True, 0)
    assert last_seq >= last > 0
    reader.close()
