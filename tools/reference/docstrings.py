"""Docstrings in Google's style to Markdown."""

from __future__ import annotations

import inspect
import re

import msgspec

_SECTION = re.compile(r"^(Args|Attributes|Raises|Returns|Yields):$")
_ENTRY = re.compile(r"^    (\S[^:]*): ?(.*)$")
_CODE = re.compile(r"``([^`]+)``")


class Described(msgspec.Struct, frozen=True):
    """A docstring in its parts, as Markdown.

    Attributes:
        summary: its first paragraph.
        body: further paragraphs.
        attributes: texts by name, from `Attributes` and `Args`.
        raises: texts by the name of the error.
        returns: what is given.
    """

    summary: str
    body: str = ""
    attributes: dict[str, str] = {}
    raises: dict[str, str] = {}
    returns: str = ""


def described(thing: object) -> Described:
    """The docstring of a class or function itself, not one that it inherits."""
    own = thing.__dict__.get("__doc__") if isinstance(thing, type) else thing.__doc__
    return parse(own or "")


def parse(docstring: str) -> Described:
    """Take a docstring apart."""
    sections: dict[str, list[str]] = {"": []}
    current = ""
    for line in inspect.cleandoc(docstring).splitlines():
        head = _SECTION.match(line)
        if head:
            current = head[1]
            sections[current] = []
        elif current and line and not line.startswith(" "):
            current = ""
            sections[""].append(line)
        else:
            sections[current].append(line)
    paragraphs = "\n".join(sections[""]).strip().split("\n\n")
    return Described(
        summary=_flowing(paragraphs[0]),
        body="\n\n".join(map(_paragraph, paragraphs[1:])),
        attributes=_entries(sections.get("Attributes", [])) | _entries(sections.get("Args", [])),
        raises=_entries(sections.get("Raises", [])),
        returns=_flowing("\n".join(sections.get("Returns", sections.get("Yields", [])))),
    )


def markdown(text: str) -> str:
    """Inline code as Markdown writes it."""
    return _CODE.sub(r"`\1`", text)


def cell(text: str) -> str:
    """A text that fits into a cell of a table."""
    return markdown(" ".join(text.split())).replace("|", r"\|")


def _entries(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in lines:
        entry = _ENTRY.match(line)
        if entry and not line.startswith("     "):
            name = entry[1]
            found[name] = entry[2]
        elif name:
            found[name] += f" {line.strip()}"
    return {name: _flowing(text) for name, text in found.items()}


def _flowing(text: str) -> str:
    return markdown(" ".join(text.split()))


def _paragraph(text: str) -> str:
    if text.startswith("    "):
        return f"```text\n{inspect.cleandoc(text)}\n```"
    return _flowing(text)
