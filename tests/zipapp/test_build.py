"""The one file is built from the lock alone, the same every time, with everything it needs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import build_zipapp
import tmuxpulse
from tests.zipapp import pyz
from zipapp_build import BuildError, wheels
from zipapp_build.archive import source_commit
from zipapp_build.lock import marker_holds, read_lock
from zipapp_build.targets import ALL_TARGETS, PYTHONS
from zipapp_build.wheels import Wheelhouse

DIGEST = "0" * 64


def carried(file: Path) -> dict[str, tuple[str, ...]]:
    """Return what an archive says it carries for whom."""
    with zipfile.ZipFile(file) as archive:
        scope: dict[str, dict[str, tuple[str, ...]]] = {}
        for name in ("_tmuxpulse_carried.py", "_tmuxpulse_wheels.py"):
            exec(archive.read(name), {}, scope)
    assert set(scope["KEYS"]) == set(scope["WHEELS"])
    return scope["WHEELS"]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("real") / "tmuxpulse.pyz"
    assert build_zipapp.main([f"--output={output}"]) == 0
    return output


def test_the_real_file_carries_every_python_on_every_platform(real):
    targets = carried(real)

    assert len(targets) == 30
    for machine in ("x86_64-linux-gnu", "aarch64-linux-musl", "darwin-arm64"):
        for version in ("310", "311", "312", "313", "314"):
            assert f"cpython-{version}-{machine}" in targets
    with zipfile.ZipFile(real) as archive:
        names = set(archive.namelist())
        assert archive.testzip() is None
    for key, chosen in targets.items():
        native = [name for name in chosen if name.startswith("msgspec-")]
        assert len(native) == 1, key
        assert {f"wheels/{name}" for name in chosen} <= names
        # A package for another Python or platform is not among them.
        assert any(name.startswith("exceptiongroup") for name in chosen) == ("-310-" in key)
        assert ("musl" in native[0]) == ("musl" in key)
        assert ("macosx" in native[0]) == ("darwin" in key)


def test_the_real_file_tells_its_version_and_commit_unpacked_and_from_memory(real, tmp_path):
    with zipfile.ZipFile(real) as archive:
        commit = archive.read("tmuxpulse/BUILD").decode()
    for cache in (tmp_path / "cache", tmp_path / "cache", "/dev/null/none"):
        ran = subprocess.run(
            [sys.executable, "-I", real, "--version"],
            check=True,
            capture_output=True,
            text=True,
            env=pyz.environment(cache),
        )
        assert ran.stdout.startswith(f"tmuxpulse {tmuxpulse.__version__} ")
        assert commit[:7] in ran.stdout
        assert ran.stderr == ""


MACHINES = {  # what the first 20 bytes of a native part say: ELF e_machine, Mach-O CPU type
    "x86_64-linux-gnu": (b"\x7fELF", 18, b"\x3e\x00"),
    "x86_64-linux-musl": (b"\x7fELF", 18, b"\x3e\x00"),
    "aarch64-linux-gnu": (b"\x7fELF", 18, b"\xb7\x00"),
    "aarch64-linux-musl": (b"\x7fELF", 18, b"\xb7\x00"),
    "darwin-x86_64": (b"\xcf\xfa\xed\xfe", 4, b"\x07\x00\x00\x01"),
    "darwin-arm64": (b"\xcf\xfa\xed\xfe", 4, b"\x0c\x00\x00\x01"),
}


def test_every_native_part_is_for_the_machine_and_the_c_library_it_is_chosen_for(real):
    """Read from the parts themselves: most of these machines are not here to try."""
    seen = 0
    with zipfile.ZipFile(real) as archive:
        for key, chosen in carried(real).items():
            _, python, platform = key.split("-", 2)
            magic, offset, machine = MACHINES[platform]
            for wheel in chosen:
                with archive.open(f"wheels/{wheel}") as stream, zipfile.ZipFile(stream) as whole:
                    parts = [name for name in whole.namelist() if name.endswith(".so")]
                    assert bool(parts) != wheel.endswith("-none-any.whl")
                    for name in parts:
                        part = whole.read(name)
                        assert part.startswith(magic), (key, name)
                        assert part[offset:].startswith(machine), (key, name)
                        assert f"cpython-{python}-" in name or ".abi3." in name, (key, name)
                        assert (b"libc.musl-" in part) == ("musl" in platform), (key, name)
                        seen += 1
    assert seen >= 30


def test_the_real_file_has_the_program_the_page_and_only_what_the_lock_wants(real):
    with zipfile.ZipFile(real) as archive:
        names = archive.namelist()
    tree = pyz.ROOT / "tmuxpulse"

    for path in tree.rglob("*.py"):
        assert f"tmuxpulse/{path.relative_to(tree).as_posix()}" in names
    for path in (pyz.ROOT / "web").rglob("*"):
        assert not path.is_file() or f"tmuxpulse/web/{path.relative_to(pyz.ROOT / 'web')}" in names
    assert [name for name in names if name.startswith("trio-") and name.endswith("/METADATA")]
    for windows in ("cffi", "pycparser", "colorama"):
        assert not [name for name in names if windows in name.split("/")[0].lower()]
        assert not [name for name in names if name.startswith(f"wheels/{windows}")]


def test_the_licence_of_everything_is_carried(real):
    with zipfile.ZipFile(real) as archive:
        assert archive.read("LICENSE") == (pyz.ROOT / "LICENSE").read_bytes()
        folders = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name}
        assert len(folders) > 10
        for folder in folders:
            metadata = archive.read(f"{folder}/METADATA").decode()
            files = [name for name in archive.namelist() if name.startswith(f"{folder}/")]
            # Every licence file that the metadata speaks of, or else at least the licence's name.
            promised = metadata.count("\nLicense-File: ")
            assert len(files) >= 1 + promised
            assert promised or "\nLicense: " in metadata, folder
        for wheel in {f"wheels/{name}" for chosen in carried(real).values() for name in chosen}:
            with archive.open(wheel) as stream, zipfile.ZipFile(stream) as whole:
                assert [name for name in whole.namelist() if "licen" in name.lower()], wheel


def test_the_shape_of_the_file_depends_on_nothing_outside(real):
    assert real.read_bytes().startswith(b"#!/usr/bin/env python3\nPK")
    assert real.stat().st_mode & 0o777 == 0o755
    with zipfile.ZipFile(real) as archive:
        entries = archive.infolist()
    names = [entry.filename for entry in entries]
    assert names == sorted(names)
    assert len(names) == len(set(names))
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.create_system for entry in entries} == {3}
    assert {entry.external_attr for entry in entries} == {0o100644 << 16}
    assert not [name for name in names if name.endswith(("/", ".pyc", ".pyi"))]


def test_the_checksum_is_that_of_the_file(real):
    line = real.with_name("tmuxpulse.pyz.sha256").read_text()
    assert line == f"{hashlib.sha256(real.read_bytes()).hexdigest()}  tmuxpulse.pyz\n"


@pytest.mark.parametrize("version", pyz.pythons())
def test_every_python_builds_the_same(version, tmp_path):
    python, output = pyz.pythons()[version], tmp_path / "tmuxpulse.pyz"
    expected = subprocess.run(
        [
            python,
            pyz.ROOT / "build_zipapp.py",
            f"--source={pyz.source()}",
            f"--target={pyz.host().platform.name}",
            f"--output={output}",
        ],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": version[2:], "TZ": "Asia/Tokyo"},
    ).stdout

    with zipfile.ZipFile(output) as ours, zipfile.ZipFile(pyz.archive()) as other:
        assert ours.read("_tmuxpulse_carried.py") == other.read("_tmuxpulse_carried.py")
    if pyz.zlib_of(python) == pyz.HERE_ZLIB:
        assert output.read_bytes() == pyz.archive().read_bytes()
    assert f"{output}: {output.stat().st_size:,} bytes, contents " in expected


def test_times_modes_and_order_of_the_sources_do_not_matter(tmp_path):
    source = tmp_path / "elsewhere"
    shutil.copytree(pyz.source(), source)
    for number, path in enumerate(sorted(source.rglob("*"), reverse=True)):
        os.utime(path, (number, number))
        path.chmod(0o700)
    (source / "tmuxpulse" / "__pycache__").mkdir()
    (source / "tmuxpulse" / "__pycache__" / "x.pyc").write_bytes(b"x")
    (source / "tmuxpulse" / ".main.py.swp").write_bytes(b"x")

    output = tmp_path / "tmuxpulse.pyz"
    assert pyz.build(output, f"--source={source}") == 0

    assert output.read_bytes() == pyz.archive().read_bytes()


def test_check_accepts_what_was_built_and_nothing_else(tmp_path, capsys):
    output = tmp_path / "tmuxpulse.pyz"
    assert pyz.build(output, "--check") == 1
    assert capsys.readouterr().err == f"build_zipapp: {output} is missing\n"
    assert list(tmp_path.iterdir()) == []

    assert pyz.build(output) == 0
    built = output.read_bytes()
    assert pyz.build(output, "--check") == 0

    output.write_bytes(built + b"x")
    assert pyz.build(output, "--check") == 1
    assert "is the checksum of another file" in capsys.readouterr().err
    checksum = output.with_name("tmuxpulse.pyz.sha256")
    checksum.write_bytes(build_zipapp.checksum_line(output, built + b"x"))
    assert pyz.build(output, "--check") == 1
    assert "this tree gives" in capsys.readouterr().err
    assert output.read_bytes() == built + b"x"


def test_native_is_the_running_python_only(tmp_path):
    output = tmp_path / "tmuxpulse.pyz"
    arguments = [f"--source={pyz.source()}", "--target=native", f"--output={output}"]

    assert build_zipapp.main(arguments) == 0

    assert list(carried(output)) == [pyz.host().key]
    assert pyz.start(tmp_path / "cache", file=output).unpacked


def test_a_second_build_needs_no_network(monkeypatch, tmp_path):
    pyz.archive()
    monkeypatch.setattr(wheels, "_download", None)

    assert pyz.build(tmp_path / "tmuxpulse.pyz") == 0


def test_a_wheel_with_another_hash_is_fetched_again(monkeypatch, tmp_path):
    pyz.archive()
    pins = read_lock((pyz.source() / "requirements.lock").read_text())
    house = tmp_path / "wheelhouse"
    shutil.copytree(pyz.ROOT / "wheelhouse" / "cp310-linux-x86_64", house / "cp310-linux-x86_64")
    (wheel,) = house.glob("*/sniffio-*.whl")
    genuine = wheel.read_bytes()
    wheel.write_bytes(genuine + b"something added")
    asked = []

    def download(target, missing, folder):
        asked.append((target.name, [pin.project for pin in missing]))
        (folder / wheel.name).write_bytes(genuine)

    monkeypatch.setattr(wheels, "_download", download)
    target = next(one for one in ALL_TARGETS if one.name == "cp310-linux-x86_64")
    pins = [pin for pin in pins if pin.project == "sniffio"]

    assert Wheelhouse(house).collect(pins, [target])[target]["sniffio"].read_bytes() == genuine
    assert asked == [("cp310-linux-x86_64", ["sniffio"])]


def test_a_wheel_the_lock_does_not_know_is_never_taken(monkeypatch, tmp_path):
    def download(_target, _missing, folder):
        folder.mkdir(parents=True)
        (folder / "sniffio-1.3.1-py3-none-any.whl").write_bytes(b"planted")

    monkeypatch.setattr(wheels, "_download", download)
    pins = read_lock(f"sniffio==1.3.1 --hash=sha256:{DIGEST}")

    with pytest.raises(BuildError, match="no wheel of sniffio for cp310-linux-x86_64"):
        Wheelhouse(tmp_path / "house").collect(pins, ALL_TARGETS[:1])


def test_without_pip_there_is_one_line(monkeypatch, tmp_path, capsys):
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\necho 'python: No module named pip' >&2; exit 1\n")
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake))

    output = tmp_path / "tmuxpulse.pyz"
    code = build_zipapp.main(
        [
            f"--source={pyz.source()}",
            "--target=linux-x86_64",
            f"--output={output}",
            f"--wheelhouse={tmp_path / 'house'}",
        ]
    )

    assert code == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("build_zipapp: pip cannot get the wheels for cp31")
    assert last.endswith(": python: No module named pip")
    assert not output.exists()


def test_two_versions_for_one_target_are_refused(monkeypatch, tmp_path):
    def download(_target, missing, folder):
        folder.mkdir(parents=True, exist_ok=True)
        for pin in missing:
            (folder / f"a-{pin.version}-py3-none-any.whl").write_bytes(b"")

    monkeypatch.setattr(wheels, "_download", download)
    empty = hashlib.sha256(b"").hexdigest()
    pins = read_lock(
        f"a==1 ; python_full_version < '3.11.5' --hash=sha256:{empty}\n"
        f"a==2 ; python_full_version >= '3.11' --hash=sha256:{empty}\n"
    )

    with pytest.raises(BuildError, match="two versions of one project for cp311-"):
        Wheelhouse(tmp_path).collect(pins, ALL_TARGETS)


def test_a_source_without_the_package_is_one_line(tmp_path, capsys):
    shutil.copy(pyz.source() / "requirements.lock", tmp_path)

    assert pyz.build(tmp_path / "tmuxpulse.pyz", f"--source={tmp_path}") == 1

    assert capsys.readouterr().err == f"build_zipapp: {tmp_path} has no tmuxpulse package\n"


def test_the_commit_is_carried(monkeypatch, tmp_path):
    monkeypatch.setenv("SOURCE_COMMIT", "cafe")
    assert pyz.build(tmp_path / "tmuxpulse.pyz") == 0
    with zipfile.ZipFile(tmp_path / "tmuxpulse.pyz") as archive:
        assert archive.read("tmuxpulse/BUILD") == b"cafe"


def test_the_commit_says_when_the_tree_differs_from_it(monkeypatch, tmp_path):
    monkeypatch.delenv("SOURCE_COMMIT", raising=False)
    for variable in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(variable, os.devnull)
    assert source_commit(tmp_path) == "unknown"

    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        return subprocess.run(
            ["git", "-C", tmp_path, *identity, *arguments],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    (tmp_path / "tmuxpulse").mkdir()
    (tmp_path / "tmuxpulse" / "__init__.py").write_text("")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message=x")
    head = git("rev-parse", "HEAD")

    assert source_commit(tmp_path) == head
    (tmp_path / "notes").write_text("not carried")
    assert source_commit(tmp_path) == head
    (tmp_path / "tmuxpulse" / "__init__.py").write_text("changed = True")
    assert source_commit(tmp_path) == f"{head}+changes"
    # A folder that merely lies in somebody's repository is not that commit.
    (tmp_path / "inside").mkdir()
    assert source_commit(tmp_path / "inside") == "unknown"
    # An sdist says itself what it was made from.
    (tmp_path / "tmuxpulse" / "BUILD").write_text("0123\n")
    assert source_commit(tmp_path) == "0123"


def test_the_lock_is_read():
    digests = ["a" * 64, "b" * 64]
    pins = read_lock(
        "# a comment\n"
        f"one==1.0 \\\n    --hash=sha256:{digests[0]} \\\n    --hash=sha256:{digests[1]}\n"
        "    # via two\n"
        f"Two.x==2.0.post1 ; python_full_version < '3.11' and os_name == 'nt' \\\n"
        f"    --hash=sha256:{digests[0]}\n"
    )

    assert [(pin.project, pin.version, pin.marker) for pin in pins] == [
        ("one", "1.0", ""),
        ("Two.x", "2.0.post1", "python_full_version < '3.11' and os_name == 'nt'"),
    ]
    assert pins[0].hashes == frozenset(digests)
    assert (
        pins[0].requirement() == f"one==1.0 --hash=sha256:{digests[0]} --hash=sha256:{digests[1]}"
    )


@pytest.mark.parametrize(
    "text", ["", "# nothing", "one==1.0", "one>=1.0 --hash=sha256:" + DIGEST, "-e .", "./one.whl"]
)
def test_a_line_that_is_not_pinned_is_refused(text):
    with pytest.raises(BuildError, match="the lock "):
        read_lock(text)


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ("python_full_version < '3.11'", {"3.10"}),
        ("python_version >= '3.12'", {"3.12", "3.13", "3.14"}),
        ("'3.13' == python_version", {"3.13"}),
        ("python_full_version > '3.12.50' and python_version < '3.13'", {"3.12"}),
        ("python_version in '3.10 3.14'", {"3.10", "3.14"}),
        ("python_version not in '3.10 3.14' and python_version <= '3.11'", {"3.11"}),
        ("(os_name == 'nt' or python_version == '3.11') and sys_platform != 'win32'", {"3.11"}),
        ("implementation_name != 'pypy' and os_name == 'nt'", set()),
        ("sys_platform == 'darwin'", set()),
        ("platform_machine == 'x86_64' and platform_system == 'Linux'", set(PYTHONS)),
    ],
)
def test_markers_are_evaluated_for_the_target_not_for_this_python(marker, expected):
    (pin,) = read_lock(f"one==1 ; {marker} --hash=sha256:{DIGEST}")

    targets = [target for target in ALL_TARGETS if target.platform.name == "linux-x86_64"]

    assert {target.python for target in targets if pin.wanted_by(target)} == expected


@pytest.mark.parametrize(
    "marker",
    [
        "moon == 'full'",
        "python_version ~= '3.10'",
        "os_name < 'nt'",
        "python_version == 'new'",
        "os_name",
        "'a' == 'b' == 'c'",
        "os_name == 3",
        "__import__('os')",
        "python_version is '3.10'",
    ],
)
def test_a_marker_that_is_not_understood_is_refused(marker):
    with pytest.raises(BuildError, match="a marker not understood here"):
        marker_holds(marker, ALL_TARGETS[0].markers(0))


def test_help_and_a_wrong_option(capsys):
    with pytest.raises(SystemExit) as ended:
        build_zipapp.main(["--help"])
    assert ended.value.code == 0
    assert "--wheelhouse" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        build_zipapp.main(["--target", "windows"])
    assert ended.value.code == 2


def test_it_is_a_command_that_needs_no_package(tmp_path):
    """Neither this environment's packages nor the working directory."""
    ran = subprocess.run(
        [sys.executable, "-S", pyz.ROOT / "build_zipapp.py", "--help"],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert "usage: build_zipapp.py" in ran.stdout
