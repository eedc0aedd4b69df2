"""What one connection has subscribed to, and what a new subscription is answered with.

Everything here happens without a checkpoint: position, replay and snapshot belong to one moment.
No socket is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Union

import msgspec

from tmuxpulse.errors import RequestError
from tmuxpulse.filters import Filter, check_filter, compile_filters
from tmuxpulse.history.replay import Segment
from tmuxpulse.hub.hub import Hub
from tmuxpulse.hub.reader import Reader, Received
from tmuxpulse.hub.stream import Batch, Encoded
from tmuxpulse.wire import (
    Epoch,
    Gap,
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
        since: by epoch: of it, the connection gets every event after this number that `filter`
            admits.
    """

    name: str
    filter: Filter
    since: dict[str, int]


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

    def needs_past(self, request: Subscribe) -> bool:
        """Tell whether only a history can bring what comes after the request's position."""
        position, hub = request.resume, self._hub
        if position is None or hub.can_replay(epoch=position.epoch, seq=position.seq):
            return False
        return position.epoch == hub.epoch or self._reset_reason(position.epoch) == "epoch"

    def add(self, request: Subscribe, past: list[Segment] | str | None = None) -> list[Item]:
        """Subscribe; what is returned goes out after all that the reader was owed, before the rest.

        A resume is answered with everything after its position, or with a reset and a snapshot;
        events that another subscription of this connection brought are not repeated.

        Args:
            request: what was asked.
            past: what a history has from the request's position up to nearly now; or why not.

        Raises:
            RequestError: the filter or the combination of fields is refused; nothing changed.
        """
        self.check(request)
        hub = self._hub
        wanted = request.filters
        resume = request.resume
        segments = [] if past is None or isinstance(past, str) else past
        found: Batch | str | None = None
        if isinstance(past, str):
            found = past
        elif segments:
            found = self._replay(wanted, hub.epoch, segments[-1].last)
        elif resume is not None:
            found = self._replay(wanted, resume.epoch, resume.seq)
        elif request.last:
            found = hub.last(frozenset({wanted}), request.last)
        recovered = isinstance(found, Batch) and resume is not None
        since = {hub.epoch: hub.seq}
        if recovered and resume is not None:
            since = {**{one.epoch: 0 for one in segments}, hub.epoch: 0, resume.epoch: resume.seq}

        replayed: list[Item] = []
        if isinstance(found, Batch):
            replayed = [*self._told(segments), *self._without_repeats(hub.epoch, found.events)]
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
                epoch=resume.epoch if recovered and resume is not None else hub.epoch,
                seq=resume.seq if recovered and resume is not None else hub.seq,
                recovered=recovered,
            ),
            *replayed,
        ]
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
        epoch = self._hub.epoch
        for one in self._held.values():
            one.since[epoch] = max(one.since.get(epoch, 0), to_seq)

    def check(self, request: Subscribe) -> None:
        """Refuse what cannot be subscribed to.

        Raises:
            RequestError: and why.
        """
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

    def _replay(self, wanted: Filter, epoch: str, seq: int) -> Batch | str:
        found = self._hub.replay(frozenset({wanted}), epoch=epoch, seq=seq)
        return self._reset_reason(epoch) if found == "epoch" else found

    def _told(self, segments: Sequence[Segment]) -> Iterable[Item]:
        """What runs of the server, oldest first, are told as."""
        previous = ""
        for one in segments:
            if previous:
                yield Epoch(epoch=one.epoch, previous=previous)
            previous = one.epoch
            for kind in one.lacks if one.last > one.after else ():
                yield Gap(
                    from_seq=one.after + 1,
                    to_seq=one.last,
                    dropped=None,
                    only=kind,
                    reason="history",
                )
            yield from self._without_repeats(
                one.epoch, [Encoded(found.numbered, found.line) for found in one.events]
            )

    def _without_repeats(self, epoch: str, events: Sequence[Encoded]) -> list[Batch]:
        """The events in a batch, if there are any, less those that another subscription brought."""
        held = [
            (one.since[epoch], compile_filters([one.filter]))
            for one in self._held.values()
            if epoch in one.since
        ]
        fresh = tuple(
            event
            for event in events
            if not any(event.seq > since and admits(event.numbered.event) for since, admits in held)
        )
        return [Batch(fresh)] if fresh else []
