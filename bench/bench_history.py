"""The history: how fast a search is among a million lines, and what keeping costs.

Search: a corpus of log lines is made from a seed and taken into a database through the journal, one
event a line, as with ``history.output``. Then questions of several kinds are asked in turns, by a
reader with its own connection; a page is 100 events. Printed: the median, the 95th percentile and
the worst of each kind, and of all together.

Keeping: a process publishes 1,000 events a second in bunches of 5, with ten readers that take them:
without a history, with one, and with one that keeps what panes print. Printed: CPU time of the
whole process (the worker thread is in it) in % of a core, the extra over the process without a
history, what one `keep` took in the event loop, and memory after a fifth of the time and at the
end. It costs most where every event has another text: here each has.

    python bench/bench_history.py [--lines 1000000] [--seconds 30] [--rate 1000]
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
import trio
from stage import report

sys.path.insert(0, str(Path(__file__).parent.parent))

from tmuxpulse.events import AgentStatus, Event, PaneError, PaneOutput, PaneTitle, Place
from tmuxpulse.filters import EVERYTHING, Filter
from tmuxpulse.history.history import History
from tmuxpulse.history.journal import Journal
from tmuxpulse.history.query import Query
from tmuxpulse.history.reader import Reader
from tmuxpulse.history.records import timestamp_of
from tmuxpulse.history.retention import Retention
from tmuxpulse.history.store import Store
from tmuxpulse.history.writer import Run
from tmuxpulse.hub.hub import Hub
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
BUNCH = 5
READERS = 10

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


def stream(rate: int) -> list[Event]:
    """Ten seconds' events, each with a text of its own."""
    rng = random.Random(5)
    words = vocabulary(rng)
    events = []
    for number in range(rate * 10):
        line = text(rng, words, number)
        data: Any = PaneOutput(mode="append", lines=(line,), bytes=len(line))
        if number % 20 == 1:
            data = PaneTitle(title=line, previous="")
        elif number % 20 == 2:
            data = AgentStatus(status="busy", previous="ready", evidence=line)
        elif number % 20 == 3:
            data = PaneError(line=line, rule="generic")
        events.append(Event(PLACES[rng.randrange(PANES)], data))
    return events


class Publisher:
    """Publishes at a rate; gives each bunch to the history first, if there is one."""

    def __init__(self, hub: Hub, history: History | None) -> None:
        self.took: list[float] = []
        self.memory: list[int] = []
        self._hub, self._history = hub, history

    async def run(self, events: list[Event], seconds: float, rate: int) -> None:
        """Publish for so long."""
        process = psutil.Process()
        bunches = int(seconds * rate / BUNCH)
        start = trio.current_time()
        for at in range(bunches):
            begin = at * BUNCH % len(events)
            self._publish(events[begin : begin + BUNCH])
            if at in (bunches // 5, bunches - 1):
                self.memory.append(process.memory_info().rss)
            await trio.sleep_until(start + (at + 1) * BUNCH / rate)

    def _publish(self, events: list[Event]) -> None:
        hub = self._hub
        seen = hub.seq
        hub.publish(*events)
        if self._history is not None:
            fresh = hub.ring.since(seen, newest=hub.seq) or []
            began = time.perf_counter()
            self._history.keep(fresh)
            self.took.append((time.perf_counter() - began) * 1e6)
        hub.flush()


async def publish(directory: Path, mode: str, seconds: float, rate: int) -> dict[str, Any]:
    """In a process of its own: the hub, its readers, and perhaps a history."""
    hub = Hub()
    events = stream(rate)
    database = directory / "history.db"
    with ExitStack() as stack:
        history = stack.enter_context(
            History.open(database, hub.epoch, output=mode == "output", keep=KEEP)
        )
        for _ in range(READERS):
            reader = stack.enter_context(hub.reader())
            reader.sink = lambda batch: bool(batch.messages)
            hub.move(reader, frozenset({EVERYTHING}))
        publisher = Publisher(hub, None if mode == "none" else history)
        async with trio.open_nursery() as nursery:
            if mode != "none":
                await nursery.start(history.run)
            before, start = cpu(), trio.current_time()
            await publisher.run(events, seconds, rate)
            used, lasted = cpu() - before, trio.current_time() - start
            nursery.cancel_scope.cancel()
        lost = history.condition().lost
    result: dict[str, Any] = {
        "CPU, % of a core": round(used / lasted * 100, 2),
        "events a second": round(hub.seq / lasted),
        "lost": lost,
        "memory after a fifth, MB": round(publisher.memory[0] / 1e6, 1),
        "memory at the end, MB": round(publisher.memory[1] / 1e6, 1),
    }
    if publisher.took:
        took = sorted(publisher.took)
        result["keep of 5 events, us"] = {
            "p50": round(took[len(took) // 2], 1),
            "p99": round(took[int(len(took) * 0.99)], 1),
            "max": round(took[-1], 1),
        }
    return result


@contextmanager
def private_directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bench-history-") as name:
        directory = Path(name)
        directory.chmod(0o700)
        yield directory


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def keeping(seconds: float, rate: int) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for mode, name in (
        ("none", "no history"),
        ("plain", "history"),
        ("output", "history with output"),
    ):
        options = ["--child", mode, "--seconds", str(seconds), "--rate", str(rate)]
        done = subprocess.run(
            [sys.executable, __file__, *options], stdout=subprocess.PIPE, check=True
        )
        results[name] = json.loads(done.stdout)
    base = results["no history"]["CPU, % of a core"]
    for name in ("history", "history with output"):
        extra = results[name]["CPU, % of a core"] - base
        results[name]["extra, % of a core"] = round(extra, 2)
        results[name]["extra, % of the process without"] = round(extra / base * 100, 1)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--child", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        with private_directory() as directory:
            found = trio.run(publish, directory, arguments.child, arguments.seconds, arguments.rate)
        print(json.dumps(found))
        return
    results: dict[str, Any] = {"keeping": keeping(arguments.seconds, arguments.rate)}
    if arguments.lines:
        with private_directory() as directory:
            results["corpus"] = fill(directory, arguments.lines)
            results["search"] = search(directory, arguments.rounds)
    report("history", results)


if __name__ == "__main__":
    main()
