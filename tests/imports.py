"""What a program has imported when it is done."""

from __future__ import annotations

import os
import subprocess
import sys


def imported(code: str, *arguments: str) -> set[str]:
    """The modules a new interpreter holds after some code.

    Measuring coverage in it would bring modules of its own (sqlite3, asyncio), and is left off.
    """
    code += "\nimport sys; print(*sys.modules, file=sys.stderr)"
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ran.stderr.split())
