"""What a client may send: one struct for each action, all of them refusing unknown fields."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Union

import msgspec
from msgspec import Meta

from tmuxpulse.filters import EVERYTHING, Filter
from tmuxpulse.wire.commands import AnyCommand, RequestId, Target


class Request(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="action"
):
    """Base of what a client may send; `id` is repeated in the reply."""

    id: RequestId = None


class Position(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place in the stream: the last event that was seen."""

    epoch: Annotated[str, Meta(max_length=64)]
    seq: Annotated[int, Meta(ge=0, le=2**53)]


class Auth(Request, frozen=True, kw_only=True, tag="auth"):
    """Give a token.

    Attributes:
        token: the whole of it, ``tp_…``; or a one-time one.
    """

    token: str

    def __repr__(self) -> str:
        """Without the token."""
        return f"Auth(id={self.id!r}, token=...)"


class Subscribe(Request, frozen=True, kw_only=True, tag="subscribe"):
    """Ask for events; with `snapshot`, for the state that they change, too.

    Attributes:
        filters: which ones; nothing: all.
        resume: first those after this place in the stream; if not all of them can be given, none
            are: ``stream.reset`` and a snapshot come instead.
        last: first so many of those that were (up to 20,000); not together with `resume`.
        snapshot: first the state, as a ``snapshot.data``.
    """

    filters: Filter = EVERYTHING
    resume: Position | None = None
    last: int | None = None
    snapshot: bool = False


class Unsubscribe(Request, frozen=True, kw_only=True, tag="unsubscribe"):
    """End one subscription, those with equal filters, or all.

    Attributes:
        subscription: its name, as it was confirmed.
        filters: all subscriptions with just these; not together with `subscription`.
    """

    subscription: str | None = None
    filters: Filter | None = None


class Snapshot(Request, frozen=True, kw_only=True, tag="snapshot"):
    """Ask for the state.

    Attributes:
        target: of what; nothing: of everything. A pane that is named comes with its screen, where
            ``output`` is granted.
        styled: and that screen with its colours and its cursor.
    """

    target: Target | None = None
    styled: bool = False


class Ping(Request, frozen=True, kw_only=True, tag="ping"):
    """Ask for a sign of life."""


class Ticket(Request, frozen=True, kw_only=True, tag="ticket"):
    """Ask for a one-time token for a browser; for the owner and for ``admin``."""


class Batch(Request, frozen=True, kw_only=True, tag="batch"):
    """Run commands in order, in one run of tmux; the first that fails is the last.

    Attributes:
        commands: for one tmux server.
        key: a repeat with the same key is not run again and gets the same answer.
        deadline_s: seconds until it has to be done; what is not begun by then never is.
    """

    commands: list[AnyCommand]
    key: str | None = None
    deadline_s: float | None = None


class History(Request, frozen=True, kw_only=True, tag="history"):
    """Ask for what was kept, page by page.

    Attributes:
        filters: as of a subscription.
        contains: must be in the event's text; case does not matter.
        since: no earlier than this time (RFC 3339).
        until: earlier than this time.
        limit: events in a page.
        cursor: of the page before.
        newest_first: the order.
        context: how many outputs of the same pane come with each event, before and after it.
    """

    filters: Filter = EVERYTHING
    contains: str = ""
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 100
    cursor: str = ""
    newest_first: bool = True
    context: int = 0


class EmitEvent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody tells of.

    Attributes:
        type: ``custom.`` and a name of one's own; or ``agent.status``, a report about a pane.
        server: with the next three, where it happened; nothing: nowhere in particular.
        data: any object; for ``agent.status``: ``status``, ``reason``, ``agent_type``, ``source``.
    """

    type: str
    server: str | None = None
    session: str | None = None
    window: str | int | None = None
    pane: str | int | None = None
    data: dict[str, Any] = {}


class Emit(Request, frozen=True, kw_only=True, tag="emit"):
    """Tell of something; whoever subscribed to its type gets it.

    Attributes:
        event: what.
    """

    event: EmitEvent


class Explain(Request, frozen=True, kw_only=True, tag="explain"):
    """Ask why a pane's status is what it is.

    Attributes:
        target: the pane.
    """

    target: Target


class Health(Request, frozen=True, kw_only=True, tag="health"):
    """Ask how the server itself is."""


class Replay(Request, frozen=True, kw_only=True, tag="replay"):
    """Steer the recording that a server plays, or, without a field, ask where it is.

    Attributes:
        play: whether to go on or to stand still; it is done after the other two.
        seek_s: where to go, in seconds from the beginning.
        speed: times as fast as it was.
    """

    play: Literal["pause", "resume"] | None = None
    seek_s: Annotated[float, Meta(ge=0, le=1e9)] | None = None
    speed: Annotated[float, Meta(ge=0.1, le=1000)] | None = None


AnyRequest = Union[  # noqa: UP007  # evaluated by msgspec on Python 3.10
    Auth,
    Subscribe,
    Unsubscribe,
    Snapshot,
    Ping,
    Ticket,
    Batch,
    History,
    Emit,
    Explain,
    Health,
    Replay,
]
