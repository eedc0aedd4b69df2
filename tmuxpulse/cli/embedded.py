"""Watching without a tmuxpulse server: hub and collector in this process, for this command alone.

Besides `serve/app.py` this is the only place that wires the two together.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol

import trio

from tmuxpulse.client.groups import unwrapped
from tmuxpulse.client.incoming import Incoming, Received
from tmuxpulse.collect.first_look import wait_for_first_look
from tmuxpulse.config.settings import CollectSettings
from tmuxpulse.events import PaneOutput
from tmuxpulse.filters import Filter
from tmuxpulse.hub.hub import Hub
from tmuxpulse.hub.reader import Reader
from tmuxpulse.hub.stream import Batch, Lag, Thinned
from tmuxpulse.wire import Gap, SnapshotData


class Collector(Protocol):
    """What fills the hub: runs until cancelled, and leaves tmux as it was."""

    async def __call__(
        self, hub: Hub, settings: CollectSettings, *, task_status: trio.TaskStatus[None]
    ) -> None:
        """Collect; started when the first look at tmux was had."""


class EmbeddedFeed:
    """What `watch` reads when no server runs.

    Attributes:
        beginning: the state after the first look; the events that led to it come too.
        hub: where they come from.
    """

    def __init__(self, hub: Hub, reader: Reader) -> None:
        self.hub = hub
        self._reader = reader
        self.beginning = SnapshotData(epoch=hub.epoch, seq=hub.seq, data=hub.snapshot())

    def is_idle(self) -> bool:
        """Tell whether all that was published is given."""
        return not self.hub.is_behind

    async def receive(self) -> list[Incoming]:
        """Give what was published together; cancelling loses nothing."""
        found = await self._reader.receive()
        if isinstance(found, Batch):
            return [Received(event.numbered, event.line) for event in found.events]
        if isinstance(found, Lag):
            return []  # what it says is for clients at the end of a wire
        if isinstance(found, Thinned):
            return [
                Gap(
                    from_seq=found.from_seq,
                    to_seq=found.to_seq,
                    dropped=found.dropped,
                    only=PaneOutput.type,
                )
            ]
        return [
            Gap(from_seq=found.from_seq, to_seq=found.to_seq, dropped=found.dropped),
            SnapshotData(epoch=self.hub.epoch, seq=found.to_seq, data=found.tree),
        ]


@asynccontextmanager
async def open_embedded(
    settings: CollectSettings, *wanted: Filter, collector: Collector | None = None
) -> AsyncIterator[EmbeddedFeed]:
    """Watch tmux from within this process; leaving the block leaves tmux as it was.

    Args:
        settings: what is watched, and how.
        wanted: any of these has to admit an event.
        collector: what fills the hub; by default the real one.

    Raises:
        TmuxNotFound: there is no tmux program.
    """
    if collector is None:
        from tmuxpulse.collect.collector import run_collector

        collector = run_collector
    hub = Hub()
    with unwrapped():
        async with trio.open_nursery() as nursery:
            await nursery.start(hub.run)
            with hub.reader() as reader:
                hub.move(reader, frozenset(wanted))
                await wait_for_first_look(nursery, partial(nursery.start, collector, hub, settings))
                try:
                    yield EmbeddedFeed(hub, reader)
                finally:
                    nursery.cancel_scope.cancel()
