"""A question to the history, and what of it SQL and the text index can answer.

Pure. What is worked out here only narrows: it lets through everything the question wants, and
perhaps more. The compiled predicate of `filters` decides in the end, so that history and the live
stream agree by construction.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import msgspec

from tmuxpulse.errors import RequestError
from tmuxpulse.events import BY_TYPE, SEVERITIES, AgentStatus, Event, PaneBell, Place
from tmuxpulse.events import Data as AnyData
from tmuxpulse.filters import (
    EVERYTHING as EVERY_EVENT,
)
from tmuxpulse.filters import (
    Filter,
    Predicate,
    check_filter,
    compile_filters,
    compile_globs,
    text_of,
)
from tmuxpulse.history.eyes import EVERYTHING, Eyes, shown, shown_place

MAX_LIMIT = 1000
MAX_TEXT = 256
_GRAM = 3  # characters of what the index can find
_MAX_GRAMS = 24  # of one text; more make a search slower, not more exact


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted.

    Attributes:
        filter: as for the live stream.
        text: must be in the event's text; case does not matter. Unlike `filter.contains`, it holds
            for the family ``server`` as well.
        since: no earlier than this, in seconds since the epoch.
        until: earlier than this.
        limit: events in a page.
        cursor: of the page before; empty: from the beginning.
        newest_first: the order.
    """

    filter: Filter = EVERY_EVENT
    text: str = ""
    since: float | None = None
    until: float | None = None
    limit: int = 100
    cursor: str = ""
    newest_first: bool = True


def check_query(query: Query) -> None:
    """Refuse what is too large.

    Raises:
        RequestError: ``INVALID_FILTER`` or ``INVALID_REQUEST``, naming the field.
    """
    check_filter(query.filter)
    if not 1 <= query.limit <= MAX_LIMIT:
        raise RequestError("INVALID_REQUEST", f"`limit` is 1 to {MAX_LIMIT}")
    if len(query.text) > MAX_TEXT:
        raise RequestError("INVALID_REQUEST", f"`contains` is at most {MAX_TEXT} characters")


def wants(query: Query, eyes: Eyes) -> Callable[[Event], Event | None]:
    """Give what an event is shown as; None for those that are not wanted or not seen.

    Texts are looked for in what is shown: else a search would tell what may not be read.
    """
    admits: Predicate = compile_filters([query.filter])
    needle = query.text.casefold()

    def wanted(event: Event) -> Event | None:
        seen = event if eyes.see_everything else shown(event, eyes)
        if seen is None or not admits(seen):
            return None
        if needle and needle not in text_of(seen.data).casefold():
            return None
        return seen

    return wanted


class Narrowing(msgspec.Struct, frozen=True, kw_only=True):
    """What SQL can leave out.

    Attributes:
        kind: tells whether events of a type can be wanted; None: all can.
        place: tells whether events at a place can be; None: all can.
        match: for the text index; empty: it cannot help.

    To the family ``server`` neither `place` nor `match` applies: filters let it pass, and what it
    says can be another text when it is shown.
    """

    kind: Callable[[str], bool] | None
    place: Callable[[Place], bool] | None
    match: str


def narrow(query: Query, eyes: Eyes = EVERYTHING) -> Narrowing:
    """Work out what can be left out."""
    wanted = query.filter
    kind = _kinds(wanted) if wanted.types or wanted.severity or wanted.statuses else None
    contains = [_grams(text) for text in wanted.contains]
    strict = _grams(query.text)
    parts = [strict] if strict else []
    if contains and all(contains):
        parts.append("(" + " OR ".join(f"({one})" for one in contains) + ")")

    return Narrowing(
        kind=kind,
        place=_places(wanted, eyes),
        match=" AND ".join(f"({one})" for one in parts),
    )


def _kinds(wanted: Filter) -> Callable[[str], bool]:
    matches = compile_globs(wanted.types)
    severities = wanted.severity or SEVERITIES

    def can_be(name: str) -> bool:
        if wanted.types and not matches(name):
            return False
        data: type[AnyData] | None = BY_TYPE.get(name)
        if data is not AgentStatus and (data or AnyData).severity not in severities:
            return False
        return not wanted.statuses or data is AgentStatus or name.startswith("server.")

    return can_be


def _places(wanted: Filter, eyes: Eyes) -> Callable[[Place], bool] | None:
    """Only for events outside of the family ``server``, to which places do not matter."""
    here = Filter(sessions=wanted.sessions, windows=wanted.windows, panes=wanted.panes)
    if here == EVERY_EVENT and eyes.sees is None:
        return None
    admits = compile_filters([here])
    sees = eyes.sees

    def can_be(place: Place) -> bool:
        seen: Place | None = place
        if sees is not None:
            seen = shown_place(place, sees)
        return seen is not None and admits(Event(seen, PaneBell()))

    return can_be


def _grams(text: str) -> str:
    """What the index needs to find a text: its trigrams, each quoted; empty: it is too short."""
    folded = text.casefold()
    if any(unicodedata.category(character) == "Cs" for character in folded):
        return ""  # nothing that was stored has it, and it cannot be asked for
    grams = dict.fromkeys(
        gram
        for start in range(len(folded) - _GRAM + 1)
        if "\0" not in (gram := folded[start : start + _GRAM])
    )
    found = list(grams)
    if len(found) > _MAX_GRAMS:  # evenly from all of the text
        found = [found[at * len(found) // _MAX_GRAMS] for at in range(_MAX_GRAMS)]
    return " AND ".join('"' + gram.replace('"', '""') + '"' for gram in found)
