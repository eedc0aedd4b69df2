"""What the pages for those who join say: names that there are, commands that are commands."""

from __future__ import annotations

import importlib
import json
import re
import shlex
from pathlib import Path

import pytest

from tmuxpulse.cli.conditions import parse
from tmuxpulse.cli.main import parser_for
from tmuxpulse.events import BY_TYPE
from tmuxpulse.wire import ACTIONS

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
NAMES = ("orchestrator.md", "migrate-asyncio-server.md")
TEXTS = {name: (PAGES / name).read_text() for name in NAMES}
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def blocks(language: str) -> list[str]:
    return [
        text for page in TEXTS.values() for kind, text in BLOCK.findall(page) if kind == language
    ]


def commands() -> list[list[str]]:
    inline = [one for page in TEXTS.values() for one in re.findall(r"`(tmuxpulse [^`]+)`", page)]
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    found = [shlex.split(line, comments=True) for line in (*inline, *lines) if line.strip()]
    return [one[1:] for one in found if len(one) > 1]


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
def test_every_command_is_one(arguments: list[str]) -> None:
    options = parser_for([arguments[0]]).parse_args(arguments)
    assert callable(options.run)
    if arguments[0] == "wait":
        for condition in options.condition:
            parse(condition)


@pytest.mark.parametrize("source", blocks("python"))
def test_every_import_works(source: str) -> None:
    compile(source, "page", "exec")
    for module, names in re.findall(r"from ([\w.]+) import \(?([\w, \n]+)\)?", source):
        for name in re.findall(r"\w+", names):
            assert hasattr(importlib.import_module(module), name), name


def test_what_is_json_is_json() -> None:
    assert [json.loads(text)["type"] for text in blocks("json")] == ["custom.task.assigned"]
    for text in TEXTS.values():
        for request in re.findall(r"`(\{\"action\".*?\})`", text):
            assert re.findall(r'"action":"(\w+)"', request)[0] in ACTIONS


def test_types_of_events_are_types() -> None:
    for line in TEXTS["migrate-asyncio-server.md"].splitlines():
        for found in re.findall(r"`((?:session|window|pane|agent)\.\w+)`", line):
            assert found in BY_TYPE


def test_pages_lead_to_files_that_there_are() -> None:
    for text in TEXTS.values():
        for link in re.findall(r"\]\(([^)#]+)", text):
            assert (PAGES / link).exists(), link
    index = (PAGES.parent / "README.md").read_text()
    assert all(f"how-to/{name}" in index for name in NAMES)
