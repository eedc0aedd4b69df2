"""What the benchmarks share: a private tmux server, a tmuxpulse server, clients of another make.

Everything runs on this machine in processes of its own and is ended by its process id.
"""

from __future__ import annotations

import json
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


class TmuxStage:
    """A tmux server of the benchmark's own, with `panes` quiet panes, five to a session."""

    def __init__(self, directory: Path, panes: int) -> None:
        # Where tmux itself looks for its socket with TMUX_TMPDIR: some peers can be told only that.
        self.directory = str(directory)
        own = directory / f"tmux-{os.getuid()}"
        own.mkdir(mode=0o700)
        self.socket = str(own / "default")
        self._panes = panes

    def start(self) -> None:
        """Start the server and its panes; anew, when it ended."""
        panes, self._panes = self._panes, 0
        self.grow(panes)
        self.pid = int(self.run("display-message", "-p", "#{pid}"))

    def grow(self, panes: int) -> None:
        """Have so many panes, if there are fewer."""
        for at in range(self._panes, panes):
            if at % 5 == 0:
                self.run("new-session", "-d", "-x", "80", "-y", "24", "-s", f"s{at // 5}", "cat")
            else:
                self.run("new-window", "-d", "-t", f"s{at // 5}:", "cat")
        self._panes = max(panes, self._panes)
        rows = self.run("list-panes", "-a", "-F", "#{pane_id} #{pane_tty}").split()
        self.terminals = dict(zip(rows[::2], rows[1::2], strict=True))

    def run(self, *arguments: str) -> str:
        """Run one tmux command."""
        done = subprocess.run(
            ["tmux", "-u", "-f", "/dev/null", "-S", self.socket, *arguments],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def stop(self) -> None:
        """End the server."""
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], check=False, capture_output=True)


@contextmanager
def stage(panes: int) -> Iterator[TmuxStage]:
    """A tmux server for the time of the block."""
    directory = Path(tempfile.mkdtemp(prefix="tp-bench-"))
    tmux = TmuxStage(directory, panes)
    try:
        tmux.start()
        yield tmux
    finally:
        tmux.stop()
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def served(tmux: TmuxStage, *flags: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A tmuxpulse server that watches the stage: its process and the address of its socket."""
    directory = tempfile.mkdtemp(prefix="tmuxpulse-bench-run-")
    env = {
        **os.environ,
        "TMUXPULSE_RUNTIME_DIR": f"{directory}/run",
        "TMUXPULSE_STATE_DIR": f"{directory}/state",
    }
    made = subprocess.run(
        [sys.executable, "-m", "tmuxpulse", "token", "create", "bench"],
        capture_output=True,
        text=True,
        check=True,
        env=env,
    )
    os.environ["TOKEN"] = made.stdout.strip()  # for the clients
    process = subprocess.Popen(
        [sys.executable, "-m", "tmuxpulse", "serve", "-S", tmux.socket, "--port", "0", *flags],
        stdout=subprocess.PIPE,
        text=True,
        env=env,
    )
    try:
        ready = process.stdout.readline() if process.stdout else ""
        address = next(word for word in ready.split() if word.startswith("http://"))
        yield process, address.replace("http://", "ws://").rstrip("/") + "/monitor"
    finally:
        end(process)
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def helper(name: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process that runs another script of this folder; it says `ready` when it is."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / name), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        if process.stdout is None or process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"{name} did not start")
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[Any], seconds: float = 15.0) -> int:
    """End a process in order, or else at once; its exit code."""
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
    finally:
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):  # it ended before it read everything
                    stream.close()


def print_to(terminal: str, text: str) -> None:
    """Print in a pane, as any program there could."""
    fd = os.open(terminal, os.O_WRONLY | os.O_NOCTTY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def percentiles(milliseconds: Sequence[float]) -> dict[str, float]:
    """The p50, p99 and maximum, and how many there were."""
    values = sorted(milliseconds)

    def at(share: float) -> float:
        return round(values[min(len(values) - 1, int(len(values) * share))], 2)

    return {"p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": round(values[-1], 2), "n": len(values)}


def machine() -> dict[str, Any]:
    """Where and from what commit a result comes."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    tmux = subprocess.run(["tmux", "-V"], capture_output=True, text=True, check=False)
    return {
        "commit": commit.stdout.strip(),
        "python": platform.python_version(),
        "tmux": tmux.stdout.strip(),
        "cores": os.cpu_count(),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
    }


def _processor() -> str:
    """Its name, as far as the system tells."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line[:10] == "model name")
    return platform.machine()


def say(text: str) -> None:
    """Tell how far it is, to who waits."""
    print(f"  {text}", file=sys.stderr, flush=True)


def pauses(count: int, mean_seconds: float, seed: int = 1) -> list[float]:
    """Seeded random pauses, so that samples hit no rhythm of anybody's."""
    source = random.Random(seed)
    return [source.uniform(0.4, 1.6) * mean_seconds for _ in range(count)]


def report(name: str, results: dict[str, Any]) -> None:
    """Print the result as JSON, one object."""
    print(json.dumps({"benchmark": name, **machine(), "results": results}, indent=2))


@contextmanager
def reporting(name: str, results: dict[str, Any]) -> Iterator[None]:
    """Report what is in `results` at the end of the block; when interrupted, what is there by then.

    So a script that was given too little time is not in vain.
    """
    # A shell starts what runs in its background with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        results["cut short"] = True
        say("cut short")
    report(name, results)


def wait_until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for a condition.

    Raises:
        TimeoutError: it did not come true.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.01)
