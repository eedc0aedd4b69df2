"""Whether what a page shows of settings, rules and messages is what the program takes."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from tests.docs.blocks import Block
from tmuxpulse.collect.rulebook import read_rules
from tmuxpulse.config.layers import SettingsError, load_settings
from tmuxpulse.errors import RequestError
from tmuxpulse.wire import decode_message, decode_request

OURS = "pipe."  # lines that `tmuxpulse pipe` adds to the protocol


def complaint(block: Block, folder: Path) -> str | None:
    """What is wrong with a block; None: nothing."""
    if block.language == "toml":
        return _settings(block.text, folder)
    try:
        found = _objects(block.text)
    except ValueError as error:
        return f"not JSON: {error}"
    return next((words for words in map(_message, found) if words), None)


def _objects(text: str) -> list[object]:
    """One value, or one on each line."""
    try:
        return [json.loads(text)]
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]


def _message(found: object) -> str | None:
    if not isinstance(found, dict):
        return None
    text = json.dumps(found)
    try:
        if "action" in found and "n" not in found:  # a line of the audit log has both
            decode_request(text)
        elif str(found.get("type", OURS)).startswith(OURS):
            return None
        elif "jsonrpc" not in found and decode_message(text) is None:
            return f"there is no message of the type {found['type']}"
    except (RequestError, msgspec.DecodeError) as error:
        return str(error)
    return None


def _settings(text: str, folder: Path) -> str | None:
    if "family" in text:
        rules = folder / "rules"
        rules.mkdir(exist_ok=True)
        (rules / "page.toml").write_text(text, encoding="utf-8")
        complaints = read_rules(str(rules))[1]
        return str(complaints[0]) if complaints else None
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    try:
        load_settings(file, environ={})
    except SettingsError as error:
        return str(error)
    return None
