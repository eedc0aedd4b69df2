"""Fenced blocks of Markdown pages, and what comments above them say about running them. Pure.

A comment stands directly above the block, or above another such comment:

    <!-- not run: needs another machine -->    or a terminal, and the test that types it there
    <!-- exits: 5 -->                      its exit code, where that is not 0
    <!-- until: waiting -->                it goes on for ever: Ctrl-C once it printed this (a
                                           regular expression); then 130 is as good as 0
    <!-- meanwhile: agent-turns %0 -->     a command that is run again and again beside it (this
                                           one: an agent in the pane %0 works and asks, by turns)
    <!-- before: tmux new-session … -->    shell commands, run first, for this block
    <!-- preamble: import tmuxpulse -->    lines in the block's own language, put in front of it

And once for the whole page, anywhere in it:

    <!-- page: tmuxpulse serve --stop -->    shell commands, run before its first block
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[2]
DIRECTIVES = ("not run", "exits", "until", "meanwhile", "before", "preamble")
RUN = ("sh", "bash", "python")
CHECKED = ("toml", "json")
# What is shown, and nothing else can be said about it here.
SHOWN = (
    *(
        "text",
        "mermaid",
        "ini",
        "ts",
        "html",
        "nginx",
        "yaml",
        "xml",
        "dockerfile",
        "css",
        "caddyfile",
    ),
    *("tmux", "diff", "csv", "fish", "zsh", "js", "javascript", "promql", "prometheus"),
)
_COMMENT = re.compile(r"<!--\s*(.*?)\s*-->", re.DOTALL)
_FENCE = re.compile(r"^( *)(`{3,}|~{3,})([^\n`]*)\n(.*?)^\1\2 *$", re.MULTILINE | re.DOTALL)
_ABOVE = re.compile(r"((?:<!--(?:(?!-->).)*-->\s*)+)\Z", re.DOTALL)
_PAGE = re.compile(r"<!--\s*page:\s*(.*?)\s*-->", re.DOTALL)
_LIST_ITEM = re.compile(r"\s*([-*+]|\d+\.) ")


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A fenced block.

    Attributes:
        line: of its first fence, from 1.
        language: what stands behind the fence; empty: nothing.
        said: what the comments above it say, by directive.
    """

    line: int
    language: str
    text: str
    said: dict[str, str] = {}


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page's blocks; `setup`: shell commands before the first one."""

    name: str
    blocks: tuple[Block, ...]
    setup: str = ""


def every_page(root: Path = ROOT) -> Iterator[Page]:
    """The README, the guide for contributors, and whatever is below ``docs``."""
    paths = [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").rglob("*.md"))]
    for path in paths:
        yield page_of(str(path.relative_to(root)), path.read_text(encoding="utf-8"))


def page_of(name: str, text: str) -> Page:
    """Find the blocks of a page.

    Raises:
        ValueError: a comment says something that is no directive, but looks like one.
    """
    setup = _PAGE.search(text)
    return Page(name=name, blocks=tuple(_blocks(text)), setup=setup[1] if setup else "")


def unfenced(text: str) -> list[int]:
    """Numbers of lines that are code by their indentation alone: nothing says what they are."""
    found: list[int] = []
    fenced = False
    in_list = False
    blank = True
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced and line.strip():
            if _LIST_ITEM.match(line):
                in_list = True
            elif not line.startswith(" "):
                in_list = False
            elif line.startswith("    ") and blank and not in_list:
                found.append(number)
        blank = not line.strip()
    return found


def _blocks(text: str) -> Iterator[Block]:
    for fence in _FENCE.finditer(text):
        indent = len(fence[1])
        body = "".join(
            line[indent:] if line.strip() else line for line in fence[4].splitlines(True)
        )
        above = _ABOVE.search(text[: fence.start()])
        yield Block(
            line=text.count("\n", 0, fence.start()) + 1,
            language=fence[3].strip().split(" ")[0],
            text=body,
            said=_said(above[1]) if above else {},
        )


def _said(comments: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for comment in _COMMENT.findall(comments):
        name, colon, value = comment.partition(":")
        if name in DIRECTIVES and colon:
            found[name] = value.strip()
        elif colon and name.replace(" ", "").isalpha() and len(name) < 20 and name != "page":
            raise ValueError(f"`{name}:` is no directive; known: {', '.join(DIRECTIVES)}")
    return found
