"""What a program is given: events, and what it has to know about the stream they came in.

Every item is an `Event`; its `data` is one of the structs of `tmuxpulse.events`, or a `Gap`, or
`Restarted`. No connection is known here.
"""

from __future__ import annotations

from typing import ClassVar, Union

import msgspec

from tmuxpulse.events import Data, Place
from tmuxpulse.events import Event as Told
from tmuxpulse.wire import Numbered, Tree

NOWHERE = Place()


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Events are missing here.

    Attributes:
        reason: ``slow``: this program read too slowly; ``history``: events of the type `only` are
            not kept; ``expired``: the connection was away for longer than the server keeps events;
            ``epoch``: the server was restarted, and its history does not tell; ``scope``: the
            token no longer allows all of it; ``lost``: they could not be written.
        first: the number of the first that is missing; None: not known.
        last: that of the last.
        dropped: how many of them would have come; None: not known.
        only: the one type that is missing; None: all types.
        state: what there is now, to go on from; None: the server did not tell.
    """

    type: ClassVar[str] = "stream.gap"
    reason: str
    first: int | None = None
    last: int | None = None
    dropped: int | None = None
    only: str | None = None
    state: Tree | None = None


class Restarted(msgspec.Struct, frozen=True, kw_only=True):
    """What follows is of another run of the server; nothing is missing.

    Its numbers begin anew, and its first events build up the state from nothing.

    Attributes:
        epoch: the run; `previous` is the one before.
    """

    type: ClassVar[str] = "stream.epoch"
    epoch: str
    previous: str


AnyData = Union[Data, Gap, Restarted]  # noqa: UP007  # evaluated by msgspec on Python 3.10


class Event(msgspec.Struct, frozen=True):
    """Something happened.

    Attributes:
        epoch: the run of the server; with `seq` it names the event for ever.
        seq: its number in that run; of a `Gap` and of `Restarted`, of the event before.
        timestamp: when, such as ``2026-11-23T09:00:01.004Z``; empty for a `Gap` and `Restarted`.
        place: where.
        data: what; to be used with ``match``.
    """

    epoch: str
    seq: int
    timestamp: str
    place: Place
    data: AnyData

    @property
    def type(self) -> str:
        """The type, such as ``agent.status``; of a `Gap` ``stream.gap``."""
        if isinstance(self.data, Data):
            return Told(self.place, self.data).type
        return self.data.type

    @property
    def severity(self) -> str:
        """How much it matters: ``info``, ``warning`` or ``error``."""
        if isinstance(self.data, Data):
            return Told(self.place, self.data).severity
        return "warning" if isinstance(self.data, Gap) else "info"

    @property
    def server(self) -> str | None:
        """The tmux server's name."""
        return self.place.server

    @property
    def session(self) -> str | None:
        """The session's name."""
        return self.place.session

    @property
    def window(self) -> int | None:
        """The window's index."""
        return self.place.window

    @property
    def pane(self) -> int | None:
        """The pane's index."""
        return self.place.pane

    @property
    def pane_id(self) -> str | None:
        """The id, such as ``%12``; it stays when the pane moves."""
        return self.place.pane_id


def seen(numbered: Numbered, epoch: str) -> Event:
    """An event as it came, for a program."""
    told = numbered.event
    return Event(epoch, numbered.seq, numbered.timestamp, told.place, told.data)


def note(data: Gap | Restarted, *, epoch: str, seq: int) -> Event:
    """What has to be known about the stream at a position, for a program."""
    return Event(epoch, seq, "", NOWHERE, data)
