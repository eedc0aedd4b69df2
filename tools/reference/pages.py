"""Which pages are made, and whether those that are there are up to date."""

from __future__ import annotations

import json
import re
from typing import Any

from tmuxpulse.config.words import reference as settings_reference
from tools.reference import commands, events, index, javascript_api, protocol, python_api, schema
from tools.reference.index import DOCS

SETTINGS_HEAD = "What follows is made from the program itself.\n"


def made() -> dict[str, str]:
    """Every page that follows from the code, by its path below the folder of all pages."""
    found = {
        f"reference/schema/{schema.SCHEMA_FILE}": _json(schema.json_schema()),
        f"reference/schema/{schema.ASYNCAPI_FILE}": _json(schema.asyncapi()),
        "reference/protocol.md": protocol.page(),
        "reference/events.md": events.page(),
        "reference/commands.md": commands.page(),
        "reference/python-api.md": python_api.page(),
        "reference/configuration.md": _settings(),
    }
    if javascript_api.SOURCE.exists():
        text = javascript_api.SOURCE.read_text(encoding="utf-8")
        found["reference/javascript-api.md"] = javascript_api.page(text)
    found["README.md"] = index.page()
    return found


def outdated(pages: dict[str, str]) -> list[str]:
    """Those of them that are not there, or are otherwise."""
    return [
        name
        for name, text in pages.items()
        if not (DOCS / name).exists() or (DOCS / name).read_text(encoding="utf-8") != text
    ]


def _settings() -> str:
    """The page of settings: what was written by hand stays, the tables below it are made."""
    page = (DOCS / "reference" / "configuration.md").read_text(encoding="utf-8")
    head = page.partition(SETTINGS_HEAD)[0]
    return f"{head}{SETTINGS_HEAD}\n{settings_reference().strip()}\n"


def _json(found: dict[str, Any]) -> str:
    text = json.dumps(found, indent=1, ensure_ascii=False)
    # Short lists and objects stand on one line: a change of one field is a change of one line.
    return re.sub(r"([\[{])\n\s+([^\[\]{}]{1,80}?)\n\s+([\]}])", _joined, text) + "\n"


def _joined(found: re.Match[str]) -> str:
    inner = re.sub(r",\s+", ", ", found[2])
    return f"{found[1]}{inner}{found[3]}"
