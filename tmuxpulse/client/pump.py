"""Moves bytes between a core and a socket while somebody waits for something, and no longer.

What the bytes mean is the core's matter, and what is waited for the caller's.
"""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Callable
from contextlib import suppress

from tmuxpulse.client import endings, questions
from tmuxpulse.client.core import Core
from tmuxpulse.client.destination import Destination
from tmuxpulse.client.sockets import dial
from tmuxpulse.client.websocket import READ_BYTES, WebSocket
from tmuxpulse.errors import TmuxpulseError

_SHORTEST_SECONDS = 0.001  # zero would mean: do not wait, which TLS answers differently
_SEND_SECONDS = 5.0


class Pump:
    """One core's connection, for one thread at a time.

    Args:
        server: where to dial.
        core: decides.
    """

    def __init__(self, server: Destination, core: Core) -> None:
        self.core = core
        self._server = server
        self._socket: socket.socket | None = None
        self._websocket: WebSocket | None = None

    def wait(self, done: Callable[[], object], timeout: float) -> None:
        """Read on until something holds.

        Raises:
            TmuxpulseError: that will never be.
            TimedOut: it is not so in time.
        """
        until = time.monotonic() + timeout
        while not done():
            if self.core.ended is not None:
                raise self.core.ended
            now = time.monotonic()
            if now >= until:
                raise questions.too_slow(f"no answer from {self._server.where}", timeout)
            self._step(now, until)

    def close(self) -> None:
        """Say goodbye, for as long as a socket takes it."""
        if self._websocket is not None:
            self._websocket.close()
            with suppress(OSError):
                self._flush()
        self._hang_up()

    def abandon(self) -> None:
        """Close the socket here; another process that holds it can go on."""
        self._hang_up()

    def _step(self, now: float, until: float) -> None:
        """Do one thing: wait for the next try, dial, or hear what comes."""
        core = self.core
        if self._socket is None:
            if core.retry_at > now:
                time.sleep(min(core.retry_at, until) - now)
            else:
                self._dial()
            return
        try:
            self._flush()
            data = self._hear(min(core.deadline, until) - time.monotonic())
        except OSError as error:
            self._lose(endings.broken(self._server.where, error))
            return
        now = time.monotonic()
        websocket = self._websocket
        if data is None or websocket is None:
            core.tick(now)
        else:
            core.receive(websocket.receive(data), now)
        failure = core.broken or (websocket.ended if websocket is not None else None)
        if failure is not None:
            with suppress(OSError):
                self._flush()
            self._lose(failure)

    def _hear(self, seconds: float) -> bytes | None:
        """What comes; None: nothing came in time."""
        if self._socket is None:
            return None
        self._socket.settimeout(max(seconds, _SHORTEST_SECONDS) if seconds < math.inf else None)
        try:
            return self._socket.recv(READ_BYTES)
        except TimeoutError:
            return None

    def _flush(self) -> None:
        websocket, connection = self._websocket, self._socket
        if websocket is None or connection is None:
            return
        for text in self.core.outgoing():
            websocket.send(text)
        data = websocket.outgoing()
        if data:
            connection.settimeout(_SEND_SECONDS)
            connection.sendall(data)

    def _lose(self, error: TmuxpulseError) -> None:
        self._hang_up()
        self.core.lost(error, time.monotonic())

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = self._websocket = None

    def _dial(self) -> None:
        core = self.core
        core.dialing()
        try:
            self._socket = dial(self._server)
        except TmuxpulseError as error:
            core.lost(error, time.monotonic())
            return
        self._websocket = self._server.websocket(core.token)
        core.opened(time.monotonic())
