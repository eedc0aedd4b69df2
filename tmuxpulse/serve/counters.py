"""What the front doors and their sessions count.

Every key is one of a few that the program has: no name, no address and no id of anybody.
"""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from tmuxpulse.serve.records import Records, Value


class Traffic(Protocol):
    """A stream that counts its bytes."""

    bytes_received: int
    bytes_sent: int


class Counters:
    """Counts of one server.

    Attributes:
        connections: accepted, by the kind of listener.
        answers: plain HTTP responses, by status.
        closed: WebSockets that ended, by close code.
        requests: from clients, by action.
        refused: requests that were, by the code of the error.
        failures: of who wanted to come in, by what was wrong.
        crashes: connections that an error of ours ended.
    """

    def __init__(self) -> None:
        self.connections: Counter[str] = Counter()
        self.answers: Counter[int] = Counter()
        self.closed: Counter[int] = Counter()
        self.requests: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.crashes = 0
        self._streams: dict[Traffic, None] = {}
        self._opened = self._received_bytes = self._sent_bytes = 0

    def crashed(self) -> None:
        """Count a connection that an error of ours ended."""
        self.crashes += 1

    def begin(self, stream: Traffic) -> None:
        """Count a WebSocket that opens."""
        self._opened += 1
        self._streams[stream] = None

    def end(self, stream: Traffic) -> None:
        """Count that it is no more."""
        del self._streams[stream]
        self._received_bytes += stream.bytes_received
        self._sent_bytes += stream.bytes_sent

    @property
    def opened(self) -> int:
        """How many WebSockets there were."""
        return self._opened

    @property
    def open(self) -> int:
        """How many are open."""
        return len(self._streams)

    @property
    def received_bytes(self) -> int:
        """From all that there were."""
        return self._received_bytes + sum(one.bytes_received for one in self._streams)

    @property
    def sent_bytes(self) -> int:
        """To all that there were."""
        return self._sent_bytes + sum(one.bytes_sent for one in self._streams)


class CountedRecords:
    """An audit log that counts failures, whether they are written down or not.

    Args:
        inner: the log.
        counters: where to count.
    """

    def __init__(self, inner: Records, counters: Counters) -> None:
        self._inner = inner
        self._counters = counters

    def record(self, action: str, *, who: str, **fields: Value) -> None:
        """Hand on."""
        self._inner.record(action, who=who, **fields)

    def record_failure(self, peer: str, why: str) -> None:
        """Count, and hand on."""
        self._counters.failures[why] += 1
        self._inner.record_failure(peer, why)
