"""What MkDocs is told beyond its settings: the menu, and the program that draws diagrams.

The menu holds every page there is. The diagrams' program comes from npm (`package.json` here) and
is copied into the site: the theme would fetch it from elsewhere when a page is read.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tools.reference.index import navigation  # noqa: E402  # MkDocs loads this by its path

SOURCE = Path(__file__).parent / "node_modules" / "mermaid" / "dist" / "mermaid.min.js"
SCRIPT = "javascripts/mermaid.min.js"
DOCS = ROOT / "docs"
_OUTSIDE = re.compile(r"\]\((?P<path>(?:\.\./)+[^)#\s]+)(?:#[^)]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put all pages into the menu."""
    config.nav = navigation(Path(config.docs_dir))
    config.extra_javascript.append(SCRIPT)
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the diagrams' program."""
    if not SOURCE.is_file():
        raise PluginError(f"{SOURCE} is not there: make docs installs it")
    files.append(File.generated(config, SCRIPT, abs_src_path=str(SOURCE)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Bring along what a page links to outside of the documentation: sources, results, plots."""
    folder = (Path(config.docs_dir) / page.file.src_uri).parent

    def brought(found: re.Match[str]) -> str:
        target = (folder / found["path"]).resolve()
        if not target.is_file() or ROOT not in target.parents or DOCS in target.parents:
            return found[0]
        uri = f"repository/{target.relative_to(ROOT).as_posix()}"
        if target.suffix == ".md":  # as it is, not as a page
            uri += ".txt"
        if files.get_file_from_path(uri) is None:
            files.append(File.generated(config, uri, content=target.read_bytes()))
        up = "../" * page.file.src_uri.count("/")
        return f"]({up}{uri})"

    return _OUTSIDE.sub(brought, markdown)
