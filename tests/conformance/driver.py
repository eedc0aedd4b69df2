"""The driver of the Python client's three faces; README.md has the contract.

    python -m tests.conformance.driver {blocking,trio,asyncio}

In a test `drive` does the same without a process.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import trio

import tmuxpulse
from tmuxpulse.client.core import State
from tmuxpulse.errors import ServerRefused
from tmuxpulse.events import Custom
from tmuxpulse.wire import Tree

Tell = Callable[[dict[str, Any]], None]
FACES = ("blocking", "trio", "asyncio")
END = "custom.end"
_RESETS = ("epoch", "expired", "scope")


def drive(face: str, client: dict[str, Any], tell: Tell) -> None:
    """Follow a scenario's client part to its end."""

    def on_state(state: State) -> None:
        if state.name == "open":
            tell({"state": "open"})

    options = {"url": client["url"], "token": client.get("token"), "on_state": on_state}
    wanted = {**client["filters"], "snapshot": client["snapshot"]}
    try:
        if face == "blocking":
            _blocking(client, options, wanted, tell)
        elif face == "trio":
            trio.run(_trio, client, options, wanted, tell)
        else:
            asyncio.run(_asyncio(client, options, wanted, tell))
    except ServerRefused as refused:
        tell({"refused": refused.code})


def _blocking(client: Any, options: Any, wanted: Any, tell: Tell) -> None:
    with tmuxpulse.connect(**options) as monitor:
        events = monitor.events(**wanted)
        _state(events.state, tell)
        time.sleep(client.get("pause_s", 0))
        for event in events:
            if not _told(event, tell):
                return


async def _trio(client: Any, options: Any, wanted: Any, tell: Tell) -> None:
    async with (
        tmuxpulse.connect_trio(**options) as monitor,
        monitor.events(**wanted) as events,
    ):
        _state(events.state, tell)
        await trio.sleep(client.get("pause_s", 0))
        async for event in events:
            if not _told(event, tell):
                return


async def _asyncio(client: Any, options: Any, wanted: Any, tell: Tell) -> None:
    async with (
        tmuxpulse.connect_asyncio(**options) as monitor,
        monitor.events(**wanted) as events,
    ):
        _state(events.state, tell)
        await asyncio.sleep(client.get("pause_s", 0))
        async for event in events:
            if not _told(event, tell):
                return


def _told(event: tmuxpulse.Event, tell: Tell) -> bool:
    """Report one item; False: it was the last."""
    match event.data:
        case tmuxpulse.Gap(reason=reason) if reason in _RESETS:
            tell({"reset": reason})
            _state(event.data.state, tell)
        case tmuxpulse.Gap() as gap:
            said = {"from": gap.first, "to": gap.last, "dropped": gap.dropped, "only": gap.only}
            tell({"gap": {**said, "reason": gap.reason}})
            _state(gap.state, tell)
        case tmuxpulse.Restarted(epoch=epoch):
            tell({"epoch": epoch})
        case Custom(name=name, data=data):
            if name == END:
                return False
            tell({"event": event.seq, "type": name, "data": data})
        case _:
            tell({"event": event.seq, "type": event.type})
    return True


def _state(state: Tree | None, tell: Tell) -> None:
    if state is not None:
        tell({"snapshot": [session.name for session in state.sessions]})


def main() -> None:
    """Run as a program."""

    def tell(report: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(report) + "\n")
        sys.stdout.flush()

    drive(sys.argv[1], json.load(sys.stdin), tell)


if __name__ == "__main__":
    main()
