"""One pane as the full screen knows it, and how much it wants a person's attention. Pure.

Times are seconds since the epoch; the caller has the clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from tmuxpulse import events as ev
from tmuxpulse.cli.lines import place_text
from tmuxpulse.filters import Filter, compile_filters

Kind = Literal["failed", "waiting", "done", "busy", "idle"]
KINDS: tuple[Kind, ...] = ("failed", "waiting", "done", "busy", "idle")

DONE_SECONDS = 600.0  # after that, what is done is old news
MAX_TURNS = 200  # of a pane's status, kept
MAX_TAIL = 200  # lines a pane printed, kept
MAX_LINE = 500  # characters of each
MAX_ROWS = 500  # of a screen

Key = tuple[str, str]  # the tmux server's name, and the pane's id


class Turn(msgspec.Struct, frozen=True):
    """A pane's status from some time on.

    Attributes:
        at: since when.
        status: which, or how its program ended.
        why: the reason, and what showed it.
    """

    at: float
    status: str
    why: str


class Pane:
    """What is known of a pane.

    Args:
        key: which.
        place: where it is.

    Attributes:
        outputs: counts what it printed.
        lines: counts the lines it finished.
        news: counts what a person may want to see.
        seen: the `news` that a person has acknowledged.
        finished: whether it became ready from something else.
        evidence: what showed its status; for one that waits, the question.
    """

    def __init__(self, key: Key, place: ev.Place) -> None:
        self.key = key
        self.place = place
        self.command = self.title = self.path = ""
        self.size = (0, 0)
        self.dead = False
        self.exit_status: int | None = None
        self.signal: str | None = None
        self.status = "unknown"
        self.since: float | None = None
        self.finished = False
        self.reason = self.evidence = ""
        self.agent_type: str | None = None
        self.last_line = ""
        self.outputs = 0
        self.errors = 0
        self.news = 0
        self.seen = -1
        self.turns: deque[Turn] = deque(maxlen=MAX_TURNS)
        self.lines = 0
        self._tail: deque[str] = deque(maxlen=MAX_TAIL)
        self._partial = ""
        self._rows: dict[int, str] = {}

    @property
    def program(self) -> str:
        """What runs in it."""
        return self.agent_type or self.command

    @property
    def acknowledged(self) -> bool:
        """Whether a person has seen all that is new."""
        return self.seen == self.news

    @property
    def text(self) -> str:
        """What to say of it in a line: the question, the error, else the last line."""
        last = self.last_line.strip()
        if not self.dead and self.status == "waiting":
            return self.evidence.strip() or last or self.reason
        return self.why if self.dead or self.status == "error" else last or self.reason

    @property
    def why(self) -> str:
        """Why its status is what it is, and what shows it."""
        if self.dead:
            return self.ending
        shown = self.evidence.strip() or self.last_line.strip()
        return ": ".join(filter(None, (self.reason, "" if shown in self.reason else shown)))

    @property
    def ending(self) -> str:
        """How its program ended."""
        if self.signal:
            return f"ended by signal {self.signal}"
        return "ended" if self.exit_status is None else f"ended with exit status {self.exit_status}"

    def kind(self, now: float) -> Kind:
        """What it is to a person at a time."""
        recent = self.since is not None and now - self.since < DONE_SECONDS
        if self.dead:
            if self.signal or self.exit_status:
                return "failed"
            return "done" if recent else "idle"
        match self.status:
            case "error":
                return "failed"
            case "waiting" | "busy":
                return "waiting" if self.status == "waiting" else "busy"
        return "done" if self.finished and recent else "idle"

    def texts(self) -> list[str]:
        """The last lines or rows that it is known to have shown, the newest last."""
        if self._rows:
            count = min(max(self._rows) + 1, self.size[1] or MAX_ROWS)
            return [self._rows.get(number, "") for number in range(count)]
        found = [*self._tail, *([self._partial] if self._partial else [])]
        return found or ([self.last_line] if self.last_line else [])

    def texts_since(self, lines: int) -> list[str]:
        """What it printed after it had finished so many lines, with the unfinished one."""
        count = min(self.lines - lines, len(self._tail))
        if self._rows or count <= 0:
            return []
        return [*list(self._tail)[-count:], self._partial]

    def matches(self, needle: str) -> bool:
        """Whether a casefolded text is in what the list says of it."""
        said = (place_text(self.place, servers=2), self.program, self.text, self.title, self.path)
        return any(needle in one.casefold() for one in said)

    # --- what changes it -------------------------------------------------------------------

    def printed(self, data: ev.PaneOutput) -> None:
        """Take what it printed."""
        self.outputs += 1
        if data.mode == "append":
            self._rows = {}
            self.lines += len(data.lines)
            self._tail.extend(line[:MAX_LINE] for line in data.lines[-MAX_TAIL:])
            self._partial = data.partial[:MAX_LINE]
            texts: Sequence[str] = (*data.lines[-8:], data.partial)
        else:
            for number, row in data.rows.items():
                if number.isdecimal() and int(number) < MAX_ROWS:
                    self._rows[int(number)] = row[:MAX_LINE]
            texts = [self._rows[number] for number in sorted(self._rows)]
        for text in reversed(texts):
            if text.strip():
                self.last_line = text[:MAX_LINE]
                return

    def turn(self, data: ev.AgentStatus, at: float) -> None:
        """Take a status."""
        if (data.status, data.reason, data.evidence) != (self.status, self.reason, self.evidence):
            self.news += 1
        self.finished = data.status == "ready" and self.status in ("busy", "waiting", "error")
        self.status, self.since = data.status, at
        self.reason, self.evidence = data.reason, data.evidence
        self.agent_type = data.agent_type
        why = ": ".join(filter(None, (data.reason, data.evidence.strip())))
        self.turns.append(Turn(at, data.status, why))

    def recall(self, turns: Sequence[Turn]) -> None:
        """Take what its turns were before those that are known."""
        known = list(self.turns)
        first = known[0].at if known else float("inf")
        # A snapshot tells no evidence of the turn that holds; the history does.
        if any((turn.at, turn.status) == (first, known[0].status) for turn in turns if known):
            del known[0]
            before = [turn for turn in turns if turn.at <= first]
        else:
            before = [turn for turn in turns if turn.at < first]
        self.turns = deque([*before, *known], maxlen=MAX_TURNS)

    def exit(self, data: ev.PaneExited, at: float) -> None:
        """Take how its program ended."""
        self.dead, self.exit_status, self.signal = True, data.exit_status, data.signal
        self.since = at
        self.news += 1
        self.turns.append(Turn(at, "ended", self.ending))


def attention(pane: Pane, now: float) -> tuple[int, float, tuple[str, str, int, int]]:
    """The place of a pane in the list: what has to be seen first is least.

    Failed ones, the newest first; waiting ones, the one that waits for longest first; done ones,
    the newest first; then busy and idle ones by place; what was acknowledged at the end.
    """
    place = pane.place
    at = (place.server or "", place.session or "", place.window or 0, place.pane or 0)
    kind = pane.kind(now)
    rank = KINDS.index(kind)
    if rank < KINDS.index("busy"):
        if pane.acknowledged:
            return (len(KINDS), 0.0, at)
        since = pane.since if pane.since is not None else now
        return (rank, since if kind == "waiting" else -since, at)
    return (rank, 0.0, at)


def admits_panes(wanted: Filter) -> Callable[[Pane], bool]:
    """Whether a filter of events wants a pane in the list: by place, status and text."""
    admits = compile_filters(
        [Filter(sessions=wanted.sessions, windows=wanted.windows, panes=wanted.panes)]
    )
    needles = tuple(text.casefold() for text in wanted.contains)
    nothing = ev.PaneBell()

    def keeps(pane: Pane) -> bool:
        if wanted.statuses and pane.status not in wanted.statuses:
            return False
        if needles and not any(pane.matches(needle) for needle in needles):
            return False
        return admits(ev.Event(pane.place, nothing))

    return keeps
