"""Which server a program means, and how to reach it: arguments in, a `Destination` out.

By default the server of the same user on this machine, over its Unix socket. Nothing is dialled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tmuxpulse.client.address import Address, parse_url
from tmuxpulse.client.token_file import check_token, read_token_file
from tmuxpulse.client.websocket import WebSocket
from tmuxpulse.errors import UsageError

if TYPE_CHECKING:
    import ssl

OPEN_SECONDS = 5.0  # for the connection; as long again for the handshakes


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """A server.

    Attributes:
        unix_socket: the path of its socket; or
        address: where it is.
        token: what lets us in there.
        context: whom to trust there; None: no TLS is spoken.
    """

    unix_socket: str | None = None
    address: Address | None = None
    token: str | None = None
    context: ssl.SSLContext | None = None

    def __repr__(self) -> str:
        """Without the token."""
        return f"Destination({self.where!r})"

    @property
    def where(self) -> str:
        """The server, for messages."""
        place = self.unix_socket if self.address is None else self.address.where
        return f"the tmuxpulse server at {place}"

    def websocket(self, token: str | None) -> WebSocket:
        """A WebSocket to it, about to shake hands.

        Args:
            token: what lets us in now.
        """
        if self.address is None:
            return WebSocket(self.where, host="localhost")
        headers = []
        if token is not None:
            headers = [(b"Authorization", b"Bearer " + token.encode())]
        return WebSocket(
            self.where, host=self.address.host_header, path=self.address.path, headers=headers
        )


def destination(
    unix_socket: str | None = None,
    url: str | None = None,
    token: str | None = None,
    token_file: str | None = None,
    ca_file: str | None = None,
) -> Destination:
    """Understand what a program says about the server that it means.

    Args:
        unix_socket: the path of the same user's socket; or
        url: an address such as ``wss://pulse.example:8765/``; ``ws://`` to this machine only.
            Neither: the user's own server.
        token: what lets us in at `url`; or
        token_file: the file that holds it.
        ca_file: whom to trust at `url`, in PEM; None: the system's authorities.

    Raises:
        UsageError: it makes no sense, or one of the files cannot be used.
    """
    if url is None:
        if not (token is None and token_file is None and ca_file is None):
            raise UsageError("token, token_file and ca_file are for a server at an address: url=")
        return Destination(unix_socket=unix_socket or default_unix_socket())
    if unix_socket is not None:
        raise UsageError("give unix_socket= or url=, not both")
    if token is not None and token_file is not None:
        raise UsageError("give token= or token_file=, not both")
    address = parse_url(url)
    if token_file is not None:
        token = read_token_file(token_file)
    elif token is not None:
        token = check_token(token, "the token")
    if ca_file is not None and not address.is_secure:
        raise UsageError("a file of authorities (ca_file=) is for wss:// and https:// addresses")
    context = None
    if address.is_secure:
        from tmuxpulse.client.tls import trust

        context = trust(ca_file)
    return Destination(address=address, token=token, context=context)


def default_unix_socket() -> str:
    """Where the user's own server listens.

    Raises:
        UsageError: its directory is not the user's alone.
    """
    from tmuxpulse.config.places import default_unix_socket, runtime_dir

    return default_unix_socket(runtime_dir())
