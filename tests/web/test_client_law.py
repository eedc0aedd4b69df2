"""The JavaScript client's core obeys the laws of the Python client's, with the same server parts.

The core runs in a process of Node (``core-host.js``) and is told what to do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import IO, Any

import msgspec
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.client.test_core import MESSAGES
from tests.client.test_core_law import (
    FILTERS,
    GAP_BEFORE_REPLAY,
    OUTPUT,
    PUBLISH,
    STEPS,
    CoreLaw,
    SlowLaw,
)
from tests.history import made
from tests.web.node_host import node_host
from tmuxpulse.client.view import NOWHERE, Gap, Restarted
from tmuxpulse.client.view import Event as Item
from tmuxpulse.events import Event, PaneBell
from tmuxpulse.filters import Filter, compile_filters, compile_globs, text_of, wants_type
from tmuxpulse.wire import encode_event


class Host:
    """The core in Node, called by name."""

    def __init__(self, to: IO[str], of: IO[str]) -> None:
        self._to, self._of = to, of

    def __call__(self, *call: object) -> Any:
        self._to.write(f"{json.dumps(call)}\n")
        self._to.flush()
        line = self._of.readline()
        assert line, "the core threw; its words are above"
        return json.loads(line)


class FarSubscription:
    """A subscription of that core, as the laws use one."""

    def __init__(self, host: Host, wanted: Filter) -> None:
        self.wanted = wanted
        self.at: object = None
        self.number = host("subscribe", fields(wanted))
        self._host = host

    @property
    def is_confirmed(self) -> bool:
        return bool(self._host("confirmed", self.number))

    @property
    def is_abandoned(self) -> bool:
        return False

    @is_abandoned.setter
    def is_abandoned(self, _: bool) -> None:
        self._host("unsubscribe", self.number)

    def take(self) -> Item | None:
        found = self._host("take", self.number)
        if found is None:
            return None
        data: Any = PaneBell()
        if found["type"] == "stream.gap":
            data = msgspec.convert(found["data"], Gap)
        elif found["type"] == "stream.epoch":
            data = msgspec.convert(found["data"], Restarted)
        return Item(found["epoch"], found["seq"], found["timestamp"], NOWHERE, data)


class FarCore:
    """That core, as the laws use one."""

    def __init__(self, host: Host) -> None:
        self.broken: str | None = None
        self.ended: str | None = None
        self._host = host
        self._all: list[FarSubscription] = []
        host("begin")

    @property
    def _asked_for(self) -> FarSubscription | None:
        number, at = self._host("asked")
        if number < 0:
            return None
        found = self._all[int(number)]
        found.at = at
        return found

    def subscribe(self, wanted: Filter) -> FarSubscription:
        self._all.append(FarSubscription(self._host, wanted))
        return self._all[-1]

    def opened(self, now: float) -> None:
        self._host("opened", now)

    def lost(self, _: Exception, now: float) -> None:
        self.ended = self._host("lost", now)

    def outgoing(self) -> list[str]:
        found: list[str] = self._host("outgoing")
        return found

    def receive(self, messages: list[bytes], now: float) -> None:
        texts = [message.decode(errors="replace") for message in messages]
        self.broken = self._host("receive", texts, now)


def fields(wanted: Filter) -> dict[str, list[str]]:
    """As the client writes them: what is empty is not there."""
    return {name: list(found) for name, found in msgspec.structs.asdict(wanted).items() if found}


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with node_host("core-host.js") as (to, of):
        yield Host(to, of)


def law_of(base: type[CoreLaw], host: Host, ring_events: int, wanted: list[Filter]) -> Any:
    """The law `base`, about the core of `host`."""
    made_core = FarCore(host)
    return type("FarLaw", (base,), {"make_core": lambda _: made_core})(ring_events, wanted)


@settings(max_examples=60)
@given(
    st.sampled_from([3, 1000]),
    st.lists(st.sampled_from(FILTERS), min_size=1, max_size=3),
    st.lists(STEPS, min_size=10, max_size=60),
)
def test_every_subscription_gets_exactly_what_it_wants(host, ring_events, wanted, steps):
    law = law_of(CoreLaw, host, ring_events, wanted)
    law.follow(steps)


@settings(max_examples=60)
@given(st.randoms(use_true_random=False), st.sampled_from([3, 1000]))
def test_and_when_it_is_cut_while_it_resumes(host, choose: Random, ring_events):
    law = law_of(CoreLaw, host, ring_events, choose.sample(FILTERS, 3))
    law.cut_while_it_resumes(choose)


@example(ring_events=3, wanted=[Filter(sessions=("b",))], steps=GAP_BEFORE_REPLAY)
@settings(max_examples=60)
@given(
    st.sampled_from([3, 1000]),
    st.lists(st.sampled_from(FILTERS), min_size=1, max_size=3),
    st.lists(st.one_of(OUTPUT, OUTPUT, PUBLISH, PUBLISH, STEPS), min_size=20, max_size=80),
)
def test_who_is_too_slow_is_told_of_all_that_it_does_not_get(host, ring_events, wanted, steps):
    law = law_of(SlowLaw, host, ring_events, wanted)
    law.follow(steps)


@settings(max_examples=200)
@given(st.lists(MESSAGES, max_size=8))
def test_whatever_a_server_says_it_breaks_the_connection_at_most(host, messages):
    core = FarCore(host)
    core.opened(0.0)
    one = core.subscribe(Filter())
    greeting = {"type": "connection.established", "epoch": "e", "auth": {"required": False}}
    core.receive([json.dumps(greeting).encode(), *messages], 1.0)
    core.lost(Exception(), 2.0)
    while one.take() is not None:
        assert one.is_confirmed


# --- filters -------------------------------------------------------------------------------------

SIGMA = "\N{GREEK SMALL LETTER SIGMA}"
# Few signs, so that they meet.
SIGNS = st.sampled_from(("ab*?[]!-^\\.$\n1ü😀", "a[]!", "ab[-]", "[!-^\\]"))
GLOBS = st.lists(
    SIGNS.flatmap(lambda signs: st.text(alphabet=signs, min_size=1, max_size=8)),
    min_size=1,
    max_size=3,
)
NAMES = SIGNS.flatmap(lambda signs: st.text(alphabet=signs, max_size=3))


def admits(host: Host, wanted: Filter, event: Event) -> list[bool]:
    found: list[bool] = host("admits", fields(wanted), json.loads(encode_event(1, "t", event)))
    return found


@settings(max_examples=500)
@given(made.filters, made.events)
def test_a_filter_admits_what_the_server_admits(host, wanted, event):
    for text in (text_of(event.data), *wanted.contains):
        folded = text.upper().lower().replace("\N{GREEK SMALL LETTER FINAL SIGMA}", SIGMA)
        assume(folded == text.casefold())  # as near as JavaScript comes to it
    expected = [compile_filters([wanted])(event), wants_type(wanted, event.type)]
    assert admits(host, wanted, event) == expected


@settings(max_examples=500)
@given(GLOBS, st.lists(NAMES, min_size=1, max_size=20))
def test_globs_are_those_of_the_server(host, patterns, names):
    matches = compile_globs(tuple(patterns))
    assert host("matches", patterns, names) == [matches(name) for name in names]
