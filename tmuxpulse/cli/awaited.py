"""A pane that is waited for: what it is like, what happened to it, and whether a condition holds.

Pure: events and times in, an answer out. Which pane is meant, and where events come from, is not
known here. `now` is any clock that does not go back, in seconds.
"""

from __future__ import annotations

import math

import msgspec

from tmuxpulse.cli.conditions import (
    All,
    Any,
    Condition,
    Happened,
    Idle,
    Matches,
    Not,
    OneOf,
    Present,
    leaves,
)
from tmuxpulse.cli.describe import describe
from tmuxpulse.events import (
    AgentStatus,
    CommandFinished,
    Data,
    Event,
    PaneCommand,
    PaneCreated,
    PaneExited,
    PaneOutput,
    PanePath,
    PaneRemoved,
    PaneTitle,
)
from tmuxpulse.filters import compile_globs
from tmuxpulse.status.evidence import MAX_CELLS
from tmuxpulse.wire import PaneView

STRUCTURE = ("server.*", "session.*", "window.*")
PANE = (
    *("pane.created", "pane.removed", "pane.moved", "pane.exited", "pane.command"),
    *("pane.title", "pane.path", "agent.status"),
)


class Cause(msgspec.Struct, frozen=True):
    """With what a condition came to hold.

    Attributes:
        by: the type of an event; ``state``: it held already; ``time``: it was quiet for so long.
        text: what the event says.
    """

    by: str
    text: str = ""


class Awaited:
    """One pane, and a condition on it.

    Args:
        condition: what is waited for.
        now: when the wait began.

    Attributes:
        view: what it is like; None: it is not there.
        cause: with what the condition came to hold; None: it does not.
    """

    def __init__(self, condition: Condition, now: float) -> None:
        self.view: PaneView | None = None
        self.cause: Cause | None = None
        self._condition = condition
        self._quiet_since = now
        self._happened: dict[int, str] = {}
        self._happenings = [one for one in leaves(condition) if isinstance(one, Happened)]
        self._globs = {
            one.number: compile_globs(one.values) for one in self._happenings if one.kind == "event"
        }
        self._idles = [one.seconds for one in leaves(condition) if isinstance(one, Idle)]

    def see(self, view: PaneView | None, now: float) -> None:
        """It is like this now; None: it is not there."""
        self.view = view
        self._judge(now, Cause("state"))

    def take(self, event: Event, now: float) -> None:
        """Something happened to it."""
        data = event.data
        view = self.view
        match data:
            case PaneCreated():
                self.view = _created(data)
            case PaneRemoved():
                self.view = None
            case PaneOutput():
                self._quiet_since = now
        if view is not None and not isinstance(data, PaneCreated | PaneRemoved):
            self.view = _changed(view, data)
        found = [text for one in self._happenings if (text := self._note(one, event)) is not None]
        self._judge(now, Cause(event.type, found[0] if found else describe(data)))

    def pass_time(self, now: float) -> None:
        """Nothing happened."""
        self._judge(now, Cause("time"))

    def next_at(self, now: float) -> float:
        """When time alone may change something."""
        ends = [self._quiet_since + seconds for seconds in self._idles]
        return min((end for end in ends if end > now), default=math.inf)

    # --- helpers ---------------------------------------------------------------------------

    def _note(self, one: Happened, event: Event) -> str | None:
        """What makes it happen, if this does."""
        found: str | None = None
        match event.data:
            case PaneOutput() as output if one.kind == "output" and one.pattern is not None:
                lines = (*output.lines, output.partial, *output.rows.values())
                hits = (line for line in lines if one.pattern.search(line[:MAX_CELLS]))
                found = next(hits, None)
            case CommandFinished(exit_status=status) | PaneExited(exit_status=status):
                if one.kind == "exit" and status is not None:
                    found = describe(event.data) if _is_among(one, status) else None
        if one.kind == "event" and self._globs[one.number](event.type):
            found = describe(event.data)
        if found is not None:
            self._happened.setdefault(one.number, found)
        return found

    def _judge(self, now: float, cause: Cause) -> None:
        if not self._holds(self._condition, now):
            self.cause = None
        elif self.cause is None:
            self.cause = cause

    def _holds(self, condition: Condition, now: float) -> bool | None:
        """Whether it does; None: of a pane that is not there, nobody can say.

        So ``not status == busy`` does not hold of a pane that is gone.
        """
        match condition:
            case Not(part):
                found = self._holds(part, now)
                return None if found is None else not found
            case All(parts):
                answers = [self._holds(part, now) for part in parts]
                return False if False in answers else None if None in answers else True
            case Any(parts):
                answers = [self._holds(part, now) for part in parts]
                return True if True in answers else None if None in answers else False
            case Present(there):
                return (self.view is not None) is there
            case Happened():
                return self._has_happened(condition) or (None if self.view is None else False)
        return None if self.view is None else _is_so(self.view, condition, now - self._quiet_since)

    def _has_happened(self, one: Happened) -> bool:
        view = self.view
        if one.kind == "exit" and view is not None and view.exit_status is not None:
            return one.number in self._happened or _is_among(one, view.exit_status)
        return one.number in self._happened


def types_for(condition: Condition) -> tuple[str, ...]:
    """The types of events that can change whether it holds."""
    wanted = {*STRUCTURE, *PANE}
    for leaf in leaves(condition):
        match leaf:
            case Idle() | Happened(kind="output"):
                wanted.add("pane.output")
            case OneOf(field="line") | Matches(field="line"):
                wanted.add("pane.output")
            case Happened(kind="exit"):
                wanted.add("command.finished")
            case Happened(kind="event", values=values):
                wanted.update(values)
    return tuple(sorted(wanted))


def speaks_of_status(condition: Condition) -> bool:
    """Whether it says something of what panes do, which has to be judged."""
    return any(
        isinstance(leaf, OneOf | Matches) and leaf.field in ("status", "agent", "reason")
        for leaf in leaves(condition)
    )


def speaks_of_presence(condition: Condition) -> bool:
    """Whether it says something of panes that are not there."""
    return any(isinstance(leaf, Present) for leaf in leaves(condition))


def tells_of_the_past(condition: Condition) -> bool:
    """Whether an event that was missed may be the one that was waited for."""
    return any(isinstance(leaf, Happened | Idle) for leaf in leaves(condition))


def text_of(view: PaneView, field: str) -> str:
    """A field of a pane by its name in conditions."""
    if field == "agent":
        return view.agent_type or ""
    if field == "line":
        return view.last_line
    found: str = getattr(view, field)
    return found


def _is_so(view: PaneView, condition: Condition, quiet_seconds: float) -> bool:
    match condition:
        case Idle(seconds):
            return quiet_seconds >= seconds
        case OneOf(field, values, negated):
            return (text_of(view, field) in values) is not negated
        case Matches(field, pattern, negated):
            found = pattern.search(text_of(view, field)[:MAX_CELLS]) is not None
            return found is not negated
    raise AssertionError(condition)


def _is_among(one: Happened, status: int) -> bool:
    return (str(status) in one.values) is not one.negated


def _created(data: PaneCreated) -> PaneView:
    return PaneView(
        id=data.id,
        index=data.index,
        active=data.active,
        command=data.command,
        pid=data.pid,
        title=data.title,
        path=data.path,
        width=data.width,
        height=data.height,
        dead=data.dead,
        exit_status=data.exit_status,
        signal=data.signal,
        status=data.status,
        last_line=data.last_line,
    )


def _changed(view: PaneView, data: Data) -> PaneView:
    changed: dict[str, object] = {}
    match data:
        case AgentStatus():
            changed = {"status": data.status, "reason": data.reason, "agent_type": data.agent_type}
        case PaneCommand():
            changed = {"command": data.command, "pid": data.pid, "dead": False, "exit_status": None}
        case PaneTitle():
            changed = {"title": data.title}
        case PanePath():
            changed = {"path": data.path}
        case PaneExited():
            changed = {"dead": True, "exit_status": data.exit_status, "signal": data.signal}
        case PaneOutput():
            shown = [line for line in (*data.lines, data.partial) if line.strip()]
            lowest = sorted((int(row), text) for row, text in data.rows.items() if text.strip())
            shown += [text for _, text in lowest]
            changed = {"last_line": shown[-1]} if shown else {}
    return msgspec.structs.replace(view, **changed) if changed else view
