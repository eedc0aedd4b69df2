"""The page's modules without a browser, by Node's own test runner."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent


def test_the_modules_of_the_page():
    node = shutil.which("node")
    assert node, "node is not installed; run: tools/system-packages node"
    done = subprocess.run(
        [node, "--test", "--test-reporter=tap"],
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# pass 0" not in done.stdout
