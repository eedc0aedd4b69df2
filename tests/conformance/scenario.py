"""Reads scenarios, and says whether what a client reported is what it should have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "scenarios"
TOKEN = "tp_example0example_TOKENTOKENTOKENTOKENTOKENTOKENTOKENTOKEN"

Scenario = dict[str, Any]
Report = dict[str, Any]


def names() -> list[str]:
    """Every scenario."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def load(name: str) -> Scenario:
    """One of them."""
    found: Scenario = json.loads((FOLDER / f"{name}.json").read_text())
    return found


def client_part(scenario: Scenario, url: str) -> dict[str, Any]:
    """What the client is told."""
    return {"url": url, "filters": {}, "snapshot": False, **scenario.get("client", {})}


def expected(scenario: Scenario) -> list[Report]:
    """What is to be reported, with ranges of events written out."""
    found: list[Report] = []
    for one in scenario["reports"]:
        if "events" in one:
            how = one["events"]
            kind = how.get("type", "pane.bell")
            found += [{"event": seq, "type": kind} for seq in range(how["from"], how["to"] + 1)]
        else:
            found.append(one)
    return found


def complaints(scenario: Scenario, reports: list[Report]) -> list[str]:
    """What is wrong with what was reported; states are counted, the rest has its order."""
    found = []
    opened = sum(one == {"state": "open"} for one in reports)
    if opened != scenario.get("opened", 1):
        found.append(f"opened {opened} times instead of {scenario.get('opened', 1)}")
    told = [one for one in reports if "state" not in one]
    wanted = expected(scenario)
    for at, (one, other) in enumerate(zip(told, wanted, strict=False)):
        if one != other:
            found.append(f"report {at}: {one} instead of {other}")
            break
    if len(told) != len(wanted):
        found.append(f"{len(told)} reports instead of {len(wanted)}: {told[-3:]}")
    return found
