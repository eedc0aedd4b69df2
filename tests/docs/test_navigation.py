"""No page is forgotten: the menu and the index hold each; links of pages outside lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT
from tools.reference import index

DOCS = ROOT / "docs"
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
OUTSIDE = ("README.md", "CONTRIBUTING.md", "bench/README.md")


def in_menu(found: object) -> set[str]:
    if isinstance(found, str):
        return {found}
    if isinstance(found, dict):
        return {path for value in found.values() for path in in_menu(value)}
    assert isinstance(found, list)
    return {path for value in found for path in in_menu(value)}


def test_every_page_is_in_the_menu() -> None:
    pages = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")}
    assert in_menu(index.navigation()) == pages


def test_every_page_is_in_the_index() -> None:
    text = index.page()
    for path in DOCS.rglob("*.md"):
        name = str(path.relative_to(DOCS))
        assert name == "README.md" or f"]({name})" in text


def test_a_new_page_in_a_new_folder_is_found(tmp_path: Path) -> None:
    for name, text in {
        "how-to/zebra.md": "# Zebra\n",
        "how-to/full-screen.md": "# Watch\n",
        "cook-book/soup.md": "<!-- # not this -->\n# Soup\n",
        "troubleshooting.md": "# Trouble\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    menu = index.navigation(tmp_path)
    assert in_menu(menu) == {
        *("README.md", "how-to/zebra.md", "how-to/full-screen.md", "cook-book/soup.md"),
        "troubleshooting.md",
    }
    assert {"How to": [{"Watch": "how-to/full-screen.md"}, {"Zebra": "how-to/zebra.md"}]} in menu
    assert "- [Soup](cook-book/soup.md)" in index.page(tmp_path)


def anchors(text: str) -> set[str]:
    """The anchors of headings, as they are made on GitHub and by MkDocs."""
    heads = re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def broken(name: str, text: str) -> list[str]:
    """Links of a page that lead nowhere; addresses elsewhere are not asked."""
    found = []
    for link in _LINK.findall(_FENCE.sub("", text)):
        path, _, anchor = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        target = (ROOT / name).parent / path if path else ROOT / name
        is_page = target.suffix == ".md" and target.is_file()
        if not target.exists() or (
            anchor and (not is_page or anchor not in anchors(target.read_text("utf-8")))
        ):
            found.append(link)
    return found


@pytest.mark.parametrize(
    "name", [*OUTSIDE, *(str(one.relative_to(ROOT)) for one in sorted(DOCS.rglob("*.md")))]
)
def test_links_lead_somewhere(name: str) -> None:
    assert broken(name, (ROOT / name).read_text(encoding="utf-8")) == []


def test_a_link_that_leads_nowhere_is_seen() -> None:
    text = "[a](docs/nowhere.md) [b](README.md#nothing) [c](README.md#for-programs) [d](#x)"
    assert broken("README.md", text) == ["docs/nowhere.md", "README.md#nothing", "#x"]


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150
