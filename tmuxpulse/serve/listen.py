"""Where a server listens: TCP, and a Unix socket for programs of the same user.

Where TCP may be listened on is decided in `binding`. Each refusal says
what to do. The Unix socket belongs to one server at a time: a lock beside it, held for as long as
the process lives, decides who; the file alone says nothing, since it outlives its server.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import socket
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import trio

from tmuxpulse.collect.sockets import is_alive
from tmuxpulse.errors import AddressInUse, UsageError
from tmuxpulse.serve.binding import binding_of
from tmuxpulse.serve.credentials import peer_uid
from tmuxpulse.serve.tls import Tls

BACKLOG = 128
_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)

logger = logging.getLogger(__name__)


class Tcp(msgspec.Struct, frozen=True):
    """The TCP listeners, one for each address, all on one port.

    Attributes:
        host: what to call it in a URL.
        is_loopback: whether only this machine can connect.
        scheme: ``http``, or ``https`` where what is said is encrypted.
    """

    listeners: list[trio.SocketListener]
    port: int
    host: str
    is_loopback: bool = True
    scheme: str = "http"

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{name}:{self.port}/"


@contextmanager
def open_tcp(
    host: str,
    port: int,
    *,
    tls: Tls | None = None,
    has_token: bool = False,
    given: Sequence[socket.socket] = (),
) -> Iterator[Tcp]:
    """Listen on every address of a host; ``localhost`` is both families, where there are two.

    The listeners give plain streams: whoever accepts puts TLS on them.

    Args:
        host: an address or name of this machine.
        port: 0 takes any that is free on the first address.
        tls: what clients will have to speak; None: no TLS.
        has_token: whether anybody could come in with a token.
        given: sockets that are listened on already, for which host and port do not count; where
            they are is judged as if they were asked for here.

    Raises:
        UsageError: there is no such host; or other machines could connect, and TLS or a token is
            missing.
        AddressInUse: somebody listens there, or may not be listened there.
    """
    if given:
        yield _given_tcp(given, tls=tls, has_token=has_token)
        return
    binding = binding_of(host, tls=tls is not None, has_token=has_token)
    sockets: list[trio.socket.SocketType] = []
    missing: AddressInUse | None = None
    try:
        for address in binding.addresses:
            try:
                bound = _bind_tcp(address, sockets[0].getsockname()[1] if sockets else port)
            except OSError as error:
                refusal = _cannot_listen(address, port, error)
                if error.errno not in _NO_SUCH_ADDRESS:
                    raise refusal from None
                missing = missing or refusal  # a machine without IPv6, say: the others may do
                logger.info("%s", refusal)
                continue
            sockets.append(bound)
        if missing is not None and not sockets:
            raise missing
        yield Tcp(
            [trio.SocketListener(one) for one in sockets],
            sockets[0].getsockname()[1],
            binding.name,
            is_loopback=binding.is_loopback,
            scheme="http" if tls is None else "https",
        )
    finally:
        for one in sockets:
            one.close()


def _given_tcp(given: Sequence[socket.socket], *, tls: Tls | None, has_token: bool) -> Tcp:
    hosts = [str(one.getsockname()[0]) for one in given]
    bindings = [binding_of(host, tls=tls is not None, has_token=has_token) for host in hosts]
    return Tcp(
        [trio.SocketListener(trio.socket.from_stdlib_socket(one)) for one in given],
        given[0].getsockname()[1],
        bindings[0].name,
        is_loopback=all(one.is_loopback for one in bindings),
        scheme="http" if tls is None else "https",
    )


@contextmanager
def open_unix(path: str, given: socket.socket | None = None) -> Iterator[trio.SocketListener]:
    """Listen on a Unix socket that only this user can reach; the file goes when the block ends.

    The directory has to be private already; the mode of the file is the second lock.

    Args:
        path: where.
        given: a socket that is listened on there already; then the file stays.

    Raises:
        AddressInUse: another server has it.
        UsageError: the path cannot be a socket.
    """
    file = Path(path)
    with _lock(Path(f"{path}.lock")):
        if given is not None:
            yield trio.SocketListener(trio.socket.from_stdlib_socket(given))
            return
        _remove_stale(file)
        plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            plain.bind(path)
            file.chmod(0o600)  # before `listen`: until then nobody can connect
            plain.listen(BACKLOG)
            bound = trio.socket.from_stdlib_socket(plain)
            made = file.lstat()
        except OSError as error:
            plain.close()
            raise UsageError(
                f"cannot listen on {path}: {error.strerror or error};"
                " set TMUXPULSE_RUNTIME_DIR to another directory"
            ) from None
        try:
            yield trio.SocketListener(bound)
        finally:
            bound.close()
            with suppress(FileNotFoundError):
                if os.path.samestat(file.lstat(), made):
                    file.unlink()


def same_user(stream: trio.SocketStream) -> bool:
    """Tell whether a Unix socket's peer is this user, as the kernel says.

    False where it does not say: the modes of socket and directory are the first defence, and on a
    system that we do not know how to ask, nobody passes the second.
    """
    return peer_uid(stream) == os.getuid()


def _bind_tcp(address: str, port: int) -> trio.socket.SocketType:
    address, _, zone = address.partition("%")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    plain = socket.socket(family, socket.SOCK_STREAM)
    try:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            plain.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        plain.bind((address, port, 0, socket.if_nametoindex(zone)) if zone else (address, port))
        plain.listen(BACKLOG)
        return trio.socket.from_stdlib_socket(plain)
    except BaseException:
        plain.close()
        raise


def _cannot_listen(address: str, port: int, error: OSError) -> AddressInUse:
    if error.errno == errno.EADDRINUSE:
        return AddressInUse(
            f"port {port} on {address} is in use (another tmuxpulse?);"
            " choose another with --port, or --port 0 for any that is free"
        )
    if error.errno in _NO_SUCH_ADDRESS:
        return AddressInUse(
            f"cannot listen on {address}: this machine has no such address;"
            " choose another with --host"
        )
    return AddressInUse(
        f"cannot listen on {address} port {port}: {error.strerror}; choose another with --port"
    )


def _remove_stale(file: Path) -> None:
    """Remove the socket of a server that is gone; the lock is held."""
    try:
        found = file.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise UsageError(f"{file} is there and no socket; move it away, or choose another path")
    if is_alive(str(file)):
        raise _in_use(file)
    file.unlink()


@contextmanager
def _lock(file: Path) -> Iterator[None]:
    """Hold the lock beside a socket; the kernel drops it with the process, however that ends."""
    while True:
        try:
            handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise UsageError(
                f"cannot make {file}: {error.strerror};"
                " set TMUXPULSE_RUNTIME_DIR to a directory of yours"
            ) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise _in_use(file.with_suffix("")) from None
        if _is_file(file, handle):
            break
        os.close(handle)  # its holder ended and removed it between our open and our lock
    try:
        yield
    finally:
        if _is_file(file, handle):
            file.unlink()
        os.close(handle)


def _is_file(file: Path, handle: int) -> bool:
    try:
        return os.path.samestat(file.lstat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _in_use(file: Path) -> AddressInUse:
    return AddressInUse(
        f"another tmuxpulse serves {file} already; use it, end it,"
        " or set TMUXPULSE_RUNTIME_DIR to another directory"
    )
