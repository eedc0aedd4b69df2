"""Prints log lines into terminals, round and round, at a rate; for benchmarks.

    printer.py RATE TERMINAL...

Says `ready` and begins; ends with its input. The lines are made from a seed, each has another text.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time

WORDS = (
    *("the", "build", "of", "module", "error", "ok", "src/main.py", "12", "done:", "/usr/lib"),
    *("warning", "fetch", "GET", "200", "404", "compiling", "linking", "test_resume", "passed"),
)


def line(rng: random.Random, number: int) -> bytes:
    """A line of a log."""
    words = [rng.choice(WORDS) if rng.random() < 0.8 else f"{rng.getrandbits(32):x}"
             for _ in range(rng.randint(3, 14))]  # fmt: skip
    return f"{number:09d} {' '.join(words)}\n".encode()


def main() -> None:
    rate = float(sys.argv[1])
    terminals = [os.open(path, os.O_WRONLY | os.O_NOCTTY) for path in sys.argv[2:]]
    rng = random.Random(7)
    lines = [line(rng, number) for number in range(20_000)]
    over = threading.Event()

    def wait_for_end() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait_for_end, daemon=True).start()
    print("ready", flush=True)
    start = time.monotonic()
    number = 0
    while not over.is_set():
        os.write(terminals[number % len(terminals)], lines[number % len(lines)])
        number += 1
        ahead = start + number / rate - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)


if __name__ == "__main__":
    main()
