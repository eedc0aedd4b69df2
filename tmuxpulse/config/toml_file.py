"""A file of settings, read from disk: bounded, private enough, and with a line for each mistake.

Which keys there are is not known here.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Any

import msgspec

from tmuxpulse.errors import UsageError

MAX_BYTES = 1 << 20

_TABLE = re.compile(r"\s*\[+\s*([A-Za-z0-9_-]+)")
_KEY = re.compile(r"""\s*["']?([A-Za-z0-9_-]+)["']?\s*[=.]""")


class TomlFile:
    """What a file holds.

    Args:
        path: the file.

    Raises:
        UsageError: it cannot be read, is no TOML, or others may write to it: it decides who may
            come in.

    Attributes:
        values: its tables.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._text = _read(path)
        try:
            found = msgspec.toml.decode(self._text)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise UsageError(f"{path} is not TOML: {' '.join(str(error).split())[:200]}") from None
        self.values: dict[str, Any] = found

    def where(self, table: str, key: str = "") -> str:
        """``FILE line N`` of a key, or of a table; ``FILE`` when the line is not found."""
        inside = ""
        for number, line in enumerate(self._text.splitlines(), 1):
            head = _TABLE.match(line)
            if head:
                inside = head[1]
            named = _KEY.match(line)
            here = inside == table and (head is not None if not key else named and named[1] == key)
            bare = not inside and not key and named is not None and named[1] == table
            if here or bare:
                return f"{self.path} line {number}"
        return str(self.path)


def _read(path: Path) -> str:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise UsageError(f"{path} is not a file")
        if found.st_mode & 0o022 or found.st_uid not in (0, os.getuid()):
            raise UsageError(
                f"{path} decides who may come in, and others can write to it;"
                f" make it yours: chmod go-w {path}"
            )
        with open(fd, "rb", closefd=False) as file:  # what was checked is read
            held = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    finally:
        os.close(fd)
    if len(held) > MAX_BYTES:
        raise UsageError(f"{path} has more than {MAX_BYTES} bytes: that is no file of settings")
    try:
        return held.decode()
    except UnicodeDecodeError as error:
        line = held[: error.start].count(b"\n") + 1
        raise UsageError(f"{path} line {line} is not UTF-8") from None
