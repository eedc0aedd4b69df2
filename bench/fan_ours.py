"""Our hub and server under a stream of events, without tmux; for bench_fanout.py.

    fan_ours.py CLIENTS EVENTS AT_ONCE PER_SECOND BYTES

As `fan_peer.py`: the same pace, the same sizes; the ready line has a token, too. All of the server
is there but the collector and the history: numbering, encoding, the ring, filters, each reader's
bound.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import trio

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tmuxpulse.config.settings import (
    AuditTable,
    CollectSettings,
    HistoryTable,
    LimitsTable,
    ServerTable,
    ServeSettings,
)
from tmuxpulse.events import Event, PaneOutput, Place
from tmuxpulse.hub.hub import Hub
from tmuxpulse.serve.app import Ready, serve
from tmuxpulse.serve.token_store import TokenStore
from tmuxpulse.wire import encode_event, rfc3339

PLACE = Place(
    server="default",
    session="build",
    session_id="$1",
    window=0,
    window_id="@1",
    window_name="make",
    pane=0,
    pane_id="%0",
)


def event_of(size: int) -> Event:
    """An event whose encoding has a size."""
    empty = Event(PLACE, PaneOutput(mode="append", lines=("",), bytes=size))
    padding = size - len(encode_event(1000, rfc3339(0.0), empty))
    if padding < 0:
        raise ValueError(f"an event has at least {size - padding} bytes")
    return Event(PLACE, PaneOutput(mode="append", lines=("x" * padding,), bytes=size))


async def idle(
    hub: Hub,  # noqa: ARG001  # the shape of a collector
    settings: CollectSettings,  # noqa: ARG001
    *,
    task_status: trio.TaskStatus[None],
) -> None:
    """A collector that finds nothing."""
    task_status.started()
    await trio.sleep_forever()


async def publish_paced(hub: Hub, event: Event, events: int, at_once: int, per_second: int) -> None:
    """Publish at a pace, each for itself, as a collector does."""
    began = trio.current_time()
    for done in range(0, events, at_once):
        for _ in range(at_once):
            hub.publish(event)
        await trio.sleep_until(began + (done + at_once) / per_second)


async def main() -> None:
    clients, events, at_once, per_second, size = map(int, sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="tp-fan-") as directory:
        os.mkdir(f"{directory}/run", mode=0o700)
        store = TokenStore(Path(directory, "tokens.json"))
        token, _ = store.create("bench", ("read", "output"), now=time.time())
        hub = Hub()
        settings = ServeSettings(
            server=ServerTable(port=0),
            limits=LimitsTable(connections=clients + 10),
            history=HistoryTable(enabled=False),
            audit=AuditTable(enabled=False),
            unix_socket="",
            state_dir=directory,
            runtime_dir=f"{directory}/run",
        )
        lines: Any = trio.wrap_file(sys.stdin)
        async with trio.open_nursery() as nursery:

            async def run(*, task_status: trio.TaskStatus[Ready]) -> None:
                await serve(
                    settings,
                    CollectSettings(runtime_dir=directory),
                    announce=lambda _line: None,
                    collector=idle,
                    hub=hub,
                    signals=False,
                    task_status=task_status,
                )

            ready: Ready = await nursery.start(run)
            print(f"ready {ready.port} {token.reveal()}", flush=True)
            await lines.readline()
            if hub.reader_count < clients:  # each has had its confirmation by now
                raise RuntimeError(f"{hub.reader_count} of {clients} clients are here")
            began, cpu = time.monotonic(), time.process_time()
            await publish_paced(hub, event_of(size), events, at_once, per_second)
            wall = time.monotonic() - began
            print("done", flush=True)
            await lines.readline()  # what was buffered has gone out
            found = {"wall_s": wall, "cpu_s": time.process_time() - cpu}
            print(json.dumps(found), flush=True)
            nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main)
