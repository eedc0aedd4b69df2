"""The files of the web page, read into memory once.

A request names a key of a dict; no path of a request ever reaches the file system.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Protocol

import msgspec

from tmuxpulse.serve.modules import join_modules

ENTRY = "app.js"
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".map": "application/json",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


class Page(msgspec.Struct, frozen=True):
    """One file, as it is sent."""

    body: bytes
    content_type: str


class Entry(Protocol):
    """A file or directory, on disk or in an archive (the part of ``Traversable`` used here).

    ``Traversable`` itself has no one name to import it by in Python 3.10 to 3.14.
    """

    @property
    def name(self) -> str:
        """Its last part."""

    def is_dir(self) -> bool:
        """Tell whether it is a directory."""

    def iterdir(self) -> Iterator[Entry]:
        """Give what a directory holds."""

    def read_bytes(self) -> bytes:
        """Give what a file holds."""


def load_pages() -> dict[str, Page]:
    """Read every file the page is made of: path, such as ``/app.js``, to content.

    In an installed or packed tmuxpulse they are in the package; in a source tree beside it. The
    file ``index.html`` is at ``/`` too. Files of other kinds than `CONTENT_TYPES` are left out.
    What the page begins with is there with all that it imports (`join_modules`).
    """
    package = files("tmuxpulse")
    web: Entry = package / "web"
    if not web.is_dir() and isinstance(package, Path):
        web = package.parent / "web"
    return with_joined(collect_pages(web))


def with_joined(pages: dict[str, Page]) -> dict[str, Page]:
    """Have all that the page's first module imports in its one file, with a source map beside it.

    The other modules stay where they are, for who imports the client from elsewhere.

    Raises:
        CannotJoin: a module is written in a way that `join_modules` does not know.
    """
    if f"/{ENTRY}" not in pages:
        return pages
    texts = {path[1:]: page.body.decode() for path, page in pages.items() if path.endswith(".js")}
    joined, source_map = join_modules(texts, ENTRY)
    return {
        **pages,
        f"/{ENTRY}": Page(joined.encode(), CONTENT_TYPES[".js"]),
        f"/{ENTRY}.map": Page(source_map.encode(), CONTENT_TYPES[".map"]),
    }


def collect_pages(web: Entry) -> dict[str, Page]:
    """Read the files below a directory; empty when there is no such directory."""
    if not web.is_dir():
        return {}
    pages = {
        path: Page(file.read_bytes(), CONTENT_TYPES[suffix])
        for path, file in _walk(web, "/")
        if (suffix := PurePosixPath(path).suffix) in CONTENT_TYPES
    }
    if "/index.html" in pages:
        pages["/"] = pages["/index.html"]
    return pages


def _walk(directory: Entry, prefix: str) -> Iterator[tuple[str, Entry]]:
    for entry in directory.iterdir():
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry
