"""Clients written with the `websockets` library, for benchmarks: a stranger to our own code.

    listener.py URL COUNT, with a token in the variable TOKEN

Opens COUNT connections and says `ready`. The first one measures: for each event with a line
`T <nanoseconds>` (the monotonic clock at printing), for each status, or for each structure event,
it notes when it came. At end of input it prints the notes as JSON. Our own clients' subprotocol
is not used.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Any

from websockets.asyncio.client import connect

SUBSCRIBE = json.dumps({"action": "subscribe", "snapshot": False})


async def listen(url: str, notes: dict[str, list[Any]] | None, ready: asyncio.Event) -> None:
    headers = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
    async with connect(
        url, additional_headers=headers, max_size=None, compression=None, proxy=None
    ) as socket:
        await socket.send(SUBSCRIBE)
        async for message in socket:
            now = time.monotonic_ns()
            event = json.loads(message)
            if event["type"] == "subscription.confirmed":
                ready.set()
            elif notes is None:
                continue
            elif event["type"] == "pane.output":
                for line in event["data"]["lines"]:
                    if line.startswith("T "):
                        notes["output"].append((now - int(line.split()[1])) / 1e6)
            elif event["type"] == "agent.status":
                data = event["data"]
                notes["statuses"].append((now, event["pane_id"], data["status"], data["rule"]))
            else:
                notes["events"].append((event["type"], now, event.get("data", {}).get("name")))


async def main() -> None:
    url, count = sys.argv[1], int(sys.argv[2])
    notes: dict[str, list[Any]] = {"output": [], "events": [], "statuses": []}
    flags = [asyncio.Event() for _ in range(count)]
    tasks = [
        asyncio.create_task(listen(url, notes if at == 0 else None, flag))
        for at, flag in enumerate(flags)
    ]
    for flag in flags:
        await flag.wait()
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(json.dumps(notes), flush=True)
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(main())
