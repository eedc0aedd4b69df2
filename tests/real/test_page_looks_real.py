"""How the page looks, from a phone to 4K, in the dark and the light, and what axe-core says of it.

With ``TMUXPULSE_PICTURES=1`` its pictures are written to ``docs/images``; else they are only made.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.web.browsing import ROOT
from tests.web.panes_stage import served, told

IMAGES = ROOT / "docs" / "images"
PICTURES = ("desktop-dark", "desktop-light", "phone-dark", "phone-light")
MAX_PICTURE_BYTES = 150_000


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a browser saw; `looks.js` tells it."""
    shots = tmp_path_factory.mktemp("shots")
    with served(tmp_path_factory.mktemp("server")) as server:
        settings = {"address": server.address(), "directory": str(shots)}
        return {**told("looks.js", settings, server), "shots": shots}


def test_nothing_went_wrong_in_the_page(seen: dict[str, Any]) -> None:
    assert seen["errors"] == []


def test_nothing_serious_for_who_cannot_see_or_point(seen: dict[str, Any]) -> None:
    assert len(seen["axe"]) == 20
    assert {where: found for where, found in seen["axe"].items() if found} == {}


def test_from_a_phone_to_4k(seen: dict[str, Any]) -> None:
    assert set(seen["overflow"]) == {0}
    assert (seen["phone_screen"], seen["phone_list"]) == (True, False)
    assert seen["wide"] == ["attention", "sessions", "screen", "live", "past"]


def test_it_can_be_installed(seen: dict[str, Any]) -> None:
    assert seen["manifest"] == {"errors": [], "name": "tmuxpulse"}
    assert [one for one in seen["installable"] if one != "in-incognito"] == []


def test_its_pictures(seen: dict[str, Any]) -> None:
    for name in PICTURES:
        picture: Path = seen["shots"] / f"page-{name}.png"
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.stat().st_size <= MAX_PICTURE_BYTES, name
        if os.environ.get("TMUXPULSE_PICTURES"):
            IMAGES.mkdir(exist_ok=True)
            shutil.copy(picture, IMAGES / picture.name)
