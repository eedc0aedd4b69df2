"""What hooks say, and what they do not give away."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.agent_hooks.meaning import AGENT_TYPES, MAX_NAME, meaning


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ({"hook_event_name": "SessionStart", "source": "startup"}, "ready: its session begins"),
        ({"hook_event_name": "SessionStart", "source": "compact"}, None),
        ({"hook_event_name": "UserPromptSubmit", "prompt": "S"}, "busy: works on a prompt"),
        ({"hook_event_name": "PreToolUse", "tool_name": "Bash"}, "busy: uses Bash"),
        ({"hook_event_name": "PreToolUse", "tool_name": "{x}\x1b[m"}, "busy: uses {x}[m"),
        ({"hook_event_name": "PreToolUse", "tool_name": 3}, "busy: uses a tool"),
        (
            {"hook_event_name": "PreToolUse", "tool_name": "AskUserQuestion"},
            "waiting: asks a question",
        ),
        (
            {"hook_event_name": "PermissionRequest", "tool_name": "ExitPlanMode"},
            "waiting: shows a plan",
        ),
        ({"hook_event_name": "PostToolUse", "tool_name": "Edit"}, "busy: has used Edit"),
        (
            {"hook_event_name": "PermissionRequest", "tool_name": "Bash"},
            "waiting: wants a permission for Bash",
        ),
        (
            {"hook_event_name": "Notification", "notification_type": "permission_prompt"},
            "waiting: wants a permission",
        ),
        (
            {"hook_event_name": "Notification", "notification_type": "idle_prompt"},
            "ready: waits for a prompt",
        ),
        ({"hook_event_name": "Notification", "notification_type": "auth_success"}, None),
        (
            {
                "hook_event_name": "Notification",
                "message": "Claude needs your permission to use Bash",
            },
            "waiting: wants a permission",
        ),
        (
            {"hook_event_name": "Notification", "message": "Claude is waiting for your input"},
            "ready: waits for a prompt",
        ),
        ({"hook_event_name": "Notification"}, None),
        ({"hook_event_name": "Stop"}, "ready: has finished its turn"),
        ({"hook_event_name": "SubagentStop"}, None),
        ({"hook_event_name": "SessionEnd"}, None),
        ({"hook_event_name": ["Stop"]}, None),
        ({}, None),
    ],
)
def test_claude_code(event: dict[str, object], told: str | None) -> None:
    found = meaning("claude-code", event)
    assert (found and f"{found.status}: {found.reason}") == told


def test_codex() -> None:
    found = meaning("codex", {"type": "agent-turn-complete", "last-assistant-message": "SECRET"})
    assert found is not None
    assert (found.status, found.reason) == ("ready", "has finished its turn")
    assert meaning("codex", {"type": "else"}) is None


@settings(max_examples=100)
@given(
    st.sampled_from(list(AGENT_TYPES)),
    st.dictionaries(
        st.sampled_from(["hook_event_name", "type", "tool_name", "notification_type", "message"]),
        st.sampled_from(["PreToolUse", "Notification", "Stop"])
        | st.text(max_size=200)
        | st.none()
        | st.lists(st.integers(), max_size=2),
    ),
)
def test_whatever_comes(program: str, event: dict[str, object]) -> None:
    found = meaning(program, event)
    if found is not None:
        assert found.reason.isprintable()
        assert len(found.reason) <= MAX_NAME + len("wants a permission for ")
