"""Which files the page is made of, from a directory and from an archive."""

from __future__ import annotations

import gzip
import re
import zipfile
from pathlib import Path, PurePosixPath

import msgspec

from tmuxpulse.serve.pages import Page, collect_pages, load_pages, with_joined

MAX_BYTES = 80 * 1024
WEB = Path(__file__).parents[2] / "web"


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


def test_the_page_is_small() -> None:
    """All its files together, as a server that compresses would send them."""
    pages = collect_pages(WEB)
    files = {path: page for path, page in pages.items() if path != "/"}
    sizes = {path: len(gzip.compress(page.body, 9, mtime=0)) for path, page in files.items()}
    assert sum(sizes.values()) <= MAX_BYTES, sizes
    assert {"/app.js", "/client.js", "/style.css", "/icons/512.png"} <= set(sizes)


def test_the_page_names_files_that_are_there() -> None:
    pages = collect_pages(WEB)
    html = pages["/"].body.decode()
    manifest = msgspec.json.decode(pages["/manifest.webmanifest"].body)
    named = [*re.findall(r'(?:href|src)="([^"]+)"', html)]
    named += [icon["src"] for icon in manifest["icons"]]
    named += [f"icons/{waiting}.svg" for waiting in range(11)]
    for path, page in pages.items():
        if path.endswith(".js"):
            found = re.findall(
                r'^(?:import|export)[^;]*? from "([^"]+)";', page.body.decode(), re.MULTILINE
            )
            named += [str(PurePosixPath(path).parent / name)[1:] for name in found]
    assert len(named) > 40
    assert {f"/{name.removeprefix('./')}" for name in named} <= set(pages)
    assert "://" not in html


def test_the_first_view_waits_for_one_script() -> None:
    """What is served begins no chain of requests, and each module is there alone, too."""
    sources, pages = collect_pages(WEB), load_pages()
    assert re.findall(r'src="([^"]+\.js)"', pages["/"].body.decode()) == ["app.js"]
    whole = pages["/app.js"].body.decode()
    assert not re.search(r"^(?:import|export)\b|\bimport\(", whole, re.MULTILINE)
    assert {path: pages[path] for path in sources if path != "/app.js"} == {
        path: page for path, page in sources.items() if path != "/app.js"
    }
    assert set(pages) - set(sources) == {"/app.js.map"}


def test_a_page_without_scripts_has_none(tmp_path: Path) -> None:
    fill(tmp_path)
    assert with_joined(collect_pages(tmp_path)) == EXPECTED
