"""A script in a process of Node that answers lines with lines."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def node_host(script: str) -> Iterator[tuple[IO[str], IO[str]]]:
    """Run a script beside this file: where to write to, and where to read from."""
    node = shutil.which("node")
    assert node, "node is not installed; run: tools/system-packages node"
    with subprocess.Popen(
        [node, str(Path(__file__).with_name(script))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdin, process.stdout
        process.stdin.close()
