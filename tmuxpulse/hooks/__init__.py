"""Calls of a host program become `custom.*` events; the host never feels it.

    from tmuxpulse.hooks import emits, instrument

    @emits("task.assigned", arguments=["task"])
    def assign(agent, task): ...

    instrument(Orchestrator, ["start", "stop"])

Nothing is raised into the host and nothing waits: an event goes into a bounded queue, from which
one daemon thread tells the user's own server. Without a server, or with ``TMUXPULSE_EVENTS=0``,
nothing happens. Arguments are told only when they are asked for by name. What is wrong with the
hooks themselves is a warning of the logger ``tmuxpulse.hooks``.
"""

from __future__ import annotations

from tmuxpulse.hooks.calls import emits, instrument
from tmuxpulse.hooks.teller import Counts, counts, flush

__all__ = ["Counts", "counts", "emits", "flush", "instrument"]
