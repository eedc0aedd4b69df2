"""The page of the protocol: every request, command, reply and what they are made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

import msgspec

from tmuxpulse import filters, styles, wire
from tmuxpulse.serve.desk import NEEDS
from tmuxpulse.serve.meaning import scope_of
from tmuxpulse.wire import AnyCommand, AnyReply, AnyRequest
from tmuxpulse.wire.requests import Request
from tools.reference.docstrings import described
from tools.reference.events import OF_THE_STREAM
from tools.reference.schema import ASYNCAPI_FILE, SCHEMA_FILE, json_schema
from tools.reference.tables import fields

HEAD = f"""\
# The protocol, version {wire.PROTOCOL_VERSION}

<!-- Made by `make reference` from tmuxpulse/wire. Not to be edited by hand. -->

JSON over WebSocket, at the paths `/` and `/monitor`: on the port of the page (`ws://127.0.0.1:8765/monitor`,
`wss://` with TLS), and on the Unix socket of the same user. The same as [JSON Schema](schema/{SCHEMA_FILE})
and as [AsyncAPI](schema/{ASYNCAPI_FILE}). What the events hold is on [a page of their own](events.md), what
refusals and closing codes mean [on another](errors.md), what is promised about order and loss
[on a third](../explanation/delivery.md).

- **Messages** are text: one JSON object each. To a client that offers the subprotocol `{wire.SUBPROTOCOL}` a
  message holds one **or more** objects with a newline between them; that is the fast way. A client sends
  one object a message in either case.
- **The server speaks first**: [connection.established](#established).
- **A token** comes as `Authorization: Bearer TOKEN` on the upgrade, or with [auth](#auth) as the first message,
  within `limits.auth_timeout_s`. The Unix socket needs none.
- **Unknown fields** from the server are to be ignored: later releases may send more. Unknown fields from a
  client are an error, and so is a key that is twice in one object.
- **`id`** (a string of at most 256 characters, or an integer of at most 53 bits) may be in every request; its
  reply repeats it.
- **Heartbeat**: after `heartbeat_s` without a word the server sends a WebSocket ping; who does not answer is
  let go (4002).
"""

REQUESTS = """\
## Requests

An object with an `action`, such as `{"action":"ping","id":1}`. The column "scope" tells what a token has to
grant.
"""
COMMANDS = """\
## Commands

What is typed into tmux: `{"action":"command","command":"send-text","target":{"session":"build"},"text":"make","enter":true}`,
answered by [command.result](#commandresult). In a [batch](#batch) each is written the same way; `action` may be
left out there. The scope `write` has to be allowed by [`[server] write`](configuration.md), too. All of
them have these fields:
"""
REPLIES = """\
## Replies

An object with a `type`. Those about the stream (`stream.mark` and so on) are with [the events](events.md#about-the-stream-itself).
"""
PARTS = """\
## What they are made of
"""
Json = dict[str, Any]


def page() -> str:
    """The whole page."""
    definitions: Json = json_schema()["$defs"]
    lines = [HEAD, REQUESTS, *_overview()]
    for request in get_args(AnyRequest):
        lines += _section(request, definitions, omit=("action", "id"))
    lines += [COMMANDS, *fields(definitions["Interrupt"], described(wire.Command)), ""]
    lines += [
        "| command | | scope |",
        "|---|---|---|",
        *map(_command_row, get_args(AnyCommand)),
        "",
    ]
    for command in get_args(AnyCommand):
        lines += _section(command, definitions, omit=definitions["Interrupt"]["properties"])
    lines.append(REPLIES)
    for reply in get_args(AnyReply):
        if reply not in OF_THE_STREAM:
            lines += _section(reply, definitions, omit=("type", "id"))
    lines.append(PARTS)
    told = {one.__name__ for one in (*get_args(AnyRequest), *get_args(AnyCommand))}
    told |= {one.__name__ for one in get_args(AnyReply)}
    for name in _parts(definitions, told):
        kind = next(vars(one)[name] for one in (wire, filters, styles) if name in vars(one))
        lines += _section(kind, definitions, omit=())
    return "\n".join(lines).rstrip() + "\n"


def _overview() -> list[str]:
    rows = []
    for one in get_args(AnyRequest):
        name = one.__struct_config__.tag
        scope = NEEDS.get(one)
        words = f"`{scope}`" if scope else "-"
        rows.append(f"| [`{name}`](#{one.__name__.lower()}) | {described(one).summary} | {words} |")
    return ["| action | | scope |", "|---|---|---|", *rows, ""]


def _command_row(kind: type[wire.Command]) -> str:
    name = kind.__struct_config__.tag
    given = {"text": "", "name": "", "keys": []}
    fields_of = {key: value for key, value in given.items() if key in kind.__struct_fields__}
    scope = scope_of(msgspec.convert({"command": name, **fields_of}, type=AnyCommand))
    return f"| [`{name}`](#{kind.__name__.lower()}) | {described(kind).summary} | `{scope}` |"


def _section(kind: type[msgspec.Struct], definitions: Json, *, omit: Iterable[str]) -> list[str]:
    text = described(kind)
    tag = kind.__struct_config__.tag
    what = {"action": "action", "command": "command", "type": "type"}.get(
        str(kind.__struct_config__.tag_field), ""
    )
    lines = [f"### {kind.__name__}", ""]
    lines += [f'`"{what}": "{tag}"`', ""] if tag else []
    lines += [text.summary, ""] + ([text.body, ""] if text.body else [])
    table = fields(definitions[kind.__name__], text, omit=omit)
    if table:
        return [*lines, *table, ""]
    return [*lines, "It has no fields of its own." if issubclass(kind, Request) else "", ""]


def _parts(definitions: Json, told: set[str]) -> list[str]:
    """Names of what the messages refer to, directly or through others, in order of appearance."""
    found: list[str] = []
    waiting = [name for name in definitions if name in told]
    while waiting:
        for name in _references(definitions[waiting.pop(0)]):
            if name not in told and name not in found:
                found.append(name)
                waiting.append(name)
    return sorted(found)


def _references(found: object) -> list[str]:
    if isinstance(found, dict):
        own = [found["$ref"].rpartition("/")[2]] if "$ref" in found else []
        return own + [name for value in found.values() for name in _references(value)]
    if isinstance(found, list):
        return [name for value in found for name in _references(value)]
    return []
