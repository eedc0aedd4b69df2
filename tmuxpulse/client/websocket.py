"""A WebSocket's bytes, without the network: bytes in, messages out; text in, bytes out.

Frames that hold a whole text message, which is nearly all of them, are read here; the handshake
and every other frame are given, each whole, to wsproto. What the messages say is not known.
"""

from __future__ import annotations

from collections.abc import Sequence

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from tmuxpulse.client import endings
from tmuxpulse.errors import ServerError
from tmuxpulse.wire import SUBPROTOCOL

MAX_MESSAGE_BYTES = 64 << 20  # a snapshot of thousands of panes; the server is the user's own
MAX_HEAD_BYTES = 1 << 16
READ_BYTES = 1 << 16
_WHOLE_TEXT = 0x81  # the last frame of a message, and its first
_MASKED, _LENGTH = 0x80, 0x7F
_TWO_BYTES, _EIGHT_BYTES = 126, 127
_END_OF_HEAD = b"\r\n\r\n"

Headers = Sequence[tuple[bytes, bytes]]


class WebSocket:
    """One connection, seen from the client.

    Args:
        where: what it leads to, for messages.
        host: what to say in ``Host:``.
        path: what to ask for.
        headers: further ones of the request.

    Attributes:
        is_open: whether the handshake is done, and nobody has said goodbye.
        ended: why it is over; None while it is not.
    """

    def __init__(self, where: str, *, host: str, path: str = "/", headers: Headers = ()) -> None:
        self.is_open = False
        self.ended: ServerError | None = None
        self._where = where
        self._socket = WSConnection(ConnectionType.CLIENT)
        self._incoming = bytearray()
        self._is_accepted = False
        self._parts: list[str] = []  # of a message in several frames
        self._size = 0
        self._outgoing = [
            self._socket.send(
                Request(
                    host=host,
                    target=path,
                    subprotocols=[SUBPROTOCOL],
                    extra_headers=list(headers),
                )
            )
        ]

    def outgoing(self) -> bytes:
        """Take what is to be sent now."""
        if not self._outgoing:
            return b""
        found, self._outgoing = self._outgoing, []
        return b"".join(found)

    def send(self, text: str) -> None:
        """Put a message among what is to be sent; after the end it goes nowhere."""
        if self.is_open:
            self._outgoing.append(self._socket.send(TextMessage(text)))

    def close(self, code: int = 1000) -> None:
        """Say goodbye."""
        if self.is_open:
            self.is_open = False
            self._outgoing.append(self._socket.send(CloseConnection(code)))

    def receive(self, data: bytes) -> list[bytes]:
        """Take what came, and give the messages that are whole by now.

        With the end of the connection in it, `ended` says why; the messages before it are given.

        Args:
            data: bytes; none: the peer sends no more.
        """
        if self.ended is not None:
            return []
        if not data:
            self.ended = endings.closed(self._where, endings.ABNORMAL, "")
            self.is_open = False
            return []
        self._incoming += data
        messages: list[bytes] = []
        try:
            if self._is_accepted or self._take_head():
                self._take_frames(messages)
        except (RemoteProtocolError, LocalProtocolError, ValueError):
            self.ended = endings.no_protocol(self._where)
        if self.ended is not None:
            self.is_open = False
        return messages

    # --- the handshake ---------------------------------------------------------------------

    def _take_head(self) -> bool:
        """Hear the answer to the request; False: it is not whole, or not the right one."""
        end = self._incoming.find(_END_OF_HEAD)
        if end < 0:
            if len(self._incoming) > MAX_HEAD_BYTES:
                raise ValueError("no end of a head")
            return False
        end += len(_END_OF_HEAD)
        head = bytes(self._incoming[:end])
        del self._incoming[:end]
        self._socket.receive_data(head)
        for event in self._socket.events():
            if isinstance(event, AcceptConnection):
                self.is_open = self._is_accepted = True
            elif isinstance(event, RejectConnection):
                self.ended = endings.rejected(self._where, event.status_code)
        if not self._is_accepted and self.ended is None:
            self.ended = endings.no_protocol(self._where)
        return self._is_accepted

    # --- frames ----------------------------------------------------------------------------

    def _take_frames(self, messages: list[bytes]) -> None:
        incoming = self._incoming
        at = 0
        while self.ended is None:
            size = _frame_size(incoming, at)
            if size is None or at + size > len(incoming):
                break
            if incoming[at] == _WHOLE_TEXT and not self._parts and not incoming[at + 1] & _MASKED:
                start = at + _head_size(incoming[at + 1])
                messages.append(bytes(incoming[start : at + size]))
            else:
                self._take_frame(bytes(incoming[at : at + size]), messages)
            at += size
        del incoming[:at]

    def _take_frame(self, frame: bytes, messages: list[bytes]) -> None:
        self._socket.receive_data(frame)
        for event in self._socket.events():
            if isinstance(event, TextMessage):
                self._take_part(event, messages)
            elif isinstance(event, Ping):
                self._outgoing.append(self._socket.send(event.response()))
            elif isinstance(event, CloseConnection):
                if self.is_open:  # else it is the answer to ours
                    self._outgoing.append(self._socket.send(event.response()))
                self.ended = endings.closed(self._where, int(event.code), event.reason or "")
            elif isinstance(event, BytesMessage):
                self.ended = endings.no_protocol(self._where)

    def _take_part(self, part: TextMessage, messages: list[bytes]) -> None:
        self._parts.append(part.data)
        self._size += len(part.data)
        if self._size > MAX_MESSAGE_BYTES:
            raise ValueError("a message too large")
        if part.message_finished:
            messages.append("".join(self._parts).encode())
            self._parts.clear()
            self._size = 0


def _head_size(second: int) -> int:
    """The bytes of an unmasked frame's head, by its second byte."""
    length = second & _LENGTH
    return 2 + {_TWO_BYTES: 2, _EIGHT_BYTES: 8}.get(length, 0)


def _frame_size(incoming: bytearray, at: int) -> int | None:
    """The bytes of the frame that begins at `at`; None: too little of it is there.

    Raises:
        ValueError: nobody sends such a large one.
    """
    if len(incoming) < at + 2:
        return None
    second = incoming[at + 1]
    length = second & _LENGTH
    head = 2
    if length >= _TWO_BYTES:
        head = _head_size(second)
        if len(incoming) < at + head:
            return None
        length = int.from_bytes(incoming[at + 2 : at + head], "big")
        if length > MAX_MESSAGE_BYTES:
            raise ValueError("a frame too large")
    return head + length + (4 if second & _MASKED else 0)
