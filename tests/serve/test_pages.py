"""Which files the page is made of, from a directory and from an archive."""

from __future__ import annotations

import zipfile
from pathlib import Path

from tmuxpulse.serve.pages import Page, collect_pages, load_pages


def fill(root: Path) -> None:
    (root / "parts").mkdir(parents=True)
    (root / ".git").mkdir()
    (root / "index.html").write_text("<p>")
    (root / "style.css").write_text("p{}")
    (root / "parts" / "tree.js").write_text("1")
    (root / "notes.txt").write_text("not for the web")
    (root / ".git" / "config.json").write_text("{}")


EXPECTED = {
    "/": Page(b"<p>", "text/html; charset=utf-8"),
    "/index.html": Page(b"<p>", "text/html; charset=utf-8"),
    "/style.css": Page(b"p{}", "text/css; charset=utf-8"),
    "/parts/tree.js": Page(b"1", "text/javascript; charset=utf-8"),
}


def test_files_of_known_kinds_below_a_directory(tmp_path: Path) -> None:
    fill(tmp_path)
    assert collect_pages(tmp_path) == EXPECTED


def test_the_same_out_of_an_archive(tmp_path: Path) -> None:
    fill(tmp_path / "web")
    packed = tmp_path / "app.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for file in sorted((tmp_path / "web").rglob("*")):
            archive.write(file, file.relative_to(tmp_path))
    with zipfile.ZipFile(packed) as archive:
        assert collect_pages(zipfile.Path(archive, "web/")) == EXPECTED


def test_no_directory_is_no_pages(tmp_path: Path) -> None:
    assert collect_pages(tmp_path / "nothing") == {}


def test_this_installation_loads() -> None:
    pages = load_pages()
    assert ("/" in pages) == ("/index.html" in pages)
