"""What comes out of a stream of events, whoever brings it. No connection is known here."""

from __future__ import annotations

from typing import Union

import msgspec

from tmuxpulse.wire import Epoch, Gap, Numbered, Reset, SnapshotData


class Received(msgspec.Struct, frozen=True, gc=False):
    """An event as it came.

    Attributes:
        numbered: what it says.
        line: the server's own JSON, without a newline.
    """

    numbered: Numbered
    line: bytes


Incoming = Union[Received, Gap, Reset, Epoch, SnapshotData]  # noqa: UP007  # evaluated on Python 3.10
