"""The streams of those who may not see everything: each sight has a hub of its own.

A grant narrowed to ``api-*`` sees a tmux server that holds nothing but such sessions. Its stream
has its own epoch, numbers, ring and snapshots, so nothing in it (no event, no name, no gap, no jump
of a number) tells of anything else. Its structural events are the `diff` of what it could see
before and after: a session that is renamed into the sight is created there, a window that another
session shows too is placed in the one that is seen.

The whole state is kept by applying the hub's events from the first on, so this has to be made
before the collector starts. Without the scope ``output`` what panes print is left out of events.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import groupby

import msgspec

from tmuxpulse import events as ev
from tmuxpulse.filters import compile_globs
from tmuxpulse.hub.hub import Hub
from tmuxpulse.serve.grants import Grant
from tmuxpulse.tmux.apply import apply
from tmuxpulse.tmux.diff import diff
from tmuxpulse.tmux.state import EMPTY, Atlas, State
from tmuxpulse.wire import PaneView, SessionView, Tree

MAX_SIGHTS = 64  # hubs at once; beyond, those that nobody reads are forgotten
RING_EVENTS = 5_000
RING_BYTES = 2 << 20

STRUCTURAL: frozenset[type[ev.Data]] = frozenset(
    {
        *(kind for kind in ev.DATA_TYPES if kind.type.startswith(("session.", "window."))),
        *(ev.PaneCreated, ev.PaneRemoved, ev.PaneActivated, ev.PaneMoved, ev.PaneResized),
        *(ev.PaneCommand, ev.PanePath, ev.PaneExited, ev.PaneTitle),
    }
)

PRINTED = frozenset({ev.PaneOutput.type, ev.PaneBytes.type})  # nothing is left without `output`

logger = logging.getLogger(__name__)


class Sight(msgspec.Struct, frozen=True):
    """How much of everything somebody sees.

    Attributes:
        output: whether what panes print is seen.
        sessions: globs for the names of sessions; empty: all.
    """

    output: bool = True
    sessions: tuple[str, ...] = ()


EVERYTHING = Sight()


def sight_of(grant: Grant) -> Sight:
    """What a grant lets its holder see; order and repeats of globs do not matter."""
    return Sight("output" in grant.scopes, tuple(sorted(set(grant.sessions))))


class TooManySights(Exception):
    """More different sights are in use than there may be."""


class Sights:
    """Gives each sight its hub.

    Args:
        hub: the stream of everything; nothing may have been published in it.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._states: dict[str | None, State] = {}
        self._narrow: dict[Sight, _Narrow] = {}
        self._epochs: set[str] = {hub.epoch}
        hub.followers.append(self)

    def hub_of(self, sight: Sight) -> Hub:
        """The stream that a sight is allowed to read; the same one each time.

        Raises:
            TooManySights: all of `MAX_SIGHTS` are being read.
        """
        if sight == EVERYTHING:
            return self._hub
        found = self._narrow.get(sight)
        if found is None:
            self._make_room()
            found = self._narrow[sight] = _Narrow(self._hub, sight, self._states)
            self._epochs.add(found.hub.epoch)
        return found.hub

    @property
    def hubs(self) -> list[Hub]:
        """Every stream that somebody may read now, that of everything first."""
        return [self._hub, *(narrow.hub for narrow in self._narrow.values())]

    def is_elsewhere(self, epoch: str) -> bool:
        """Tell whether an epoch is one of this run, whoever may read it."""
        return epoch in self._epochs

    def follow(self, events: Sequence[ev.Event]) -> None:
        """Take what was published together, and publish what of it each sight sees."""
        for (server, structural), group in groupby(events, _kind):
            together = list(group)
            if not structural:
                for narrow in self._narrow.values():
                    narrow.pass_on(together)
                continue
            try:
                state = apply(self._states.get(server, EMPTY), together)
            except KeyError:
                logger.exception(
                    "events that do not fit the state; narrowed streams leave them out"
                )
                continue
            self._states[server] = state
            for narrow in self._narrow.values():
                narrow.become(server, state, together)

    def flush(self) -> None:
        """Hand out what is pending."""
        for narrow in self._narrow.values():
            narrow.hub.flush()

    def wants(self, event_type: str) -> bool:
        """Tell whether any reader of a narrowed stream would be given events of a type."""
        return any(
            (sight.output or event_type not in PRINTED) and narrow.hub.wants(event_type)
            for sight, narrow in self._narrow.items()
        )

    def _make_room(self) -> None:
        for sight, narrow in list(self._narrow.items()):
            if len(self._narrow) < MAX_SIGHTS:
                return
            if not narrow.hub.reader_count:
                del self._narrow[sight]
                self._epochs.discard(narrow.hub.epoch)
        if len(self._narrow) >= MAX_SIGHTS:
            raise TooManySights


class _Narrow:
    """One sight's stream."""

    def __init__(self, whole: Hub, sight: Sight, states: dict[str | None, State]) -> None:
        self._sight = sight
        self._sees = _sees(sight)
        self._states = {server: project(state, self._sees) for server, state in states.items()}
        self._atlases: dict[str | None, Atlas] = {}
        self.hub = Hub(
            ring_events=RING_EVENTS,
            ring_bytes=RING_BYTES,
            tree=lambda: narrow_tree(whole.snapshot(), sight),
            before_handing_out=whole.let_keep,
            tally=whole.tally,
        )

    def become(self, server: str | None, whole: State, events: list[ev.Event]) -> None:
        """Follow the structure."""
        if not self._sight.sessions:
            self._publish(events)
            return
        before = self._states.get(server, EMPTY)
        after = project(whole, self._sees)
        if before != after:
            self._states[server] = after
            self._atlases.pop(server, None)
            self._publish(diff(before, after, server or ""))

    def pass_on(self, events: list[ev.Event]) -> None:
        """Follow what is no structure."""
        if self._sight.sessions:
            events = [seen for event in events if (seen := self._placed(event)) is not None]
        self._publish(events)

    def _publish(self, events: list[ev.Event]) -> None:
        if not self._sight.output:
            events = [kept for event in events if (kept := without_output(event)) is not None]
        self.hub.publish(*events)

    def _placed(self, event: ev.Event) -> ev.Event | None:
        """The event as it is seen, in a place that is seen; None: it is not."""
        place, data = event.place, event.data
        state = self._states.get(place.server, EMPTY)
        if place.pane_id is not None:
            if place.pane_id not in state.panes:
                return None
            return ev.Event(self._atlas(place.server, state).pane(place.pane_id), data)
        if place.session is not None:
            if not self._sees(place.session):
                return None
            return ev.Event(
                ev.Place(server=place.server, session=place.session, session_id=place.session_id),
                data,
            )
        if isinstance(data, ev.SystemStats):
            panes = tuple(one for one in data.panes if one.pane_id in state.panes)
            return ev.Event(place, ev.SystemStats(panes=panes)) if panes else None
        return _of_no_session(event)

    def _atlas(self, server: str | None, state: State) -> Atlas:
        found = self._atlases.get(server)
        if found is None:
            found = self._atlases[server] = Atlas(state, server or "")
        return found


def _of_no_session(event: ev.Event) -> ev.Event | None:
    match event.data:
        case ev.CollectorTrouble() as trouble:  # its text may name anything
            return ev.Event(
                event.place, msgspec.structs.replace(trouble, message="watching failed")
            )
        case ev.ServerUp() | ev.ServerDown() | ev.ServerGoodbye():
            return event
    return None


def project(state: State, sees: Callable[[str], bool]) -> State:
    """The state of a tmux server that holds no other sessions than those whose name is seen."""
    sessions = {key: one for key, one in state.sessions.items() if sees(one.name)}
    links = {key: link for key, link in state.links.items() if key.session_id in sessions}
    windows = {link.window_id: state.windows[link.window_id] for link in links.values()}
    panes = {key: pane for key, pane in state.panes.items() if pane.window_id in windows}
    clients = {key: one for key, one in state.clients.items() if one.session_id in sessions}
    return State(sessions, windows, links, panes, clients)


def narrow_tree(tree: Tree, sight: Sight) -> Tree:
    """A snapshot of what is seen."""
    sees = _sees(sight)
    sessions = [session for session in tree.sessions if sees(session.name)]
    if not sight.output:
        sessions = [_silent(session) for session in sessions]
    return Tree(servers=tree.servers, sessions=sessions)


def without_output(event: ev.Event) -> ev.Event | None:
    """The event without what was printed or typed; None: there is nothing else in it."""
    data = event.data
    match data:
        case ev.PaneOutput() | ev.PaneBytes():
            return None
        case ev.PaneError() | ev.PaneWarning():
            data = msgspec.structs.replace(data, line="")
        case ev.PaneNotification():
            data = msgspec.structs.replace(data, title="", body="")
        case ev.PaneTitle():
            data = msgspec.structs.replace(data, title="", previous="")
        case ev.CommandStarted() | ev.CommandFinished():
            data = msgspec.structs.replace(data, command_line=None)
        case ev.AgentStatus():
            data = msgspec.structs.replace(data, evidence="")
        case ev.PaneCreated():
            data = msgspec.structs.replace(data, last_line="", title="")
        case _:
            return event
    return ev.Event(event.place, data)


def _silent(session: SessionView) -> SessionView:
    def silent(pane: PaneView) -> PaneView:
        return msgspec.structs.replace(pane, last_line="", title="")

    windows = [
        msgspec.structs.replace(window, panes=[silent(pane) for pane in window.panes])
        for window in session.windows
    ]
    return msgspec.structs.replace(session, windows=windows)


def _sees(sight: Sight) -> Callable[[str], bool]:
    return compile_globs(sight.sessions) if sight.sessions else lambda _name: True


def _kind(event: ev.Event) -> tuple[str | None, bool]:
    return event.place.server, type(event.data) in STRUCTURAL
