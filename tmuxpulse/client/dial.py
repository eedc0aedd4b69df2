"""The way to a server, before anything of the protocol is said: a Unix socket, TCP, or TLS on TCP.

What it gives is fit for a token: encrypted and to a known server, or within this machine.
"""

from __future__ import annotations

import ssl

import trio

from tmuxpulse.client.address import Address, is_loopback
from tmuxpulse.client.tls import secure
from tmuxpulse.errors import ServerUnavailable, UsageError


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
        raise ServerUnavailable(f"{where} gave no answer in {seconds:g} s") from None
    except OSError as error:
        why = getattr(error, "strerror", None)
        raise ServerUnavailable(
            f"cannot reach {where}{f' ({why})' if why else ''}; start one with: tmuxpulse serve"
        ) from None


async def _to_address(
    address: Address, context: ssl.SSLContext | None, where: str
) -> trio.SocketStream | trio.SSLStream[trio.SocketStream]:
    plain = await trio.open_tcp_stream(address.name, address.port)
    try:
        if context is not None:
            return await secure(plain, context, name=address.name, where=where)
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
