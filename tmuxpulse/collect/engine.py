"""What every engine offers, and what it reports to.

An engine watches one running tmux server. It finds facts and reports them; it judges nothing and
publishes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

import trio

from tmuxpulse.collect.screens import Shown
from tmuxpulse.tmux.formats import Listing


class Sink(Protocol):
    """Where an engine reports. No method waits or raises."""

    def listing(self, listing: Listing) -> None:
        """Take everything that the server holds now."""

    def asked(self, seconds: float) -> None:
        """Take that the server answered a list after so long, whatever the list tells."""

    def output(self, pane_id: str, data: bytes) -> None:
        """Take bytes that a pane's program printed."""

    def streams(self, pane_id: str, *, on: bool) -> None:
        """Learn whether all output of a pane comes to `output` from now on.

        A pane does not stream until this says so; one that does not is looked at now and then.
        """


class Engine(Protocol):
    """A way of watching one tmux server."""

    name: ClassVar[str]
    sample_seconds: ClassVar[float]  # how often panes that do not stream are looked at

    async def run(
        self, sink: Sink, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Watch until the server is gone, then return; `started` after the first listing.

        Cancelling leaves nothing of ours in the server.

        Raises:
            TmuxError: this cannot go on, though the server may be alive.
        """

    async def capture(self, pane_ids: Sequence[str]) -> dict[str, Shown]:
        """Read the visible screens of panes, in one go.

        Returns:
            What each pane shows that is still there.
        """
