"""Builds what a release consists of, checks it, and leaves it in dist/.

    tools/release_check.py [--allow-changes] [--python VERSION ...] [--output FOLDER]

1. The one file, the wheel, the sdist and the manual pages are built twice, from two clones in
   folders of different names. They have to be the same, byte for byte; so has the wheel that is
   built from the sdist.
2. The one file and the wheel are tried with every CPython from 3.10 to 3.14 that is found: version,
   doctor, licences, and a server with a client on a tmux of their own.
3. A bill of materials, the licences and SHA256SUMS are written.

docs/how-to/release.md says what comes before and after.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import build_zipapp  # noqa: E402  # of this tree
from tmuxpulse import __version__  # noqa: E402
from tools.release_smoke import Broken, smoke  # noqa: E402
from zipapp_build.archive import source_commit  # noqa: E402
from zipapp_build.licences import as_text, read_licences  # noqa: E402
from zipapp_build.sbom import bill_of_materials  # noqa: E402
from zipapp_build.targets import ALL_TARGETS, PYTHONS  # noqa: E402

WHEELHOUSE = ROOT / "wheelhouse"
PYZ = "tmuxpulse.pyz"
WHEEL = f"tmuxpulse-{__version__}-py3-none-any.whl"
SDIST = f"tmuxpulse-{__version__}.tar.gz"
MAN = f"tmuxpulse-{__version__}-man.tar.gz"
SBOM = f"tmuxpulse-{__version__}.cdx.json"
LICENCES = "LICENCES.txt"
SUMS = "SHA256SUMS"


def main(argv: Sequence[str] | None = None) -> int:
    """Do all of it; the exit code says whether it may be released."""
    parser = argparse.ArgumentParser(description="Build and check a release into dist/.")
    parser.add_argument(
        "--allow-changes", action="store_true", help="also with changes that are not committed"
    )
    parser.add_argument(
        "--python", action="append", choices=PYTHONS, help="try with this one only; repeatable"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="instead of dist/")
    options = parser.parse_args(argv)
    dist: Path = options.output
    commit = source_commit(ROOT)
    if "+" in commit and not options.allow_changes:
        print(f"release-check: {commit}: commit first, or --allow-changes", file=sys.stderr)
        return 1
    try:
        with tempfile.TemporaryDirectory(prefix="tp-release-") as temporary:
            build_twice(Path(temporary), commit.partition("+")[0], dist)
            missing = try_everywhere(Path(temporary), options.python or PYTHONS, dist)
        write_about(commit, dist)
    except Broken as broken:
        print(f"release-check: {broken}", file=sys.stderr)
        return 1
    for line in (dist / SUMS).read_text().splitlines():
        print(line)
    print(f"commit {commit}; not tried, for want of them: CPython {', '.join(missing) or '-'}")
    return 0


# --- build -----------------------------------------------------------------------------------


def build_twice(temporary: Path, commit: str, dist: Path) -> None:
    """Build in two places, compare, and put the first result into `dist`.

    Raises:
        Broken: the two differ.
    """
    first, second = (
        build_in(temporary / name, commit) for name in ("a", "another folder with a longer name")
    )
    for name, data in first.items():
        if data != second[name]:
            raise Broken(f"two builds of {name} are not the same")
        say(f"{name}: the same twice, {len(data):,} bytes")
    dist.mkdir(parents=True, exist_ok=True)
    for name, data in first.items():
        (dist / name).write_bytes(data)
    (dist / PYZ).chmod(0o755)


def build_in(folder: Path, commit: str) -> dict[str, bytes]:
    """Build everything from a clone in `folder`; the results by name."""
    run("git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(folder))
    run("git", "-C", str(folder), "checkout", "--quiet", "--detach", commit)
    out = folder.with_name(f"{folder.name} built")
    out.mkdir()
    python = sys.executable
    run(
        *(python, str(folder / "build_zipapp.py"), "--output", str(out / PYZ)),
        *("--wheelhouse", str(WHEELHOUSE)),
    )
    run(python, "-m", "build", "--no-isolation", "--outdir", str(out), str(folder))
    run(python, str(folder / "tools" / "man_pages.py"), str(out / "man"))
    from_sdist = out / "from-sdist"
    run(python, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(from_sdist),
        str(unpack(out / SDIST, out / "unpacked")))  # fmt: skip
    if (from_sdist / WHEEL).read_bytes() != (out / WHEEL).read_bytes():
        raise Broken(f"{WHEEL} is another one when it is built from {SDIST}")
    found = {name: (out / name).read_bytes() for name in (PYZ, WHEEL, SDIST)}
    return {**found, MAN: tar_of(sorted((out / "man").iterdir()))}


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack an sdist; the folder that is in it."""
    folder.mkdir()
    run("tar", "-xzf", str(archive), "-C", str(folder))
    (inside,) = folder.iterdir()
    return inside


def tar_of(pages: Sequence[Path]) -> bytes:
    """The manual pages under ``man1/``, the same bytes each time and with each Python.

    ``gzip.compress`` names the operating system in its header with some releases of Python.
    """
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as plain,
        tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for page in pages:
            info = tarfile.TarInfo(f"man1/{page.name}")
            info.size, info.mode = page.stat().st_size, 0o644
            archive.addfile(info, io.BytesIO(page.read_bytes()))
    return packed.getvalue()


# --- try -------------------------------------------------------------------------------------


def try_everywhere(temporary: Path, versions: Sequence[str], dist: Path) -> list[str]:
    """Try the results with each CPython; the versions that are not on this machine.

    Raises:
        Broken: something does not work.
    """
    missing = []
    for version in versions:
        python = find_python(version)
        if python is None:
            missing.append(version)
            continue
        smoke([python, "-I", str(dist / PYZ)], f"{PYZ} with CPython {version}")
        environment = temporary / f"venv-{version}"
        run(python, "-m", "venv", str(environment))
        install = (str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet",
                   "--disable-pip-version-check", "--no-deps")  # fmt: skip
        run(*install, "--require-hashes", "--only-binary", ":all:",
            "-r", str(ROOT / "requirements.lock"))  # fmt: skip
        run(*install, str(dist / WHEEL))
        smoke([str(environment / "bin" / "tmuxpulse")], f"{WHEEL} with CPython {version}")
        say(f"CPython {version}: {PYZ} and {WHEEL} work")
    if len(missing) == len(versions):
        raise Broken(f"no CPython of {', '.join(versions)} was found")
    return missing


def find_python(version: str) -> str | None:
    """A CPython of a version: on the PATH, else of pyenv."""
    for candidate in candidates(version):
        asked = subprocess.run(
            [candidate, "-c", "import sys, venv; print('%d.%d' % sys.version_info[:2])"],
            check=False,
            capture_output=True,
            text=True,
        )
        if asked.stdout.strip() == version:
            return candidate
    return None


def candidates(version: str) -> Iterator[str]:
    """Where one might be."""
    on_path = shutil.which(f"python{version}")
    if on_path is not None:
        yield on_path
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for folder in sorted(root.glob(f"versions/{version}.*"), reverse=True):
        yield str(folder / "bin" / "python3")


# --- about it --------------------------------------------------------------------------------


def write_about(commit: str, dist: Path) -> None:
    """Write the bill of materials, the licences and the sums."""
    wheels = build_zipapp.collect(ROOT / "requirements.lock", WHEELHOUSE, ALL_TARGETS)
    carried = read_licences({wheel for chosen in wheels.values() for wheel in chosen.values()})
    when = output_of("git", "-C", str(ROOT), "log", "-1", "--format=%cd",
                     "--date=format-local:%Y-%m-%dT%H:%M:%SZ")  # fmt: skip
    (dist / SBOM).write_bytes(bill_of_materials(__version__, commit, when, carried))
    ours = (ROOT / "LICENSE").read_text(encoding="utf-8")
    (dist / LICENCES).write_text(as_text(ours, carried), encoding="utf-8")
    names = (PYZ, WHEEL, SDIST, MAN, SBOM, LICENCES)
    (dist / SUMS).write_text("".join(f"{digest(dist / name)}  {name}\n" for name in names))
    (dist / f"{PYZ}.sha256").write_text(f"{digest(dist / PYZ)}  {PYZ}\n")


def digest(file: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def run(*command: str) -> None:
    """Run something that has to work."""
    output_of(*command)


def output_of(*command: str) -> str:
    """Run something that has to work; what it printed."""
    ran = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "TZ": "UTC"},
        stdin=subprocess.DEVNULL,
    )
    if ran.returncode:
        raise Broken(f"{' '.join(command)} failed: {(ran.stderr or ran.stdout).strip()[-2000:]}")
    return ran.stdout.strip()


def say(what: str) -> None:
    """Tell how far it is."""
    print(f"release-check: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
