"""Cursors: where the next page begins, in a form that tells nobody anything.

A position is a number of the whole stream, so it would tell how much happened that a reader may
not see. It is enciphered with a key of this run (HMAC-SHA-256 as a keystream, and again as a seal):
a cursor of another run, or of somebody's making, is refused.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import secrets
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode

from tmuxpulse.errors import RequestError

MAX_CHARACTERS = 128
_NONCE, _BODY, _SEAL = 12, 9, 16


class Cursors:
    """Makes and reads cursors; each has its own key."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def make(self, event_id: int, *, newest_first: bool) -> str:
        """A cursor behind an event, in the order that is being read."""
        nonce = secrets.token_bytes(_NONCE)
        body = _xor(struct.pack(">q?", event_id, newest_first), self._stream(nonce))
        sealed = nonce + body
        return urlsafe_b64encode(sealed + self._seal(sealed)).decode()

    def read(self, cursor: str, *, newest_first: bool) -> int:
        """The id of the event that a cursor is behind.

        Raises:
            RequestError: ``CURSOR_EXPIRED``: it is none of this run's; ``INVALID_REQUEST``: it
                belongs to the other order.
        """
        expired = RequestError("CURSOR_EXPIRED", "begin anew without `cursor`")
        if len(cursor) > MAX_CHARACTERS or not cursor.isascii():
            raise expired
        try:
            raw = urlsafe_b64decode(cursor)
        except (binascii.Error, ValueError):
            raise expired from None
        if urlsafe_b64encode(raw).decode() != cursor:  # another spelling of one that we made
            raise expired
        sealed, seal = raw[:-_SEAL], raw[-_SEAL:]
        if len(sealed) != _NONCE + _BODY or not hmac.compare_digest(seal, self._seal(sealed)):
            raise expired
        body = _xor(sealed[_NONCE:], self._stream(sealed[:_NONCE]))
        event_id, was_newest_first = struct.unpack(">q?", body)
        if was_newest_first != newest_first:
            raise RequestError("INVALID_REQUEST", "`cursor` belongs to another order")
        return int(event_id)

    def _stream(self, nonce: bytes) -> bytes:
        return hmac.digest(self._key, b"stream" + nonce, hashlib.sha256)

    def _seal(self, sealed: bytes) -> bytes:
        return hmac.digest(self._key, b"seal" + sealed, hashlib.sha256)[:_SEAL]


def _xor(data: bytes, stream: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(data, stream, strict=False))
