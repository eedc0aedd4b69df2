"""What a service manager hands over at the start, and wants to hear.

Sockets that are listened on already (`sd_listen_fds(3)`), and a word when the server is ready, ends
or is alive (`sd_notify(3)`). Both are variables and file descriptors: no library is needed, and
without systemd nothing here does anything.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import MutableMapping
from contextlib import ExitStack, closing

import msgspec
import trio

from tmuxpulse.errors import UsageError

FIRST_DESCRIPTOR = 3
MAX_SOCKETS = 64

logger = logging.getLogger(__name__)


class Activated(msgspec.Struct, frozen=True):
    """Sockets that somebody else listens on for us; they stay when we end.

    Attributes:
        tcp: for TCP, all on one port.
        unix: for programs of this user; None: there is none.
    """

    tcp: tuple[socket.socket, ...] = ()
    unix: socket.socket | None = None


def activated(environ: MutableMapping[str, str] | None = None) -> Activated:
    """Take the sockets over, once: the variables are removed, for our children are not meant.

    Raises:
        UsageError: they are none that can be served on.
    """
    env = os.environ if environ is None else environ
    pid, listed = env.pop("LISTEN_PID", ""), env.pop("LISTEN_FDS", "")
    env.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not listed.isdecimal():
        return Activated()
    count = min(int(listed), MAX_SOCKETS)
    with ExitStack() as stack:
        found = [
            stack.enter_context(closing(_taken(descriptor)))
            for descriptor in range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + count)
        ]
        unix = [one for one in found if one.family == socket.AF_UNIX]
        tcp = [one for one in found if one.family != socket.AF_UNIX]
        if len(unix) > 1 or len({one.getsockname()[1] for one in tcp}) > 1:
            raise UsageError(
                "systemd handed over more than one Unix socket, or TCP sockets of several ports;"
                " give one ListenStream= of each kind, on one port"
            )
        stack.pop_all()  # they stay open
    return Activated(tuple(tcp), unix[0] if unix else None)


class Notifier:
    """Tells the service manager what it waits for; without one, nobody.

    Args:
        environ: has ``NOTIFY_SOCKET``, and ``WATCHDOG_USEC`` if it wants to hear that we live.
    """

    def __init__(self, environ: MutableMapping[str, str] | None = None) -> None:
        env = os.environ if environ is None else environ
        address = env.pop("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        microseconds = env.pop("WATCHDOG_USEC", "")
        pid = env.pop("WATCHDOG_PID", "")
        wanted = microseconds.isdecimal() and pid in ("", str(os.getpid()))
        self.watchdog_seconds = int(microseconds) / 1e6 if wanted else 0.0

    def ready(self, status: str) -> None:
        """Everything listens."""
        self._say(f"READY=1\nSTATUS={_one_line(status)}")

    def stopping(self) -> None:
        """The orderly end began."""
        self._say("STOPPING=1\nSTATUS=shutting down")

    async def run(self) -> None:
        """Say at half of the time that the manager waits that the loop still turns."""
        while self._address and self.watchdog_seconds:
            self._say("WATCHDOG=1")
            await trio.sleep(self.watchdog_seconds / 2)

    def _say(self, text: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as plain:
                plain.setblocking(False)
                plain.connect(self._address)
                plain.send(text.encode())
        except OSError as error:  # to serve is more than to be praised for it
            logger.warning("cannot tell the service manager: %s", error.strerror or error)


def _taken(descriptor: int) -> socket.socket:
    try:
        found = socket.socket(fileno=descriptor)
        listens = found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise UsageError(
            f"systemd handed over descriptor {descriptor}, which is no socket:"
            f" {error.strerror or error}"
        ) from None
    is_known = found.family in (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6)
    if not listens or not is_known or found.type != socket.SOCK_STREAM:
        found.close()
        raise UsageError(
            f"systemd handed over descriptor {descriptor}, which is not listened on as a stream;"
            " use ListenStream= and Accept=no"
        )
    found.setblocking(False)
    found.set_inheritable(False)
    return found


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
