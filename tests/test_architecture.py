"""Imports go down only, and pure modules stay pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "tmuxpulse"

# What each room may import of the package, besides itself. Top to bottom.
MAY_IMPORT = {
    "cli": {
        "serve", "client", "hub", "collect", "history", "recording", "status", "redaction", "tmux",
        "agent_hooks", "config", "filters", "wire", "events", "styles", "errors",
    },
    "hooks": {"client", "collect", "config", "errors"},
    "compat": {"client", "collect", "tmux", "config", "wire", "errors"},
    "serve": {
        "hub", "collect", "history", "tmux", "config", "filters", "wire", "events", "styles",
        "errors",
    },
    "agent_hooks": {"events", "errors"},
    "client": {"config", "filters", "wire", "events", "errors"},
    "collect": {
        "hub", "status", "redaction", "tmux", "config", "filters", "wire", "events", "styles",
        "errors",
    },
    "hub": {"tmux", "filters", "wire", "events", "errors"},
    "history": {"filters", "wire", "events", "errors"},
    "recording": {"hub", "tmux", "config", "filters", "wire", "events", "errors"},
    "status": {"tmux", "events", "errors"},
    "redaction": {"errors"},
    "tmux": {"events", "styles", "errors"},
    "config": {"errors"},
    "wire": {"filters", "events", "styles", "errors"},
    "filters": {"events", "errors"},
    "events": set(),
    "styles": set(),
    "errors": set(),
}  # fmt: skip
# The package itself (its version) and its start may be known to everybody.
ANYBODY = {"tmuxpulse", "__main__"}
PURE = {"redaction", "tmux", "status", "filters", "wire", "events", "styles", "errors"}
IMPURE_MODULES = {
    "asyncio", "os", "pathlib", "random", "secrets", "select", "selectors", "signal", "socket",
    "subprocess", "sys", "threading", "time", "trio", "trio_util",
}  # fmt: skip
CLOCKS = {"now", "utcnow", "today", "time", "monotonic", "perf_counter"}


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "tmuxpulse"


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield from (
                (node.lineno, f"tmuxpulse.{alias.name}" if module == "tmuxpulse" else module)
                for alias in node.names
            )


def complaints(room: str, source: str) -> list[str]:
    """What is wrong with a module's imports, each with its line."""
    tree = ast.parse(source)
    found = []
    for line, module in imports(tree):
        top = module.split(".")[0]
        if top == "tmuxpulse":
            other = room_of(module)
            known = other in MAY_IMPORT
            if known and other != room and other not in MAY_IMPORT.get(room, MAY_IMPORT):
                found.append(f"line {line}: {room} imports {module}")
        elif room in PURE and top in IMPURE_MODULES:
            found.append(f"line {line}: {room} is pure and imports {module}")
    if room in PURE:
        found += [
            f"line {node.lineno}: {room} is pure and reads a clock"
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in CLOCKS
        ]
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=str)
def test_imports_go_down_only(path):
    relative = path.relative_to(PACKAGE).with_suffix("")
    room = relative.parts[0]
    if room in ANYBODY | {"__init__"}:
        return
    assert room in MAY_IMPORT, f"{room} is not in the table of this test"
    assert complaints(room, path.read_text()) == []


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("hub", "from tmuxpulse.collect.watch import ServerWatch"),
        ("client", "def f():\n    import tmuxpulse.serve.app"),
        ("events", "from tmuxpulse import wire"),
        ("tmux", "import trio"),
        ("redaction", "from tmuxpulse.tmux.text import Text"),
        ("tmux", "from os.path import join"),
        ("filters", "from datetime import datetime\nx = datetime.now()"),
    ],
)
def test_the_checker_sees_a_bad_import(room, source):
    assert complaints(room, source)


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("cli", "from tmuxpulse.serve.app import serve"),
        ("hub", "import trio"),
        ("tmux", "from tmuxpulse import events as ev"),
        ("serve", "from tmuxpulse import __version__"),
    ],
)
def test_the_checker_lets_good_imports_be(room, source):
    assert complaints(room, source) == []
