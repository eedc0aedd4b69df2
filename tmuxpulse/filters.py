"""Which events a subscriber wants; compiled once, asked for every event.

Pure: values in, a predicate out. It knows the vocabulary and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import translate

import msgspec

from tmuxpulse.errors import RequestError
from tmuxpulse.events import (
    ON_REQUEST,
    SEVERITIES,
    AgentStatus,
    Data,
    Event,
    PaneOutput,
    Place,
    Severity,
    Status,
)

MAX_PATTERNS = 64
MAX_PATTERN_LENGTH = 256
MAX_KNOWN_NAMES = 1024  # remembered answers of one filter; beyond that they are forgotten

Predicate = Callable[[Event], bool]


class Filter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a subscriber wants. Every list that is not empty must match; an empty one is everything.

    Globs are shell-style (``*``, ``?``, ``[abc]``) and case-sensitive. Events of the family
    ``server`` belong to no pane: only `types` and `severity` apply to them.

    Types that are made on request only (`events.ON_REQUEST`) are admitted by their full name alone.

    Attributes:
        types: event types, such as ``pane.output`` or ``pane.*``.
        sessions: names or ids (``$3``).
        windows: names, indexes, ids (``@7``) or ``session:index``.
        panes: indexes, ids (``%12``) or ``session:window.pane``.
        statuses: for ``agent.status``: the new status; other types do not match.
        severity: ``info``, ``warning``, ``error``.
        contains: texts, any of which must be in the event's text; case does not matter.
    """

    types: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    windows: tuple[str, ...] = ()
    panes: tuple[str, ...] = ()
    statuses: tuple[Status, ...] = ()
    severity: tuple[Severity, ...] = ()
    contains: tuple[str, ...] = ()


EVERYTHING = Filter()


def check_filter(wanted: Filter) -> None:
    """Refuse a filter that is too large or can never match.

    Raises:
        RequestError: ``INVALID_FILTER``, naming the field.
    """
    for field in wanted.__struct_fields__:
        patterns: tuple[str, ...] = getattr(wanted, field)
        if len(patterns) > MAX_PATTERNS:
            raise RequestError("INVALID_FILTER", f"filters.{field}: at most {MAX_PATTERNS} entries")
        for position, pattern in enumerate(patterns):
            if not pattern or len(pattern) > MAX_PATTERN_LENGTH:
                raise RequestError(
                    "INVALID_FILTER",
                    f"filters.{field}[{position}]: 1 to {MAX_PATTERN_LENGTH} characters",
                )
        try:
            compile_globs(patterns)
        except re.error:  # [z-a], on Python releases before 3.10.5
            raise RequestError("INVALID_FILTER", f"filters.{field}: not a glob") from None


def compile_filters(wanted: Iterable[Filter]) -> Predicate:
    """Give one predicate that is true for an event which any of `wanted` admits."""
    predicates = [_compile_one(one) for one in wanted]
    if len(predicates) == 1:
        return predicates[0]
    return lambda event: any(admits(event) for admits in predicates)


def wants_type(wanted: Filter, event_type: str) -> bool:
    """Whether a filter can admit events of a type, whatever is in them."""
    if event_type in ON_REQUEST:
        return event_type in wanted.types
    return not wanted.types or compile_globs(wanted.types)(event_type)


def text_of(data: Data) -> str:
    """All text a person could read in an event, a newline between its parts."""
    if isinstance(data, PaneOutput):
        return "\n".join((*data.lines, data.partial, *data.rows.values()))
    values = (getattr(data, field) for field in data.__struct_fields__)
    return "\n".join(value for value in values if isinstance(value, str))


def _compile_one(wanted: Filter) -> Predicate:
    types = compile_globs(wanted.types)
    severity = frozenset(wanted.severity or SEVERITIES)
    tests = [
        make(patterns)
        for make, patterns in (
            (_in_session, wanted.sessions),
            (_in_window, wanted.windows),
            (_in_pane, wanted.panes),
            (_with_status, wanted.statuses),
            (_with_text, wanted.contains),
        )
        if patterns
    ]

    unasked = ON_REQUEST - set(wanted.types)

    def admits(event: Event) -> bool:
        if wanted.types and not types(event.type):
            return False
        if event.type in unasked:
            return False
        if len(severity) < len(SEVERITIES) and event.severity not in severity:
            return False
        if not tests or event.type.startswith("server."):
            return True
        return all(test(event) for test in tests)

    return admits


def _in_session(patterns: tuple[str, ...]) -> Predicate:
    matches = compile_globs(patterns)
    return lambda event: any(map(matches, _session_names(event.place)))


def _in_window(patterns: tuple[str, ...]) -> Predicate:
    matches = compile_globs(patterns)
    return lambda event: any(map(matches, _window_names(event.place)))


def _in_pane(patterns: tuple[str, ...]) -> Predicate:
    matches = compile_globs(patterns)
    return lambda event: any(map(matches, _pane_names(event.place)))


def _with_status(statuses: tuple[str, ...]) -> Predicate:
    return lambda event: isinstance(event.data, AgentStatus) and event.data.status in statuses


def _with_text(texts: tuple[str, ...]) -> Predicate:
    needles = tuple(text.casefold() for text in texts)

    def contains(event: Event) -> bool:
        text = text_of(event.data).casefold()
        return any(needle in text for needle in needles)

    return contains


def compile_globs(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """One predicate for many globs; answers are remembered, since names recur."""
    match = re.compile("|".join(map(translate, patterns)) or r"(?!)").match
    known: dict[str, bool] = {}

    def matches(name: str) -> bool:
        answer = known.get(name)
        if answer is None:
            if len(known) >= MAX_KNOWN_NAMES:
                known.clear()
            answer = known[name] = match(name) is not None
        return answer

    return matches


def _session_names(place: Place) -> Iterable[str]:
    return [name for name in (place.session, place.session_id, *place.linked_sessions) if name]


def _window_names(place: Place) -> Iterable[str]:
    if place.window_id is None:
        return ()
    names = [place.window_id, str(place.window), f"{place.session}:{place.window}"]
    return [*names, place.window_name] if place.window_name else names


def _pane_names(place: Place) -> Iterable[str]:
    if place.pane_id is None:
        return ()
    return (place.pane_id, str(place.pane), f"{place.session}:{place.window}.{place.pane}")
