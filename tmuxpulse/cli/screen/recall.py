"""The status of a pane before this screen was there, from a server's history, if it has one."""

from __future__ import annotations

import msgspec
import trio

from tmuxpulse.cli.feed import ServerFeed
from tmuxpulse.cli.screen.board import seconds_of
from tmuxpulse.cli.screen.model import Model
from tmuxpulse.cli.screen.pane import MAX_TURNS, Key, Turn
from tmuxpulse.errors import RequestError, ServerError
from tmuxpulse.events import AgentStatus
from tmuxpulse.filters import Filter
from tmuxpulse.wire import History, HistoryData, Numbered, decode_message

LOOK_SECONDS = 0.1


async def recall_turns(model: Model, feed: ServerFeed) -> None:
    """Let each pane whose timeline is looked at know its past, until cancelled.

    A server that keeps no history, or does not tell it to us, leaves it at what was seen here.
    """
    asked: set[Key] = set()
    while True:
        await trio.sleep(LOOK_SECONDS)
        pane = model.pane
        if model.mode != "timeline" or pane is None or pane.key in asked:
            continue
        asked.add(pane.key)
        request = History(
            filters=Filter(types=(AgentStatus.type,), panes=(pane.key[1],)), limit=MAX_TURNS
        )
        try:
            reply = await feed.connection.request(request)
        except (RequestError, ServerError):
            continue
        if isinstance(reply, HistoryData):
            pane.recall(turns_of(reply, pane.key, since=model.board.started(pane.key[0])))
            model.changed = True


def turns_of(page: HistoryData, key: Key, *, since: float) -> list[Turn]:
    """The turns of one pane in a page of history, the oldest first.

    Args:
        page: the newest first.
        key: the pane.
        since: when its tmux server started: before, the same id was another pane.
    """
    found: list[Turn] = []
    for raw in page.events:
        try:
            numbered = decode_message(bytes(raw))
        except msgspec.MsgspecError:
            continue  # of a release that told it otherwise
        if not isinstance(numbered, Numbered):
            continue
        event = numbered.event
        at = seconds_of(numbered.timestamp)
        if (
            isinstance(event.data, AgentStatus)
            and (event.place.server, event.place.pane_id) == key
            and at is not None
            and at >= since
        ):
            found.append(turn_of(event.data, at))
    return found[::-1]


def turn_of(data: AgentStatus, at: float) -> Turn:
    """A status as a turn; `at`: when it was told, if it does not say since when it holds."""
    since = seconds_of(data.since)
    why = ": ".join(filter(None, (data.reason, data.evidence.strip())))
    return Turn(at if since is None else since, data.status, why)
