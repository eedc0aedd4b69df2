"""Tables of fields, from definitions of the JSON Schema and docstrings."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tools.reference.docstrings import Described, cell

Json = dict[str, Any]
OMITTED = ("id", "action", "type", "command")  # told once for all
_BOUNDS = (("minimum", "at least"), ("maximum", "at most"), ("maxLength", "at most"))


def fields(definition: Json, text: Described, *, omit: Iterable[str] = ()) -> list[str]:
    """The lines of a table; none when there are no fields to tell of."""
    rows = [
        f"| `{name}` | {kind(found)} | {_default(name, found, definition)}"
        f" | {cell(text.attributes.get(_attribute(name, text), ''))} |"
        for name, found in definition.get("properties", {}).items()
        if name not in omit
    ]
    return ["| field | type | default | |", "|---|---|---|---|", *rows] if rows else []


def kind(found: Json) -> str:
    """What a value may be, in words."""
    if "$ref" in found:
        name = found["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in found:
        return ", ".join(f"`{one}`" for one in found["enum"])
    if "anyOf" in found:
        kinds = [kind(one) for one in found["anyOf"]]
        if all("$ref" in one for one in found["anyOf"]):
            return f"one of {', '.join(kinds)}"
        return " or ".join(kinds)
    return _plain(found)


def _plain(found: Json) -> str:
    word = found.get("type", "anything")
    inner = found.get("items") or found.get("additionalProperties")
    if word == "array":
        if found.get("maxItems") == 0:
            return "list, always empty"
        return f"list of {kind(inner) if inner else 'anything'}"
    if word == "object":
        return f"object of {kind(inner)}" if isinstance(inner, dict) and inner else "object"
    extra = [f"{words} {found[key]}" for key, words in _BOUNDS if key in found]
    if "maxLength" in found:
        extra[-1] += " characters"
    if "contentEncoding" in found:
        extra.append(str(found["contentEncoding"]))
    return ", ".join([str(word), *extra])


def _default(name: str, found: Json, definition: Json) -> str:
    if name in definition.get("required", ()):
        return "required"
    if "default" not in found:
        return "left out"
    value = found["default"]
    if isinstance(value, dict):
        return "`{}`"
    return f"`{json.dumps(value)}`"


def _attribute(name: str, text: Described) -> str:
    """A field whose name is a keyword of Python's has another one there."""
    return name if name in text.attributes else f"{name}_seq"
