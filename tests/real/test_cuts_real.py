"""A client that is cut off again and again under load goes on each time: nothing is missing.

`TMUXPULSE_CUTS` says how often; 1,000 were seen, which takes ten minutes with coverage.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import connect

from tests.real.loaded import ROOT, LoadedServer, kill

CUTS = int(os.environ.get("TMUXPULSE_CUTS", "200"))
RATE = 1000
# What the network does meanwhile, in turns. The client falls behind in it, and has to catch
# up, since whoever is 20,000 events behind is told so, which is another test's matter.
WEATHER: list[dict[str, Any]] = [
    {"cut_after": 16_000},
    {"cut_after": 3_000, "split": 1},
    {"cut_after": 16_000, "split": 400, "delay": 0.0002},
    {"cut_after": 16_000, "rate": 4_000_000},
    {"cut_after": 30_000},
]
MOST_BEHIND = 4000  # events; with more than this it catches up, whatever the machine's speed
LEAD = 12_000  # events that the server is ahead at most, on a machine that reads slowly
CALM = {"cut_after": 0, "split": 0, "delay": 0.0, "rate": None}


class Network:
    """The fault proxy as a process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.port: int = self._answer()["port"]
        self.cuts = 0

    def order(self, **fields: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(fields) + "\n")
        self._process.stdin.flush()
        self.cuts = self._answer()["cuts"]

    def _answer(self) -> dict[str, int]:
        assert self._process.stdout is not None
        found: dict[str, int] = json.loads(self._process.stdout.readline())
        return found


@contextmanager
def network(target: str, seed: int) -> Iterator[Network]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.proxy", "--to", target, "--seed", str(seed)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Network(process)
    finally:
        process.communicate(timeout=60)


class Client:
    """Notes each event it gets, and where it is."""

    def __init__(self, port: int, place: LoadedServer) -> None:
        self._port = port
        self._place = place
        self.epoch = ""
        self.seq = 0
        self.events: list[tuple[str, int, str]] = []
        self.connections = 0
        self.behind = 0  # how many events, when it came last

    def run(self, *, catch_up: bool = False) -> None:
        """Go on until cut off; or until it has what there was when it came."""
        with (
            suppress(ConnectionClosed, InvalidHandshake, OSError, EOFError),
            connect(
                f"ws://127.0.0.1:{self._port}/monitor", compression=None, close_timeout=0.1
            ) as socket,
        ):
            greeting = json.loads(socket.recv(timeout=20))
            request: dict[str, Any] = {"action": "subscribe", "filters": {"types": ["pane.*"]}}
            if self.epoch:
                request["resume"] = {"epoch": self.epoch, "seq": self.seq}
            else:
                request["last"] = 20_000
                self.epoch = greeting["epoch"]
            socket.send(json.dumps(request))
            self.connections += 1
            newest = (greeting["epoch"], greeting["seq"])
            self.behind = newest[1] - self.seq if self.epoch == newest[0] else 0
            while not (catch_up and self.epoch == newest[0] and self.seq >= newest[1]):
                self._take(json.loads(socket.recv(timeout=20)))
                if len(self.events) % 500 == 0:
                    self._place.note(self.epoch, self.seq)
        self._place.note(self.epoch, self.seq)

    def _take(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        assert kind not in ("stream.reset", "stream.gap", "error"), message
        if kind == "subscription.confirmed" and self.events:
            assert message["recovered"] is True
        elif kind == "stream.epoch":
            assert message["previous"] == self.epoch
            self.epoch, self.seq = message["epoch"], 0
        elif kind == "stream.mark":
            self.seq = message["seq"]
        elif kind.startswith("pane."):
            self.seq = message["seq"]
            lines = message["data"].get("lines")
            self.events.append((self.epoch, self.seq, lines[0] if lines else ""))


def whole(events: list[tuple[str, int, str]]) -> None:
    """Nothing is missing, nothing twice, and each is the one of its number."""
    numbers = [seq for _, seq, _ in events]
    assert numbers == list(range(1, len(numbers) + 1))
    for _, seq, line in events:
        assert line == ("" if seq % 5 == 1 else f"line {seq - 1} of some length")


@pytest.mark.timeout(600 + CUTS)
def test_nothing_is_missing_and_nothing_comes_twice(tmp_path: Path) -> None:
    place = LoadedServer(tmp_path, rate=RATE, history=False, lead=LEAD)
    child = place.start()
    with network(place.socket, seed=11) as between:
        client = Client(between.port, place)
        while between.cuts < CUTS:
            for weather in WEATHER:
                for _ in range(20):
                    between.order(**{**CALM, **weather})
                    client.run()
                    if client.behind > MOST_BEHIND:
                        between.order(**CALM)
                        client.run(catch_up=True)
    assert kill(child) == b""
    whole(client.events)
    assert between.cuts >= CUTS
    assert len(client.events) > CUTS


def test_it_goes_on_through_cuts_and_kills_of_the_server(tmp_path: Path) -> None:
    place = LoadedServer(tmp_path, rate=RATE, lead=LEAD)
    child = place.start()
    epochs: list[str] = []
    with network(place.socket, seed=12) as between:
        client = Client(between.port, place)
        for _ in range(5):
            between.order(cut_after=20_000)
            for _ in range(10):
                client.run()
            between.order(**CALM)
            client.run(catch_up=True)
            epochs.append(client.epoch)
            assert kill(child) == b""
            client.run()  # nobody is there
            child = place.start()
        client.run(catch_up=True)
        epochs.append(client.epoch)
    assert kill(child) == b""
    assert len(set(epochs)) == 6  # each run had its turn
    assert list(dict.fromkeys(epoch for epoch, _, _ in client.events)) == epochs
    for epoch in epochs:
        whole([one for one in client.events if one[0] == epoch])
