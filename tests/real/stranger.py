"""A client by somebody else: the `websockets` library and a state of its own making.

    stranger.py URL [TEXT], with a token in the variable TOKEN

Subscribes with a snapshot and says `ready`; then TEXT, for each line of a pane that is just that.
Its input may tell what has to come, as JSON: `rows` and `lines`. At the end of it, it waits for
that, and until nothing has come for half a second, and prints one JSON object: the lines each pane
printed, the state that snapshot and events add up to, the types it saw, gaps, and whether `seq`
grew by one each time.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
from typing import Any

from websockets.asyncio.client import connect

FAMILIES = {"server", "session", "window", "pane", "agent", "command", "custom", "system"}
WAIT_SECONDS = 60.0


class Truth:
    """What the messages add up to."""

    def __init__(self, call: str = "") -> None:
        self.call = call
        self.sessions: dict[str, str] = {}
        self.windows: dict[str, dict[str, Any]] = {}
        self.links: dict[tuple[str, int, str], bool] = {}
        self.panes: dict[str, dict[str, Any]] = {}
        self.lines: dict[str, list[str]] = {}
        self.types: dict[str, int] = {}
        self.gaps = 0
        self.snapshots = 0
        self.seq: int | None = None
        self.unbroken = True

    def take(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        self.types[kind] = self.types.get(kind, 0) + 1
        if kind == "stream.gap":
            self.gaps += 1
        elif kind == "snapshot.data":
            self.snapshots += 1
            self._snapshot(message["data"])
            self.seq = message["seq"]
        elif "seq" in message and kind.split(".")[0] in FAMILIES:
            if self.seq is not None and message["seq"] != self.seq + 1:
                self.unbroken = False
            self.seq = message["seq"]
            self._event(kind, message, message["data"])

    def _snapshot(self, data: dict[str, Any]) -> None:
        self.sessions, self.windows, self.links, self.panes = {}, {}, {}, {}
        for session in data["sessions"]:
            self.sessions[session["id"]] = session["name"]
            for window in session["windows"]:
                self._window(session["id"], window)
                for pane in window["panes"]:
                    self.panes[pane["id"]] = {**pane, "window_id": window["id"]}

    def _window(self, session_id: str, window: dict[str, Any]) -> None:
        self.windows[window["id"]] = {"name": window["name"], "layout": window["layout"]}
        self.links[session_id, window["index"], window["id"]] = window["active"]

    def _event(self, kind: str, at: dict[str, Any], data: dict[str, Any]) -> None:
        session, window, pane = at.get("session_id"), at.get("window_id"), at.get("pane_id")
        if kind in ("session.created", "session.renamed"):
            self.sessions[str(session)] = data["name"]
        elif kind == "session.removed":
            del self.sessions[str(session)]
        elif kind == "window.created":
            self._window(str(session), data)
        elif kind == "window.removed":
            del self.links[str(session), at["window"], str(window)]
        elif kind == "window.moved":
            was = (str(session), data["previous"], str(window))
            self.links[str(session), data["index"], str(window)] = self.links.pop(was)
        elif kind == "window.activated":
            for key in self.links:
                if key[0] == session:
                    self.links[key] = key == (session, at["window"], window)
        elif kind == "window.renamed":
            self.windows[str(window)]["name"] = data["name"]
        elif kind == "window.layout":
            self.windows[str(window)]["layout"] = data["layout"]
        elif kind == "pane.created":
            self.panes[str(pane)] = {**data, "window_id": window}
        elif kind == "pane.removed":
            del self.panes[str(pane)]
        elif kind == "pane.moved":
            self.panes[str(pane)].update(
                index=data["index"], window_id=data["window_id"], active=data["active"]
            )
        elif kind == "pane.activated":
            home = self.panes[str(pane)]["window_id"]
            for pane_id, other in self.panes.items():
                if other["window_id"] == home:
                    other["active"] = pane_id == pane
        elif kind == "pane.resized":
            self.panes[str(pane)].update(width=data["width"], height=data["height"])
        elif kind == "pane.output":
            self.lines.setdefault(str(pane), []).extend(data["lines"])
            for _ in range(data["lines"].count(self.call) if self.call else 0):
                print(self.call, flush=True)

    def holds(self, wanted: str) -> bool:
        """Whether all has come that has to."""
        if not wanted:
            return True
        known = json.loads(wanted)
        seen = {line for lines in self.lines.values() for line in lines}
        return bool(known["rows"] == self.rows() and seen.issuperset(known["lines"]))

    def rows(self) -> list[str]:
        """As `list-panes -a` would tell it."""
        return sorted(
            f"{session} {self.sessions[session]} {index} {window} {self.windows[window]['name']}"
            f" {int(active)} {pane['index']} {pane['id']} {int(pane['active'])}"
            f" {pane['width']}x{pane['height']} {self.windows[window]['layout']}"
            for (session, index, window), active in self.links.items()
            for pane in self.panes.values()
            if pane["window_id"] == window
        )


LIST_FORMAT = (
    "#{session_id} #{session_name} #{window_index} #{window_id} #{window_name} #{window_active}"
    " #{pane_index} #{pane_id} #{pane_active} #{pane_width}x#{pane_height} #{window_layout}"
)


async def main() -> None:
    truth = Truth("".join(sys.argv[2:3]))
    headers = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
    async with connect(
        sys.argv[1], additional_headers=headers, max_size=None, compression=None
    ) as socket:
        await socket.send(json.dumps({"action": "subscribe", "snapshot": True, "id": "s"}))
        while not truth.snapshots:
            truth.take(json.loads(await socket.recv()))
        print("ready", flush=True)
        loop = asyncio.get_running_loop()
        end = loop.run_in_executor(None, sys.stdin.read)
        give_up = math.inf
        while True:
            try:
                message = await asyncio.wait_for(socket.recv(), 0.5)
            except asyncio.TimeoutError:
                if end.done():
                    give_up = min(give_up, loop.time() + WAIT_SECONDS)
                    if truth.holds(end.result()) or loop.time() >= give_up:
                        break
                continue
            truth.take(json.loads(message))
    print(
        json.dumps(
            {
                "lines": truth.lines,
                "rows": truth.rows(),
                "types": truth.types,
                "gaps": truth.gaps,
                "snapshots": truth.snapshots,
                "unbroken": truth.unbroken,
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main())
