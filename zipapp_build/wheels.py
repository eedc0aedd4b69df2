"""Get the wheels of the lock for every target, with pip, and keep them.

What a wheel is decides what becomes of it: no list of names says which projects have native
parts. It knows nothing of the archive.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from zipapp_build import BuildError
from zipapp_build.lock import Pin
from zipapp_build.targets import ALL_TARGETS, Target


def _normal(project: str) -> str:
    return re.sub(r"[-_.]+", "_", project).lower()


def is_pure(wheel: Path) -> bool:
    """Tell whether a wheel fits every platform and every Python 3 that its project supports."""
    return wheel.name.endswith("-none-any.whl")


class Wheelhouse:
    """The downloaded wheels, one folder for each target, as pip chose them for it.

    A wheel that is there with a hash of the lock is not downloaded again, so a second build needs
    no network; one with another hash is replaced.

    Args:
        folder: where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(
        self, pins: Sequence[Pin], targets: Sequence[Target]
    ) -> dict[Target, dict[str, Path]]:
        """Return for each target the wheel of every project, downloading what is missing.

        Raises:
            BuildError: two versions for one target, no wheel for a target, no pip, no network.
        """
        # Each project is asked for on the first target of the full list that wants it, whatever
        # was chosen to be built. If that is a pure wheel it goes everywhere; only for the others
        # is every target asked. That makes the result independent of what is already here.
        first: dict[Target, list[Pin]] = {}
        for pin in pins:
            asked = next((target for target in ALL_TARGETS if pin.wanted_by(target)), None)
            if asked is not None:
                first.setdefault(asked, []).append(pin)
        found = self._ensure(first)
        pure = {
            (pin.project, pin.version): wheel
            for target in first
            for pin in first[target]
            if is_pure(wheel := found[target, pin.project])
        }
        native: dict[Target, list[Pin]] = {}
        for target in targets:
            wanted = [pin for pin in pins if pin.wanted_by(target)]
            if len({_normal(pin.project) for pin in wanted}) < len(wanted):
                raise BuildError(f"the lock has two versions of one project for {target.name}")
            native[target] = [pin for pin in wanted if (pin.project, pin.version) not in pure]
        found = self._ensure(native)
        return {
            target: {
                pin.project: pure.get((pin.project, pin.version)) or found[target, pin.project]
                for pin in pins
                if pin.wanted_by(target)
            }
            for target in targets
        }

    def _ensure(self, wanted: Mapping[Target, list[Pin]]) -> dict[tuple[Target, str], Path]:
        with ThreadPoolExecutor(max_workers=4) as pool:
            pool_results = pool.map(lambda item: self._ensure_target(*item), wanted.items())
            return {key: wheel for part in pool_results for key, wheel in part.items()}

    def _ensure_target(self, target: Target, pins: list[Pin]) -> dict[tuple[Target, str], Path]:
        folder = self._folder / target.name
        present = {pin: self._find(folder, pin) for pin in pins}
        missing = [pin for pin, wheel in present.items() if wheel is None]
        if missing:
            _download(target, missing, folder)
            present.update({pin: self._find(folder, pin) for pin in missing})
        found = {}
        for pin, wheel in present.items():
            if wheel is None:
                raise BuildError(f"pip gave no wheel of {pin.project} for {target.name}")
            found[target, pin.project] = wheel
        return found

    @staticmethod
    def _find(folder: Path, pin: Pin) -> Path | None:
        """Return the wheel of a pin if it is there and as the lock wants it."""
        for wheel in sorted(folder.glob("*.whl")):
            project, version = wheel.name.split("-")[:2]
            if _normal(project) == _normal(pin.project) and version == pin.version:
                if hashlib.sha256(wheel.read_bytes()).hexdigest() in pin.hashes:
                    return wheel
                wheel.unlink()
        return None


def _download(target: Target, pins: Sequence[Pin], folder: Path) -> None:
    print(f"downloading {len(pins)} for {target.name}", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        lock = Path(temporary, "part.lock")
        lock.write_text("".join(f"{pin.requirement()}\n" for pin in pins))
        # fmt: off
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--no-input",
            "--disable-pip-version-check", "--require-hashes", "--no-deps",
            "--only-binary=:all:", "--implementation", "cp", "--abi", target.tag,
            "--python-version", target.python, "-r", str(lock), "-d", str(folder),
        ]
        # fmt: on
        for tag in target.platform.tags:
            command += ["--platform", tag]
        ran = subprocess.run(command, check=False, capture_output=True, text=True)
    if ran.returncode:
        lines = [line for line in ran.stderr.splitlines() if line.strip()] or ["no reason given"]
        reason = next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1])
        raise BuildError(f"pip cannot get the wheels for {target.name}: {reason}")
