"""What one connection has subscribed to, and what a new subscription is answered with.

Everything here happens without a checkpoint: position, replay and snapshot belong to one moment.
No socket is known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Union

import msgspec

from tmuxpulse.errors import RequestError
from tmuxpulse.filters import Filter, check_filter, compile_filters
from tmuxpulse.hub.hub import Hub
from tmuxpulse.hub.reader import Reader, Received
from tmuxpulse.hub.stream import Batch
from tmuxpulse.wire import (
    Reply,
    Reset,
    SnapshotData,
    Subscribe,
    SubscriptionConfirmed,
    Unsubscribe,
)

MAX_SUBSCRIPTIONS = 64
MAX_LAST = 20_000

Item = Union[Reply, Received]  # noqa: UP007  # what a connection sends, in its order


class Subscription(msgspec.Struct):
    """One subscription.

    Attributes:
        since: the connection gets every event after this number that `filter` admits.
    """

    name: str
    filter: Filter
    since: int


class Subscriptions:
    """The subscriptions of one connection; its reader's filters are their union.

    Args:
        hub: the stream.
        reader: the connection's.
        most: how many there may be.
        reset_reason: why a position of another epoch cannot be resumed.
    """

    def __init__(
        self,
        hub: Hub,
        reader: Reader,
        *,
        most: int = MAX_SUBSCRIPTIONS,
        reset_reason: Callable[[str], str] = lambda _epoch: "epoch",
    ) -> None:
        self._hub = hub
        self._reader = reader
        self._most = most
        self._reset_reason = reset_reason
        self._held: dict[str, Subscription] = {}
        self._made = 0

    @property
    def names(self) -> list[str]:
        """The names of what is held, oldest first."""
        return list(self._held)

    def add(self, request: Subscribe) -> list[Item]:
        """Subscribe; what is returned goes out after all that the reader was owed, before the rest.

        A resume is answered with everything after its position, or with a reset and a snapshot;
        events that another subscription of this connection brought are not repeated.

        Raises:
            RequestError: the filter or the combination of fields is refused; nothing changed.
        """
        self._check(request)
        hub = self._hub
        wanted = request.filters
        found: Batch | str | None = None
        if request.resume is not None:
            position = request.resume
            found = hub.replay(frozenset({wanted}), epoch=position.epoch, seq=position.seq)
            if found == "epoch":
                found = self._reset_reason(position.epoch)
        elif request.last:
            found = hub.last(frozenset({wanted}), request.last)
        replayed = self._without_repeats(found) if isinstance(found, Batch) else None
        recovered = replayed is not None and request.resume is not None
        since = request.resume.seq if recovered and request.resume is not None else hub.seq

        self._made += 1
        name = f"s-{self._made}"
        self._held[name] = Subscription(name, wanted, since)
        self._move()
        items: list[Item] = [
            SubscriptionConfirmed(
                id=request.id,
                subscription=name,
                subscriptions=self.names,
                filters=wanted,
                epoch=hub.epoch,
                seq=since,
                recovered=recovered,
            )
        ]
        if replayed is not None:
            items.append(replayed)
        if isinstance(found, str):
            items.append(Reset(reason=found))
        if request.snapshot or isinstance(found, str):
            items.append(SnapshotData(epoch=hub.epoch, seq=hub.seq, data=hub.snapshot()))
        return items

    def remove(self, request: Unsubscribe) -> None:
        """End one subscription, those with equal filters, or all.

        Raises:
            RequestError: ``NOT_FOUND``: there is none such.
        """
        if request.subscription is not None and request.filters is not None:
            raise RequestError("INVALID_REQUEST", "give `subscription` or `filters`, not both")
        leaving = [
            one.name
            for one in self._held.values()
            if request.subscription in (None, one.name)
            if request.filters in (None, one.filter)
        ]
        if not leaving and (request.subscription is not None or request.filters is not None):
            raise RequestError("NOT_FOUND", "no such subscription")
        for name in leaving:
            del self._held[name]
        self._move()

    def lost(self, to_seq: int) -> None:
        """Note that what came up to `to_seq` may not have arrived; a later resume may bring it."""
        for one in self._held.values():
            one.since = max(one.since, to_seq)

    def _check(self, request: Subscribe) -> None:
        check_filter(request.filters)
        if request.resume is not None and request.last is not None:
            raise RequestError("INVALID_REQUEST", "give `resume` or `last`, not both")
        if request.last is not None and not 0 <= request.last <= MAX_LAST:
            raise RequestError("INVALID_REQUEST", f"`last` is 0 to {MAX_LAST}")
        if len(self._held) >= self._most:
            raise RequestError(
                "INVALID_REQUEST", f"at most {self._most} subscriptions; end some first"
            )

    def _move(self) -> None:
        self._hub.move(self._reader, frozenset(one.filter for one in self._held.values()))

    def _without_repeats(self, batch: Batch) -> Batch:
        held = [(one.since, compile_filters([one.filter])) for one in self._held.values()]
        if not held:
            return batch
        return Batch(
            tuple(
                event
                for event in batch.events
                if not any(
                    event.numbered.seq > since and admits(event.numbered.event)
                    for since, admits in held
                )
            )
        )
