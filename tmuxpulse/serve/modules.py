"""ES modules as one: a module with all that it imports, so that a browser asks for one file.

It is no bundler. Each module's text stays as it is, line by line, in a function of its own that
gives what the module exports; a source map says where each stood. What the page is written in is
all it knows: ``import {..} from``, ``import * as .. from``, ``export {..} from``, and ``export``
before ``const``, ``function`` and ``class``, each at the beginning of a line. Whatever else would
behave in another way than in the browser raises `CannotJoin`: a name that is not exported, modules
in a circle, a binding that changes, an import while it runs.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

import msgspec

# Each begins with the end of the line before, which is what makes the search quick.
IMPORT = re.compile(r'\n(import|export) (?:\* as (\w+)|\{([^}]*)\}) from "(\.\.?/[^"]+)";')
EXPORT = re.compile(r"\nexport (?=(?:const|class|(?:async )?function\*?) (\w+)\b)")
OTHER = re.compile(r"\n((?:import|export|await)\b.*)")
WHILE_IT_RUNS = ("import(", "import.meta")


class CannotJoin(ValueError):  # says what is so
    """A module is written in a way that is not known here; the text says which, and what."""


class _Joined:
    """The modules so far, each after those that it imports."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.blocks: dict[str, str] = {}
        self._texts = texts
        self._exports: dict[str, frozenset[str]] = {}
        self._begun: list[str] = []

    def add(self, path: str) -> None:
        """Add a module, after what it imports."""
        if path in self._exports:
            return
        if path in self._begun or path not in self._texts:
            why = "imports itself" if path in self._begun else "is not there"
            raise CannotJoin(f"{path} {why}: {' -> '.join([*self._begun, path])}")
        self._begun.append(path)
        given: dict[str, str] = {}  # what it exports: the name outside, the name inside

        def exported(found: re.Match[str]) -> str:
            given[found[1]] = found[1]
            return "\n"

        text = "\n" + self._texts[path]
        text = IMPORT.sub(lambda found: self._imported(path, found, given), text)
        text = EXPORT.sub(exported, text)
        _look_for_others(path, text)
        self._begun.pop()
        self._exports[path] = frozenset(given)
        inside = ", ".join(f"{name}: {value}" for name, value in given.items())
        end = "" if text.endswith("\n") else "\n"
        head = f"const {_name(path)} = (() => {{ // {path}\n"
        self.blocks[path] = (
            f"{head}{text[1:]}{end}return {{ __proto__: null, {inside} }};\n}})();\n"
        )

    def _imported(self, path: str, found: re.Match[str], given: dict[str, str]) -> str:
        """Add what a module imports, and give what stands in the place of the statement."""
        word, whole, names, where = found.groups()
        other = posixpath.normpath(posixpath.join(posixpath.dirname(path), where))
        self.add(other)
        lines = "\n" * (found[0].count("\n") - 1)  # so that each line stays where it is
        if whole:
            return f"\nconst {whole} = {_name(other)};{lines}"
        pairs = [_pair(one) for one in (names or "").split(",") if one.strip()]
        for name, _ in pairs:
            if name not in self._exports[other]:
                raise CannotJoin(f"{path} imports {name}, which {other} does not export")
        if word == "export":
            given.update((new, f"{_name(other)}.{name}") for name, new in pairs)
            return f"\n{lines}"
        taken = ", ".join(name if name == new else f"{name}: {new}" for name, new in pairs)
        return f"\nconst {{ {taken} }} = {_name(other)};{lines}"


def _look_for_others(path: str, text: str) -> None:
    """Refuse what is left of a module's imports and exports; the text begins with a new line."""
    if other := OTHER.search(text):
        line = text.count("\n", 0, other.start(1))
        raise CannotJoin(f"{path}:{line}: {other[1]}")
    if found := next((one for one in WHILE_IT_RUNS if one in text), None):
        raise CannotJoin(f"{path} has {found}")


def join_modules(texts: Mapping[str, str], entry: str) -> tuple[str, str]:
    """Join a module and those that it imports, directly or not.

    Args:
        texts: path to text, such as ``app.js`` and ``client/core.js``.
        entry: the path of the one that runs.

    Returns:
        The joined module, and its source map, which has the place ``<entry>.map``.

    Raises:
        CannotJoin: it would not be the same program.
    """
    joined = _Joined(texts)
    joined.add(entry)
    sections = []
    line = 0
    for path, block in joined.blocks.items():
        source = texts[path]
        lines = source.count("\n") + 1
        sections.append(
            {
                "offset": {"line": line + 1, "column": 0},
                "map": {
                    "version": 3,
                    "sources": [f"modules/{path}"],
                    "sourcesContent": [source],
                    "names": [],
                    "mappings": ";".join(["AAAA", *["AACA"] * (lines - 1)]),  # line by line
                },
            }
        )
        line += block.count("\n")
    note = f"//# sourceMappingURL={posixpath.basename(entry)}.map\n"
    whole = {"version": 3, "sections": sections}
    return "".join(joined.blocks.values()) + note, msgspec.json.encode(whole).decode()


def _pair(text: str) -> tuple[str, str]:
    name, _, other = text.strip().partition(" as ")
    return name, other or name


def _name(path: str) -> str:
    return "$" + re.sub(r"\W", "_", path.removesuffix(".js"))
