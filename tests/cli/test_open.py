"""`open`, with a server made by hand and a browser that is none."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import stat
import subprocess
import threading
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, unix_serve

from tmuxpulse.cli import open as command
from tmuxpulse.cli.main import main
from tmuxpulse.cli.open import (
    TICKET_SECONDS,
    has_screen,
    page_url,
    redirect_page,
    remove_leftovers,
    write_redirect,
)
from tmuxpulse.errors import UsageError
from tmuxpulse.serve import access
from tmuxpulse.wire import SUBPROTOCOL

TOKEN = "tp_canary_secret"
GREETING = {
    "type": "connection.established",
    "client_id": "c-1",
    "timestamp": "2026-11-23T09:00:00.123Z",
    "server": {"name": "tmuxpulse", "version": "9.9"},
    "epoch": "e",
    "seq": 0,
    "auth": {"required": False},
}
ISSUED = {
    "type": "ticket.issued",
    "token": TOKEN,
    "url": "http://127.0.0.1:8765/",
    "expires_at": "2026-11-23T09:01:00.123Z",
}
FORBIDDEN = {"type": "error", "code": "FORBIDDEN", "message": "this needs `admin`"}


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The runtime directory; no browser can be started by mistake."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    private = tmp_path / "run"
    monkeypatch.setenv("TMUXPULSE_RUNTIME_DIR", str(private))
    private.mkdir(0o700)
    return private


@contextmanager
def answering(directory: Path, answer: Mapping[str, object]) -> Iterator[list[dict[str, object]]]:
    """A server that gives one answer to everything; gives what it was asked."""
    asked: list[dict[str, object]] = []

    def talk(connection: ServerConnection) -> None:
        connection.send(json.dumps(GREETING))
        try:
            for message in connection:
                asked.append(json.loads(message))
                connection.send(json.dumps({**answer, "id": asked[-1]["id"]}))
        except ConnectionClosed:  # as it likes
            return

    path = str(directory / "tmuxpulse.sock")
    with unix_serve(talk, path, subprotocols=[SUBPROTOCOL], compression=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield asked
        finally:
            server.shutdown()
            thread.join()


class Browser:
    """What `webbrowser.open` was given, and what was to be read there then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, starts: bool = True) -> None:
        self.urls: list[str] = []
        self.pages: list[str] = []
        self.modes: list[int] = []
        self.starts = starts
        self.removed: list[tuple[Path, float]] = []
        monkeypatch.setenv("DISPLAY", ":7")
        monkeypatch.setattr(webbrowser, "open", self.open)
        monkeypatch.setattr(command, "_remove_later", lambda *what: self.removed.append(what))

    def open(self, url: str) -> bool:
        self.urls.append(url)
        path = Path(url.removeprefix("file://"))
        self.pages.append(path.read_text())
        self.modes.append(stat.S_IMODE(path.stat().st_mode))
        return self.starts


def test_it_prints_an_address_that_works_once(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(directory, ISSUED) as asked:
        assert main(["open", "--print"]) == 0
    assert asked == [{"action": "ticket", "id": 1}]
    out, err = capsys.readouterr()
    assert out == f"http://127.0.0.1:8765/#token={TOKEN}\n"
    assert "works once, within 60 s" in err
    assert TOKEN not in err
    assert list(directory.glob("*.html")) == []


def test_the_browser_is_given_a_private_file_and_no_token(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    browser = Browser(monkeypatch)
    with answering(directory, ISSUED):
        assert main(["open"]) == 0
    [url], [page] = browser.urls, browser.pages
    path = Path(url.removeprefix("file://"))
    assert url == path.as_uri()
    assert path.parent == directory
    assert browser.modes == [0o600]
    assert TOKEN not in url
    assert f'location.replace("http://127.0.0.1:8765/#token={TOKEN}")' in page
    assert browser.removed == [(path, TICKET_SECONDS)]
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "tmuxpulse: opening http://127.0.0.1:8765/;"
        " if no browser shows it: tmuxpulse open --print\n"
    )


@pytest.mark.parametrize("screen", [True, False])
def test_without_a_browser_it_prints(
    screen: bool,
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    browser = Browser(monkeypatch, starts=False)
    if not screen:
        monkeypatch.delenv("DISPLAY")
    with answering(directory, ISSUED):
        assert main(["open"]) == 0
    assert len(browser.urls) == screen
    out, err = capsys.readouterr()
    assert out == f"http://127.0.0.1:8765/#token={TOKEN}\n"
    assert "no browser can be started here" in err
    assert browser.removed == []
    assert list(directory.glob("*.html")) == []


def test_a_browser_that_cannot_be_found_leaves_no_file(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(url: str) -> bool:
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setenv("BROWSER", "nothing")
    monkeypatch.setattr(webbrowser, "open", fail)
    with answering(directory, ISSUED):
        assert main(["open"]) == 0
    assert TOKEN in capsys.readouterr().out
    assert list(directory.glob("*.html")) == []


def test_an_interrupt_leaves_no_file(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(url: str) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setenv("BROWSER", "nothing")
    monkeypatch.setattr(webbrowser, "open", interrupt)
    with answering(directory, ISSUED):
        assert main(["open"]) == 130
    assert list(directory.glob("*.html")) == []


def test_the_address_may_be_another(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with answering(directory, ISSUED):
        assert main(["open", "--no-browser", "--url", "http://localhost:9000"]) == 0
    assert capsys.readouterr().out == f"http://localhost:9000/#token={TOKEN}\n"


def test_the_life_of_a_token_is_the_one_that_the_server_gives_it() -> None:
    assert TICKET_SECONDS == access.TICKET_SECONDS


def test_without_a_server_it_says_what_to_do(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["open"]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.endswith("start one with: tmuxpulse serve\n")


@pytest.mark.parametrize(
    ("answer", "code", "text"),
    [
        (FORBIDDEN, 4, "this needs `admin`"),
        ({"type": "error", "code": "UNKNOWN_ACTION", "message": "unknown action"}, 1, "unknown"),
        ({"type": "pong", "timestamp": ""}, 3, "did not give a ticket"),
    ],
)
def test_a_refusal_is_one_line(
    answer: dict[str, object],
    code: int,
    text: str,
    directory: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with answering(directory, answer):
        assert main(["open"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert text in err


def test_leftovers_go_and_what_is_in_use_stays(directory: Path) -> None:
    old, new = (write_redirect(directory, "http://localhost/") for _ in range(2))
    other = directory / "open-letter.txt"
    other.touch()
    now = new.stat().st_mtime
    for path in (old, other):
        os.utime(path, (now - 61, now - 61))
    remove_leftovers(directory, now)
    assert sorted(directory.iterdir()) == sorted([new, other])


def test_the_next_run_removes_what_a_killed_one_left(directory: Path) -> None:
    left = write_redirect(directory, "http://localhost/")
    os.utime(left, (0, 0))
    assert main(["open"]) == 3
    assert not left.exists()


def test_a_file_is_removed_after_the_life_of_its_ticket(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    kept = subprocess.run
    ended, end = os.pipe()

    def start(arguments: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        started.append(arguments)
        assert options["start_new_session"]
        assert options["stdout"] == subprocess.DEVNULL
        return kept([*arguments[:4], "0", *arguments[5:]], **{**options, "stdout": end})

    monkeypatch.setattr(subprocess, "run", start)
    path = write_redirect(directory, f"http://localhost/#token={TOKEN}")
    command._remove_later(path, 60)
    os.close(end)
    assert os.read(ended, 1) == b""  # what was left behind has ended
    os.close(ended)
    assert not path.exists()
    assert started[0][4:] == ["60", str(path)]
    assert TOKEN not in str(started)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://localhost:9000", "http://localhost:9000/"),
        ("http://127.0.0.1/", "http://127.0.0.1/"),
        ("http://[::1]:8765/?x=1#y", "http://[::1]:8765/"),
        ("https://Tmux.example.org/pulse/", "https://tmux.example.org/pulse/"),
    ],
)
def test_an_address_of_the_page(text: str, expected: str) -> None:
    assert page_url(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8765",
        "localhost:8765",
        "ws://127.0.0.1:8765/",
        "http://example.org/",
        "http://127.0.0.1.example.org/",
        "https://user@example.org/",
        "https://",
        "http://localhost:port/",
        "http://localhost:99999/",
        "https://[",
        "javascript:alert(1)",
        "file:///etc/passwd",
        'https://example.org/"</script>\n',
        "https://example.org/a b",
    ],
)
def test_no_address_of_the_page(text: str) -> None:
    with pytest.raises(UsageError):
        page_url(text)


@pytest.mark.parametrize("name", ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER"])
def test_where_a_browser_can_be(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert has_screen({name: "x"})
    assert not has_screen({name: "", "TERM": "xterm"})
    monkeypatch.setattr("sys.platform", "darwin")
    assert has_screen({})


@settings(max_examples=200)
@given(
    st.text() | st.sampled_from(["</script>", "\u2028", "<!--", "&quot;", '");alert(1)//', "{x}"])
)
def test_nothing_in_an_address_leaves_its_place(address: str) -> None:
    page = redirect_page(address)
    assert page.isascii()
    policy, script = re.findall(r"sha256-([^']*)'|<script>(.*)</script>", page)
    assert page.count("<script") == page.count("</script") == 1
    assert page.replace(script[1], "") == redirect_page("").replace(
        'location.replace("")', ""
    ).replace(re.findall(r"sha256-([^']*)'", redirect_page(""))[0], policy[0])
    assert policy[0] == base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    given_back = script[1].removeprefix("location.replace(").removesuffix(")")
    assert json.loads(given_back) == address
