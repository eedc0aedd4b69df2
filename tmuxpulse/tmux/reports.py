"""What a program, or a hook of it, says about itself. Who passes it on is not known here."""

from __future__ import annotations

import msgspec

from tmuxpulse.events import Status


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the program in a pane says it is doing.

    Attributes:
        status: what.
        reason: why, in its words; may be empty.
        agent_type: what it calls itself, such as ``claude``; None: it does not say.
        source: who passed it on, such as ``emit`` or the name of a hook.
    """

    status: Status
    reason: str = ""
    agent_type: str | None = None
    source: str = "emit"
