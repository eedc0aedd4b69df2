"""TLS on the client's side: whom it trusts, and what to do about a server that it does not.

1.2 or later, with the certificate's chain and name checked; there is no way to switch that off.
"""

from __future__ import annotations

import ssl

from tmuxpulse.errors import ServerError, ServerRefused, ServerUnavailable, UsageError

CERTIFICATE = "CERTIFICATE"  # the code of a refusal; it is the client who refuses

_UNKNOWN_SIGNER = (
    "is signed by nobody this machine trusts; if it is yours, give its authority's certificate"
    " with --ca-file FILE"
)
# By OpenSSL's number of what is wrong (x509_vfy.h): what to say after "its certificate".
_COMPLAINTS = {
    2: _UNKNOWN_SIGNER,
    9: "is not valid yet (is the clock right?)",
    10: "has expired; renew it on the server, and send the server SIGHUP",
    18: _UNKNOWN_SIGNER,
    19: _UNKNOWN_SIGNER,
    20: _UNKNOWN_SIGNER,
    21: _UNKNOWN_SIGNER,
    62: "is for another name; use the one that it was made for",
    64: "is for another address; use the name that it was made for",
}
_NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL")


def trust(ca_file: str | None = None) -> ssl.SSLContext:
    """Whom to trust: the system's authorities, or those in a file and no others.

    Raises:
        UsageError: the file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        raise UsageError(f"{ca_file} is not PEM with a CERTIFICATE (--ca-file)") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read {ca_file}: {why} (--ca-file)") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def complaint(cause: BaseException | None, where: str) -> ServerError:
    """What it means when a handshake failed.

    Args:
        cause: what `ssl` raised.
        where: what this leads to, for messages.
    """
    if isinstance(cause, ssl.SSLCertVerificationError):
        what = _COMPLAINTS.get(cause.verify_code, f"is not good: {cause.verify_message}")
        return ServerRefused(f"not connecting to {where}: its certificate {what}", code=CERTIFICATE)
    reason = getattr(cause, "reason", None)
    if reason in _NOT_TLS:
        return ServerUnavailable(f"{where} does not speak TLS")
    return ServerUnavailable(
        f"{where} ended the TLS handshake ({reason or 'it left'}); does it speak TLS 1.2 or later?"
    )
