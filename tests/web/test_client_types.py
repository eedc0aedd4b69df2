"""The types of the JavaScript client compile, and say what the server's own vocabulary says."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from msgspec import UnsetType

from tmuxpulse import events
from tmuxpulse.client.view import Gap, Restarted
from tmuxpulse.events import BY_TYPE, PaneStats, Place, Status
from tmuxpulse.filters import Filter
from tmuxpulse.styles import Screen
from tmuxpulse.wire import (
    COMMANDS,
    AnyCommand,
    Command,
    HealthData,
    Limits,
    Outcome,
    PaneExplanation,
    PaneView,
    ServerView,
    SessionView,
    Target,
    Tree,
    WindowView,
)

HERE = Path(__file__).parent
SIMPLE: dict[Any, str] = {
    str: "string",
    bytes: "string",  # base64
    int: "number",
    float: "number",
    bool: "boolean",
    NoneType: "null",
    Any: "unknown",
    Status: "Status",
}
SECONDS = 300  # a compiler, on a machine that does other things, too


def node(*command: str) -> str:
    found = shutil.which("node")
    assert found, "node is not installed; run: tools/system-packages node"
    done = subprocess.run(
        [found, *command], cwd=HERE, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@cache
def declared() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(node("types-of.js"))
    return found


def in_typescript(hint: Any) -> str:
    """A type of Python as `client.d.ts` has to write it."""
    if hint in SIMPLE:
        return SIMPLE[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    inner = [in_typescript(one) for one in arguments if is_type(one)]
    if origin is Literal:
        found = " | ".join(f'"{one}"' for one in arguments)
    elif origin in (UnionType, Union):
        found = " | ".join(inner)
    elif origin in (list, tuple):
        found = f"{inner[0]}[]" if inner else "[]"
    elif origin is dict:
        found = f"Record<{', '.join(inner)}>"
    else:
        found = hint.__name__
    return found


def is_type(one: Any) -> bool:
    return one not in (Ellipsis, UnsetType) and not isinstance(one, str)


def same(found: dict[str, str], struct: type[msgspec.Struct], *, optional: bool = False) -> None:
    """Fail where an interface and a struct have other fields, or others' types."""
    hints = get_type_hints(struct)
    expected = {}
    for field in struct.__struct_fields__:
        parts = in_typescript(hints[field]).split(" | ")
        is_unset = UnsetType in get_args(hints[field])
        if optional:
            parts = [part for part in parts if part != "null"]
        expected[field + "?" * (optional or is_unset)] = sorted(parts)
    assert {name: sorted(text.split(" | ")) for name, text in found.items()} == expected


def test_what_the_types_allow_compiles_and_what_they_forbid_does_not() -> None:
    node("node_modules/typescript/bin/tsc", "--project", ".")


def test_every_event_is_declared_and_no_other() -> None:
    assert set(declared()["events"]) == set(BY_TYPE)


@pytest.mark.parametrize("event_type", sorted(BY_TYPE))
def test_an_event_has_the_fields_of(event_type: str) -> None:
    same(declared()["events"][event_type], BY_TYPE[event_type])


@pytest.mark.parametrize(
    "struct", [Tree, ServerView, SessionView, WindowView, PaneView, PaneStats, Outcome, Screen]
)
def test_an_interface_is_the_struct_of_its_name(struct: type[msgspec.Struct]) -> None:
    same(declared()["interfaces"][struct.__name__], struct)


@pytest.mark.parametrize("struct", [Place, Target])
def test_an_interface_whose_fields_may_all_be_missing(struct: type[msgspec.Struct]) -> None:
    same(declared()["interfaces"][struct.__name__], struct, optional=True)


def test_other_interfaces_have_the_fields_of_their_structs() -> None:
    interfaces = declared()["interfaces"]
    assert [name.rstrip("?") for name in interfaces["Filters"]] == list(Filter.__struct_fields__)
    assert set(interfaces["Health"]) == set(HealthData.__struct_fields__) - {"id"}
    within: dict[str, type[msgspec.Struct]] = {
        interfaces["Gap"]["data"]: Gap,
        interfaces["Restarted"]["data"]: Restarted,
        interfaces["Explanation"]["explanation"]: PaneExplanation,
        interfaces["Greeting"]["limits"]: Limits,
    }
    for text, struct in within.items():
        assert [name for name in struct.__struct_fields__ if f"{name}: " not in text] == []


def test_every_command_is_declared_with_its_arguments() -> None:
    commands = declared()["commands"]
    assert set(commands) == COMMANDS
    for struct in get_args(AnyCommand):
        own = set(struct.__struct_fields__) - set(Command.__struct_fields__)
        found = commands[str(struct.__struct_config__.tag)]
        assert {name.rstrip("?") for name in found} == own
        required = {field.name for field in msgspec.structs.fields(struct) if field.required}
        assert {name for name in found if not name.endswith("?")} == required


def test_severities_and_statuses_are_those_of_the_server() -> None:
    text = (HERE.parents[1] / "web" / "client.d.ts").read_text()
    for name in ("Severity", "Status"):
        values = " | ".join(f'"{one}"' for one in get_args(getattr(events, name)))
        assert f"export type {name} = {values};" in text


def test_what_is_declared_is_there() -> None:
    script = """
        import * as client from "../../web/client.js";
        import { EVENT_TYPES } from "../../web/client/messages.js";
        class Socket { close() {} }
        const monitor = client.connect({ url: "ws://127.0.0.1/", WebSocket: Socket });
        const loop = monitor.events();
        const watch = monitor.subscribe({}, () => {});
        const members = (one, names) => names.filter((name) => !(name in one));
        const wanted = JSON.parse(process.argv[1]);
        console.log(JSON.stringify({
          values: Object.keys(client).sort(), types: [...EVENT_TYPES].sort(),
          missing: [...members(monitor, wanted.Monitor), ...members(loop, wanted.Subscription),
            ...members(watch, wanted.Watch)],
        }));
        monitor.close();
    """
    interfaces = declared()["interfaces"]
    wanted = {
        name: [
            field for field in interfaces[name] if not field.startswith("__") and "?" not in field
        ]
        for name in ("Monitor", "Subscription", "Watch")
    }
    found = json.loads(node("--input-type=module", "--eval", script, json.dumps(wanted)))
    assert found["missing"] == []
    assert found["values"] == sorted(declared()["values"])
    assert found["types"] == sorted(BY_TYPE)
