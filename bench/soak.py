"""Endurance: half an hour of all that may happen, and then: is anything lost, does anything grow?

Method: one `tmuxpulse serve` watches two private tmux servers. In one a pane prints a numbered line
every 50 ms, and nothing else happens. In the other sessions and windows are made, renamed and
closed without pause, panes run `yes` for a while, programs are killed, and now and then the whole
server is ended and started anew. Clients are cut by a proxy (`tests/faults/proxy.py`) in the middle
of what they are told; others stop reading, and go. Two witnesses (`soak_client.py`) check the
numbers: one directly, one through the cuts. Every ten seconds memory, descriptors, child processes
and threads of our server are noted.

    soak.py [--minutes 30] [--seed 1] [--output FILE]

Exit status 0: both witnesses have every line, and nothing grew; 1: not so. Memory may rise by the
slope below over the second half: what is not flat after that has a leak.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import psutil
from figures import fit
from peers import free_port
from stage import HERE, TmuxStage, end, helper, machine, print_to, say, served, stage

NUMBER_SECONDS: Final = 0.05
SAMPLE_SECONDS: Final = 10.0
DRAIN_SECONDS: Final = 15.0  # a client that was cut last waits for up to 10 s
MOST_MB_AN_HOUR: Final = 8.0
MOST_MB: Final = 3.0  # of growth in the second half that counts as noise
MOST_MORE: Final = 4  # descriptors and children that come and go at any moment
CHURN_PANES: Final = 10


class Numbers:
    """Prints numbered lines in a pane until it is over."""

    def __init__(self, terminal: str) -> None:
        self.last = 0
        self._terminal = terminal
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._print)
        self._thread.start()

    def _print(self) -> None:
        while not self._over.wait(NUMBER_SECONDS):
            print_to(self._terminal, f"N {self.last + 1}\r\n")
            self.last += 1

    def stop(self) -> None:
        """Print no more."""
        self._over.set()
        self._thread.join()


class Trouble:
    """Everything that is done to the server under test; each deed counts."""

    def __init__(self, tmux: TmuxStage, url: str, proxy: subprocess.Popen[str], seed: int) -> None:
        self.done: dict[str, int] = {}
        self._tmux = tmux
        self._url = url
        self._proxy = proxy
        self._random = random.Random(seed)
        self._made = 0
        self._table: tuple[tuple[int, str, Callable[[], None]], ...] = (
            (60, "sessions made, renamed, closed", self._churn),
            (8, "floods", self._flood),
            (12, "cuts of all connections", self._cut),
            (6, "clients that stopped reading", self._stop_reading),
            (6, "programs killed", self._kill),
            (1, "restarts of tmux", self._restart),
        )

    def go_on(self) -> None:
        """Do one thing."""
        weights = [weight for weight, _, _ in self._table]
        _, name, deed = self._random.choices(self._table, weights)[0]
        try:
            deed()
        except subprocess.CalledProcessError:
            name = "commands that tmux refused"  # what they were for had just gone
        self.done[name] = self.done.get(name, 0) + 1
        time.sleep(self._random.uniform(0.02, 0.4))

    def _churn(self) -> None:
        self._made += 1
        name = f"b{self._made}"
        run = self._tmux.run
        run("new-session", "-d", "-s", name, "sh -c 'echo hello; exec cat'")
        run("new-window", "-d", "-t", f"{name}:", "cat")
        run("rename-session", "-t", name, f"{name}x")
        time.sleep(self._random.uniform(0, 0.3))  # now and then long enough to be piped
        run("kill-session", "-t", f"{name}x")

    def _flood(self) -> None:
        self._tmux.run("new-session", "-d", "-s", "flood", "yes")
        time.sleep(self._random.uniform(0.2, 3))
        self._tmux.run("kill-session", "-t", "flood")

    def _cut(self) -> None:
        if self._proxy.stdin is None or self._proxy.stdout is None:
            raise AssertionError("started with pipes")
        how = self._random.choice(["reset", "close"])
        self._proxy.stdin.write(json.dumps({"cut": how}) + "\n")
        self._proxy.stdin.flush()
        self._proxy.stdout.readline()

    def _stop_reading(self) -> None:
        with helper("sinks.py", self._url, "3", "--subscribe", "--stuck"):
            self._flood()

    def _kill(self) -> None:
        rows = self._tmux.run("list-panes", "-a", "-F", "#{pane_pid}").split()
        psutil.Process(int(self._random.choice(rows))).kill()
        if len(rows) <= CHURN_PANES:
            self._tmux.run("new-session", "-d", "cat")

    def _restart(self) -> None:
        self._tmux.stop()
        time.sleep(self._random.uniform(0.1, 1))
        self._tmux.start()


def sample(server: psutil.Process, began: float) -> dict[str, Any]:
    """What our server has now."""
    return {
        "at_s": round(time.monotonic() - began, 1),
        "rss_mb": round(server.memory_info().rss / 1e6, 2),
        "descriptors": server.num_fds(),
        "children": len(server.children(recursive=True)),
        "threads": server.num_threads(),
    }


def judge(samples: list[dict[str, Any]], witnesses: dict[str, Any], last: int) -> list[str]:
    """What is wrong; nothing, if all is well. Pure."""
    wrong = []
    for name, one in witnesses.items():
        if one["missing"] or one["again"] or one["last"] != last:
            wrong.append(
                f"{name}: {one['missing']} lines missing, {one['again']} twice, "
                f"the last was {one['last']} of {last}"
            )
        if one["gaps"]:
            wrong.append(f"{name}: gaps {sorted(set(one['gaps']))}")
    half = samples[len(samples) // 2 :]
    _, slope = fit([(one["at_s"], one["rss_mb"]) for one in half])
    risen = slope * (half[-1]["at_s"] - half[0]["at_s"]) if half else 0.0
    if slope * 3600 > MOST_MB_AN_HOUR and risen > MOST_MB:
        wrong.append(f"memory rises by {slope * 3600:.1f} MB an hour")
    for what in ("descriptors", "children", "threads"):
        early, late = samples[0][what], samples[-1][what]
        if late > early + MOST_MORE:
            wrong.append(f"{what}: {early} at first, {late} at last")
    return wrong


def soak(minutes: float, seed: int) -> dict[str, Any]:
    with ExitStack() as stack:
        calm = stack.enter_context(stage(1))
        wild = stack.enter_context(stage(CHURN_PANES))
        own_port = free_port()
        proxy, port = stack.enter_context(proxied(own_port))
        config = Path(calm.directory, "config.toml")
        config.write_text(f'[server]\nallowed_hosts = ["127.0.0.1:{port}"]\n', encoding="ascii")
        process, url = stack.enter_context(
            served(calm, "-S", wild.socket, "--port", str(own_port), "--config", str(config))
        )
        numbers = Numbers(next(iter(calm.terminals.values())))
        stack.callback(numbers.stop)
        witnesses = {
            "directly": stack.enter_context(helper("soak_client.py", url)),
            "through cuts": stack.enter_context(
                helper("soak_client.py", f"ws://127.0.0.1:{port}/monitor")
            ),
        }
        trouble = Trouble(wild, url, proxy, seed)
        server, began = psutil.Process(process.pid), time.monotonic()
        samples: list[dict[str, Any]] = []
        due = time.monotonic() + min(SAMPLE_SECONDS, minutes * 6)
        while time.monotonic() - began < minutes * 60:
            trouble.go_on()
            if process.poll() is not None:
                raise RuntimeError(f"the server ended with exit code {process.returncode}")
            if time.monotonic() > due:
                due += SAMPLE_SECONDS
                samples.append(sample(server, began))
                if len(samples) % 6 == 1:
                    say(", ".join(f"{value} {key}" for key, value in samples[-1].items()))
        numbers.stop()
        time.sleep(DRAIN_SECONDS)
        samples.append(sample(server, began))
        told = {name: json.loads(one.communicate(timeout=60)[0]) for name, one in witnesses.items()}
        exit_code = end(process)
    wrong = judge(samples, told, numbers.last)
    if exit_code:
        wrong.append(f"the server ended with exit code {exit_code}")
    half = samples[len(samples) // 2 :]
    return {
        "minutes": minutes,
        "seed": seed,
        "done": trouble.done,
        "lines": numbers.last,
        "lost": sum(one["missing"] for one in told.values()),
        "rss_mb_an_hour": round(fit([(s["at_s"], s["rss_mb"]) for s in half])[1] * 3600, 2),
        "witnesses": told,
        "wrong": wrong,
        "samples": samples,
    }


@contextmanager
def proxied(target: int) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A proxy in front of a port of this machine, and its own port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.proxy", "--to", f"127.0.0.1:{target}"],
        cwd=HERE.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        if process.stdout is None:
            raise AssertionError("started with pipes")
        yield process, json.loads(process.stdout.readline())["port"]
    finally:
        end(process)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    results = soak(options.minutes, options.seed)
    text = json.dumps({"benchmark": "soak", **machine(), "results": results}, indent=2) + "\n"
    if options.output is None:
        print(text, end="")
    else:
        options.output.write_text(text, encoding="utf-8")
    for one in results["wrong"]:
        say(f"wrong: {one}")
    say("all is well" if not results["wrong"] else "not well")
    return int(bool(results["wrong"]))


if __name__ == "__main__":
    sys.exit(main())
