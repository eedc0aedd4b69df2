"""A client that checks that nothing is missing; for soak.py.

    soak_client.py URL, with a token in the variable TOKEN

Our own client, which comes back after each cut and goes on where it was. One pane prints lines
``N 1``, ``N 2``, …: each must come once, in order. It says `ready` with the first of them, and at
end of input prints what it saw as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import trio

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import tmuxpulse
from tmuxpulse import Gap
from tmuxpulse.client.core import State
from tmuxpulse.events import PaneOutput


class Witness:
    """What came."""

    def __init__(self) -> None:
        self.first = 0
        self.last = 0
        self.missing = 0
        self.again = 0
        self.events = 0
        self.gaps: list[str] = []
        self.opened = 0

    def on_state(self, state: State) -> None:
        """Count connections."""
        self.opened += state.name == "open"

    def line(self, line: str) -> None:
        """Take a line."""
        if not line.startswith("N "):
            return
        number = int(line.split()[1])
        if not self.first:
            self.first = self.last = number
            print("ready", flush=True)
            return
        if number <= self.last:
            self.again += 1
            return
        self.missing += number - self.last - 1
        self.last = number

    def told(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return vars(self)


async def watch(url: str, witness: Witness) -> None:
    async with (
        tmuxpulse.connect_trio(
            url=url, token=os.environ["TOKEN"], on_state=witness.on_state
        ) as monitor,
        monitor.events() as events,
    ):
        async for event in events:
            witness.events += 1
            if isinstance(event.data, Gap):
                witness.gaps.append(event.data.reason)
            elif isinstance(event.data, PaneOutput):
                for line in event.data.lines:
                    witness.line(line)


async def main() -> None:
    witness = Witness()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch, sys.argv[1], witness)
        await trio.to_thread.run_sync(sys.stdin.read)
        nursery.cancel_scope.cancel()
    print(json.dumps(witness.told()), flush=True)


if __name__ == "__main__":
    trio.run(main)
