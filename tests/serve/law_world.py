"""A server whose every publication is written down, driven step by step: what the law is about.

Trio runs in a thread of its own; a step goes in, happens, and everything comes to rest before it
comes back. So a state machine, which is not async, can hold a running server in its hand, and the
same steps give the same run. Connections are socket pairs with small buffers: slowness is real.
"""

# ruff: noqa: ARG002  # fakes take what the real ones need

from __future__ import annotations

import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial, partialmethod
from typing import Literal, TypeVar

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from tests.serve.houses import OWNER, STRANGER, TestHouse
from tests.sources import Told
from tmuxpulse import events as ev
from tmuxpulse.config.settings import LimitsTable
from tmuxpulse.filters import Filter, Predicate, compile_filters
from tmuxpulse.history.eyes import EVERYTHING, Eyes
from tmuxpulse.history.found import Found
from tmuxpulse.history.history import Amounts
from tmuxpulse.history.query import Query
from tmuxpulse.history.reader import Page
from tmuxpulse.history.replay import Segment
from tmuxpulse.hub.hub import Hub
from tmuxpulse.serve import sights
from tmuxpulse.serve.door import Door, hosts_of
from tmuxpulse.serve.front import LOOK_SECONDS, Front
from tmuxpulse.serve.past import Past
from tmuxpulse.serve.sights import Sight, narrow_tree
from tmuxpulse.tmux.diff import diff
from tmuxpulse.tmux.state import EMPTY, Atlas, LinkKey, State
from tmuxpulse.wire import (
    Numbered,
    PaneView,
    ServerView,
    SessionView,
    Tree,
    WindowView,
    encode_event,
)

T = TypeVar("T")
Kept = Literal["nothing", "all", "no output"]

PORT = 8765
RING_EVENTS = 60  # small, so that positions expire
QUEUE_BATCHES = 6
QUEUE_BYTES = 6_000
SOCKET_BYTES = 2_304  # the least that Linux takes
PASSES_OF_A_REPLAY = 4  # of the loop
SERVER = "default"
LIMITS = LimitsTable(login_failures_per_minute=10_000, all_login_failures_per_minute=10_000)

settled = trio.testing.wait_all_tasks_blocked


class Published:
    """All that was ever published in one stream, from outside of the hub.

    Attributes:
        sight: whose stream it is.
        life: the run of the server, by number.
        events: number 1 comes first.
        states: what tmux held after a number, where that was looked at.
    """

    def __init__(self, sight: Sight, life: int) -> None:
        self.sight = sight
        self.life = life
        self.events: list[ev.Event] = []
        self.states: dict[int, State] = {}

    @property
    def last(self) -> int:
        """The number of the newest."""
        return len(self.events)

    def between(self, after: int, upto: int) -> Iterator[tuple[int, ev.Event]]:
        """The events with the numbers `after` + 1 to `upto`."""
        yield from enumerate(self.events[after:upto], after + 1)

    def tree(self, seq: int) -> Tree:
        """What a snapshot at a number has to hold."""
        return narrow_tree(tree_of(self.states[seq]), self.sight)


def tree_of(state: State) -> Tree:
    """The snapshot of a state, to who sees everything."""
    return Tree(
        servers=[server_view()],
        sessions=[
            SessionView(
                server=SERVER,
                id=session.id,
                name=session.name,
                attached=state.attached(session.id),
                created=session.created,
                windows=[
                    _window_of(state, key)
                    for key in sorted(state.links)
                    if key.session_id == session.id
                ],
            )
            for session in state.sessions.values()
        ],
    )


def _window_of(state: State, key: LinkKey) -> WindowView:
    link = state.links[key]
    window = state.windows[link.window_id]
    panes = [
        PaneView(
            **{
                field: getattr(pane, field)
                for field in pane.__struct_fields__
                if field != "window_id"
            }
        )
        for pane in state.panes.values()
        if pane.window_id == window.id
    ]
    return WindowView(
        id=window.id,
        index=key.window_index,
        name=window.name,
        active=link.active,
        layout=window.layout,
        zoomed=window.zoomed,
        panes=panes,
    )


def server_view() -> ServerView:
    return ServerView(name=SERVER, socket="/s", up=True)


class Remembers:
    """A history that forgets nothing, but for types that it does not keep.

    Args:
        published: what there is to remember.
        lacks: types that are not kept.
    """

    def __init__(self, published: Mapping[str, Published], lacks: tuple[str, ...]) -> None:
        self._published = published
        self._lacks = lacks

    def amounts(self) -> Amounts:
        return Amounts(waiting_bytes=0, lost=0, written=0, size_bytes=0)

    async def replay(self, epoch: str, seq: int, filters: Sequence[Filter]) -> list[Segment] | str:
        """What came after a position; it takes a while, in which more may come."""
        admits = compile_filters(filters)
        asked = self._published[epoch]
        if asked.sight != sights.EVERYTHING:
            return "epoch"
        found = [
            self._segment(name, run, seq if run is asked else 0, admits)
            for name, run in self._published.items()
            if run.sight == asked.sight and run.life >= asked.life
        ]
        for _ in range(PASSES_OF_A_REPLAY):
            await trio.lowlevel.checkpoint()
        return found

    def _segment(self, epoch: str, run: Published, after: int, admits: Predicate) -> Segment:
        return Segment(
            epoch=epoch,
            after=after,
            last=run.last,
            events=[
                Found(epoch, Numbered(seq, "", event), encode_event(seq, "", event), 0)
                for seq, event in run.between(after, run.last)
                if admits(event) and event.type not in self._lacks
            ],
            lacks=self._lacks,
        )

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Write nothing."""
        task_status.started()

    async def query(self, query: Query, *, eyes: Eyes = EVERYTHING) -> Page:
        """Nobody asks."""
        raise AssertionError(query)

    async def around(
        self, found: Sequence[Found], *, before: int, after: int, eyes: Eyes = EVERYTHING
    ) -> list[tuple[list[Found], list[Found]]]:
        """Nobody asks."""
        raise AssertionError(found)


class Life:
    """One run of the server, from its start to its end."""

    def __init__(self, number: int, past: Past | None) -> None:
        self.number = number
        self.house = TestHouse(Hub(clock=lambda: 0.0, ring_events=RING_EVENTS), limits=LIMITS,
                               past=past)  # fmt: skip
        self.front = Front(self.house, Door(hosts=hosts_of(PORT), pages={}))
        self.scope = trio.CancelScope()
        self.streams: trio.Nursery | None = None

    async def run(self, source: Told, *, task_status: trio.TaskStatus[None]) -> None:
        """Serve until `scope` is cancelled; what is open then ends without a word."""
        with self.scope, self.house.hub.source(SERVER, source):
            async with trio.open_nursery() as nursery:
                self.streams = nursery
                await nursery.start(self.house.hub.run)
                nursery.start_soon(self.front.watch_peers)
                task_status.started()
                await trio.sleep_forever()

    def hubs(self) -> Iterator[tuple[Sight, Hub]]:
        """All streams there are now, and who sees them."""
        yield sights.EVERYTHING, self.house.hub
        for sight, narrow in self.house.sights._narrow.items():
            yield sight, narrow.hub


class World:
    """A tmux state, the server that tells of it, and the book of what was published.

    Attributes:
        life: the run of the server that is on, from `start_life` on.
        state: what tmux holds.
        kept: what is in the history.
        published: by epoch.
        marks: numbers that events carry, so that each is told from the others.
        is_sound: whether the last step ended well.
    """

    life: Life

    def __init__(self, kept: Kept = "nothing") -> None:
        self.state = EMPTY
        self.published: dict[str, Published] = {}
        self.marks = 0
        self.lives = 0
        self.is_sound = True
        self.kept = kept
        self._clock = MockClock()
        self._stack = ExitStack()
        self._failed: BaseException | None = None
        self._began = threading.Event()
        self._thread = threading.Thread(target=self._run_trio, daemon=True)
        self._patch()
        self._thread.start()
        self._began.wait()

    # --- steps -----------------------------------------------------------------------------

    def step(self, do: Callable[[], Awaitable[T]]) -> T:
        """Do it in trio's thread, let everything come to rest, and look at the state there."""

        async def whole() -> T:
            found = await do()
            await settled()
            self.look()
            return found

        self.is_sound = False
        try:
            found = trio.from_thread.run(whole, trio_token=self._token)
        except trio.RunFinishedError:
            raise AssertionError("the server's task ended") from self._failed
        self.is_sound = True
        return found

    def close(self) -> None:
        """End it all; an error of the server's own is raised here."""
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._stop.set)
        self._thread.join()
        self._stack.close()
        if self._failed is not None:
            raise self._failed

    async def start_life(self, *, orderly: bool = True) -> None:
        """End the server if there is one, in order or at once, and start another."""
        grants = {}
        if self.lives:
            grants = self.life.house.tokens.grants
            if orderly:
                self.life.front.goodbye("the server is shutting down")
                await settled()
            self.life.scope.cancel()
            await settled()
        self.lives += 1
        self.life = Life(self.lives, self._past())
        self.life.house.tokens.grants = grants
        source = Told(self._view)
        await self._nursery.start(partial(self.life.run, source))
        self.look()
        self.life.house.hub.publish(*diff(EMPTY, self.state, SERVER))
        self.look()

    def become(self, state: State) -> None:
        """Let tmux change, and publish how."""
        self.look()
        events = diff(self.state, state, SERVER)
        self.state = state
        self.life.house.hub.publish(*events)
        self.look()

    def tell(self, *events: ev.Event) -> None:
        """Publish what changes no structure."""
        self.look()
        self.life.house.hub.publish(*events)
        self.look()

    def mark(self) -> int:
        """A number that no event had before."""
        self.marks += 1
        return self.marks

    async def pass_time(self, looks: int) -> None:
        """Let some seconds go by, with rest after each look at the peers."""
        for _ in range(looks):
            self._clock.jump(LOOK_SECONDS)
            await settled()

    async def connect(self, token: str | None, *, plain: bool) -> socket.socket:
        """Connect a client; its end of it.

        Args:
            token: whether it is a stranger; None: it comes by the owner's socket.
            plain: whether the server sees a stream that is no socket of its own, as with TLS.
        """
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
        theirs.setblocking(False)
        stream: trio.abc.Stream = trio.SocketStream(trio.socket.from_stdlib_socket(ours))
        if plain:
            stream = trio.StapledStream(stream, stream)
        assert self.life.streams is not None
        visitor = OWNER if token is None else STRANGER
        self.life.streams.start_soon(self.life.front.handle, stream, visitor)
        await trio.lowlevel.checkpoint()
        return theirs

    def look(self) -> None:
        """Note what the state is, in every stream there is now."""
        for sight, hub in self.life.hubs():
            found = self.published.setdefault(hub.epoch, Published(sight, self.lives))
            assert found.last == hub.seq
            found.states[hub.seq] = self.state

    # --- inside ----------------------------------------------------------------------------

    def _past(self) -> Past | None:
        lacks = (ev.PaneOutput.type,) if self.kept == "no output" else ()
        return None if self.kept == "nothing" else Past(Remembers(self.published, lacks))

    def _view(self) -> tuple[ServerView, list[SessionView]]:
        tree = tree_of(self.state)
        return tree.servers[0], tree.sessions

    def _patch(self) -> None:
        """Small bounds, and an ear at every `publish`."""
        patch = self._stack.enter_context(pytest.MonkeyPatch.context())
        small = partialmethod(Hub.reader, batches=QUEUE_BATCHES, max_bytes=QUEUE_BYTES)
        patch.setattr(Hub, "reader", small)
        patch.setattr(sights, "RING_EVENTS", RING_EVENTS)
        publish = Hub.publish

        def noted(hub: Hub, *events: ev.Event) -> None:
            found = self.published.get(hub.epoch)
            if found is None:
                sight = next(sight for sight, one in self.life.hubs() if one is hub)
                found = self.published[hub.epoch] = Published(sight, self.lives)
            found.events.extend(events)
            publish(hub, *events)

        patch.setattr(Hub, "publish", noted)

    def _run_trio(self) -> None:
        async def main() -> None:
            self._token = trio.lowlevel.current_trio_token()
            self._stop = trio.Event()
            async with trio.open_nursery() as self._nursery:
                self._began.set()
                await self._stop.wait()
                self._nursery.cancel_scope.cancel()

        try:
            trio.run(main, clock=self._clock)
        except BaseException as error:  # noqa: BLE001  # raised again in `close`
            self._failed = error


def output(world: World, state: State, pane_id: str, size: int) -> ev.Event:
    """A pane prints so many characters."""
    text = f"m{world.mark()} ".ljust(size, "x")
    return _about(state, pane_id, ev.PaneOutput(mode="append", lines=(text,)))


def silence(world: World, state: State, pane_id: str) -> ev.Event:
    """A pane is quiet: nothing of that is hidden from who may not read output."""
    return _about(state, pane_id, ev.PaneSilence(seconds=float(world.mark())))


def trouble(world: World) -> ev.Event:
    """Something of no session, whose text only those who see everything get."""
    data = ev.CollectorTrouble(message=f"m{world.mark()}", retry_s=float(world.marks))
    return ev.Event(ev.Place(server=SERVER), data)


def _about(state: State, pane_id: str, data: ev.Data) -> ev.Event:
    return ev.Event(Atlas(state, SERVER).pane(pane_id), data)
