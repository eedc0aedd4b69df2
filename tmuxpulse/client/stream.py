"""What comes on one connection, put where it belongs: to each subscription its own, in order.

A connection brings the union of what was subscribed to, each event once. After a cut every
subscription resumes from its own position, one after the other, and the server does not repeat
for the second what it sent for the first. So a subscription that waits for its turn is **held**:
what comes for it is kept, and when its own replay is complete all of it is put in order.

Positions are pairs of an epoch's rank (in the order in which epochs were heard of) and a number.
Pure. Requests, time and the network are not known here.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tmuxpulse.client import view
from tmuxpulse.client.subscription import At, Mode, Subscription
from tmuxpulse.client.view import Event, Restarted
from tmuxpulse.filters import wants_type
from tmuxpulse.wire import (
    Epoch,
    Gap,
    Mark,
    Numbered,
    Position,
    Reset,
    SnapshotData,
    SubscriptionConfirmed,
    Tree,
)

Streamed = Numbered | Gap | Reset | Epoch | Mark | SnapshotData


class Streams:
    """All subscriptions of a program, on one connection after the other.

    Attributes:
        held: the subscriptions, oldest first.
        repeated: how many events came that had come before, or that nobody wants.
    """

    def __init__(self) -> None:
        self.held: list[Subscription] = []
        self.repeated = 0
        self._epochs: list[str] = []
        self._notes = 0  # that were told of
        self._rank = 0  # of the epoch that the next event is of
        self._at: At = (-1, 0)  # what every live subscription has
        self._only: Subscription | None = None  # the one that there is on this connection
        self._lead: Subscription | None = None  # the first to resume; the others are held
        self._replayed: Subscription | None = None  # whose replay, reset or state comes now
        self._gap: Gap | None = None  # a snapshot is to come after it
        self._reset: Reset | None = None  # the same

    # --- connections -----------------------------------------------------------------------

    def begin(self) -> list[Subscription]:
        """A connection is open: what to subscribe to, in the order in which to do it."""
        order = sorted(self.held, key=lambda one: one.at is None)
        self._lead = next((one for one in order if one.at is not None), None)
        for one in order:
            one.mode = Mode.NEW if one.at is None or one is self._lead else Mode.HELD
        self._at = (-1, 0)
        self._only = order[0] if len(order) == 1 else None
        return order

    def cut(self) -> None:
        """The connection is gone."""
        self._flush(None)
        for one in self.held:
            one.cut(self._at)
        self._only = self._lead = self._replayed = None

    def add(self, wanted: Subscription) -> None:
        """Another one, from now on."""
        self._only = None if self.held else wanted
        self.held.append(wanted)

    def remove(self, one: Subscription) -> None:
        """Nothing more is wanted of it; what is on its way for it is for nobody."""
        self.held = [other for other in self.held if other is not one]
        self._only = None

    def position(self, one: Subscription) -> Position | None:
        """Where to resume from; None: it is to begin now."""
        if one.at is None:
            return None
        return Position(epoch=self._epochs[one.at[0]], seq=one.at[1])

    def confirmed(self, one: Subscription, reply: SubscriptionConfirmed) -> bool:
        """It holds; True: it is to be released when its replay is complete."""
        self._flush(None)
        one.is_confirmed = True
        one.name = reply.subscription
        self._rank = self._rank_of(reply.epoch)
        self._replayed = one
        here = (self._rank, reply.seq)
        if reply.recovered and one is not self._lead:
            return True
        one.go()
        self._at = max(self._at, here)
        return False

    def release(self, one: Subscription, epoch: str) -> None:
        """Its replay is complete; what comes next is of the run `epoch`."""
        self._flush(None)
        self._rank = self._rank_of(epoch)
        if one.mode is Mode.HELD:
            one.release()

    # --- what comes ------------------------------------------------------------------------

    def take(self, message: Streamed) -> None:
        """Put it where it belongs."""
        if isinstance(message, Numbered):
            self._event(message)
            return
        if isinstance(message, SnapshotData):
            self._flush(message)
            return
        self._flush(None)
        match message:
            case Mark(seq=seq):
                self._at = max(self._at, (self._rank, seq))
            case Epoch():
                self._next_epoch(message)
            case Reset():
                self._reset = message
            case Gap(only=None):
                self._gap = message
            case Gap():
                self._thinned(message)

    def _event(self, numbered: Numbered) -> None:
        if self._gap is not None or self._reset is not None:
            self._flush(None)
        key = (self._rank, numbered.seq)
        is_new = key > self._at
        if is_new:
            self._at = key
        event = view.seen(numbered, self._epochs[self._rank] if self._epochs else "")
        if self._only is not None:
            if is_new and self._only.mode is Mode.LIVE:
                self._only.put(event)
            else:
                self.repeated += 1
            return
        for one in self.held:
            if one.mode is Mode.LIVE and is_new and one.admits(numbered.event):
                one.put(event)
            elif one.mode is Mode.HELD and one.admits(numbered.event):
                one.hold((*key, 0), event)

    def _next_epoch(self, message: Epoch) -> None:
        self._rank = self._rank_of(message.epoch)
        told = Restarted(epoch=message.epoch, previous=message.previous)
        at = (self._rank, 0)
        is_new = at > self._at
        self._tell([self._replayed], view.note(told, epoch=message.epoch, seq=0), at, is_new=is_new)
        self._at = max(self._at, at)

    def _thinned(self, message: Gap) -> None:
        """One type is missing; the others of the range follow, and may be others before it."""
        only = message.only or ""
        whom = [self._replayed] if message.reason == "history" else self.held
        before = (self._rank, message.from_seq - 1)
        seq = self._at[1] if self._rank == self._at[0] and self._at < before else before[1]
        self._tell(
            [one for one in whom if one is not None and wants_type(one.wanted, only)],
            self._noted(_gap(message, None), seq),
            before,
            is_new=True,
        )

    def _flush(self, snapshot: SnapshotData | None) -> None:
        """Tell of what waited for a snapshot, which came, or did not."""
        gap, self._gap = self._gap, None
        reset, self._reset = self._reset, None
        state = None if snapshot is None else snapshot.data
        if snapshot is not None:
            self._rank = self._rank_of(snapshot.epoch)
        if gap is not None:
            at = (self._rank, gap.to_seq if snapshot is None else snapshot.seq)
            self._tell(self.held, self._noted(_gap(gap, state), at[1]), at, is_new=True)
            self._at = max(self._at, at)
        elif reset is not None:
            at = self._at if snapshot is None else (self._rank, snapshot.seq)
            data = view.Gap(reason=reset.reason, state=state)
            self._tell([self._replayed], self._noted(data, at[1]), at, is_new=True)
            self._at = max(self._at, at)
        elif snapshot is not None and self._replayed is not None and self._replayed.with_state:
            self._replayed.state = state

    # --- helpers ---------------------------------------------------------------------------

    def _tell(
        self, whom: Iterable[Subscription | None], event: Event, at: At, *, is_new: bool
    ) -> None:
        """Tell some of something that is not an event of the stream, and comes after `at`."""
        for one in whom:
            if one is None or one.mode is Mode.NEW:
                continue
            if one.mode is Mode.HELD:
                self._notes += 1
                # Who waits for its replay gets it behind events that are not here yet.
                one.hold((*at, self._notes), msgspec.structs.replace(event, seq=at[1]))
            elif is_new:
                one.put(event)

    def _noted(self, data: view.Gap, seq: int) -> Event:
        return view.note(data, epoch=self._epochs[self._rank] if self._epochs else "", seq=seq)

    def _rank_of(self, epoch: str) -> int:
        if epoch not in self._epochs:
            self._epochs.append(epoch)
        return self._epochs.index(epoch)


def _gap(message: Gap, state: Tree | None) -> view.Gap:
    return view.Gap(
        reason=message.reason,
        first=message.from_seq,
        last=message.to_seq,
        dropped=message.dropped,
        only=message.only,
        state=state,
    )
