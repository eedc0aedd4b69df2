"""TLS for the TCP listeners: certificate files in, encrypted streams out.

1.2 or later. The files can be read again while clients are connected: those go on with what they
have, new ones get the new certificate. Who may come in is not known here.
"""

from __future__ import annotations

import logging
import os
import ssl
import stat
from http import HTTPStatus
from pathlib import Path
from typing import NoReturn

import trio

from tmuxpulse.errors import UsageError
from tmuxpulse.serve.door import refuse, render

ANSWER_SECONDS = 1.0  # for who speaks plain HTTP to hear so

logger = logging.getLogger(__name__)


class Tls:
    """A certificate and its key.

    Args:
        certificate: a PEM file with the certificate and its chain.
        key: a PEM file with its key, without a passphrase; empty: it is in `certificate`. Nobody
            else may read it, but for a group when it belongs to root (as Debian's ``ssl-cert``).

    Raises:
        UsageError: one of them cannot be used.
    """

    def __init__(self, certificate: str, key: str = "") -> None:
        self._certificate = Path(certificate).expanduser()
        self._key = Path(key).expanduser() if key else self._certificate
        self._context = self._load()

    @property
    def context(self) -> ssl.SSLContext:
        """What the next connection is to be made with."""
        return self._context

    def reload(self) -> None:
        """Read the files again, for connections that come from now on.

        Raises:
            UsageError: one of them cannot be used; what was read before stays in force.
        """
        # A context of its own, not the live one: loading certificate and key is two steps.
        self._context = self._load()

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_COMPRESSION | getattr(ssl, "OP_NO_RENEGOTIATION", 0)
        context.set_alpn_protocols(["http/1.1"])
        _check_readable(self._certificate, "certificate")
        _check_private(self._key)
        try:
            context.load_cert_chain(self._certificate, self._key, password=self._has_passphrase)
        except ssl.SSLError as error:
            raise UsageError(self._complaint(error)) from None
        except OSError as error:
            raise UsageError(f"cannot read {self._certificate} or {self._key}: {error}") from None
        return context

    def _has_passphrase(self) -> NoReturn:
        """Called for a key that is encrypted; OpenSSL would ask at the terminal."""
        raise UsageError(
            f"the TLS key {self._key} has a passphrase; give it without one:"
            " openssl pkey -in FILE -out NEW"
        )

    def _complaint(self, error: ssl.SSLError) -> str:
        if error.reason == "KEY_VALUES_MISMATCH":
            return f"the TLS key {self._key} does not belong to {self._certificate}"
        if error.reason in ("EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK"):
            return f"the TLS certificate {self._certificate} is too weak ({error.reason})"
        for file, kind in ((self._certificate, "CERTIFICATE"), (self._key, "PRIVATE KEY")):
            if not _holds(file, kind):
                return f"{file} is not PEM with a {kind}"
        return f"cannot use {self._certificate} with {self._key} ({error.reason or error})"


async def accept_tls(tls: Tls, stream: trio.abc.Stream) -> trio.abc.Stream:
    """Shake hands with who has connected; the caller sets the time for it.

    A peer that does not get through is nothing special: garbage, half a handshake, another version
    of TLS. It is never an exception. A peer that asks in plain HTTP is told, in plain HTTP.
    When cancelled, the connection is closed: nothing unencrypted can be said on it by accident.

    Args:
        tls: the certificate.
        stream: the accepted connection; owned from here on.

    Returns:
        The encrypted stream. After a handshake that failed it is closed, and reading from it
        raises `trio.ClosedResourceError`, as after any other loss of a peer.
    """
    secured = trio.SSLStream(stream, tls.context, server_side=True, https_compatible=True)
    shaken = False
    try:
        await secured.do_handshake()
        shaken = True
    except trio.BrokenResourceError as error:
        reason = getattr(error.__cause__, "reason", None)
        logger.debug("a TLS handshake failed: %s", reason or "the peer left")
        if reason == "HTTP_REQUEST":
            await _answer_plainly(stream)
    except trio.ClosedResourceError:
        logger.debug("a TLS handshake was cut off")
    finally:
        if not shaken:
            await trio.aclose_forcefully(secured)
    return secured


async def _answer_plainly(stream: trio.abc.Stream) -> None:
    answer = refuse(HTTPStatus.BAD_REQUEST, "this port speaks TLS: ask with https://, or wss://")
    try:
        with trio.move_on_after(ANSWER_SECONDS):
            await stream.send_all(render(answer))
            if isinstance(stream, trio.abc.HalfCloseableStream):
                await stream.send_eof()
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        logger.debug("it left before its answer")


def _check_readable(file: Path, what: str) -> os.stat_result:
    try:
        found = file.stat()
        if not stat.S_ISREG(found.st_mode):
            raise UsageError(f"the TLS {what} {file} is not a file")
        with file.open("rb"):
            return found
    except OSError as error:
        raise UsageError(f"cannot read the TLS {what} {file}: {error.strerror or error}") from None


def _check_private(key: Path) -> None:
    """Refuse a key that others have, or can replace."""
    found = _check_readable(key, "key")
    if found.st_uid not in (0, os.getuid()):
        raise UsageError(
            f"the TLS key {key} belongs to somebody else; it has to be yours, or root's"
        )
    others = 0o027 if found.st_uid == 0 else 0o077  # root's may be read by a group, not written
    if found.st_mode & others:
        raise UsageError(f"others can read or write the TLS key {key}; chmod 600 it")


def _holds(file: Path, kind: str) -> bool:
    try:
        return f"{kind}-----".encode() in file.read_bytes()
    except OSError:  # it went in this moment
        return False
