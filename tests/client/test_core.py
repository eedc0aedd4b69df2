"""The core's decisions: time, refusals, bounds. Order and completeness: test_core_law.py."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmuxpulse.client import subscription
from tmuxpulse.client.backoff import FIRST_SECONDS, LONGEST_SECONDS, pause
from tmuxpulse.client.core import PATIENCE_SECONDS, Core, State
from tmuxpulse.client.subscription import Subscription
from tmuxpulse.client.view import Gap
from tmuxpulse.errors import (
    RequestError,
    ServerError,
    ServerRefused,
    ServerUnavailable,
    TmuxpulseError,
)
from tmuxpulse.filters import EVERYTHING, Filter
from tmuxpulse.wire import Interrupt, Ping, Snapshot

GREETING: dict[str, Any] = {
    "type": "connection.established",
    "client_id": "c-1",
    "timestamp": "t",
    "server": {"name": "tmuxpulse", "version": "9.9"},
    "epoch": "e",
    "seq": 0,
    "auth": {"required": False},
    "heartbeat_s": 20,
}


class Talk:
    """A core, and the other side by hand."""

    def __init__(self, **options: Any) -> None:
        self.states: list[State] = []
        self.core = Core(
            "the server", random=random.Random(1).random, on_state=self.states.append, **options
        )

    def open(self, now: float = 0.0, **greeting: Any) -> Talk:
        self.core.dialing()
        self.core.opened(now)
        self.hear(GREETING | greeting, now=now)
        return self

    def hear(self, *objects: dict[str, Any], now: float = 0.0) -> None:
        self.core.receive([b"\n".join(json.dumps(one).encode() for one in objects)], now)

    def said(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.core.outgoing()]

    def subscribed(self, wanted: Filter = EVERYTHING) -> Subscription:
        one = self.core.subscribe(wanted)
        [request] = self.said()
        assert request["action"] == "subscribe"
        self.hear(confirmed(request["id"]))
        return one


def is_full(talk: Talk) -> bool:
    return talk.core.is_full


def confirmed(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "type": "subscription.confirmed",
        "id": number,
        "subscription": f"s-{number}",
        "subscriptions": [],
        "filters": {},
        "epoch": "e",
        "seq": 0,
        **fields,
    }


def bell(seq: int) -> dict[str, Any]:
    return {"type": "pane.bell", "seq": seq, "timestamp": "t", "session": "a", "data": {}}


# --- time ----------------------------------------------------------------------------------------


def test_silence_is_asked_about_once() -> None:
    talk = Talk().open(now=100.0)
    core = talk.core
    assert core.deadline == 120.0
    core.tick(119.9)
    assert talk.said() == []
    core.tick(120.0)
    core.tick(121.0)
    [ping] = talk.said()
    assert ping["action"] == "ping"
    assert core.deadline == 120.0 + PATIENCE_SECONDS
    talk.hear({"type": "pong", "id": ping["id"], "timestamp": "t"}, now=125.0)
    assert core.deadline == 145.0
    assert core.broken is None
    core.tick(145.0)
    core.tick(145.0 + PATIENCE_SECONDS)
    assert "silent" in str(core.broken)


def test_any_message_is_a_sign_of_life() -> None:
    talk = Talk().open()
    talk.core.tick(20.0)
    talk.hear({"type": "stream.mark", "seq": 1, "timestamp": "t"}, now=21.0)
    assert talk.core.deadline == 41.0
    talk.core.still_there(50.0)  # nothing was read
    assert talk.core.deadline == 70.0


def test_a_greeting_does_not_take_for_ever() -> None:
    talk = Talk()
    talk.core.opened(5.0)
    talk.core.tick(5.0 + PATIENCE_SECONDS)
    assert isinstance(talk.core.broken, ServerUnavailable)
    assert Talk().core.deadline == math.inf


@given(st.integers(-1, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_pause_is_anything_up_to_a_bound_that_doubles(failures: int, chance: float) -> None:
    found = pause(failures, lambda: chance)
    assert 0 <= found <= min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** min(max(failures, 0), 30))
    assert pause(failures, lambda: 0.5) <= pause(failures + 1, lambda: 0.5)


def test_pauses_grow_until_it_is_whole_again() -> None:
    talk = Talk().open()
    bounds = []
    for _ in range(4):
        talk.core.lost(ServerUnavailable("cut"), 0.0)
        bounds.append(talk.core.retry_at)
        talk.core.opened(0.0)
    assert bounds[3] > bounds[0]
    assert all(found <= 0.25 * 2**at for at, found in enumerate(bounds))
    talk.hear(GREETING)
    talk.core.lost(ServerUnavailable("cut"), 0.0)
    assert talk.core.retry_at <= 0.25


# --- endings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "options", "comes_back"),
    [
        (ServerUnavailable("away"), {}, True),
        (ServerUnavailable("away"), {"reconnect": False}, False),
        (ServerRefused("no", code="4503"), {}, False),
    ],
)
def test_who_comes_back(error: ServerError, options: dict[str, Any], comes_back: bool) -> None:
    talk = Talk(**options).open()
    one = talk.subscribed()
    talk.hear(bell(1))
    asked, told = talk.core.ask(Snapshot()), talk.core.ask(Interrupt())
    talk.said()
    talk.core.lost(error, 0.0)
    assert isinstance(told.error, ServerError)
    assert (talk.core.ended is None) == comes_back
    assert (asked.error is None) == comes_back
    assert (one.error is None) == comes_back
    event = one.take()
    assert event is not None
    assert event.seq == 1


def test_the_first_failure_is_final() -> None:
    talk = Talk()
    talk.core.dialing()
    talk.core.lost(ServerUnavailable("nobody there"), 0.0)
    assert str(talk.core.ended) == "nobody there"
    assert [state.name for state in talk.states] == ["connecting", "ended"]
    assert talk.core.subscribe(EVERYTHING).error is talk.core.ended
    assert talk.core.ask(Ping()).error is talk.core.ended


def test_a_token_is_replaced_and_in_no_text() -> None:
    talk = Talk(token="tp_SECRET").open(auth={"required": True}, epoch="")
    [request] = talk.said()
    assert (request["action"], request["token"]) == ("auth", "tp_SECRET")
    welcome = {"type": "auth.response", "id": request["id"], "success": True, "permissions": []}
    talk.hear({**welcome, "client_id": "c", "epoch": "e", "token": "tp_ANOTHER"})
    assert talk.core.token == "tp_ANOTHER"
    assert talk.core.is_open
    assert "tp_" not in repr(talk.states)


def test_what_is_asked_while_away_is_asked_later() -> None:
    talk = Talk().open()
    talk.core.lost(ServerUnavailable("cut"), 0.0)
    told = talk.core.ask(Interrupt())
    one = talk.core.subscribe(EVERYTHING)
    assert talk.said() == []
    talk.open()
    request, command = talk.said()
    assert (request["action"], command["action"]) == ("subscribe", "command")
    talk.hear({"type": "command.result", "id": command["id"], "ok": True}, confirmed(request["id"]))
    assert told.reply is not None
    assert one.is_confirmed


def test_what_is_wanted_goes_behind_the_token_and_what_is_asked_after_it() -> None:
    talk = Talk(token="tp_a")
    first = talk.core.subscribe(EVERYTHING)
    talk.open(auth={"required": True}, epoch="")
    second = talk.core.subscribe(Filter(types=("pane.bell",)))
    talk.core.ask(Interrupt())
    auth, request = talk.said()
    assert (auth["action"], request["action"]) == ("auth", "subscribe")
    welcome = {"type": "auth.response", "id": auth["id"], "success": True, "permissions": []}
    talk.hear({**welcome, "client_id": "c", "epoch": "e"}, confirmed(request["id"]))
    command, request = talk.said()
    assert (command["action"], request["action"]) == ("command", "subscribe")
    assert "open" not in [one.name for one in talk.states]
    talk.hear(confirmed(request["id"]))
    assert first.is_confirmed
    assert second.is_confirmed
    assert talk.states[-1].name == "open"


def test_who_answers_before_it_has_taken_the_token_does_not_speak_the_protocol() -> None:
    talk = Talk(token="tp_a")
    one = talk.core.subscribe(EVERYTHING)
    talk.open(auth={"required": True}, epoch="")
    talk.hear(confirmed(talk.said()[1]["id"]))
    assert "does not speak" in str(talk.core.broken)
    assert not one.is_confirmed


def test_a_reply_that_nobody_waits_for() -> None:
    talk = Talk().open()
    ask = talk.core.ask(Ping())
    [request] = talk.said()
    talk.core.cancel(ask)
    talk.hear({"type": "pong", "id": request["id"], "timestamp": "t"}, GREETING, {"type": "new"})
    assert talk.core.unknown == 3
    assert not ask.is_done


def test_a_request_that_is_too_large_is_not_sent() -> None:
    talk = Talk().open(limits={"max_message_bytes": 20})
    ask = talk.core.ask(Snapshot())
    assert talk.said() == []
    assert isinstance(ask.error, RequestError)
    assert ask.error.code == "TOO_LARGE"


# --- bounds --------------------------------------------------------------------------------------


def test_a_full_queue_stops_the_reading_unless_somebody_waits() -> None:
    talk = Talk().open()
    slow = talk.subscribed()
    talk.hear(*[bell(seq) for seq in range(1, subscription.FULL_EVENTS + 1)])
    assert is_full(talk)
    ask = talk.core.ask(Snapshot())
    assert not is_full(talk)
    talk.core.cancel(ask)
    talk.said()
    other = talk.subscribed(Filter(sessions=("none",)))
    assert is_full(talk)
    other.is_waiting = True
    assert not is_full(talk)
    other.is_waiting = False
    slow.take()
    assert not is_full(talk)


def test_what_is_not_queued_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "MAX_QUEUED_EVENTS", 3)
    talk = Talk().open()
    one = talk.subscribed()
    talk.hear(*[bell(seq) for seq in range(1, 8)])
    found = [one.take() for _ in range(4)]
    assert [event.seq for event in found if event is not None] == [1, 2, 3, 7]
    gap = found[3].data if found[3] is not None else None
    assert gap == Gap(reason="slow", first=4, last=7, dropped=4)
    assert one.take() is None
    talk.hear(bell(8))
    event = one.take()
    assert event is not None
    assert event.seq == 8


def test_a_gap_of_a_type_that_is_not_wanted_is_none() -> None:
    talk = Talk().open()
    bells, panes = talk.subscribed(Filter(types=("pane.bell",))), talk.subscribed()
    gap = {"type": "stream.gap", "from": 1, "to": 9, "dropped": 8, "only": "pane.output"}
    talk.hear(gap, bell(3))
    assert len(bells) == 1
    assert len(panes) == 2


def test_an_abandoned_subscription_is_ended() -> None:
    talk = Talk().open()
    talk.subscribed().is_abandoned = True
    [request] = talk.said()
    assert request["action"] == "unsubscribe"
    talk.core.lost(ServerUnavailable("cut"), 0.0)
    talk.open()
    assert talk.said() == []


def test_it_ends_once() -> None:
    talk = Talk().open()
    talk.core.end(TmuxpulseError("first"))
    talk.core.end(TmuxpulseError("second"))
    talk.core.lost(ServerUnavailable("cut"), 0.0)
    talk.hear(bell(1))
    assert str(talk.core.ended) == "first"
    assert talk.core.deadline == math.inf


SAID: list[dict[str, Any]] = [
    {"type": "stream.gap", "from": 1, "to": 2, "dropped": None},
    {"type": "stream.reset", "reason": "x"},
    {"type": "snapshot.data", "epoch": "e", "seq": 1, "data": {"servers": [], "sessions": []}},
    {"type": "stream.epoch", "epoch": "f", "previous": "e"},
    {"type": "stream.mark", "seq": 4, "timestamp": ""},
    {"type": "auth.response", "id": 1, "success": True, "permissions": [], "client_id": "c"},
    {"type": "error", "id": 1, "code": "X", "message": "m"},
    bell(5),
    confirmed(1),
    confirmed(2, recovered=True),
]
MESSAGES = st.one_of(
    st.binary(max_size=40), st.sampled_from(SAID).map(lambda one: json.dumps(one).encode())
)


@given(st.lists(MESSAGES, max_size=8), st.booleans())
def test_whatever_a_server_says_it_breaks_the_connection_at_most(
    messages: list[bytes], wants_token: bool
) -> None:
    talk = Talk(token="t").open(auth={"required": wants_token})
    one = talk.core.subscribe(EVERYTHING)
    talk.core.receive(messages, 1.0)
    talk.core.lost(talk.core.broken or ServerUnavailable("cut"), 2.0)
    while one.take() is not None:
        assert one.is_confirmed
