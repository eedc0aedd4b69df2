"""A server that follows a script, made with the `websockets` library: a stranger to our own code.

The script is the ``connections`` of a scenario; README.md says what may be in it.
"""

from __future__ import annotations

import asyncio
import json
import threading
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

if TYPE_CHECKING:
    from typing_extensions import Self

NDJSON = "tmuxpulse.v1.ndjson"
HEAR_SECONDS = 40.0
GREETING: dict[str, Any] = {
    "type": "connection.established",
    "client_id": "c-1",
    "timestamp": "2026-11-23T09:00:00.123Z",
    "server": {"name": "tmuxpulse", "version": "9.9"},
    "protocol": {"min": 1, "max": 1},
    "epoch": "e1",
    "seq": 0,
    "auth": {"required": False},
    "heartbeat_s": 25,
}

Step = dict[str, Any]


class Mismatch(Exception):
    """The client said something else than the script expects."""


class ScriptedServer:
    """Runs in a thread for the time of a block.

    Attributes:
        url: where it is.
        problems: what the client did wrong.
        heard: every request.
    """

    def __init__(self, connections: list[dict[str, Any]]) -> None:
        self.url = ""
        self.problems: list[str] = []
        self.heard: list[dict[str, Any]] = []
        self._connections = connections
        self._number = -1
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)

    @property
    def is_done(self) -> bool:
        """Whether the client came as often as the script has connections."""
        return self._number == len(self._connections) - 1

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        server: Server
        async with serve(
            self._converse,
            "127.0.0.1",
            0,
            process_request=self._judge,
            subprotocols=[Subprotocol(NDJSON)],
            select_subprotocol=_select,
            compression=None,
            ping_interval=None,
            max_size=None,
            close_timeout=0.2,
        ) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            self.url = f"ws://127.0.0.1:{port}/"
            self._ready.set()
            await self._stop.wait()

    def _judge(self, connection: ServerConnection, request: Request) -> Response | None:
        """Take the next connection of the script; the last one's refusals go on."""
        self._number = min(self._number + 1, len(self._connections))
        if self._number == len(self._connections):
            self.problems.append("the client came once more than it should have")
            return connection.respond(HTTPStatus.FORBIDDEN, "no more\n")
        part = self._connections[self._number]
        if "authorization" in part:
            found = request.headers.get("Authorization")
            if found != part["authorization"]:
                self.problems.append(f"authorization: {found!r}")
        if "refuse" in part:
            return connection.respond(HTTPStatus(part["refuse"]), "no\n")
        return None

    async def _converse(self, socket: ServerConnection) -> None:
        steps: list[Step] = self._connections[self._number]["steps"]
        player = _Player(socket, self.heard)
        try:
            for step in steps:
                await player.do(step)
            await socket.wait_closed()
        except Mismatch as problem:
            self.problems.append(str(problem))
            await socket.close(4501)
        except ConnectionClosed as closed:
            if player.is_cut:
                return
            self.problems.append(f"the client left in the middle: {closed}")


class _Player:
    """Does the steps of one connection."""

    def __init__(self, socket: ServerConnection, heard: list[dict[str, Any]]) -> None:
        self.is_cut = False
        self._socket = socket
        self._heard = heard
        self._last: dict[str, Any] = {}

    async def do(self, step: Step) -> None:
        ((what, how),) = step.items()
        match what:
            case "greet":
                await self._say([GREETING | how])
            case "hear":
                await self._hear(how)
            case "say":
                await self._say(how if isinstance(how, list) else [how])
            case "confirm":
                await self._say([self._confirmation(how)])
            case "events":
                await self._events(how)
            case "end":
                await self._say([event({"type": "custom.end", "seq": how})])
            case "pause":
                await asyncio.sleep(how)
            case "raw":
                await self._socket.send(how)
            case "close":
                self.is_cut = True
                await self._socket.close(how[0], how[1])
            case "cut":
                self.is_cut = True
                self._socket.transport.abort()
            case _:
                raise AssertionError(f"no such step: {what}")

    def _confirmation(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "subscription.confirmed",
            "id": self._last.get("id"),
            "subscription": "s-1",
            "subscriptions": ["s-1"],
            "filters": self._last.get("filters", {}),
            "epoch": "e1",
            "recovered": False,
            **fields,
        }

    async def _hear(self, expected: dict[str, Any]) -> None:
        try:
            message = await asyncio.wait_for(self._socket.recv(), HEAR_SECONDS)
        except asyncio.TimeoutError:
            raise Mismatch(f"never came: {expected}") from None
        self._last = json.loads(message)
        self._heard.append(self._last)
        if not _holds(self._last, expected):
            raise Mismatch(f"expected {expected}, heard {self._last}")

    async def _events(self, how: dict[str, Any]) -> None:
        """Events ``from`` to ``to`` of one ``type``, so many ``each`` message."""
        seqs = range(how["from"], how["to"] + 1)
        each = how.get("each", 1)
        for at in range(0, len(seqs), each):
            await self._say(
                [
                    event({"type": how.get("type", "pane.bell"), "seq": seq})
                    for seq in seqs[at : at + each]
                ]
            )

    async def _say(self, objects: list[dict[str, Any]]) -> None:
        texts = [json.dumps(self._filled(one)) for one in objects]
        if self._socket.subprotocol == NDJSON:
            texts = ["\n".join(texts)]
        for text in texts:
            await self._socket.send(text)

    def _filled(self, one: dict[str, Any]) -> dict[str, Any]:
        return one | {"id": self._last.get("id")} if one.get("id") == "$id" else one


def event(fields: dict[str, Any]) -> dict[str, Any]:
    """An event with what every event has."""
    return {
        "timestamp": "2026-11-23T09:00:01.004Z",
        "session": "s",
        "window": 0,
        "pane": 0,
        "session_id": "$1",
        "window_id": "@1",
        "pane_id": "%1",
        "server": "default",
        "data": {},
        **fields,
    }


def _holds(found: Any, expected: Any) -> bool:
    """Whether everything that is expected is there; None: it is not there, or null."""
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(
            _holds(found.get(key), value) for key, value in expected.items()
        )
    return bool(found == expected)


def _select(_: ServerConnection, offered: Any) -> Subprotocol | None:
    return Subprotocol(NDJSON) if NDJSON in offered else None
