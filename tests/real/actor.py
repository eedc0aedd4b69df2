"""A program whose screen is an agent's; keys tell it what to do. Run under the agent's name.

| key | it |
|---|---|
| `w` | works, until Esc or `d` |
| Esc | is interrupted, and shows its prompt |
| `p` | asks for permission; `1` grants it, and it works |
| `d` | has done its work, and shows its prompt |

It draws all of its screen anew when that changes, and when the terminal's size does.
"""

from __future__ import annotations

import itertools
import os
import select
import shutil
import signal
import sys
import termios
import tty

ESC = "\x1b"
PROMPT = ["─" * 30, "\u276f ", "─" * 30, "  ? for shortcuts"]
WORKING = ["─" * 30, "\u276f ", "─" * 30, "  esc to interrupt"]
ASKS = [
    *("─" * 30, " Bash command", "   rm -r build", " Do you want to proceed?"),
    *(" \u276f 1. Yes", "   2. No", "", " Esc to cancel"),
]


def draw(mode: str, beat: int) -> None:
    """Draw the whole screen."""
    said = ["● Ready for you."] if mode != "interrupted" else ["● Stopped.", "  ⎿  Interrupted"]
    spinner = f"{'·✢✳✶✻✽'[beat % 6]} Pondering… ({beat // 10}s · ↓ {beat * 7} tokens)"
    rows = {"works": ["", spinner, *WORKING], "asks": ["", *ASKS]}.get(mode, ["", *PROMPT])
    rows = [row[: shutil.get_terminal_size().columns] for row in (*said, *rows)]
    sys.stdout.write(f"{ESC}[H{ESC}[2J" + "\r\n".join(rows) + f"{ESC}[{len(rows) - 2};3H")
    sys.stdout.flush()


def main() -> None:
    """Draw and obey."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGWINCH, lambda *_: None)
    before = termios.tcgetattr(0)
    tty.setraw(0)
    mode = "ready"
    try:
        for beat in itertools.count():
            draw(mode, beat)
            readable, _, _ = select.select([0, woken], [], [], 0.1 if mode == "works" else None)
            if woken in readable:
                os.read(woken, 100)
            if 0 in readable:
                key = os.read(0, 1).decode()
                if key == "q":
                    return
                modes = {"w": "works", ESC: "interrupted", "p": "asks", "1": "works", "d": "ready"}
                mode = modes.get(key, mode)
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
        sys.stdout.write(f"{ESC}[H{ESC}[2J")


main()
