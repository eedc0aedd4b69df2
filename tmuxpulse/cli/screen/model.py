"""What the full screen shows, and what keys change about it. Pure: time is an argument.

It knows panes and events, but neither a terminal nor where the events come from. What has to be
done outside (write a file, steer a replay, quit) is given back by `press` as a `Task`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import ClassVar, Literal, NamedTuple

import msgspec

from tmuxpulse.cli.screen.board import Board
from tmuxpulse.cli.screen.coloured import Line, lines_of, shown_lines
from tmuxpulse.cli.screen.keys import REPLAY_ONLY, KeyMap
from tmuxpulse.cli.screen.log import Entry, Log, matching
from tmuxpulse.cli.screen.pane import Key, Pane, Turn, admits_panes, attention
from tmuxpulse.cli.screen.prompt import Prompt
from tmuxpulse.cli.screen.wanted import filter_text, parse_filter
from tmuxpulse.client.incoming import Incoming, Received
from tmuxpulse.config.settings import WatchKeysTable
from tmuxpulse.errors import UsageError
from tmuxpulse.filters import EVERYTHING, Filter
from tmuxpulse.styles import Run
from tmuxpulse.wire import Gap, SnapshotData

Mode = Literal["overview", "pane", "timeline", "help"]
Focus = Literal["panes", "events"]

ORDER_SECONDS = 1.0  # so often the order is looked at though nothing happened: news get old


class Task(NamedTuple):
    """Something to be done outside: ``quit``, ``export`` with a file name, or one of a replay."""

    name: str
    argument: str = ""


class Sight(msgspec.Struct, frozen=True):
    """What a pane shows.

    Attributes:
        key: the pane.
        rows: its text, the newest at the end.
        styles: of each row its runs of colours; empty: not known.
        lines: how many lines it had finished by then, as far as that is known.
    """

    key: Key
    rows: tuple[str, ...]
    lines: int = 0
    styles: Sequence[Sequence[Run]] = ()


class Frozen(NamedTuple):
    """What is shown while new events wait."""

    panes: list[Pane]
    entries: list[Entry]
    first: int
    total: int
    taken: int


class Model:
    """The full screen.

    Args:
        keys: what each key does.
        wanted: which panes and events are shown at first.
        without: pairs of a tmux socket and a pane to leave out.
        replay: whether a recording is shown.

    Attributes:
        board: the panes.
        log: the events.
        mode: what is shown.
        focus: which list the keys move in.
        prompt: what the user is writing; None: nothing.
        message: said at the bottom until the next key.
        problem: said at the top while it holds.
        chosen: the pane that is selected.
        pages: how many rows each part has, as it was drawn last, by mode or focus.
        scroll: rows from the end in the view of a pane, or from the start of timeline and help.
        end: the number after the last event in view; None: the newest.
        needle: what is searched for, casefolded.
        changed: whether a new picture is due.
    """

    def __init__(
        self,
        keys: KeyMap | None = None,
        *,
        wanted: Filter = EVERYTHING,
        without: Collection[tuple[str, str]] = (),
        replay: bool = False,
    ) -> None:
        self.board = Board(without=without, own_times=replay)
        self.log = Log()
        self.keys = KeyMap(WatchKeysTable()) if keys is None else keys
        self.replay = replay
        self.mode: Mode = "overview"
        self.focus: Focus = "panes"
        self.prompt: Prompt | None = None
        self.message = ""
        self.problem = ""
        self.chosen: Key | None = None
        self.pages: dict[str, int] = {}
        self.scroll = 0
        self.end: int | None = None
        self.needle = ""
        self.changed = True
        self.taken = 0
        self.sight: Sight | None = None
        self.wanted = wanted
        self.frozen: Frozen | None = None
        self._keeps = admits_panes(wanted)
        self._is_steered = False
        self._ordered: list[Pane] = []
        self._ordered_for: tuple[int, float] = (-1, 0.0)
        self.log.narrow(wanted)

    # --- what comes ------------------------------------------------------------------------

    def begin(self, state: SnapshotData, now: float) -> None:
        """Take the state that the events begin with."""
        self.board.begin(state.data)
        self.changed = True
        self.panes(now)

    def take(self, items: Iterable[Incoming], now: float, *, since: int = 0) -> None:
        """Take what came.

        Args:
            items: events, and what is to be known about them.
            now: seconds since the epoch.
            since: events up to this number tell of what the state at the beginning tells too.
        """
        for item in items:
            match item:
                case Received(numbered):
                    if numbered.seq <= since or self.board.leaves_out(numbered.event):
                        continue
                    self.board.follow(numbered, now)
                    self.log.add(item, now)
                    self.taken += 1
                case Gap(dropped=dropped, only=only):
                    what = f"{'some' if dropped is None else dropped} events"
                    self.log.note(f"{what} were lost{f' ({only})' if only else ''}", now)
                case SnapshotData(data=tree):
                    self.board.begin(tree)
                case _:
                    self.log.note("the stream began anew", now)
            self.changed = True

    def see(self, sight: Sight) -> None:
        """Take what a pane shows."""
        if sight != self.sight:
            self.sight = sight
            self.changed = True

    # --- what is shown ---------------------------------------------------------------------

    def panes(self, now: float) -> list[Pane]:
        """The panes in order; the chosen one stays chosen wherever it goes.

        Until somebody presses a key that is the first one.
        """
        if self.frozen is not None:
            return self.frozen.panes
        self.board.settle()
        changes, at = self._ordered_for
        if changes != self.board.changes or not 0 <= now - at < ORDER_SECONDS:
            found = [pane for pane in self.board.panes.values() if self._keeps(pane)]
            before = self.position
            self._ordered = sorted(found, key=lambda pane: attention(pane, now))
            self._ordered_for = (self.board.changes, now)
            if not self._ordered:
                self.chosen = None
            elif not self._is_steered:  # nobody has looked at another one yet
                self.chosen = self._ordered[0].key
            elif self.chosen not in {pane.key for pane in self._ordered}:
                self.chosen = self._ordered[min(before or 0, len(self._ordered) - 1)].key
        return self._ordered

    @property
    def position(self) -> int | None:
        """Where the chosen pane is in the list; None: nowhere."""
        panes = self._ordered if self.frozen is None else self.frozen.panes
        return next((at for at, pane in enumerate(panes) if pane.key == self.chosen), None)

    @property
    def pane(self) -> Pane | None:
        """The chosen pane."""
        panes = self._ordered if self.frozen is None else self.frozen.panes
        at = self.position
        return None if at is None else panes[at]

    @property
    def page(self) -> int:
        """How many rows the part has that the keys move in."""
        return self.pages.get(self.focus if self.mode == "overview" else self.mode, 1)

    @page.setter
    def page(self, rows: int) -> None:
        self.pages[self.focus if self.mode == "overview" else self.mode] = rows

    @property
    def total(self) -> int:
        """The number after the newest event that is shown."""
        return self.log.total if self.frozen is None else self.frozen.total

    @property
    def waiting_events(self) -> int:
        """How many events came since the pause."""
        return 0 if self.frozen is None else self.taken - self.frozen.taken

    def events(self, count: int) -> list[Entry]:
        """So many of the events in view, the oldest first."""
        end = self.total if self.end is None else self.end
        if self.frozen is None:
            return self.log.last(max(end, self.log.first + count), count)
        stop = min(max(end - self.frozen.first, count), len(self.frozen.entries))
        return self.frozen.entries[max(stop - count, 0) : stop]

    def all_events(self) -> list[Entry]:
        """All events that can be scrolled to."""
        return self.log.entries() if self.frozen is None else self.frozen.entries

    def lines(self) -> Sequence[Line]:
        """What the chosen pane shows, as far as it is known."""
        pane = self.pane
        if pane is None:
            return ()
        if self.sight is None or self.sight.key != pane.key:
            return lines_of(pane.texts())
        seen = lines_of(self.sight.rows, self.sight.styles)
        since = pane.texts_since(self.sight.lines)
        if not since:
            return seen
        # The last row that was seen is the unfinished line that is finished now.
        return (*shown_lines(seen)[:-1], *lines_of(since))

    def rows(self) -> tuple[str, ...]:
        """The texts of these lines."""
        return tuple(line.text for line in self.lines())

    def turns(self) -> list[Turn]:
        """The statuses of the chosen pane, the newest first."""
        return [] if self.pane is None else list(reversed(self.pane.turns))

    # --- keys ------------------------------------------------------------------------------

    def press(self, key: str, now: float) -> Task | None:
        """Take a key; gives what has to be done outside."""
        self.changed = True
        self.message = ""
        self.panes(now)
        self._is_steered = True
        if self.prompt is not None:
            return self._write(self.prompt, key, now)
        action = self.keys.action(key)
        if action is None:
            self.message = f"no such key; {self.keys.hint('help')} shows all"
            return None
        if action in REPLAY_ONLY or (action == "pause" and self.replay):
            self.message = "" if self.replay else "that is for a replay"
            return Task(action) if self.replay else None
        if action in self._simple:
            self._simple[action](self, now)
            return None
        return self._leave_or_quit(action)

    def _leave_or_quit(self, action: str) -> Task | None:
        if self.mode != "overview":
            self._show("overview")
        elif action == "quit":
            return Task("quit")
        elif self.needle:
            self.needle = ""
        return None

    def choose(self, at: int, now: float) -> None:
        """Choose the pane at a position of the list; once more: open it."""
        panes = self.panes(now)
        self._is_steered = True
        if not 0 <= at < len(panes):
            return
        again = self.chosen == panes[at].key and self.focus == "panes"
        self.focus, self.chosen, self.changed = "panes", panes[at].key, True
        if again:
            self._show("pane")

    def scroll_by(self, rows: int, now: float) -> None:
        """Move what is focused by so many rows; up is negative."""
        self.changed = self._is_steered = True
        if self.mode == "pane":
            self.scroll = min(max(self.scroll - rows, 0), max(len(self.rows()) - self.page, 0))
        elif self.mode != "overview":
            count = len(self.turns() if self.mode == "timeline" else self.keys.help())
            self.scroll = min(max(self.scroll + rows, 0), max(count - self.page, 0))
        elif self.focus == "panes":
            panes = self.panes(now)
            if panes:
                at = (self.position or 0) + rows
                self.chosen = panes[min(max(at, 0), len(panes) - 1)].key
        else:
            self._to_event((self.total if self.end is None else self.end) + rows)

    def _to_event(self, end: int) -> None:
        first = self.log.first if self.frozen is None else self.frozen.first
        lowest = min(first + self.page, self.total)
        self.end = None if end >= self.total else max(end, lowest)

    def _show(self, mode: Mode) -> None:
        self.mode = "overview" if self.mode == mode else mode
        self.scroll = 0

    def _open(self, mode: Mode) -> None:
        if mode != "help" and self.pane is None:
            self.message = "there is no pane"
        else:
            self._show(mode)

    def _next_focus(self, _now: float) -> None:
        self.focus = "events" if self.focus == "panes" else "panes"

    def _pause(self, _now: float) -> None:
        if self.frozen is not None:
            self.frozen = None
            self._ordered_for = (-1, 0.0)
            self.end = None
        else:
            panes = [copy.copy(pane) for pane in self._ordered]
            entries = self.log.entries()
            self.frozen = Frozen(panes, entries, self.log.first, self.log.total, self.taken)

    def _acknowledge(self, now: float) -> None:
        pane = self.pane
        if pane is None or pane.kind(now) not in ("failed", "waiting", "done"):
            self.message = "nothing to acknowledge: it neither failed, nor waits, nor is done"
            return
        # While paused `pane` is a copy: what came since then is not seen yet.
        seen = -1 if pane.acknowledged else pane.news
        for one in (pane, self.board.panes.get(pane.key, pane)):
            one.seen = seen
        self.board.changes += 1

    # --- prompts ---------------------------------------------------------------------------

    def ask(self, prompt: Prompt) -> None:
        """Let the user write something."""
        self.prompt = prompt

    def _write(self, prompt: Prompt, key: str, now: float) -> Task | None:
        if key == "esc":
            self.prompt = None
        elif key != "enter":
            self.prompt = prompt.press(key)
        else:
            self.prompt = None
            match prompt.kind:
                case "search":
                    self.needle = prompt.text.casefold()
                    if self.needle:
                        self._search(now, 1, inclusive=True)
                case "filter":
                    self._filter(prompt.text, now)
                case "export":
                    return Task("export", prompt.text) if prompt.text else None
        return None

    def _filter(self, text: str, now: float) -> None:
        try:
            wanted = parse_filter(text)
        except UsageError as error:
            self.message = str(error)
            self.prompt = Prompt("filter", text)
            return
        self.narrow(wanted, now)

    def narrow(self, wanted: Filter, now: float) -> None:
        """Show what another filter admits."""
        self.wanted = wanted
        self._keeps = admits_panes(wanted)
        self.log.narrow(wanted)
        if self.frozen is not None:
            self._pause(now)
        self.end = None
        self._ordered_for = (-1, 0.0)
        self.panes(now)
        self.changed = True

    def _search(self, now: float, step: int, *, inclusive: bool = False) -> None:
        if not self.needle:
            self.message = f"nothing is searched for; {self.keys.hint('search')} searches"
            return
        found, at = self._matches(now)
        if not found:
            self.message = f"not found: {self.needle}"
            return
        if step > 0:
            hit = next((one for one in found if one > at or (inclusive and one == at)), found[0])
        else:
            hit = next((one for one in reversed(found) if one < at), found[-1])
        self.message = f"{found.index(hit) + 1} of {len(found)}"
        if self.mode == "pane":
            self.scroll = max(len(self.rows()) - 1 - hit, 0)
        elif self.focus == "panes":
            self.chosen = self.panes(now)[hit].key
        else:
            first = self.log.first if self.frozen is None else self.frozen.first
            self.end = first + hit + 1

    def _matches(self, now: float) -> tuple[list[int], int]:
        """The positions that match, and where we are, in what is focused."""
        if self.mode == "pane":
            rows = self.rows()
            found = [at for at, row in enumerate(rows) if self.needle in row.casefold()]
            return found, len(rows) - 1 - self.scroll
        if self.focus == "panes":
            panes = self.panes(now)
            found = [at for at, pane in enumerate(panes) if pane.matches(self.needle)]
            return found, self.position or 0
        first = self.log.first if self.frozen is None else self.frozen.first
        end = self.total if self.end is None else self.end
        return matching(self.all_events(), self.needle, len(self.board.servers)), end - 1 - first

    _simple: ClassVar[dict[str, Callable[[Model, float], None]]] = {
        "up": lambda self, now: self.scroll_by(-1, now),
        "down": lambda self, now: self.scroll_by(1, now),
        "page_up": lambda self, now: self.scroll_by(-max(self.page - 1, 1), now),
        "page_down": lambda self, now: self.scroll_by(max(self.page - 1, 1), now),
        "first": lambda self, now: self.scroll_by(-(10**6), now),
        "last": lambda self, now: self.scroll_by(10**6, now),
        "focus": _next_focus,
        "search": lambda self, _now: self.ask(Prompt("search")),
        "search_next": lambda self, now: self._search(now, 1),
        "search_previous": lambda self, now: self._search(now, -1),
        "filter": lambda self, _now: self.ask(Prompt("filter", filter_text(self.wanted))),
        "pause": _pause,
        "open": lambda self, _now: self._open("pane"),
        "timeline": lambda self, _now: self._open("timeline"),
        "acknowledge": _acknowledge,
        "export": lambda self, now: self.ask(Prompt("export", export_name(now))),
        "help": lambda self, _now: self._open("help"),
    }


def export_name(now: float) -> str:
    """A name for a file to export to."""
    return datetime.fromtimestamp(now).astimezone().strftime("tmuxpulse-%Y%m%d-%H%M%S.jsonl")
