"""The one file: its size, and how soon it starts, cold and warm, beside a virtual environment.

Method: `dist/tmuxpulse.pyz` is built when it is not there or `--build` is given. Cold is the first
run ever on a machine: nothing is unpacked and nothing compiled yet, which a cache directory of its
own stands for (the file itself is in the system's memory). Warm are the runs after it. The other is
the environment that this script runs in. `--version` is timed to its end; `watch --json` from its
start to the first event on its output, with a private tmux server of ten panes and no server of
ours. Runs of all kinds take turns; user and system time come from the kernel, since a busy machine
spoils the clock on the wall.

    bench_start.py [--rounds 7] [--build]
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from stage import HERE, TmuxStage, end, report, say, stage

ROOT: Final = HERE.parent
FILE: Final = ROOT / "dist" / "tmuxpulse.pyz"
PANES: Final = 10


def timed(command: list[str], env: dict[str, str], until: Callable[[subprocess.Popen[bytes]], Any]
          ) -> tuple[float, float]:  # fmt: skip
    """Run a command until something is seen of it: ms on the wall, ms of its CPU to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    until(process)
    wall = (time.monotonic() - began) * 1000
    end(process)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, used * 1000


def version(program: list[str], env: dict[str, str]) -> tuple[float, float]:
    def ended(process: subprocess.Popen[bytes]) -> None:
        if process.wait(60) != 0:
            raise RuntimeError(f"{program} --version failed")

    return timed([*program, "--version"], env, ended)


def first_event(program: list[str], env: dict[str, str], tmux: TmuxStage) -> tuple[float, float]:
    def told(process: subprocess.Popen[bytes]) -> None:
        if process.stdout is None or not process.stdout.readline():
            raise RuntimeError(f"{program} watch told nothing")

    return timed([*program, "watch", "--json", "-S", tmux.socket], env, told)


def spread(runs: list[tuple[float, float]]) -> dict[str, float]:
    walls, used = zip(*runs, strict=True)
    return {
        "p50_ms": round(statistics.median(walls), 1),
        "max_ms": round(max(walls), 1),
        "cpu_ms": round(statistics.median(used), 1),
        "n": len(runs),
    }


def measure(tmux: TmuxStage, directory: Path, rounds: int) -> dict[str, Any]:
    runtime = {"TMUXPULSE_RUNTIME_DIR": str(directory / "run")}
    (directory / "run").mkdir(mode=0o700)
    base = {**os.environ, **runtime}
    base.pop("PYTHONDONTWRITEBYTECODE", None)  # it would compile each module at each start
    zipped = {**base, "XDG_CACHE_HOME": str(directory / "cache"), "HOME": str(directory)}
    pyz = [sys.executable, str(FILE)]
    plain = [str(Path(sys.executable).parent / "tmuxpulse")]
    cold: list[tuple[float, float]] = []
    for _ in range(max(2, rounds // 3)):
        shutil.rmtree(directory / "cache", ignore_errors=True)
        cold.append(version(pyz, zipped))
    found: dict[str, list[tuple[float, float]]] = {}

    def note(name: str, one: tuple[float, float]) -> None:
        found.setdefault(name, []).append(one)

    first_event(pyz, zipped, tmux)  # what it alone imports is compiled now
    first_event(plain, base, tmux)
    for _ in range(rounds):
        note("pyz --version, warm", version(pyz, zipped))
        note("environment --version", version(plain, base))
        note("pyz watch, warm", first_event(pyz, zipped, tmux))
        note("environment watch", first_event(plain, base, tmux))
        note("python alone", timed([sys.executable, "-c", "pass"], base, lambda one: one.wait()))
    return {
        "pyz --version, cold": spread(cold),
        **{name: spread(runs) for name, runs in found.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--build", action="store_true", help="even when the file is there")
    options = parser.parse_args()
    if options.build or not FILE.exists():
        say("building the one file (it downloads wheels the first time)")
        subprocess.run(
            [sys.executable, str(ROOT / "build_zipapp.py")], check=True, stdout=sys.stderr
        )
    directory = Path(tempfile.mkdtemp(prefix="tp-start-"))
    try:
        with stage(PANES) as tmux:
            results = measure(tmux, directory, options.rounds)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    report("start", {"file, MB": round(FILE.stat().st_size / 1e6, 2), **results})


if __name__ == "__main__":
    main()
