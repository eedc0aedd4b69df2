"""The way to a server, before anything of the protocol is said: a Unix socket, TCP, or TLS on TCP.

What it gives is fit for a token: encrypted and to a known server, or within this machine.
"""

from __future__ import annotations

import ssl

import trio

from tmuxpulse.client.address import Address, is_loopback
from tmuxpulse.client.endings import no_answer, unreachable
from tmuxpulse.client.tls import complaint
from tmuxpulse.errors import UsageError


async def dial(
    place: Address | str, context: ssl.SSLContext | None, *, where: str, seconds: float
) -> trio.SocketStream | trio.SSLStream[trio.SocketStream]:
    """Connect.

    Cancelled or failed, it leaves nothing open.

    Args:
        place: an address, or the path of a Unix socket.
        context: whom to trust; None: no TLS, as for an address on this machine.
        where: what it leads to, for messages.
        seconds: for all of it.

    Raises:
        ServerUnavailable: nobody answers there.
        ServerRefused: its certificate is not good.
        UsageError: it leads beyond this machine without TLS.
    """
    try:
        with trio.fail_after(seconds):
            if isinstance(place, str):
                return await trio.open_unix_socket(place)
            return await _to_address(place, context, where)
    except trio.TooSlowError:
        raise no_answer(where, seconds) from None
    except OSError as error:
        raise unreachable(where, error) from None


async def _to_address(
    address: Address, context: ssl.SSLContext | None, where: str
) -> trio.SocketStream | trio.SSLStream[trio.SocketStream]:
    plain = await trio.open_tcp_stream(address.name, address.port)
    try:
        if context is not None:
            return await _secure(plain, context, name=address.name, where=where)
        _check_local(plain, address.name)
    except BaseException:
        await trio.aclose_forcefully(plain)
        raise
    return plain


def _check_local(plain: trio.SocketStream, name: str) -> None:
    """Make sure that what goes without TLS stays on this machine, whatever a resolver says."""
    peer = plain.socket.getpeername()[0]
    if not is_loopback(peer):
        raise UsageError(f"{name} leads to {peer}, which is not this machine: use wss://")


async def _secure(
    stream: trio.SocketStream, context: ssl.SSLContext, *, name: str, where: str
) -> trio.SSLStream[trio.SocketStream]:
    """Shake hands, and know who is there. The caller sets the time for it, and closes `stream`.

    Args:
        stream: an open connection.
        context: whom to trust.
        name: whom the certificate has to be for: a host name or an IP address.
        where: what this leads to, for messages.

    Raises:
        ServerRefused: its certificate does not prove that.
        ServerUnavailable: it came to no handshake.
    """
    server_name = name.partition("%")[0]  # a zone is known on this machine only
    secured = trio.SSLStream(stream, context, server_hostname=server_name, https_compatible=True)
    try:
        await secured.do_handshake()
    except trio.BrokenResourceError as error:
        raise complaint(error.__cause__, where) from None
    return secured
