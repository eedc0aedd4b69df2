"""The page in a real Chromium, on a real server and a real tmux."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

WEB = Path(__file__).parents[1] / "web"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def tmux(tmp_path):
    path = str(tmp_path / "tmux.sock")
    base = ["tmux", "-f", "/dev/null", "-S", path]
    subprocess.run([*base, "new-session", "-d", "-s", "shop", "cat"], check=True)
    subprocess.run([*base, "new-session", "-d", "-s", "api", "cat"], check=True)
    yield path
    subprocess.run([*base, "kill-server"], check=False, capture_output=True)


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


def test_the_page(tmux, tmp_path):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "chromium is not installed; run: tools/system-packages chromium"
    assert (WEB / "node_modules").exists(), "the browser's driver is missing; run: make env"
    port = free_port()
    server = serve(tmux, port, tmp_path / "run")
    with subprocess.Popen(
        ["node", str(WEB / "page.js"), f"http://127.0.0.1:{port}/", tmux, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "CHROMIUM": chromium},
    ) as page:
        try:
            assert page.stdin is not None
            assert page.stdout is not None
            assert page.stderr is not None
            line = page.stdout.readline()
            assert line == "restart\n", page.stderr.read()
            stop(server)
            server = serve(tmux, port, tmp_path / "run")
            page.stdin.write("done\n")
            page.stdin.flush()
            out = page.stdout.read()
            assert out, page.stderr.read()
        finally:
            page.kill()
    stop(server)
    seen = json.loads(out)
    assert seen["errors"] == []
    assert "default-src 'none'" in seen["policy"]
    assert "unsafe" not in seen["policy"]
    assert seen["sessions"] == ["shop", "api"]
    assert seen["elements"] == 0
    assert seen["title"] == "tmuxpulse"
    assert seen["whilePaused"] == 0
    assert "restarted" in seen["notice"]
    assert seen["overflow"] == 0
    assert (tmp_path / "desktop.png").stat().st_size > 10_000
    shots = os.environ.get("TMUXPULSE_SCREENSHOTS")
    if shots:
        shutil.copytree(tmp_path, shots, ignore=shutil.ignore_patterns("run", "*.sock"))
