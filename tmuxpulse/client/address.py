"""Which addresses of servers are taken: text in, an `Address` or a refusal out. Pure.

No refusal repeats the text: people put tokens into addresses, and errors end up in logs.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

import msgspec

from tmuxpulse.errors import UsageError

DEFAULT_PORT = 8765
TLS_PORT = 443  # of https:// and wss:// without one, as in a browser

_SCHEMES = {"ws": False, "http": False, "wss": True, "https": True}
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}")
_PATH = re.compile(r"/[!-~]*")


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server is.

    Attributes:
        is_secure: whether TLS is spoken.
        name: a host name, or an IP address without brackets.
        path: what is asked for there.
    """

    is_secure: bool
    name: str
    port: int
    path: str = "/"

    @property
    def where(self) -> str:
        """The address for a person, without its path."""
        return f"{'wss' if self.is_secure else 'ws'}://{self._host}:{self.port}"

    @property
    def host_header(self) -> str:
        """What to say in ``Host:``; without the usual port, as browsers do."""
        return (
            self._host if self.is_secure and self.port == TLS_PORT else f"{self._host}:{self.port}"
        )

    @property
    def _host(self) -> str:
        return f"[{self.name.partition('%')[0]}]" if ":" in self.name else self.name


def parse_url(url: str) -> Address:
    """Read an address such as ``wss://pulse.example:8765/``.

    ``https://`` and ``http://`` are taken too, since those are what a server prints. What goes
    unencrypted goes to this machine only.

    Raises:
        UsageError: it is no such address, or one with a user, query or fragment.
    """
    try:
        parts = urlsplit(url)
        name, port = _ascii(parts.hostname or ""), parts.port
    except ValueError:
        raise _no_address() from None
    if parts.scheme not in _SCHEMES or not _is_host(name):
        raise _no_address()
    if parts.username is not None or parts.query or parts.fragment:
        raise UsageError(
            "a server's address has no user, no '?' and no '#' (not repeated here: there may be a"
            " token in it); a token comes from a file: --token-file FILE"
        )
    path = parts.path or "/"
    if not _PATH.fullmatch(path) or port == 0:
        raise _no_address()
    is_secure = _SCHEMES[parts.scheme]
    found = Address(
        is_secure=is_secure,
        name=name,
        port=port or (TLS_PORT if is_secure else DEFAULT_PORT),
        path=path,
    )
    if not is_secure and name != "localhost" and not is_loopback(name):
        raise UsageError(
            f"{found.where} is not on this machine, and nobody may listen in: use wss://,"
            " or forward its port (ssh -L)"
        )
    return found


def is_loopback(address: str) -> bool:
    """Tell whether an IP address is this machine's own; a name is not."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).is_loopback


def _ascii(name: str) -> str:
    return name.encode("idna").decode()


def _is_host(name: str) -> bool:
    if ":" not in name:
        return _NAME.fullmatch(name) is not None
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _no_address() -> UsageError:
    return UsageError(
        f"that is not the address of a server, such as ws://127.0.0.1:{DEFAULT_PORT}/"
        f" or wss://pulse.example:{DEFAULT_PORT}/"
    )
