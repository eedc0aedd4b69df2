"""The way to a server for calls that wait: a Unix socket, TCP, or TLS on TCP.

As in `dial`, what it gives is fit for a token: encrypted and to a known server, or within this
machine.
"""

from __future__ import annotations

import socket

from tmuxpulse.client import endings
from tmuxpulse.client.address import is_loopback
from tmuxpulse.client.destination import OPEN_SECONDS, Destination
from tmuxpulse.errors import UsageError


def dial(server: Destination) -> socket.socket:
    """Connect; failed, it leaves nothing open.

    Raises:
        ServerError: nobody is there, or not the right one.
        UsageError: it leads beyond this machine without TLS.
    """
    try:
        if server.unix_socket is not None:
            return _dial_unix(server.unix_socket)
        return _dial_address(server)
    except TimeoutError:
        raise endings.no_answer(server.where, OPEN_SECONDS) from None
    except OSError as error:
        raise endings.unreachable(server.where, error) from None


def _dial_unix(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(OPEN_SECONDS)
        connection.connect(path)
    except BaseException:
        connection.close()
        raise
    return connection


def _dial_address(server: Destination) -> socket.socket:
    address = server.address
    if address is None:
        raise UsageError("there is no address")
    connection = socket.create_connection((address.name, address.port), OPEN_SECONDS)
    try:
        if server.context is not None:
            return _secure(connection, server)
        _check_local(connection, address.name)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        connection.close()
        raise
    return connection


def _secure(connection: socket.socket, server: Destination) -> socket.socket:
    import ssl

    from tmuxpulse.client.tls import complaint

    if server.context is None or server.address is None:
        return connection
    name = server.address.name.partition("%")[0]  # a zone is known on this machine only
    try:
        return server.context.wrap_socket(connection, server_hostname=name)
    except (ssl.SSLError, ConnectionError) as error:
        raise complaint(error, server.where) from None


def _check_local(connection: socket.socket, name: str) -> None:
    """Make sure that what goes without TLS stays on this machine, whatever a resolver says."""
    peer = connection.getpeername()[0]
    if not is_loopback(peer):
        raise UsageError(f"{name} leads to {peer}, which is not this machine: use wss://")
