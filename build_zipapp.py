"""Build dist/tmuxpulse.pyz: one file for CPython 3.10 to 3.14 on Linux and macOS.

The dependencies are those of requirements.lock and nothing else; every wheel is checked against
the lock's hashes each time. Two builds of one commit give the same bytes. The work is done in
zipapp_build/; the files that start the result are in zipapp_start/.

Needs Python 3.10 or newer with pip, and nothing else. It knows nothing of what tmuxpulse does.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from zipapp_build import BuildError
from zipapp_build.archive import START_UP, describe, gather, pack, source_commit
from zipapp_build.lock import read_lock
from zipapp_build.targets import ALL_TARGETS, PLATFORMS, Target
from zipapp_build.wheels import Wheelhouse

HERE = Path(__file__).resolve().parent


def _write(path: Path, data: bytes, mode: int) -> None:
    """Replace a file in one step, so that a program running from it keeps the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise


def checksum_line(output: Path, data: bytes) -> bytes:
    """Return the line that ``sha256sum --check`` reads."""
    return f"{hashlib.sha256(data).hexdigest()}  {output.name}\n".encode()


def choose_targets(names: Sequence[str]) -> list[Target]:
    """Return the targets that ``--target`` names; none given means all.

    Raises:
        BuildError: ``native``, on a Python that is not among them.
    """
    if not names:
        return list(ALL_TARGETS)
    chosen = {target for target in ALL_TARGETS if target.platform.name in names}
    if "native" in names:
        key = native_key()
        native = [target for target in ALL_TARGETS if target.key == key]
        if not native:
            raise BuildError(f"this Python ({key}) is none of those that can be built for")
        chosen.update(native)
    return [target for target in ALL_TARGETS if target in chosen]


def native_key() -> str:
    """Return the start-up files' name for the running Python, from their own code."""
    script = (
        "import sys, types; sys.path.insert(0, sys.argv[1]);"
        "carried = types.ModuleType('_tmuxpulse_carried');"
        "carried.CONTENT_HASH, carried.KEYS = '', ();"
        "sys.modules['_tmuxpulse_carried'] = carried;"
        "from _tmuxpulse_start import interpreter_key; print(interpreter_key())"
    )
    ran = subprocess.run(
        [sys.executable, "-I", "-B", "-c", script, str(START_UP)],
        check=True,
        capture_output=True,
        text=True,
    )
    return ran.stdout.strip()


def build(source: Path, lock: Path, wheelhouse: Path, targets: Sequence[Target]) -> bytes:
    """Return the bytes of the archive.

    Raises:
        BuildError: it cannot be built.
    """
    return pack(gather(source, source_commit(source), collect(lock, wheelhouse, targets)))


def collect(
    lock: Path, wheelhouse: Path, targets: Sequence[Target]
) -> dict[Target, dict[str, Path]]:
    """Return for each target the wheel of every project in the lock.

    Raises:
        BuildError: they cannot be had.
    """
    return Wheelhouse(wheelhouse).collect(read_lock(lock.read_text(encoding="utf-8")), targets)


def check(output: Path, data: bytes) -> None:
    """Compare a built file and its checksum with what this tree builds.

    Raises:
        BuildError: one is missing, or they are not the same.
    """
    try:
        there = output.read_bytes()
        line = output.with_name(f"{output.name}.sha256").read_bytes()
    except FileNotFoundError as error:
        raise BuildError(f"{error.filename} is missing") from error
    if line != checksum_line(output, there):
        raise BuildError(f"{output}.sha256 is the checksum of another file")
    if there == data:
        return
    try:
        description = describe(there)
    except (zipfile.BadZipFile, KeyError) as error:
        raise BuildError(f"{output} is damaged") from error
    raise BuildError(f"{output} has {description}; this tree gives {describe(data)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="build_zipapp.py", description="Build dist/tmuxpulse.pyz and its checksum."
    )
    parser.add_argument(
        "--target",
        action="append",
        default=[],
        choices=["native", *(platform.name for platform in PLATFORMS)],
        help="carry this only; may be repeated (native: just the running Python; default: all)",
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail if OUTPUT is not what this gives"
    )
    parser.add_argument("--output", type=Path, default=HERE / "dist" / "tmuxpulse.pyz")
    parser.add_argument(
        "--source", type=Path, default=HERE, help="folder with tmuxpulse/, web/, LICENSE"
    )
    parser.add_argument("--lock", type=Path, help="default: SOURCE/requirements.lock")
    parser.add_argument(
        "--wheelhouse", type=Path, default=HERE / "wheelhouse", help="where wheels are kept"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(argv)
    output: Path = options.output
    source: Path = options.source
    lock: Path = options.lock or source / "requirements.lock"
    try:
        data = build(source, lock, options.wheelhouse, choose_targets(options.target))
        if options.check:
            check(output, data)
        else:
            _write(output, data, 0o755)
            checksum = output.with_name(f"{output.name}.sha256")
            _write(checksum, checksum_line(output, data), 0o644)
    except (BuildError, OSError) as error:
        print(f"build_zipapp: {error}", file=sys.stderr)
        return 1
    print(f"{output}: {describe(data)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
