"""One case: a pane of a real program, and what a careful person says it is doing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.screens.agents.terminal import Sight

HELD_OUT_OF_TEN: Final = 3  # that many in ten, by the hash of the name, are never looked at


@dataclass(frozen=True)
class Label:
    """What a person says.

    Attributes:
        status: ``busy``, ``ready``, ``waiting`` or ``error``.
        lookalike: what it resembles and is not; empty where it resembles nothing else.
        after: the case that was there before, where what is shown changes nothing.
    """

    status: str
    lookalike: str = ""
    after: str = ""


def split(name: str) -> str:
    """Say whether rules may be written from a case."""
    number = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
    return "held-out" if number % 10 < HELD_OUT_OF_TEN else "train"


def write(
    folder: Path,
    name: str,
    about: Mapping[str, str | int],
    sight: Sight,
    label: Label,
) -> None:
    """Write a case's file.

    Args:
        folder: of all cases.
        name: of this one.
        about: the program, its version, what was typed, the size.
        sight: what was there.
        label: what it means.
    """
    rows = list(sight.rows)
    while rows and not rows[-1]:
        rows.pop()
    values: dict[str, object] = {
        **about,
        "cursor_row": sight.cursor_row,
        "cursor_column": sight.cursor_column,
        "alternate": sight.alternate,
        "title": sight.title,
        "foreground": sight.foreground,
        "children": list(sight.children),
        "signals": [dict(signal) for signal in sight.signals],
        "status": label.status,
        "errors": [],
        "lookalike": label.lookalike,
        "after": label.after,
        "split": split(name),
    }
    lines = [f"{key} = {_toml(value)}" for key, value in values.items()]
    text = "\n".join(row.replace("\\", "\\\\").replace('"""', '\\"""') for row in rows)
    folder.mkdir(parents=True, exist_ok=True)
    content = "\n".join([*lines, f'rows = """\n{text}"""\n'])
    (folder / f"{name}.toml").write_text(content, encoding="utf-8")


def _toml(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case list():
            return f"[{', '.join(_toml(item) for item in value)}]"
        case dict():
            return f"{{ {', '.join(f'{key} = {_toml(item)}' for key, item in value.items())} }}"
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
