"""The security page promises nothing without a test: each row of its table names one."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "explanation" / "security.md"
NAMED = re.compile(r"`(tests/[\w/.]+\.(?:py|js))(?:::(\w+))?`")
FEWEST_ROWS = 16


def rows(text: str) -> list[list[str]]:
    """The rows of every table whose last column is called "test"."""
    found: list[list[str]] = []
    inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            inside = False
        elif cells[-1].lower() == "test":
            inside = True
        elif inside and not set(cells[0]) <= set("-: "):
            found.append(cells)
    return found


@cache
def functions(path: Path) -> frozenset[str]:
    if path.suffix != ".py" or not path.is_file():
        return frozenset()
    return frozenset(
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def complaint(row: list[str], root: Path = ROOT) -> str | None:
    """What is wrong with a row; None: all its tests exist."""
    if len(row) != 3 or not all(row):
        return f"{row[0]}: threat, defence and test are needed"
    named = NAMED.findall(row[2])
    if not named:
        return f"{row[0]}: no test is named"
    for file, name in named:
        if not (root / file).is_file():
            return f"{row[0]}: there is no {file}"
        if file.endswith(".py") and name not in functions(root / file):
            return f"{row[0]}: {file} has no {name}"
    return None


def test_the_page_has_its_table() -> None:
    assert len(rows(PAGE.read_text())) >= FEWEST_ROWS


@pytest.mark.parametrize("row", rows(PAGE.read_text()), ids=lambda row: row[0])
def test_each_threat_has_its_test(row: list[str]) -> None:
    assert complaint(row) is None


@pytest.mark.parametrize(
    "row",
    [
        ["a threat", "a defence", ""],
        ["a threat", "a defence", "we looked at it"],
        ["a threat", "a defence", "`tests/nowhere.py::test_x`"],
        ["a threat", "a defence", "`tests/test_security_page.py::test_that_is_not`"],
        ["a threat", "`tests/test_security_page.py::test_the_page_has_its_table`"],
    ],
)
def test_the_check_sees_a_row_without_one(row: list[str]) -> None:
    assert complaint(row) is not None
