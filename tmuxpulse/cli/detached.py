"""A server in the background: started so that its first words and its failure reach the caller.

It has a session of its own, so that neither the end of the terminal nor Ctrl-C reaches it. What it
says after it is ready goes to a file.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tmuxpulse.cli.options import say
from tmuxpulse.client.brief import ask
from tmuxpulse.errors import ServerUnavailable, UsageError

MAX_LOG_BYTES = 1 << 20  # a larger one is set aside at the next start
ASK_SECONDS = 5.0
END_SECONDS = 30.0
LOOK_SECONDS = 0.05


def in_background(run: Callable[[Callable[[str], None]], int], log: Path) -> int:
    """Run a server in a process of its own, and return when it is ready or has failed.

    Args:
        run: the server; is given what to call with its ready line, and gives its exit code. What it
            writes to standard error before that is seen by the caller.
        log: takes what it writes there afterwards.

    Returns:
        0 when it is ready; its exit code when it ended before. In the new process, what `run` gave.

    Raises:
        UsageError: there cannot be such a log.
    """
    written = _open_log(log)
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        return _serve(run, write, written)
    os.close(write)
    os.close(written)
    try:
        with os.fdopen(read, encoding="utf-8") as told:
            line = told.readline().strip()
    except KeyboardInterrupt:
        os.kill(pid, signal.SIGTERM)
        raise
    if line:
        print(line, flush=True)
        say(f"it runs in the background, pid {pid}; it says more in {log}; to end it:"
            " tmuxpulse serve --stop")  # fmt: skip
        return 0
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code if code >= 0 else 128 - code


def stop(path: str) -> int:
    """End the server of this user in order, and return when it has ended.

    Args:
        path: of its Unix socket.

    Raises:
        ServerUnavailable: none runs, or it does not end.
    """
    health = ask(path, {"action": "health"}, seconds=ASK_SECONDS)
    pid = health.get("pid")
    if not isinstance(pid, int) or pid <= 1:
        raise ServerUnavailable(f"the server at {path} does not say which process it is")
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + END_SECONDS
    while _lives(pid):
        if time.monotonic() > deadline:
            raise ServerUnavailable(
                f"the server (pid {pid}) did not end in {END_SECONDS:g} s; to end it at once:"
                f" kill -9 {pid}"
            )
        time.sleep(LOOK_SECONDS)
    say(f"the server (pid {pid}) has ended")
    return 0


def _serve(run: Callable[[Callable[[str], None]], int], write: int, written: int) -> int:
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)

    def announce(line: str) -> None:
        os.write(write, f"{line}\n".encode())
        os.close(write)
        os.dup2(written, 2)
        os.close(written)

    return run(announce)


def _open_log(log: Path) -> int:
    try:
        if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
            log.replace(log.with_name(f"{log.name}.1"))
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.open(log, flags, 0o600)
    except OSError as error:
        raise UsageError(
            f"cannot write {log}: {error.strerror}; move it away, or set TMUXPULSE_STATE_DIR"
        ) from None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
