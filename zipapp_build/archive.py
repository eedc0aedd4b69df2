"""From wheels and sources to the bytes of the archive, the same bytes every time.

A wheel that every target takes lies unpacked in the archive. All others (a native part, a package
for one Python only) are carried whole under ``wheels/``, and the start-up files choose among them.
It knows nothing of the lock and of how wheels come.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from zipapp_build import BuildError
from zipapp_build.licences import IS_LICENCE, as_text, read_licences
from zipapp_build.targets import Target
from zipapp_build.wheels import is_pure

START_UP = Path(__file__).resolve().parent.parent / "zipapp_start"

_LEFT_OUT_FOLDERS = frozenset({"tests", "_tests", "__pycache__"})
"""Not needed to run: a third of trio, and time at the first start."""


def _is_carried(name: str) -> bool:
    """Tell whether a file of a wheel is needed to run it, or by its licence."""
    *folders, last = name.split("/")
    if folders and folders[0].endswith(".dist-info"):
        # METADATA: trio-websocket asks for trio's version when it is imported.
        return last == "METADATA" or any(IS_LICENCE.match(part) for part in name.split("/")[1:])
    return _LEFT_OUT_FOLDERS.isdisjoint(folders) and not last.endswith((".pyi", ".pyc"))


def _read_wheel(wheel: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.split("/")[0].endswith(".data"):
                raise BuildError(f"{wheel.name} has a .data folder, which is not supported here")
            if not name.endswith("/") and _is_carried(name):
                yield name, archive.read(name)


def _read_folder(folder: Path, prefix: str) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if path.is_file() and not hidden and path.suffix != ".pyc":
            yield "/".join((prefix, *parts)), path.read_bytes()


_INPUTS = (
    *("tmuxpulse", "web", "zipapp_build", "zipapp_start", "requirements.lock", "LICENSE"),
    *("pyproject.toml", "hatch_build.py"),
)


def source_commit(source: Path) -> str:
    """Return the commit that is built: $SOURCE_COMMIT, the sdist's, git's, or ``unknown``.

    A work tree that differs from its commit in anything that is carried says so.
    """
    given = os.environ.get("SOURCE_COMMIT")
    if given:
        return given
    in_sdist = source / "tmuxpulse" / "BUILD"
    if in_sdist.is_file():
        return in_sdist.read_text(encoding="utf-8").strip()

    def git(*arguments: str) -> str | None:
        try:
            ran = subprocess.run(
                ["git", "-C", str(source), *arguments], check=False, capture_output=True, text=True
            )
        except FileNotFoundError:
            return None
        return ran.stdout.strip() if ran.returncode == 0 else None

    top, commit = git("rev-parse", "--show-toplevel"), git("rev-parse", "HEAD")
    if not commit or not top or Path(top).resolve() != source.resolve():
        return "unknown"  # also for a folder that merely lies in somebody else's repository
    changed = git("status", "--porcelain", "--", *_INPUTS)
    return f"{commit}+changes" if changed or changed is None else commit


def gather(
    source: Path, commit: str, wheels: Mapping[Target, Mapping[str, Path]]
) -> dict[str, bytes]:
    """Return every file of the archive by name.

    Args:
        source: the folder with ``tmuxpulse/``, ``web/`` and ``LICENSE``.
        commit: what ``tmuxpulse/BUILD`` says.
        wheels: for each target the wheel of every project.

    Raises:
        BuildError: there is no package, or two projects carry the same file.
    """
    if not (source / "tmuxpulse" / "__init__.py").is_file():
        raise BuildError(f"{source} has no tmuxpulse package")
    entries: dict[str, bytes] = {}

    def add(files: Iterable[tuple[str, bytes]]) -> None:
        for name, data in files:
            if entries.setdefault(name, data) != data:
                raise BuildError(f"two different files want to be {name}")

    add((path.name, path.read_bytes()) for path in START_UP.glob("*.py"))
    add(_read_folder(source / "tmuxpulse", "tmuxpulse"))
    add(_read_folder(source / "web", "tmuxpulse/web"))
    add([("LICENSE", (source / "LICENSE").read_bytes()), ("tmuxpulse/BUILD", commit.encode())])
    chosen = {target: set(projects.values()) for target, projects in wheels.items()}
    licences = as_text(
        (source / "LICENSE").read_text(encoding="utf-8"),
        read_licences(set.union(*chosen.values())),
    )
    add([("tmuxpulse/LICENCES", licences.encode())])
    common = {wheel for wheel in set.intersection(*chosen.values()) if is_pure(wheel)}
    for wheel in common:
        add(_read_wheel(wheel))
    for wheel in set.union(*chosen.values()) - common:
        add([(f"wheels/{wheel.name}", wheel.read_bytes())])
    keys = {
        target.key: tuple(sorted(wheel.name for wheel in chosen[target] - common))
        for target in wheels
    }
    table = "".join(f"    {key!r}: {names!r},\n" for key, names in sorted(keys.items()))
    add([("_tmuxpulse_wheels.py", f"WHEELS = {{\n{table}}}\n".encode())])
    # Apart from the above, which a start that finds its tree has no use for.
    carried = f"CONTENT_HASH = {hash_contents(entries)!r}\nKEYS = {tuple(sorted(keys))!r}\n"
    add([("_tmuxpulse_carried.py", carried.encode())])
    return entries


def hash_contents(entries: Mapping[str, bytes]) -> str:
    """Return a hash of names and data that no compression has a part in."""
    whole = hashlib.sha256()
    for name in sorted(entries):
        whole.update(f"{hashlib.sha256(entries[name]).hexdigest()}  {name}\n".encode())
    return whole.hexdigest()


def pack(entries: Mapping[str, bytes]) -> bytes:
    """Return the archive: the same bytes for the same entries and zlib, on every Python."""
    stream = io.BytesIO()
    stream.write(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(stream, "a") as archive:
        for name in sorted(entries):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system = 3  # Unix, whatever builds it
            info.external_attr = 0o100644 << 16
            # A wheel is compressed already; a start-up file starts sooner without zlib.
            stored = name.endswith(".whl") or name.startswith(("__main__.py", "_tmuxpulse_"))
            info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            archive.writestr(info, entries[name], compresslevel=9)
    return stream.getvalue()


def describe(data: bytes) -> str:
    """Return the size, content hash and commit of an archive, for a person."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        carried = archive.read("_tmuxpulse_carried.py").decode()
        commit = archive.read("tmuxpulse/BUILD").decode()
    found = re.search(r"CONTENT_HASH = '([0-9a-f]+)'", carried)
    contents = found[1] if found else "unknown"
    return f"{len(data):,} bytes, contents {contents[:16]}, commit {commit}"
