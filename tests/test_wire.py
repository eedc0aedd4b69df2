"""What is encoded decodes to itself, and garbage raises only what is documented."""

from __future__ import annotations

import json
import math
from typing import Any, get_args, get_origin

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse import wire
from tmuxpulse.errors import RequestError
from tmuxpulse.events import DATA_TYPES, Custom, Data, Event, Place, ServerGoodbye
from tmuxpulse.filters import Filter

LAW = settings(max_examples=60)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)
places = st.builds(
    Place,
    server=st.none() | texts,
    session=st.none() | texts,
    window=st.none() | st.integers(0, 9999),
    window_name=st.none() | texts,
    pane=st.none() | st.integers(0, 9999),
    session_id=st.none() | texts,
    window_id=st.none() | texts,
    pane_id=st.none() | texts,
    linked_sessions=st.lists(texts, max_size=3).map(tuple),
)


def value_of(annotation: Any) -> st.SearchStrategy[Any]:
    """Any JSON-able value of a field's type."""
    known: dict[Any, st.SearchStrategy[Any]] = {
        str: texts,
        int: st.integers(-(2**53), 2**53),
        float: st.floats(allow_nan=False, allow_infinity=False),
        tuple[str, ...]: st.lists(texts, max_size=4).map(tuple),
        dict[str, str]: st.dictionaries(texts, texts, max_size=4),
    }
    if annotation in known:
        return known[annotation]
    inner = [one for one in get_args(annotation) if one is not type(None)]
    if type(None) in get_args(annotation):
        return st.none() | value_of(inner[0])
    if get_origin(annotation) is tuple and inner:
        return st.lists(data_of(inner[0]), max_size=3).map(tuple)
    return st.from_type(annotation)


def data_of(kind: type[Any]) -> st.SearchStrategy[Any]:
    fields = msgspec.structs.fields(kind)
    return st.builds(kind, **{field.name: value_of(field.type) for field in fields})


customs = st.builds(
    Custom, name=texts.map(lambda text: f"custom.{text}"), data=st.dictionaries(texts, trees)
)


@pytest.mark.parametrize("kind", DATA_TYPES, ids=lambda kind: kind.type)
def test_every_event_type_survives_the_wire(kind: type[Data]) -> None:
    @LAW
    @given(st.integers(1, 2**53), places, data_of(kind))
    def law(seq: int, place: Place, data: Data) -> None:
        event = Event(place, data)
        line = wire.encode_event(seq, "2026-11-23T09:00:00.123Z", event)
        assert b"\n" not in line
        assert wire.decode_message(line) == wire.Numbered(seq, "2026-11-23T09:00:00.123Z", event)
        assert json.loads(line)["type"] == kind.type

    law()


@LAW
@given(places, customs)
def test_events_of_others_survive_the_wire(place: Place, data: Custom) -> None:
    event = Event(place, data)
    decoded = wire.decode_message(wire.encode_event(7, "t", event))
    assert decoded == wire.Numbered(7, "t", event)


@LAW
@given(
    st.one_of(
        st.builds(wire.Ping, id=st.none() | texts | st.integers(-(2**52), 2**52)),
        st.builds(wire.Auth, token=texts),
        st.builds(wire.Snapshot, target=st.none() | st.builds(wire.Target, session=texts)),
        st.builds(
            wire.Subscribe,
            filters=st.builds(Filter, types=st.lists(texts).map(tuple)),
            resume=st.none() | st.builds(wire.Position, epoch=texts, seq=st.integers(0, 2**53)),
            last=st.none() | st.integers(0, 100),
            snapshot=st.booleans(),
        ),
        st.builds(wire.Unsubscribe, subscription=st.none() | texts),
        st.builds(
            wire.Replay,
            play=st.sampled_from([None, "pause", "resume"]),
            seek_s=st.none() | st.floats(0, 1e9),
            speed=st.none() | st.floats(0.1, 1000),
        ),
    )
)
def test_requests_survive_the_wire(request: wire.AnyRequest) -> None:
    assert wire.decode_request(wire.encode(request)) == request


@LAW
@given(st.binary(max_size=200) | trees.map(lambda tree: json.dumps(tree).encode()))
def test_garbage_is_refused_with_documented_errors_only(garbage: bytes) -> None:
    with pytest.raises(RequestError) as refused:
        wire.decode_request(garbage)
    assert refused.value.code in {"INVALID_JSON", "INVALID_REQUEST", "UNKNOWN_ACTION"}
    assert wire.request_id(garbage) is None or isinstance(wire.request_id(garbage), str | int)


@LAW
@given(
    st.sampled_from(sorted(wire.ACTIONS)),
    st.dictionaries(
        st.sampled_from(["id", "filters", "resume", "last", "token", "command", "target", "x"]),
        trees | st.sampled_from(sorted(wire.COMMANDS)),
    ),
)
def test_nearly_right_requests_raise_documented_errors_only(
    action: str, fields: dict[str, object]
) -> None:
    code = None
    try:
        wire.decode_request(json.dumps({"action": action, **fields}))
    except RequestError as refused:
        code = refused.code
    assert code in {None, "INVALID_JSON", "INVALID_REQUEST", "INVALID_FILTER"} or (
        action == "command" and code == "UNKNOWN_ACTION"
    )


@LAW
@given(st.binary(max_size=200) | trees.map(lambda tree: json.dumps(tree).encode()))
def test_garbage_from_a_server_raises_decode_errors_only(garbage: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        wire.decode_message(garbage)


DEEP = b"[" * 50_000
CASES: list[tuple[bytes | str, str]] = [
    (b"", "INVALID_JSON"),
    (b"{", "INVALID_JSON"),
    (b"\xff", "INVALID_JSON"),
    (b'{"action":"ping","id":"\xff"}', "INVALID_JSON"),
    (b'{"action":"ping","id":"\\ud800"}', "INVALID_JSON"),
    ('{"action":"ping","id":"\ud800"}', "INVALID_JSON"),
    (b'\xef\xbb\xbf{"action":"ping"}', "INVALID_JSON"),
    (b'{"action":"ping"} {}', "INVALID_JSON"),
    (b"[]", "INVALID_REQUEST"),
    (b"null", "INVALID_REQUEST"),
    (b"{}", "INVALID_REQUEST"),
    (DEEP, "INVALID_REQUEST"),
    (b'{"action":"ping","x":' + DEEP, "INVALID_REQUEST"),
    (b'{"action":"ping","id":' + DEEP, "INVALID_REQUEST"),
    (b'{"action":"ping","action":"auth"}', "INVALID_REQUEST"),
    (b'{"action":"ping","unknown":1}', "INVALID_REQUEST"),
    (b'{"action":"ping","id":1.5}', "INVALID_REQUEST"),
    (b'{"action":"ping","id":true}', "INVALID_REQUEST"),
    (b'{"action":"ping","id":9007199254740992}', "INVALID_REQUEST"),
    (b'{"action":"ping","id":' + b"9" * 5000 + b"}", "INVALID_REQUEST"),
    (b'{"action":"ping","id":"' + b"x" * 257 + b'"}', "INVALID_REQUEST"),
    (b'{"action":"subscribe","last":"all"}', "INVALID_REQUEST"),
    (b'{"action":"subscribe","resume":{"seq":1}}', "INVALID_REQUEST"),
    (b'{"action":"subscribe","filters":{"type":["a"]}}', "INVALID_FILTER"),
    (b'{"action":"subscribe","filters":{"types":"a"}}', "INVALID_FILTER"),
    (b'{"action":"subscribe","filters":{"severity":["bad"]}}', "INVALID_FILTER"),
    (b'{"action":7}', "UNKNOWN_ACTION"),
    (b'{"action":"command"}', "UNKNOWN_ACTION"),
]


@pytest.mark.parametrize(("message", "code"), CASES)
def test_refusals(message: bytes | str, code: str) -> None:
    with pytest.raises(RequestError) as refused:
        wire.decode_request(message)
    assert refused.value.code == code
    assert len(str(refused.value)) < 300
    wire.request_id(message)


def test_a_refusal_names_the_field_and_is_bounded() -> None:
    with pytest.raises(RequestError, match=r"filters\.types"):
        wire.decode_request(b'{"action":"subscribe","filters":{"types":[1]}}')
    with pytest.raises(RequestError) as refused:
        wire.decode_request(b'{"action":"ping","' + b"k" * 60_000 + b'":1}')
    assert len(str(refused.value)) < 300


def test_the_id_of_a_refused_request_is_found() -> None:
    assert wire.request_id(b'{"action":"nope","id":"a"}') == "a"
    assert wire.request_id(b'{"action":"nope","id":4}') == 4
    assert wire.request_id(b'{"action":"nope","id":[4]}') is None
    assert wire.request_id(b'{"action":"nope","id":true}') is None
    assert wire.request_id(b'{"id":1') is None


@pytest.mark.parametrize(
    "message",
    [
        b'{"type":"pane.output","data":' + b"[" * 6000 + b"]" * 6000 + b"}",
        b'{"type":"pane.output","data":{"mode":"append","lines":["\xff"]}}',
        b'{"type":"pane.bell","session":"\xff"}',
        b'{"type":"pane.output"}',
        b'{"type":"pane.bell","server":{}}',
        b'{"type":"error"}',
    ],
)
def test_a_damaged_server_message_is_a_decode_error(message: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        wire.decode_message(message)


def test_a_type_of_a_later_version_is_none_and_a_later_field_is_ignored() -> None:
    assert wire.decode_message(b'{"type":"pane.teleported","seq":3,"data":{}}') is None
    later = b'{"type":"server.goodbye","seq":1,"x":1,"data":{"code":1001,"reason":"","y":[]}}'
    assert wire.decode_message(later) == wire.Numbered(
        1, "", Event(Place(), ServerGoodbye(code=1001, reason=""))
    )


REPLIES: list[wire.Reply] = [
    wire.Established(
        client_id="c-1",
        timestamp="t",
        server=wire.ServerIdentity(version="0"),
        epoch="e",
        seq=1,
        auth=wire.AuthNeed(required=False),
    ),
    wire.SubscriptionConfirmed(
        id=1, subscription="s-1", subscriptions=["s-1"], filters=Filter(), epoch="e", seq=1
    ),
    wire.UnsubscribeConfirmed(subscriptions=[]),
    wire.AuthResponse(success=True, permissions=["read"], client_id="c-1"),
    wire.SnapshotData(epoch="e", seq=1, data=wire.Tree(servers=[], sessions=[])),
    wire.Pong(id="x", timestamp="t"),
    wire.ReplayState(
        position_s=1.5, duration_s=None, speed=None, paused=True, finished=False, may_steer=True
    ),
    wire.Gap(from_seq=1, to_seq=2, dropped=2),
    wire.Reset(reason="epoch"),
    wire.Error(code="UNAVAILABLE", message="m"),
    wire.ExplainData(
        epoch="e",
        seq=1,
        server="default",
        pane=wire.PaneView(
            id="%1",
            index=0,
            active=True,
            command="sh",
            pid=1,
            title="",
            path="/",
            width=80,
            height=24,
        ),
        explanation=wire.PaneExplanation(
            status="busy",
            since="",
            reason="",
            rule="",
            evidence="",
            confidence=0.5,
            agent_type=None,
            pending=None,
            opinions=[],
            matched=[],
            known=[],
        ),
    ),
]


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: type(reply).__name__)
def test_every_reply_survives_the_wire(reply: wire.Reply) -> None:
    assert wire.decode_message(wire.encode(reply)) == reply


def test_a_gap_says_from_and_to_on_the_wire() -> None:
    gap = json.loads(wire.encode(wire.Gap(from_seq=3, to_seq=9, dropped=5)))
    assert gap == {
        "type": "stream.gap",
        "from": 3,
        "to": 9,
        "dropped": 5,
        "only": None,
        "reason": "slow",
    }


@LAW
@given(st.floats(0, 4e9))
def test_times_are_rfc_3339_in_utc_with_milliseconds(seconds: float) -> None:
    text = wire.rfc3339(seconds)
    assert len(text) == len("2026-11-23T09:00:00.123Z")
    assert text.endswith("Z")
    assert int(text[20:23]) == math.floor(seconds * 1000) % 1000


def test_a_known_time() -> None:
    assert wire.rfc3339(1_700_000_000.5) == "2023-11-14T22:13:20.500Z"
