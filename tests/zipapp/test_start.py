"""The one file starts: on every Python, with every flag, from any place; or says why not."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.zipapp import pyz

EVERY_PYTHON = pytest.mark.parametrize("version", pyz.pythons())
FLAGS = ["-I", "-S", "-E", "-s", "-O", "-OO", "-B", "-bb", *["-P"][: sys.version_info >= (3, 11)]]


@EVERY_PYTHON
def test_every_part_works_on_every_python_unpacked_and_from_memory(version, tmp_path):
    python = pyz.pythons()[version]
    cold, warm = (
        pyz.start(tmp_path / "cache", "all", python=python, flags=("-I",)) for _ in range(2)
    )
    memory = pyz.start("/dev/null/none", "all", python=python, flags=("-I",))

    assert cold.native.startswith(str(tmp_path / "cache"))
    assert warm.report == cold.report
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
    assert memory.from_memory
    assert not memory.unpacked
    for name in ("argv", "page", "versions"):
        assert memory.report[name] == warm.report[name]
    for ran in (cold, warm, memory):
        assert not [entry for entry in ran.report["path"] if entry.endswith(".pyz")]
    assert warm.report["page"] == "<p>page</p>\n"
    assert warm.report["bytecode"] > 10
    assert [ran.stderr for ran in (cold, warm, memory)] == ["", "", ""]


@EVERY_PYTHON
def test_what_one_python_needs_is_only_in_its_tree(version, tmp_path):
    pyz.start(tmp_path, python=pyz.pythons()[version])

    tree = pyz.tree_of(tmp_path)
    assert (tree / "exceptiongroup").exists() == (version == "3.10")
    assert (tree / "typing_extensions.py").exists() == (version in ("3.10", "3.11", "3.12"))
    (platformdirs,) = tree.glob("platformdirs-*.dist-info")
    assert platformdirs.name.startswith(
        "platformdirs-4.12" if version == "3.10" else "platformdirs-"
    )
    assert not list(tree.glob("_tmuxpulse*"))
    assert not (tree / "wheels").exists()


def test_a_warm_start_compiles_and_writes_nothing(tmp_path):
    cache = pyz.warm_cache(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*")}

    assert pyz.start(cache).unpacked

    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*")} == before


@pytest.mark.parametrize("flag", FLAGS)
def test_python_flags(flag, tmp_path):
    assert pyz.start(pyz.warm_cache(tmp_path), flags=(flag,)).unpacked


@pytest.mark.parametrize("flags", [("-I", "-S"), ("-OO",), ("-B",)])
def test_python_flags_at_the_first_start(flags, tmp_path):
    first, second = (pyz.start(tmp_path / "cache", flags=flags) for _ in range(2))

    assert first.unpacked
    assert second.report == first.report


def test_a_bytecode_folder_elsewhere_is_respected(tmp_path):
    env = pyz.environment(tmp_path / "cache", PYTHONPYCACHEPREFIX=str(tmp_path / "prefix"))

    first, second = (pyz.start(None, env=env) for _ in range(2))

    assert first.unpacked
    assert second.unpacked
    assert list(pyz.tree_of(tmp_path / "cache").rglob("*.pyc"))


@pytest.mark.parametrize("name", ["tmux pulse.pyz", "tmüx→pulse.pyz", "100%d %s.pyz", "tmuxpulse"])
def test_any_name(name, tmp_path):
    folder = tmp_path / f"in {name}"
    folder.mkdir()
    file = Path(shutil.copy(pyz.archive(), folder / name))
    link = tmp_path / "a link"
    link.symlink_to(file)
    cache = pyz.shared_cache()

    assert pyz.start(cache, file=file).unpacked
    assert pyz.start(cache, file=link).unpacked
    assert pyz.start(cache, file=name, cwd=folder).unpacked
    assert pyz.start("/dev/null/none", file=name, cwd=folder).from_memory


def test_it_is_a_program_of_its_own(tmp_path):
    ran = subprocess.run(
        [pyz.archive(), "one", "two words"],
        check=False,
        capture_output=True,
        text=True,
        env=pyz.environment(tmp_path, PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}"),
    )

    assert ran.returncode == 3, ran.stderr
    assert '"argv":["one","two words"]' in ran.stdout


def test_a_hostile_working_directory_is_not_looked_at(tmp_path):
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    for name in ("msgspec", "trio", "zipfile", "tempfile", "_tmuxpulse_start", "tmuxpulse", "ssl"):
        (hostile / f"{name}.py").write_text("raise SystemExit('taken from the wrong place')")

    for cache in (tmp_path / "cache", tmp_path / "cache", "/dev/null/none"):
        assert pyz.start(cache, cwd=hostile).code == 3


@pytest.mark.parametrize("cache", ["shared", "/dev/null/none"])
def test_a_working_directory_that_is_gone(cache, tmp_path):
    (tmp_path / "gone").mkdir()
    prelude = "import os; os.rmdir(os.getcwd())\n"
    cache = pyz.shared_cache() if cache == "shared" else cache

    ran = pyz.start(cache, cwd=tmp_path / "gone", prelude=prelude)

    assert ran.code == 3, ran.stderr


def test_a_path_given_to_python_comes_after_what_is_carried(tmp_path):
    for name in ("msgspec", "tmuxpulse"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('taken from the wrong place')")

    for cache in (pyz.shared_cache(), "/dev/null/none"):
        env = pyz.environment(cache, PYTHONPATH=str(tmp_path))
        assert pyz.start(None, env=env).code == 3


def test_a_failure_of_the_program_shows_where(tmp_path):
    line = 1 + pyz.PROGRAM.splitlines().index('        raise RuntimeError("as asked")')

    unpacked = pyz.start(tmp_path / "cache", "fail")
    memory = pyz.start("/dev/null/none", "fail")

    assert 'raise RuntimeError("as asked")' in unpacked.stderr
    assert f'tmuxpulse/cli/main.py", line {line}, in main' in unpacked.stderr
    assert ".tmp-" not in unpacked.stderr
    assert f'tmuxpulse.pyz/tmuxpulse/cli/main.py", line {line}, in main' in memory.stderr
    assert unpacked.code == memory.code == 1


SUFFIXES = "import importlib.machinery as m; m.EXTENSION_SUFFIXES[:] = [{!r}]\n"


@pytest.mark.parametrize(
    ("prelude", "key"),
    [
        (SUFFIXES.format(".cpython-399-x86_64-linux-gnu.so"), "cpython-399-x86_64-linux-gnu"),
        (SUFFIXES.format(".cpython-313t-x86_64-linux-gnu.so"), "cpython-313t-x86_64-linux-gnu"),
        (SUFFIXES.format(".cp312-win_amd64.pyd"), "cp312-win_amd64"),
        ("import importlib.machinery as m; m.EXTENSION_SUFFIXES.clear()\n", "cpython"),
        (
            "import os; os.uname = lambda: type('', (), {'machine': 'riscv'})\n"
            + SUFFIXES.format(".cpython-312-darwin.so"),
            "cpython-312-darwin-riscv",
        ),
        (
            "import os\n"
            "def musl(name): raise ValueError(name)\n"
            "os.confstr = musl\n" + SUFFIXES.format(".cpython-39-x86_64-linux-gnu.so"),
            "cpython-39-x86_64-linux-musl",
        ),
    ],
)
def test_an_interpreter_that_nothing_is_carried_for(prelude, key, tmp_path):
    ran = pyz.start(tmp_path / "cache", prelude=prelude)

    assert ran.code == 1
    (line,) = ran.stderr.splitlines()
    assert f"carries nothing for this Python ({key}, " in line
    assert f"CPython 3.10, 3.11, 3.12, 3.13, 3.14 on {pyz.host().platform.key}" in line
    assert not (tmp_path / "cache").exists()


def test_an_old_python_gets_a_sentence():
    for python in pyz.old_pythons():
        ran = pyz.start("/dev/null/none", python=python)
        assert ran.code == 1
        assert ran.stderr.startswith("tmuxpulse: needs Python 3.10 or newer; this is Python ")
        assert len(ran.stderr.splitlines()) == 1


def test_the_first_file_can_be_read_by_python_2_7():
    text = (pyz.ROOT / "zipapp_start" / "__main__.py").read_bytes().decode("ascii")

    statements = ast.parse(text).body
    allowed = (
        *(ast.Module, ast.Expr, ast.Constant, ast.Import, ast.alias, ast.ImportFrom, ast.If),
        *(ast.Compare, ast.Lt, ast.Attribute, ast.Name, ast.Load, ast.Tuple, ast.Call),
        *(ast.BinOp, ast.Mod, ast.Subscript),
    )
    for node in ast.walk(ast.parse(text)):
        assert isinstance(node, allowed), ast.dump(node)
    kinds = [type(statement) for statement in statements]
    assert kinds == [ast.Expr, ast.Import, ast.If, ast.ImportFrom, ast.Expr]
    assert isinstance(statements[2], ast.If)
    assert ast.unparse(statements[2].test) == "sys.version_info < (3, 10)"
