"""Codes of errors and of closing, collected from the program's own text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "tmuxpulse"
_CODE = re.compile(r"[A-Z]{3,}(_[A-Z]+)*")
_CLOSE = re.compile(r"400\d|45\d\d|100[1-9]|101[0-5]")
# Who makes an error with a code, and whether the code may be its first argument.
_MAKERS = {"RequestError": True, "Error": False, "ServerRefused": False, "error": False}
NEVER_SENT = {1006}  # what a program is told by its library when no close frame came


def trees(*folders: str) -> Iterator[ast.Module]:
    """Each module of the package, or of some of its folders."""
    for folder in folders or ("",):
        for path in sorted((PACKAGE / folder).rglob("*.py")):
            yield ast.parse(path.read_text(encoding="utf-8"))


def error_codes() -> set[str]:
    """Every code that an `error` message, or an error of the client's, can have."""
    found: set[str] = set()
    for tree in trees():
        constants = _constants(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _name(node.func) in _MAKERS:
                given = [one.value for one in node.keywords if one.arg == "code"]
                if _MAKERS[_name(node.func)] and node.args:
                    given.append(node.args[0])
                for expression in given:
                    found |= set(_texts(expression, constants))
    return found


def close_codes() -> set[int]:
    """Every code with which the server closes a connection."""
    return {
        number
        for tree in trees("serve", "hub")
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(number := node.value.value, int)
        and _CLOSE.fullmatch(str(number))
    } - NEVER_SENT


def statuses() -> set[int]:
    """Every status with which the front door answers instead of a WebSocket or a page."""
    return {
        int(HTTPStatus[node.attr])
        for tree in trees("serve")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and _name(node.value) == "HTTPStatus"
    }


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    found: dict[str, ast.expr] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found[target.id] = node.value
                elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    names = [_name(one) for one in target.elts]
                    found |= dict(zip(names, node.value.elts, strict=False))
    return found


def _texts(expression: ast.expr, constants: dict[str, ast.expr]) -> Iterator[str]:
    for node in ast.walk(expression):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if _CODE.fullmatch(node.value):
                yield node.value
        elif isinstance(node, ast.Name) and node.id in constants:
            value = constants[node.id]
            if value is not expression and not isinstance(value, ast.Name):
                yield from _texts(value, {})


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
