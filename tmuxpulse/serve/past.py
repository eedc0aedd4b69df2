"""What was kept, for connections: pages of it, and how a stream of earlier runs is told.

How it is kept is `history`'s matter, and who may ask the desk's. No connection is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec
import trio

from tmuxpulse.errors import RequestError
from tmuxpulse.filters import Filter, compile_globs
from tmuxpulse.history.eyes import EVERYTHING, Eyes
from tmuxpulse.history.found import Found
from tmuxpulse.history.history import Amounts
from tmuxpulse.history.query import Query
from tmuxpulse.history.reader import Page
from tmuxpulse.history.replay import Segment
from tmuxpulse.serve.sights import Sight, without_output
from tmuxpulse.wire import Around, HistoryData, HistoryLost, Position
from tmuxpulse.wire import History as Asked

MAX_CONTEXT = 10
MAX_EVENTS_WITH_CONTEXT = 100
OFF = "the history is off; [history] enabled = true in config.toml turns it on"


class Keeping(Protocol):
    """The part of a `history.History` that is used here."""

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Write until cancelled."""

    async def query(self, query: Query, *, eyes: Eyes = EVERYTHING) -> Page:
        """Answer a question."""

    async def around(
        self, found: Sequence[Found], *, before: int, after: int, eyes: Eyes = EVERYTHING
    ) -> list[tuple[list[Found], list[Found]]]:
        """What was printed before and after events."""

    async def replay(self, epoch: str, seq: int, filters: Sequence[Filter]) -> list[Segment] | str:
        """Everything after a position up to now, run by run; or why not."""

    def amounts(self) -> Amounts:
        """How much is kept."""


class Past:
    """Answers from the history.

    Args:
        history: where things are kept; None: nothing is.
    """

    def __init__(self, history: Keeping | None) -> None:
        self._history = history

    @property
    def is_kept(self) -> bool:
        """Whether there is any."""
        return self._history is not None

    def amounts(self) -> Amounts | None:
        """How much is kept; None: nothing is."""
        return None if self._history is None else self._history.amounts()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write until cancelled, and then what is left, for a moment."""
        if self._history is None:
            task_status.started()
        else:
            await self._history.run(task_status=task_status)

    async def page(self, request: Asked, sight: Sight) -> HistoryData:
        """Answer a request.

        Raises:
            RequestError: ``UNAVAILABLE``: nothing is kept, or it cannot be read now; or it asks
                for too much; see `history.reader.Reader.page`.
        """
        history = self._need()
        if not 0 <= request.context <= MAX_CONTEXT:
            raise RequestError("INVALID_REQUEST", f"`context` is 0 to {MAX_CONTEXT}")
        if request.context and request.limit > MAX_EVENTS_WITH_CONTEXT:
            raise RequestError(
                "INVALID_REQUEST", f"`limit` is at most {MAX_EVENTS_WITH_CONTEXT} with `context`"
            )
        for field in ("since", "until"):
            when = getattr(request, field)
            if when is not None and when.tzinfo is None:
                raise RequestError("INVALID_REQUEST", f"`{field}` needs a time zone, such as `Z`")
        eyes = eyes_of(sight)
        page = await history.query(query_of(request), eyes=eyes)
        context: list[Around] = []
        if request.context:
            context = [
                Around(before=list(map(told, before)), after=list(map(told, after)))
                for before, after in await history.around(
                    page.events, before=request.context, after=request.context, eyes=eyes
                )
            ]
        return HistoryData(
            id=request.id,
            events=list(map(told, page.events)),
            cursor=page.cursor,
            complete=page.is_complete,
            lost=[
                HistoryLost(epoch=one.epoch, first=one.first, last=one.last, count=one.count)
                for one in page.lost
            ],
            context=context,
        )

    async def replay(self, position: Position, wanted: Filter) -> list[Segment] | str:
        """Everything after a position, for who sees everything, run by run; or why not."""
        return await self._need().replay(position.epoch, position.seq, [wanted])

    def _need(self) -> Keeping:
        if self._history is None:
            raise RequestError("UNAVAILABLE", OFF)
        return self._history


def query_of(request: Asked) -> Query:
    """The question that a request asks."""
    return Query(
        filter=request.filters,
        text=request.contains,
        since=None if request.since is None else request.since.timestamp(),
        until=None if request.until is None else request.until.timestamp(),
        limit=request.limit,
        cursor=request.cursor,
        newest_first=request.newest_first,
    )


def eyes_of(sight: Sight) -> Eyes:
    """How much of the past a sight sees: what it would see of the present."""
    return Eyes(
        sees=compile_globs(sight.sessions) if sight.sessions else None,
        silence=None if sight.output else without_output,
    )


def told(found: Found) -> msgspec.Raw:
    """The event as it was sent, and the run it is of."""
    epoch = msgspec.json.encode(found.epoch)
    return msgspec.Raw(found.line[:-1] + b',"epoch":' + epoch + b"}")
