"""Another program's file of settings: read, and written so that nothing is lost.

A file is replaced at once or not at all; a link stays a link, and a mode stays as it was. Before
its first change, what it held is put beside it. What is in it is not known here.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

import msgspec

from tmuxpulse.errors import UsageError

MAX_BYTES = 4 << 20
BACKUP = ".before-tmuxpulse"
NEW_MODE = 0o600


class Held(msgspec.Struct, frozen=True):
    """What a file holds.

    Attributes:
        path: the file itself, behind links.
        text: None when there is none.
        mode: its permissions.
    """

    path: Path
    text: str | None
    mode: int = NEW_MODE


def read(path: Path) -> Held:
    """Read a file.

    Raises:
        UsageError: it cannot be read, or is not what it should be.
    """
    real = Path(os.path.realpath(path))
    try:
        fd = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return Held(real, None)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    try:
        mode = os.fstat(fd).st_mode
        if not stat.S_ISREG(mode):
            raise UsageError(f"{path} is not a file")
        with open(fd, "rb", closefd=False) as file:  # what was checked is read
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    finally:
        os.close(fd)
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path} has more than {MAX_BYTES} bytes; nothing done")
    try:
        return Held(real, data.decode(), stat.S_IMODE(mode))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(f"{path}:{line}: not UTF-8; nothing done") from None


def write(held: Held, text: str | None) -> None:
    """Put a text in the place of what a file holds.

    Args:
        held: what was read.
        text: None: the file goes.

    Raises:
        UsageError: it cannot be written, or was changed by somebody since it was read; it is as
            it was.
    """
    if read(held.path).text != held.text:
        raise UsageError(f"{held.path} was changed just now by somebody else: try again")
    try:
        if text is None:
            held.path.unlink(missing_ok=True)
        else:
            _replace(held, text.encode())
    except OSError as error:
        raise UsageError(f"cannot write {held.path}: {error.strerror}; nothing done") from None


def backup_of(held: Held) -> Path:
    """Where the first content is kept."""
    return held.path.with_name(held.path.name + BACKUP)


def back_up(held: Held) -> None:
    """Keep what a file holds beside it, unless something is kept there already.

    Raises:
        UsageError: it cannot be kept.
    """
    if held.text is None:
        return
    path = backup_of(held)
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        return
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; nothing done") from None
    with os.fdopen(fd, "wb") as file:
        os.fchmod(fd, held.mode)
        file.write(held.text.encode())
        file.flush()
        os.fsync(fd)


def drop_backup(held: Held, text: str | None) -> bool:
    """Remove the backup if a text is what it holds; tell whether there is none now."""
    path = backup_of(held)
    if not path.exists():
        return True
    if text is not None and read(path).text == text:
        path.unlink()
        return True
    return False


def _replace(held: Held, data: bytes) -> None:
    folder = held.path.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = folder / f".{held.path.name}.{os.getpid()}"
    fd = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            os.fchmod(fd, held.mode)
            if held.text is not None:
                there = held.path.stat()
                with suppress(PermissionError):  # only root may, for the file of somebody else
                    os.fchown(fd, there.st_uid, there.st_gid)
            file.write(data)
            file.flush()
            os.fsync(fd)
        made.replace(held.path)
    except BaseException:
        made.unlink(missing_ok=True)
        raise
