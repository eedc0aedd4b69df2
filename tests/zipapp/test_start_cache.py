"""The cache of the one file: made once, by one of many, private, mended, swept."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.zipapp import pyz

DAY = 86_400


def leftovers(cache: Path) -> list[Path]:
    return list(cache.glob(".tmp-*"))


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_twelve_first_starts_at_once(tmp_path):
    cache = tmp_path / "cache"
    command, env = pyz.command(), pyz.environment(cache)
    processes = [
        subprocess.Popen(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(12)
    ]

    ended = [(*process.communicate(timeout=60), process.returncode) for process in processes]

    assert [(stderr, code) for _, stderr, code in ended] == [("", 3)] * 12
    assert len({stdout for stdout, _, _ in ended}) == 1
    assert str(pyz.tree_of(cache)) in ended[0][0]
    assert leftovers(cache) == []


def test_several_first_starts_without_locks(tmp_path):
    """As on a network file system: all unpack, one is first, the others use its tree."""
    prelude = (
        "import fcntl\ndef none(*args): raise OSError(37, 'No locks available')\n"
        "fcntl.flock = none\n"
    )
    processes = [
        subprocess.Popen(
            pyz.command(prelude=prelude),
            env=pyz.environment(tmp_path),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]

    ended = [(*process.communicate(timeout=60), process.returncode) for process in processes]

    assert [(stderr, code) for _, stderr, code in ended] == [("", 3)] * 3
    assert all(str(pyz.tree_of(tmp_path)) in stdout for stdout, _, _ in ended)
    assert leftovers(tmp_path) == []


BEFORE_COMPILING = """
import compileall, os, shutil
compile_dir = compileall.compile_dir
def compile_late(fresh, **options):
    shutil.copytree({made!r}, {tree!r}, dirs_exist_ok=True)
    return compile_dir(fresh, **options)
compileall.compile_dir = compile_late
"""
BEFORE_RENAMING = """
import os, shutil
rename = os.rename
def rename_late(source, to):
    if to == {tree!r}:
        shutil.copytree({made!r}, {tree!r})
    rename(source, to)
os.rename = rename_late
"""


@pytest.mark.parametrize("prelude", [BEFORE_COMPILING, BEFORE_RENAMING])
def test_another_start_that_is_quicker_without_a_lock(prelude, tmp_path):
    made = pyz.tree_of(pyz.warm_cache(tmp_path))
    (made / "by-another").touch()
    cache = tmp_path / "new"
    tree = cache / made.name

    ran = pyz.start(cache, prelude=prelude.format(made=str(made), tree=str(tree)))

    assert ran.native.startswith(str(tree))
    assert ran.stderr == ""
    assert (tree / "by-another").exists()
    assert leftovers(cache) == []


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def add_a_line(path: Path) -> None:
    path.write_text(path.read_text() + "1 more\n")


@pytest.mark.parametrize(
    ("pattern", "damage"),
    [
        ("msgspec/_core*.so", truncate),
        ("msgspec/__pycache__/_utils*.pyc", truncate),
        ("msgspec/__init__.py", Path.unlink),
        ("tmuxpulse/cli/main.py", truncate),
        (".ok", Path.unlink),
        (".ok", truncate),
        (".ok", add_a_line),
        (".ok", lambda path: path.write_bytes(b"")),
        (".ok", lambda path: path.write_bytes(b"\xff\xfe")),
        ("tmuxpulse", shutil.rmtree),
    ],
)
def test_a_damaged_tree_is_unpacked_again(pattern, damage, tmp_path):
    cache = pyz.warm_cache(tmp_path)
    (path,) = pyz.tree_of(cache).glob(pattern)
    damage(path)

    ran = pyz.start(cache)

    assert ran.native.startswith(str(cache))
    assert ran.stderr == ""
    assert leftovers(cache) == []
    whole = pyz.tree_of(pyz.shared_cache())
    assert sorted(path.relative_to(whole) for path in whole.rglob("*")) == sorted(
        path.relative_to(pyz.tree_of(cache)) for path in pyz.tree_of(cache).rglob("*")
    )


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir, lambda path: path.symlink_to("/")])
def test_something_else_in_the_place_of_the_tree(make, tmp_path):
    cache = pyz.warm_cache(tmp_path)
    tree = pyz.tree_of(cache)
    shutil.rmtree(tree)
    make(tree)

    assert pyz.start(cache).native.startswith(str(tree))
    assert not tree.is_symlink()
    assert Path("/bin").exists()


EARLY = """
import builtins
original = builtins.__import__
def early(name, *rest):
    if name == "tmuxpulse.cli.main":
        original("msgspec")
    return original(name, *rest)
builtins.__import__ = early
"""


def test_a_native_part_that_cannot_be_loaded_is_one_line(tmp_path):
    cache = pyz.warm_cache(tmp_path)
    (path,) = pyz.tree_of(cache).glob("msgspec/_core*.so")
    path.write_bytes(b"\0" * path.stat().st_size)

    # The stand-in imports it late; the real program does with its first module.
    ran = pyz.start(cache, prelude=EARLY)

    assert ran.code == 1
    (line,) = ran.stderr.splitlines()
    assert line.startswith("tmuxpulse: a native part cannot be loaded: ")
    assert "TMUXPULSE_CACHE_DIR" in line


def plant(cache: Path) -> None:
    """Leave a tree that looks whole and whose program is another."""
    tree = pyz.tree_of(cache)
    main = tree / "tmuxpulse" / "cli" / "main.py"
    size = main.stat().st_size
    main.write_text("raise SystemExit('planted')".ljust(size))
    for bytecode in main.parent.glob("__pycache__/main*"):
        bytecode.write_bytes(b"\0" * bytecode.stat().st_size)


def test_what_is_planted_would_run(tmp_path):
    """Else the tests below would show nothing."""
    cache = pyz.warm_cache(tmp_path)
    plant(cache)

    assert pyz.start(cache).stderr == "planted\n"


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_a_cache_others_may_write_to_is_refused(mode, tmp_path):
    cache = pyz.warm_cache(tmp_path)
    plant(cache)
    cache.chmod(mode)

    ran = pyz.start(cache)

    assert ran.from_memory
    assert not ran.unpacked
    assert ran.stderr == (
        f"tmuxpulse: not unpacking to {cache}, which other users may write to; "
        "starting from memory\n"
    )


def test_a_cache_of_another_user_is_refused(tmp_path):
    cache, owner = Path("/usr"), 0
    if os.geteuid() == 0:
        cache, owner = pyz.warm_cache(tmp_path), 65534
        plant(cache)
        os.chown(cache, owner, owner)

    ran = pyz.start(cache)

    assert ran.from_memory
    assert f"not unpacking to {cache}, which belongs to user {owner}; " in ran.stderr


def test_a_tree_of_another_user_is_not_run(tmp_path):
    """Only root can make one in a private directory; others show it with a link."""
    cache = pyz.warm_cache(tmp_path)
    plant(cache)
    tree = pyz.tree_of(cache)
    if os.geteuid() == 0:
        os.chown(tree / ".ok", 65534, 65534)
    else:
        marker = tree / ".ok"
        marker.rename(tmp_path / "marker")
        marker.symlink_to(tmp_path / "marker")

    assert pyz.start(cache).unpacked


@pytest.mark.parametrize("make", [Path.touch, lambda path: path.symlink_to(path.parent)])
def test_a_cache_that_is_no_directory_is_refused(make, tmp_path):
    cache = tmp_path / "cache"
    make(cache)

    ran = pyz.start(cache)

    assert ran.from_memory
    assert f"not unpacking to {cache}, which is not a directory; " in ran.stderr


SLOW_COMPILE = """
import compileall, time
compileall.compile_dir = lambda *args, **options: time.sleep(60)
"""


def test_kill_9_while_unpacking(tmp_path):
    process = subprocess.Popen(
        pyz.command(prelude=SLOW_COMPILE),
        env=pyz.environment(tmp_path),
        start_new_session=True,  # so that its child is killed with it
    )
    with process:
        while not list(tmp_path.glob(".tmp-*/tree/msgspec/_core*")):
            assert process.poll() is None
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)

    (left,) = leftovers(tmp_path)
    assert pyz.start(tmp_path).native.startswith(str(tmp_path))
    assert leftovers(tmp_path) == [left], "it could be in use"

    age(left, 3600)
    shutil.rmtree(pyz.tree_of(tmp_path))
    assert pyz.start(tmp_path).unpacked
    assert leftovers(tmp_path) == []


def test_trees_that_nobody_used_for_a_month_are_removed_but_none_in_use(tmp_path):
    cache = pyz.warm_cache(tmp_path)
    current = pyz.tree_of(cache)
    old = [cache / name for name in ("pyz-unused", "pyz-in-use", "pyz-recent", "pyz-damaged")]
    unused, in_use, recent, damaged = old
    for tree in old:
        shutil.copytree(current, tree)
        age(tree / ".ok", 40 * DAY)
    age(recent / ".ok", 20 * DAY)
    (damaged / ".ok").unlink()
    age(damaged, 40 * DAY)
    (current / ".ok").unlink()  # the sweep comes with a first start

    with (in_use / ".ok").open() as marker:
        fcntl.flock(marker, fcntl.LOCK_SH)
        assert pyz.start(cache).unpacked

    assert set(cache.glob("[!.]*")) == {current, in_use, recent}
    assert not unused.exists()


def test_what_others_keep_in_a_directory_the_user_chose_stays(tmp_path):
    foreign = [tmp_path / "another program", tmp_path / ".tmp-other", tmp_path / "a file"]
    foreign[0].mkdir()
    foreign[1].mkdir()
    foreign[2].write_text("")
    for path in foreign:
        age(path, 400 * DAY)

    assert pyz.start(tmp_path).unpacked

    assert all(path.exists() for path in foreign)


def test_a_running_program_keeps_its_tree(tmp_path):
    cache = pyz.warm_cache(tmp_path)
    tree = pyz.tree_of(cache)
    process = subprocess.Popen(
        pyz.command("wait"),
        env=pyz.environment(cache),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        age(tree / ".ok", 40 * DAY)
        other = tmp_path / "other.pyz"
        assert pyz.build(other, f"--lock={pyz.ROOT / 'requirements.lock'}") == 0
        assert pyz.start(cache, file=other).unpacked
        assert tree.exists()
        out, _ = process.communicate("go\n", timeout=30)

    assert "imported late" in out
    assert process.returncode == 3


def test_each_day_of_use_is_noted(tmp_path):
    cache = pyz.warm_cache(tmp_path)
    marker = pyz.tree_of(cache) / ".ok"
    age(marker, 20 * DAY)

    assert pyz.start(cache).unpacked

    assert time.time() - marker.stat().st_mtime < DAY


def test_a_file_that_is_replaced_while_it_starts(tmp_path):
    file, newer = tmp_path / "tmuxpulse.pyz", tmp_path / "newer.pyz"
    shutil.copy(pyz.archive(), file)
    assert pyz.build(newer, f"--lock={pyz.ROOT / 'requirements.lock'}") == 0
    prelude = (
        f"import os, shutil\nfork = os.fork\n"
        f"os.fork = lambda: shutil.copy({str(newer)!r}, {str(file)!r}) and fork()\n"
    )

    ran = pyz.start(tmp_path / "cache", file=file, prelude=prelude)

    assert ran.code == 1
    assert ran.stderr == f"tmuxpulse: {file} was replaced while it started; start it again\n"
    assert pyz.start(tmp_path / "cache", file=file).unpacked


@pytest.mark.parametrize("cache", ["cache", "/dev/null/none"])
def test_a_damaged_file(cache, tmp_path):
    file = tmp_path / "tmuxpulse.pyz"
    data = bytearray(pyz.archive().read_bytes())
    middle = len(data) // 2  # within the wheels, which are most of it
    data[middle - 400_000 : middle + 400_000] = bytes(800_000)
    file.write_bytes(data)

    ran = pyz.start(tmp_path / cache, file=file)

    assert ran.code == 1
    (line,) = ran.stderr.splitlines()
    assert line.startswith(f"tmuxpulse: {file} ")
    assert leftovers(tmp_path / cache) == []


def test_ctrl_c_while_unpacking(tmp_path):
    process = subprocess.Popen(
        pyz.command(prelude=SLOW_COMPILE),
        env=pyz.environment(tmp_path),
        start_new_session=True,
        stderr=subprocess.PIPE,
    )
    with process:
        while not list(tmp_path.glob(".tmp-*/tree/msgspec/_core*")):
            assert process.poll() is None
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        _, stderr = process.communicate(timeout=30)

    assert stderr == b""
    assert process.returncode == 130
