"""How fast a pane's output becomes lines: MB/s of `TextStream`, by kind of output and chunk size.

The corpora are made first, from a seed. Each round reads a whole corpus with a new stream, in
chunks as a pipe gives them, and takes what is there after every chunk, as the collector does at
its fastest. The rounds of all workloads take turns, so that a noisy machine is unfair to none.
Printed: JSON with the median, the best and the worst round in MB (10^6 bytes) of CPU time a second.

    python bench/bench_text.py [--megabytes 4] [--rounds 7]

The budget is 40 MB/s for plain text and 15 MB/s for text full of escapes.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tmuxpulse.tmux.text import TextStream

CHUNKS = (4096, 65536)
WORDS = ["the", "build", "of", "module", "error", "ok", "src/main.py", "12", "done:", "/usr/lib"]


def plain(rng: random.Random) -> str:
    """A log line."""
    return " ".join(rng.choices(WORDS, k=rng.randint(3, 20))) + "\r\n"


def unicode(rng: random.Random) -> str:
    """A line of other alphabets."""
    return " ".join(rng.choices(["über", "naïve", "温度", "тест", "🎉", "plain"], k=12)) + "\r\n"


def colour(rng: random.Random) -> str:
    """A line in which every word has a colour, as of `ls` or a compiler."""
    words = rng.choices(WORDS, k=rng.randint(3, 12))
    return (
        " ".join(f"\x1b[{rng.randint(0, 1)};3{rng.randint(0, 7)}m{w}\x1b[0m" for w in words)
        + "\r\n"
    )


def compiler(rng: random.Random) -> str:
    """Colours as gcc and grep write them, and a hyperlink."""
    words = rng.choices(WORDS, k=6)
    coloured = " ".join(f"\x1b[01;31m\x1b[K{w}\x1b[m\x1b[K" for w in words)
    return f"\x1b]8;;file:///{words[0]}\x1b\\{words[0]}\x1b]8;;\x1b\\ {coloured}\r\n"


def progress(rng: random.Random) -> str:
    """A progress bar drawn twenty times on its row."""
    percents = sorted(rng.sample(range(101), 20))
    return (
        "".join(f"\r\x1b[32m{'#' * (p // 2):<50}\x1b[0m {p:3d}% {p}.0/100 MB" for p in percents)
        + "\r\n"
    )


WORKLOADS: dict[str, Callable[[random.Random], str]] = {
    "plain": plain,
    "unicode": unicode,
    "colour": colour,
    "compiler": compiler,
    "cr-progress": progress,
}


def corpus(line: Callable[[random.Random], str], size: int) -> bytes:
    """Make a corpus."""
    rng = random.Random(2026)
    block = "".join(line(rng) for _ in range(1000)).encode()
    return (block * (size // len(block) + 1))[:size]


def measure(data: bytes, chunk: int) -> float:
    """Read it once, and return MB/s."""
    stream = TextStream()
    start = time.process_time()
    for position in range(0, len(data), chunk):
        stream.feed(data[position : position + chunk])
        stream.take(65536)
    return len(data) / 1e6 / (time.process_time() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--megabytes", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    corpora = {name: corpus(line, options.megabytes * 10**6) for name, line in WORKLOADS.items()}
    rounds: dict[tuple[str, int], list[float]] = {
        (name, chunk): [] for name in corpora for chunk in CHUNKS
    }
    for _ in range(options.rounds):
        for (name, chunk), results in rounds.items():
            results.append(measure(corpora[name], chunk))
    git = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    report = {
        "benchmark": "text",
        "unit": "MB/s of CPU time",
        "commit": commit,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "megabytes": options.megabytes,
        "rounds": options.rounds,
        "results": [
            {
                "workload": name,
                "chunk": chunk,
                "median": round(statistics.median(results), 1),
                "best": round(max(results), 1),
                "worst": round(min(results), 1),
            }
            for (name, chunk), results in rounds.items()
        ],
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
