"""The files of the history: private ones only, one writer at a time, what is damaged set aside.

``history.db`` (with SQLite's ``-wal`` and ``-shm``) is the database, ``history.lock`` is locked by
whoever writes it, ``history.damaged-TIME.db`` are databases that could not be read any more. What
stands in them is not known here.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import sys
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path

from tmuxpulse.errors import UsageError

KEEP_DAMAGED = 3
_COMPANIONS = ("", "-wal", "-shm")
# Not through links; a FIFO or a device in the place of a file must not make anybody wait.
SAFELY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def check_private(database: Path) -> None:
    """Refuse what somebody else could read or has put there.

    Raises:
        UsageError: with what to do about it.
    """
    for path in (*companions(database), lock_of(database)):
        try:
            found = path.lstat()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}") from None
        if not is_private(found):
            raise UsageError(
                f"{path} must be a file of yours that nobody else can read (chmod 600 {path}),"
                " not a link; or move it away"
            )


def is_private(found: os.stat_result) -> bool:
    """Tell whether it is a plain file that only this user can use."""
    return (
        stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
    )


def create(database: Path) -> None:
    """Make an empty 0600 file where there is none: SQLite would make a readable one.

    Raises:
        OSError: it cannot be made.
    """
    with suppress(FileExistsError):
        os.close(os.open(database, os.O_CREAT | os.O_EXCL | os.O_RDWR | SAFELY, 0o600))


def companions(database: Path) -> list[Path]:
    """The database's file and those that belong to it."""
    return [database.with_name(database.name + suffix) for suffix in _COMPANIONS]


def lock_of(database: Path) -> Path:
    """The file that is locked by whoever writes the database."""
    return database.with_suffix(".lock")


def take_lock(path: Path) -> int | None:
    """Lock a file, which is made when it is missing; None when somebody else has it.

    Returns:
        A descriptor; closing it gives the lock back, and so does the end of the process.

    Raises:
        OSError: it cannot be opened.
    """
    fd = os.open(path, os.O_CREAT | os.O_RDWR | SAFELY, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    except OSError:
        os.close(fd)
        raise
    return fd


def set_aside(database: Path, *, now: float) -> Path:
    """Move the database away, with what belongs to it; of those moved before, the oldest go.

    Raises:
        OSError: it cannot be moved.
    """
    moment = datetime.fromtimestamp(now, timezone.utc).strftime("%Y%m%dT%H%M%S%fZ")
    aside = database.with_name(f"{database.stem}.damaged-{moment}.db")
    for old, new in zip(companions(database), companions(aside), strict=True):
        with suppress(FileNotFoundError):
            old.replace(new)
    for path in damaged(database)[:-KEEP_DAMAGED]:
        for one in companions(path):
            with suppress(OSError):
                one.unlink()
    return aside


def damaged(database: Path) -> list[Path]:
    """The databases that were set aside, oldest first."""
    return sorted(database.parent.glob(f"{database.stem}.damaged-*.db"))


def boot_id() -> str:
    """Names this start of the machine; empty where the system does not tell (macOS)."""
    if sys.platform != "linux":
        return ""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def words(error: BaseException) -> str:
    """What went wrong, for a person."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "the disk is full"
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or repr(error)
