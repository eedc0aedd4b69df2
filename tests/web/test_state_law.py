"""The page's state follows the same law as the server's: snapshot and events are the truth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import msgspec
import pytest
from hypothesis import given, settings

from tests.sources import now
from tests.tmux.states import states
from tests.web.node_host import node_host
from tmuxpulse.collect.views import session_views
from tmuxpulse.tmux.diff import diff
from tmuxpulse.tmux.state import State
from tmuxpulse.wire import ServerView, Tree, encode_event

SERVER = ServerView(name="s", socket="/s", up=True)


class Follower:
    def __init__(self, to: IO[str], of: IO[str]) -> None:
        self._to, self._of = to, of

    def after(self, before: State, after: State) -> Tree:
        events = [
            msgspec.json.decode(encode_event(seq, "", event))
            for seq, event in enumerate(diff(before, after, "s"), 1)
        ]
        line = msgspec.json.encode({"snapshot": view(before), "events": events}).decode()
        self._to.write(f"{line}\n")
        self._to.flush()
        return msgspec.json.decode(self._of.readline(), type=Tree)


def view(state: State) -> Tree:
    return Tree(servers=[SERVER], sessions=session_views("s", state, now()))


@pytest.fixture(scope="module")
def follower() -> Iterator[Follower]:
    with node_host("follow.js") as (to, of):
        yield Follower(to, of)


@settings(max_examples=200)
@given(states(), states())
def test_following_the_events_gives_the_snapshot(follower: Follower, before, after):
    assert follower.after(before, after) == view(after)
