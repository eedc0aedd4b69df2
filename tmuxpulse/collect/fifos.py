"""FIFOs that panes are piped into, and what earlier, killed runs left of theirs.

Every run has a directory of its own below ``RUNTIME/pipes``, held by a lock for as long as it
lives: a directory whose lock is free is a leftover. A FIFO's name tells the run of tmux and the
pane it belongs to, so a leftover pipe can be closed in the right pane.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tmuxpulse.collect.command import Identity
from tmuxpulse.errors import UsageError

READ_BYTES = 1 << 16  # what a FIFO holds at most
_LOCK = "lock"
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./+@-]+")  # needs no quoting in tmux, strftime or sh


class Fifo:
    """One FIFO, open for reading; nothing is lost between its making and the first writer.

    Attributes:
        path: where the writer finds it.
        fd: the reading end, not blocking.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path, mode=0o600)
        self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def close(self) -> None:
        """Close and remove it; a writer gets SIGPIPE with its next write."""
        self.path.unlink(missing_ok=True)  # first: whoever opened it later would wait for ever
        os.close(self.fd)


class FifoDir:
    """This run's directory of FIFOs.

    Args:
        runtime_dir: a private directory.

    Raises:
        UsageError: its path needs quoting, which three languages would have to agree on.
    """

    def __init__(self, runtime_dir: str) -> None:
        if not _PLAIN_PATH.fullmatch(runtime_dir):
            raise UsageError(
                f"the runtime directory {runtime_dir!r} has characters besides letters, digits and"
                " _ . / + @ -; set TMUXPULSE_RUNTIME_DIR to another"
            )
        self._pipes = Path(runtime_dir) / "pipes"
        self._pipes.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = self._pipes / f"{os.getpid()}-{secrets.token_hex(4)}"
        with _alone(self._pipes):  # without its lock, it would be taken for a leftover
            self.path.mkdir(mode=0o700)
            self._lock = _locked(self.path / _LOCK, create=True)

    def fifo(self, identity: Identity, pane_id: str) -> Fifo:
        """Make the FIFO for a pane of a tmux server."""
        return Fifo(self.path / _name(identity, pane_id))

    def leftovers(self) -> list[Path]:
        """Directories of runs that are gone."""
        with _alone(self._pipes):
            return self._leftovers()

    def _leftovers(self) -> list[Path]:
        found = []
        for directory in sorted(self._pipes.iterdir()):
            if directory != self.path and directory.is_dir():
                with suppress(OSError):  # somebody else removes it just now, or it is not ours
                    os.close(_locked(directory / _LOCK, create=False))
                    found.append(directory)
        return found

    def sweep(self) -> None:
        """Remove leftovers of tmux servers that are gone, and directories with nothing in them."""
        with _alone(self._pipes):
            for directory in self._leftovers():
                for path in directory.iterdir():
                    if path.name != _LOCK and not _server_lives(path):
                        path.unlink(missing_ok=True)
                if [path.name for path in directory.iterdir()] in ([_LOCK], []):
                    (directory / _LOCK).unlink(missing_ok=True)
                    with suppress(OSError):  # a file has come that is none of ours
                        directory.rmdir()

    def close(self) -> None:
        """Remove the directory and what is still in it."""
        with _alone(self._pipes):
            for path in self.path.iterdir():
                path.unlink(missing_ok=True)
            self.path.rmdir()
            os.close(self._lock)


def leftover_fifos(directory: Path, identity: Identity) -> Iterator[tuple[str, Path]]:
    """The FIFOs in a leftover directory that belong to this run of tmux: pane id and path."""
    prefix = _name(identity, "%")
    try:
        paths = list(directory.iterdir())
    except FileNotFoundError:  # another run has swept it
        return
    for path in paths:
        if path.name.startswith(prefix) and path.name[len(prefix) :].isdigit():
            yield f"%{path.name[len(prefix) :]}", path


def probe(fd: int) -> bytes | None:
    """Read what a FIFO holds, without waiting.

    Returns:
        Bytes; None when somebody holds the other end open but is quiet; ``b""`` when nobody does.
    """
    try:
        return os.read(fd, READ_BYTES)
    except BlockingIOError:
        return None


def _name(identity: Identity, pane_id: str) -> str:
    return f"{identity.pid}-{identity.start_time}-{pane_id[1:]}"


def _server_lives(path: Path) -> bool:
    pid = path.name.partition("-")[0]
    if not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """One run at a time makes, looks for or removes directories of runs here; it takes no time."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _locked(path: Path, *, create: bool) -> int:
    """Open and lock a file.

    Raises:
        OSError: somebody holds the lock, or there is no such file.
    """
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if create else 0), 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise
    return fd
