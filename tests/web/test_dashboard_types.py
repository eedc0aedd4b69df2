"""The dashboard that is shipped is one by Grafana's own types, and lies on its grid."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.programs import program

HERE = Path(__file__).parent
DASHBOARD = HERE.parents[1] / "deploy" / "grafana" / "tmuxpulse.json"
SECONDS = 300  # a compiler, on a machine that does other things, too
pytestmark = pytest.mark.timeout(SECONDS)


def complaints(dashboard: dict[str, Any], folder: Path) -> str:
    """What the compiler says of a dashboard."""
    (folder / "node_modules").symlink_to(HERE / "node_modules")
    (folder / "types.ts").write_text((HERE / "dashboard-types.ts").read_text())
    (folder / "check.ts").write_text(
        'import type { AsFile } from "./types.js";\n'
        f"export const dashboard: AsFile = {json.dumps(dashboard)};\n"
    )
    done = subprocess.run(
        [program("node"), "node_modules/typescript/bin/tsc", "--noEmit", "--strict",
         "--skipLibCheck", "--module", "nodenext", "check.ts"],
        cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert (done.returncode == 0) == (done.stdout == ""), done.stderr
    return done.stdout


def test_the_dashboard_is_one(tmp_path: Path) -> None:
    assert complaints(json.loads(DASHBOARD.read_text()), tmp_path) == ""


def test_the_types_see_a_field_too_many(tmp_path: Path) -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    dashboard["refrehs"] = dashboard.pop("refresh")
    assert "refrehs" in complaints(dashboard, tmp_path)


def test_the_types_see_a_wrong_type(tmp_path: Path) -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    dashboard["panels"][0]["gridPos"]["w"] = "8"
    assert "'string' is not assignable to type 'number'" in complaints(dashboard, tmp_path)


def test_panels_have_numbers_of_their_own_and_do_not_overlap() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(places) == len(set(places))
    assert max(x for x, _ in places) < 24  # columns of Grafana's grid
