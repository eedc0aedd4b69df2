"""The panes of one tmux server: what they print, show and run becomes events.

It brings together who reads output, who captures screens, who looks at processes and who judges.
Where a pane is, and that there is such a pane, the caller knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import trio

from tmuxpulse import events as ev
from tmuxpulse.collect.alarm import Timetable
from tmuxpulse.collect.engine import Engine
from tmuxpulse.collect.feed import PaneFeed
from tmuxpulse.collect.listed import evidence_of
from tmuxpulse.collect.looks import Looks
from tmuxpulse.collect.processes import Found
from tmuxpulse.collect.scans import Looker, Scans
from tmuxpulse.collect.screens import Shown
from tmuxpulse.collect.status import MARKS, Statuses
from tmuxpulse.collect.taps import Taps
from tmuxpulse.redaction.redactor import Redactor
from tmuxpulse.status.book import Book
from tmuxpulse.status.evidence import Evidence, Output, Processes, Report, Screen
from tmuxpulse.tmux import reports
from tmuxpulse.tmux.formats import PaneRow, clean
from tmuxpulse.wire import PaneExplanation


class Panes:
    """The panes that are there.

    Args:
        publish: publishes events of a pane, together and at once; none is fine.
        wants: tells whether anybody would be given events of a type.
        redactor: masks secrets.
        book: the rules that statuses are told by.
        looker: looks at processes; by default in a worker thread.
        judges: whether it is told what panes do; else nobody looks at processes.
    """

    def __init__(
        self,
        publish: Callable[[str, Sequence[ev.Data]], None],
        wants: Callable[[str], bool],
        redactor: Redactor,
        book: Book,
        looker: Looker | None = None,
        *,
        judges: bool = True,
    ) -> None:
        self._publish = publish
        self._wants = wants
        self._redactor = redactor
        self._rows: Mapping[str, PaneRow] = {}
        self._feeds: dict[str, PaneFeed] = {}
        self._looks = Looks(self._feeds, self._seen)
        self._scans = Scans(self.pids, self._found, looker)
        self._judges = judges
        self._statuses = Statuses(book, publish, judges=judges)
        self._taps = Taps(redactor)
        self._pauses = Timetable()  # of panes whose feeds hold something: when they end

    async def run(self, engine: Engine) -> None:
        """Publish, capture, look and judge when it is time, until cancelled.

        Raises:
            TmuxError: the engine cannot capture.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._publish_outputs)
            nursery.start_soon(self._flush_taps)
            nursery.start_soon(self._looks.run, engine)
            if self._judges:
                nursery.start_soon(self._scans.run)
            nursery.start_soon(self._statuses.run)

    # --- what is known -----------------------------------------------------------------------

    def pids(self) -> dict[str, int]:
        """The first process of each pane that has one."""
        return {key: row.pane_pid for key, row in self._rows.items() if not row.pane_dead}

    def last_line(self, pane_id: str) -> str:
        """The last line a pane showed."""
        feed = self._feeds.get(pane_id)
        return "" if feed is None else feed.last_line

    def status(self, pane_id: str) -> ev.AgentStatus:
        """What was told last of what a pane is doing."""
        return self._statuses.told(pane_id)

    def explain(self, pane_id: str) -> PaneExplanation | None:
        """Say why a pane's status is what it is; None: there is no such pane."""
        return self._statuses.explain(pane_id)

    # --- what comes in -----------------------------------------------------------------------

    def listed(self, rows: Mapping[str, PaneRow], drawn: set[str]) -> None:
        """Take what a list says.

        Args:
            rows: of each pane; those that are in none any more are forgotten.
            drawn: panes whose program was made to draw anew.
        """
        before, self._rows = self._rows, rows
        for pane_id in self._feeds.keys() - rows.keys():
            self._forget(pane_id)
        now = trio.current_time()
        for pane_id, row in rows.items():
            was, is_drawn = before.get(pane_id), pane_id in drawn
            if was is None:
                self._feeds[pane_id] = PaneFeed(self._redactor)
                self._statuses.add(pane_id)
            elif was == row and not is_drawn:
                continue
            evidence = evidence_of(was, row, now, drawn=is_drawn)
            if was is None or is_drawn:
                self._looks.changed(pane_id)
            if any(isinstance(one, Processes) for one in evidence):
                self._scans.soon(pane_id)
            self._publish(pane_id, self._statuses.saw(pane_id, evidence))

    def output(self, pane_id: str, data: bytes) -> None:
        """Take bytes that a pane's program printed."""
        feed = self._feeds.get(pane_id)
        if feed is None:
            return
        if self._wants(ev.PaneBytes.type):
            self._publish(pane_id, self._taps.feed(pane_id, data, self._size(pane_id)))
        feed.output(data)
        self._looks.printed(pane_id, ends_line=data.endswith(b"\n"))
        if trio.current_time() >= feed.due:
            self._publish_output(pane_id)
        else:
            self._pauses.set(pane_id, feed.due)

    def streams(self, pane_id: str, *, on: bool) -> None:
        """Learn whether all output of a pane comes to `output` from now on."""
        feed = self._feeds.get(pane_id)
        if feed is None or feed.streams == on:
            return
        self._publish_output(pane_id)
        feed.begin(streams=on, alternate=self._rows[pane_id].alternate_on)
        self._looks.changed(pane_id)

    def report(self, pane_id: str, report: reports.Report) -> bool:
        """Take what the program in a pane says it is doing; False: there is no such pane."""
        if pane_id not in self._feeds:
            return False
        said = Report(
            at=trio.current_time(),
            status=report.status,
            reason=self._said(report.reason),
            agent_type=None if report.agent_type is None else self._said(report.agent_type),
            source=self._said(report.source),
        )
        self._publish(pane_id, self._statuses.saw(pane_id, [said]))
        return True

    def let_go(self, pane_ids: Iterable[str]) -> None:
        """Publish what is held back of panes that end."""
        for pane_id in pane_ids:
            self._publish_output(pane_id)
            self._flush_tap(pane_id)

    def _found(self, pane_id: str, found: Found) -> None:
        """Take what runs in a pane."""
        row = self._rows.get(pane_id)
        if row is None:
            return
        command = row.pane_current_command
        seen = Processes(
            at=trio.current_time(),
            command=command,
            program="" if found.program == command else found.program,
            pid=row.pane_pid,
            children=found.children,
        )
        self._publish(pane_id, self._statuses.saw(pane_id, [seen]))

    def _seen(self, pane_id: str, shown: Shown, at: float, *, changed: bool) -> None:
        """Take a screen that was captured."""
        feed, row = self._feeds[pane_id], self._rows[pane_id]
        output: ev.PaneOutput | None = None
        evidence: list[Evidence] = []
        if feed.shows_screen:
            output = feed.screen(shown.rows, row.pane_width)
            if output is not None and not feed.streams:  # nothing else tells that it printed
                size = sum(map(len, output.rows.values()))
                evidence.append(Output(at=at, bytes=max(1, size), appends=False))
        if changed:
            told = not feed.shows_screen
            rows = self._redactor.screen(shown.rows, row.pane_width).rows if told else feed.rows
            if told:
                feed.shown(rows)
            evidence.append(
                Screen(
                    at=at,
                    rows=tuple(rows),
                    cursor_row=shown.cursor_row,
                    cursor_column=shown.cursor_column,
                    alternate=shown.alternate,
                    width=row.pane_width,
                    height=row.pane_height,
                    told=told,
                )
            )
        events = [] if output is None else [output]
        self._publish(pane_id, [*events, *self._statuses.saw(pane_id, evidence)])

    # --- output ------------------------------------------------------------------------------

    def _publish_output(self, pane_id: str) -> None:
        feed = self._feeds.get(pane_id)
        if feed is None:
            return
        taken = feed.take(trio.current_time())
        if taken.bytes:
            self._scans.printed(pane_id)
        if any(isinstance(signal, MARKS) for signal in taken.signals):
            self._scans.soon(pane_id)
        self._publish(pane_id, self._statuses.printed(pane_id, taken))

    async def _publish_outputs(self) -> None:
        """Publish what had to wait for its pause to end."""
        while True:
            await self._pauses.wait()
            for pane_id in self._pauses.due(trio.current_time()):
                self._publish_output(pane_id)

    def _forget(self, pane_id: str) -> None:
        del self._feeds[pane_id]
        self._pauses.unset(pane_id)
        self._taps.forget(pane_id)
        self._statuses.forget(pane_id)
        self._looks.forget(pane_id)
        self._scans.forget(pane_id)

    def _said(self, text: str) -> str:
        return clean(" ".join(self._redactor.redact_line(text).text.split()))

    # --- terminal bytes ----------------------------------------------------------------------

    def _size(self, pane_id: str) -> tuple[int, int]:
        row = self._rows[pane_id]
        return row.pane_width, row.pane_height

    def _flush_tap(self, pane_id: str) -> None:
        if pane_id in self._feeds:
            self._publish(pane_id, self._taps.flush(pane_id, self._size(pane_id)))

    async def _flush_taps(self) -> None:
        """Let go of what was held back because it might become a secret, and did not go on."""
        while True:
            await self._taps.wait()
            for pane_id in self._taps.panes:
                self._flush_tap(pane_id)
            if not self._wants(ev.PaneBytes.type):
                self._taps.clear()
