"""What can be switched off: each part of the program, by name, and the setting that does it.

A part that has settings of its own has its switch among them; the others are in ``[features]``.
"""

from __future__ import annotations

from tmuxpulse.config.settings import CollectSettings, FeaturesTable, ServeSettings

# A name that clients and `doctor` see, and its setting.
FEATURES: dict[str, str] = {
    "audit": "audit.enabled",
    "history": "history.enabled",
    "history.output": "history.output",
    "redaction": "redaction.enabled",
    "tls": "server.tls_certificate",
    "unix_socket": "server.unix_socket",
    "write": "server.write",
    **{name: f"features.{name}" for name in FeaturesTable.__struct_fields__},
}
# Those that a server which runs can switch; the others wait for its next start.
AT_ONCE: frozenset[str] = frozenset(
    {"page", "commands", "emit", "recording", "hooks", "compat", "write"}
)
# What only a request by this very name of an event type could bring, or one for a status.
EVENTS_OF: dict[str, str] = {
    "agent.status": "status",
    "system.stats": "stats",
    "pane.bytes": "recording",
}
_CALLED = {
    "page": "the page is",
    "commands": "commands to panes are",
    "emit": "telling of events is",
    "status": "the status of panes is",
    "stats": "measuring what panes use is",
    "recording": "recording is",
    "hooks": "telling of a program's calls is",
    "compat": "answering in the place of tmux is",
}


def switched_on(serving: ServeSettings, collecting: CollectSettings) -> dict[str, bool]:
    """Whether each part is on, by its name."""
    server = serving.server
    return {
        "audit": serving.audit.enabled,
        "history": serving.history.enabled,
        "history.output": serving.history.enabled and serving.history.output,
        "redaction": collecting.redaction.enabled,
        "tls": bool(server.tls_certificate),
        "unix_socket": bool(serving.unix_socket),
        "write": server.write != "never" and serving.features.commands,
        **parts(serving.features),
    }


def parts(features: FeaturesTable) -> dict[str, bool]:
    """Whether each part of ``[features]`` is on, by its name."""
    return {name: getattr(features, name) for name in features.__struct_fields__}


def why_off(name: str) -> str:
    """What to do about a part of ``[features]`` that is off, in one line."""
    return f"{_CALLED[name]} off; [features] {name} = true in config.toml turns it on"
