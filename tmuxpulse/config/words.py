"""Settings in words: as lines of TOML, with what each is for."""

from __future__ import annotations

import inspect
import re

import msgspec

from tmuxpulse.config.allowed import allowed_values
from tmuxpulse.config.layers import Loaded, keys, tables
from tmuxpulse.config.settings import Settings, Table

_ATTRIBUTE = re.compile(r"    (\w+): (.*(?:\n        .*)*)")


def descriptions(kind: type[Table]) -> dict[str, str]:
    """What each key of a table is for, from its docstring."""
    documented = inspect.getdoc(kind) or ""
    _, _, attributes = documented.partition("Attributes:\n")
    return {key: " ".join(text.split()) for key, text in _ATTRIBUTE.findall(attributes)}


def summary(kind: type[Table]) -> str:
    """What a table is for, without its name."""
    first = (inspect.getdoc(kind) or "").partition("\n")[0]
    return first.partition(": ")[2].rstrip(".")


def allowed(table: str, key: str) -> str:
    """Which values a setting may have, where that is not any: ``never, local, anywhere``."""
    for at_table, at_key, kind in keys():
        if (at_table, at_key) != (table, key):
            continue
        if allowed_values(kind):
            return allowed_values(kind)
        for meta in getattr(kind, "__metadata__", ()):
            low, high = (next((n for n in pair if n is not None), None) for pair in _bounds(meta))
            if low is not None and high is not None:
                return f"{low} to {high}"
    return ""


def _bounds(meta: msgspec.Meta) -> tuple[tuple[object, ...], tuple[object, ...]]:
    return (meta.ge, meta.gt), (meta.le, meta.lt)


def toml_value(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, tuple | list):
        return f"[{', '.join(toml_value(one) for one in value)}]"
    if isinstance(value, msgspec.Struct):
        pairs = ((key, getattr(value, key)) for key in value.__struct_fields__)
        return f"{{ {', '.join(f'{key} = {toml_value(one)}' for key, one in pairs)} }}"
    return msgspec.json.encode(value).decode()


def as_toml(loaded: Loaded) -> str:
    """Every setting in force, and where it comes from."""
    lines: list[str] = []
    for table in tables():
        lines += [f"[{table}]"]
        values = getattr(loaded.settings, table)
        for key in values.__struct_fields__:
            origin = loaded.origins[f"{table}.{key}"]
            lines.append(f"{key} = {toml_value(getattr(values, key))}  # {origin}")
        lines.append("")
    return "\n".join(lines)


def template() -> str:
    """A file in which every setting stands at its default, switched off by a ``#``."""
    defaults = Settings()
    lines = ["# tmuxpulse: take the # from what you want to change.", ""]
    for table, kind in tables().items():
        lines += [f"# {summary(kind).replace('`', '')}", f"[{table}]"]
        for key, text in descriptions(kind).items():
            value = toml_value(getattr(getattr(defaults, table), key))
            choice = f" ({allowed(table, key)})" if allowed(table, key) else ""
            lines += ["", f"# {text.replace('``', '')}{choice}", f"#{key} = {value}"]
        lines.append("")
    return "\n".join(lines)


def reference() -> str:
    """Every setting as a Markdown table."""
    defaults = Settings()
    lines: list[str] = []
    for table, kind in tables().items():
        lines += [f"## `[{table}]`: {summary(kind)}", ""]
        lines += ["| key | default | values | what it is |", "|---|---|---|---|"]
        for key, text in descriptions(kind).items():
            value = toml_value(getattr(getattr(defaults, table), key))
            cells = (f"`{key}`", f"`{value}`", allowed(table, key), text.replace("``", "`"))
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)
