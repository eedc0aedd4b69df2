"""One exchange of plain HTTP on a connection: a request read, a response sent.

What is answered is for `door` to say, and who asks, for `front`.
"""

from __future__ import annotations

import logging
from http import HTTPStatus

import h11
import msgspec
import trio

from tmuxpulse.serve.door import Answer, Door, Upgrade, Verdict, refuse, render

HEAD_BYTES = 16384
ANSWER_SECONDS = 5.0
LINGER_SECONDS = 1.0  # for a peer to read an answer before the socket is torn down
LINGER_BYTES = 1 << 16

logger = logging.getLogger(__name__)


class Asked(msgspec.Struct, frozen=True):
    """A request.

    Attributes:
        head: its bytes.
        verdict: what it is answered with; None: the peer left before that.
        head_only: whether the answer goes without its body.
        rest: bytes that came after it.
    """

    head: bytes = b""
    verdict: Verdict | None = None
    head_only: bool = False
    rest: bytes = b""


async def read_request(stream: trio.abc.Stream, door: Door, begun: bytes = b"") -> Asked:
    """Read up to the end of a request head, of which some bytes may be here already."""
    http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
    head = begun
    try:
        if begun:
            http.receive_data(begun)
        while (event := http.next_event()) is h11.NEED_DATA:
            data = bytes(await stream.receive_some(HEAD_BYTES))
            http.receive_data(data)
            head += data
    except h11.RemoteProtocolError as error:
        status = HTTPStatus(error.error_status_hint)
        return Asked(head, refuse(status, "not a request we answer"))
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        return Asked(head)
    if not isinstance(event, h11.Request):
        return Asked(head)
    if len(head) > HEAD_BYTES:  # h11 bounds what is incomplete only
        return Asked(head, refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "too much"))
    verdict, rest = door.judge(event), b""
    if isinstance(verdict, Upgrade) or (isinstance(verdict, Answer) and verdict.stays):
        http.next_event()  # the end of the request: what is left then is no part of it
        rest = http.trailing_data[0]
    if isinstance(verdict, Upgrade) and rest:
        verdict = refuse(HTTPStatus.BAD_REQUEST, "bytes after the handshake")
    return Asked(head, verdict, event.method == b"HEAD", rest)


async def send_answer(stream: trio.abc.Stream, answer: Answer, *, head_only: bool = False) -> bool:
    """Send a response; tell whether the connection is good for another.

    Where it is not, wait a little for the peer to read it: closing a socket with unread bytes
    resets it, and the response would be lost with it.
    """
    try:
        with trio.move_on_after(ANSWER_SECONDS):
            await stream.send_all(render(answer, head_only=head_only))
            if answer.stays:
                return True
            if isinstance(stream, trio.abc.HalfCloseableStream):
                await stream.send_eof()  # TLS has no such thing; its peer has the length
            dropped = 0
            with trio.move_on_after(LINGER_SECONDS):
                while dropped < LINGER_BYTES and (data := await stream.receive_some(4096)):
                    dropped += len(data)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        logger.debug("a peer left before its answer")
    return False
