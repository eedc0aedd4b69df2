"""What the server tells of itself at ``/metrics``: counts and sizes, and no name of anything.

Labels are few and their values come from the program itself: never a pane, a session, a path or an
address. Gathering asks no disk and no tmux. How the text looks is in `exposition`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import get_args

from tmuxpulse import __version__, commit
from tmuxpulse.events import DATA_TYPES, CollectorTrouble, Custom, Status
from tmuxpulse.hub.tally import Tally
from tmuxpulse.serve.counters import Counters
from tmuxpulse.serve.exposition import Family, Sample, counter, gauge, summary
from tmuxpulse.serve.house import House
from tmuxpulse.serve.process import Usage, usage
from tmuxpulse.wire import Tree

FAMILIES = sorted({kind.type.partition(".")[0] for kind in DATA_TYPES} | {Custom.type})
STATUSES: tuple[str, ...] = get_args(Status)


def gather(house: House) -> Iterator[Family]:
    """Every metric, as it is now."""
    health = house.health()
    yield Family(
        "tmuxpulse_build_info",
        "gauge",
        "Always 1; what runs.",
        (Sample(1, {"version": __version__, "commit": commit()}),),
    )
    yield gauge("tmuxpulse_uptime_seconds", "Since the server began.", health.uptime_s)
    yield gauge(
        "tmuxpulse_problem",
        "1 while a part of the server does not work.",
        {part: int(part in health.problems) for part in ("audit", "history")},
        "part",
    )
    yield gauge(
        "tmuxpulse_feature_enabled",
        "1 if it is switched on.",
        {name: int(on) for name, on in health.features.items()},
        "feature",
    )
    yield from _watched(house.hub.snapshot())
    yield from _stream(house.hub.tally)
    yield from _readers(house)
    yield from _doors(house.counters)
    yield from _history(house)
    yield from _process(usage())


def _watched(tree: Tree) -> Iterator[Family]:
    windows = {(one.server, window.id) for one in tree.sessions for window in one.windows}
    statuses = {
        (session.server, pane.id): pane.status
        for session in tree.sessions
        for window in session.windows
        for pane in window.panes
    }
    agents = {
        (session.server, pane.id)
        for session in tree.sessions
        for window in session.windows
        for pane in window.panes
        if pane.agent_type is not None
    }
    up = sum(server.up for server in tree.servers)
    yield gauge(
        "tmuxpulse_tmux_servers",
        "Watched tmux sockets, with and without a server.",
        {"up": up, "down": len(tree.servers) - up},
        "state",
    )
    yield gauge("tmuxpulse_sessions", "tmux sessions.", len(tree.sessions))
    yield gauge("tmuxpulse_windows", "tmux windows.", len(windows))
    found: Counter[str] = Counter(statuses.values())
    yield gauge(
        "tmuxpulse_panes",
        "tmux panes by status.",
        {status: found[status] for status in STATUSES},
        "status",
    )
    yield gauge("tmuxpulse_agent_panes", "Panes in which an agent program runs.", len(agents))


def _stream(tally: Tally) -> Iterator[Family]:
    events = dict.fromkeys(FAMILIES, 0)
    for kind, count in tally.events.items():
        events[kind.type.partition(".")[0]] += count
    yield counter("tmuxpulse_events_total", "Events by family.", events, "family")
    yield counter("tmuxpulse_event_bytes_total", "Of events, as JSON.", tally.event_bytes)
    yield counter(
        "tmuxpulse_collector_troubles_total",
        "Failures of watching, of the audit log and of the history.",
        tally.events.get(CollectorTrouble, 0),
    )
    yield summary(
        "tmuxpulse_collector_list_seconds",
        "How long tmux took to list what it holds.",
        count=tally.lists,
        total=tally.list_seconds,
    )
    yield counter(
        "tmuxpulse_client_lags_total", "Times a client was told that it is slow.", tally.lags
    )
    yield counter(
        "tmuxpulse_client_gaps_total", "Times a client was told what it missed.", tally.gaps
    )
    yield counter(
        "tmuxpulse_client_dropped_events_total",
        "Events that slow clients did not get.",
        {"output": tally.dropped_output, "other": tally.dropped_events},
        "kind",
    )


def _readers(house: House) -> Iterator[Family]:
    loads = [hub.load() for hub in house.sights.hubs]
    ring = house.hub.ring
    yield gauge("tmuxpulse_streams", "Streams: one, and one for each narrowed sight.", len(loads))
    yield gauge(
        "tmuxpulse_subscribed_clients", "Clients with filters.", sum(one.readers for one in loads)
    )
    yield gauge("tmuxpulse_subscriptions", "Their filters.", sum(one.filters for one in loads))
    yield gauge(
        "tmuxpulse_clients_behind", "Those for whom events wait.", sum(one.behind for one in loads)
    )
    yield gauge(
        "tmuxpulse_queued_events", "Events that wait.", sum(one.queued_events for one in loads)
    )
    yield gauge("tmuxpulse_queued_bytes", "Their size.", sum(one.queued_bytes for one in loads))
    yield gauge("tmuxpulse_ring_events", "Events that are kept for a resume.", len(ring))
    yield gauge("tmuxpulse_ring_bytes", "Their size before compression.", ring.bytes)


def _doors(counters: Counters) -> Iterator[Family]:
    yield counter(
        "tmuxpulse_connections_total", "Accepted, by listener.", counters.connections, "listener"
    )
    yield counter(
        "tmuxpulse_http_responses_total",
        "Plain HTTP responses, by status.",
        {str(status): count for status, count in counters.answers.items()},
        "code",
    )
    yield gauge("tmuxpulse_clients", "Open WebSockets.", counters.open)
    yield counter("tmuxpulse_clients_total", "WebSockets since the beginning.", counters.opened)
    yield counter(
        "tmuxpulse_client_closes_total",
        "Ended WebSockets, by close code.",
        {str(code): count for code, count in counters.closed.items()},
        "code",
    )
    yield counter(
        "tmuxpulse_client_received_bytes_total", "From WebSockets.", counters.received_bytes
    )
    yield counter("tmuxpulse_client_sent_bytes_total", "To WebSockets.", counters.sent_bytes)
    yield counter("tmuxpulse_requests_total", "By action.", counters.requests, "action")
    yield counter(
        "tmuxpulse_request_errors_total", "Refused requests, by code.", counters.refused, "code"
    )
    yield counter(
        "tmuxpulse_auth_failures_total",
        "Who did not come in, by reason.",
        counters.failures,
        "reason",
    )
    yield counter(
        "tmuxpulse_connection_errors_total",
        "Connections that an error of the server ended.",
        counters.crashes,
    )


def _history(house: House) -> Iterator[Family]:
    kept = house.past.amounts()
    if kept is None:
        return
    yield gauge("tmuxpulse_history_bytes", "The database with its log.", kept.size_bytes)
    yield gauge("tmuxpulse_history_waiting_bytes", "Not yet in it.", kept.waiting_bytes)
    yield counter("tmuxpulse_history_written_events_total", "Put into it.", kept.written)
    yield counter("tmuxpulse_history_lost_events_total", "That could not be kept.", kept.lost)


def _process(used: Usage) -> Iterator[Family]:
    """What every program tells by the same names."""
    yield counter("process_cpu_seconds_total", "User and system time.", used.cpu_seconds)
    yield gauge("process_resident_memory_bytes", "Resident memory.", used.resident_bytes)
    yield gauge("process_open_fds", "Open files and sockets.", used.open_files)
    yield gauge("process_max_fds", "Their limit.", used.max_files)
    yield gauge("process_start_time_seconds", "Since the epoch.", used.started)
