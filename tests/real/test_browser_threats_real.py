"""Other pages in a real Chromium, against a real server: they get nothing, from no route.

The attackers' own server is a careless one, and the same attacks on it succeed: what fails on ours
fails because of ours.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.web.browsing import WAIT_SECONDS, Served, browser_environment, drive
from tmuxpulse.serve.pages import load_pages

# Of the page's files one of each kind: all of them come out of one table.
FILES = {path.rpartition(".")[2]: path for path in sorted(load_pages()) if path != "/"}
SOME = ["/", "/app.js", "/healthz", "/icons/0.svg", "/metrics", "/monitor"]
ROUTES = sorted({*SOME, *FILES.values()})
EVERYWHERE = {"another port", "a rebound name", "a sandboxed frame"}  # the others try some routes
ATTEMPTS = (
    "fetch", "fetch no-cors", "fetch post", "script", "module", "import", "style", "image",
    "events", "beacon", "iframe", "embed", "object", "form get", "form post",
)  # fmt: skip
ATTACKER = """\
<!doctype html><title>attacker</title><body>
<iframe sandbox="allow-scripts allow-forms allow-popups" srcdoc="<body></body>"></iframe>
<iframe src="data:text/html,<body></body>"></iframe>
"""
SHOWN = {
    "/page": ("text/html", ATTACKER),
    "/script.js": ("text/javascript", "export const found = 1"),
    "/classic.js": ("text/javascript", "var found = 1"),
    "/style.css": ("text/css", "p { color: red }"),
    "/image.svg": (
        "image/svg+xml",
        '<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"></svg>',
    ),
    "/events": ("text/event-stream", "data: event\n\n"),
}
ORIGINS = {
    "another port": "http://127.0.0.1:",
    "another port of localhost": "http://localhost:",
    "another site": "http://evil.example:",
    "a rebound name to the real one": "http://evil.example:",
    "a sandboxed frame": "null",
    "a data address": "null",
    "a file": "null",
}


class Careless(BaseHTTPRequestHandler):
    """Gives everything to everybody, whatever the method."""

    def do_GET(self) -> None:
        kind, text = SHOWN.get(self.path.partition("?")[0], ("text/html", ATTACKER))
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Access-Control-Allow-Origin", self.headers.get("Origin", "*"))
        self.send_header("Access-Control-Allow-Credentials", "true")
        self.end_headers()
        self.wfile.write(text.encode())

    do_POST = do_GET  # noqa: N815  # the name that the library looks for

    def log_message(self, *_: object) -> None:
        """Say nothing: its log is of no interest."""


@contextmanager
def careless_server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Careless) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def tmux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = str(tmp_path_factory.mktemp("tmux") / "tmux.sock")
    base = ["tmux", "-f", "/dev/null", "-S", path]
    subprocess.run([*base, "new-session", "-d", "-s", "canary-session", "cat"], check=True)
    yield path
    subprocess.run([*base, "kill-server"], check=False, capture_output=True)


@pytest.fixture(scope="module")
def seen(tmux: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a browser saw; `threats.js` tells it."""
    directory: Path = tmp_path_factory.mktemp("server")
    hostile = directory / "attacker.html"
    hostile.write_text(ATTACKER)
    server = Served(directory, tmux)
    server.start()
    try:
        with careless_server() as careless:
            settings = {
                "server": server.url,
                "file": server.opened()[0],
                "paths": ROUTES,
                "some": SOME,
                "careless": careless,
                "shown": sorted(SHOWN),
                "hostile": hostile.as_uri(),
            }
            with drive(browser_environment(), "threats.js") as browser:
                try:
                    out, errors = browser.communicate(
                        json.dumps(settings), timeout=WAIT_SECONDS * 5
                    )
                finally:
                    browser.kill()
        assert browser.returncode == 0, errors + server.errors
    finally:
        server.stop()
    assert "Traceback" not in server.errors
    found: dict[str, Any] = json.loads(out)
    return {**found, "url": server.url}


def test_the_page_itself_works_by_a_ticket(seen: dict[str, Any]) -> None:
    assert seen["errors"] == []
    assert seen["address"] == seen["url"]
    assert seen["own_socket"].startswith('heard {"type":"connection.established"')
    assert seen["still"] == 1


def test_the_attacks_would_work(seen: dict[str, Any]) -> None:
    got = seen["attacks"]["control"]["got"]
    assert got["fetch /page"].startswith("200 <!doctype html>")
    assert got["fetch post /events"] == got["fetch no-cors /page"] == "nothing"  # opaque
    assert got["script /classic.js"] == "ran"
    assert got["module /script.js"] == "ran"
    assert got["import /script.js"] == "ran found"
    assert got["style /style.css"] == "applied"
    assert got["image /image.svg"] == "shown 7"
    assert got["events /events"] == "open"
    framed = seen["attacks"]["control"]["framed"]
    assert len([url for url in framed if url.partition("?")[0].endswith("/page")]) == 5
    assert seen["attacks"]["control"]["answers"] == [200]


@pytest.mark.parametrize("name", list(ORIGINS))
def test_another_page_gets_nothing(name: str, seen: dict[str, Any]) -> None:
    attack = seen["attacks"][name]
    assert attack["origin"].startswith(ORIGINS[name])
    routes = ROUTES if name in EVERYWHERE else SOME
    assert len(attack["got"]) == len(ATTEMPTS) * len(routes) + 4
    assert {what: came for what, came in attack["got"].items() if came != "nothing"} == {}
    assert attack["framed"] == []
    assert attack["answers"] == [403]
    assert attack["title"] != "tmuxpulse"


def test_a_rebound_name_gets_nothing(seen: dict[str, Any]) -> None:
    """Its page has our origin, so that a browser lets it read: one line of refusal."""
    refusal = "421 this server has another name\n"
    attack = seen["attacks"]["a rebound name"]
    assert attack["origin"].startswith("http://evil.example:")
    assert len(attack["got"]) == len(ATTEMPTS) * len(ROUTES) + 4
    for what, came in attack["got"].items():
        allowed = {"nothing", refusal} if what.startswith("fetch") else {"nothing"}
        assert came in allowed, what
    assert attack["answers"] == [421]
    assert seen["rebound"] == [421, refusal.removeprefix("421 ")]


def test_a_window_of_another_page_has_no_token_and_no_opener(seen: dict[str, Any]) -> None:
    assert seen["popup"] == [None, "", 0]
    assert seen["opened"][0] is True
    assert seen["opened"][1] in {"SecurityError", "null", "undefined"}
