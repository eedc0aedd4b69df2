"""What joining an orchestrator costs it: a hooked call, and questions that no longer fork.

    bench_joints.py [--panes N] [--calls N]

**Hooks**: a function that does nothing, bare and decorated, called `--calls` times in batches that
the queue holds; microseconds a call in the caller's thread, median of the batches. ``off`` is
``TMUXPULSE_EVENTS=0``, ``none`` without a server, ``told`` with one, ``told 3`` with three
arguments, ``full`` with a queue that is full (the server is stopped).

**Compat**: the batch of all sessions and windows, and screens of ten panes, from the live state
and by tmux itself, milliseconds a question; beside the two runs and ten runs of tmux that the known
helpers make.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stage import TmuxStage, report, stage, wait_until

ROOT = Path(__file__).resolve().parent.parent
HOST = """
import sys, time, json, statistics
from tmuxpulse.hooks import emits, counts, flush

def bare(a, b=2, c=3): return a
one = emits("bench.call")(bare)
three = emits("bench.call", arguments=["a", "b", "c"])(bare)
kind, calls = sys.argv[1], int(sys.argv[2])
called = {"bare": bare, "told 3": three}.get(kind, one)
called(1); flush(2.0)
batches = []
for _ in range(max(1, calls // 500)):
    began = time.perf_counter()
    for n in range(500): called(n, "text", [1, 2])
    batches.append((time.perf_counter() - began) / 500 * 1e6)
    if kind.startswith("told"): flush(60.0)
print(json.dumps({"us": round(statistics.median(batches), 2), "counts": counts()}))
"""


def hooks(env: dict[str, str], kind: str, calls: int) -> dict[str, object]:
    """Run a host program."""
    done = subprocess.run(
        [sys.executable, "-c", HOST, kind, str(calls)],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def milliseconds(ask: Callable[[], object], times: int) -> float:
    """The median of some questions."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        ask()
        found.append(1000 * (time.perf_counter() - began))
    return round(statistics.median(found), 3)


@contextmanager
def serving(tmux: TmuxStage, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A tmuxpulse server in the directories of an environment."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tmuxpulse", "serve", "-S", tmux.socket, "--port", "0"),
            *("--config", str(Path(env["XDG_CONFIG_HOME"]) / "bench.toml")),
        ],
        stdout=subprocess.PIPE,
        text=True,
        env=env,
    )
    try:
        if process.stdout is None or "ready" not in process.stdout.readline():
            raise RuntimeError("the server did not start")
        yield process
    finally:
        process.terminate()
        process.wait(20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--panes", type=int, default=50)
    parser.add_argument("--calls", type=int, default=5000)
    options = parser.parse_args()
    results: dict[str, object] = {}
    with (
        tempfile.TemporaryDirectory(prefix="tmuxpulse-bench-") as made,
        stage(options.panes) as tmux,
    ):
        folder = Path(made)
        config = folder / "config"
        config.mkdir()
        (config / "bench.toml").write_text("[limits]\nmessages_per_second = 100000\n")
        (config / "bench.toml").chmod(0o600)
        env = {
            **{key: value for key, value in os.environ.items() if not key.startswith("TMUX")},
            "TMUXPULSE_RUNTIME_DIR": str(folder / "run"),
            "TMUXPULSE_STATE_DIR": str(folder / "state"),
            "XDG_CONFIG_HOME": str(config),
            "TMUX": f"{tmux.socket},1,0",
            "PYTHONPATH": str(ROOT),
        }
        results["hooks none"] = hooks(env, "none", options.calls)
        results["hooks bare"] = hooks(env, "bare", options.calls)
        results["hooks off"] = hooks({**env, "TMUXPULSE_EVENTS": "0"}, "off", options.calls)
        os.environ |= env
        sys.path.insert(0, str(ROOT))
        from tmuxpulse.compat import tmux_core
        from tmuxpulse.compat.live import LIVE

        targets = [(f"s{at // 5}", at % 5) for at in range(10)]
        known = [
            lambda: [
                subprocess.run(["tmux", *one], check=True, capture_output=True, text=True)
                for one in (("list-sessions",), ("list-windows", "-a"))
            ],
            lambda: [
                subprocess.run(
                    ["tmux", "capture-pane", "-p", "-t", f"{session}:{window}", "-S", "-50"],
                    check=True,
                    capture_output=True,
                    text=True,
                )
                for session, window in targets
            ],
        ]
        ours: list[Callable[[], object]] = [
            tmux_core.batch_get_all_sessions_and_windows,
            lambda: tmux_core.batch_capture_panes(targets),
        ]
        for name, theirs, mine in zip(("list", "capture"), known, ours, strict=True):
            results[f"{name} ms, known helpers"] = milliseconds(theirs, 20)
            results[f"{name} ms, tmux in one run"] = milliseconds(mine, 20)
        with serving(tmux, env) as server:  # `LIVE` looks for it every second
            wait_until(lambda: LIVE.world() is not None)
            for name, mine in zip(("list", "capture"), ours, strict=True):
                results[f"{name} ms, live"] = milliseconds(mine, 100)
            results["hooks told"] = hooks(env, "told", options.calls)
            results["hooks told 3"] = hooks(env, "told 3", options.calls)
            os.kill(server.pid, signal.SIGSTOP)
            results["hooks full"] = hooks(env, "full", options.calls)
            os.kill(server.pid, signal.SIGCONT)
    report("joints", {"panes": options.panes, "calls": options.calls, **results})


if __name__ == "__main__":
    main()
