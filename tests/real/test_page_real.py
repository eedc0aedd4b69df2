"""The page in a real Chromium: on a real server and a real tmux, and on a scripted server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.web.browsing import ROOT, WAIT_SECONDS, WEB, Served, browser_environment, drive


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    return browser_environment()


@pytest.fixture
def tmux(tmp_path):
    path = str(tmp_path / "tmux.sock")
    base = ["tmux", "-f", "/dev/null", "-S", path]
    subprocess.run([*base, "new-session", "-d", "-s", "shop", "cat"], check=True)
    subprocess.run([*base, "new-session", "-d", "-s", "api", "cat"], check=True)
    yield path
    subprocess.run([*base, "kill-server"], check=False, capture_output=True)


@pytest.fixture
def shots(tmp_path):
    """Where screenshots go; kept when TMUXPULSE_SCREENSHOTS names a directory."""
    directory = tmp_path / "shots"
    directory.mkdir()
    yield directory
    kept = os.environ.get("TMUXPULSE_SCREENSHOTS")
    if kept:
        shutil.copytree(directory, kept, dirs_exist_ok=True)


def test_the_page_on_a_real_tmux(environment, tmux, tmp_path, shots):
    server = Served(tmp_path, tmux)
    server.start()
    try:
        file, processes = server.opened()
        with drive(environment, "page.js", file, tmux, shots) as page:
            try:
                assert page.stdin is not None
                assert page.stdout is not None
                assert page.stderr is not None
                line = page.stdout.readline()
                assert line == "restart\n", line + page.stderr.read()
                server.stop()
                server.start()
                out, errors = page.communicate(f"{server.address()}\n", timeout=WAIT_SECONDS)
                assert page.returncode == 0, errors
            finally:
                page.kill()
    finally:
        server.stop()
    seen = json.loads(out)
    assert seen["errors"] == []
    assert "default-src 'none'" in seen["policy"]
    assert "require-trusted-types-for 'script'" in seen["policy"]
    assert "unsafe" not in seen["policy"]

    # It came in by a file that only names itself, and the token is to be seen nowhere.
    assert file.startswith((tmp_path / "run").as_uri())
    assert file in processes
    assert "'serve'" in processes
    assert "#token=" not in processes + file + server.errors
    assert seen["address"] == seen["again"] == server.url
    assert seen["before"] == "about:blank"
    assert len(seen["token"]) > 40
    kept = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert not [path for path in kept if seen["token"].encode() in path.read_bytes()]
    assert seen["token"] not in processes + server.errors

    assert seen["sessions"] == ["shop", "api"]
    assert seen["intruders"] == []
    assert seen["title"] == "tmuxpulse"
    assert not set(seen["text"]) & set("\x07\x1b\x9b\u202e\u2066")
    assert seen["filtered"] == 0
    assert seen["whilePaused"] == 0
    assert seen["restarted"].startswith("the token is not good")
    assert seen["overflow"] == 0


def play(environment: dict[str, str], script: str, shots: Path) -> dict[str, Any]:
    """What a script sees on the scripted server."""
    with subprocess.Popen(
        [sys.executable, str(WEB / "page_server.py"), "0"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as server:
        try:
            assert server.stdout is not None
            ready, _, port = server.stdout.readline().strip().partition(" ")
            assert ready == "ready"
            with drive(environment, script, f"http://127.0.0.1:{port}/", shots) as page:
                try:
                    out, errors = page.communicate(timeout=WAIT_SECONDS)
                finally:
                    page.kill()
                assert page.returncode == 0, errors
        finally:
            server.terminate()
    return dict(json.loads(out))


def test_the_page_on_a_scripted_server(environment, shots):
    scripted = play(environment, "script.js", shots)
    assert scripted["errors"] == []

    # What is there, and that nothing is.
    assert scripted["empty"] == "tmux runs, without a session."
    assert scripted["empty_later"] == ""
    assert scripted["counts"] == "3 sessions, 6 panes"

    # Hostile names and output are text: no element, no control, no override.
    assert scripted["title"] == "tmuxpulse"
    assert scripted["intruders"] == []
    text = scripted["hostile"]
    assert "<script>document.title='pwned'</script>" in text
    assert "^[]0;owned^G^[[31mred" in text
    assert "14599 more" in text
    assert "199600 more" in text
    assert "javascript:alert(document.domain)" in text
    assert not set(text) & set("\x07\x1b\x9b\u202e\u2066")
    assert scripted["overflow"] == 0
    screen, has_address = scripted["screen"]
    assert "<script>document.title='pwned'</script>" in screen
    assert not set(screen) & set("\x07\x1b\x9b\u202e\u2066")
    assert has_address is False

    # Keyboard, names, folding, filters.
    assert {
        "notify",
        "theme",
        "help",
        "family",
        "severity",
        "session",
        "window",
        "text",
        "pause",
        "summary",
    } <= set(scripted["reached"])
    assert scripted["unnamed"] == []
    assert scripted["still_folded"] == 1
    assert scripted["of_api"] > 0
    assert scripted["of_others"] == 0

    # What was missed is said; what was not, is not.
    assert scripted["gap"] == "1 event was missed: this page was too slow"
    assert scripted["gap_rows"] == 1
    assert scripted["cut_rows"] == 1
    assert scripted["cut_notice"] is False
    assert scripted["waiting"].startswith("Not connected; next try in ")
    assert "restarted" in scripted["reset"]
    assert scripted["ended"] == "Locked"
    assert scripted["why"] == "access was revoked"

    # Bounded, and no wider than a phone.
    assert scripted["shown"] <= 100
    assert scripted["phone_overflow"] == 0


NOTHING = [[], [], ""]


def test_the_page_and_its_token_on_a_scripted_server(environment, shots):
    seen = play(environment, "locked.js", shots)
    assert seen["errors"] == []
    assert seen["leaked"] == []

    # A token in the address is in no address and no history after that; the tab keeps its heir.
    assert seen["address"] == seen["address_before"]
    assert "#" not in seen["address"]
    assert seen["entries"][1] == "null"
    assert seen["form_when_open"] is False
    assert seen["stored"] == seen["stored_after_reload"] == [["tp_ticket_lasting"], [], ""]

    # Another tab has none, says what to do, and shows nothing else.
    assert seen["other_stored"] == NOTHING
    assert "tmuxpulse open" in seen["other_how"]
    assert seen["other_why"] == ""
    assert seen["other_main"] is False
    assert seen["other_sessions"] == 0
    assert seen["retry"] is False
    assert seen["focus"] == "token"
    assert seen["field"] == ["password", "off", "Token", ""]
    assert seen["overflow"] == seen["phone_overflow"] == 0

    # Wrong: the reason, and nothing of it stays. Right: in.
    assert seen["wrong_why"].startswith("the token is not good")
    assert seen["wrong_value"] == ""
    assert seen["wrong_stored"] == NOTHING
    assert seen["button"] == "Connect"
    assert seen["pasted_stored"] == [["tp_pasted_secret"], [], ""]
    assert seen["pasted_form"] is False

    # A second use of a one-time token; a token that is revoked.
    assert "#" not in seen["again_address"]
    assert "used before" in seen["again_why"]
    assert seen["again_stored"] == NOTHING
    assert seen["revoked"] == ["Locked", "access was revoked"]
    assert seen["revoked_main"] is False
    assert seen["revoked_stored"] == NOTHING
