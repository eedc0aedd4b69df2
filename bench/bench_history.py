"""The history: how fast a search is among a million lines, and what keeping costs.

Search: a corpus of log lines is made from a seed and taken into a database through the journal, one
event a line, as with ``history.output``. Then questions of several kinds are asked in turns, by a
reader with its own connection; a page is 100 events. Printed: the median, the 95th percentile and
the worst of each kind, and of all together.

Keeping: a real server, 50 panes that print 1,000 lines a second together, ten clients that take all
of it: without a history, with one, and with one that keeps what panes print. Printed: CPU time of
the server's process (the worker thread is in it) in % of a core, the extra over the server without
a history, and memory after three seconds and at the end; medians of runs in turns.

    python bench/bench_history.py [--lines 1000000] [--seconds 20] [--rate 1000]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from stage import helper, report, served, stage
from websockets.sync.client import connect

sys.path.insert(0, str(Path(__file__).parent.parent))

from tmuxpulse.events import Event, PaneError, PaneOutput, Place
from tmuxpulse.filters import Filter
from tmuxpulse.history.journal import Journal
from tmuxpulse.history.query import Query
from tmuxpulse.history.reader import Reader
from tmuxpulse.history.records import timestamp_of
from tmuxpulse.history.retention import Retention
from tmuxpulse.history.store import Store
from tmuxpulse.history.writer import Run
from tmuxpulse.wire import encode_event

PANES = 100
CHUNK = 5000
NOW = 1_795_000_000_000
KEEP = Retention(days=30, max_bytes=4 << 30)
COMMON = (
    *("the", "build", "of", "module", "error", "ok", "src/main.py", "12", "done:", "/usr/lib"),
    *("warning", "fetch", "GET", "200", "404", "compiling", "linking", "test_resume", "passed"),
    *("failed", "INFO", "DEBUG", "http://localhost:8080/api/v1/panes", "commit", "merge"),
)
PRINTING = 50  # panes
CLIENTS = 10

QUESTIONS: dict[str, Query] = {
    "one line of all": Query(text="needle-in-the-haystack"),
    "a line that is not there": Query(text="no such line anywhere"),
    "a common word": Query(text="compiling"),
    "a word in other case": Query(text="TEST_RESUME"),
    "two words beside each other": Query(text="error linking"),
    "a rare number": Query(text="0x00c0ffee"),
    "a time": Query(text="10:41:17"),
    "a common word of one pane": Query(text="failed", filter=Filter(panes=("%7",))),
    "a common word of one session": Query(text="failed", filter=Filter(sessions=("s3",))),
    "any of two, as a filter": Query(filter=Filter(contains=("needle-in", "c0ffee"))),
    "errors": Query(filter=Filter(severity=("error",))),
    "the last page": Query(),
    "an hour's": Query(since=(NOW + 400_000_000) / 1000, until=(NOW + 403_600_000) / 1000),
    "two letters": Query(text="zq"),
}


def vocabulary(rng: random.Random) -> list[str]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return list(COMMON) * 20 + [
        "".join(rng.choices(letters, k=rng.randint(3, 9))) for _ in range(5000)
    ]


def text(rng: random.Random, words: list[str], number: int) -> str:
    hour, minute, second = number // 3600 % 24, number // 60 % 60, number % 60
    head = f"{hour:02}:{minute:02}:{second:02}.{rng.randrange(1000):03} "
    return head + " ".join(rng.choices(words, k=rng.randint(3, 14)))


def place(pane: int) -> Place:
    session = pane // 10
    return Place(
        server="default",
        session=f"s{session}",
        session_id=f"${session}",
        window=pane % 10,
        window_id=f"@{pane}",
        window_name="zsh",
        pane=0,
        pane_id=f"%{pane}",
    )


PLACES = [place(pane) for pane in range(PANES)]


def corpus(lines: int) -> Iterator[bytes]:
    rng = random.Random(4)
    words = vocabulary(rng)
    for seq in range(1, lines + 1):
        line = text(rng, words, seq)
        if seq == lines // 3:
            line += " needle-in-the-haystack"
        if seq % (lines // 5 or 1) == 7:
            line += " 0x00c0ffee"
        where = PLACES[rng.randrange(PANES)]
        data: Any = PaneOutput(mode="append", lines=(line,), bytes=len(line))
        if seq % 1000 == 0:
            data = PaneError(line=line, rule="generic")
        yield encode_event(seq, timestamp_of(NOW + seq * 1000), Event(where, data))


def fill(directory: Path, lines: int) -> dict[str, Any]:
    database = directory / "history.db"
    journal = Journal(directory, "history", "bench", boot="", output=True, max_bytes=1 << 30)
    run = Run(epoch="bench", started=NOW, output=True)
    store = Store(database, directory, run, boot="", keep=KEEP, clock=lambda: NOW / 1000)
    began, cpu = time.monotonic(), 0.0
    chunk: list[bytes] = []
    for seq, line in enumerate(corpus(lines), 1):
        chunk.append(line)
        if len(chunk) == CHUNK or seq == lines:
            journal.append(chunk, seq - len(chunk) + 1, seq)
            chunk = []
            before = time.process_time()
            progress = store.work(journal.pending())
            cpu += time.process_time() - before
            if progress.trouble or progress.damage:
                raise RuntimeError(progress)
            for path, up_to in progress.drained.items():
                journal.drained(path, up_to)
    store.close()
    journal.close(remove=True)
    return {
        "lines": lines,
        "database, MB": round(database.stat().st_size / 1e6, 1),
        "filling, s": round(time.monotonic() - began, 1),
        "CPU of writing a line, us": round(cpu / lines * 1e6, 1),
    }


def search(directory: Path, rounds: int) -> dict[str, Any]:
    reader = Reader(directory / "history.db", seconds=30)
    took: dict[str, list[float]] = {name: [] for name in QUESTIONS}
    found: dict[str, int] = {}
    for _ in range(rounds):
        for name, query in QUESTIONS.items():
            began = time.perf_counter()
            page = reader.page(query)
            took[name].append((time.perf_counter() - began) * 1e3)
            found[name] = len(page.events)
    reader.close()
    every = [value for values in took.values() for value in values]
    return {
        "all": spread(every),
        "median of the kinds' medians, ms": round(
            statistics.median(statistics.median(values) for values in took.values()), 2
        ),
        **{name: {**spread(values), "found": found[name]} for name, values in took.items()},
    }


def spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "p50_ms": round(ordered[len(ordered) // 2], 2),
        "p95_ms": round(ordered[int(len(ordered) * 0.95)], 2),
        "max_ms": round(ordered[-1], 2),
    }


# --- keeping ---------------------------------------------------------------------------------


def position(url: str) -> int:
    """The number of the newest event."""
    headers = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
    with connect(url, additional_headers=headers) as client:
        return int(json.loads(client.recv())["seq"])


def serve_at(rate: int, seconds: float, *, enabled: bool, output: bool) -> dict[str, Any]:
    """A real server while panes print: its CPU time, its memory, what it published."""
    os.environ["TMUXPULSE_HISTORY_ENABLED"] = str(enabled).lower()
    os.environ["TMUXPULSE_HISTORY_OUTPUT"] = str(output).lower()
    with (
        stage(PRINTING) as tmux,
        served(tmux) as (process, url),
        helper("listener.py", url, str(CLIENTS)),
        helper("printer.py", str(rate), *tmux.terminals.values()),
    ):
        server = psutil.Process(process.pid)
        time.sleep(3)
        memory = [server.memory_info().rss]
        began, cpu, seq = time.monotonic(), server.cpu_times(), position(url)
        time.sleep(seconds)
        used, lasted, last = server.cpu_times(), time.monotonic() - began, position(url)
        memory.append(server.memory_info().rss)
    spent = used.user + used.system - cpu.user - cpu.system
    return {
        "CPU, % of a core": round(spent / lasted * 100, 2),
        "events a second": round((last - seq) / lasted),
        "memory at first, MB": round(memory[0] / 1e6, 1),
        "memory at the end, MB": round(memory[1] / 1e6, 1),
    }


def keeping(seconds: float, rate: int, rounds: int) -> dict[str, Any]:
    """Each mode in turns, so that what else the machine does falls on all of them."""
    modes = {
        "no history": {"enabled": False, "output": False},
        "history": {"enabled": True, "output": False},
        "history with output": {"enabled": True, "output": True},
    }
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in modes}
    for _ in range(rounds):
        for name, mode in modes.items():
            found[name].append(serve_at(rate, seconds, **mode))
    results: dict[str, Any] = {
        name: {key: statistics.median(one[key] for one in runs) for key in runs[0]}
        for name, runs in found.items()
    }
    base = results["no history"]["CPU, % of a core"]
    for name in ("history", "history with output"):
        extra = results[name]["CPU, % of a core"] - base
        results[name]["extra, % of a core"] = round(extra, 2)
        results[name]["extra, % of the server without"] = round(extra / base * 100, 1)
    return results


@contextmanager
def private_directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bench-history-") as name:
        directory = Path(name)
        directory.chmod(0o700)
        yield directory


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3, help="of each mode of keeping")
    arguments = parser.parse_args()
    results: dict[str, Any] = {
        "keeping": keeping(arguments.seconds, arguments.rate, arguments.runs)
    }
    if arguments.lines:
        with private_directory() as directory:
            results["corpus"] = fill(directory, arguments.lines)
            results["search"] = search(directory, arguments.rounds)
    report("history", results)


if __name__ == "__main__":
    main()
