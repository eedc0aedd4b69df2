"""How often wrong tokens came, and how slow the answers to them become. Pure; time is an argument.

Nobody is locked out: a right token is answered at once, however many wrong ones came before it,
from the same address too. With 256 random bits guessing is hopeless anyway; what is bounded here is
the work and the noise.
"""

from __future__ import annotations

from tmuxpulse.serve.bucket import Bucket

MAX_PEERS = 1024  # remembered; beyond it the one that was quiet longest is forgotten
SLOW_SECONDS = 1.0


class Failures:
    """Counts failed logins.

    Args:
        per_minute: from one address, before answers to it become slow.
        all_per_minute: from everywhere, before all answers to wrong tokens do.
    """

    def __init__(self, per_minute: int, all_per_minute: int) -> None:
        self._per_minute = per_minute
        self._all = Bucket(all_per_minute / 60, burst=all_per_minute, now=0.0)
        self._peers: dict[str, Bucket] = {}

    def failed(self, address: str, now: float) -> float:
        """Note one more; give the seconds to wait before it is answered."""
        peer = self._peers.pop(address, None)
        if peer is None:
            peer = Bucket(self._per_minute / 60, burst=self._per_minute, now=now)
        self._peers[address] = peer  # the last one now
        if len(self._peers) > MAX_PEERS:
            del self._peers[next(iter(self._peers))]
        too_many = (self._all.take(now), peer.take(now))
        return SLOW_SECONDS if any(too_many) else 0.0
