"""Where `history` and `search` get their events: from the server that runs, else from the database.

What is printed of them is not known here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Protocol

import msgspec
import trio

from tmuxpulse.cli.feed import Source
from tmuxpulse.client.connection import Connection
from tmuxpulse.config.settings import HistoryTable
from tmuxpulse.errors import RequestError, ServerUnavailable, UsageError
from tmuxpulse.history.history import settle
from tmuxpulse.history.reader import Page, Reader
from tmuxpulse.serve.keeping import DATABASE, history_places
from tmuxpulse.serve.past import OFF, query_of, told
from tmuxpulse.wire import Around, History, HistoryData, HistoryLost, Numbered, decode_message

READ_SECONDS = 60.0  # for one page, where nobody else waits for the database
EMPTY = Around(before=[], after=[])


class Kept(msgspec.Struct, frozen=True):
    """An event of the past.

    Attributes:
        numbered: what it says.
        line: its JSON, with its ``epoch``.
        around: what its pane printed before and after it, if that was asked for.
    """

    numbered: Numbered
    line: bytes
    around: Around


class Past(Protocol):
    """Answers questions, page by page."""

    async def page(self, request: History) -> HistoryData:
        """Answer one; raises `RequestError`."""


class ServerPast:
    """What a server has kept."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def page(self, request: History) -> HistoryData:
        """Ask the server."""
        reply = await self._connection.request(request)
        if not isinstance(reply, HistoryData):
            raise ServerUnavailable("the tmuxpulse server did not give its history")
        return reply


class LocalPast:
    """What is in this user's database, while no server runs."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def page(self, request: History) -> HistoryData:
        """Read it, in a thread."""
        return await trio.to_thread.run_sync(self._page, request, abandon_on_cancel=True)

    def _page(self, request: History) -> HistoryData:
        page: Page = self._reader.page(query_of(request))
        context: list[Around] = []
        for found in page.events if request.context else ():
            try:
                before, after = self._reader.around(
                    found.id, before=request.context, after=request.context
                )
            except RequestError as error:
                if error.code != "NOT_FOUND":
                    raise
                before, after = [], []
            context.append(Around(before=list(map(told, before)), after=list(map(told, after))))
        return HistoryData(
            events=list(map(told, page.events)),
            cursor=page.cursor,
            complete=page.is_complete,
            lost=[
                HistoryLost(epoch=one.epoch, first=one.first, last=one.last, count=one.count)
                for one in page.lost
            ],
            context=context,
        )


@asynccontextmanager
async def open_past(
    source: Source, table: HistoryTable, *, state_dir: Path, runtime_dir: Path
) -> AsyncIterator[Past]:
    """Open the history that fits.

    Args:
        source: which server, if one runs.
        table: the settings, for who reads the database itself.
        state_dir: where the database is.
        runtime_dir: where its journal is.

    Raises:
        UsageError: there is none.
        ServerUnavailable: the server does not answer.
        ServerRefused: it does not take us.
    """
    if source.has_server:
        async with source.connect() as connection:
            yield ServerPast(connection)
        return
    with local_past(table, state_dir, runtime_dir) as past:
        yield past


@contextmanager
def local_past(table: HistoryTable, state_dir: Path, runtime_dir: Path) -> Iterator[LocalPast]:
    """Open this user's database; no server may run that writes it.

    Raises:
        UsageError: there is none, or it cannot be read.
    """
    directory, journal_dir = history_places(str(state_dir), str(runtime_dir))
    database = directory / DATABASE
    if not database.exists() and not any(journal_dir.glob("*.journal-*")):
        why = OFF if not table.enabled else f"there is none yet at {database}: tmuxpulse serve"
        raise UsageError(f"no history: {why}")
    trouble = settle(database, journal_dir)
    if trouble:
        raise UsageError(f"the history cannot be read: {trouble}")
    reader = Reader(database, seconds=READ_SECONDS)
    try:
        yield LocalPast(reader)
    finally:
        reader.close()


async def pages(past: Past, request: History) -> AsyncIterator[HistoryData]:
    """All pages of an answer, oldest first."""
    request = msgspec.structs.replace(request, newest_first=False)
    while True:
        page = await past.page(request)
        yield page
        if page.cursor is None:
            return
        request = msgspec.structs.replace(request, cursor=page.cursor)


def events_of(page: HistoryData) -> list[Kept]:
    """The events of a page that this version knows, in their order."""
    found = []
    for position, raw in enumerate(page.events):
        line = bytes(raw)
        numbered = decode_message(line)
        if isinstance(numbered, Numbered):
            around = page.context[position] if position < len(page.context) else EMPTY
            found.append(Kept(numbered, line, around))
    return found
