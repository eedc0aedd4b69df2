"""The page in a real Chromium: on a real server and a real tmux, and on a scripted server."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
WEB = ROOT / "tests" / "web"
WAIT_SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "chromium is not installed; run: tools/system-packages chromium"
    assert shutil.which("node"), "node is not installed; run: tools/system-packages node npm"
    driver = WEB / "node_modules" / "playwright-core"
    assert driver.exists(), "the browser's driver is missing; run: make env"
    return {**os.environ, "CHROMIUM": chromium}


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


def serve(tmux: str, port: int, runtime: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tmuxpulse", "serve", "-S", tmux, "--port", str(port)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMUXPULSE_RUNTIME_DIR": str(runtime)},
    )
    assert process.stdout is not None
    assert "ready" in process.stdout.readline()
    return process


def stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    assert process.wait(10) == 0
    assert process.stdout is not None
    process.stdout.close()


def drive(environment: dict[str, str], script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["node", str(WEB / script), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def test_the_page_on_a_real_tmux(environment, tmux, tmp_path, shots):
    port = free_port()
    server = serve(tmux, port, tmp_path / "run")
    try:
        with drive(environment, "page.js", f"http://127.0.0.1:{port}/", tmux, shots) as page:
            try:
                assert page.stdin is not None
                assert page.stdout is not None
                assert page.stderr is not None
                line = page.stdout.readline()
                assert line == "restart\n", line + page.stderr.read()
                stop(server)
                server = serve(tmux, port, tmp_path / "run")
                out, errors = page.communicate("done\n", timeout=WAIT_SECONDS)
                assert page.returncode == 0, errors
            finally:
                page.kill()
    finally:
        stop(server)
    seen = json.loads(out)
    assert seen["errors"] == []
    assert "default-src 'none'" in seen["policy"]
    assert "require-trusted-types-for 'script'" in seen["policy"]
    assert "unsafe" not in seen["policy"]
    assert seen["sessions"] == ["shop", "api"]
    assert seen["elements"] == 0
    assert seen["title"] == "tmuxpulse"
    assert seen["filtered"] == 0
    assert seen["whilePaused"] == 0
    assert seen["overflow"] == 0


@pytest.fixture
def scripted(environment, shots) -> dict[str, Any]:
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
            with drive(environment, "script.js", f"http://127.0.0.1:{port}/", shots) as page:
                try:
                    out, errors = page.communicate(timeout=WAIT_SECONDS)
                finally:
                    page.kill()
                assert page.returncode == 0, errors
        finally:
            server.terminate()
    return dict(json.loads(out))


def test_the_page_on_a_scripted_server(scripted):
    assert scripted["errors"] == []

    # What is there, and that nothing is.
    assert scripted["empty"] == "tmux runs, without a session."
    assert scripted["empty_later"] == ""
    assert scripted["counts"] == "3 sessions, 6 panes"

    # Hostile names and output are text: no element, no control, no override.
    assert scripted["title"] == "tmuxpulse"
    assert scripted["elements"] == 0
    text = scripted["hostile"]
    assert "<script>document.title='pwned'</script>" in text
    assert "^[]0;owned^G^[[31mred" in text
    assert "14599 more" in text
    assert not set(text) & set("\x07\x1b\x9b\u202e\u2066")
    assert scripted["overflow"] == 0

    # Keyboard, names, folding, filters.
    assert {"family", "session", "text", "pause", "summary"} <= set(scripted["reached"])
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
    assert scripted["ended"] == "Disconnected: the token was revoked"

    # Bounded, and no wider than a phone.
    assert scripted["shown"] <= 500
    assert scripted["phone_overflow"] == 0
