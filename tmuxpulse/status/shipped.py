"""The rules that come with the package, as name and text.

They are package data and are read from wherever the package is, a zip file included.
"""

from __future__ import annotations

from importlib import resources
from typing import Final

FILES: Final = (
    "aider",
    "builds",
    "claude",
    "codex",
    "copilot",
    "cursor",
    "databases",
    "debuggers",
    "dialogs",
    "editors",
    "followers",
    "gemini",
    "general",
    "git",
    "lineless",
    "monitors",
    "opencode",
    "packages",
    "pagers",
    "qwen",
    "remote",
    "repls",
    "servers",
    "shells",
    "ssh-sudo",
    "tests",
    "traces",
    "viewers",
    "watchers",
)


def shipped() -> list[tuple[str, str]]:
    """Read the shipped rule files."""
    folder = resources.files("tmuxpulse.status") / "rules"
    return [
        (f"{name}.toml", folder.joinpath(f"{name}.toml").read_text(encoding="utf-8"))
        for name in FILES
    ]
