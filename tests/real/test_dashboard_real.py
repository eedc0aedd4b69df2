"""Every part of the page in a real Chromium, on a real server and a real tmux."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.web.panes_stage import served, told


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a browser saw; `dashboard.js` tells it."""
    with served(tmp_path_factory.mktemp("server")) as server:
        reader = json.loads(server.run("token", "create", "reader", "--json"))["token"]
        settings = {"url": server.url, "address": server.address(), "reader": reader}
        found = told("dashboard.js", settings, server)
        return {**found, "audit": server.run("audit", "show", "--json")}


def test_nothing_went_wrong_in_the_page(seen: dict[str, Any]) -> None:
    assert seen["errors"] == []
    assert seen["text_intruders"] == 0


def test_a_glance_tells_who_needs_whom(seen: dict[str, Any]) -> None:
    assert seen["order"] == ["failed", "waiting", "waiting", "done", "busy", "busy", "idle"]
    assert seen["groups"] == ["failed", "waiting", "done", "busy", "idle"]
    assert {one.split("?")[0] for one in seen["questions"]} == {
        "Do you want to proceed",
        "Deploy to production",
    }
    assert all(one.startswith("waiting ") for one in seen["ages"])
    assert [one.split()[0] for one in seen["counts"]] == ["✗1", "●2", "✓1", "▶2", "·1"]
    assert seen["title"] == "(2) tmuxpulse"
    assert seen["favicon"] == "icons/2.svg"


def test_a_pane_in_colour_with_its_history(seen: dict[str, Any]) -> None:
    styles = seen["coloured"]
    assert any("bold" in classes and "Update" in text for classes, _, _, text in styles)
    assert any(paper == "rgb(95, 0, 0)" and "total *=" in text for _, _, paper, text in styles)
    assert len({ink for _, ink, _, _ in styles}) > 3
    assert seen["attributes"] == []
    assert seen["why"].startswith("waiting for ")
    assert "Do you want to proceed?" in seen["why"]
    assert "waiting" in seen["timeline"]
    assert "waiting" in seen["turns"]


def test_sessions_and_windows(seen: dict[str, Any]) -> None:
    assert seen["size"] == "3 sessions, 7 panes"
    assert [one.split(" ")[1] for one in seen["windows"]] == [
        "work", "release", "log", "agent", "jobs", "shell",
    ]  # fmt: skip
    assert seen["tree"] == sorted(seen["order"])


def test_typing_is_behind_a_switch_and_audited(seen: dict[str, Any]) -> None:
    assert (seen["typing_before"], seen["typing_after"]) == (False, False)
    assert seen["switch_after"] == "false"
    assert "send-text" in seen["audit"]
    assert "send-keys" in seen["audit"]
    assert "yes please" not in seen["audit"]


def test_who_may_only_read_has_no_such_control(seen: dict[str, Any]) -> None:
    assert seen["reader"] == [0, False, 0]


def test_the_history_is_searched(seen: dict[str, Any]) -> None:
    assert seen["found"]
    assert all("agent.status" in one and "proceed" in one for one in seen["found"])
    assert seen["found_here"] == ["shop:0.0"]


def test_the_keyboard(seen: dict[str, Any]) -> None:
    assert seen["keys"] == ["past-text", "text", True, True]
    assert seen["help"] > 10


def test_dark_light_and_as_the_system(seen: dict[str, Any]) -> None:
    assert seen["themes"] == ["dark", ["light", "rgb(243, 245, 247)"], "system"]


def test_the_desktop_is_told_once_of_each_wait(seen: dict[str, Any]) -> None:
    assert seen["untold"] == 0
    [[title, body, tag]] = seen["notes"]
    assert title.endswith("waits in api:1.0")
    assert "Do you want to proceed?" in body
    assert tag.endswith(" %4")
    assert "api:1.0" in seen["opened"]
