"""Programs of others that tests run: on the PATH, or unpacked beside the environment."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

UNPACKED = Path(sys.prefix) / "programs"  # by tools/unpacked-programs


def program(name: str) -> str:
    """The path of a program.

    Raises:
        AssertionError: it is not there; `make unit` brings it.
    """
    folders = [*os.environ["PATH"].split(os.pathsep), "/usr/sbin"]
    folders += [str(UNPACKED / "usr" / "bin"), str(UNPACKED / "usr" / "sbin")]
    found = shutil.which(name, path=os.pathsep.join(folders))
    assert found is not None, f"no {name}; make unit brings it"
    return found
