"""Whatever comes through the front door: an answer or a close, and no exception in the log."""

from __future__ import annotations

import json
import logging
import struct
from contextlib import suppress
from functools import partial

import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from tests.serve.houses import OWNER, STRANGER, TestHouse
from tests.serve.test_front import DOOR, HANDSHAKE, PLAIN
from tmuxpulse.config.settings import LimitsTable
from tmuxpulse.errors import RequestError
from tmuxpulse.serve.front import Front
from tmuxpulse.serve.house import Visitor
from tmuxpulse.wire import ACTIONS, COMMANDS, decode_request, request_id

MANY = settings(
    max_examples=400,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
KNOWN_CODES = {"INVALID_JSON", "UNKNOWN_ACTION", "INVALID_REQUEST", "INVALID_FILTER"}


async def pour(visitor: Visitor, chunks: list[bytes], *, first: bytes = b"") -> bytes:
    """Send everything, and read whatever comes back until the connection ends.

    `first` is sent and answered before the rest.
    """
    front = Front(TestHouse(limits=LimitsTable(messages_per_second=5)), DOOR)
    ours, theirs = trio.testing.memory_stream_pair()
    answer = b""
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(front.handle, theirs, visitor)
            if first:
                await ours.send_all(first)
                answer += bytes(await ours.receive_some())

            async def send() -> None:
                with suppress(trio.BrokenResourceError, trio.ClosedResourceError):  # let go
                    for chunk in chunks:
                        await ours.send_all(chunk)
                    await ours.send_eof()

            nursery.start_soon(send)
            with trio.move_on_after(30):
                while data := await ours.receive_some():
                    answer += bytes(data)
            front.goodbye("end")
            await ours.aclose()
    return answer


def run(visitor: Visitor, chunks: list[bytes], *, first: bytes = b"") -> bytes:
    return trio.run(
        partial(pour, visitor, chunks, first=first), clock=MockClock(autojump_threshold=0)
    )


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]


def mutated(base: bytes) -> st.SearchStrategy[bytes]:
    """A request that is nearly right: bytes changed, taken out and put in."""
    edit = st.tuples(
        st.integers(0, len(base)),
        st.integers(0, 8),
        st.one_of(st.binary(max_size=12), st.sampled_from([b"\r\n", b"\0", b"\xff", b": ", b" "])),
    )

    def apply(edits: list[tuple[int, int, bytes]]) -> bytes:
        made = base
        for at, length, new in edits:
            made = made[:at] + new + made[at + length :]
        return made

    return st.lists(edit, min_size=1, max_size=4).map(apply)


heads = st.one_of(
    mutated(HANDSHAKE),
    mutated(PLAIN),
    mutated(HANDSHAKE[:-2] + b"Origin: http://127.0.0.1:8765\r\nAuthorization: Bearer x\r\n\r\n"),
    st.binary(max_size=300),
    st.text(max_size=100).map(lambda text: HANDSHAKE[:-2] + f"X: {text}\r\n\r\n".encode()),
)


@MANY
@given(heads, st.integers(1, 400))
def test_heads(caplog: pytest.LogCaptureFixture, head: bytes, size: int) -> None:
    caplog.clear()
    answer = run(STRANGER, [head[at : at + size] for at in range(0, len(head), size)])
    assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
    assert complaints(caplog) == []


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """A frame as a client could send it: any flags, opcode and length, masked or not."""
    payload = draw(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from([b"", b"{}", b'{"action":"ping"}', b"\xff\xfe", b"[" * 50]),
            st.sampled_from(sorted(ACTIONS)).map(lambda one: json.dumps({"action": one}).encode()),
        )
    )
    first = draw(st.one_of(st.sampled_from([0x81, 0x01, 0x80, 0x00, 0x89]), st.integers(0, 255)))
    length = draw(st.one_of(st.just(len(payload)), st.integers(0, 2**63)))
    masked = 0x80 if draw(st.integers(0, 9)) else 0
    if length < 126:
        header = bytes([first, masked | length])
    elif length < 65536:
        header = bytes([first, masked | 126]) + struct.pack("!H", length)
    else:
        header = bytes([first, masked | 127]) + struct.pack("!Q", length)
    return header + (b"\0\0\0\0" if masked else b"") + payload


@MANY
@given(st.lists(frames(), max_size=12), st.sampled_from([OWNER, STRANGER]))
def test_frames(caplog: pytest.LogCaptureFixture, sent: list[bytes], visitor: Visitor) -> None:
    """Also empty ones, fragments, wrong lengths, unknown opcodes."""
    caplog.clear()
    answer = run(visitor, sent, first=HANDSHAKE)
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert complaints(caplog) == []


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)
texts = st.one_of(
    st.text(max_size=200),
    st.sampled_from(
        [
            '{"action":"ping","id":' + "9" * 5000 + "}",
            '{"action":"ping","id":1e999}',
            '{"action":"subscribe","last":NaN}',
            '{"action":"ping","id":"\\ud800"}',
            '{"action":"ping"' + ',"x":[' * 3000,
            "[" * 60_000,
            '{"a":' * 10_000 + "1" + "}" * 10_000,
            '{"action":"subscribe","resume":{"epoch":"","seq":-99999999999999999999999}}',
            '{"action":"ping","action":"ping"}',
            '{"action":"batch","commands":[{"command":"interrupt","command":"kill-pane"}]}',
            "\ufeff{}",
            "",
        ]
    ),
    st.dictionaries(
        st.sampled_from(
            ["action", "command", "commands", "id", "target", "filters", "text", "key"]
        ),
        values | st.sampled_from(sorted(ACTIONS | COMMANDS)),
        max_size=6,
    ).map(json.dumps),
)


@settings(max_examples=1000)
@given(texts)
def test_requests(message: str) -> None:
    code, text = "", "fine"
    try:
        decode_request(message)
    except RequestError as refused:
        code, text = refused.code, str(refused)
    assert code in KNOWN_CODES | {""}
    assert 0 < len(text) < 2000
    request_id(message)


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ({"action": "subscribe", "filters": {"types": [1]}}, "$.filters.types[0]"),
        ({"action": "subscribe", "resume": {"epoch": "x"}}, "$.resume"),
        ({"action": "subscribe", "resume": {"epoch": "x", "seq": 2**70}}, "$.resume.seq"),
        ({"action": "snapshot", "target": {"pain": 1}}, "$.target"),
        ({"action": "command", "command": "send-text", "text": 1}, "$.text"),
        ({"action": "command", "command": "send-keys", "keys": [None]}, "$.keys[0]"),
        (
            {"action": "batch", "commands": [{"command": "split", "direction": "up"}]},
            "$.commands[0].direction",
        ),
    ],
)
def test_a_refusal_names_the_field(message: object, path: str) -> None:
    with pytest.raises(RequestError) as refused:
        decode_request(json.dumps(message))
    assert path in str(refused.value)
