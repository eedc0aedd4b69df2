"""What an agent program's hook says about the agent: its JSON in, a status or nothing out. Pure.

Only names of tools and fixed words get into a reason: prompts, commands and answers stay where they
are. What is not known gives nothing: a wrong status is worse than none.

Claude Code tells nothing certain of itself with `SubagentStop` and `SessionEnd`: its main agent may
be at work or not, and after its end the shell's prompt tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from tmuxpulse.events import Status

MAX_NAME: Final = 60
AGENT_TYPES: Final = {"claude-code": "claude", "codex": "codex"}

# Tools that ask a person.
_ASKING: Final = {"AskUserQuestion": "asks a question", "ExitPlanMode": "shows a plan"}
_EVENTS: Final[dict[str, tuple[Status, str]]] = {
    "SessionStart": ("ready", "its session begins"),
    "UserPromptSubmit": ("busy", "works on a prompt"),
    "PreToolUse": ("busy", "uses {tool}"),
    "PostToolUse": ("busy", "has used {tool}"),
    "PermissionRequest": ("waiting", "wants a permission for {tool}"),
    "Stop": ("ready", "has finished its turn"),
}
_NOTIFICATIONS: Final[dict[str, tuple[Status, str]]] = {
    "permission_prompt": ("waiting", "wants a permission"),
    "elicitation_dialog": ("waiting", "asks for input"),
    "idle_prompt": ("ready", "waits for a prompt"),
}


class Told(msgspec.Struct, frozen=True):
    """What a hook says: what the agent does now, and why."""

    status: Status
    reason: str


def meaning(program: str, event: Mapping[str, object]) -> Told | None:
    """Say what a hook's JSON means.

    Args:
        program: one of `AGENT_TYPES`.
        event: the JSON object that the program gave.
    """
    return _claude_code(event) if program == "claude-code" else _codex(event)


def _claude_code(event: Mapping[str, object]) -> Told | None:
    name = event.get("hook_event_name")
    tool = _name(event.get("tool_name")) or "a tool"
    if name == "Notification":
        return _notification(event)
    if name == "SessionStart" and event.get("source") == "compact":
        return None  # the same turn may go on
    if name in ("PreToolUse", "PermissionRequest") and tool in _ASKING:
        return Told("waiting", _ASKING[tool])
    found = _EVENTS.get(name) if isinstance(name, str) else None
    return Told(found[0], found[1].format(tool=tool)) if found else None


def _notification(event: Mapping[str, object]) -> Told | None:
    kind = event.get("notification_type")
    if isinstance(kind, str):
        found = _NOTIFICATIONS.get(kind)
        return Told(*found) if found else None
    # Releases before 2.0.37 give its text alone.
    message = event.get("message")
    text = message.lower() if isinstance(message, str) else ""
    if "permission" in text:
        return Told(*_NOTIFICATIONS["permission_prompt"])
    if "waiting for your input" in text:
        return Told(*_NOTIFICATIONS["idle_prompt"])
    return None


def _codex(event: Mapping[str, object]) -> Told | None:
    if event.get("type") == "agent-turn-complete":
        return Told("ready", "has finished its turn")
    return None


def _name(value: object) -> str:
    """A tool's name, fit to be shown: tools of others may be called anything."""
    text = value if isinstance(value, str) else ""
    return "".join(c for c in text[: 2 * MAX_NAME] if c.isprintable())[:MAX_NAME]
