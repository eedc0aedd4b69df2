"""The page of the Python API, from signatures and docstrings."""

from __future__ import annotations

import inspect
import re

import tmuxpulse
from tmuxpulse import errors, events
from tmuxpulse.client.async_monitor import AsyncEvents, AsyncMonitor
from tmuxpulse.client.blocking import Events
from tmuxpulse.client.core import State
from tmuxpulse.client.questions import Filters
from tmuxpulse.client.questions import Place as Where
from tools.reference.docstrings import Described, cell, described

HEAD = """\
# The Python API

<!-- Made by `make reference` from docstrings. Not to be edited by hand. -->

What to do with it is in [the Python client](python.md). Filters are keyword arguments: `types`, `sessions`,
`windows`, `panes`, `statuses`, `severity`, `contains`, each a text or a list of texts. Places are keyword
arguments, too: `server`, `session`, `window`, `pane`. The structs that come in `Event.data` are those of
[the events](events.md), by the name of their class in `tmuxpulse.events`; those of requests and replies are in
`tmuxpulse.wire`, as in [the protocol](protocol.md).
"""
# What a class inherits and a program does not call; what a face of an event loop does for itself.
INSIDE = frozenset({"next_event", "until", "go_on", "let_others_run", "run", "end", "is_open"})
GROUPS: tuple[tuple[str, tuple[object, ...]], ...] = (
    ("Ways in", (tmuxpulse.connect, tmuxpulse.connect_trio, tmuxpulse.connect_asyncio)),
    ("For ordinary scripts", (tmuxpulse.Monitor, Events)),
    ("For trio and asyncio", (AsyncMonitor, AsyncEvents)),
    ("What comes", (tmuxpulse.Event, events.Place, tmuxpulse.Gap, tmuxpulse.Restarted, State)),
    ("Keyword arguments", (Filters, Where)),
)


def page() -> str:
    """The whole page."""
    lines = [HEAD]
    for title, things in GROUPS:
        lines += [f"## {title}", ""]
        for thing in things:
            lines += _class(thing) if isinstance(thing, type) else _function(thing, "###")
    lines += [
        "## Errors",
        "",
        "In `tmuxpulse.errors`; each with one line that says what to do.",
        "",
    ]
    lines += ["| error | is a | exit code | |", "|---|---|---|---|"]
    lines += [
        f"| `{one.__name__}` | `{one.__mro__[1].__name__}` | {one.exit_code}"
        f" | {cell(described(one).summary)} |"
        for one in every_error()
    ]
    return "\n".join(lines).rstrip() + "\n"


def every_error() -> list[type[errors.TmuxpulseError]]:
    """All of the package's own, the base first, in the order of the module."""
    return [
        one
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, errors.TmuxpulseError)
    ]


def signature(function: object) -> str:
    """What follows the name, without what the reader need not know."""
    assert callable(function)
    found = inspect.signature(function)
    parts: list[str] = []
    starred = False
    for one in found.parameters.values():
        if one.name == "self":
            continue
        if one.kind is one.KEYWORD_ONLY and not starred:
            parts.append("*")
            starred = True
        text = f"{'**' if one.kind is one.VAR_KEYWORD else ''}{one.name}"
        if one.annotation is not one.empty:
            text += f": {_annotation(one.annotation)}"
        if one.default is not one.empty:
            text += f" = {one.default!r}"
        parts.append(text)
    gives = found.return_annotation
    return f"({', '.join(parts)})" + (
        "" if gives in (found.empty, "None") else f" -> {_annotation(gives)}"
    )


def _annotation(found: object) -> str:
    return str(found).replace("questions.", "").replace("Unpack[Place]", "Place")


def _class(kind: type) -> list[str]:
    text = described(kind)
    lines = [f"### {kind.__name__}", "", text.summary, ""]
    lines += [text.body, ""] if text.body else []
    lines += _table("attribute", text.attributes)
    for name, member in vars(kind).items():
        if name.startswith("_") or name in INSIDE:
            continue
        if isinstance(member, property):
            if name not in text.attributes:
                about = described(member)
                lines += [f"#### {kind.__name__}.{name}", "", about.summary, ""]
        elif inspect.isfunction(member):
            lines += _function(member, "####", owner=f"{kind.__name__}.")
    return lines


def _function(function: object, level: str, owner: str = "") -> list[str]:
    name = getattr(function, "__name__", "")
    unwrapped = inspect.unwrap(function)  # type: ignore[arg-type]  # a function, as the caller knows
    awaited = "await " if inspect.iscoroutinefunction(unwrapped) else ""
    shown = signature(unwrapped)
    if unwrapped is not function and inspect.isasyncgenfunction(unwrapped):  # a context manager
        awaited = "async with "
        shown = re.sub(r"AsyncIterator\[(\w+)\]$", r"\1", shown)
    text = described(function)
    lines = [f"{level} {owner}{name}", "", f"`{awaited}{name}{shown}`", ""]
    lines += [text.summary, ""] + ([text.body, ""] if text.body else [])
    lines += _table("argument", text.attributes)
    return lines + _outcome(text)


def _outcome(text: Described) -> list[str]:
    lines = [f"Gives: {text.returns}", ""] if text.returns else []
    return lines + _table("raises", text.raises)


def _table(what: str, entries: dict[str, str]) -> list[str]:
    if not entries:
        return []
    rows = [f"| `{name}` | {cell(words)} |" for name, words in entries.items()]
    return [f"| {what} | |", "|---|---|", *rows, ""]
