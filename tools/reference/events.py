"""The page of events: each type with its fields and an example from a real run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tmuxpulse.events import DATA_TYPES, ON_REQUEST, AgentStatus, Custom, Data, PaneStats
from tmuxpulse.wire import Epoch, Gap, Lag, Mark, Reply, Reset
from tools.reference.docstrings import described
from tools.reference.schema import CUSTOM, json_schema
from tools.reference.tables import OMITTED, fields

EXAMPLES = Path(__file__).parents[2] / "docs" / "reference" / "schema" / "examples.json"
OF_THE_STREAM: tuple[type[Reply], ...] = (Mark, Lag, Gap, Reset, Epoch)
PARTS = (PaneStats,)  # a link to one that is not here leads nowhere, which a test sees
FAMILIES = {
    "server": "What is watched, and the tmuxpulse server itself",
    "session": "Sessions",
    "window": "Windows",
    "pane": "Panes",
    "command": "Commands, as a shell marks them",
    "agent": "What a pane is doing",
    "system": "What panes use",
    "custom": "Yours",
    "stream": "About the stream itself",
}
HEAD = """\
# Events

<!-- Made by `make reference` from tmuxpulse/events.py and a real run. Not to be edited by hand. -->

Every event that a server sends has a type, a number (`seq`, which grows by one within an `epoch`), a time
(`timestamp`, RFC 3339, UTC), the place where it happened, and `data`. Each example below was sent by a real
server that watched a real tmux.

| field of the place | |
|---|---|
| `server` | the tmux server: its socket's name (`default`), or its path |
| `session`, `window`, `pane` | name, index, index: what a person says |
| `session_id`, `window_id`, `pane_id` | tmux's own `$3`, `@7`, `%12`: they stay when names and indexes change |
| `window_name` | the window's name |
| `linked_sessions` | further sessions that show the same window |

What does not apply is left out. A subscription takes what it wants by type (globs such as `pane.*`), place,
status, severity and text: see [the protocol](protocol.md#subscribe).
"""


def types() -> dict[str, type[Data | Reply]]:
    """Everything that comes without being asked for, by its type on the wire."""
    found: dict[str, type[Data | Reply]] = {data.type: data for data in DATA_TYPES}
    found[CUSTOM] = Custom
    return found | {str(one.__struct_config__.tag): one for one in OF_THE_STREAM}


def examples() -> dict[str, dict[str, Any]]:
    """The examples that were collected, by type."""
    found: dict[str, dict[str, Any]] = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    return found


def page() -> str:
    """The whole page."""
    known, definitions = examples(), json_schema()["$defs"]
    lines = [HEAD]
    for family, title in FAMILIES.items():
        lines += [f"## {title}", ""]
        for name, kind in types().items():
            if name.partition(".")[0] != family:
                continue
            lines += [*_section(name, kind, definitions), *_example(known.get(name))]
    lines += ["## What they are made of", ""]
    for part in PARTS:
        text = described(part)
        table = fields(definitions[part.__name__], text)
        lines += [f"### {part.__name__}", "", text.summary, "", *table, ""]
    return "\n".join(lines).rstrip() + "\n"


def _section(name: str, kind: type[Data | Reply], definitions: dict[str, Any]) -> list[str]:
    text = described(kind)
    lines = [f"### `{name}`", "", text.summary, ""]
    lines += [text.body, ""] if text.body else []
    if kind is Custom:
        return [*lines, "`data` is whatever object was given to `emit`. Severity: `info`.", ""]
    omit = OMITTED if issubclass(kind, Reply) else ()
    table = fields(definitions[kind.__name__], text, omit=omit)
    if not issubclass(kind, Reply):
        lines += ["`data`:" if table else "`data` is empty.", ""]
    lines += [*table, ""] if table else []
    return [*lines, *_severity(kind)]


def _severity(kind: type[Data | Reply]) -> list[str]:
    if issubclass(kind, Reply):
        return ["It concerns this one connection, and has no number of its own.", ""]
    words = f"Severity: `{kind.severity}`."
    if kind is AgentStatus:
        words = "Severity: `error` for the status `error`, `warning` for `waiting`, else `info`."
    if kind.type in ON_REQUEST:
        words += " Only who names this type in full gets it."
    return [words, ""]


def _example(found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return []
    return ["```json", json.dumps(found, indent=2, ensure_ascii=False), "```", ""]
