"""The protocol as JSON Schema and as AsyncAPI, from the structs of `wire` and `events`."""

from __future__ import annotations

import inspect
from typing import Any, get_args

import msgspec

from tmuxpulse.events import DATA_TYPES, Custom, Data
from tmuxpulse.wire import PROTOCOL_VERSION, AnyCommand, AnyReply, AnyRequest, codec

SCHEMA_FILE = "tmuxpulse-v1.schema.json"
ASYNCAPI_FILE = "tmuxpulse-v1.asyncapi.json"
CUSTOM = "custom.*"
Json = dict[str, Any]


def event_name(data: type[Data]) -> str:
    """What the schema calls the whole event that has such data."""
    return f"{data.__name__}Event"


def json_schema() -> Json:
    """All messages, in both directions; what is on the top level matches any one of them."""
    requests, commands, replies = (get_args(one) for one in (AnyRequest, AnyCommand, AnyReply))
    kinds = [*requests, *commands, *replies, *DATA_TYPES, codec.WireEvent]
    _, found = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    definitions: Json = {name: _tidy(one) for name, one in found.items()}
    envelope = definitions.pop("WireEvent")
    for data in DATA_TYPES:
        definitions[event_name(data)] = _event(
            envelope, {"const": data.type}, {"$ref": f"#/$defs/{data.__name__}"}, data
        )
    named = {"type": "string", "pattern": r"^custom\."}
    definitions[event_name(Custom)] = _event(envelope, named, {"type": "object"}, Custom)
    sides = {
        "FromClient": [*(one.__name__ for one in requests), *(one.__name__ for one in commands)],
        "FromServer": [
            *(one.__name__ for one in replies),
            *map(event_name, DATA_TYPES),
            event_name(Custom),
        ],
    }
    for side, names in sides.items():
        definitions[side] = {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in names]}
    # Within a batch its commands need no action; a message without one is refused.
    for name in (one.__name__ for one in commands):
        alone = {"allOf": [{"$ref": f"#/$defs/{name}"}, {"required": ["action"]}]}
        at = definitions["FromClient"]["anyOf"].index({"$ref": f"#/$defs/{name}"})
        definitions["FromClient"]["anyOf"][at] = alone
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"tmuxpulse protocol, version {PROTOCOL_VERSION}",
        "anyOf": [{"$ref": f"#/$defs/{side}"} for side in sides],
        "$defs": dict(sorted(definitions.items())),
    }


def asyncapi() -> Json:
    """The same as an AsyncAPI document, which refers to the schema beside it."""
    schema = json_schema()["$defs"]
    sides = {
        side: [
            one.get("allOf", [one])[0]["$ref"].rpartition("/")[2] for one in schema[side]["anyOf"]
        ]
        for side in ("FromClient", "FromServer")
    }
    messages = {
        name: {
            "name": name,
            "summary": schema[name].get("description", name),
            "contentType": "application/json",
            "payload": {
                "schemaFormat": "application/schema+json;version=draft-2020-12",
                "schema": {"$ref": f"./{SCHEMA_FILE}#/$defs/{name}"},
            },
        }
        for names in sides.values()
        for name in names
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "tmuxpulse",
            "version": str(PROTOCOL_VERSION),
            "description": "What every pane of every tmux session is doing, as a stream.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {
                "host": "127.0.0.1:8765",
                "protocol": "ws",
                "security": [{"$ref": "#/components/securitySchemes/token"}],
            }
        },
        "channels": {
            "monitor": {
                "address": "/monitor",
                "messages": {
                    name: {"$ref": f"#/components/messages/{name}"} for name in sorted(messages)
                },
            }
        },
        "operations": {
            operation: {
                "action": action,
                "channel": {"$ref": "#/channels/monitor"},
                "messages": [{"$ref": f"#/channels/monitor/messages/{name}"} for name in names],
            }
            for operation, action, names in (
                ("ask", "receive", sides["FromClient"]),  # as seen from the server
                ("tell", "send", sides["FromServer"]),
            )
        },
        "components": {
            "messages": dict(sorted(messages.items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _event(envelope: Json, name: Json, data: Json, described: type[Data]) -> Json:
    properties = envelope["properties"] | {"type": name, "data": data}
    text = inspect.cleandoc(described.__doc__ or "").split("\n\n", maxsplit=1)[0]
    return {
        "type": "object",
        "description": " ".join(text.split()),
        "properties": properties,
        "required": ["type", "seq", "timestamp", "data"],
    }


def _tidy(found: Json) -> Json:
    """A definition with its description in one line: how docstrings are indented varies."""
    text = inspect.cleandoc(found.get("description", ""))
    first = " ".join(text.split("\n\n", maxsplit=1)[0].split())
    tidied = {key: value for key, value in found.items() if key not in ("title", "description")}
    return ({"description": first} if first else {}) | tidied
