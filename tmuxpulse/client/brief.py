"""One request over the user's own Unix socket, and its answer: for a program that lives for that.

A hook is started for every step of an agent, and the whole client takes longer to load than
everything else it does. So this is the least of a WebSocket that the server takes: no library, no
event loop, one deadline for all of it.
"""

from __future__ import annotations

import os
import socket
import time
from base64 import b64encode
from typing import Any

import msgspec

from tmuxpulse.errors import RequestError, ServerRefused, ServerUnavailable

SUBPROTOCOL = "tmuxpulse.v1.ndjson"  # of `wire`, which takes longer to load than all of this
MAX_HEAD_BYTES = 16_384
MAX_MESSAGE_BYTES = 1 << 20
_TEXT, _CLOSE, _PING = 0x1, 0x8, 0x9
_FINAL, _MASKED = 0x80, 0x80
_TWO_BYTES, _EIGHT_BYTES = 126, 127


def ask(path: str, request: dict[str, Any], *, seconds: float) -> dict[str, Any]:
    """Send a request, and wait for its answer.

    Args:
        path: of the Unix socket.
        request: without an id.
        seconds: for all of it.

    Raises:
        ServerUnavailable: nobody answers there in time, or somebody who speaks another language.
        ServerRefused: the server does not take the connection.
        RequestError: it refuses the request.
    """
    where = f"the tmuxpulse server at {path}"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
            line = _Line(stream, time.monotonic() + seconds)
            line.connect(path)
            _open(line, where)
            line.send(_frame(_TEXT, msgspec.json.encode({**request, "id": 1})))
            return _answer(line)
    except TimeoutError:
        raise ServerUnavailable(f"{where} gave no answer in {seconds:g} s") from None
    except OSError as error:
        why = f" ({error.strerror})" if error.strerror else ""
        raise ServerUnavailable(
            f"cannot reach {where}{why}; start one with: tmuxpulse serve"
        ) from None
    except (EOFError, ValueError, msgspec.MsgspecError):
        raise ServerUnavailable(f"{where} does not speak tmuxpulse's protocol") from None


class _Line:
    """A socket's bytes, until a deadline."""

    def __init__(self, stream: socket.socket, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline
        self._held = b""

    def connect(self, path: str) -> None:
        self._wait()
        self._stream.connect(path)

    def send(self, data: bytes) -> None:
        self._wait()
        self._stream.sendall(data)

    def take(self, count: int) -> bytes:
        """The next so many bytes."""
        while len(self._held) < count:
            self._more()
        found, self._held = self._held[:count], self._held[count:]
        return found

    def head(self) -> bytes:
        """All up to an empty line."""
        while b"\r\n\r\n" not in self._held:
            if len(self._held) > MAX_HEAD_BYTES:
                raise ValueError("no end of the head")
            self._more()
        found, _, self._held = self._held.partition(b"\r\n\r\n")
        return found

    def _more(self) -> None:
        self._wait()
        found = self._stream.recv(65_536)
        if not found:
            raise EOFError
        self._held += found

    def _wait(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._stream.settimeout(left)


def _open(line: _Line, where: str) -> None:
    key = b64encode(os.urandom(16)).decode()
    line.send(
        (
            "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
        ).encode()
    )
    # Who owns the socket's directory is the same user: what it says of the key proves no more.
    status = line.head().split(b"\r\n", 1)[0].split(b" ")[1:2]
    if status != [b"101"]:
        code = status[0].decode("ascii", "replace") if status else "no status"
        raise ServerRefused(f"{where} refused the connection ({code})", code=code)


def _answer(line: _Line) -> dict[str, Any]:
    while True:
        kind, message = _message(line)
        if kind == _CLOSE:
            raise EOFError
        for one in message.split(b"\n") if kind == _TEXT else ():
            found = msgspec.json.decode(one)
            if not isinstance(found, dict) or found.get("id") != 1:
                continue  # its greeting
            if found.get("type") == "error":
                raise RequestError(
                    str(found.get("code")),
                    str(found.get("message")),
                    retryable=found.get("retryable") is True,
                )
            return found


def _message(line: _Line) -> tuple[int, bytes]:
    """The next message; a long one may come in several frames."""
    whole, kind = b"", 0
    while True:
        first, second = line.take(2)
        size = second & ~_MASKED
        if size >= _TWO_BYTES:
            size = int.from_bytes(line.take(2 if size == _TWO_BYTES else 8), "big")
        if size + len(whole) > MAX_MESSAGE_BYTES or second & _MASKED:
            raise ValueError("no frame of a server")
        data = line.take(size)
        code = first & 0x0F
        if code == _PING:
            continue
        if code == _CLOSE:
            return code, data
        kind, whole = kind or code, whole + data
        if first & _FINAL:
            return kind, whole


def _frame(kind: int, data: bytes) -> bytes:
    """A frame as a client sends it: masked, which is all that hides in it."""
    size = len(data)
    if size < _TWO_BYTES:
        head = bytes([_FINAL | kind, _MASKED | size])
    elif size < 1 << 16:
        head = bytes([_FINAL | kind, _MASKED | _TWO_BYTES]) + size.to_bytes(2, "big")
    else:
        head = bytes([_FINAL | kind, _MASKED | _EIGHT_BYTES]) + size.to_bytes(8, "big")
    mask = os.urandom(4)
    repeated = mask * (size // 4 + 1)
    return head + mask + bytes(a ^ b for a, b in zip(data, repeated, strict=False))
