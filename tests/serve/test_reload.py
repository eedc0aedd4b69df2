"""SIGHUP: what takes effect, what waits for a new start, and what changes nothing."""

from __future__ import annotations

import logging

import msgspec
import pytest

from tests.serve.houses import TestHouse
from tmuxpulse.config.settings import (
    AuditTable,
    CollectSettings,
    LimitsTable,
    RedactionTable,
    ServerTable,
    ServeSettings,
)
from tmuxpulse.errors import UsageError
from tmuxpulse.serve.reload import needing_a_start, read_again

SERVING = ServeSettings(unix_socket="", state_dir="/s")
COLLECTING = CollectSettings(runtime_dir="/r")
NOW = (SERVING, COLLECTING)


def test_what_can_be_is_in_force_at_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    house = TestHouse()
    server = ServerTable(write="local", allowed_hosts=("a",), grace_seconds=1)
    later = msgspec.structs.replace(SERVING, server=server, limits=LimitsTable(connections=7))
    found = read_again(lambda: (later, COLLECTING), NOW, house, None)
    assert found == (later, COLLECTING)
    assert (house.write, house.limits.connections) == ("local", 7)
    assert "settings.reloaded" in house.noted.actions
    assert "next start" not in caplog.text


def test_what_cannot_be_is_named(caplog: pytest.LogCaptureFixture) -> None:
    later = (
        msgspec.structs.replace(
            SERVING, server=ServerTable(port=1, tls_key="k"), audit=AuditTable(keep=1)
        ),
        msgspec.structs.replace(COLLECTING, engine="poll", redaction=RedactionTable(enabled=False)),
    )
    names = ["server.port", "server.tls_key", "audit.keep", "tmux.engine", "redaction"]
    assert needing_a_start(NOW, later) == names
    read_again(lambda: later, NOW, TestHouse(), None)
    assert f"next start: {', '.join(names)}" in caplog.text


def test_a_mistake_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    house = TestHouse()

    def wrong() -> tuple[ServeSettings, CollectSettings]:
        raise UsageError("config.toml line 2: no")

    assert read_again(wrong, NOW, house, None) is NOW
    assert "nothing was changed: config.toml line 2: no" in caplog.text
    assert house.noted.actions == []
