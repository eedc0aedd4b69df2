"""The index of the documentation: which pages there are, in which order, called what.

The same order is the site's navigation. A page that is put into a folder is found.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

DOCS = Path(__file__).parents[2] / "docs"
HEAD = """\
# Documentation

<!-- Made by `make reference` from the pages' own headings. Not to be edited by hand. -->
"""
# Folders in the order of the index, with what a reader wants who goes there; in each, pages that
# come first. All others follow by name.
SECTIONS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "tutorial": ("Tutorial", "Begin here: one way through, step by step.", ()),
    "how-to": (
        "How to",
        "You know what you want to do.",
        ("full-screen", "scripts", "ci", "from-polling", "agent-hooks", "shell-integration"),
    ),
    "reference": (
        "Reference",
        "You want to look something up.",
        ("commands", "configuration", "keys", "status", "rules", "protocol", "events", "errors"),
    ),
    "explanation": (
        "Explanation",
        "You want to know how, and why.",
        ("architecture", "harm", "delivery", "security"),
    ),
    "decisions": ("Decisions", "What was decided, and what was measured for it.", ("README",)),
}
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


class Page(msgspec.Struct, frozen=True):
    """A page: where it is, below the folder of all pages, and its heading."""

    path: str
    title: str


def title_of(text: str) -> str:
    """The heading of a page, without what it says about its own origin."""
    found = _TITLE.search(_COMMENT.sub("", text))
    if found is None:
        raise ValueError("a page begins with its heading: # …")
    return found[1].strip()


def pages_of(section: str, docs: Path = DOCS) -> list[Page]:
    """The pages of a folder, in order."""
    first = SECTIONS[section][2] if section in SECTIONS else ()
    places = {name: place for place, name in enumerate(first)}
    files = sorted(
        (docs / section).glob("*.md"),
        key=lambda file: (places.get(file.stem, len(places)), file.stem),
    )
    return [Page(f"{section}/{file.name}", title_of(file.read_text("utf-8"))) for file in files]


def loose_pages(docs: Path = DOCS) -> list[Page]:
    """Pages in no folder, but for the index itself."""
    return [
        Page(file.name, title_of(file.read_text("utf-8")))
        for file in sorted(docs.glob("*.md"))
        if file.name != "README.md"
    ]


def sections(docs: Path = DOCS) -> list[str]:
    """Every folder that holds pages: the known ones in their order, then others by name."""
    there = {file.parent.name for file in docs.glob("*/*.md")}
    return [*(one for one in SECTIONS if one in there), *sorted(there - SECTIONS.keys())]


def navigation(docs: Path = DOCS) -> list[dict[str, object]]:
    """What the site's menu shows; every page is somewhere in it."""
    found: list[dict[str, object]] = [{"Documentation": "README.md"}]
    for section in sections(docs):
        entries = [{page.title: page.path} for page in pages_of(section, docs)]
        found.append({_heading(section)[0]: entries})
    loose: list[dict[str, object]] = [{page.title: page.path} for page in loose_pages(docs)]
    return [*found[:3], *loose, *found[3:]]


def page(docs: Path = DOCS) -> str:
    """The index as Markdown."""
    lines = [HEAD]
    for section in sections(docs):
        title, purpose = _heading(section)
        lines += [f"## {title}", "", *([purpose, ""] if purpose else [])]
        lines += [f"- [{one.title}]({one.path})" for one in pages_of(section, docs)]
        lines.append("")
    lines += ["## When something is wrong", ""]
    lines += [f"- [{one.title}]({one.path})" for one in loose_pages(docs)]
    return "\n".join(lines).rstrip() + "\n"


def _heading(section: str) -> tuple[str, str]:
    title, purpose, _ = SECTIONS.get(section, (section.replace("-", " ").capitalize(), "", ()))
    return title, purpose
