"""Read requirements.lock: versions, hashes, and environment markers evaluated for a target.

It knows nothing of wheels and downloads nothing.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from zipapp_build import BuildError
from zipapp_build.targets import Target


@dataclass(frozen=True)
class Pin:
    """One line of the lock: a version of a project, where it is wanted, which wheels it may be."""

    project: str
    version: str
    marker: str
    hashes: frozenset[str]

    def wanted_by(self, target: Target) -> bool:
        """Tell whether any patch release of the target's Python takes this pin."""
        # pip evaluates markers for the Python it runs on (its issue 11664), so we do it.
        return not self.marker or any(
            marker_holds(self.marker, target.markers(patch)) for patch in (0, 99)
        )

    def requirement(self) -> str:
        """Return the line for pip, without the marker."""
        return " ".join(
            [
                f"{self.project}=={self.version}",
                *(f"--hash=sha256:{digest}" for digest in sorted(self.hashes)),
            ]
        )


_PIN = re.compile(
    r"(?P<project>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)"
    r"\s*(?:;\s*(?P<marker>.*?))?"
    r"(?P<hashes>(?:\s+--hash=sha256:[0-9a-f]{64})+)"
)


def read_lock(text: str) -> list[Pin]:
    """Read a lock with hashes, as uv and pip-tools write it.

    Raises:
        BuildError: a line is not a pinned version with sha256 hashes.
    """
    pins = []
    without_comments = re.sub(r"(?m)^\s*#.*$", "", text)
    for line in without_comments.replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        match = _PIN.fullmatch(line.strip())
        if match is None:
            raise BuildError(f"the lock has a line without a pin and hashes: {line.strip()[:80]}")
        hashes = frozenset(re.findall(r"sha256:([0-9a-f]{64})", match["hashes"]))
        pins.append(
            Pin(match["project"], match["version"], (match["marker"] or "").strip(), hashes)
        )
    if not pins:
        raise BuildError("the lock is empty")
    return pins


def marker_holds(marker: str, environment: Mapping[str, str]) -> bool:
    """Evaluate an environment marker (PEP 508), which reads as a Python expression.

    Raises:
        BuildError: it uses a variable or an operator not known here.
    """
    try:
        return _holds(ast.parse(marker, mode="eval").body, environment)
    except (SyntaxError, KeyError, ValueError) as error:
        raise BuildError(f"the lock has a marker not understood here: {marker}") from error


def _holds(node: ast.expr, environment: Mapping[str, str]) -> bool:
    if isinstance(node, ast.BoolOp):
        parts = [_holds(value, environment) for value in node.values]
        return all(parts) if isinstance(node.op, ast.And) else any(parts)
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        raise ValueError(ast.dump(node))
    sides = (node.left, node.comparators[0])
    left, right = (_text(side, environment) for side in sides)
    match node.ops[0]:
        case ast.In():
            return left in right
        case ast.NotIn():
            return left not in right
        case comparison if any(
            isinstance(side, ast.Name) and side.id.endswith("version") for side in sides
        ):
            return _ORDERINGS[type(comparison)](_version(left), _version(right))
        case ast.Eq():
            return left == right
        case ast.NotEq():
            return left != right
        case unknown:
            raise ValueError(ast.dump(unknown))


def _text(node: ast.expr, environment: Mapping[str, str]) -> str:
    if isinstance(node, ast.Name):
        return environment[node.id]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise ValueError(ast.dump(node))


def _version(text: str) -> tuple[int, ...]:
    numbers = [int(part) for part in text.split(".")]
    return tuple(numbers + [0] * (3 - len(numbers)))


_ORDERINGS: dict[type[ast.cmpop], Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
