"""The page of the JavaScript API, from a declaration file of TypeScript."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

SOURCE = Path(__file__).parents[2] / "web" / "client.d.ts"
HEAD = """\
# The JavaScript API

<!-- Made by `make reference` from web/client.d.ts. Not to be edited by hand. -->
"""
_DECLARATION = re.compile(
    r"^export (?:declare )?(?:default )?(?:abstract )?(?:async )?"
    r"(?:class|function|interface|type|const|enum) (\w+)"
)
_COMMENT_LINE = re.compile(r"^\s*(?:/\*\*|\*/|\*)? ?")


class Declaration(msgspec.Struct, frozen=True):
    """What a module exports, with what was written above it."""

    name: str
    comment: str
    code: str


def page(text: str) -> str:
    """The whole page, from the text of the file."""
    lines = [HEAD]
    for one in declarations(text):
        lines += [f"## {one.name}", ""]
        lines += [one.comment, ""] if one.comment else []
        lines += ["```ts", one.code, "```", ""]
    return "\n".join(lines).rstrip() + "\n"


def declarations(text: str) -> list[Declaration]:
    """Everything that is exported, in order; overloads of a function are together."""
    found: list[Declaration] = []
    comment: list[str] = []
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.startswith("/**"):
            end = next(number for number in range(at, len(lines)) if "*/" in lines[number])
            comment = lines[at : end + 1]
            at = end + 1
            continue
        head = _DECLARATION.match(line)
        if head:
            end = _end(lines, at)
            code = "\n".join(lines[at : end + 1])
            if found and found[-1].name == head[1]:
                before = found.pop()
                code, comment = f"{before.code}\n{code}", [before.comment]
            found.append(Declaration(head[1], _prose(comment), code))
            at, comment = end + 1, []
            continue
        if line.strip():
            comment = []
        at += 1
    return found


def _end(lines: list[str], start: int) -> int:
    """The last line of a declaration: where its brackets are closed again."""
    depth = 0
    inside_comment = False
    for number in range(start, len(lines)):
        line = re.sub(r"//.*|\"[^\"]*\"|'[^']*'|/\*.*?\*/", "", lines[number])
        if inside_comment:
            inside_comment = "*/" not in line
            continue
        if "/*" in line:
            inside_comment = True
            continue
        depth += sum(line.count(one) for one in "{([") - sum(line.count(one) for one in "})]")
        if depth <= 0 and line.rstrip().endswith((";", "}")):
            return number
    return len(lines) - 1


def _prose(comment: list[str]) -> str:
    lines = [_COMMENT_LINE.sub("", line).replace("*/", "").rstrip() for line in comment]
    return "\n".join(lines).strip()
