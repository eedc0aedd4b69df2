"""What the tests of the one file share: a small program, built once, and ways to start it.

The program stands in for tmuxpulse, so that a test here can only fail for the start-up files.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import build_zipapp
from zipapp_build.lock import read_lock
from zipapp_build.targets import ALL_TARGETS, PYTHONS, Target

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import sys


def main(argv=None):
    import msgspec

    report = {"file": __file__, "native": msgspec._core.__file__, "argv": sys.argv[1:]}
    report["path"] = sys.path
    if "all" in sys.argv:
        from importlib import metadata, resources

        import libtmux, platformdirs, trio, trio_util, trio_websocket, wcwidth

        page = resources.files("tmuxpulse") / "web" / "index.html"
        report["page"] = page.read_text(encoding="utf-8")
        report["versions"] = {
            name: metadata.version(name) for name in ("trio", "trio-websocket", "attrs")
        }
        report["bytecode"] = sum(
            str(module.__spec__.cached).endswith(".pyc")
            for module in list(sys.modules.values())
            if getattr(module, "__spec__", None) and module.__name__.startswith("trio.")
        )
    if "wait" in sys.argv:
        print("waiting", flush=True)
        sys.stdin.readline()
        from importlib import resources

        import tmuxpulse.late

        report["late"] = tmuxpulse.late.VALUE
        report["page"] = (resources.files("tmuxpulse") / "web/index.html").read_text()
    if "fail" in sys.argv:
        raise RuntimeError("as asked")
    print(msgspec.json.encode(report).decode())
    return 3
"""


@functools.cache
def scratch() -> Path:
    """Return a folder for what is made once, removed at exit; only the owner may enter."""
    folder = Path(tempfile.mkdtemp(prefix="tmuxpulse-pyz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _small_lock() -> str:
    """Return what of the real lock is enough for most tests and quick to unpack.

    A native part, a package for all, one for 3.10 only, one in two versions.
    """
    small = {"msgspec", "sniffio", "exceptiongroup", "typing-extensions", "platformdirs"}
    return "".join(
        f"{pin.project}=={pin.version} {pin.marker and ';'} {pin.marker}"
        + "".join(f" --hash=sha256:{digest}" for digest in sorted(pin.hashes))
        + "\n"
        for pin in read_lock((ROOT / "requirements.lock").read_text(encoding="utf-8"))
        if pin.project in small
    )


@functools.cache
def source() -> Path:
    """Return the source folder of the stand-in."""
    folder = scratch() / "source"
    files = {
        "LICENSE": "The stand-in's licence.\n",
        "web/index.html": "<p>page</p>\n",
        "tmuxpulse/__init__.py": "",
        "tmuxpulse/late.py": "VALUE = 'imported late'\n",
        "tmuxpulse/cli/__init__.py": "",
        "tmuxpulse/cli/main.py": PROGRAM,
        "requirements.lock": _small_lock(),
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@functools.cache
def host() -> Target:
    """Return the target of the running Python."""
    key = build_zipapp.native_key()
    return next(target for target in ALL_TARGETS if target.key == key)


def build(output: Path, *options: str) -> int:
    """Build the stand-in for every Python on this platform."""
    return build_zipapp.main(
        [
            f"--source={source()}",
            f"--target={host().platform.name}",
            f"--output={output}",
            *options,
        ]
    )


@functools.cache
def archive() -> Path:
    """Return the built stand-in with a few small dependencies."""
    output = scratch() / "tmuxpulse.pyz"
    assert build(output) == 0
    return output


@functools.cache
def full_archive() -> Path:
    """Return the built stand-in with every dependency of the real lock."""
    output = scratch() / "full.pyz"
    assert build(output, f"--lock={ROOT / 'requirements.lock'}") == 0
    return output


@functools.cache
def shared_cache() -> Path:
    """Return a cache in which the running Python has its tree; not to be changed."""
    cache = scratch() / "cache"
    assert start(cache).native.startswith(str(cache))
    return cache


def warm_cache(folder: Path) -> Path:
    """Return a copy of the shared cache, to be changed at will."""
    shutil.copytree(shared_cache(), folder / "cache")
    return folder / "cache"


def tree_of(cache: Path) -> Path:
    """Return the only tree of a cache."""
    (tree,) = cache.glob("pyz-*")
    return tree


@dataclass(frozen=True)
class Ran:
    """How a start ended."""

    code: int
    stderr: str
    report: dict[str, Any]

    @property
    def native(self) -> str:
        """Return the file that msgspec's native part was loaded from."""
        assert self.code == 3, self.stderr
        return str(self.report["native"])

    @property
    def from_memory(self) -> bool:
        """Tell whether native parts came from memory."""
        return self.native.startswith("/proc/self/fd/")

    @property
    def unpacked(self) -> bool:
        """Tell whether the program itself came from a tree."""
        return ".pyz" not in str(self.report["file"])


def environment(cache: Path | str | None, **variables: str) -> dict[str, str]:
    """Return a small environment; the user's own cache is never in it."""
    base = {"PATH": os.environ["PATH"], "HOME": str(scratch() / "home"), **variables}
    if cache is not None:
        base["TMUXPULSE_CACHE_DIR"] = str(cache)
    return base


def command(
    *arguments: str,
    python: str = sys.executable,
    flags: tuple[str, ...] = (),
    file: Path | str | None = None,
    prelude: str | None = None,
) -> list[str]:
    """Return the command of a start; ``all`` among the arguments needs, and takes, the full file.

    A prelude is Python that runs before the file, in the same process.
    """
    path = str(file or (full_archive() if "all" in arguments else archive()))
    if prelude is None:
        return [python, *flags, path, *arguments]
    script = f"{prelude}\nimport runpy, sys; runpy.run_path(sys.argv[0], run_name='__main__')"
    script = f"import sys; sys.argv[:] = sys.argv[1:]\n{script}"
    return [python, *flags, "-c", script, path, *arguments]


def start(
    cache: Path | str | None,
    *arguments: str,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
    prefix: tuple[str, ...] = (),
    python: str = sys.executable,
    flags: tuple[str, ...] = (),
    file: Path | str | None = None,
    prelude: str | None = None,
) -> Ran:
    """Start the stand-in and wait for its end."""
    ran = subprocess.run(
        [
            *prefix,
            *command(*arguments, python=python, flags=flags, file=file, prelude=prelude),
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
        env=env or environment(cache),
    )
    return Ran(ran.returncode, ran.stderr, json.loads(ran.stdout or "{}"))


@functools.cache
def _found() -> dict[str, str]:
    """Return an executable of every CPython found here, by version such as ``3.12``."""
    found = {".".join(map(str, sys.version_info[:2])): sys.executable}
    for python in sorted(Path.home().glob(".pyenv/versions/*/bin/python")):
        version = version_of(str(python))
        if version:
            found.setdefault(version, str(python))
    for version in ("2.7", "3.8", "3.9", *PYTHONS):
        on_path = shutil.which(f"python{version}")
        if version not in found and on_path and version_of(on_path) == version:
            found[version] = on_path
    return found


def pythons() -> dict[str, str]:
    """Return those that the file is for."""
    return {version: _found()[version] for version in PYTHONS if version in _found()}


def old_pythons() -> list[str]:
    """Return those that are too old for it."""
    return [
        python
        for version, python in _found().items()
        if tuple(map(int, version.split("."))) < (3, 10)
    ]


def version_of(python: str) -> str | None:
    """Return the version of a CPython that runs and has zlib, else None."""
    script = (
        "import sys, platform, zlib;"
        "print(platform.python_implementation() + ' %d.%d' % sys.version_info[:2])"
    )
    try:
        ran = subprocess.run(
            [python, "-c", script], check=False, capture_output=True, text=True, timeout=20
        )
    except OSError:
        return None
    name, _, version = ran.stdout.strip().partition(" ")
    return version if ran.returncode == 0 and name == "CPython" else None


def zlib_of(python: str) -> str:
    """Return the zlib a Python runs with."""
    ran = subprocess.run(
        [python, "-c", "import zlib; print(zlib.ZLIB_RUNTIME_VERSION)"],
        check=True,
        capture_output=True,
        text=True,
    )
    return ran.stdout.strip()


HERE_ZLIB = zlib.ZLIB_RUNTIME_VERSION


@functools.cache
def mounting() -> tuple[str, ...] | None:
    """Return the start of a command with mounts of its own, None where that is not allowed."""
    for options in (("-m",), ("-r", "-m")):
        prefix = ("unshare", *options)
        try:
            ran = subprocess.run(
                [*prefix, "mount", "-t", "tmpfs", "none", "/mnt"], check=False, capture_output=True
            )
        except OSError:
            return None
        if ran.returncode == 0:
            return prefix
    return None


def on_mount(folder: Path, options: str) -> tuple[str, ...] | None:
    """Return the start of a command that sees a fresh tmpfs on a folder, None if not allowed."""
    prefix = mounting()
    if prefix is None:
        return None
    folder.mkdir(exist_ok=True)
    script = 'mount -t tmpfs -o "$1" none "$2" && shift 2 && exec "$@"'
    return (*prefix, "sh", "-c", script, "sh", f"mode=0700,{options}", str(folder))
