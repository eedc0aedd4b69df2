"""Panes by name, and the events of a feed, until a condition holds.

The state comes first, and every event after it: nothing happens between the two. What the condition
says is `conditions`' and `awaited`'s matter, and where events come from `feed`'s.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
import trio

from tmuxpulse.cli.awaited import Awaited, Cause, speaks_of_presence, tells_of_the_past
from tmuxpulse.cli.conditions import Condition
from tmuxpulse.cli.explain import target_of
from tmuxpulse.cli.feed import Feed
from tmuxpulse.cli.options import say
from tmuxpulse.client.incoming import Incoming, Received
from tmuxpulse.collect.sockets import own_pane, socket_name
from tmuxpulse.errors import RequestError, UsageError
from tmuxpulse.events import Event, PaneCreated, PaneRemoved
from tmuxpulse.serve.target import Spot, find_pane
from tmuxpulse.wire import Gap, Reset, SnapshotData, Target, Tree

MAX_PANES = 64
_RENAMING = frozenset(
    {"session.renamed", "window.renamed", "window.moved", "pane.moved", "window.activated"}
)

LookAgain = Callable[[], Awaitable[SnapshotData]]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is waited for.

    Attributes:
        condition: of each pane.
        every: whether it has to hold for all of them at once; else any will do.
        missing_ok: whether a pane that is not there may come yet.
    """

    condition: Condition
    every: bool = False
    missing_ok: bool = False


class PaneResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A pane in what `--json` prints; see docs/reference/wait.md."""

    target: str
    server: str | None = None
    pane: str | None = None
    session: str | None = None
    window: int | None = None
    index: int | None = None
    status: str | None = None
    command: str | None = None
    by: str | None = None
    text: str | None = None


class Followed:
    """A pane that was named.

    Attributes:
        text: how the user named it.
        awaited: what is known of it.
        is_there: whether it is there.
    """

    def __init__(self, text: str, targets: Sequence[Target], awaited: Awaited) -> None:
        self.text = text
        self.awaited = awaited
        self.server: str | None = None
        self.pane_id: str | None = None
        self.session: str | None = None
        self.window: int | None = None
        self.is_there = False
        self.since = 0
        self._targets = targets

    def look(self, tree: Tree, seq: int, now: float) -> None:
        """Find it in the state after the event `seq`; once found, by its id.

        Raises:
            UsageError: the name fits several panes.
        """
        targets = self._targets
        if self.is_there:
            targets = [Target(server=self.server, pane=self.pane_id)]
        spot = _find(tree, targets)
        self.since = seq
        if spot is None:
            self.is_there = False
            self.awaited.see(None, now)
            return
        self._is_at(spot.session.server, spot.session.name, spot.window.index, spot.pane.id)
        self.awaited.see(spot.pane, now)

    def take(self, event: Event, seq: int, now: float) -> None:
        """Something happened, to it or elsewhere."""
        place, data = event.place, event.data
        if seq <= self.since or place.pane_id is None:
            return
        if not self.is_there and isinstance(data, PaneCreated) and self._fits(event):
            self._is_at(place.server or "", place.session or "", place.window or 0, place.pane_id)
        if self.is_there and (place.server, place.pane_id) == (self.server, self.pane_id):
            self.session, self.window = place.session, place.window
            self.awaited.take(event, now)
            self.is_there = not isinstance(data, PaneRemoved)

    def result(self) -> PaneResult:
        """What there is to say of it."""
        view, cause = self.awaited.view, self.awaited.cause or Cause("")
        return PaneResult(
            target=self.text,
            server=self.server,
            pane=self.pane_id,
            session=self.session,
            window=self.window,
            index=None if view is None else view.index,
            status=None if view is None else view.status,
            command=None if view is None else view.command,
            by=cause.by or None,
            text=cause.text or None,
        )

    def _is_at(self, server: str, session: str, window: int, pane_id: str) -> None:
        self.is_there = True
        self.server, self.pane_id = server, pane_id
        self.session, self.window = session, window

    def _fits(self, event: Event) -> bool:
        """Whether a pane that was made is the one that was named."""
        place, data = event.place, event.data
        for target in self._targets:
            window = (place.window, str(place.window), place.window_id, place.window_name)
            pane = (place.pane, str(place.pane), place.pane_id)
            if (
                target.server in (None, place.server)
                and target.session in (None, place.session, place.session_id)
                and (target.window is None or target.window in window)
                and (
                    target.pane in pane
                    if target.pane is not None
                    else isinstance(data, PaneCreated) and data.active
                )
            ):
                return True
        return False


def targets_of(
    texts: Sequence[str], server: str | None, environ: Mapping[str, str]
) -> list[tuple[str, list[Target]]]:
    """What each name may mean, the likeliest first.

    Args:
        texts: as the user wrote them; none: the pane in which this runs.
        server: the tmux server, if it was said.
        environ: the environment.

    Raises:
        UsageError: one is no name of a pane.
    """
    if len(texts) > MAX_PANES:
        raise UsageError(f"at most {MAX_PANES} panes at once")
    if not texts:
        inside = own_pane(environ)
        if inside is None:
            raise UsageError("name a pane with --pane; tmuxpulse ls lists them")
        target = Target(server=socket_name(inside[0], environ), pane=inside[1])
        return [(inside[1], [target])]
    found = []
    for text in texts:
        targets = [target_of(text, environ)]
        if targets[0].session == text:
            targets.append(Target(window=text))
        found.append((text, [msgspec.structs.replace(one, server=server) for one in targets]))
    return found


class Wait:
    """Follows panes until a condition holds.

    Args:
        wanted: the condition, and for whom.
        targets: the panes.
        now: when the wait begins.

    Attributes:
        panes: what is known of each.
    """

    def __init__(
        self, wanted: Wanted, targets: Sequence[tuple[str, list[Target]]], now: float
    ) -> None:
        self.panes = [
            Followed(text, named, Awaited(wanted.condition, now)) for text, named in targets
        ]
        self._wanted = wanted
        self._may_be_missing = wanted.missing_ok or speaks_of_presence(wanted.condition)

    @property
    def holds(self) -> bool:
        """Whether it does."""
        answers = [one.awaited.cause is not None for one in self.panes]
        return all(answers) if self._wanted.every else any(answers)

    @property
    def missing(self) -> list[str]:
        """The panes whose absence means that the condition will never hold."""
        if self._may_be_missing:
            return []
        gone = [one.text for one in self.panes if not one.is_there]
        return gone if self._wanted.every or len(gone) == len(self.panes) else []

    def is_over(self) -> bool:
        """Whether there is nothing to wait for any more."""
        return self.holds or bool(self.missing)

    async def run(self, feed: Feed, look_again: LookAgain) -> None:
        """Wait until it is over.

        Args:
            feed: the state, and the events after it.
            look_again: gives the state of now.

        Raises:
            ServerError: the feed ended.
            UsageError: a name fits several panes.
        """
        self.look(feed.beginning, trio.current_time())
        while not self.is_over():
            items: list[Incoming] = []
            now = trio.current_time()
            with trio.move_on_at(min(one.awaited.next_at(now) for one in self.panes)):
                items = await feed.receive()
            now = trio.current_time()
            for item in items:
                if self.take(item, now):
                    self.look(await look_again(), now)
                if self.is_over():
                    return
            for one in self.panes:
                one.awaited.pass_time(now)

    def look(self, state: SnapshotData, now: float) -> None:
        """See what there is."""
        for one in self.panes:
            one.look(state.data, state.seq, now)

    def take(self, item: Incoming, now: float) -> bool:
        """Take something that came; True: a look at the state is needed to understand it."""
        match item:
            case Received(numbered):
                for one in self.panes:
                    one.take(numbered.event, numbered.seq, now)
                is_named = numbered.event.type in _RENAMING
                return is_named and not all(one.is_there for one in self.panes)
            case SnapshotData():
                self.look(item, now)
            case Gap() | Reset():
                if tells_of_the_past(self._wanted.condition):
                    say("events were missed, and what was waited for may be among them")
        return False


def _find(tree: Tree, targets: Sequence[Target]) -> Spot | None:
    for target in targets:
        spot = _found(tree, target)
        if spot is not None:
            return spot
    return None


def _found(tree: Tree, target: Target) -> Spot | None:
    try:
        return find_pane(tree, target)
    except RequestError as error:
        if error.code != "NOT_FOUND":
            raise UsageError(str(error)) from None
        return None
