#!/usr/bin/env python3
"""Show a notice when a pane waits for an answer: once for each wait, and only if it lasts.

    python notify_waiting.py [--after SECONDS] [--command CMD]

CMD gets a title and a text as its last two arguments; by default it is `notify-send` (on macOS say
`--command ./my-notice`, with a script that runs `osascript`).
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import time
from contextlib import suppress
from typing import NoReturn

import tmuxpulse
from tmuxpulse.errors import TimedOut, TmuxpulseError
from tmuxpulse.events import AgentStatus, PaneRemoved


class Waits:
    """The panes that wait, and whom of them nobody was told yet."""

    def __init__(self, after_seconds: float) -> None:
        self.after_seconds = after_seconds
        self._due: dict[tuple[str | None, str | None], tuple[float, str, str]] = {}
        self._told: set[tuple[str | None, str | None]] = set()

    def saw(self, event: tmuxpulse.Event, now: float) -> None:
        """Take in an event."""
        pane = (event.server, event.pane_id)
        match event.data:
            case AgentStatus(status="waiting", reason=reason, evidence=evidence):
                if pane in self._told:
                    return
                where = f"{event.session}:{event.window}.{event.pane}"
                due = self._due.get(pane, (now + self.after_seconds,))[0]
                self._due[pane] = (due, f"{where} waits", evidence or reason)
            case AgentStatus() | PaneRemoved():
                self._due.pop(pane, None)
                self._told.discard(pane)

    def seconds_left(self, now: float) -> float:
        """How long until somebody is to be told."""
        return max(0.0, min((due for due, *_ in self._due.values()), default=now + 3600.0) - now)

    def take_due(self, now: float) -> list[tuple[str, str]]:
        """Give the title and text of each wait that has lasted long enough."""
        due = [pane for pane, (at, *_) in self._due.items() if at <= now]
        self._told.update(due)
        return [self._due.pop(pane)[1:] for pane in due]


def run(after_seconds: float, command: list[str]) -> NoReturn:
    """Tell of each wait, until the end."""
    waits = Waits(after_seconds)
    with tmuxpulse.connect() as monitor:
        events = monitor.events(types=["agent.status", "pane.removed"])
        print("watching", flush=True)
        while True:
            with suppress(TimedOut):
                event = events.next(waits.seconds_left(time.monotonic()))
                waits.saw(event, time.monotonic())
            for notice in waits.take_due(time.monotonic()):
                subprocess.run([*command, *notice], check=False)


def main() -> int:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--after", type=float, default=5.0, help="seconds a wait has to last (5)")
    parser.add_argument("--command", default="notify-send", help="what shows a notice")
    options = parser.parse_args()
    try:
        run(options.after, shlex.split(options.command))
    except KeyboardInterrupt:
        return 130
    except (TmuxpulseError, OSError) as error:
        print(f"notify_waiting: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
