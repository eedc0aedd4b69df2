"""Every scenario, with every client; what a scenario is, and how to add a client: README.md."""

from __future__ import annotations

import threading

import pytest

from tests.conformance.driver import FACES, drive
from tests.conformance.programs import PROGRAMS, running
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
from tmuxpulse.client import backoff, core

DEADLINE_SECONDS = 60.0


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("name", names())
def test_a_face(name: str, face: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_SECONDS", 0.02)
    monkeypatch.setattr(core, "PATIENCE_SECONDS", 6.0)  # ten, for who is silent
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


@pytest.mark.parametrize(
    ("program", "name"),
    [(program, name) for program, how in PROGRAMS.items() for name in how.scenarios()],
)
def test_a_program(program: str, name: str) -> None:
    scenario = load(name)
    with (
        ScriptedServer(scenario["connections"]) as server,
        running(PROGRAMS[program], client_part(scenario, server.url)) as client,
    ):
        assert client.wait(DEADLINE_SECONDS) == 0, (client.complaints, client.reports[-5:])
        _check(scenario, server, client.reports)


def test_what_a_program_cannot_do_is_of_a_scenario() -> None:
    for program in PROGRAMS.values():
        assert {*program.cannot, *program.only} <= set(names())


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
