"""The licence of everything that is carried: in the file, printed, and in a bill of materials."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

import build_zipapp
from tests.zipapp import pyz
from tmuxpulse.cli.licences import licences
from zipapp_build import BuildError
from zipapp_build.licences import Licensed, as_text, read_licences
from zipapp_build.sbom import bill_of_materials
from zipapp_build.targets import ALL_TARGETS

LOCK = pyz.ROOT / "requirements.lock"


@pytest.fixture(scope="module")
def wheels() -> set[Path]:
    found = build_zipapp.collect(LOCK, pyz.ROOT / "wheelhouse", ALL_TARGETS)
    return {wheel for chosen in found.values() for wheel in chosen.values()}


@pytest.fixture(scope="module")
def carried(wheels: set[Path]) -> list[Licensed]:
    return read_licences(wheels)


def wheel_in(folder: Path, *, licence: str | None, metadata: str = "") -> Path:
    path = folder / "Some_Project-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "Some_Project-1.0.dist-info/METADATA", f"Name: Some.Project\nVersion: 1.0\n{metadata}\n"
        )
        if licence is not None:
            archive.writestr("Some_Project-1.0.dist-info/licenses/COPYING", licence)
    return path


def test_every_release_that_is_carried_has_its_licence(
    wheels: set[Path], carried: list[Licensed]
) -> None:
    releases = {tuple(wheel.name.lower().split("-")[:2]) for wheel in wheels}
    assert len(carried) == len(releases) > 15
    for one in carried:
        assert one.licence, one.project
        assert sum(len(text) for _, text in one.texts) > 300, one.project
    assert {one.project for one in carried} >= {"trio", "msgspec", "urwid", "async-generator"}


def test_the_file_prints_them_all_unpacked_and_from_memory(
    carried: list[Licensed], tmp_path: Path
) -> None:
    output = tmp_path / "tmuxpulse.pyz"
    assert build_zipapp.main([f"--output={output}", "--target=native"]) == 0
    for cache in (tmp_path / "cache", "/dev/null/none"):
        ran = subprocess.run(
            [sys.executable, "-I", str(output), "licences"],
            check=True,
            capture_output=True,
            text=True,
            env=pyz.environment(cache),
        )
        assert (pyz.ROOT / "LICENSE").read_text().strip() in ran.stdout
        for one in carried:
            if one.project in {"exceptiongroup", "tomli"} or (
                one.project in {"platformdirs", "urwid"}
            ):
                continue  # of these another Python takes another release, or none
            assert f"\n{one.project} {one.version}: " in ran.stdout
            for _, text in one.texts:
                assert text.strip() in ran.stdout
        assert "urwid" in ran.stdout


def test_an_installation_finds_them_beside_the_packages() -> None:
    text = licences()
    assert (pyz.ROOT / "LICENSE").read_text().strip() in text
    for project in ("trio", "msgspec", "urwid", "libtmux", "attrs", "h11"):
        assert f"\n{project} " in text
    assert "\npytest " not in text  # what only our tests need


def test_a_wheel_without_a_licence_stops_the_build(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="carries no licence"):
        read_licences([wheel_in(tmp_path, licence=None, metadata="License: MIT")])


@pytest.mark.parametrize(
    ("metadata", "licence", "is_spdx"),
    [
        ("License-Expression: MIT OR Apache-2.0", "MIT OR Apache-2.0", True),
        ("License: MIT -or- Apache", "MIT -or- Apache", False),
        ("Classifier: License :: OSI Approved :: MIT License", "MIT License", False),
        ("License: a whole\n  text", "", False),
        ("", "", False),
    ],
)
def test_what_a_project_says_of_its_licence(
    metadata: str, licence: str, is_spdx: bool, tmp_path: Path
) -> None:
    (one,) = read_licences([wheel_in(tmp_path, licence="the text", metadata=metadata)])
    assert (one.project, one.version) == ("Some.Project", "1.0")
    assert (one.licence, one.is_spdx) == (licence, is_spdx)
    assert one.texts == (("COPYING", "the text"),)
    assert "Some.Project 1.0: " in as_text("ours", [one])


def test_the_bill_of_materials_is_one_by_its_schema(carried: list[Licensed]) -> None:
    data = bill_of_materials("1.2.3", "c" * 40, "2026-01-01T00:00:00Z", carried)
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(data.decode())
    assert problem is None, problem
    document = json.loads(data)
    assert {(one["name"], one["version"]) for one in document["components"]} == {
        (one.project, one.version) for one in carried
    }
    (main, *others) = document["dependencies"]
    assert sorted(one["ref"] for one in others) == main["dependsOn"]
    assert document["metadata"]["component"]["properties"][0]["value"] == "c" * 40


def test_the_schema_refuses_a_bill_that_is_none() -> None:
    data = bill_of_materials("1", "c", "2026-01-01T00:00:00Z", [])
    broken = json.loads(data) | {"components": [{"type": "nothing", "name": "x"}]}
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(broken)) is not None


def test_the_same_bill_twice_and_another_for_another_commit(carried: list[Licensed]) -> None:
    first, again, other = (
        bill_of_materials("1", commit, "2026-01-01T00:00:00Z", carried)
        for commit in ("a", "a", "b")
    )
    assert first == again
    assert json.loads(first)["serialNumber"] != json.loads(other)["serialNumber"]
