"""What a pipe has subscribed to, how far it is, and how it goes on after a cut. Pure.

A connection has one stream: the union of its subscriptions, each event once. So there is one
position; only while the past that a further subscription asked for is told, that one has a position
of its own.

To go on after a cut, one subscription resumes. Of several, each replay would be in order and all of
them together not. So everything is resumed once, under a filter of ours, and each subscription is
made anew beside it before that one ends.

Positions are an epoch's rank (in the order in which epochs were heard of) and a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from tmuxpulse.events import ON_REQUEST
from tmuxpulse.filters import Filter, Predicate, compile_filters
from tmuxpulse.wire import (
    Epoch,
    Gap,
    Mark,
    Numbered,
    Position,
    SnapshotData,
    Subscribe,
    SubscriptionConfirmed,
    Unsubscribe,
    UnsubscribeConfirmed,
)

At = tuple[int, int]
NOWHERE: At = (-1, 0)


class Held(msgspec.Struct):
    """A subscription.

    Attributes:
        name: what it is called to who made it.
        request: as it was asked for.
        admits: its filter.
        since: from where on its events came.
        at: up to where, while its past is told; else None.
        ends_at: the last of its past, if that is known: an event behind it ends the past, too.
        is_given: whether anything of its past came.
        wants_state: a snapshot is still to come.
        server_name: what the server calls it on this connection; empty: nothing yet.
    """

    name: str
    request: Subscribe
    admits: Predicate
    since: At | None = None
    at: At | None = None
    ends_at: At | None = None
    is_given: bool = False
    wants_state: bool = False
    server_name: str = ""


class Step(msgspec.Struct, frozen=True):
    """One request on the way back to where we were.

    Attributes:
        request: to be sent; for an `Unsubscribe` the name is the server's.
        held: whose it is; None: it is of the whole.
        is_last: whether everything is subscribed again with the reply to it.
    """

    request: Subscribe | Unsubscribe
    held: Held | None = None
    is_last: bool = False


class Ledger:
    """The subscriptions of one pipe, on one connection after the other."""

    def __init__(self) -> None:
        self.held: dict[str, Held] = {}
        self._made = 0
        self._epochs: list[str] = []
        self._rank = -1  # of the epoch that the next event is of
        self._live_rank = -1
        self._at = NOWHERE
        self._past_of: Held | None = None
        self._is_merging = False
        self._whole_name = ""
        self._apart = ""  # the one whose past was being told when the connection was cut

    @property
    def names(self) -> list[str]:
        """What the subscriptions are called, oldest first."""
        return list(self.held)

    # --- subscriptions ---------------------------------------------------------------------

    def confirmed(self, request: Subscribe, reply: SubscriptionConfirmed) -> SubscriptionConfirmed:
        """A subscription holds; give the reply with our names in it."""
        self._made += 1
        name = f"s-{self._made}"
        one = Held(name, request, compile_filters([request.filters]))
        is_alone = not self.held
        self.held[name] = one
        self._begin(one, request, reply, is_alone=is_alone)
        return msgspec.structs.replace(reply, subscription=name, subscriptions=self.names)

    @property
    def is_telling_past(self) -> bool:
        """Whether `told` has to be called when all of it has come."""
        return self._past_of is not None

    def told(self) -> None:
        """The past that was asked for last has come."""
        past, self._past_of = self._past_of, None
        self._rank = self._live_rank
        if past is not None:
            past.at = past.ends_at = None

    def on_the_wire(self, request: Unsubscribe) -> Unsubscribe:
        """The request with the server's name for what is meant."""
        one = self.held.get(request.subscription or "")
        if one is None:
            return request
        return msgspec.structs.replace(request, subscription=one.server_name)

    def unsubscribed(self, reply: UnsubscribeConfirmed) -> UnsubscribeConfirmed:
        """Some hold no more; give the reply with our names in it."""
        left = set(reply.subscriptions)
        self.held = {name: one for name, one in self.held.items() if one.server_name in left}
        if self._past_of is not None and self._past_of.name not in self.held:
            self._past_of = None
        return msgspec.structs.replace(reply, subscriptions=self.names)

    def drop(self, one: Held) -> None:
        """The server does not take it any more."""
        self.held.pop(one.name, None)

    # --- what comes ------------------------------------------------------------------------

    def is_new(self, numbered: Numbered) -> bool:
        """Take note of an event; False: it came before, or nobody asked for it."""
        key = (self._rank, numbered.seq)
        past = self._past_of
        if past is not None and past.ends_at is not None and key > past.ends_at:
            self.told()
            past = None
        if past is not None:
            if key <= (past.at or NOWHERE) or self._came_before(key, numbered, past):
                return False
            if past.ends_at is not None and not past.is_given:
                past.since = (key[0], key[1] - 1)
            past.at, past.is_given = key, True
            self._at = max(self._at, key)
            return True
        if key <= self._at:
            return False
        if self._is_merging and not any(one.admits(numbered.event) for one in self.held.values()):
            self._at = key
            return False
        self._at = key
        return True

    def take(self, message: Gap | Mark | Epoch | SnapshotData) -> None:
        """Take note of where the stream is."""
        match message:
            case Mark(seq=seq):
                self._at = max(self._at, (self._rank, seq))
            case Epoch(epoch=epoch):
                self._rank = self._rank_of(epoch)
                self._move((self._rank, 0))
            case Gap(only=None, to_seq=seq):
                self._move((self._rank, seq))
            case SnapshotData(epoch=epoch, seq=seq):
                self._rank = self._live_rank = self._rank_of(epoch)
                self._at = max(self._at, (self._rank, seq))
                for one in self.held.values():
                    one.wants_state = False
                if self._past_of is not None and self._past_of.ends_at is None:
                    self._past_of.at = (self._rank, seq)

    # --- connections -----------------------------------------------------------------------

    def cut(self) -> None:
        """The connection is gone."""
        past = self._past_of
        self._past_of = None
        self._is_merging = False
        self._apart = past.name if past is not None else ""
        for one in self.held.values():
            one.server_name = ""
            one.ends_at = None
            if one is not past:
                one.at = None

    def steps(self) -> Iterator[Step]:
        """What to ask for on a new connection, each after the reply to the one before."""
        apart = self.held.get(self._apart)
        rest = [one for one in self.held.values() if one is not apart]
        if len(rest) == 1:
            (one,) = rest
            request = self._resume(one.request.filters, self._at, state=one.wants_state)
            yield Step(request, one, is_last=apart is None)
        elif rest:
            self._is_merging = True
            filters = whole(one.request.filters for one in rest)
            state = any(one.wants_state for one in rest)
            yield Step(self._resume(filters, self._at, state=state))
            for one in rest:
                yield Step(Subscribe(filters=one.request.filters), one)
            yield Step(Unsubscribe(subscription=self._whole_name), is_last=apart is None)
        if apart is None:
            return
        request = apart.request
        if apart.is_given and apart.at is not None:
            request = self._resume(request.filters, apart.at, state=apart.wants_state)
        yield Step(request, apart, is_last=True)

    def restored(self, step: Step, reply: SubscriptionConfirmed | UnsubscribeConfirmed) -> None:
        """A step of `steps` was taken."""
        one = step.held
        if isinstance(reply, UnsubscribeConfirmed) or isinstance(step.request, Unsubscribe):
            self._is_merging = False
        elif one is None:
            self._whole_name = reply.subscription
            self._arrive(reply)
        elif self._is_merging:
            one.server_name = reply.subscription
        else:
            is_alone = not any(other.server_name for other in self.held.values())
            self._begin(one, step.request, reply, is_alone=is_alone)

    # --- helpers ---------------------------------------------------------------------------

    def _begin(
        self, one: Held, request: Subscribe, reply: SubscriptionConfirmed, *, is_alone: bool
    ) -> None:
        one.server_name = reply.subscription
        one.wants_state = request.snapshot or one.wants_state
        if is_alone:
            self._arrive(reply)
            one.since = self._at if one.since is None else one.since
        here = (self._rank_of(reply.epoch), reply.seq)
        if request.last:
            one.since = one.ends_at = here  # its first event tells from where on
            one.at = NOWHERE
            self._past_of = one
        elif not is_alone and reply.recovered:
            self._rank = here[0]
            one.since, one.at, one.ends_at = here, here, None
            self._past_of = one
        elif not is_alone:
            one.since = here if one.since is None else one.since
            self._at = max(self._at, here)

    def _arrive(self, reply: SubscriptionConfirmed) -> None:
        """Stand where a reply says, be it further back than before."""
        self._rank = self._live_rank = self._rank_of(reply.epoch)
        self._at = (self._rank, reply.seq)

    def _resume(self, filters: Filter, at: At, *, state: bool) -> Subscribe:
        position = Position(epoch=self._epochs[at[0]], seq=at[1])
        return Subscribe(filters=filters, resume=position, snapshot=state)

    def _came_before(self, key: At, numbered: Numbered, past: Held) -> bool:
        return any(
            one.since is not None and one.since < key <= self._at and one.admits(numbered.event)
            for one in self.held.values()
            if one is not past
        )

    def _move(self, at: At) -> None:
        if self._past_of is not None:
            self._past_of.at = at
        self._at = max(self._at, at) if at[0] == self._at[0] else at

    def _rank_of(self, epoch: str) -> int:
        if epoch not in self._epochs:
            self._epochs.append(epoch)
        return self._epochs.index(epoch)


def whole(filters: Iterable[Filter]) -> Filter:
    """A filter that admits all that any of these can admit."""
    named = {kind for one in filters for kind in one.types}
    asked_for = sorted(ON_REQUEST & named)
    return Filter(types=("*", *asked_for)) if asked_for else Filter()
