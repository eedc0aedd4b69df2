"""Who may pass the front door, and to what: a request head in, an answer out. Pure.

The rules, in the order they are asked:

1. a head of plain ASCII, each header that decides something at most once
   (wsproto dies of a non-ASCII byte in some of them);
2. Host on the list, else 421: a page that reached us by DNS rebinding names another host;
3. Origin, where there is one, our own or on the list, exactly: other pages' scripts stay out. No
   Origin is a program, which needs a token as everybody does;
4. nothing that a browser marks as begun by another site or another port, but for a link to the
   page: it holds no secret, and cannot be framed;
5. GET or HEAD, no body, a path that exists;
6. for a WebSocket, a handshake that wsproto will accept, so that it never answers on its own.

Only after a file of the page does a connection stay for another request, which is judged anew.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from http import HTTPStatus
from typing import Literal, Union

import h11
import msgspec

from tmuxpulse.serve.pages import Page
from tmuxpulse.wire import SUBPROTOCOL

SOCKET_PATHS = ("/", "/monitor")
HEALTH_PATH = "/healthz"
METRICS_PATH = "/metrics"
INQUIRY_PATHS = (HEALTH_PATH, METRICS_PATH)

SECURITY_HEADERS: tuple[tuple[str, str], ...] = (
    (
        "Content-Security-Policy",
        (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
            " connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none';"
            " frame-ancestors 'none'; require-trusted-types-for 'script'"
        ),
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)

_ONCE = (
    "authorization",
    "connection",
    "host",
    "origin",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "sec-websocket-key",
    "sec-websocket-version",
    "upgrade",
)
_PRINTABLE = re.compile(rb"[\t\x20-\x7e]*")
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")  # 16 bytes in base64
_WEBSOCKET_VERSION = "13"
EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104  # recognised, not bound
_WITH_PORT = re.compile(r"[^:\]]:\d+$|\]:\d+$")
_USUAL_PORTS = {"http": 80, "https": 443}  # a browser leaves them out of Host


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP response.

    Attributes:
        stays: whether the connection stays open for another request; else it is closed.
    """

    status: HTTPStatus
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    stays: bool = False


class Upgrade(msgspec.Struct, frozen=True):
    """A WebSocket handshake that may go on.

    Attributes:
        ndjson: whether its client takes several objects in one message.
        token: what its head gives as ``Authorization: Bearer``; not judged here.
    """

    ndjson: bool
    token: str | None = None

    def __repr__(self) -> str:
        """Without the token."""
        return f"Upgrade(ndjson={self.ndjson})"


class Inquiry(msgspec.Struct, frozen=True):
    """A question about the server itself, which the door cannot answer.

    Attributes:
        about: ``health`` or ``metrics``.
        token: as in `Upgrade`.
    """

    about: Literal["health", "metrics"]
    token: str | None = None

    def __repr__(self) -> str:
        """Without the token."""
        return f"Inquiry({self.about!r})"


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """What one listener lets in.

    Attributes:
        hosts: the values of Host it answers to, in lower case; None for a Unix socket: a browser
            cannot reach it, so Host says nothing there.
        pages: path to content.
        scheme: ``http``, or ``https`` with TLS.
        origins: further values of Origin that are as good as our own.
        no_page: what is said where the page would be, when it is not there.
    """

    hosts: frozenset[str] | None
    pages: Mapping[str, Page]
    scheme: str = "http"
    origins: frozenset[str] = frozenset()
    no_page: str = "this tmuxpulse was packed without its page"

    def judge(self, request: h11.Request) -> Verdict:
        """Decide about one request; see the rules at the top."""
        refusal = _malformed(request)
        if refusal is not None:
            return refusal
        headers = {name.decode(): value.decode() for name, value in request.headers}
        path = request.target.decode().partition("?")[0]
        refusal = self._stranger(headers) or self._unanswerable(request.method, path, headers)
        if refusal is not None:
            return refusal
        if _wants_websocket(headers):
            offered = b",".join(
                value for name, value in request.headers if name == b"sec-websocket-protocol"
            )
            return _judge_handshake(request, path, headers, offered.decode())
        return self._plain(path, headers, stays=_may_stay(request, headers))

    def _stranger(self, headers: Mapping[str, str]) -> Answer | None:
        host = headers.get("host", "").lower()
        if self.hosts is not None and host not in self.hosts:
            return refuse(HTTPStatus.MISDIRECTED_REQUEST, "this server has another name")
        origin = headers.get("origin")
        ours = self.hosts is not None and origin == f"{self.scheme}://{host}"
        if origin is not None and not ours and origin not in self.origins:
            return refuse(HTTPStatus.FORBIDDEN, "other pages may not use this server")
        site = headers.get("sec-fetch-site", "none")
        if site not in ("none", "same-origin") and not _is_link(headers):
            return refuse(HTTPStatus.FORBIDDEN, "other pages may not use this server")
        return None

    def _unanswerable(self, method: bytes, path: str, headers: Mapping[str, str]) -> Answer | None:
        if method not in (b"GET", b"HEAD"):
            return refuse(HTTPStatus.METHOD_NOT_ALLOWED, "GET or HEAD", ("Allow", "GET, HEAD"))
        if "transfer-encoding" in headers or headers.get("content-length", "0") != "0":
            return refuse(HTTPStatus.BAD_REQUEST, "a request with a body")
        if path not in (*SOCKET_PATHS, *INQUIRY_PATHS) and path not in self.pages:
            return refuse(HTTPStatus.NOT_FOUND, "no such page")
        return None

    def _plain(self, path: str, headers: Mapping[str, str], *, stays: bool) -> Answer | Inquiry:
        page = self.pages.get(path)
        if page is not None:
            return Answer(
                status=HTTPStatus.OK,
                body=page.body,
                content_type=page.content_type,
                stays=stays,
            )
        if path == HEALTH_PATH:
            return Inquiry("health")
        if path == METRICS_PATH:
            return Inquiry("metrics", _bearer(headers.get("authorization")))
        if path == "/":
            return refuse(HTTPStatus.NOT_FOUND, self.no_page)
        return refuse(
            HTTPStatus.UPGRADE_REQUIRED,
            "this path speaks WebSocket",
            ("Upgrade", "websocket"),
        )


Verdict = Union[Answer, Upgrade, Inquiry]  # noqa: UP007  # evaluated on Python 3.10


def refuse(status: HTTPStatus, why: str, *headers: tuple[str, str]) -> Answer:
    """An answer of one line of text."""
    return Answer(status=status, body=f"{why}\n".encode(), headers=headers)


def render(answer: Answer, *, head_only: bool = False) -> bytes:
    """The bytes of a response; `head_only` for HEAD."""
    status = answer.status
    fields = (
        ("Content-Type", answer.content_type),
        ("Content-Length", str(len(answer.body))),
        ("Connection", "keep-alive" if answer.stays else "close"),
        *answer.headers,
        *SECURITY_HEADERS,
    )
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{k}: {v}" for k, v in fields), "", ""]
    return "\r\n".join(lines).encode() + (b"" if head_only else answer.body)


def hosts_of(port: int, *names: str, scheme: str = "http") -> frozenset[str]:
    """What Host may say when we listen on `port`: this machine's own names, and `names`.

    A name may carry a port of its own, such as that of a proxy before us. The addresses that mean
    "everywhere" are nobody's name.
    """
    listed: set[str] = set()
    for name in ("127.0.0.1", "localhost", "::1", *names):
        if name in EVERYWHERE:
            continue
        host = f"[{name}]" if _is_ipv6(name) else name.lower()
        listed.add(host if _WITH_PORT.search(host) else f"{host}:{port}")
        if port == _USUAL_PORTS[scheme] or name not in ("127.0.0.1", "localhost", "::1"):
            listed.add(host)
    return frozenset(listed)


def _may_stay(request: h11.Request, headers: Mapping[str, str]) -> bool:
    """Tell whether the client takes a second answer: a page is forty files, asked for at once."""
    options = [one.strip().lower() for one in headers.get("connection", "").split(",")]
    return request.http_version == b"1.1" and "close" not in options


def _is_ipv6(name: str) -> bool:
    return name.count(":") > 1 and not name.startswith("[")


def _is_link(headers: Mapping[str, str]) -> bool:
    """Tell whether a browser goes to the page, in a window of its own."""
    return (
        headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    )


def _malformed(request: h11.Request) -> Answer | None:
    parts = [request.target, *(part for header in request.headers for part in header)]
    if not all(_PRINTABLE.fullmatch(part) for part in parts):
        return refuse(HTTPStatus.BAD_REQUEST, "only ASCII in a request head")
    seen = Counter(name.decode() for name, _ in request.headers)
    for name in _ONCE:
        if seen[name] > 1:
            return refuse(HTTPStatus.BAD_REQUEST, f"more than one {name}")
    if not request.target.startswith(b"/"):
        return refuse(HTTPStatus.BAD_REQUEST, "a path begins with /")
    return None


def _wants_websocket(headers: Mapping[str, str]) -> bool:
    return headers.get("upgrade", "").lower() == "websocket" or "sec-websocket-key" in headers


def _judge_handshake(
    request: h11.Request, path: str, headers: Mapping[str, str], offered: str
) -> Answer | Upgrade:
    if path not in SOCKET_PATHS:
        return refuse(HTTPStatus.NOT_FOUND, "no WebSocket here")
    tokens = [token.strip().lower() for token in headers.get("connection", "").split(",")]
    well_formed = (
        request.method == b"GET"
        and request.http_version == b"1.1"
        and headers.get("upgrade", "").lower() == "websocket"
        and "upgrade" in tokens
        and _KEY.fullmatch(headers.get("sec-websocket-key", ""))
    )
    if not well_formed:
        return refuse(HTTPStatus.BAD_REQUEST, "not a WebSocket handshake")
    if headers.get("sec-websocket-version") != _WEBSOCKET_VERSION:
        return refuse(
            HTTPStatus.UPGRADE_REQUIRED,
            "only WebSocket version 13",
            ("Sec-WebSocket-Version", _WEBSOCKET_VERSION),
        )
    ndjson = SUBPROTOCOL in [one.strip() for one in offered.split(",")]
    return Upgrade(ndjson, _bearer(headers.get("authorization")))


def _bearer(authorization: str | None) -> str | None:
    """The token of an ``Authorization`` header; another scheme than Bearer is a wrong token."""
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
