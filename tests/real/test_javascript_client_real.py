"""The JavaScript client, a real server and a real tmux: everything one can ask."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.real.served import place

ROOT = Path(__file__).parents[2]
SCOPES = [f"--scope={scope}" for scope in ("read", "output", "write", "emit", "admin")]


def test_everything_one_can_ask() -> None:
    node = shutil.which("node")
    assert node, "node is not installed; run: tools/system-packages node"
    with place() as served:
        served.tmux("new-session", "-d", "-s", "api", "-x", "80", "-y", "24", "sh")
        writer = served.token("writer", *SCOPES)
        reader = served.token("reader", "--scope", "read")
        served.serve("--write", "local")
        done = subprocess.run(
            [node, "tests/web/everything.js", served.url, writer, reader],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert (done.stdout, done.returncode) == ("done\n", 0), done.stderr
