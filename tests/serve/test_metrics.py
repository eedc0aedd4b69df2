"""What the server tells of itself, and who may read it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.serve.houses import NEIGHBOUR, OWNER, STRANGER, TestHouse
from tests.serve.law_world import Remembers
from tests.serve.test_front import exchange, front_of, settled
from tests.serve.test_session import World, bell, conversation
from tmuxpulse import __version__
from tmuxpulse.events import CollectorTrouble, Custom, Event, Place
from tmuxpulse.filters import EVERYTHING
from tmuxpulse.hub.hub import Hub
from tmuxpulse.serve.counters import Counters
from tmuxpulse.serve.exposition import render
from tmuxpulse.serve.house import House, Visitor
from tmuxpulse.serve.metrics import gather
from tmuxpulse.serve.past import Past
from tmuxpulse.serve.sights import sight_of

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "metrics.md"
Found = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Full(Remembers):
    """A history that holds something."""

    def __init__(self) -> None:
        super().__init__({}, ())


def read(text: str) -> Found:
    """Every sample, as a stranger reads it."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scrape(house: House) -> Found:
    return read(render(gather(house)).decode())


def value(found: Found, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def asking(path: str, *headers: str, host: str = "127.0.0.1:8765") -> bytes:
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", *headers, "", ""]
    return "\r\n".join(lines).encode()


def test_a_new_server_tells_zeros_and_who_it_is() -> None:
    found = scrape(TestHouse())
    assert value(found, "tmuxpulse_events_total", family="pane") == 0
    assert value(found, "tmuxpulse_panes", status="waiting") == 0
    assert value(found, "tmuxpulse_build_info", version=__version__, commit="unknown") == 1
    assert value(found, "process_resident_memory_bytes") > 1 << 20
    assert value(found, "process_open_fds") >= 3
    assert value(found, "process_start_time_seconds") > 1e9
    assert not [name for name, _ in found if name.startswith("tmuxpulse_history")]


async def test_what_happens_is_counted() -> None:
    async with conversation() as (world, peer, _):
        peer.say({"action": "subscribe"}, {"action": "nonsense"}, {"action": "health"})
        await peer.until("health.data")
        world.publish(bell(), bell())
        world.hub.publish(
            Event(Place(), CollectorTrouble(message="m", retry_s=None)),
            Event(Place(), Custom(name="custom.a", data={})),
        )
        world.hub.tally.listed(0.25)
        await settled()
        found = scrape(world.house)
    assert value(found, "tmuxpulse_events_total", family="pane") == 2
    assert value(found, "tmuxpulse_events_total", family="custom") == 1
    assert value(found, "tmuxpulse_event_bytes_total") == world.hub.ring.bytes
    assert value(found, "tmuxpulse_collector_troubles_total") == 1
    assert value(found, "tmuxpulse_collector_list_seconds_count") == 1
    assert value(found, "tmuxpulse_collector_list_seconds_sum") == 0.25
    assert value(found, "tmuxpulse_requests_total", action="subscribe") == 1
    assert value(found, "tmuxpulse_request_errors_total", code="UNKNOWN_ACTION") == 1
    assert value(found, "tmuxpulse_subscriptions") == 1
    assert value(found, "tmuxpulse_subscribed_clients") == 1
    assert value(found, "tmuxpulse_sessions") == 2
    assert value(found, "tmuxpulse_windows") == 2
    assert value(found, "tmuxpulse_panes", status="unknown") == 1  # in two windows, and one pane
    assert value(found, "tmuxpulse_tmux_servers", state="up") == 1


async def test_what_slow_readers_miss_is_counted_in_narrowed_streams_too() -> None:
    for narrow in (False, True):
        world = World(Hub())
        hub = world.hub
        if narrow:
            grant = world.house.tokens.add("t", "read", sessions=("a",))
            hub = world.house.sights.hub_of(sight_of(grant))
        with hub.reader(batches=2, max_bytes=400) as reader:
            hub.move(reader, frozenset({EVERYTHING}))
            for _ in range(20):
                hub.publish(bell())
                hub.flush()
            waiting = scrape(world.house)
            while reader.receive_nowait() is not None:
                pass
            found = scrape(world.house)
        assert value(waiting, "tmuxpulse_clients_behind") == 1
        assert 0 < value(waiting, "tmuxpulse_queued_bytes") <= 400
        assert value(found, "tmuxpulse_queued_events") == 0
        assert value(found, "tmuxpulse_client_gaps_total") == 1
        dropped = value(found, "tmuxpulse_client_dropped_events_total", kind="other")
        assert dropped + value(waiting, "tmuxpulse_queued_events") == 20


async def test_bytes_of_those_who_left_stay_counted() -> None:
    class Stream:
        bytes_received, bytes_sent = 10, 20

    counters = Counters()
    first, second = Stream(), Stream()
    counters.begin(first)
    counters.begin(second)
    counters.end(first)
    assert (counters.opened, counters.open) == (2, 1)
    assert (counters.received_bytes, counters.sent_bytes) == (20, 40)


@pytest.mark.parametrize(
    ("visitor", "token", "status"),
    [
        (OWNER, None, 200),
        (NEIGHBOUR, None, 401),  # a proxy on this machine comes from loopback, too
        (STRANGER, None, 401),
        (STRANGER, "right", 200),
        (NEIGHBOUR, "right", 200),
        (STRANGER, "wrong", 401),
        (STRANGER, "x" * 600, 401),
        (STRANGER, "emits", 403),
        (STRANGER, "narrow", 403),  # counts tell of sessions that it may not see
    ],
)
async def test_who_may_read_metrics(visitor: Visitor, token: str | None, status: int) -> None:
    house = TestHouse()
    house.tokens.add("right", "read")
    house.tokens.add("emits", "emit")
    house.tokens.add("narrow", "read", sessions=("a",))
    headers = () if token is None else (f"Authorization: Bearer {token}",)
    answer = await exchange(front_of(house), asking("/metrics", *headers), visitor)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert (b"tmuxpulse_panes" in answer) == (status == 200)
    if status == 200:
        assert b"Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n" in answer
        assert read(answer.partition(b"\r\n\r\n")[2].decode())
    if token is not None and status != 200:
        assert "login.failed" in house.noted.actions
    if status == 401:
        assert b"WWW-Authenticate: Bearer\r\n" in answer


@pytest.mark.parametrize(
    ("headers", "host", "status"),
    [
        (("Origin: http://evil.example",), "127.0.0.1:8765", 403),
        (("Sec-Fetch-Site: cross-site",), "127.0.0.1:8765", 403),
        ((), "evil.example", 421),
    ],
)
async def test_other_pages_read_neither_metrics_nor_health(
    headers: tuple[str, ...], host: str, status: int
) -> None:
    house = TestHouse()
    house.tokens.add("right", "read")
    for path in ("/metrics", "/healthz"):
        sent = asking(path, "Authorization: Bearer right", *headers, host=host)
        answer = await exchange(front_of(house), sent, NEIGHBOUR)
        assert answer.startswith(b"HTTP/1.1 %d " % status)


async def test_doors_count_what_they_answer() -> None:
    house = TestHouse()
    front = front_of(house)
    await exchange(front, asking("/"), STRANGER)
    await exchange(front, asking("/nothing"), STRANGER)
    await exchange(front, asking("/metrics", "Authorization: Bearer wrong"), STRANGER)
    found = scrape(house)
    assert value(found, "tmuxpulse_connections_total", listener="tcp") == 3
    for code in ("200", "404", "401"):
        assert value(found, "tmuxpulse_http_responses_total", code=code) == 1
    assert value(found, "tmuxpulse_auth_failures_total", reason="wrong token") == 1


async def test_health_is_one_word_or_the_parts_that_do_not_work() -> None:
    problems: dict[str, str] = {}
    house = TestHouse(problems=problems)
    front = front_of(house)
    answer = await exchange(front, asking("/healthz"), STRANGER)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\nok\n")
    problems["history"] = "the disk at /secret/path is full"
    answer = await exchange(front, asking("/healthz"), STRANGER)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert answer.endswith(b"\r\n\r\ndegraded: history\n")
    assert b"secret" not in answer
    found = scrape(house)
    assert value(found, "tmuxpulse_problem", part="history") == 1
    assert value(found, "tmuxpulse_problem", part="audit") == 0


async def test_health_says_that_it_ends() -> None:
    front = front_of(TestHouse())
    front.goodbye("end")
    answer = await exchange(front, asking("/healthz"), STRANGER)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert answer.endswith(b"stopping\n")


def test_the_page_tells_every_metric_and_no_other() -> None:
    named = set(re.findall(r"`(tmuxpulse_[a-z_]+)`", PAGE.read_text()))
    exported = {family.name for family in gather(TestHouse(past=Past(Full())))}
    assert {name for name in exported if not name.startswith("process_")} == named
    for family in gather(TestHouse()):
        for sample in family.samples:
            assert set(sample.labels) <= set(re.findall(r"`([a-z]+)`", PAGE.read_text()))
