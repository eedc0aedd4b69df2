"""Nothing is lost in silence: readers of every kind, speed and fate, against what was published.

A reader holds exactly what its filters admit, in order and once, up to where it is; or it was told
of a gap or a reset, and what exactly is missing. What it was shown and what came after is the truth
about tmux. That holds over slow reading, cuts in the middle of a frame, half-open connections, new
runs of the server, revoked tokens and other ones, also for who may see a part only.

``TMUXPULSE_LAW_EXAMPLES`` makes it run longer.
"""

from __future__ import annotations

import math
import os
import socket
from functools import partial
from typing import get_args

import msgspec
import trio
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.serve.law_reader import Reader
from tests.serve.law_world import RING_EVENTS, Kept, World, output, silence, trouble
from tests.tmux.states import states
from tmuxpulse.events import Event
from tmuxpulse.filters import EVERYTHING, Filter
from tmuxpulse.serve.front import HEARTBEAT_SECONDS, LOOK_SECONDS, PONG_SECONDS, WRITE_SECONDS
from tmuxpulse.serve.grants import Scope
from tmuxpulse.serve.sights import EVERYTHING as SEES_ALL
from tmuxpulse.serve.sights import STRUCTURAL, Sight, sight_of
from tmuxpulse.tmux.state import State

EXAMPLES = int(os.environ.get("TMUXPULSE_LAW_EXAMPLES", "60"))
READERS = 3
# Until a dead peer is noticed: at the latest when the last ping to it has not gone out for so long.
SECONDS_FOR_LIFE = HEARTBEAT_SECONDS + PONG_SECONDS + WRITE_SECONDS
LOOKS_FOR_LIFE = math.ceil(SECONDS_FOR_LIFE / LOOK_SECONDS) + 1
OWNER = "owner"

# What a reader may be let in with: scopes, and globs of sessions.
GRANTS: dict[str, tuple[tuple[Scope, ...], tuple[str, ...]]] = {
    "all": (("read", "output"), ()),
    "silent": (("read",), ()),
    "narrow": (("read", "output"), ("a", "v*")),
    "narrow and silent": (("read",), ("a", "b")),
}
KINDS = st.sampled_from([OWNER, *GRANTS])
# Whether a filter holds all structure, so that a client can follow it.
FOLLOWING = [EVERYTHING, Filter(types=tuple(sorted(kind.type for kind in STRUCTURAL)))]
FILTERS = [
    *FOLLOWING,
    Filter(types=("pane.silence",)),
    Filter(types=("pane.output", "server.*")),
    Filter(sessions=("a",)),
    Filter(contains=("7",)),
    Filter(types=("agent.*",)),
]
STATES = st.one_of(states(), states().filter(lambda state: len(state.panes) > 1))
WHO = st.integers(0, READERS - 1)
WANTED = st.one_of(st.sampled_from(FOLLOWING), st.sampled_from(FILTERS))
MOSTLY = st.sampled_from([True, True, True, False])
SIZES = st.sampled_from([1, 100, 700, 3_000, 50_000])
# How much each burst prints: of each event the size (0: none is printed), and then how many passes
# of the loop there are before the next burst.
BURSTS = st.lists(
    st.tuples(
        st.lists(st.sampled_from([-1, 0, 0, 10, 1500]), min_size=1, max_size=6), st.integers(0, 3)
    ),
    max_size=4,
)
Bursts = list[tuple[list[int], int]]


class How(msgspec.Struct, frozen=True):
    """How a reader connects; see `Reader.connect`."""

    joined: bool = True
    plain: bool = False


HOW = st.builds(How, joined=st.booleans(), plain=st.booleans())


class ResumeLaw(RuleBasedStateMachine):
    """Steps of a world with a few readers."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: list[Reader] = []
        self.abandoned: list[socket.socket] = []
        self.tokens = 0

    @initialize(
        kinds=st.lists(KINDS, min_size=READERS, max_size=READERS),
        kept=st.sampled_from(get_args(Kept)),
        state=STATES,
    )
    def begin(self, kinds: list[str], kept: Kept, state: State) -> None:
        self.world = World(kept)
        self.world.step(self.world.start_life)
        for kind in kinds:
            token, sight = self.grant(kind)
            self.readers.append(Reader(self.world, token, sight))
        self.world.step(partial(self.become, state))

    # --- what happens to tmux ------------------------------------------------------------------

    @rule(state=STATES)
    def tmux_changes(self, state: State) -> None:
        self.world.step(partial(self.become, state))

    @rule(bursts=BURSTS)
    def panes_print(self, bursts: Bursts) -> None:
        self.world.step(partial(self.publish, bursts))

    @rule(size=st.sampled_from([0, 10, 1500]), times=st.integers(5, 20))
    def panes_print_much(self, size: int, times: int) -> None:
        self.world.step(partial(self.publish, [([size, 0], 1)] * times))

    # --- what readers do -----------------------------------------------------------------------

    @precondition(lambda self: self.some(0, connected=False))
    @rule(who=WHO, wanted=WANTED, how=HOW, resume=MOSTLY, bursts=BURSTS)
    def connect(self, who: int, wanted: Filter, how: How, resume: bool, bursts: Bursts) -> None:
        (reader,) = self.some(who, connected=False)
        assert self.world.step(partial(self.come, reader, wanted, how, resume, bursts))

    @precondition(lambda self: self.some(0, connected=True))
    @rule(who=WHO, sizes=st.lists(SIZES, min_size=1, max_size=4), bursts=BURSTS)
    def read(self, who: int, sizes: list[int], bursts: Bursts) -> None:
        (reader,) = self.some(who, connected=True)
        for size in sizes:
            self.world.step(partial(self.read_some, reader, size))
            self.world.step(partial(self.publish, bursts))

    @precondition(lambda self: self.some(0, connected=True))
    @rule(who=WHO, bursts=BURSTS, at_once=st.sampled_from([1, 4, 12]))
    def catch_up(self, who: int, bursts: Bursts, at_once: int) -> None:
        """Also with what is published to who has everything: it comes without anything more."""
        (reader,) = self.some(who, connected=True)
        self.world.step(reader.catch_up)
        self.world.step(partial(self.publish, [*bursts, ([1500, -1] * at_once, 0)]))
        self.world.step(reader.catch_up)

    # --- what happens to them ------------------------------------------------------------------

    @precondition(lambda self: self.some(0, connected=True))
    @rule(who=WHO, size=SIZES, is_seen=st.booleans(), wanted=WANTED, how=HOW, bursts=BURSTS)
    def cut(
        self, *, who: int, size: int, is_seen: bool, wanted: Filter, how: How, bursts: Bursts
    ) -> None:
        """In the middle of anything; the server may see that, or be left with a dead peer."""
        (reader,) = self.some(who, connected=True)
        self.world.step(partial(self.read_some, reader, size))
        if reader.wire is not None and is_seen:
            self.world.step(partial(_done, reader.cut))
        elif reader.wire is not None:
            self.abandoned.append(reader.abandon())
        self.world.step(partial(self.publish, bursts))
        assert self.world.step(partial(self.come, reader, wanted, how, True, bursts))

    @precondition(lambda self: any(one.token and one.wire for one in self.readers))
    @rule(who=WHO, kind=KINDS, bursts=BURSTS)
    def a_token_is_revoked(self, who: int, kind: str, bursts: Bursts) -> None:
        """What was published before that may still come, and then the end."""
        found = [one for one in self.readers if one.token and one.wire]
        reader = found[who % len(found)]
        self.revoke(reader, kind)
        self.world.step(partial(self.publish, bursts))
        self.world.step(reader.catch_up)
        assert reader.wire is None

    @rule(what=st.sampled_from(["a while", "long", "an end"]), looks=st.integers(1, 4))
    def fate(self, what: str, looks: int) -> None:
        if what == "an end":
            orderly = looks % 2 == 0
            self.world.step(partial(self.world.start_life, orderly=orderly))
        else:
            self.world.step(partial(self.world.pass_time, looks * (4 if what == "long" else 1)))

    @invariant()
    def queues_are_bounded(self) -> None:
        for _, hub in self.world.life.hubs():
            assert len(hub.ring) <= RING_EVENTS

    def teardown(self) -> None:
        try:
            for reader in self.readers if self.world.is_sound else ():
                self.world.step(reader.catch_up)
                if reader.wire is None:
                    arrives = partial(self.come, reader, reader.wanted, How(), True, [])
                    assert self.world.step(arrives)
                    self.world.step(reader.catch_up)
                assert reader.wire is not None
                self.world.step(partial(_done, reader.cut))
            if self.world.is_sound:
                self.world.step(partial(self.world.pass_time, LOOKS_FOR_LIFE))
                assert not self.world.life.front._sessions  # nor those of pulled cables
        finally:
            for reader in self.readers:
                reader.cut()
            for one in self.abandoned:
                one.close()
            self.world.close()

    # --- in trio's thread ------------------------------------------------------------------------

    async def become(self, state: State) -> None:
        self.world.become(state)

    async def publish(self, bursts: Bursts) -> None:
        state = self.world.state
        panes = sorted(state.panes)
        for sizes, passes in bursts:
            events: list[Event] = []
            for number, size in enumerate(sizes):
                if size < 0 or not panes:
                    events.append(trouble(self.world))
                elif size:
                    events.append(output(self.world, state, panes[number % len(panes)], size))
                else:
                    events.append(silence(self.world, state, panes[number % len(panes)]))
            self.world.tell(*events)
            for _ in range(passes):
                await trio.lowlevel.checkpoint()

    async def come(
        self, reader: Reader, wanted: Filter, how: How, resume: bool, bursts: Bursts
    ) -> bool:
        """Connect, and publish when it has asked."""
        follows = wanted in FOLLOWING
        if not await reader.connect(
            wanted, follows=follows, joined=how.joined, plain=how.plain, resume=resume
        ):
            return False
        await self.publish(bursts)
        return True

    async def read_some(self, reader: Reader, size: int) -> None:
        reader.read(size)

    # --- tokens ----------------------------------------------------------------------------------

    def grant(self, kind: str) -> tuple[str | None, Sight]:
        """A token of a kind, and what it shows."""
        if kind == OWNER:
            return None, SEES_ALL
        scopes, sessions = GRANTS[kind]
        self.tokens += 1
        made = self.world.life.house.tokens.add(f"t{self.tokens}", *scopes, sessions=sessions)
        return made.subject.partition(":")[2], sight_of(made)

    def revoke(self, reader: Reader, kind: str) -> None:
        """Take a reader's token away, see that it is good for nothing, and give it another."""
        assert reader.token is not None
        intruder = Reader(self.world, reader.token, reader.sight)
        # A connection that was let in with an earlier one has ended, read to its end or not.
        self.world.step(partial(_done, partial(self._end_token, reader, reader.token)))
        assert not self.world.step(partial(self.come, intruder, EVERYTHING, How(), False, []))
        reader.token, reader.sight = self.grant(kind)

    def _end_token(self, reader: Reader, token: str) -> None:
        del self.world.life.house.tokens.grants[token]
        wire = reader.wire
        if wire is not None and wire.life == self.world.lives and wire.until is None:
            newest = {sight: (hub.epoch, hub.seq) for sight, hub in self.world.life.hubs()}
            wire.until = newest[wire.sight]
        self.world.life.front.end_revoked()

    def some(self, who: int, *, connected: bool) -> list[Reader]:
        """A reader that has a connection, or has none."""
        found = [one for one in self.readers if (one.wire is not None) == connected]
        return [found[who % len(found)]] if found else []


async def _done(do) -> None:
    do()
    await trio.lowlevel.checkpoint()


TestResumeLaw = ResumeLaw.TestCase
TestResumeLaw.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    report_multiple_bugs=False,
)
