"""Without a directory for native parts the one file still starts, or says what to set."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.zipapp import pyz

FORBIDDEN = """
import os
def memfd_create(name):
    raise OSError(38, "Function not implemented")
os.memfd_create = memfd_create
"""
NO_MEMORY_FILES = "import os; del os.memfd_create\n"


@pytest.mark.parametrize("cache", ["/dev/null/none", "/proc/none", "a file"])
def test_no_directory_can_be_made(cache, tmp_path):
    if cache == "a file":
        cache = str(tmp_path / "file" / "below")
        (tmp_path / "file").write_text("")

    ran = pyz.start(cache)

    assert ran.from_memory
    assert not ran.unpacked
    assert ran.stderr == ""


def test_a_read_only_file_system(tmp_path):
    prefix = pyz.on_mount(tmp_path / "mount", "ro")

    ran = pyz.start(tmp_path / "mount" / "x" if prefix else "/proc/none", prefix=prefix or ())

    assert ran.from_memory
    assert not ran.unpacked
    assert ran.stderr == ""


def test_a_file_system_that_forbids_programs(tmp_path):
    """Really so where this user may mount; elsewhere the file system is only said to be so."""
    prefix = pyz.on_mount(tmp_path / "mount", "noexec")
    prelude = None
    if prefix is None:
        prelude = (
            "import os, types\n"
            "os.statvfs = lambda path: types.SimpleNamespace(f_flag=os.ST_NOEXEC)\n"
        )

    ran = pyz.start(tmp_path / "mount", prefix=prefix or (), prelude=prelude)

    assert ran.from_memory
    assert ran.unpacked
    assert ran.stderr == ""


def test_a_full_disk(tmp_path):
    """Really so where this user may mount; elsewhere unpacking fails as if it were."""
    prefix = pyz.on_mount(tmp_path / "mount", "size=256k")
    prelude = None
    if prefix is None:
        prelude = (
            "import zipfile\n"
            "def full(*args): raise OSError(28, 'full')\n"
            "zipfile.ZipFile.extractall = full\n"
        )

    ran = pyz.start(tmp_path / "mount", prefix=prefix or (), prelude=prelude)

    assert ran.from_memory
    assert not ran.unpacked
    assert ran.stderr == ""


def test_a_child_that_is_killed_while_unpacking(tmp_path):
    prelude = (
        "import os, signal\n"
        "fork = os.fork\n"
        "os.fork = lambda: fork() or os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    ran = pyz.start(tmp_path / "cache", prelude=prelude)

    assert ran.from_memory
    assert ran.stderr == ""


@pytest.mark.parametrize(
    ("prelude", "reason"),
    [
        (NO_MEMORY_FILES, "this system has no memory files"),
        (FORBIDDEN, "memory files are not allowed: Function not implemented"),
        ("import os\nos.path.exists = lambda path: False\n", "/proc is not mounted"),
    ],
)
def test_neither_a_directory_nor_memory_files(prelude, reason):
    ran = pyz.start("/dev/null/none", prelude=prelude)

    assert ran.code == 1
    (line,) = ran.stderr.splitlines()
    assert line.startswith("tmuxpulse: no directory to unpack to (/dev/null/none: ")
    assert reason in line
    assert line.endswith("set TMUXPULSE_CACHE_DIR to a private directory where programs may run")


def test_memory_files_are_not_needed_where_there_is_a_directory():
    assert pyz.start(pyz.shared_cache(), prelude=NO_MEMORY_FILES).unpacked


def test_no_home(tmp_path):
    """Neither a variable nor the list of users names a home."""
    prelude = "import os; os.getuid = lambda: 4_242_424\n"
    env = pyz.environment(None)
    del env["HOME"]

    ran = pyz.start(None, env=env, prelude=prelude)

    assert ran.from_memory
    assert not ran.unpacked
    env["XDG_CACHE_HOME"] = str(tmp_path)
    assert pyz.start(None, env=env, prelude=prelude).native.startswith(f"{tmp_path}/tmuxpulse/")


def test_the_home_of_another_user_is_left_alone(tmp_path):
    """As under sudo, which may keep HOME: files of root in there would stay in the user's way."""
    home = tmp_path / "home"
    home.mkdir()
    if os.geteuid() == 0:
        os.chown(home, 65534, 65534)
    else:
        home = Path("/")

    ran = pyz.start(None, env=pyz.environment(None, HOME=str(home)))

    assert ran.from_memory
    assert not (home / ".cache" / "tmuxpulse").exists()


def test_a_link_to_nowhere_in_the_place_of_the_usual_one(tmp_path):
    (tmp_path / ".cache").symlink_to(tmp_path / "nowhere")
    (tmp_path / "Library").symlink_to(tmp_path / "nowhere")

    ran = pyz.start(None, env=pyz.environment(None, HOME=str(tmp_path)))

    assert ran.from_memory
    assert ran.stderr == ""


def test_the_usual_place_is_below_the_home(tmp_path):
    usual = "Library/Caches" if sys.platform == "darwin" else ".cache"

    ran = pyz.start(None, env=pyz.environment(None, HOME=str(tmp_path), XDG_CACHE_HOME="relative"))

    assert ran.native.startswith(f"{tmp_path}/{usual}/tmuxpulse/")


@pytest.mark.parametrize("cache", [None, "/dev/null/none"])
def test_the_file_may_be_overwritten_while_it_runs(cache, tmp_path):
    file = tmp_path / "tmuxpulse.pyz"
    shutil.copy(pyz.archive(), file)
    process = subprocess.Popen(
        pyz.command("wait", file=file),
        env=pyz.environment(cache or tmp_path / "cache"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        file.write_bytes(b"something else entirely")
        out, _ = process.communicate("go\n", timeout=30)

    assert '"late":"imported late","page":"<p>page</p>\\n"' in out
    assert process.returncode == 3
