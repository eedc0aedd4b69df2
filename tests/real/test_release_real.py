"""The check of a release, from beginning to end, with the Python that runs the tests."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tmuxpulse import __version__
from tools.release_check import LICENCES, MAN, PYZ, SBOM, SDIST, SUMS, WHEEL, tar_of
from tools.release_smoke import Broken, smoke

ROOT = Path(__file__).parents[2]
NAMES = {PYZ, WHEEL, SDIST, MAN, SBOM, LICENCES}


@pytest.mark.timeout(900)
def test_a_release_is_whole_and_works(tmp_path: Path) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    ran = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "release_check.py"), "--allow-changes",
         "--python", version, "--output", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    sums = dict(line.split("  ")[::-1] for line in (tmp_path / SUMS).read_text().splitlines())
    assert set(sums) == NAMES
    for name, digest in sums.items():
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest
    head = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    for name in (PYZ, WHEEL):
        with zipfile.ZipFile(tmp_path / name) as archive:
            assert archive.read("tmuxpulse/BUILD").decode() == head
    bill = json.loads((tmp_path / SBOM).read_text())
    assert bill["metadata"]["component"]["version"] == __version__
    assert f"CPython {version}: {PYZ} and {WHEEL} work" in ran.stderr


def test_the_archive_of_manual_pages_names_no_time_and_no_system(tmp_path: Path) -> None:
    page = tmp_path / "a.1"
    page.write_text(".TH A 1")
    head = tar_of([page])[:10]
    assert head == b"\x1f\x8b\x08\x00" + bytes(4) + b"\x02\xff"  # RFC 1952: MTIME, XFL, OS


def test_the_trial_sees_a_program_that_does_not_work() -> None:
    with pytest.raises(Broken, match="a broken one"):
        smoke([sys.executable, "-c", "print('tmuxpulse 0 commands:')"], "a broken one")
    with pytest.raises(Broken, match="gave 3"):
        smoke([sys.executable, "-c", "raise SystemExit(3)"], "another")
