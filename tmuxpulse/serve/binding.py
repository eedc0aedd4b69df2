"""Where a server may listen: a host in, its addresses out, or what is missing to let others in.

Judged by addresses, not by how a host is written: ``0``, ``::ffff:0.0.0.0`` and a name that leads
to another machine's network are what they resolve to. No socket is opened here.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

import msgspec

from tmuxpulse.errors import UsageError

LOCALHOST = ("127.0.0.1", "::1")  # whatever a resolver says: `localhost` is this machine

_WITHOUT = {
    "tls": (
        "a certificate ([server] tls_certificate and tls_key in config.toml,"
        " or --tls-certificate FILE --tls-key FILE)"
    ),
    "token": "a token (tmuxpulse token create NAME)",
}


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """What is listened on.

    Attributes:
        name: what to call it in a URL; ``localhost`` for all addresses of this machine.
        addresses: each once, IPv6 ones with their zone.
        is_loopback: whether all of them are this machine's own.
    """

    name: str
    addresses: tuple[str, ...]
    is_loopback: bool


def binding_of(host: str, *, tls: bool, has_token: bool) -> Binding:
    """Find the addresses of a host, and refuse what is not safe.

    A name is looked up once, here; that takes as long as the system's resolver.

    Args:
        host: an address or a name; ``0.0.0.0`` and ``::`` are all of one family.
        tls: whether what is said will be encrypted.
        has_token: whether anybody could come in with a token.

    Raises:
        UsageError: there is no such host; or it is beyond loopback, and TLS or a token is missing.
    """
    addresses = _addresses_of(host)
    loopback = all(_ip(address).is_loopback for address in addresses)
    if not loopback and not (tls and has_token):
        missing = [name for name, there in (("tls", tls), ("token", has_token)) if not there]
        raise UsageError(
            f"refusing to let other machines connect ({host!r}) without"
            f" {' and '.join(_WITHOUT[name] for name in missing)};"
            " or use --host 127.0.0.1 (from elsewhere: ssh -L)"
        )
    everywhere = any(_ip(address).is_unspecified for address in addresses)
    literal = addresses[0] if _is_address(host) else host
    name = "localhost" if everywhere else literal
    return Binding(name=name, addresses=addresses, is_loopback=loopback)


def _addresses_of(host: str) -> tuple[str, ...]:
    if host == "localhost":
        return LOCALHOST
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:  # ValueError: no IDNA, a NUL
        why = getattr(error, "strerror", None) or "it is no name"
        raise UsageError(
            f"cannot listen on {host!r}: {why}; use --host with an address of this machine"
        ) from None
    listed = (_written(str(sockaddr[0]), sockaddr) for _, _, _, _, sockaddr in found)
    return tuple(dict.fromkeys(listed))


def _written(address: str, sockaddr: tuple[object, ...]) -> str:
    """An address with its zone, if it has one; an IPv4 address in IPv6 clothes as itself."""
    found = _ip(address)
    if isinstance(found, IPv4Address):
        return str(found)
    zone = sockaddr[3] if len(sockaddr) > 3 else 0  # noqa: PLR2004  # address, port, flow, zone
    bare = address.partition("%")[0]
    return f"{bare}%{socket.if_indextoname(int(str(zone)))}" if zone else bare


def _ip(address: str) -> IPv4Address | IPv6Address:
    """Read an address; ``::ffff:127.0.0.1`` is 127.0.0.1 (what Python says differs by release)."""
    found = ip_address(address.partition("%")[0])
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def _is_address(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
