"""What a program asks, as requests; and what it is told, out of replies. Pure.

The faces differ in how they wait, not in what they ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, TypedDict, TypeVar

import msgspec

from tmuxpulse.client.view import Event, Gap, Restarted, note, seen
from tmuxpulse.errors import (
    EventsMissed,
    RequestError,
    ServerUnavailable,
    TimedOut,
    UsageError,
)
from tmuxpulse.filters import Filter, check_filter
from tmuxpulse.wire import (
    COMMANDS,
    AnyCommand,
    AnyReply,
    Batch,
    BatchResult,
    Command,
    CommandResult,
    Emit,
    EmitAccepted,
    EmitEvent,
    Explain,
    ExplainData,
    History,
    HistoryData,
    Numbered,
    Outcome,
    Snapshot,
    SnapshotData,
    Target,
    Tree,
    decode_message,
)

COMMAND_FAILED = "COMMAND_FAILED"
PAGE = 500
_TARGET = ("server", "session", "window", "pane")

Names = Sequence[str] | str
Reply = TypeVar("Reply")


class Filters(TypedDict, total=False):
    """Which events; every field that is given must match, and any of its entries.

    Attributes:
        types: such as ``agent.status`` or ``pane.*``.
        sessions: names or ids (``$3``), as globs.
        windows: names, indexes, ids (``@7``) or ``session:index``.
        panes: indexes, ids (``%12``) or ``session:window.pane``.
        statuses: the new status of ``agent.status``.
        severity: ``info``, ``warning``, ``error``.
        contains: texts, any of which is in the event's text.
    """

    types: Names
    sessions: Names
    windows: Names
    panes: Names
    statuses: Names
    severity: Names
    contains: Names


class Place(TypedDict, total=False):
    """A pane, window or session, by names, indexes or ids."""

    server: str
    session: str
    window: str | int
    pane: str | int


class _Epoch(msgspec.Struct):
    epoch: str = ""


_epochs = msgspec.json.Decoder(_Epoch)


def wanted(fields: Mapping[str, object]) -> Filter:
    """A filter, with a single text where a list of one is meant.

    Args:
        fields: as of `Filters`.

    Raises:
        UsageError: it can match nothing.
    """
    lists = {name: [given] if isinstance(given, str) else given for name, given in fields.items()}
    try:
        found = msgspec.convert(lists, Filter)
        check_filter(found)
    except (msgspec.ValidationError, RequestError) as error:
        raise UsageError(f"no such filter: {error}") from None
    return found


def command(name: str | Command, fields: Mapping[str, Any]) -> AnyCommand:
    """A command, such as ``command("send-text", {"pane": "%3", "text": "make"})``.

    Raises:
        UsageError: there is no such command, or it has no such fields.
    """
    if isinstance(name, Command):
        if fields:
            raise UsageError("give a command as a struct, or as a name with its fields")
        return name  # type: ignore[return-value]  # all concrete commands are in the union
    if name not in COMMANDS:
        raise UsageError(f"no such command: {name!r}; known: {', '.join(sorted(COMMANDS))}")
    rest = dict(fields)
    target = {key: rest.pop(key) for key in _TARGET if key in rest}
    if target:
        rest["target"] = target
    try:
        found: AnyCommand = msgspec.convert(
            {**rest, "action": "command", "command": name}, AnyCommand
        )
    except msgspec.ValidationError as error:
        raise UsageError(f"{name}: {error}") from None
    return found


def batch(
    commands: Iterable[Command | Mapping[str, Any]], key: str | None, deadline_s: float | None
) -> Batch:
    """Several commands, each a struct or a mapping with its name as ``command``.

    Raises:
        UsageError: one of them is none.
    """
    found = []
    for one in commands:
        if isinstance(one, Command):
            found.append(command(one, {}))
        else:
            fields = dict(one)
            found.append(command(str(fields.pop("command", "")), fields))
    return Batch(commands=found, key=key, deadline_s=deadline_s)


def snapshot(target: Mapping[str, Any], *, styled: bool = False) -> Snapshot:
    """The state, of everything or of what is named; `styled`: screens with their colours."""
    return Snapshot(target=_target(target) if _named(target) else None, styled=styled)


def explain(target: Mapping[str, Any]) -> Explain:
    """Why a pane's status is what it is."""
    return Explain(target=_target(target))


def emit(event_type: str, data: Mapping[str, Any] | None, place: Mapping[str, Any]) -> Emit:
    """Tell of something."""
    fields = {**_named(place), "type": event_type, "data": dict(data or {})}
    try:
        return Emit(event=msgspec.convert(fields, EmitEvent))
    except msgspec.ValidationError as error:
        raise UsageError(f"emit: {error}") from None


def history(
    filters: Filter,
    *,
    contains: str = "",
    since: datetime | float | None = None,
    until: datetime | float | None = None,
    newest_first: bool = False,
    limit: int | None = None,
) -> History:
    """The first page of what was kept.

    Args:
        filters: which events.
        contains: a text that is in them.
        since: no earlier; a time, with its zone or else the local one, or seconds of the epoch.
        until: earlier than this.
        newest_first: the order.
        limit: how many are wanted at most.
    """
    return History(
        filters=filters,
        contains=contains,
        since=_when(since),
        until=_when(until),
        limit=PAGE if limit is None else max(1, min(limit, PAGE)),
        newest_first=newest_first,
    )


def next_page(request: History, page: HistoryData) -> History | None:
    """What to ask for next; None: there is nothing more."""
    return None if page.cursor is None else msgspec.structs.replace(request, cursor=page.cursor)


def events_of(page: HistoryData) -> list[Event]:
    """The events of a page, after a `Gap` for each range that was lost."""
    found = [
        note(
            Gap(reason="lost", first=one.first, last=one.last, dropped=one.count),
            epoch=one.epoch,
            seq=one.first - 1,
        )
        for one in page.lost
    ]
    for raw in page.events:
        line = bytes(raw)
        numbered = decode_message(line)
        if isinstance(numbered, Numbered):  # else of a type that this version does not know
            found.append(seen(numbered, _epochs.decode(line).epoch))
    return found


# --- replies -------------------------------------------------------------------------------------


def matches(event: Event, wanted: Filter) -> bool:
    """Tell whether a wait for an event is over.

    Raises:
        EventsMissed: it may have come and gone unseen.
    """
    if isinstance(event.data, Gap):
        raise EventsMissed(
            f"events were missed while waiting for {_words(wanted)} ({event.data.reason});"
            " look at snapshot(), and wait again"
        )
    return not isinstance(event.data, Restarted)


def too_slow(what: str, seconds: float) -> TimedOut:
    """Nothing came in time."""
    return TimedOut(f"{what} in {seconds:g} s", seconds=seconds)


def _words(wanted: Filter) -> str:
    return ", ".join(wanted.types) or "an event"


def tree_of(reply: AnyReply) -> Tree:
    """The state."""
    return _is(reply, SnapshotData).data


def output_of(reply: AnyReply) -> Any:  # noqa: ANN401  # a text, an id or a pane, by the command
    """What a command gave.

    Raises:
        RequestError: ``COMMAND_FAILED``: it was tried, and tmux said no.
    """
    result = _is(reply, CommandResult)
    if not result.ok:
        raise RequestError(COMMAND_FAILED, result.error or "tmux did not do it")
    return result.output


def outcomes_of(reply: AnyReply) -> list[Outcome]:
    """How each command of a batch ended."""
    return _is(reply, BatchResult).results


def page_of(reply: AnyReply) -> HistoryData:
    """A page of what was kept."""
    return _is(reply, HistoryData)


def explanation_of(reply: AnyReply) -> ExplainData:
    """Why a status is what it is."""
    return _is(reply, ExplainData)


def seq_of(reply: AnyReply) -> int:
    """The number of the newest event, now that something was told."""
    return _is(reply, EmitAccepted).seq


def _is(reply: AnyReply, expected: type[Reply]) -> Reply:
    if not isinstance(reply, expected):
        raise ServerUnavailable("the server answered something else than was asked")
    return reply


def _named(target: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in target.items() if value is not None}


def _target(target: Mapping[str, Any]) -> Target:
    try:
        return msgspec.convert(_named(target), Target)
    except msgspec.ValidationError as error:
        raise UsageError(f"no such target: {error}") from None


def _when(given: datetime | float | None) -> datetime | None:
    if given is None:
        return None
    if isinstance(given, datetime):
        return given if given.tzinfo is not None else given.astimezone()
    return datetime.fromtimestamp(given, timezone.utc)
