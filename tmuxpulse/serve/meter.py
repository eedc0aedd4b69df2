"""How large the WebSocket message is that a peer is sending, seen from the bytes alone.

An observer of frame headers (RFC 6455, section 5.2): it decodes no payload and judges no frame;
that is the WebSocket library's part. The library counts characters and lets any number of empty
fragments pass, and both only once they are in memory. Pure.
"""

from __future__ import annotations

MAX_FRAGMENTS = 1024  # of one message; each costs memory even when it is empty

_FIN = 0x80
_OPCODE = 0x0F
_FIRST_CONTROL = 0x8
_MASKED = 0x80
_LENGTH = 0x7F
_EXTENDED = {126: 2, 127: 8}  # 7-bit length to the size of the real one


class MessageMeter:
    """Counts the message in progress; control frames between its fragments do not count.

    Args:
        max_bytes: how many bytes of payload a message may have.
        max_fragments: how many frames it may come in.
    """

    def __init__(self, max_bytes: int, *, max_fragments: int = MAX_FRAGMENTS) -> None:
        self._max_bytes = max_bytes
        self._max_fragments = max_fragments
        self._header = bytearray()
        self._payload_left = 0
        self._bytes = 0
        self._fragments = 0

    def feed(self, data: bytes | bytearray) -> bool:
        """Take the next bytes; False when they begin a frame that makes a message too large."""
        position = 0
        while position < len(data):
            if self._payload_left:
                step = min(self._payload_left, len(data) - position)
                self._payload_left -= step
            else:
                missing = self._header_size() - len(self._header)
                step = min(missing, len(data) - position)
                self._header += data[position : position + step]
                if len(self._header) == self._header_size() and not self._begin_frame():
                    return False
            position += step
        return True

    def _header_size(self) -> int:
        if len(self._header) < 2:  # noqa: PLR2004  # flags and the short length
            return 2
        second = self._header[1]
        return 2 + _EXTENDED.get(second & _LENGTH, 0) + (4 if second & _MASKED else 0)

    def _begin_frame(self) -> bool:
        first, second = self._header[:2]
        length = second & _LENGTH
        if length in _EXTENDED:
            length = int.from_bytes(self._header[2 : 2 + _EXTENDED[length]], "big")
        self._header.clear()
        self._payload_left = length
        if first & _OPCODE >= _FIRST_CONTROL:
            return True
        self._bytes += length
        self._fragments += 1
        fits = self._bytes <= self._max_bytes and self._fragments <= self._max_fragments
        if first & _FIN:
            self._bytes = self._fragments = 0
        return fits
