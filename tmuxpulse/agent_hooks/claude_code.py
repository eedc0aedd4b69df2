"""Claude Code's `settings.json`: our hooks in it, and everything else as it was. Pure.

`remove` undoes `install` to the byte: of what could be taken away, it takes that from which
`install` would make the text again. Hooks of one's own beside ours stay.

Events: those that tell of a change of state and that releases of 2025 know, since a release that
does not know a name ignores all of the settings. Each runs to its end before the agent goes on, so
that two reports never change places.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from tmuxpulse.agent_hooks.json_text import (
    Item,
    append,
    begin,
    items,
    member,
    parse,
    replace,
)
from tmuxpulse.agent_hooks.json_text import remove as remove_item
from tmuxpulse.agent_hooks.program import CLAUDE_CODE, claude_code_command, is_ours
from tmuxpulse.errors import UsageError

EVENTS: Final = (
    "SessionStart",
    "UserPromptSubmit",
    "PreToolUse",
    "PostToolUse",
    "PermissionRequest",
    "Notification",
    "Stop",
)
TIMEOUT_SECONDS: Final = 5  # after which Claude Code ends a hook; ours ends itself within one
NEW_FILE: Final = "{}\n"


class _Hook(msgspec.Struct, frozen=True):
    """One of our hooks, and what holds it.

    Attributes:
        array: all that is for its event.
        element: the one with the hook.
        inner: where that one's list of hooks begins.
        hook: the hook itself.
    """

    array: Item
    element: Item
    inner: int
    hook: Item


def install(text: str, where: str, program: Sequence[str]) -> str:
    """Put our hooks in, or bring them up to date.

    Args:
        text: the settings.
        where: the name of their file.
        program: how tmuxpulse is started.

    Raises:
        UsageError: the settings are not as Claude Code wants them; with the line.
    """
    _check(text, where)
    entry = _entry(program)
    for event in EVENTS:
        if not list(_ours(text, event)):
            text = _add(text, event, entry)
    for event in _events_with_ours(text):
        for number in range(len(list(_ours(text, event)))):
            hook = list(_ours(text, event))[number].hook
            if hook.value != entry["hooks"][0]:
                text = replace(text, hook, entry["hooks"][0])
    return text


def remove(text: str, where: str) -> str:
    """Take our hooks out.

    Args:
        text: the settings.
        where: the name of their file.

    Raises:
        UsageError: as `install`.
    """
    _check(text, where)
    for event in reversed(_events_with_ours(text)):
        while found := list(_ours(text, event)):
            text = _without(text, event, found[-1])
    return text


def installed(text: str, where: str) -> dict[str, str]:
    """Which command of ours runs at which event.

    Raises:
        UsageError: as `install`.
    """
    _check(text, where)
    return {
        event: ours.hook.value["command"]
        for event in _events_with_ours(text)
        for ours in _ours(text, event)
    }


def _entry(program: Sequence[str]) -> dict[str, Any]:
    command = claude_code_command(program)
    return {"hooks": [{"type": "command", "command": command, "timeout": TIMEOUT_SECONDS}]}


def _add(text: str, event: str, entry: dict[str, Any]) -> str:
    root = begin(text)
    hooks = member(text, root, "hooks")
    if hooks is None:
        return append(text, root, "hooks", {event: [entry]})
    there = member(text, hooks.at, event)
    if there is None:
        return append(text, hooks.at, event, [entry])
    return append(text, there.at, "", entry)


def _without(text: str, event: str, ours: _Hook) -> str:
    """Take one hook out, and what was made for it."""
    if len(items(text, ours.inner)) > 1:
        return remove_item(text, ours.inner, ours.hook)
    fewer = [remove_item(text, ours.array.at, ours.element)]
    if len(items(text, ours.array.at)) == 1:
        root = begin(text)
        hooks = member(text, root, "hooks")
        if hooks is not None:
            fewer.append(remove_item(text, hooks.at, ours.array))
            if len(items(text, hooks.at)) == 1:
                fewer.append(remove_item(text, root, hooks))
    made = (one for one in fewer if _add(one, event, ours.element.value) == text)
    return next(made, fewer[-1])


def _events_with_ours(text: str) -> list[str]:
    hooks = member(text, begin(text), "hooks")
    if hooks is None:
        return []
    keys = dict.fromkeys(one.key for one in items(text, hooks.at))
    return [key for key in keys if any(True for _ in _ours(text, key))]


def _ours(text: str, event: str) -> Iterator[_Hook]:
    """Our hooks at an event."""
    hooks = member(text, begin(text), "hooks")
    there = member(text, hooks.at, event) if hooks is not None else None
    if there is None:
        return
    for element in items(text, there.at):
        inner = member(text, element.at, "hooks")
        if inner is None:
            continue
        for hook in items(text, inner.at):
            if isinstance(hook.value, dict) and is_ours(CLAUDE_CODE, hook.value.get("command")):
                yield _Hook(there, element, inner.at, hook)


def _check(text: str, where: str) -> None:
    """Make sure that the parts that are read here are of the kinds they should be."""
    settings = parse(text, where)
    if not isinstance(settings, dict):
        raise _wrong(text, where, begin(text), "the settings", "an object")
    hooks = member(text, begin(text), "hooks")
    if hooks is None:
        return
    if not isinstance(hooks.value, dict):
        raise _wrong(text, where, hooks.at, "hooks", "an object")
    for event in items(text, hooks.at):
        if not isinstance(event.value, list):
            raise _wrong(text, where, event.at, f"hooks.{event.key}", "a list")
        for element in items(text, event.at):
            if not isinstance(element.value, dict):
                raise _wrong(text, where, element.at, f"hooks.{event.key}", "a list of objects")
            inner = member(text, element.at, "hooks")
            if inner is not None and not isinstance(inner.value, list):
                raise _wrong(text, where, inner.at, f"hooks.{event.key}[].hooks", "a list")


def _wrong(text: str, where: str, at: int, what: str, kind: str) -> UsageError:
    line = text.count("\n", 0, at) + 1
    return UsageError(f"{where}:{line}: {what} is not {kind}; nothing done")
