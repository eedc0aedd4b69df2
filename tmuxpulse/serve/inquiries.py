"""Answers to questions about the server itself: ``/healthz`` and ``/metrics``.

Health is for whoever may talk to this port at all: one word, or the names of the parts that do not
work. Metrics are for the owner on the Unix socket and for tokens with ``read`` that are not
narrowed to sessions: counts tell of sessions, too. An address is no proof of anything: behind a
proxy on this machine everybody comes from loopback.
"""

from __future__ import annotations

from http import HTTPStatus

from tmuxpulse.serve.door import Answer, refuse
from tmuxpulse.serve.exposition import CONTENT_TYPE, render
from tmuxpulse.serve.house import House, Visitor
from tmuxpulse.serve.metrics import gather


def answer_health(house: House, *, stopping: bool) -> Answer:
    """``ok``; or 503 and what is wrong, without any detail."""
    if stopping:
        return refuse(HTTPStatus.SERVICE_UNAVAILABLE, "stopping")
    problems = sorted(house.health().problems)
    if problems:
        return refuse(HTTPStatus.SERVICE_UNAVAILABLE, f"degraded: {', '.join(problems)}")
    return Answer(status=HTTPStatus.OK, body=b"ok\n")


def answer_metrics(house: House, visitor: Visitor) -> Answer:
    """Every metric as text, for who may read them."""
    grant = visitor.grant
    if grant is None:
        return refuse(
            HTTPStatus.UNAUTHORIZED,
            "metrics need a token with `read`: Authorization: Bearer ...",
            ("WWW-Authenticate", "Bearer"),
        )
    if "read" not in grant.scopes or grant.sessions:
        return refuse(
            HTTPStatus.FORBIDDEN, "metrics need a token with `read` that sees all sessions"
        )
    return Answer(status=HTTPStatus.OK, body=render(gather(house)), content_type=CONTENT_TYPE)
