"""A program whose screen looks like an agent's at work; for recordings of a real tmux.

    agent_like.py SECONDS

Spinner and counter are redrawn in place, text streams in with colours, now and then it asks.
"""

from __future__ import annotations

import itertools
import sys
import time

SPINNER = "✳✶✻✽✻✶"
WORDS = (
    *("reading", "the", "files", "writing", "a", "test", "running", "it", "fixing", "日本語"),
    *("what", "found", "done"),
)


def main() -> None:
    until = time.monotonic() + float(sys.argv[1])
    write = sys.stdout.write
    write("\x1b]0;✳ agent\x07")
    for turn in itertools.count(1):
        for step in range(40):
            if time.monotonic() > until:
                write("\x1b[0m\r\nthe end\r\n")
                return
            if step % 8 == 7:
                word = WORDS[(turn + step) % len(WORDS)]
                write(f"\r\x1b[K\x1b[3{1 + step % 6}m● {word} {turn}.{step}\x1b[0m\r\n")
            spinner = SPINNER[step % len(SPINNER)]
            write(
                f"\x1b[2K\r{spinner} Working… ({step}s · ↓ {turn * step} tokens · esc to interrupt)"
            )
            sys.stdout.flush()
            time.sleep(0.05)
        if turn % 3 == 0:
            write("\x1b[?1049h\x1b[2J\x1b[3;5H\x1b[1mDo you want to proceed?\x1b[0m")
            write("\x1b[5;5H> 1. Yes\x1b[6;5H  2. No")
            sys.stdout.flush()
            time.sleep(0.3)
            write("\x1b[?1049l")


if __name__ == "__main__":
    main()
