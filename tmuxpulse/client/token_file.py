"""Tokens from files, the only way they come in: arguments are in `ps`, variables in core dumps.

What a token may do is not known here. No message repeats what is in a file.
"""

from __future__ import annotations

import os
import re
import stat

from tmuxpulse.errors import UsageError

MAX_BYTES = 4096
_TOKEN = re.compile(r"[!-~]+")

MAKE_ONE = "make one there with: tmuxpulse token create NAME --file F; then use --token-file F"


def read_token_file(path: str) -> str:
    """Read the token in a file of this user's that nobody else can read.

    A symlink will do if it leads to such a file; so will a pipe, such as ``<(pass show token)``.

    Raises:
        UsageError: it cannot be read, others can read it, or it does not hold one token.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY)
        try:
            _check(path, os.fstat(handle))
            with open(handle, "rb", closefd=False) as file:  # what was checked is read
                content = file.read(MAX_BYTES + 1)
        finally:
            os.close(handle)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read the token file {path!r}: {why}") from None
    if len(content) > MAX_BYTES:
        raise UsageError(f"{path!r} is too large for a token file")
    return check_token(content.strip().decode("ascii", "replace"), f"the token file {path!r}")


def check_token(token: str, what: str = "that") -> str:
    """Give the token back if it can go into a header.

    Raises:
        UsageError: it cannot; the text does not repeat it.
    """
    if not token:
        raise UsageError(f"{what} is empty; {MAKE_ONE}")
    if len(token) > MAX_BYTES or not _TOKEN.fullmatch(token):
        raise UsageError(f"{what} is no token: one line of ASCII without spaces; {MAKE_ONE}")
    return token


def _check(path: str, found: os.stat_result) -> None:
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISFIFO(found.st_mode)):
        raise UsageError(f"the token file {path!r} is not a file")
    if found.st_uid != os.getuid():
        raise UsageError(f"the token file {path!r} belongs to somebody else; make one of your own")
    if found.st_mode & 0o077:
        raise UsageError(
            f"others can read or write the token file {path!r}: chmod 600 it, and if they may have"
            " read it, replace the token (tmuxpulse token rotate)"
        )
