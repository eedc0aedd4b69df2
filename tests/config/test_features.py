"""What can be switched off: every switch has a name, a place in the documents, and an effect."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tmuxpulse.config.features import AT_ONCE, EVENTS_OF, FEATURES, parts, switched_on, why_off
from tmuxpulse.config.layers import keys
from tmuxpulse.config.settings import (
    AuditTable,
    CollectSettings,
    FeaturesTable,
    HistoryTable,
    RedactionTable,
    ServerTable,
    ServeSettings,
)
from tmuxpulse.events import BY_TYPE

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"
ROW = re.compile(r"^\| `([\w.]+)` \| `\[(\w+)\] (\w+)` \| (on|off) \|.*\| (at once|next start) \|$")
COLLECTING = CollectSettings(runtime_dir="/r")
SERVING = ServeSettings(unix_socket="/s", state_dir="/st")


def rows() -> dict[str, tuple[str, str, str]]:
    """Of the page's table: the setting, whether it is on at first, when a change takes effect."""
    found = (ROW.match(line) for line in PAGE.read_text().splitlines())
    return {one[1]: (f"{one[2]}.{one[3]}", one[4], one[5]) for one in found if one is not None}


def test_every_switch_is_documented_with_its_setting_and_its_default() -> None:
    now = switched_on(SERVING, COLLECTING)
    assert {name: row[0] for name, row in rows().items()} == FEATURES
    assert {name: row[1] for name, row in rows().items()} == {
        name: "on" if on else "off" for name, on in now.items()
    }
    assert {name for name, row in rows().items() if row[2] == "at once"} == AT_ONCE


def test_every_switch_is_a_setting_that_there_is() -> None:
    known = {f"{table}.{key}" for table, key, _ in keys()}
    assert set(FEATURES.values()) <= known
    assert len(set(FEATURES.values())) == len(FEATURES)  # none has two names


def test_what_has_a_table_of_its_own_has_its_switch_there() -> None:
    tables = {table for table, _, _ in keys()}
    assert tables & set(FeaturesTable.__struct_fields__) == set()


OFF = {
    "audit": ServeSettings(unix_socket="/s", state_dir="/st", audit=AuditTable(enabled=False)),
    "history": ServeSettings(
        unix_socket="/s", state_dir="/st", history=HistoryTable(enabled=False)
    ),
    "unix_socket": ServeSettings(unix_socket="", state_dir="/st"),
    **{
        name: ServeSettings(
            unix_socket="/s", state_dir="/st", features=FeaturesTable(**{name: False})
        )
        for name in FeaturesTable.__struct_fields__
    },
}


@pytest.mark.parametrize("name", OFF)
def test_each_can_be_switched_off_alone(name: str) -> None:
    before, after = switched_on(SERVING, COLLECTING), switched_on(OFF[name], COLLECTING)
    assert {one for one in before if before[one] != after[one]} == {name}


def test_what_is_off_at_first_can_be_switched_on() -> None:
    serving = ServeSettings(
        unix_socket="/s",
        state_dir="/st",
        server=ServerTable(write="local", tls_certificate="c"),
        history=HistoryTable(output=True),
    )
    assert all(switched_on(serving, COLLECTING).values())
    bare = CollectSettings(runtime_dir="/r", redaction=RedactionTable(enabled=False))
    assert switched_on(serving, bare)["redaction"] is False


@pytest.mark.parametrize("name", FeaturesTable.__struct_fields__)
def test_what_is_off_says_how_to_turn_it_on(name: str) -> None:
    assert why_off(name).endswith(f" off; [features] {name} = true in config.toml turns it on")
    assert parts(FeaturesTable())[name] is True


def test_types_of_events_that_a_switch_silences_are_types() -> None:
    assert set(EVENTS_OF) <= set(BY_TYPE)
    assert set(EVENTS_OF.values()) <= set(FEATURES)
