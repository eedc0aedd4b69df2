"""Events that clients tell of, and what programs report of themselves.

Who may is the desk's matter. What a report means is decided where panes are watched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from tmuxpulse.errors import RequestError
from tmuxpulse.events import AgentStatus, Custom, Event, Place, Status
from tmuxpulse.hub.hub import Hub, Source
from tmuxpulse.serve.target import find_pane, find_session, find_window
from tmuxpulse.tmux.reports import Report
from tmuxpulse.wire import EmitEvent, Target, Tree

MAX_DATA_BYTES = 16_384
_NAME = re.compile(r"custom\.[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", re.ASCII)


class _Reported(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    status: Status
    reason: Annotated[str, Meta(max_length=500)] = ""
    agent_type: Annotated[str, Meta(max_length=64)] | None = None
    source: Annotated[str, Meta(max_length=64)] = "emit"


class Emitter:
    """Takes what clients tell.

    Args:
        hub: the stream of everything.
        sources: who takes reports, for which tmux server.
    """

    def __init__(self, hub: Hub, sources: Mapping[str, Source]) -> None:
        self._hub = hub
        self._sources = sources

    def emit(self, told: EmitEvent, seen: Tree, *, sees_all: bool) -> None:
        """Publish an event, or pass a report on.

        Args:
            told: what.
            seen: what the teller sees; nothing else is found.
            sees_all: whether that is everything; else it has to say where it happened.

        Raises:
            RequestError: it is refused, and nothing was published.
        """
        place = self._place(told, seen, sees_all=sees_all)
        if told.type == AgentStatus.type:
            self._report(told, place)
            return
        if not _NAME.fullmatch(told.type):
            raise RequestError(
                "INVALID_REQUEST",
                "`event.type` is agent.status, or custom. and a name of letters, digits, . _ -",
            )
        if len(msgspec.json.encode(told.data)) > MAX_DATA_BYTES:
            raise RequestError("TOO_LARGE", f"`event.data` is at most {MAX_DATA_BYTES} bytes")
        self._hub.publish(Event(place, Custom(name=told.type, data=told.data)))

    def _report(self, told: EmitEvent, place: Place) -> None:
        if place.pane_id is None:
            raise RequestError("INVALID_REQUEST", "agent.status is about a pane: name it")
        try:
            said = msgspec.convert(told.data, _Reported)
        except msgspec.ValidationError as error:
            raise RequestError("INVALID_REQUEST", f"event.data: {error}") from None
        report = Report(
            status=said.status,
            reason=said.reason,
            agent_type=said.agent_type,
            source=said.source,
        )
        source = self._sources.get(place.server or "")
        if source is None or not source.report(place.pane_id, report):
            raise RequestError("NOT_FOUND", "no such session, window or pane")

    def _place(self, told: EmitEvent, seen: Tree, *, sees_all: bool) -> Place:
        target = Target(
            server=told.server, session=told.session, window=told.window, pane=told.pane
        )
        if (told.session, told.window, told.pane) == (None, None, None):
            if not sees_all:
                raise RequestError(
                    "INVALID_REQUEST", "this token is for some sessions: say where it happened"
                )
            return Place(server=told.server)
        if told.pane is not None:
            spot = find_pane(seen, target)
            return place_of(self._hub.snapshot(), spot.session.server, pane_id=spot.pane.id)
        if told.window is not None:
            session, window = find_window(seen, target)
            return place_of(self._hub.snapshot(), session.server, window_id=window.id)
        session = find_session(seen, target)
        return Place(server=session.server, session=session.name, session_id=session.id)


def place_of(
    tree: Tree, server: str, *, window_id: str | None = None, pane_id: str | None = None
) -> Place:
    """Where a window or a pane is: in the session with the lowest id that shows it.

    Raises:
        RequestError: ``NOT_FOUND``: nowhere.
    """
    found: Place | None = None
    linked: list[str] = []
    for session in tree.sessions:
        for window in session.windows if session.server == server else ():
            pane = next((one for one in window.panes if one.id == pane_id), None)
            if pane is None and (pane_id is not None or window.id != window_id):
                continue
            if found is not None:
                linked.append(session.name)
                continue
            found = Place(
                server=server,
                session=session.name,
                session_id=session.id,
                window=window.index,
                window_id=window.id,
                window_name=window.name,
                pane=None if pane is None else pane.index,
                pane_id=None if pane is None else pane.id,
            )
    if found is None:
        raise RequestError("NOT_FOUND", "no such session, window or pane")
    others = tuple(dict.fromkeys(name for name in linked if name != found.session))
    return msgspec.structs.replace(found, linked_sessions=others)
