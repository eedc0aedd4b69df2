"""Every scenario, with every client; what a scenario is, and how to add a client: README.md."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.conformance.driver import FACES, drive
from tests.conformance.scenario import (
    Report,
    Scenario,
    client_part,
    complaints,
    expected,
    load,
    names,
)
from tests.conformance.scripted import ScriptedServer
from tmuxpulse.client import backoff

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 60.0

# Clients that are programs of their own: a name, and how to start it.
PROGRAMS: dict[str, list[str]] = {
    "python-program": [sys.executable, "-m", "tests.conformance.driver", "blocking"],
}


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("name", names())
def test_a_face(name: str, face: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_SECONDS", 0.02)
    scenario = load(name)
    reports: list[Report] = []
    failures: list[BaseException] = []

    def run(url: str) -> None:
        try:
            drive(face, client_part(scenario, url), reports.append)
        except BaseException as error:  # noqa: BLE001  # the test raises it
            failures.append(error)

    with ScriptedServer(scenario["connections"]) as server:
        thread = threading.Thread(target=run, args=(server.url,), daemon=True)
        thread.start()
        thread.join(DEADLINE_SECONDS)
        assert failures == []
        assert not thread.is_alive(), reports[-5:]
        _check(scenario, server, reports)


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("name", ["cut-and-resume", "wrong-token"])
def test_a_program(name: str, program: str) -> None:
    scenario = load(name)
    with ScriptedServer(scenario["connections"]) as server:
        done = subprocess.run(
            PROGRAMS[program],
            input=json.dumps(client_part(scenario, server.url)),
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=DEADLINE_SECONDS,
            check=True,
        )
        _check(scenario, server, [json.loads(line) for line in done.stdout.splitlines()])


def _check(scenario: Scenario, server: ScriptedServer, reports: list[Report]) -> None:
    assert server.problems == []
    assert complaints(scenario, reports) == []
    assert server.is_done, "the client did not come back as often as it should have"


def test_the_suite_sees_what_is_wrong() -> None:
    scenario = load("opening")
    right: list[Report] = [{"state": "open"}, *expected(scenario)]
    assert complaints(scenario, right) == []
    assert complaints(scenario, right[1:])
    assert complaints(scenario, right[:-1])
    assert complaints(scenario, [*right, right[-1]])
    assert complaints(scenario, [right[0], right[2], right[1], *right[3:]])
